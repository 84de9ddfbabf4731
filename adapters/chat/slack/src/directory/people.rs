//! People as Slack tells of them, and the list of a workspace's people, read page by page and no further than needed.

use super::{Next, ambiguous};
use crate::api::Api;
use crate::wire::Method;
use bellhop_core::clock::Timestamp;
use bellhop_core::ids::WorkspaceId;
use bellhop_core::ports::PortResult;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

const PEOPLE: Method = Method { name: "users.list", operation: "find a person", per_minute: 20, safe: true };

/// How many candidates an error names.
const NAMED: usize = 5;

/// A person of a workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one independent fact that Slack tells")]
pub struct Person {
    /// `U...`
    pub id: String,
    /// The handle, unique in the workspace.
    pub handle: String,
    /// The name to show.
    pub name: String,
    /// The full name.
    pub real_name: String,
    /// Their time zone, where Slack says.
    pub zone: Option<chrono_tz::Tz>,
    /// A guest, of several channels or of one.
    pub is_restricted: bool,
    /// An administrator or owner of the workspace.
    pub is_admin: bool,
    /// No person at all.
    pub is_bot: bool,
    /// Gone.
    pub deleted: bool,
    /// The address of their mail, which Slack tells where the app has the scope users:read.email.
    pub email: Option<String>,
}

/// A person on the wire.
#[derive(Deserialize)]
pub(crate) struct Spoken {
    id: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    real_name: Option<String>,
    #[serde(default)]
    tz: Option<String>,
    #[serde(default)]
    deleted: Option<bool>,
    #[serde(default)]
    is_bot: Option<bool>,
    #[serde(default)]
    is_admin: Option<bool>,
    #[serde(default)]
    is_owner: Option<bool>,
    #[serde(default)]
    is_restricted: Option<bool>,
    #[serde(default)]
    is_ultra_restricted: Option<bool>,
    #[serde(default)]
    profile: Option<Profile>,
}

#[derive(Default, Deserialize)]
struct Profile {
    #[serde(default)]
    display_name: Option<String>,
    #[serde(default)]
    real_name: Option<String>,
    #[serde(default)]
    email: Option<String>,
}

impl From<Spoken> for Person {
    fn from(spoken: Spoken) -> Self {
        let profile = spoken.profile.unwrap_or_default();
        let some = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        let handle = some(spoken.name).unwrap_or_else(|| spoken.id.clone());
        let real_name = some(spoken.real_name).or_else(|| some(profile.real_name)).unwrap_or_else(|| handle.clone());
        Self {
            name: some(profile.display_name).unwrap_or_else(|| real_name.clone()),
            handle,
            real_name,
            zone: spoken.tz.and_then(|zone| zone.parse().ok()),
            is_restricted: spoken.is_restricted == Some(true) || spoken.is_ultra_restricted == Some(true),
            is_admin: spoken.is_admin == Some(true) || spoken.is_owner == Some(true),
            // Slack's own helper says of itself that it is none.
            is_bot: spoken.is_bot == Some(true) || spoken.id == "USLACKBOT",
            deleted: spoken.deleted == Some(true),
            email: some(profile.email),
            id: spoken.id,
        }
    }
}

/// The people of a workspace, as far as they have been read.
pub(super) struct Pages {
    people: Vec<Arc<Person>>,
    cursor: Option<String>,
    whole: bool,
    /// When reading began.
    pub(super) began: Timestamp,
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    members: Vec<Spoken>,
    #[serde(default)]
    response_metadata: Option<Next>,
}

impl Pages {
    /// Nothing read yet.
    pub(super) fn new(began: Timestamp) -> Self {
        Self { people: Vec::new(), cursor: None, whole: false, began }
    }

    /// Someone by handle, or by shown or full name. What has been read stays read, also when a page fails.
    pub(super) async fn find(&mut self, api: &Api, workspace: &WorkspaceId, name: &str) -> PortResult<Option<Arc<Person>>> {
        let wanted = name.to_lowercase();
        let mut looked = 0;
        loop {
            // Handles are unique: the first is the one.
            if let Some(person) = self.people[looked..].iter().find(|person| person.handle.to_lowercase() == wanted) {
                return Ok(Some(person.clone()));
            }
            looked = self.people.len();
            if self.whole {
                break;
            }
            self.read(api, workspace).await?;
        }
        let shown = |person: &&Arc<Person>| person.name.to_lowercase() == wanted || person.real_name.to_lowercase() == wanted;
        let fits: Vec<&Arc<Person>> = self.people.iter().filter(shown).collect();
        match fits.as_slice() {
            [] => Ok(None),
            [one] => Ok(Some((*one).clone())),
            several => {
                let mut names: Vec<String> = several.iter().take(NAMED).map(|person| format!("@{}", person.handle)).collect();
                if several.len() > NAMED {
                    names.push(format!("{} more", several.len() - NAMED));
                }
                Err(ambiguous(api.wire().service(), name, &names))
            }
        }
    }

    async fn read(&mut self, api: &Api, workspace: &WorkspaceId) -> PortResult<()> {
        let args = json!({ "limit": 200, "cursor": self.cursor });
        let page: Page = api.call(workspace, PEOPLE, &args).await.map_err(|failure| failure.error)?;
        let people = page.members.into_iter().map(|spoken| Arc::new(Person::from(spoken)));
        self.people.extend(people.filter(|person| !person.deleted && !person.is_bot));
        self.cursor = Next::cursor(page.response_metadata);
        self.whole = self.cursor.is_none();
        Ok(())
    }
}
