//! Who may send data: an API key with the scope for it, as a bearer token or as the password of basic
//! authentication (some senders know nothing else).

use super::Problem;
use axum::http::{HeaderMap, StatusCode, header};
use base64::Engine as _;
use bellhop_store::Store;

/// Lets a request pass that brings a key with this scope. A key made without scopes has all.
///
/// # Errors
/// 401 without a key or with a wrong one, 403 with one of another scope.
pub async fn check(store: &Store, headers: &HeaderMap, scope: &str) -> Result<(), Problem> {
    let Some(presented) = presented(headers) else {
        return Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            "an API key is needed: make one with `bellhop key create` and send it as `Authorization: Bearer KEY`",
        ));
    };
    match store.check_key(&presented).await? {
        None => Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            "this API key is not known here, or was revoked; make one with `bellhop key create`",
        )),
        Some(key) if key.scopes.is_empty() || key.scopes.iter().any(|s| s == scope || s == "*") => Ok(()),
        Some(key) => {
            let why = format!("the API key `{}` lacks the scope `{scope}`; make one with `bellhop key create --scope {scope}`", key.name);
            Err(Problem::new(StatusCode::FORBIDDEN, why))
        }
    }
}

fn presented(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, rest) = value.split_once(' ')?;
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.to_owned());
    }
    if scheme.eq_ignore_ascii_case("basic") {
        let pair = String::from_utf8(base64::engine::general_purpose::STANDARD.decode(rest).ok()?).ok()?;
        return pair.split_once(':').map(|(_, password)| password.to_owned());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_as_bearer_or_as_password() {
        let with = |value: &str| presented(&HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().unwrap())]));
        assert_eq!(with("Bearer abc").as_deref(), Some("abc"));
        assert_eq!(with("bearer  abc").as_deref(), Some("abc"));
        assert_eq!(with("Basic dXNlcjphYmM=").as_deref(), Some("abc"));
        assert_eq!(with("Basic ???"), None);
        assert_eq!(with("abc"), None);
    }
}
