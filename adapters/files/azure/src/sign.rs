//! What is done to every request before it goes: proof of who asks. Each kind is a policy of the SDK's pipeline.

use async_trait::async_trait;
use azure_core::credentials::TokenCredential;
use azure_core::error::ErrorKind;
use azure_core::http::policies::{Policy, PolicyResult};
use azure_core::http::{Context, Request, Url};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bellhop_core::Clock;
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};
use sha2::Sha256;
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::sync::Arc;

/// What a token for storage is asked for.
pub(crate) const SCOPE: &str = "https://storage.azure.com/.default";

/// One of the account's keys, decoded.
#[derive(Clone)]
pub(crate) struct AccountKey {
    account: String,
    key: SecretSlice<u8>,
}

impl AccountKey {
    /// `None` when the key is no base64.
    pub fn new(account: &str, key: &SecretString) -> Option<Self> {
        let bytes = STANDARD.decode(key.expose_secret().trim()).ok()?;
        Some(Self { account: account.to_owned(), key: bytes.into() })
    }

    /// The signature of a text.
    pub fn sign(&self, text: &str) -> Option<String> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.key.expose_secret()).ok()?;
        mac.update(text.as_bytes());
        Some(STANDARD.encode(mac.finalize().into_bytes()))
    }

    /// The text that is signed for a request.
    /// <https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key>
    fn text(&self, request: &Request) -> String {
        let header = |name: &str| {
            let found = request.headers().iter().find(|(key, _)| key.as_str().eq_ignore_ascii_case(name));
            found.map_or("", |(_, value)| value.as_str()).trim()
        };
        let length = request.body().len().unwrap_or(0);
        let length = if length == 0 { String::new() } else { length.to_string() };
        let mut text = request.method().to_string();
        for part in [header("content-encoding"), header("content-language"), &length, header("content-md5"), header("content-type")] {
            text.push('\n');
            text.push_str(part);
        }
        // The date stands in x-ms-date.
        text.push('\n');
        for part in ["if-modified-since", "if-match", "if-none-match", "if-unmodified-since", "range"] {
            text.push('\n');
            text.push_str(header(part));
        }
        text.push('\n');
        let ours: BTreeMap<String, &str> = request
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str().to_ascii_lowercase(), value.as_str().trim()))
            .filter(|(name, _)| name.starts_with("x-ms-"))
            .collect();
        for (name, value) in ours {
            let _ = writeln!(text, "{name}:{value}");
        }
        text.push_str(&resource(&self.account, request.url()));
        text
    }
}

/// The address as it is signed.
fn resource(account: &str, url: &Url) -> String {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in url.query_pairs() {
        all.entry(name.to_lowercase()).or_default().push(value.into_owned());
    }
    let mut text = format!("/{account}{}", url.path());
    for (name, mut values) in all {
        values.sort();
        let _ = write!(text, "\n{name}:{}", values.join(","));
    }
    text
}

/// Signs with an account's key.
pub(crate) struct SharedKey {
    pub key: AccountKey,
    pub clock: Arc<dyn Clock>,
}

/// Adds a shared access signature.
pub(crate) struct Signature(pub SecretString);

/// Shows a token of Entra for this audience.
pub(crate) struct Bearer {
    pub identity: Arc<dyn TokenCredential>,
    pub scope: String,
}

/// None of them shows what it holds.
macro_rules! silent {
    ($($kind:ident),+) => {$(
        impl fmt::Debug for $kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($kind)).finish_non_exhaustive()
            }
        }
    )+};
}
silent!(AccountKey, SharedKey, Signature, Bearer);

/// The rest of the way.
pub(crate) async fn onward(ctx: &Context<'_>, request: &mut Request, next: &[Arc<dyn Policy>]) -> PolicyResult {
    match next.split_first() {
        Some((first, rest)) => first.send(ctx, request, rest).await,
        None => Err(azure_core::Error::with_message(ErrorKind::Other, "there is nothing to send the request with")),
    }
}

