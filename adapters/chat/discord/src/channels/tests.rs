//! Channels against the strict world, beyond the port's own contract: what is told when Discord refuses, threads, forums, closing.

use crate::testbed::Bed;
use bellhop_core::PortErrorKind;
use bellhop_core::address::Address;
use bellhop_core::call::Audience;
use bellhop_core::card::Card;
use bellhop_core::ports::{Channels as _, ChatPlatform as _, Post};

fn post(to: Address, text: &str) -> Post {
    Post { key: text.into(), to, card: Card::text(text), audience: Audience::Everyone, answers: None, reply: None }
}

#[tokio::test]
async fn a_closed_channel_opens_as_it_was() {
    let bed = Bed::new("archive_category = \"Attic\"").await;
    let (discord, ann) = (&bed.discord, bed.world.person("ann"));
    let made = discord.create("Old Room", true).await.unwrap();
    assert_eq!((made.name.as_str(), made.private), ("old-room", true));
    discord.invite(&made.address, &["bob".into()]).await.unwrap();
    discord.archive(&made.address).await.unwrap();
    assert!(ann.channels().iter().any(|name| name.eq_ignore_ascii_case("attic")), "{:?}", ann.channels());
    let error = discord.deliver(&post(made.address.clone(), "too late")).await.unwrap_err();
    assert_eq!(error.kind, PortErrorKind::Denied);
    discord.unarchive(&made.address).await.unwrap();
    let listed = discord.list().await.unwrap();
    let again = listed.iter().find(|one| one.name == "old-room").unwrap();
    assert!(again.private && !again.archived);
    discord.deliver(&post(made.address.clone(), "as before")).await.unwrap();
    assert_eq!(bed.world.person("bob").sees("#old-room").len(), 1);
}

#[tokio::test]
async fn threads_and_forums_are_written_to() {
    let bed = Bed::new("").await;
    let (discord, ann) = (&bed.discord, bed.world.person("ann"));
    let root = discord.deliver(&post(bed.at("ops"), "the beginning")).await.unwrap();
    let thread = Address { thread: Some(root.as_str().into()), ..bed.at("ops") };
    for text in ["first answer", "second answer"] {
        discord.deliver(&post(thread.clone(), text)).await.unwrap();
    }
    assert_eq!(ann.threads("#ops").len(), 1);
    bed.world.archive_thread(root.as_str(), false);
    discord.deliver(&post(thread.clone(), "it opens again")).await.unwrap();
    discord.archive(&thread).await.unwrap();
    discord.archive(&thread).await.unwrap();
    discord.unarchive(&thread).await.unwrap();
    let found = discord.locate(None, root.as_str(), false).await.unwrap();
    assert_eq!(found, Some(thread));
    let card = Card::titled("A new idea").and_text("what it is about");
    let idea = discord.deliver(&Post { card, ..post(bed.at("ideas"), "idea") }).await.unwrap();
    assert!(idea.as_str().contains(':'), "it stands in a thread of its own: {idea}");
    let threads = ann.threads("#ideas");
    assert_eq!(threads[0].0, "A new idea", "{threads:?}");
    discord.revise(&idea, &post(bed.at("ideas"), "changed")).await.unwrap();
}

#[tokio::test]
async fn what_discord_refuses_is_told_with_what_to_do() {
    let bed = Bed::new("").await;
    let discord = &bed.discord;
    let says = |error: bellhop_core::PortError, kind: PortErrorKind, words: &str| {
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.message.contains(words), "{error}");
    };
    says(discord.deliver(&post(bed.at("hidden"), "x")).await.unwrap_err(), PortErrorKind::Denied, "View Channel");
    says(discord.deliver(&post(bed.at("quiet"), "x")).await.unwrap_err(), PortErrorKind::Denied, "permission");
    let gone = Address::channel("guild", bed.world.guild_id().as_str(), "123456789012345678");
    says(discord.deliver(&post(gone.clone(), "x")).await.unwrap_err(), PortErrorKind::NotFound, "no such channel");
    says(discord.rename(&gone, "x").await.unwrap_err(), PortErrorKind::NotFound, "no such channel");
    says(discord.set_topic(&bed.at("ops"), &"x".repeat(1025)).await.unwrap_err(), PortErrorKind::Invalid, "1025");
    for name in ["", "###", "a/b", &"x".repeat(101)] {
        assert_eq!(discord.create(name, false).await.unwrap_err().kind, PortErrorKind::Invalid, "{name}");
    }
    let error = discord.invite(&bed.at("ops"), &["nobody-here".into()]).await.unwrap_err();
    assert_eq!(error.kind, PortErrorKind::NotFound);
    bed.world.grant(1 << 10 | 1 << 11);
    says(discord.create("new", false).await.unwrap_err(), PortErrorKind::Denied, "Manage Channels");
    bed.world.remove_bot();
    let error = discord.deliver(&post(bed.at("ops"), "x")).await.unwrap_err();
    assert!(matches!(error.kind, PortErrorKind::NotFound | PortErrorKind::Denied), "{error}");
}
