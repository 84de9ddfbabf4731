//! How single files are encrypted where they lie: by the service alone, under one of its scopes, or with a key of the
//! customer's own, which goes with each request about the content and which the service forgets afterwards.
//!
//! It deliberately keeps no keys: people name those of the configuration. Which key a file is under is found out by asking.
//! <https://learn.microsoft.com/azure/storage/blobs/encryption-customer-provided-keys>

use crate::customer::{CustomerKey, HONOURED, IGNORED, USUAL_KEY, place};
use crate::fault::{Ask, Said, header};
use crate::sign::onward;
use crate::store::AzureStore;
use async_trait::async_trait;
use azure_core::http::headers::Headers;
use azure_core::http::policies::{Policy, PolicyResult};
use azure_core::http::{ClientMethodOptions, Context, Method, Request};
use bellhop_core::ports::{FileEncryption, PortResult};
use bellhop_core::{PortError, PortErrorKind};
use secrecy::ExposeSecret as _;
use std::collections::VecDeque;
use std::future::Future;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, PoisonError};

/// How the content that a request is about is encrypted.
#[derive(Clone, Debug)]
pub(crate) enum Sealing {
    /// As the service does it by itself.
    Own,
    /// Under a scope: one that was asked for, or the one that the store is set to.
    Scope { name: String, asked: bool },
    /// With a key of the customer's.
    Key(Arc<CustomerKey>),
}

impl Sealing {
    /// What the SDK is given along, so that [`Encrypting`] sees it.
    pub fn options(&self) -> ClientMethodOptions<'static> {
        ClientMethodOptions { context: self.context() }
    }

    /// The same for a request that the SDK has no call for.
    pub fn context(&self) -> Context<'static> {
        Context::new().with_value(self.clone())
    }

    /// The key, where there is one.
    pub fn key(&self) -> Option<&CustomerKey> {
        match self {
            Self::Key(key) => Some(key),
            Self::Own | Self::Scope { .. } => None,
        }
    }

    /// Whether the server has to say that it did this.
    fn binds(&self) -> bool {
        matches!(self, Self::Key(_) | Self::Scope { asked: true, .. })
    }

    /// Whether a request is one about a blob's content that takes such headers.
    fn concerns(&self, request: &Request) -> bool {
        let mut comp = None;
        for (name, value) in request.url().query_pairs() {
            match &*name {
                "restype" => return false,
                "comp" => comp = Some(value.into_owned()),
                _ => {}
            }
        }
        let copies = request.headers().iter().any(|(name, _)| name.as_str().eq_ignore_ascii_case("x-ms-copy-source"));
        let writes = request.method() == Method::Put && !copies;
        match (self, comp.as_deref()) {
            (Self::Own, _) => false,
            (Self::Key(_), None) => writes || matches!(request.method(), Method::Get | Method::Head),
            (_, None | Some("block" | "blocklist" | "snapshot" | "metadata")) => writes,
            _ => false,
        }
    }
}

/// Adds the headers.
#[derive(Debug)]
pub(crate) struct Encrypting;

#[async_trait]
impl Policy for Encrypting {
    async fn send(&self, ctx: &Context, request: &mut Request, next: &[Arc<dyn Policy>]) -> PolicyResult {
        match ctx.value::<Sealing>().filter(|sealing| sealing.concerns(request)) {
            Some(Sealing::Scope { name, .. }) => request.insert_header("x-ms-encryption-scope", name.clone()),
            Some(Sealing::Key(key)) => {
                request.insert_header("x-ms-encryption-key", key.key.expose_secret().to_owned());
                request.insert_header("x-ms-encryption-key-sha256", key.sum.clone());
                request.insert_header("x-ms-encryption-algorithm", "AES256");
            }
            Some(Sealing::Own) | None => {}
        }
        onward(ctx, request, next).await
    }
}

/// What an answer says about the key that was tried.
const NOTHING: u8 = 0;
const OTHER_KEY: u8 = 1;
const NO_KEY: u8 = 2;

fn verdict(error: &azure_core::Error) -> u8 {
    let Some(said) = Said::of(error) else { return NOTHING };
    match said.code.as_str() {
        "BlobUsesCustomerSpecifiedEncryption" | "BlobCustomerSpecifiedEncryptionMismatch" => OTHER_KEY,
        "BlobDoesNotUseCustomerSpecifiedEncryption" => NO_KEY,
        _ => NOTHING,
    }
}

