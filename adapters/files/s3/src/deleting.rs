//! Deleting: S3 says of every name that it was deleted, so that it is looked for first.

use crate::account::Account;
use crate::fault::Ask;
use crate::store::{S3Store, absent};
use bellhop_core::ports::PortResult;

impl S3Store {
    pub(crate) async fn remove(&self, name: &str) -> PortResult<()> {
        let key = self.key("delete", name)?;
        self.look(name, None).await.map_err(|error| bellhop_core::PortError { operation: "delete", ..error })?;
        let client = self.account.client().await?;
        let absent = absent(name);
        self.patiently(|| async {
            let request = client.delete_object().bucket(self.bucket()).key(&key);
            let sent = request.customize().config_override(Account::once()).send().await;
            sent.map(drop)
                .map_err(|error| self.account.failed(Ask::file(&self.account, "delete", "s3:DeleteObject", &absent).changing(), &error))
        })
        .await
    }

    /// Removes one version for good, or the mark of a deletion.
    pub(crate) async fn remove_version(&self, operation: &'static str, key: &str, version: &str) -> PortResult<()> {
        let client = self.account.client().await?;
        let request = client.delete_object().bucket(self.bucket()).key(key).version_id(version);
        let ask = Ask::file(&self.account, operation, "s3:DeleteObjectVersion", "there is no such version").changing();
        request.send().await.map(drop).map_err(|error| self.account.failed(ask, &error))
    }
}
