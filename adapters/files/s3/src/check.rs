//! Looking whether the store can be used: credential, bucket, region, permissions. Changes nothing.

use crate::store::S3Store;
use bellhop_core::ports::{Finding, PortResult, Versioning};
use bellhop_core::{PortError, PortErrorKind};

impl S3Store {
    pub(crate) async fn findings(&self) -> PortResult<Vec<Finding>> {
        let good = |text: String| Finding { good: true, text };
        let bad = |error: &PortError| Finding { good: false, text: error.message.clone() };
        let mut found = Vec::new();
        let credential = match self.account.credential("check").await {
            Ok(credential) => credential,
            Err(error) => return Ok(vec![bad(&error)]),
        };
        let kind = if credential.session_token().is_some() { "a temporary credential" } else { "a credential" };
        found.push(good(format!("there is {kind} ({})", crate::share::limit(self).await?.why)));
        if let Err(error) = self.reach("check").await {
            if matches!(error.kind, PortErrorKind::Unavailable | PortErrorKind::TimedOut) {
                return Err(error);
            }
            found.push(bad(&error));
            return Ok(found);
        }
        let region = match self.account.regions.of(self.bucket()) {
            Some(region) => {
                format!("{region} and not where it was looked for first; write region = \"{region}\" in [{}]", self.account.service)
            }
            None => self.account.region().await?.to_owned(),
        };
        found.push(good(format!("the bucket {} is there, in {region}", self.bucket())));
        if !self.account.config.customer_keys.is_empty() {
            let (good, text) = if self.account.config.is_private() {
                let names: Vec<&str> = self.account.config.customer_keys.keys().map(String::as_str).collect();
                (true, format!("files can be under keys of your own: {}; what is under a lost one is lost", names.join(", ")))
            } else {
                (false, self.exposed())
            };
            found.push(Finding { good, text });
        }
        match self.page("", None, 1).await {
            Ok(_) => found.push(good("files can be listed".to_owned())),
            Err(error) => found.push(bad(&error)),
        }
        match self.ask_versioning(self.bucket()).await {
            Ok(Versioning::On) => found.push(good("older versions are kept".to_owned())),
            Ok(Versioning::Off | Versioning::Suspended) => {
                found.push(good(format!(
                    "older versions are not kept: what is deleted or overwritten is gone (`bucket versioning {} on` changes that)",
                    self.bucket()
                )));
            }
            Err(error) if error.kind == PortErrorKind::Unsupported => found.push(good("the server has no versions".to_owned())),
            Err(error) => found.push(bad(&error)),
        }
        Ok(found)
    }
}
