//! Sentences on posting, changing, removing and finding.

use super::Subject;
use crate::conformance::{Outcome, Verdict, done, ensure, refuses, same};
use bellhop_core::access::{Access, Effect};
use bellhop_core::call::Invoke;
use bellhop_core::capabilities::Lookup;
use bellhop_core::card::{Action, Block, Column, Field, Table, Tone};
use bellhop_core::ports::Stop;
use bellhop_core::{About, Address, Card, PortErrorKind};
use serde_json::json;
use std::time::Duration;

pub(super) async fn capabilities(subject: &Subject) -> Verdict {
    let caps = subject.platform.capabilities();
    same!(subject.platform.name(), &subject.channel.chat, "its name");
    for (what, limit) in [
        ("blocks", caps.blocks),
        ("text", caps.text),
        ("title", caps.title),
        ("message", caps.message),
        ("fields", caps.fields),
        ("actions", caps.actions),
        ("label", caps.label),
    ] {
        ensure!(limit > 0, "it shows no {what} at all");
    }
    ensure!(caps.text <= caps.message, "a paragraph may be {} long and a whole message only {}", caps.text, caps.message);
    same!(subject.platform.capabilities(), caps, "asked a second time");
    Ok(Outcome::Held)
}

pub(super) async fn announce(subject: &Subject) -> Verdict {
    let about = |name| About {
        name,
        summary: "Lists files",
        access: Access::Member,
        effect: Effect::Reads,
        examples: &["file list"],
        completes: &[],
        model: model(name),
    };
    let list = [about("file list"), about("help")];
    for time in ["first", "second"] {
        done!(subject.platform.announce(&list).await, "announcing for the {time} time");
    }
    same!(subject.seen().await.len(), 0, "messages that announcing leaves in a channel");
    Ok(Outcome::Held)
}

/// The model of a command without arguments, made by the same path that real commands take.
fn model(name: &'static str) -> clap::Command {
    clap::Command::new(name).no_binary_name(true)
}

pub(super) async fn listen(subject: &Subject) -> Verdict {
    let stop = Stop::new();
    let listening = subject.platform.listen(stop.clone());
    tokio::pin!(listening);
    if let Ok(ended) = tokio::time::timeout(Duration::from_millis(100), &mut listening).await {
        return Err(format!("it stopped listening without being told: {ended:?}"));
    }
    stop.cancel();
    match tokio::time::timeout(Duration::from_secs(10), listening).await {
        Ok(Ok(())) => Ok(Outcome::Held),
        Ok(Err(error)) => Err(format!("told to stop, it failed: {error}")),
        Err(_) => Err("10 s after being told to stop it still listens".to_owned()),
    }
}

pub(super) async fn post(subject: &Subject) -> Verdict {
    let caps = subject.platform.capabilities();
    let first = subject.deliver("k1", Card::text("the first")).await?;
    let mut card = Card::titled("A title")
        .tone(Tone::Warning)
        .and_text("a paragraph")
        .block(Block::Fields(vec![Field { name: "Size".into(), value: vec!["12 B".into()] }]));
    let mut words = vec!["A title", "a paragraph", "Size", "12 B"];
    if caps.table.is_some_and(|limits| limits.rows >= 1 && limits.columns >= 2) && caps.blocks >= 5 {
        let column = |name: &str, numeric| Column { name: name.to_owned(), numeric };
        card = card.block(Block::Table(Table {
            caption: "Files".into(),
            columns: vec![column("Name", false), column("Bytes", true)],
            rows: vec![vec![vec!["a.txt".into()], vec!["7".into()]]],
        }));
        words.extend(["Name", "Bytes", "a.txt", "7"]);
    }
    card = card.and_actions(vec![Action::invoke("Do it", Invoke { command: "help".into(), args: json!({}) })]);
    let second = subject.deliver("k2", card).await?;
    ensure!(first != second, "two messages have the same id {first}");
    let seen = subject.seen().await;
    same!(
        seen.iter().map(|message| message.id.as_str()).collect::<Vec<_>>(),
        [first.as_str(), second.as_str()],
        "ids in the channel, oldest first"
    );
    for word in words {
        ensure!(seen[1].text.contains(word), "{word:?} is not shown: {:?}", seen[1].text);
    }
    same!(seen[1].actions, ["Do it"], "its buttons");
    ensure!(seen[0].text.contains("the first"), "the first message reads {:?}", seen[0].text);
    Ok(Outcome::Held)
}

pub(super) async fn failure(subject: &Subject) -> Verdict {
    let mut lost = subject.post("k", Card::text("lost"));
    lost.to = Address::channel(subject.channel.chat.clone(), subject.channel.workspace.clone(), "no-such-channel-0");
    let error = refuses!(
        subject.platform.deliver(&lost).await,
        PortErrorKind::NotFound | PortErrorKind::Denied | PortErrorKind::Invalid,
        "posting where there is no channel"
    );
    ensure!(!error.maybe_done, "a message that was refused is said to be perhaps posted: {error}");
    ensure!(error.retry == bellhop_core::Retry::No, "posting where there is no channel is to be tried again ({:?})", error.retry);
    // The key is not used up by the failure.
    subject.deliver("k", Card::text("arrives")).await?;
    same!(subject.count("arrives").await, 1, "messages under the key that failed elsewhere");
    Ok(Outcome::Held)
}

