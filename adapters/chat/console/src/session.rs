//! Who is looking at the page: one-time log-in links and the sessions they begin. Only hashes are kept, so what lies in
//! the database opens nothing.

use crate::Desk;
use crate::config::Person;
use axum::http::{HeaderMap, header};
use bellhop_core::Timestamp;
use bellhop_core::ids::UserId;
use bellhop_core::ports::PortResult;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// How long a log-in link works when nobody follows it.
const LINK: TimeDelta = TimeDelta::days(1);
/// How long a session lasts.
const SESSION: TimeDelta = TimeDelta::days(30);

#[derive(Serialize, Deserialize)]
struct Pass {
    until: Timestamp,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Session {
    person: UserId,
    until: Timestamp,
}

/// Someone who is logged in.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    pub person: Person,
    session: String,
}

impl Desk {
    /// A fresh secret for a log-in link.
    pub(crate) async fn new_pass(&self) -> PortResult<String> {
        let secret = self.secret()?;
        self.book.put("passes", &hash(&secret), &Pass { until: self.book.clock.now() + LINK }).await?;
        Ok(secret)
    }

    /// Begins a session for the one who brings the secret of a link: once. Returns the session's own secret.
    pub(crate) async fn log_in(&self, secret: &str) -> PortResult<Option<String>> {
        let (pass, now) = (hash(secret), self.book.clock.now());
        let Some(known) = self.book.get::<Pass>("passes", &pass).await? else { return Ok(None) };
        if known.until < now {
            return Ok(None);
        }
        // The first to write here is the one who gets in, whichever process they came through.
        let (_, first) = self.book.records.put_new(&self.book.collection("passes.used"), &pass, &serde_json::json!({ "at": now })).await?;
        if !first {
            return Ok(None);
        }
        let session = self.secret()?;
        let person =
            self.config.people.first().map(|p| p.id.clone()).ok_or_else(|| self.book.broken("log in", "there is no person to be"))?;
        self.book.put("sessions", &hash(&session), &Session { person, until: now + SESSION }).await?;
        Ok(Some(session))
    }

    /// Who sent this request, if they are logged in.
    pub(crate) async fn visitor(&self, headers: &HeaderMap) -> PortResult<Option<Visitor>> {
        let Some(secret) = cookie(headers, &cookie_name(headers)) else { return Ok(None) };
        let session = hash(secret);
        let Some(known) = self.book.get::<Session>("sessions", &session).await? else { return Ok(None) };
        if known.until < self.book.clock.now() {
            self.book.remove("sessions", &session).await?;
            return Ok(None);
        }
        // A person who was taken out of the configuration is nobody any more; the first one stands in.
        let person = self.config.people.iter().find(|p| p.id == known.person).or(self.config.people.first());
        Ok(person.map(|person| Visitor { person: person.clone(), session }))
    }

    /// Makes the visitor another person.
    pub(crate) async fn become_person(&self, visitor: &Visitor, person: &UserId) -> PortResult<()> {
        let until = self.book.clock.now() + SESSION;
        self.book.put("sessions", &visitor.session, &Session { person: person.clone(), until }).await
    }

    pub(crate) async fn log_out(&self, visitor: &Visitor) -> PortResult<()> {
        self.book.remove("sessions", &visitor.session).await
    }

    /// Forgets links and sessions that no longer work.
    pub(crate) async fn forget_sessions(&self) -> PortResult<()> {
        let now = self.book.clock.now();
        for (collection, field) in [("passes", "until"), ("sessions", "until"), ("passes.used", "at")] {
            let name = self.book.collection(collection);
            for record in self.book.records.after(&name, None, 1000).await? {
                let moment = record.value.get(field).and_then(|m| serde_json::from_value::<Timestamp>(m.clone()).ok());
                // A used link is remembered for longer than the link itself could live.
                let over = moment.is_none_or(|moment| if field == "at" { moment + LINK * 2 < now } else { moment < now });
                if over {
                    self.book.records.remove(&name, &record.key).await?;
                }
            }
        }
        Ok(())
    }

    fn secret(&self) -> PortResult<String> {
        let mut bytes = [0_u8; 24];
        getrandom::fill(&mut bytes).map_err(|e| self.book.broken("log in", format!("the system gives no random numbers: {e}")))?;
        Ok(hex::encode(bytes))
    }
}

fn hash(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}

/// Cookies are shared by all ports of a host: the port in the name keeps two bots on one machine apart.
fn cookie_name(headers: &HeaderMap) -> String {
    let host = headers.get(header::HOST).and_then(|h| h.to_str().ok()).unwrap_or("");
    let port = host.rsplit_once(':').map(|(_, port)| port).filter(|port| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()));
    format!("bellhop-{}", port.unwrap_or("session"))
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}

/// The header that keeps a session in the browser, or with an empty secret ends it. `Secure` is added where the page came over TLS, as
/// the browser's own `Origin` or the proxy in front says.
pub(crate) fn set_cookie(headers: &HeaderMap, secret: &str) -> String {
    let forwarded = headers.get("x-forwarded-proto").and_then(|p| p.to_str().ok()).is_some_and(|p| p.eq_ignore_ascii_case("https"));
    let secure = if forwarded { "; Secure" } else { "" };
    let age = if secret.is_empty() { 0 } else { SESSION.num_seconds() };
    format!("{}={secret}; Path=/; HttpOnly; SameSite=Strict; Max-Age={age}{secure}", cookie_name(headers))
}

/// Whether a request that changes something comes from our own page: its `Origin` names the host it was sent to. A
/// browser always sends one with a POST, so a request without is no browser's and is refused too.
pub(crate) fn from_our_page(headers: &HeaderMap) -> bool {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(host) = text(header::HOST) else { return false };
    let origin = text(header::ORIGIN).and_then(|origin| origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://")));
    origin.is_some_and(|origin| origin.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse::<header::HeaderName>().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn only_our_own_page_may_post() {
        let ours = |origin: &str| from_our_page(&headers(&[("host", "127.0.0.1:8787"), ("origin", origin)]));
        assert!(ours("http://127.0.0.1:8787"));
        assert!(ours("https://127.0.0.1:8787"));
        for bad in [
            "http://127.0.0.1:8788",
            "http://evil.example",
            "null",
            "127.0.0.1:8787",
            "http://127.0.0.1:8787.evil.example",
            "http://evil@127.0.0.1:8787",
        ] {
            assert!(!ours(bad), "{bad}");
        }
        assert!(!from_our_page(&headers(&[("host", "127.0.0.1:8787")])));
    }

    #[test]
    fn cookies_of_two_ports_are_kept_apart() {
        let headers = headers(&[("host", "localhost:81"), ("cookie", "bellhop-80=a; bellhop-81=b"), ("cookie", "x=y")]);
        assert_eq!(cookie(&headers, &cookie_name(&headers)), Some("b"));
        assert!(set_cookie(&headers, "s").starts_with("bellhop-81=s; Path=/; HttpOnly; SameSite=Strict"));
    }
}