#[async_trait]
impl Policy for SharedKey {
    async fn send(&self, ctx: &Context, request: &mut Request, next: &[Arc<dyn Policy>]) -> PolicyResult {
        request.insert_header("x-ms-date", self.clock.now().format("%a, %d %b %Y %H:%M:%S GMT").to_string());
        let signed = self.key.sign(&self.key.text(request));
        let Some(signed) = signed else {
            return Err(azure_core::Error::with_message(ErrorKind::Credential, "the account's key can't sign"));
        };
        request.insert_header("authorization", format!("SharedKey {}:{signed}", self.key.account));
        onward(ctx, request, next).await
    }
}

#[async_trait]
impl Policy for Signature {
    async fn send(&self, ctx: &Context, request: &mut Request, next: &[Arc<dyn Policy>]) -> PolicyResult {
        let url = with_signature(request.url(), &self.0);
        *request.url_mut() = url;
        onward(ctx, request, next).await
    }
}

/// An address with a shared access signature.
pub(crate) fn with_signature(url: &Url, sas: &SecretString) -> Url {
    let mut url = url.clone();
    let query = match url.query().filter(|query| !query.is_empty()) {
        Some(query) => format!("{query}&{}", sas.expose_secret()),
        None => sas.expose_secret().to_owned(),
    };
    url.set_query(Some(&query));
    url
}

#[async_trait]
impl Policy for Bearer {
    async fn send(&self, ctx: &Context, request: &mut Request, next: &[Arc<dyn Policy>]) -> PolicyResult {
        let token = self.identity.get_token(&[&self.scope], None).await;
        let token = token.map_err(|error| azure_core::Error::with_error(ErrorKind::Credential, error, "Entra gives no token"))?;
        request.insert_header("authorization", format!("Bearer {}", token.token.secret()));
        onward(ctx, request, next).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use azure_core::http::Method;

    /// The public key of the emulator.
    const KEY: &str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

    fn key() -> AccountKey {
        AccountKey::new("devstoreaccount1", &SecretString::from(KEY)).unwrap()
    }

    #[test]
    fn the_signed_text_is_the_services() {
        let url = "http://127.0.0.1:10000/devstoreaccount1/c/a%20b?comp=block&blockid=QQ%3D%3D&Timeout=30".parse().unwrap();
        let mut request = Request::new(url, Method::Put);
        request.insert_header("x-ms-version", "2024-11-04");
        request.insert_header("content-md5", "bWQ1");
        request.insert_header("x-ms-date", "Sun, 22 Nov 2026 00:00:00 GMT");
        request.insert_header("range", "bytes=0-1");
        request.set_body("12345");
        assert_eq!(
            key().text(&request),
            "PUT\n\n\n5\nbWQ1\n\n\n\n\n\n\nbytes=0-1\nx-ms-date:Sun, 22 Nov 2026 00:00:00 GMT\nx-ms-version:2024-11-04\n\
             /devstoreaccount1/devstoreaccount1/c/a%20b\nblockid:QQ==\ncomp:block\ntimeout:30"
        );
    }

    #[test]
    fn signatures_are_those_of_the_vendors_client() {
        // Made with azure-storage-blob 12.31.1.
        let text = "r\n2026-11-22T00:00:00Z\n2026-12-01T00:00:00Z\n/blob/devstoreaccount1/cont/dir/a b.txt\n\n\nhttps\n2026-10-06\nb\n\n\n\n\n\n\n";
        assert_eq!(key().sign(text).unwrap(), "VwogT4vupv/DUdzJNpxeO2rRyMySrHcU4GYllLlavFg=");
    }

    #[test]
    fn nothing_shows_what_it_holds() {
        let shown = format!("{:?} {:?}", key(), Signature(SecretString::from("sig=hush")));
        assert!(!shown.contains("hush") && !shown.contains("Eby8"), "{shown}");
    }
}
