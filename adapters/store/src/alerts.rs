//! Alerts as they are kept: one row for each fingerprint, with a version that a writer has to know.

use crate::Store;
use crate::error::{conflict, not_found};
use crate::session::{Batch, Row, Session, Value, args};
use bellhop_core::Timestamp;
use bellhop_core::alert::{Alert, short_id};
use bellhop_core::ids::Fingerprint;
use bellhop_core::nearest::nearest;
use bellhop_core::ports::{AlertFilter, PortResult};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, HashMap};

/// Something kept, and the version that it has.
#[derive(Clone, Debug, PartialEq)]
pub struct Versioned<T> {
    /// What is kept.
    pub value: T,
    /// Counts its changes, from 1.
    pub version: i64,
}

/// An alert to be kept.
#[derive(Clone, Debug)]
pub struct AlertWrite {
    /// The alert as it is now. An empty id is filled in when it is new (see [`Store::alert_ids`]).
    pub alert: Alert,
    /// The version it was read in; `None` for one that must be new.
    pub expected_version: Option<i64>,
}

/// The hash that an alert's short id is the beginning of.
fn hash(fingerprint: &Fingerprint) -> String {
    hex::encode(Sha256::digest(fingerprint.as_str()))
}

/// Writes changes; any that doesn't find the version it expects is a `Conflict`, and the transaction is to be undone.
pub(crate) async fn write(session: &mut Session, writes: &[AlertWrite], now: Timestamp) -> PortResult<()> {
    let sorted: BTreeMap<&str, &AlertWrite> = writes.iter().map(|write| (write.alert.signal.fingerprint.as_str(), write)).collect();
    if sorted.len() != writes.len() {
        return Err(conflict("commit", "one step changes the same alert twice; give its last state only"));
    }
    let (fresh, changed): (Vec<&AlertWrite>, Vec<&AlertWrite>) = sorted.into_values().partition(|write| write.expected_version.is_none());
    let row = |alert: &Alert| -> Vec<Value> {
        // Alerts are plain data: their serialisation has no way to fail.
        let body = serde_json::to_string(alert).unwrap_or_default();
        args![alert.signal.fingerprint.as_str(), alert.id.as_str(), alert.signal.name.as_str(), alert.state.word(), body]
    };
    if !fresh.is_empty() {
        let prints = fresh.iter().map(|write| write.alert.signal.fingerprint.clone()).collect::<Vec<_>>();
        let ids = ids(session, &prints).await?;
        let rows = fresh.iter().zip(ids).map(|(write, id)| {
            let mut alert = write.alert.clone();
            if alert.id.is_empty() {
                alert.id = id;
            }
            row(&alert)
        });
        let rows = rows.collect::<Batch>();
        let made = session
            .run(
                "INSERT INTO alert (fingerprint, id, name, state, version, updated_at, body) \
                 SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, 1, $2, value ->> 4 FROM EACH($1) WHERE true ON CONFLICT DO NOTHING",
                args![rows, now],
            )
            .await?;
        expect(made, fresh.len())?;
    }
    if !changed.is_empty() {
        let rows = changed.iter().map(|write| {
            let mut cells = row(&write.alert);
            cells.push(write.expected_version.into());
            cells
        });
        let rows = rows.collect::<Batch>();
        let made = session
            .run(
                "UPDATE alert SET name = a.new_name, state = a.new_state, version = alert.version + 1, updated_at = $2, body = a.new_body \
                 FROM (SELECT value ->> 0 AS print, value ->> 2 AS new_name, value ->> 3 AS new_state, value ->> 4 AS new_body, CAST(value ->> 5 AS BIGINT) AS known FROM EACH($1)) AS a \
                 WHERE alert.fingerprint = a.print AND alert.version = a.known",
                args![rows, now],
            )
            .await?;
        expect(made, changed.len())?;
    }
    Ok(())
}

fn expect(made: u64, wanted: usize) -> PortResult<()> {
    if usize::try_from(made).ok() == Some(wanted) {
        Ok(())
    } else {
        Err(conflict("commit", "an alert was changed by someone else meanwhile; read it anew and try again"))
    }
}