impl AzureStore {
    /// How a file is to be written: as asked, or as the store does it by itself.
    pub(crate) fn sealing(&self, operation: &'static str, wanted: Option<&FileEncryption>) -> PortResult<Sealing> {
        let config = &self.account.config;
        let section = &self.account.service;
        match wanted {
            None => Ok(match (&config.encryption_scope, self.seen.keys.named(USUAL_KEY)) {
                (Some(scope), _) => Sealing::Scope { name: scope.clone(), asked: false },
                (None, Some(key)) if config.encryption_key.is_some() => Sealing::Key(key),
                (None, _) => Sealing::Own,
            }),
            Some(FileEncryption::Aes256) => Ok(Sealing::Own),
            Some(FileEncryption::Scope(scope)) => match crate::config::scope_name(scope) {
                Ok(()) => Ok(Sealing::Scope { name: scope.clone(), asked: true }),
                Err(why) => {
                    let shown = crate::names::shown(scope);
                    Err(self.error(PortErrorKind::Invalid, operation, format!("`{shown}` can't be an encryption scope: {why}")))
                }
            },
            Some(FileEncryption::Key(_)) if !config.guarded() => {
                let message = format!(
                    "a key of your own goes with each request, and {} isn't reached by https; change `endpoint` in [{section}]",
                    self.account.place()
                );
                Err(self.error(PortErrorKind::Invalid, operation, message))
            }
            Some(FileEncryption::Key(name)) => self.seen.keys.named(name).map(Sealing::Key).ok_or_else(|| {
                let known: Vec<&str> = self.seen.keys.all.iter().map(|key| key.name.as_str()).collect();
                let known = if known.is_empty() { "there are none".to_owned() } else { format!("there are {}", known.join(", ")) };
                let shown = crate::names::shown(name);
                let message = format!("there is no key `{shown}`; {known}. Keys are configured under [{section}.keys]");
                self.error(PortErrorKind::Invalid, operation, message)
            }),
            Some(FileEncryption::Kms { .. }) => {
                let message = "Azure takes no key of a key service for a single file: keys of Key Vault are set for the storage account, or for \
                               an encryption scope of it (in the portal under Encryption); write with that scope: scope:NAME";
                Err(PortError::unsupported(section.clone(), operation, message))
            }
        }
    }

    /// The ways of encrypting that can be asked for.
    pub(crate) fn ways(&self) -> Vec<FileEncryption> {
        let config = &self.account.config;
        let mut ways = Vec::new();
        let keys = self.seen.keys.keyed.load(Ordering::Relaxed) != IGNORED;
        let scopes = self.seen.keys.scoping.load(Ordering::Relaxed) != IGNORED;
        ways.extend(config.encryption_scope.clone().filter(|_| scopes).map(FileEncryption::Scope));
        if config.encryption_key.is_some() && keys {
            ways.push(FileEncryption::Key(USUAL_KEY.to_owned()));
        }
        ways.push(FileEncryption::Aes256);
        if config.guarded() && keys {
            ways.extend(self.seen.keys.all.iter().map(|key| FileEncryption::Key(key.name.clone())));
        }
        if scopes {
            let listed = self.seen.scopes.lock().unwrap_or_else(PoisonError::into_inner);
            ways.extend(listed.iter().cloned().map(FileEncryption::Scope));
        }
        let mut told: Vec<FileEncryption> = Vec::new();
        for way in ways {
            if !told.contains(&way) {
                told.push(way);
            }
        }
        told
    }

    /// How a file is encrypted, as an answer about it says.
    pub(crate) fn encrypted(&self, headers: &Headers) -> Option<FileEncryption> {
        let own = header(headers, "x-ms-server-encrypted").or_else(|| header(headers, "x-ms-request-server-encrypted"));
        self.encryption(
            header(headers, "x-ms-encryption-key-sha256"),
            header(headers, "x-ms-encryption-scope"),
            own.is_some_and(|value| value.eq_ignore_ascii_case("true")),
        )
    }

    /// The same of a listing's item. Of a key that isn't configured nothing can be told.
    pub(crate) fn encryption(&self, key: Option<&str>, scope: Option<&str>, own: bool) -> Option<FileEncryption> {
        match (key, scope) {
            (Some(sum), _) => self.seen.keys.of_sum(sum).map(|key| FileEncryption::Key(key.name.clone())),
            (None, Some(scope)) => Some(FileEncryption::Scope(scope.to_owned())),
            (None, None) => own.then_some(FileEncryption::Aes256),
        }
    }

    /// What was written is under this.
    pub(crate) fn note_written(&self, blob: &str, sealing: &Sealing) {
        let under = if sealing.key().is_some() { sealing } else { &Sealing::Own };
        self.seen.keys.remember(place(blob, None), under);
    }

    /// A listing told which key a file is under, or that it is under none.
    pub(crate) fn note_key(&self, blob: &str, version: Option<&str>, sum: Option<&str>) {
        let sealing = match sum {
            Some(sum) => self.seen.keys.of_sum(sum).map(Sealing::Key),
            None => Some(Sealing::Own),
        };
        if let Some(sealing) = sealing {
            self.seen.keys.remember(place(blob, version), &sealing);
        }
    }

