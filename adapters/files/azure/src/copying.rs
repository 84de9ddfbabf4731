//! Copying within the container: the service does it, and nothing passes through here. Within an account it mostly does so
//! at once; where it takes its time it is watched.
//!
//! What is under a key of the customer's or an encryption scope passes through here: the service has no such key, and would
//! put the copy under the container's own scope. Tags, which it leaves behind, are read and sent along.

use crate::config::Credential;
use crate::fault::{Ask, Need, header};
use crate::sealing::Sealing;
use crate::sign::with_signature;
use crate::store::{AzureStore, absent};
use crate::writing::Carried;
use azure_core::http::headers::Headers;
use azure_storage_blob::BlobClient;
use azure_storage_blob::models::BlobClientStartCopyFromUrlOptions;
use bellhop_core::ports::{FileEncryption, FileInfo, NewFile, PortResult};
use bellhop_core::{PortError, PortErrorKind};
use std::collections::BTreeMap;
use std::time::Duration;

/// How often a copy is asked after, at first and in the end.
const SOON: Duration = Duration::from_millis(100);
const LATER: Duration = Duration::from_secs(5);
/// How long it may stand still.
const STILL: Duration = Duration::from_mins(10);

/// What an answer says of a copy.
struct Progress {
    id: String,
    status: String,
    why: Option<String>,
    bytes: Option<String>,
}

impl Progress {
    fn read(headers: &Headers) -> Self {
        let text = |name| header(headers, name).map(str::to_owned);
        Self {
            id: text("x-ms-copy-id").unwrap_or_default(),
            status: text("x-ms-copy-status").unwrap_or_default(),
            why: text("x-ms-copy-status-description"),
            bytes: text("x-ms-copy-progress"),
        }
    }
}

impl AzureStore {
    /// Copies a file, or one of its versions, with its type and what else is known about it.
    pub(crate) async fn copied(&self, operation: &'static str, from: &str, version: Option<&str>, to: &str) -> PortResult<FileInfo> {
        let source = self.blob(operation, from, version)?;
        let target = self.blob(operation, to, None)?;
        let (info, headers) = self.look_closely(operation, from, version).await?;
        // Azure leaves tags behind; how many there are it says to those who may see them.
        let tags = if header(&headers, "x-ms-tag-count").is_some_and(|count| count != "0") {
            self.tags_of(operation, from, version).await?
        } else {
            BTreeMap::new()
        };
        if self.loses(info.encryption.as_ref()).await {
            return self.passed(operation, from, version, to, tags).await;
        }
        let address = match &self.account.config.credential {
            Credential::Sas(sas) => with_signature(source.url(), sas).to_string(),
            Credential::Key(_) | Credential::Entra(_) => source.url().to_string(),
        };
        let absent = absent(from);
        let tags = crate::tags::spelled(&tags);
        let need = if tags.is_some() { Need::WriteTagged } else { Need::Write };
        let ask = Ask::file(&self.account, operation, need, &absent).version(version).changing();
        let copying = || {
            let options =
                BlobClientStartCopyFromUrlOptions { blob_tags_string: tags.clone(), ..BlobClientStartCopyFromUrlOptions::default() };
            target.start_copy_from_url(address.clone(), Some(options))
        };
        let begun = self.account.ask(ask, copying).await?;
        let made = header(begun.headers(), "x-ms-version-id").map(str::to_owned);
        self.note_version(made.as_deref());
        self.note_written(&self.blob_name(operation, to)?, &Sealing::Own);
        self.watch(operation, &target, Progress::read(begun.headers())).await?;
        let info = self.look(operation, to, made.as_deref()).await;
        info.map_err(PortError::maybe_done)
    }

    /// Waits until a copy is done.
    async fn watch(&self, operation: &'static str, target: &BlobClient, mut now: Progress) -> PortResult<()> {
        let id = now.id.clone();
        let mut pause = SOON;
        let mut still = Duration::ZERO;
        loop {
            match now.status.as_str() {
                "pending" => {}
                // A server that says nothing of it has done it.
                "success" | "" => return Ok(()),
                _ => {
                    let why = crate::names::shown(now.why.as_deref().unwrap_or("it doesn't say why"));
                    self.unmake(operation, target, &id).await;
                    return Err(self.error(PortErrorKind::Unavailable, operation, format!("Azure gave the copy up: {why}")).maybe_done());
                }
            }
            if still > STILL {
                let _ = target.abort_copy(&id, None).await;
                self.unmake(operation, target, &id).await;
                let message = format!("the copy stood still for {} minutes and was given up", STILL.as_secs() / 60);
                return Err(self.error(PortErrorKind::TimedOut, operation, message).maybe_done());
            }
            tokio::time::sleep(pause).await;
            still += pause;
            pause = (pause * 2).min(LATER);
            let ask = Ask::file(&self.account, operation, Need::Read, "the copy is gone; somebody deleted it");
            let seen = Progress::read(self.account.ask(ask, || target.get_properties(None)).await?.headers());
            if seen.id != id {
                // Something else is under that name by now.
                return Ok(());
            }
            if seen.bytes != now.bytes {
                still = Duration::ZERO;
            }
            now = seen;
        }
    }

    /// Removes the empty blob that a copy leaves when it doesn't come to its end, if it is still that.
    async fn unmake(&self, operation: &'static str, target: &BlobClient, id: &str) {
        let ask = Ask::file(&self.account, operation, Need::Delete, "it is gone");
        let Ok(there) = self.account.ask(ask, || target.get_properties(None)).await else { return };
        let seen = Progress::read(there.headers());
        if seen.id == id && seen.status != "success" {
            let _ = self.account.ask(ask, || target.delete(None)).await;
        }
    }

    /// Whether a copy that the service makes would be encrypted in another way than the original: it has no key of the
    /// customer's, and puts a copy under the container's own scope.
    async fn loses(&self, encryption: Option<&FileEncryption>) -> bool {
        match encryption {
            Some(FileEncryption::Key(_) | FileEncryption::Kms { .. }) => true,
            Some(FileEncryption::Scope(scope)) => self.own_scope().await.as_ref() != Some(scope),
            Some(FileEncryption::Aes256) | None => false,
        }
    }

    /// Reads and writes.
    async fn passed(
        &self,
        operation: &'static str,
        from: &str,
        version: Option<&str>,
        to: &str,
        tags: BTreeMap<String, String>,
    ) -> PortResult<FileInfo> {
        let named = |error: PortError| PortError { operation, ..error };
        let (info, headers) = self.look_closely(operation, from, version).await?;
        let read = self.open(from, version, None).await.map_err(named)?;
        let file = NewFile {
            tags,
            encryption: info.encryption,
            ..NewFile::new(to.to_owned(), read.info.content_type.clone(), Some(read.info.size))
        };
        self.store_with(file, read.bytes, Carried::read(&headers)).await.map_err(named)
    }
}
