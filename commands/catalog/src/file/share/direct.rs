//! Links that a store makes itself. Whoever sees one can download the file, and nobody can call it back: the answer is for the
//! one who asks alone, and nothing of the address is written down anywhere else.

use super::{SHORTEST, ShareArgs};
use crate::file::{Located, size};
use crate::wording::{code, line, suggest};
use bellhop_core::command::Suggestion;
use bellhop_core::period::Span as Length;
use bellhop_core::ports::{FileInfo, Stores};
use bellhop_core::{Action, Call, Card, CommandError, PortErrorKind, Reply, Span, Tone};
use chrono::TimeDelta;
use std::time::Duration;

/// A link by the store's own credential, for as long as was asked or as the store allows.
pub(super) async fn own(call: &Call, file: &Located, info: &FileInfo, args: &ShareArgs, length: Duration) -> Result<Reply, CommandError> {
    let limit = file.store.share_limit().await?;
    let (mut seconds, mut shortened) = (length.as_secs(), None);
    if let Some(limit) = limit.as_ref().filter(|limit| limit.seconds < seconds) {
        if limit.seconds < SHORTEST.as_secs() {
            return Err(CommandError::Refused(format!("the store {} can make no link now: {}", file.store_name(), line(&limit.why))));
        }
        shortened = Some(format!("Shortened from {}: {}.", Length(length), line(&limit.why)));
        seconds = limit.seconds;
    }
    let url = match file.store.share(&file.name, args.version.as_ref(), seconds).await {
        Ok(Some(url)) => url,
        Ok(None) => {
            return Err(CommandError::Refused(format!(
                "the store {} makes no links of its own to this file; leave --direct out for one that Bellhop serves",
                file.store_name()
            )));
        }
        Err(error) if error.kind == PortErrorKind::Invalid => return Err(CommandError::invalid("expires", error.message)),
        Err(error) => return Err(file.failed(error).await),
    };
    let until = call.now + TimeDelta::seconds(i64::try_from(seconds).unwrap_or(i64::from(u32::MAX)));
    let mut card = shown(info, &url, file).and_fields(vec![("Size", size(info.size)), ("Link works until", Span::Time(until))]);
    if let Some(shortened) = shortened {
        card = card.and_spans(vec![Span::Bold(shortened)]);
    } else if let Some(limit) = limit {
        card = card.and_text(format!("The store's own limit: {}.", line(&limit.why)));
    }
    Ok(finished(card.and_text("Nobody can call it back: it ends by itself."), url))
}

/// A link that the store has bound to an access policy.
pub(super) fn bound(_call: &Call, file: &Located, info: &FileInfo, url: &str, policy: &str) -> Reply {
    let card = shown(info, url, file).and_fields(vec![("Size", size(info.size)), ("While allowed by", code(policy))]).and_spans(vec![
        "It works as long as the policy says. ".into(),
        code(format!("bucket access NAME revoke {policy}")),
        " ends it.".into(),
    ]);
    finished(card, url.to_owned())
}

fn shown(info: &FileInfo, url: &str, file: &Located) -> Card {
    Card::titled(format!("Direct link to {}", info.name))
        .tone(Tone::Good)
        .and_spans(vec![Span::Link { text: url.to_owned(), url: url.to_owned() }])
        .and_text(format!(
            "It leads to the store {} itself, past Bellhop. Whoever has it gets the file: only you see it here.",
            file.store_name()
        ))
}

fn finished(card: Card, url: String) -> Reply {
    Reply::private(card.and_actions(vec![Action::open("Download", url)]))
}

/// Policies of the default store's bucket.
pub(super) async fn complete_policy(stores: &dyn Stores, typed: &str) -> Vec<Suggestion> {
    let Ok(store) = stores.store(None) else { return Vec::new() };
    let Some(buckets) = store.buckets() else { return Vec::new() };
    let Ok(policies) = buckets.access(buckets.own()).await else { return Vec::new() };
    suggest(typed, policies.into_iter().map(|policy| (policy.id, String::new())))
}