pub(super) async fn same_key(subject: &Subject) -> Verdict {
    match subject.platform.capabilities().lookup {
        Lookup::None => Ok(Outcome::NotOffered("the platform has no means for it")),
        Lookup::ByKey => {
            let id = subject.deliver("k", Card::text("once")).await?;
            let found = done!(subject.platform.find(&subject.channel, &"k".into()).await, "looking it up");
            same!(found, Some(id), "what a look-up before sending again finds");
            Ok(Outcome::Held)
        }
        Lookup::Idempotent => {
            let id = subject.deliver("k", Card::text("once")).await?;
            same!(subject.deliver("k", Card::text("once")).await?, id, "the id when posted again");
            let racing = futures::future::join_all((0..8).map(|_| subject.deliver("race", Card::text("raced")))).await;
            for result in &racing {
                same!(result, &racing[0], "ids when posted eight times at once");
            }
            same!(subject.texts().await.len(), 2, "messages in the channel");
            same!((subject.count("once").await, subject.count("raced").await), (1, 1), "copies");
            Ok(Outcome::Held)
        }
    }
}

macro_rules! needs_edits {
    ($subject:expr) => {
        if !$subject.platform.capabilities().edits {
            return Ok(Outcome::NotOffered("posted messages can't be changed"));
        }
    };
}

pub(super) async fn revise(subject: &Subject) -> Verdict {
    needs_edits!(subject);
    let before = subject.deliver("k0", Card::text("stays")).await?;
    let id = subject.deliver("k", Card::text("old words").and_actions(vec![Action::open("Old", "https://old.example/")])).await?;
    done!(subject.platform.revise(&id, &subject.post("k", Card::titled("New").and_text("new words"))).await, "changing");
    let seen = subject.seen().await;
    same!(seen.iter().map(|message| message.id.as_str()).collect::<Vec<_>>(), [before.as_str(), id.as_str()], "ids in the channel");
    ensure!(seen[1].text.contains("new words") && seen[1].text.contains("New"), "it reads {:?}", seen[1].text);
    ensure!(!seen[1].text.contains("old words") && seen[1].actions.is_empty(), "something old is left: {:?}", seen[1]);
    ensure!(seen[0].text.contains("stays"), "the message before it reads {:?}", seen[0].text);
    Ok(Outcome::Held)
}

pub(super) async fn revise_twice(subject: &Subject) -> Verdict {
    needs_edits!(subject);
    let id = subject.deliver("k", Card::text("old")).await?;
    for time in ["first", "second"] {
        done!(subject.platform.revise(&id, &subject.post("k", Card::text("changed"))).await, "changing for the {time} time");
    }
    same!((subject.texts().await.len(), subject.count("changed").await), (1, 1), "messages, and those that are changed");
    Ok(Outcome::Held)
}

pub(super) async fn revise_missing(subject: &Subject) -> Verdict {
    needs_edits!(subject);
    let id = subject.deliver("k", Card::text("old")).await?;
    done!(subject.platform.retract(&subject.channel, &id).await, "removing");
    refuses!(
        subject.platform.revise(&id, &subject.post("k", Card::text("changed"))).await,
        PortErrorKind::NotFound,
        "changing what was removed"
    );
    refuses!(
        subject.platform.revise(&"999999999".into(), &subject.post("k2", Card::text("changed"))).await,
        PortErrorKind::NotFound,
        "changing what never was"
    );
    same!(subject.texts().await.len(), 0, "messages in the channel");
    Ok(Outcome::Held)
}

pub(super) async fn retract(subject: &Subject) -> Verdict {
    subject.deliver("k1", Card::text("stays")).await?;
    let id = subject.deliver("k2", Card::text("goes")).await?;
    done!(subject.platform.retract(&subject.channel, &id).await, "removing");
    same!((subject.count("stays").await, subject.count("goes").await), (1, 0), "what is left");
    Ok(Outcome::Held)
}

pub(super) async fn retract_twice(subject: &Subject) -> Verdict {
    let id = subject.deliver("k", Card::text("goes")).await?;
    for time in ["first", "second"] {
        done!(subject.platform.retract(&subject.channel, &id).await, "removing for the {time} time");
    }
    done!(subject.platform.retract(&subject.channel, &"999999999".into()).await, "removing what never was");
    Ok(Outcome::Held)
}

pub(super) async fn find(subject: &Subject) -> Verdict {
    if subject.platform.capabilities().lookup == Lookup::None {
        return Ok(Outcome::NotOffered("the platform has no means for it"));
    }
    let mut ids = Vec::new();
    for n in 0..12 {
        ids.push(subject.deliver(&format!("key '{n}\" %_"), Card::text(format!("message {n}"))).await?);
    }
    for (n, id) in ids.iter().enumerate() {
        let found = done!(subject.platform.find(&subject.channel, &format!("key '{n}\" %_").into()).await, "looking up {n}");
        same!(found.as_ref(), Some(id), "message {n}");
    }
    for unknown in ["key", "key '1", "KEY '1\" %_", "%"] {
        let found = done!(subject.platform.find(&subject.channel, &unknown.into()).await, "looking up {unknown:?}");
        same!(found, None, "the message under {unknown:?}");
    }
    Ok(Outcome::Held)
}

/// The posting requests have been answered, so all is settled: each one is found at once.
pub(super) async fn find_at_once(subject: &Subject) -> Verdict {
    if subject.platform.capabilities().lookup != Lookup::ByKey {
        return Ok(Outcome::NotOffered("it settles by another means"));
    }
    for n in 0..5 {
        let key = format!("k{n}");
        let id = subject.deliver(&key, Card::text("here")).await?;
        same!(done!(subject.platform.find(&subject.channel, &key.as_str().into()).await, "looking up"), Some(id), "right after posting");
    }
    Ok(Outcome::Held)
}