    /// Whether what was to be under a key or a scope is: a server that doesn't know such could have taken the bytes all the same.
    pub(crate) fn took(&self, operation: &'static str, sealing: &Sealing, headers: &Headers) -> PortResult<()> {
        let (does, what) = match sealing {
            Sealing::Key(key) => {
                (header(headers, "x-ms-encryption-key-sha256") == Some(key.sum.as_str()), format!("the key `{}`", key.name))
            }
            Sealing::Scope { name, asked: true } => {
                let told = header(headers, "x-ms-encryption-scope");
                (told.is_some_and(|told| told.eq_ignore_ascii_case(name)), format!("the encryption scope `{name}`"))
            }
            Sealing::Own | Sealing::Scope { .. } => return Ok(()),
        };
        self.seen.keys.honoured(sealing).store(if does { HONOURED } else { IGNORED }, Ordering::Relaxed);
        if does {
            return Ok(());
        }
        let place = self.account.place();
        let message = format!("{place} takes the bytes and doesn't say that it encrypts them under {what}, so nothing is kept there");
        Err(PortError::unsupported(self.account.service.clone(), operation, message))
    }

    /// A server that refuses such a way at all is not offered as having it.
    pub(crate) fn refused(&self, sealing: &Sealing, error: PortError) -> PortError {
        if error.kind == PortErrorKind::Unsupported && sealing.binds() {
            self.seen.keys.honoured(sealing).store(IGNORED, Ordering::Relaxed);
        }
        error
    }

    /// Whether it has to be found out first that the server does as it is told.
    pub(crate) fn doubts(&self, sealing: &Sealing) -> bool {
        sealing.binds() && self.seen.keys.honoured(sealing).load(Ordering::Relaxed) != HONOURED
    }

    /// Asks about the content of a file, with the key that it is under, whichever of the configured ones that is.
    pub(crate) async fn ask_sealed<T, F>(&self, ask: Ask<'_>, blob: &str, attempt: impl Fn(Context<'static>) -> F) -> PortResult<T>
    where
        F: Future<Output = azure_core::Result<T>>,
    {
        let keys = &self.seen.keys;
        let at = place(blob, ask.version);
        let usual = self.sealing(ask.operation, None).unwrap_or(Sealing::Own);
        // Scopes are the service's own affair when something is read.
        let usual = if usual.key().is_some() { usual } else { Sealing::Own };
        let mut waiting: VecDeque<Sealing> = [keys.recalled(&at), Some(usual)].into_iter().flatten().collect();
        let mut tried: Vec<Option<String>> = Vec::new();
        let mut last = None;
        while let Some(sealing) = waiting.pop_front() {
            let name = sealing.key().map(|key| key.name.clone());
            if tried.contains(&name) {
                continue;
            }
            tried.push(name);
            let said = AtomicU8::new(NOTHING);
            let got = self.account.ask(ask, || async {
                let got = attempt(sealing.context()).await;
                if let Err(error) = &got {
                    said.store(verdict(error), Ordering::Relaxed);
                }
                got
            });
            match got.await {
                Ok(got) => {
                    keys.remember(at, &sealing);
                    return Ok(got);
                }
                Err(error) => {
                    match said.into_inner() {
                        OTHER_KEY => waiting.extend(keys.all.iter().cloned().map(Sealing::Key)),
                        NO_KEY => waiting.push_back(Sealing::Own),
                        _ => return Err(error),
                    }
                    last = Some(error);
                }
            }
        }
        Err(last.unwrap_or_else(|| self.error(PortErrorKind::Broken, ask.operation, "it was never asked")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use secrecy::SecretString;

    fn key(byte: u8) -> CustomerKey {
        CustomerKey::new("legal", &SecretString::from(STANDARD.encode([byte; 32]))).unwrap()
    }

    #[test]
    fn only_content_is_told_how_it_is_encrypted() {
        let scope = Sealing::Scope { name: "s".to_owned(), asked: true };
        let key = Sealing::Key(Arc::new(key(1)));
        for (method, query, scoped, keyed) in [
            (Method::Put, "", true, true),
            (Method::Put, "?comp=block&blockid=x", true, true),
            (Method::Put, "?comp=blocklist", true, true),
            (Method::Get, "", false, true),
            (Method::Head, "?versionid=x", false, true),
            (Method::Get, "?comp=blocklist", false, false),
            (Method::Delete, "", false, false),
            (Method::Put, "?comp=tags", false, false),
            (Method::Put, "?restype=container", false, false),
        ] {
            let request = Request::new(format!("https://a.example/c/b{query}").parse().unwrap(), method);
            assert_eq!((scope.concerns(&request), key.concerns(&request)), (scoped, keyed), "{method} {query}");
        }
        let mut copy = Request::new("https://a.example/c/b".parse().unwrap(), Method::Put);
        copy.insert_header("x-ms-copy-source", "https://a.example/c/a");
        assert!(!scope.concerns(&copy) && !key.concerns(&copy));
    }
}
