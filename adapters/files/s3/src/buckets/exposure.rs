//! What strangers may do in a bucket: its block of public access, its grants and its policy together, in words.

use super::policy;
use crate::fault::{Ask, Said};
use crate::store::S3Store;
use aws_sdk_s3::types::{Permission, PublicAccessBlockConfiguration};
use bellhop_core::PortErrorKind;
use bellhop_core::ports::{PortResult, PublicAccess, PublicLevel};

/// The groups that strangers are in.
const STRANGERS: [(&str, &str); 2] = [("/global/AllUsers", "everyone"), ("/global/AuthenticatedUsers", "anyone with an AWS account")];

/// What may not be seen, or doesn't exist, decides nothing.
fn hidden<T>(result: PortResult<T>) -> PortResult<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if matches!(error.kind, PortErrorKind::Denied | PortErrorKind::Unsupported) => Ok(None),
        Err(error) => Err(error),
    }
}

fn rank(level: PublicLevel) -> u8 {
    match level {
        PublicLevel::Closed => 0,
        PublicLevel::Read => 1,
        PublicLevel::List => 2,
        PublicLevel::Write => 3,
    }
}

impl S3Store {
    async fn policy_text(&self, bucket: &str) -> PortResult<Option<String>> {
        let client = self.account.client().await?;
        match client.get_bucket_policy().bucket(bucket).send().await {
            Ok(got) => Ok(got.policy().filter(|text| !text.is_empty()).map(str::to_owned)),
            Err(error) if Said::of(&error).is_some_and(|said| said.code == "NoSuchBucketPolicy") => Ok(None),
            Err(error) => Err(self.account.failed(Ask::bucket("info", "s3:GetBucketPolicy", bucket), &error)),
        }
    }

    pub(super) async fn policy_words(&self, bucket: &str) -> PortResult<Vec<String>> {
        Ok(self.policy_text(bucket).await?.map(|text| policy::words(&text)).unwrap_or_default())
    }

    async fn block(&self, bucket: &str) -> PortResult<Option<PublicAccessBlockConfiguration>> {
        let client = self.account.client().await?;
        match client.get_public_access_block().bucket(bucket).send().await {
            Ok(got) => Ok(got.public_access_block_configuration().cloned()),
            Err(error) if Said::of(&error).is_some_and(|said| said.code == "NoSuchPublicAccessBlockConfiguration") => Ok(None),
            Err(error) => Err(self.account.failed(Ask::bucket("info", "s3:GetBucketPublicAccessBlock", bucket), &error)),
        }
    }

    /// What grants give strangers, and to whom.
    async fn grants(&self, bucket: &str) -> PortResult<Vec<(PublicLevel, String)>> {
        let client = self.account.client().await?;
        let sent = client.get_bucket_acl().bucket(bucket).send().await;
        let got = sent.map_err(|error| self.account.failed(Ask::bucket("info", "s3:GetBucketAcl", bucket), &error))?;
        let mut found = Vec::new();
        for grant in got.grants() {
            let uri = grant.grantee().and_then(|who| who.uri()).unwrap_or_default();
            let Some((_, who)) = STRANGERS.iter().find(|(group, _)| uri.ends_with(group)) else { continue };
            let (level, what) = match grant.permission() {
                Some(Permission::Read) => (PublicLevel::List, "list files"),
                Some(Permission::Write | Permission::WriteAcp | Permission::FullControl) => (PublicLevel::Write, "write"),
                // Seeing who may do what lets nobody at the files.
                _ => continue,
            };
            found.push((level, format!("a grant lets {who} {what}")));
        }
        Ok(found)
    }

    pub(super) async fn exposure(&self, bucket: &str) -> PortResult<PublicAccess> {
        let (block, grants, policy) = futures::join!(self.block(bucket), self.grants(bucket), self.policy_text(bucket));
        let (block, grants, policy) = (hidden(block)?, hidden(grants)?, hidden(policy)?);
        let blocked =
            |which: fn(&PublicAccessBlockConfiguration) -> Option<bool>| block.iter().flatten().any(|block| which(block) == Some(true));
        let no_grants = blocked(PublicAccessBlockConfiguration::ignore_public_acls);
        let no_policy = blocked(PublicAccessBlockConfiguration::restrict_public_buckets);
        let mut because = Vec::new();
        because.push(match (&block, no_grants, no_policy) {
            (None, ..) => "its block of public access can't be seen".to_owned(),
            (_, true, true) => "public access is blocked".to_owned(),
            (_, true, false) => "public grants are blocked, public policies are not".to_owned(),
            (_, false, true) => "public policies are blocked, public grants are not".to_owned(),
            (_, false, false) => "public access is not blocked".to_owned(),
        });
        let mut level = PublicLevel::Closed;
        let mut unseen = Vec::new();
        let mut count = |reached: PublicLevel, blocked: bool| {
            if !blocked && rank(reached) > rank(level) {
                level = reached;
            }
        };
        match grants {
            Some(grants) => {
                for (reached, sentence) in grants {
                    count(reached, no_grants);
                    because.push(if no_grants { format!("{sentence}, which the block takes back") } else { sentence });
                }
            }
            None if !no_grants => unseen.push("grants"),
            None => {}
        }
        match policy {
            Some(Some(text)) => {
                let reached = policy::reach(&text);
                count(reached, no_policy);
                if reached != PublicLevel::Closed {
                    let end = if no_policy { ", which the block takes back" } else { "" };
                    because.push(format!("its policy lets everyone in{end}"));
                }
            }
            None if !no_policy => unseen.push("policy"),
            Some(None) | None => {}
        }
        if !unseen.is_empty() {
            because.push(format!("its {} can't be seen", unseen.join(" and ")));
        }
        // What is open is open; what seems closed is only so when everything was seen.
        let decided = unseen.is_empty() || level == PublicLevel::Write;
        Ok(PublicAccess { level: (decided || level != PublicLevel::Closed).then_some(level), because })
    }
}
