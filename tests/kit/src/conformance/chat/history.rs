//! Sentences on reading what was said.

use super::Subject;
use crate::conformance::{Outcome, Verdict, done, ensure, refuses, same};
use bellhop_core::call::Audience;
use bellhop_core::ports::{HistoryPage, PastMessage, Post};
use bellhop_core::{Address, Card, PortError, PortErrorKind};

const CANT: Outcome = Outcome::NotOffered("what was said can't be read");

/// Every page, each of at most `limit` messages.
async fn pages(subject: &Subject, at: &Address, limit: usize) -> Result<Vec<PastMessage>, PortError> {
    let (mut all, mut next) = (Vec::new(), None::<String>);
    for _ in 0..100 {
        let HistoryPage { messages, next: more } = subject.platform.history(at, next.as_deref(), limit).await?;
        if messages.len() > limit {
            return Err(PortError::new(
                PortErrorKind::Broken,
                "suite",
                "history",
                format!("a page of {} messages, of {limit}", messages.len()),
            ));
        }
        all.extend(messages);
        next = more;
        if next.is_none() {
            return Ok(all);
        }
    }
    Err(PortError::new(PortErrorKind::Broken, "suite", "history", "the pages don't end"))
}

async fn offered(subject: &Subject) -> bool {
    !matches!(subject.platform.history(&subject.channel, None, 1).await, Err(error) if error.kind == PortErrorKind::Unsupported)
}

/// Which of the numbered messages these are.
fn numbers(messages: &[PastMessage]) -> Vec<usize> {
    let number = |message: &PastMessage| (0..100).find(|n| message.text.contains(&format!("number {n}.")));
    messages.iter().filter_map(number).collect()
}

pub(super) async fn order(subject: &Subject) -> Verdict {
    if !offered(subject).await {
        return Ok(CANT);
    }
    for n in 0..5 {
        subject.deliver(&format!("k{n}"), Card::text(format!("number {n}."))).await?;
    }
    let all = done!(pages(subject, &subject.channel, 2).await, "reading the channel");
    same!(numbers(&all), [4, 3, 2, 1, 0], "the messages, the newest first");
    ensure!(all.windows(2).all(|two| two[0].at >= two[1].at), "their times don't fall");
    if !subject.platform.capabilities().threads {
        return Ok(Outcome::Held);
    }
    let Some(root) = all.iter().find(|message| message.text.contains("number 2.")) else { return Err("a message is missing".to_owned()) };
    let Some(thread) = root.thread.clone() else { return Err("there are threads, and a message doesn't say its own".to_owned()) };
    let inside = Address { thread: Some(thread), ..subject.channel.clone() };
    for n in 10..13 {
        let post = Post { to: inside.clone(), ..subject.post(&format!("k{n}"), Card::text(format!("number {n}."))) };
        done!(subject.platform.deliver(&post).await, "answering in a thread");
    }
    let all = done!(pages(subject, &subject.channel, 2).await, "reading the channel");
    same!(numbers(&all), [4, 3, 2, 1, 0], "the messages without the replies");
    let replies: Vec<usize> = all.iter().map(|message| message.replies).collect();
    same!(replies.iter().sum::<usize>(), 3, "replies that the channel's messages say they have: {replies:?}");
    let answers = done!(pages(subject, &inside, 2).await, "reading the thread");
    same!(numbers(&answers), [10, 11, 12], "the replies, the oldest first");
    Ok(Outcome::Held)
}

pub(super) async fn once(subject: &Subject) -> Verdict {
    if !offered(subject).await {
        return Ok(CANT);
    }
    same!(done!(pages(subject, &subject.channel, 5).await, "reading an empty channel").len(), 0, "messages in it");
    for n in 0..7 {
        subject.deliver(&format!("k{n}"), Card::text(format!("number {n}."))).await?;
    }
    let mut private = subject.post("private", Card::text("between us"));
    private.audience = Audience::Caller;
    private.answers = Some(subject.person.clone());
    done!(subject.platform.deliver(&private).await, "posting for one person");
    for limit in [1, 3, 7, 100] {
        let all = done!(pages(subject, &subject.channel, limit).await, "reading {limit} at a time");
        same!(numbers(&all), [6, 5, 4, 3, 2, 1, 0], "the messages, {limit} at a time");
        let hidden = all.iter().filter(|message| message.text.contains("between us")).count();
        same!(hidden, usize::from(!subject.platform.capabilities().private), "messages that only some see");
        let ids: std::collections::BTreeSet<_> = all.iter().map(|message| message.id.to_string()).collect();
        same!(ids.len(), all.len(), "different ids");
    }
    Ok(Outcome::Held)
}

pub(super) async fn nowhere(subject: &Subject) -> Verdict {
    let at = Address { channel: "C0NOWHERE".into(), ..subject.channel.clone() };
    refuses!(
        subject.platform.history(&at, None, 10).await,
        PortErrorKind::NotFound | PortErrorKind::Unsupported,
        "a place that isn't there"
    );
    Ok(Outcome::Held)
}