/// The short ids of alerts that are or will be kept, in the order asked.
async fn ids(session: &mut Session, prints: &[Fingerprint]) -> PortResult<Vec<String>> {
    let hashes = prints.iter().map(hash).collect::<Vec<_>>();
    // Whatever begins alike: a collision of eight digits is rare, so these are few.
    let begins = hashes.iter().map(|hash| args![short_id(hash)]).collect::<Batch>();
    let rows = session
        .rows(
            "SELECT a.id, a.fingerprint FROM EACH($1) JOIN alert AS a ON a.id >= j.value ->> 0 AND a.id < (j.value ->> 0) || 'g'",
            args![begins],
        )
        .await?;
    let mut taken = rows.iter().map(|row| Ok((row.text(0)?, row.text(1)?))).collect::<PortResult<HashMap<_, _>>>()?;
    let mut ids = Vec::with_capacity(prints.len());
    for (print, hash) in prints.iter().zip(&hashes) {
        let shortest = short_id(hash).len();
        let kept = taken.iter().find(|(_, owner)| owner.as_str() == print.as_str()).map(|(id, _)| id.clone());
        let id = kept.unwrap_or_else(|| {
            (shortest..=hash.len()).filter_map(|length| hash.get(..length)).find(|id| !taken.contains_key(*id)).unwrap_or(hash).to_owned()
        });
        taken.insert(id.clone(), print.as_str().to_owned());
        ids.push(id);
    }
    Ok(ids)
}

fn alert(row: &Row) -> PortResult<Versioned<Alert>> {
    Ok(Versioned { value: row.json(0)?, version: row.int(1)? })
}

impl Store {
    /// The short ids that the alerts of these fingerprints have or would get, in the same order: for cards that are
    /// made in the same step as the alert.
    ///
    /// # Errors
    /// As the database fails.
    pub async fn alert_ids(&self, fingerprints: &[Fingerprint]) -> PortResult<Vec<String>> {
        ids(&mut self.read("alert ids").await?, fingerprints).await
    }

    /// Alerts that match, the newest change first.
    ///
    /// # Errors
    /// As the database fails.
    pub async fn alerts(&self, filter: &AlertFilter) -> PortResult<Vec<Versioned<Alert>>> {
        let limit = i64::try_from(filter.limit).unwrap_or(i64::MAX);
        let mut session = self.read("alerts").await?;
        let rows = if filter.states.is_empty() {
            session.rows("SELECT body, version FROM alert ORDER BY updated_at DESC, fingerprint LIMIT $1", args![limit]).await?
        } else {
            let states = filter.states.iter().map(|state| args![state.word()]).collect::<Batch>();
            session
                .rows(
                    "SELECT body, version FROM alert WHERE state IN (SELECT value ->> 0 FROM EACH($2)) ORDER BY updated_at DESC, fingerprint LIMIT $1",
                    args![limit, states],
                )
                .await?
        };
        rows.iter().map(alert).collect()
    }

    /// The alerts of these fingerprints; those that aren't kept are left out.
    ///
    /// # Errors
    /// As the database fails.
    pub async fn alerts_by_fingerprint(&self, fingerprints: &[Fingerprint]) -> PortResult<Vec<Versioned<Alert>>> {
        let prints = fingerprints.iter().map(|print| args![print.as_str()]).collect::<Batch>();
        let mut session = self.read("alerts").await?;
        let rows =
            session.rows("SELECT body, version FROM alert WHERE fingerprint IN (SELECT value ->> 0 FROM EACH($1))", args![prints]).await?;
        rows.iter().map(alert).collect()
    }

    /// An alert by its short id, its fingerprint or, where only one has it, its name.
    ///
    /// # Errors
    /// `NotFound`, naming the nearest name or id; `Invalid` when several have the name.
    pub async fn alert_by_id(&self, text: &str) -> PortResult<Versioned<Alert>> {
        let mut session = self.read("alert").await?;
        let exact = session
            .row(
                "SELECT body, version FROM alert WHERE id = $1 OR fingerprint = $2 ORDER BY CASE WHEN id = $1 THEN 0 ELSE 1 END LIMIT 1",
                args![text.to_lowercase(), text],
            )
            .await?;
        if let Some(row) = exact {
            return alert(&row);
        }
        let named = session.rows("SELECT body, version FROM alert WHERE name = $1 ORDER BY updated_at DESC LIMIT 6", args![text]).await?;
        match named.as_slice() {
            [one] => alert(one),
            [] => {
                let known = session.rows("SELECT name, id FROM alert ORDER BY updated_at DESC LIMIT 1000", vec![]).await?;
                let mut words = Vec::new();
                for row in &known {
                    words.push(row.text(0)?);
                    words.push(row.text(1)?);
                }
                let hint =
                    nearest(text, words.iter().map(String::as_str)).map_or_else(String::new, |word| format!("; did you mean `{word}`?"));
                Err(not_found("alert", format!("there is no alert `{text}`{hint}")))
            }
            several => {
                let ids = several.iter().map(|row| Ok(alert(row)?.value.id)).collect::<PortResult<Vec<_>>>()?;
                Err(crate::error::invalid(
                    "alert",
                    format!("several alerts are called `{text}`; give one of their ids: {}", ids.join(", ")),
                ))
            }
        }
    }
}
