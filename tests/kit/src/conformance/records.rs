//! The suite of [`Records`]. That a value survives a crash is tested on the real database, by killing it.

use super::{Case, Outcome, Report, Verdict, cases, done, ensure, run, same};
use bellhop_core::ports::Records;
use serde_json::{Value, json};
use std::future::Future;
use std::sync::Arc;

type Subject = Arc<dyn Records>;

/// Tries every sentence on records that `subject` makes, empty ones for each.
///
/// # Panics
/// With the report, when a sentence is broken.
pub async fn suite<F: Future<Output = Subject>>(subject: impl FnMut() -> F) {
    report(subject).await.assert();
}

/// The same, and returns the report.
pub async fn report<F: Future<Output = Subject>>(subject: impl FnMut() -> F) -> Report {
    run("Records", &list(), subject).await
}

pub(crate) fn list() -> Vec<Case<Subject>> {
    cases! {
        "Keys sort as bytes." => keys_sort,
        "Keeps a value, in place of what was there." => put,
        "It survives a crash once this returns." => readable_at_once,
        "Keeps a value unless the key is taken; returns what is kept under the key now, and whether it is this one." => put_new,
        "What is kept under a key." => get,
        "Forgets a key." => remove,
        "Forgetting it twice is harmless." => remove_twice,
        "Keys after `after` (or all), ascending, at most `limit`." => after,
        "Keys before `before` (or all), descending, at most `limit`." => before,
    }
}

const KEYS: [&str; 9] = ["", "A", "B/1", "B/10", "B/2", "_", "a", "ä", "日本"];

async fn fill(records: &Subject) -> Result<(), String> {
    for key in ["a", "B/2", "日本", "", "B/10", "_", "ä", "A", "B/1"] {
        done!(records.put("fill", key, &json!({ "key": key })).await, "putting {key:?}");
    }
    for other in ["fil", "fill2", "fill\u{1}", "", "g"] {
        done!(records.put(other, "elsewhere", &json!(0)).await, "putting into {other:?}");
    }
    Ok(())
}

async fn keys_sort(records: &Subject) -> Verdict {
    fill(records).await?;
    let all: Vec<String> = done!(records.after("fill", None, 100).await, "listing").into_iter().map(|record| record.key).collect();
    same!(all, KEYS, "keys in order");
    Ok(Outcome::Held)
}

async fn put(records: &Subject) -> Verdict {
    let values = [
        json!(null),
        json!(1.5),
        json!("'; drop table x; --\u{0}\u{202e}"),
        json!({"deep": [[[{"a": "ü"}]]], "n": i64::MAX}),
        json!("x".repeat(300_000)),
    ];
    for value in &values {
        done!(records.put("c", "k", value).await, "putting");
        let got = done!(records.get("c", "k").await, "getting");
        same!(got.as_ref(), Some(value), "what was put");
    }
    same!(done!(records.after("c", None, 9).await, "listing").len(), 1, "records after putting one key five times");
    Ok(Outcome::Held)
}

/// Without killing the process only the lesser half can be seen: what was put is there for everyone at once, whoever
/// put it, and no write of many at the same time is lost.
async fn readable_at_once(records: &Subject) -> Verdict {
    let writes = (0..64).map(|n| async move {
        let key = format!("{n:03}");
        records.put("many", &key, &json!(n)).await.map_err(|error| error.to_string())?;
        let got = records.get("many", &key).await.map_err(|error| error.to_string())?;
        if got == Some(json!(n)) { Ok(()) } else { Err(format!("{key} was {got:?} right after it was put")) }
    });
    for result in futures::future::join_all(writes).await {
        result?;
    }
    same!(done!(records.after("many", None, 100).await, "listing").len(), 64, "records after 64 writers");
    Ok(Outcome::Held)
}

async fn put_new(records: &Subject) -> Verdict {
    same!(done!(records.put_new("c", "k", &json!("first")).await, "the first"), (json!("first"), true), "the first");
    same!(done!(records.put_new("c", "k", &json!("second")).await, "the second"), (json!("first"), false), "the second");
    same!(
        done!(records.put_new("d", "k", &json!("other")).await, "elsewhere"),
        (json!("other"), true),
        "the same key in another collection"
    );
    let racing = futures::future::join_all((0..32).map(|n| async move { records.put_new("c", "race", &json!(n)).await })).await;
    let mut won = Vec::new();
    let mut kept = Vec::new();
    for result in racing {
        let (value, new) = done!(result, "racing");
        if new {
            won.push(value.clone());
        }
        kept.push(value);
    }
    ensure!(won.len() == 1 && kept.iter().all(|value| *value == won[0]), "of 32 at once {} won, and they were told {kept:?}", won.len());
    Ok(Outcome::Held)
}

async fn get(records: &Subject) -> Verdict {
    fill(records).await?;
    for key in KEYS {
        same!(done!(records.get("fill", key).await, "getting {key:?}"), Some(json!({ "key": key })), "under {key:?}");
    }
    for (collection, key) in [("fill", "b"), ("fill", "elsewhere"), ("none", "a"), ("FILL", "a"), ("fill", "%"), ("fill", "B/")] {
        same!(done!(records.get(collection, key).await, "getting {key:?}"), None::<Value>, "under {collection:?} {key:?}");
    }
    Ok(Outcome::Held)
}

async fn remove(records: &Subject) -> Verdict {
    fill(records).await?;
    done!(records.remove("fill", "B/1").await, "removing");
    same!(done!(records.get("fill", "B/1").await, "getting"), None::<Value>, "after removing");
    same!(done!(records.after("fill", None, 100).await, "listing").len(), KEYS.len() - 1, "those that are left");
    same!(done!(records.put_new("fill", "B/1", &json!(2)).await, "putting again"), (json!(2), true), "a key that was removed");
    Ok(Outcome::Held)
}

async fn remove_twice(records: &Subject) -> Verdict {
    done!(records.put("c", "k", &json!(1)).await, "putting");
    for time in ["first", "second"] {
        done!(records.remove("c", "k").await, "removing for the {time} time");
    }
    done!(records.remove("never", "was").await, "removing what never was");
    Ok(Outcome::Held)
}

async fn after(records: &Subject) -> Verdict {
    fill(records).await?;
    for (at, key) in KEYS.iter().enumerate() {
        let got: Vec<String> =
            done!(records.after("fill", Some(key), 3).await, "listing after {key:?}").into_iter().map(|record| record.key).collect();
        let expected: Vec<&str> = KEYS.iter().skip(at + 1).take(3).copied().collect();
        same!(got, expected, "three after {key:?}");
    }
    let between: Vec<String> =
        done!(records.after("fill", Some("B/11"), 1).await, "listing").into_iter().map(|record| record.key).collect();
    same!(between, ["B/2"], "after a key that is not there");
    same!(done!(records.after("none", None, 9).await, "listing").len(), 0, "an empty collection");
    Ok(Outcome::Held)
}

async fn before(records: &Subject) -> Verdict {
    fill(records).await?;
    let all: Vec<String> = done!(records.before("fill", None, 100).await, "listing").into_iter().map(|record| record.key).collect();
    let expected: Vec<&str> = KEYS.iter().rev().copied().collect();
    same!(all, expected, "all, descending");
    for (at, key) in KEYS.iter().enumerate() {
        let got: Vec<String> =
            done!(records.before("fill", Some(key), 3).await, "listing before {key:?}").into_iter().map(|record| record.key).collect();
        let expected: Vec<&str> = KEYS.iter().take(at).rev().take(3).copied().collect();
        same!(got, expected, "three before {key:?}");
    }
    Ok(Outcome::Held)
}
