//! What is known about the people that events tell of, and about groups of them.

use super::merge::{Pair, lock, merge};
use super::{Events, track};
use crate::session::{Batch, Session, args};
use bellhop_core::Timestamp;
use bellhop_core::analytics::{ProfileChange, ProfileOperation, Refused, Subject, Taken};
use bellhop_core::ports::PortResult;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// What may be told at once, and what a profile may hold.
const PROPERTIES: usize = 255;
const BYTES: usize = 32 * 1024;

type Properties = BTreeMap<String, Value>;

/// What is known about a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// Who.
    pub distinct_id: String,
    /// What is known; as input, a null forgets a property.
    pub properties: BTreeMap<String, serde_json::Value>,
}

/// Whether something can be known by this id.
pub(super) fn check_id(what: &str, id: &str) -> Result<(), String> {
    match id.len() {
        0 => Err(format!("its `{what}` is empty: say whose profile it is")),
        501.. => Err(format!("its `{what}` has over 500 bytes; give a shorter one")),
        _ if id.contains('\0') => Err(format!("its `{what}` has a NUL in it")),
        _ => Ok(()),
    }
}

impl Events {
    /// Sets properties of people; properties that aren't named stay as they are. The same person twice is set in order.
    ///
    /// # Errors
    /// As the database fails. A profile that can't be kept is refused in the answer, and holds up no other.
    pub async fn set_profiles(&self, profiles: Vec<Profile>) -> PortResult<Taken> {
        let set = |profile: Profile| ProfileChange {
            subject: Subject::Person(profile.distinct_id),
            change: ProfileOperation::Set(profile.properties),
        };
        self.change(profiles.into_iter().map(set).collect()).await
    }

    /// What is known about a person; `None` for one who was never seen. Ids that were merged have one profile.
    ///
    /// # Errors
    /// As the database fails.
    pub async fn profile(&self, distinct_id: &str) -> PortResult<Option<Profile>> {
        let sql = "SELECT r.properties FROM person AS p JOIN person AS r ON r.id = coalesce(p.root, p.id) WHERE p.distinct_id = $1";
        let row = self.store.read("profile").await?.row(sql, args![distinct_id]).await?;
        row.map(|row| Ok(Profile { distinct_id: distinct_id.to_owned(), properties: row.json(0)? })).transpose()
    }

    /// What is known about a group of people; `None` for one that was never told about.
    ///
    /// # Errors
    /// As the database fails.
    pub async fn group(&self, kind: &str, id: &str) -> PortResult<Option<BTreeMap<String, Value>>> {
        let sql = "SELECT properties FROM event_group WHERE kind = $1 AND id = $2";
        self.store.read("profile").await?.row(sql, args![kind, id]).await?.map(|row| row.json(0)).transpose()
    }

    pub(super) async fn change(&self, changes: Vec<ProfileChange>) -> PortResult<Taken> {
        let now = self.store.now();
        let mut taken = Taken::default();
        let mut good = Vec::new();
        for (index, change) in changes.into_iter().enumerate() {
            match checked(&change) {
                Ok(()) => good.push((index, change)),
                Err(reason) => taken.refused.push(Refused { index, reason }),
            }
        }
        if good.is_empty() {
            return Ok(taken);
        }
        let count = good.len();
        let refused = self.store.write("profiles", move |session| Box::pin(async move { apply(session, &good, now).await })).await?;
        taken.taken = count - refused.len();
        taken.refused.extend(refused);
        taken.refused.sort_by_key(|refused| refused.index);
        Ok(taken)
    }
}

