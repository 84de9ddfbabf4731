//! Stored access policies. Azure keeps at most five for a container, writes all of them at once, and with them how public
//! the container is: so they are read, merged and written, and nobody else's is lost. What is written takes up to half a
//! minute to apply; until then links bound to a new policy are refused.
//! <https://learn.microsoft.com/rest/api/storageservices/set-container-acl>

use crate::fault::{Ask, Need, header};
use crate::names::shown;
use crate::store::AzureStore;
use azure_core::http::{RequestContent, XmlFormat};
use azure_core::time::parse_rfc7231;
use azure_storage_blob::models::{BlobContainerClientSetAccessPolicyOptions, PublicAccessType, SignedIdentifiers};
use bellhop_core::ports::{AccessPolicy, Permission, PortResult};
use bellhop_core::{PortError, PortErrorKind, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How many a container has at most.
pub(super) const MOST: usize = 5;
const LONGEST_ID: usize = 64;

/// All policies of a container, as they are written. Times and letters stay as others wrote them.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename = "SignedIdentifiers")]
struct Written {
    #[serde(rename = "SignedIdentifier", default, skip_serializing_if = "Vec::is_empty")]
    all: Vec<One>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
struct One {
    #[serde(rename = "Id", default)]
    id: String,
    #[serde(rename = "AccessPolicy", default)]
    policy: Terms,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
struct Terms {
    #[serde(rename = "Start", default, skip_serializing_if = "String::is_empty")]
    start: String,
    #[serde(rename = "Expiry", default, skip_serializing_if = "String::is_empty")]
    expiry: String,
    #[serde(rename = "Permission", default, skip_serializing_if = "String::is_empty")]
    permission: String,
}

/// The policies as they were read.
struct Read {
    written: Written,
    public: Option<PublicAccessType>,
    modified: Option<azure_core::time::OffsetDateTime>,
}

fn moment(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let full = chrono::DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc());
    let minutes = || chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%MZ").ok().map(|at| at.and_utc());
    let day = || chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0).map(|at| at.and_utc());
    full.or_else(minutes).or_else(day)
}

fn spelled(at: Option<Timestamp>) -> String {
    at.map(|at| at.format("%Y-%m-%dT%H:%M:%SZ").to_string()).unwrap_or_default()
}

impl One {
    fn of(policy: &AccessPolicy) -> Self {
        let terms =
            Terms { start: spelled(policy.starts), expiry: spelled(policy.expires), permission: Permission::letters(&policy.permissions) };
        Self { id: policy.id.clone(), policy: terms }
    }

    fn told(&self) -> AccessPolicy {
        let known = |letter: char| Permission::ALL.iter().find(|(_, known, _)| *known == letter).map(|(permission, ..)| *permission);
        AccessPolicy {
            id: self.id.clone(),
            permissions: self.policy.permission.chars().filter_map(known).collect::<BTreeSet<_>>(),
            starts: moment(&self.policy.start),
            expires: moment(&self.policy.expiry),
        }
    }
}

impl AzureStore {
    async fn read_policies(&self, operation: &'static str, container: &str) -> PortResult<Read> {
        let client = self.account.container(container)?;
        let ask = Ask::container(operation, Need::Manage, container);
        let got = self.account.ask(ask, || client.get_access_policy(None)).await?;
        let headers = got.headers();
        let public = header(headers, "x-ms-blob-public-access").map(|level| match level {
            "container" => PublicAccessType::Container,
            "blob" => PublicAccessType::Blob,
            other => PublicAccessType::UnknownValue(other.to_owned()),
        });
        let modified = header(headers, "last-modified").and_then(|text| parse_rfc7231(text).ok());
        let body = got.body();
        let written = if body.is_empty() { Ok(Written::default()) } else { azure_core::xml::from_xml(body) };
        let written = written.map_err(|error| self.account.failed(ask, &error))?;
        Ok(Read { written, public, modified })
    }

    async fn write_policies(&self, container: &str, read: &Read) -> PortResult<()> {
        let client = self.account.container(container)?;
        let ask = Ask::container("access", Need::Manage, container);
        let body = azure_core::xml::to_xml(&read.written).map_err(|error| self.account.failed(ask, &error))?;
        let body: RequestContent<SignedIdentifiers, XmlFormat> = body.into();
        let sent = self.account.ask(ask, || {
            let options = BlobContainerClientSetAccessPolicyOptions {
                // Without it the container would be closed to strangers.
                access: read.public.clone(),
                if_unmodified_since: read.modified,
                ..BlobContainerClientSetAccessPolicyOptions::default()
            };
            client.set_access_policy(body.clone(), Some(options))
        });
        sent.await.map(drop).map_err(|error| match error.kind {
            PortErrorKind::Conflict => PortError {
                message: format!("the access policies of {container} were changed meanwhile; look at them and try again"),
                ..error
            },
            _ => error,
        })
    }

    /// The policies, by id.
    pub(crate) async fn policies(&self, operation: &'static str, container: &str) -> PortResult<Vec<AccessPolicy>> {
        let mut all: Vec<AccessPolicy> = self.read_policies(operation, container).await?.written.all.iter().map(One::told).collect();
        all.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(all)
    }

    fn sensible(&self, policy: &AccessPolicy) -> PortResult<()> {
        let wrong = |why: &str| Err(self.error(PortErrorKind::Invalid, "access", why.to_owned()));
        if policy.id.is_empty() || policy.id.chars().count() > LONGEST_ID || policy.id.chars().any(char::is_control) {
            return wrong("the id of a policy has 1 to 64 characters");
        }
        if policy.starts.zip(policy.expires).is_some_and(|(starts, expires)| starts >= expires) {
            return wrong("the policy would end before it begins");
        }
        Ok(())
    }

    pub(super) async fn add_policy(&self, container: &str, policy: &AccessPolicy) -> PortResult<()> {
        self.sensible(policy)?;
        let mut read = self.read_policies("access", container).await?;
        if read.written.all.iter().any(|there| there.id == policy.id) {
            let message = format!("the container {container} has an access policy {} already", shown(&policy.id));
            return Err(self.error(PortErrorKind::Conflict, "access", message));
        }
        if read.written.all.len() >= MOST {
            let ids: Vec<String> = read.written.all.iter().map(|there| shown(&there.id)).collect();
            let message = format!(
                "the container {container} has {MOST} access policies ({}), the most that Azure keeps; revoke one first",
                ids.join(", ")
            );
            let full = self.error(PortErrorKind::Full, "access", message);
            return Err(PortError { retry: bellhop_core::Retry::No, ..full });
        }
        read.written.all.push(One::of(policy));
        self.write_policies(container, &read).await
    }

    fn no_policy(&self, container: &str, id: &str) -> PortError {
        let message = format!("the container {container} has no access policy {}", shown(id));
        PortError::not_found(self.account.service.clone(), "access", message)
    }

    pub(super) async fn set_policy(&self, container: &str, policy: &AccessPolicy) -> PortResult<()> {
        self.sensible(policy)?;
        let mut read = self.read_policies("access", container).await?;
        let there = read.written.all.iter_mut().find(|there| there.id == policy.id);
        *there.ok_or_else(|| self.no_policy(container, &policy.id))? = One::of(policy);
        self.write_policies(container, &read).await
    }

    pub(super) async fn remove_policy(&self, container: &str, id: &str) -> PortResult<()> {
        let mut read = self.read_policies("access", container).await?;
        let before = read.written.all.len();
        read.written.all.retain(|there| there.id != id);
        if read.written.all.len() == before {
            return Err(self.no_policy(container, id));
        }
        self.write_policies(container, &read).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_stays_as_it_is() {
        let text = b"<?xml version=\"1.0\" encoding=\"utf-8\"?><SignedIdentifiers>\
            <SignedIdentifier><Id>a&amp;b</Id><AccessPolicy><Start>2026-01-01</Start><Expiry>2027-01-01T00:00:00.1234567Z</Expiry><Permission>rlo</Permission></AccessPolicy></SignedIdentifier>\
            <SignedIdentifier><Id>bare</Id></SignedIdentifier></SignedIdentifiers>";
        let read: Written = azure_core::xml::from_xml(text.as_slice()).unwrap();
        let told: Vec<AccessPolicy> = read.all.iter().map(One::told).collect();
        assert_eq!((told[0].id.as_str(), Permission::letters(&told[0].permissions).as_str()), ("a&b", "rl"));
        assert_eq!(told[0].starts.unwrap().to_rfc3339(), "2026-01-01T00:00:00+00:00");
        assert!(told[0].expires.is_some() && told[1].permissions.is_empty() && told[1].expires.is_none());
        let again = azure_core::xml::to_xml(&read).unwrap();
        let again: Written = azure_core::xml::from_xml(again).unwrap();
        assert_eq!(again.all, read.all);
        let empty = azure_core::xml::to_xml(&Written::default()).unwrap();
        assert!(String::from_utf8_lossy(&empty).contains("SignedIdentifiers"));
        assert!(azure_core::xml::from_xml::<_, Written>(empty).unwrap().all.is_empty());
    }

    #[test]
    fn times_have_several_spellings() {
        for text in ["2026-12-01T00:00:00Z", "2026-12-01T00:00:00.0000000Z", "2026-12-01T00:00Z", "2026-12-01"] {
            assert_eq!(spelled(moment(text)), "2026-12-01T00:00:00Z", "{text}");
        }
        assert_eq!(moment("soon"), None);
    }
}
