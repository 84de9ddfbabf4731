//! What is known about the people that events tell of.

use super::{Events, track};
use crate::session::{Batch, args};
use bellhop_core::analytics::{Refused, Taken};
use bellhop_core::ports::PortResult;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is known about a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// Who.
    pub distinct_id: String,
    /// What is known; as input, a null forgets a property.
    pub properties: BTreeMap<String, serde_json::Value>,
}

impl Events {
    /// Sets properties of people; properties that aren't named stay as they are. The same person twice is set in order.
    ///
    /// # Errors
    /// As the database fails. A profile that can't be kept is refused in the answer, and holds up no other.
    pub async fn set_profiles(&self, profiles: Vec<Profile>) -> PortResult<Taken> {
        let now = self.store.now();
        let mut taken = Taken::default();
        let mut changes = BTreeMap::<String, BTreeMap<String, serde_json::Value>>::new();
        for (index, profile) in profiles.into_iter().enumerate() {
            let bytes = serde_json::to_string(&profile.properties).map_or(usize::MAX, |text| text.len());
            let reason = match profile.distinct_id.len() {
                0 => Some("it has no `distinct_id`: say whose profile it is"),
                501.. => Some("its `distinct_id` has over 500 bytes; give a shorter one"),
                _ if profile.distinct_id.contains('\0') => Some("its `distinct_id` has a NUL in it"),
                _ if bytes > 32 * 1024 => Some("its properties have over 32 KiB"),
                _ if profile.properties.len() > 255 => Some("it has over 255 properties"),
                _ => None,
            };
            if let Some(reason) = reason {
                taken.refused.push(Refused { index, reason: reason.to_owned() });
            } else {
                taken.taken += 1;
                changes.entry(profile.distinct_id).or_default().extend(profile.properties);
            }
        }
        if changes.is_empty() {
            return Ok(taken);
        }
        self.store
            .write("profiles", move |session| {
                Box::pin(async move {
                    track::add_people(session, changes.keys().map(String::as_str), now).await?;
                    let people = changes.keys().map(|person| args![person.as_str()]).collect::<Batch>();
                    let kept = session
                        .rows(
                            "SELECT distinct_id, properties FROM person WHERE distinct_id IN (SELECT value ->> 0 FROM EACH($1)) ORDER BY distinct_id /*pg FOR UPDATE*/",
                            args![people],
                        )
                        .await?;
                    let mut merged = Batch::default();
                    for row in &kept {
                        let person = row.text(0)?;
                        let mut properties: BTreeMap<String, serde_json::Value> = row.json(1)?;
                        properties.extend(changes.get(&person).cloned().unwrap_or_default());
                        properties.retain(|_, value| !value.is_null());
                        merged.push(args![person, serde_json::to_string(&properties).unwrap_or_default()]);
                    }
                    session
                        .run(
                            "UPDATE person SET properties = c.new_properties, updated_at = $2 \
                             FROM (SELECT value ->> 0 AS who, value ->> 1 AS new_properties FROM EACH($1)) AS c WHERE person.distinct_id = c.who",
                            args![merged, now],
                        )
                        .await
                        .map(drop)
                })
            })
            .await?;
        Ok(taken)
    }

    /// What is known about a person; `None` for one who was never seen.
    ///
    /// # Errors
    /// As the database fails.
    pub async fn profile(&self, distinct_id: &str) -> PortResult<Option<Profile>> {
        let row = self.store.read("profile").await?.row("SELECT properties FROM person WHERE distinct_id = $1", args![distinct_id]).await?;
        row.map(|row| Ok(Profile { distinct_id: distinct_id.to_owned(), properties: row.json(0)? })).transpose()
    }
}