/// What can be told of a change without knowing the profile.
fn checked(change: &ProfileChange) -> Result<(), String> {
    match (&change.subject, &change.change) {
        (Subject::Merge { from, into }, ProfileOperation::Merge) => return Pair::new(from, into).map(drop),
        (Subject::Merge { .. }, _) => return Err("two ids can be merged and nothing else; change the profile of one person".to_owned()),
        (_, ProfileOperation::Merge) => return Err("a merge names two ids: `from` and `into`".to_owned()),
        (Subject::Person(id), _) => check_id("distinct_id", id)?,
        (Subject::Group { kind, id }, _) => {
            check_id("kind", kind)?;
            check_id("id", id)?;
        }
    }
    let (count, bytes) = match &change.change {
        ProfileOperation::Set(values) | ProfileOperation::SetOnce(values) => (values.len(), size(values)),
        ProfileOperation::Union(values) => (values.len(), size(values)),
        ProfileOperation::Add(values) => {
            if let Some((name, _)) = values.iter().find(|(_, number)| !number.is_finite()) {
                return Err(format!("what is added to `{name}` is no number"));
            }
            (values.len(), size(values))
        }
        ProfileOperation::Unset(names) => (names.len(), size(names)),
        ProfileOperation::Delete | ProfileOperation::Merge => (0, 0),
    };
    if bytes > BYTES {
        return Err("its properties have over 32 KiB".to_owned());
    }
    if count > PROPERTIES {
        return Err(format!("it has over {PROPERTIES} properties"));
    }
    Ok(())
}

fn size(value: &impl Serialize) -> usize {
    serde_json::to_string(value).map_or(usize::MAX, |text| text.len())
}

/// Does the changes in their order; merges part the others into runs that are read and written at once.
async fn apply(session: &mut Session, changes: &[(usize, ProfileChange)], now: Timestamp) -> PortResult<Vec<Refused>> {
    let merges = |change: &ProfileChange| matches!(change.change, ProfileOperation::Merge);
    lock(session, changes.iter().any(|(_, change)| merges(change))).await?;
    let mut refused = Vec::new();
    for run in changes.chunk_by(|a, b| merges(&a.1) == merges(&b.1)) {
        if run.first().is_some_and(|(_, change)| merges(change)) {
            let pairs = run.iter().filter_map(|(_, change)| match &change.subject {
                Subject::Merge { from, into } => Pair::new(from, into).ok(),
                Subject::Person(_) | Subject::Group { .. } => None,
            });
            merge(session, &pairs.collect::<Vec<_>>(), now).await?;
        } else {
            people(session, run, now, &mut refused).await?;
            groups(session, run, now, &mut refused).await?;
        }
    }
    Ok(refused)
}

async fn people(session: &mut Session, run: &[(usize, ProfileChange)], now: Timestamp, refused: &mut Vec<Refused>) -> PortResult<()> {
    let of = |change: &ProfileChange| if let Subject::Person(id) = &change.subject { Some(id.clone()) } else { None };
    let ids: std::collections::BTreeSet<String> = run.iter().filter_map(|(_, change)| of(change)).collect();
    if ids.is_empty() {
        return Ok(());
    }
    track::add_people(session, ids.iter().map(String::as_str), now).await?;
    let sql = "SELECT p.distinct_id, r.id, r.properties FROM person AS p JOIN person AS r ON r.id = coalesce(p.root, p.id) \
               WHERE p.distinct_id IN (SELECT value ->> 0 FROM EACH($1)) ORDER BY r.id /*pg FOR UPDATE OF r*/";
    let (mut roots, mut profiles) = (BTreeMap::new(), BTreeMap::<i64, Properties>::new());
    for row in session.rows(sql, args![ids.iter().map(|id| args![id.as_str()]).collect::<Batch>()]).await? {
        roots.insert(row.text(0)?, row.int(1)?);
        profiles.insert(row.int(1)?, row.json(2)?);
    }
    for (index, change) in run {
        let Some(profile) = of(change).and_then(|id| roots.get(&id)).and_then(|root| profiles.get_mut(root)) else { continue };
        refused.extend(changed(profile, &change.change).err().map(|reason| Refused { index: *index, reason }));
    }
    let rows = profiles.iter().map(|(root, properties)| args![*root, serde_json::to_string(properties).unwrap_or_default()]);
    keep(session, rows.collect(), now).await
}

