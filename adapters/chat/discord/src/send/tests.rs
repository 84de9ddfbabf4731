//! Ways of sending against the strict world: what becomes of a message whose interaction is over, of people who can't be written to, of
//! lost answers.

use super::nonce;
use crate::testbed::Bed;
use bellhop_core::address::UserRef;
use bellhop_core::call::Audience;
use bellhop_core::card::{Block, Card, Image, Span};
use bellhop_core::ports::{ChatPlatform as _, Post, Upload};
use bellhop_core::{PortErrorKind, Retry};
use bellhop_kit::discord::{Behaviour, Settings};
use std::time::Duration;

fn post(bed: &Bed, key: &str, card: Card) -> Post {
    Post { key: key.into(), to: bed.at("ops"), card, audience: Audience::Everyone, answers: None, reply: None }
}

fn user(bed: &Bed, name: &str) -> UserRef {
    UserRef { chat: "guild".into(), workspace: bed.world.guild_id().as_str().into(), user: bed.world.person(name).id.as_str().into() }
}

#[test]
fn nonces_are_short_and_different() {
    let one = nonce(&"a delivery".into());
    assert_eq!((one.len(), one == nonce(&"a delivery".into()), one == nonce(&"another".into())), (22, true, false));
}

#[tokio::test]
async fn private_answers_without_an_interaction_come_directly() {
    let bed = Bed::new("").await;
    let mut private = post(&bed, "k", Card::text("between us"));
    private.audience = Audience::Caller;
    private.answers = Some(user(&bed, "bob"));
    let message = bed.discord.deliver(&private).await.unwrap();
    assert!(bed.world.person("ann").sees("#ops").is_empty());
    let seen = bed.world.person("bob").sees("@bellhop");
    assert!(seen[0].text.contains("between us") && seen[0].text.contains("#ops"), "{seen:?}");
    bed.discord.revise(&message, &Post { card: Card::text("changed"), ..private.clone() }).await.unwrap();
    assert!(bed.world.person("bob").sees("@bellhop")[0].text.contains("changed"));
    // Someone who takes no direct messages is told so in the channel, without the answer.
    private.answers = Some(user(&bed, "gus"));
    private.key = "other".into();
    bed.discord.deliver(&private).await.unwrap();
    let told = bed.world.person("ann").sees("#ops");
    assert!(told.len() == 1 && !told[0].text.contains("between us") && told[0].notified == [bed.world.person("gus").id], "{told:?}");
}

#[tokio::test]
async fn pictures_stand_in_the_message_with_their_description() {
    let bed = Bed::new("").await;
    let png: &[u8] = b"\x89PNG\r\n\x1a\nnot really";
    let image =
        Image { alt: "Sessions rise from 3 to 9".into(), name: "chart.png".into(), content_type: "image/png".into(), bytes: png.into() };
    let card = Card::titled("Report").block(Block::Image(image.clone())).block(Block::Image(image));
    let message = bed.discord.deliver(&post(&bed, "k", card)).await.unwrap();
    let ann = bed.world.person("ann");
    let seen = ann.sees("#ops");
    assert_eq!(seen[0].files.len(), 2);
    assert!(seen[0].alts.contains(&"Sessions rise from 3 to 9".to_owned()), "{seen:?}");
    bed.discord.revise(&message, &post(&bed, "k", Card::titled("No picture"))).await.unwrap();
    assert!(ann.sees("#ops")[0].files.is_empty(), "what is no longer in the card goes");
    assert_eq!(bed.world.ledger().violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_message_is_found_long_after_its_nonce_is_forgotten() {
    let settings = Settings { nonce_window: Duration::ZERO, ..Settings::default() }.unlimited();
    let bed = Bed::with(settings, "").await;
    bed.world.behave(Behaviour {
        route: Some("POST /channels/{channel}/messages".into()),
        lose_percent: 100,
        times: Some(1),
        ..Behaviour::default()
    });
    let error = bed.discord.deliver(&post(&bed, "k", Card::text("once"))).await.unwrap_err();
    assert_ne!(error.retry, Retry::No);
    for n in 0..150 {
        bed.world.person("ann").say("#ops", &format!("chatter {n}")).unwrap();
    }
    assert!(bed.discord.find(&bed.at("ops"), &"k".into()).await.unwrap().is_some());
    assert!(bed.discord.find(&bed.at("ops"), &"other".into()).await.unwrap().is_none());
}

#[tokio::test]
async fn files_that_are_too_large_are_refused_with_their_sizes() {
    let bed = Bed::new("").await;
    let size = 11 << 20;
    let bytes = futures::stream::iter([Ok(bytes::Bytes::from(vec![7; size]))]);
    let file = Upload {
        key: "f".into(),
        to: bed.at("ops"),
        name: "large.bin".into(),
        content_type: "application/octet-stream".into(),
        size: size as u64,
        alt: String::new(),
        bytes: Box::pin(bytes),
        source: None,
    };
    let error = bed.discord.upload(file).await.unwrap_err();
    assert_eq!(error.kind, PortErrorKind::TooLarge);
    assert!(error.message.contains("11 MiB") && error.message.contains("10 MiB"), "{error}");
}

#[tokio::test]
async fn mentions_reach_those_who_are_meant_and_nobody_else() {
    let bed = Bed::new("").await;
    let mention = Span::Mention { user: user(&bed, "bob"), name: "Bob".into() };
    let hostile = format!(" @everyone <@{}> <@&1>", bed.world.person("cem").id);
    let card = Card::titled("News").and_spans(vec![mention, hostile.into()]);
    bed.discord.deliver(&post(&bed, "k", card)).await.unwrap();
    let seen = bed.world.person("ann").sees("#ops");
    assert_eq!(seen[0].notified, [bed.world.person("bob").id.clone()]);
    assert!(bed.world.person("cem").notifications().is_empty());
}
