//! A bot's own key, for adapters that need one. It seals nothing that has to stay secret.

use bellhop_core::ports::{PortResult, Seal};
use bellhop_core::{PortError, PortErrorKind};
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};
use sha2::Sha256;

/// A bot whose own key is this one, or that has lost it.
pub struct OneKey(pub Option<u8>);

impl Seal for OneKey {
    fn seal(&self, name: &str, secret: &SecretString) -> PortResult<String> {
        Ok(format!("{}.{}", hex::encode(name), hex::encode(secret.expose_secret())))
    }

    fn open(&self, name: &str, sealed: &str) -> PortResult<SecretString> {
        let broken = || PortError::new(PortErrorKind::Broken, "secrets", "open", "this was sealed under another name");
        let body = sealed.strip_prefix(&format!("{}.", hex::encode(name))).and_then(|body| hex::decode(body).ok());
        Ok(SecretString::from(String::from_utf8(body.ok_or_else(broken)?).map_err(|_| broken())?))
    }

    fn derive(&self, purpose: &str, make: bool) -> PortResult<Option<SecretSlice<u8>>> {
        let key = match self.0 {
            Some(key) => key,
            None if make => 0,
            None => return Ok(None),
        };
        let mut block = Hmac::<Sha256>::new(&[key; 64].into());
        block.update(purpose.as_bytes());
        Ok(Some(SecretSlice::from(block.finalize().into_bytes().to_vec())))
    }
}