/// Writes profiles: rows of a root and its properties.
pub(super) async fn keep(session: &mut Session, rows: Batch, now: Timestamp) -> PortResult<()> {
    session
        .run(
            "UPDATE person SET properties = c.new_properties, updated_at = $2 \
             FROM (SELECT CAST(value ->> 0 AS BIGINT) AS root, value ->> 1 AS new_properties FROM EACH($1)) AS c WHERE person.id = c.root",
            args![rows, now],
        )
        .await
        .map(drop)
}

async fn groups(session: &mut Session, run: &[(usize, ProfileChange)], now: Timestamp, refused: &mut Vec<Refused>) -> PortResult<()> {
    let of = |change: &ProfileChange| {
        if let Subject::Group { kind, id } = &change.subject { Some((kind.clone(), id.clone())) } else { None }
    };
    let all: std::collections::BTreeSet<(String, String)> = run.iter().filter_map(|(_, change)| of(change)).collect();
    for (kind, id) in &all {
        let new = "INSERT INTO event_group (kind, id, updated_at) VALUES ($1, $2, $3) ON CONFLICT (kind, id) DO NOTHING";
        session.run(new, args![kind.as_str(), id.as_str(), now]).await?;
        let sql = "SELECT properties FROM event_group WHERE kind = $1 AND id = $2 /*pg FOR UPDATE*/";
        let Some(row) = session.row(sql, args![kind.as_str(), id.as_str()]).await? else { continue };
        let mut properties: Properties = row.json(0)?;
        for (index, change) in run.iter().filter(|(_, change)| of(change).is_some_and(|(k, i)| (&k, &i) == (kind, id))) {
            refused.extend(changed(&mut properties, &change.change).err().map(|reason| Refused { index: *index, reason }));
        }
        let text = serde_json::to_string(&properties).unwrap_or_default();
        let sql = "UPDATE event_group SET properties = $3, updated_at = $4 WHERE kind = $1 AND id = $2";
        session.run(sql, args![kind.as_str(), id.as_str(), text, now]).await?;
    }
    Ok(())
}

/// Changes a profile, or leaves it as it is and says why.
fn changed(profile: &mut Properties, change: &ProfileOperation) -> Result<(), String> {
    let mut new = profile.clone();
    match change {
        ProfileOperation::Set(values) => {
            new.extend(values.iter().map(|(name, value)| (name.clone(), value.clone())));
            new.retain(|_, value| !value.is_null());
        }
        ProfileOperation::SetOnce(values) => {
            for (name, value) in values.iter().filter(|(_, value)| !value.is_null()) {
                new.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        ProfileOperation::Add(values) => {
            for (name, more) in values {
                let before = match new.get(name) {
                    None => 0.0,
                    Some(value) => {
                        track::number(value).ok_or_else(|| format!("`{name}` is {value} and no number that could be added to"))?
                    }
                };
                new.insert(name.clone(), sum(before + more).ok_or_else(|| format!("`{name}` would get larger than numbers can be"))?);
            }
        }
        ProfileOperation::Union(values) => {
            for (name, more) in values {
                let list = new.entry(name.clone()).or_insert_with(|| Value::Array(Vec::new()));
                let Value::Array(list) = list else { return Err(format!("`{name}` is {list} and no list that could be added to")) };
                for value in more {
                    if !list.contains(value) {
                        list.push(value.clone());
                    }
                }
            }
        }
        ProfileOperation::Unset(names) => new.retain(|name, _| !names.contains(name)),
        ProfileOperation::Delete => new.clear(),
        ProfileOperation::Merge => {}
    }
    let grown = new.len() > profile.len() || size(&new) > size(&*profile);
    if grown && (new.len() > PROPERTIES || size(&new) > BYTES) {
        return Err(format!("the profile would have over {PROPERTIES} properties or 32 KiB; forget some first"));
    }
    *profile = new;
    Ok(())
}

/// A sum as it is written: whole where it is.
fn sum(number: f64) -> Option<Value> {
    #[expect(clippy::cast_possible_truncation, reason = "whole and within what a float counts exactly")]
    if number.fract() == 0.0 && number.abs() < 9e15 {
        return Some(Value::from(number as i64));
    }
    serde_json::Number::from_f64(number).map(Value::Number)
}
