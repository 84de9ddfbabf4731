//! Pictures and files beside messages: where they go, what is said about them, and that none is there twice.

use crate::bot::{Bot, NO_POLL, SOON, delivery, private};
use crate::double::{Done, Double, Names, error};
use bellhop_core::capabilities::{Charts, Lookup, TableLimits};
use bellhop_core::card::{Block, Card, Column, FileBlock, FileSource, Image, Table};
use bellhop_core::ids::{DeliveryKey, StoreName};
use bellhop_core::plain;
use bellhop_core::ports::NewFile;
use bellhop_core::{Capabilities, PortErrorKind};
use bellhop_kit::wait::until;
use std::sync::Arc;
use std::time::Duration;

const PAUSE: Duration = Duration::from_millis(50);

fn caps() -> Capabilities {
    Capabilities {
        images: false,
        stored_files: false,
        charts: Charts::Png,
        lookup: Lookup::ByKey,
        upload: 64 << 20,
        pause: PAUSE,
        ..Capabilities::default()
    }
}

fn picture(alt: &str) -> Block {
    let bytes: Arc<[u8]> = Arc::from(alt.as_bytes());
    Block::Image(Image { alt: alt.into(), name: "chart.png".into(), content_type: "image/png".into(), bytes })
}

fn inline(name: &str, bytes: &[u8]) -> Block {
    let source = FileSource::Inline(Arc::from(bytes));
    Block::File(FileBlock { name: name.into(), content_type: "text/plain".into(), size: bytes.len() as u64, source })
}

async fn stored(bot: &Bot, name: &str, size: usize) -> Block {
    let store = bot.parts.stores.store(None).unwrap();
    let file = NewFile::new(name, "application/pdf", Some(size as u64));
    let chunks = vec![b'x'; size].chunks(64 * 1024).map(|chunk| Ok(bytes::Bytes::copy_from_slice(chunk))).collect::<Vec<_>>();
    store.write(file, Box::pin(futures::stream::iter(chunks))).await.unwrap();
    let source = FileSource::Stored { store: StoreName::new("local"), name: name.into(), version: None };
    Block::File(FileBlock { name: name.into(), content_type: "application/pdf".into(), size: size as u64, source })
}

fn text(card: &Card) -> String {
    plain::card(card, &|invoke| invoke.command.clone())
}

fn four(key: &str, channel: &str, name: &str, alt: &str) -> (String, String, String, String) {
    (key.into(), channel.into(), name.into(), alt.into())
}

#[tokio::test]
async fn pictures_follow_their_message() {
    let folder = tempfile::tempdir().unwrap();
    let chat = Double::new("work", caps());
    let bot = Bot::start(folder.path(), "", &[&chat]).await;
    let card = Card::titled("Views").block(picture("rising")).and_text("More.").block(picture("falling")).block(inline("a.txt", b"abc"));
    bot.queue(vec![delivery("c", "k", card), delivery("c", "l", Card::default().block(picture("alone")))]).await;
    bot.quiet().await;
    let order: Vec<bool> = chat.log().iter().map(|event| matches!(event.done, Done::Posted { .. })).collect();
    assert_eq!(order, [true, false, false, false, true, false], "the message first");
    assert_eq!(
        chat.uploads(),
        [
            four("k.img0", "c", "chart.png", "rising"),
            four("k.img1", "c", "chart.png", "falling"),
            four("k.file0", "c", "a.txt", ""),
            four("l.img0", "c", "chart.png", "alone"),
        ]
    );
    assert!(!chat.posts()[0].card.blocks.iter().any(|block| matches!(block, Block::Image(_))));
    assert_eq!(text(&chat.posts()[1].card).trim(), "alone", "a message is never empty");
    bot.stop().await;
}

#[tokio::test]
async fn where_nothing_can_be_uploaded_pictures_are_described() {
    let folder = tempfile::tempdir().unwrap();
    let chat = Double::new("work", Capabilities { upload: 0, ..caps() });
    let bot = Bot::start(folder.path(), "", &[&chat]).await;
    let file = stored(&bot, "report.pdf", 10).await;
    bot.queue(vec![delivery("c", "k", Card::default().block(picture("rising")).block(file))]).await;
    bot.quiet().await;
    let said = text(&chat.posts()[0].card);
    assert!(said.contains("rising") && said.contains("/s/"), "{said}");
    assert!(chat.uploads().is_empty());
    bot.stop().await;
}

#[tokio::test]
async fn what_one_person_sees_is_uploaded_to_that_person() {
    let folder = tempfile::tempdir().unwrap();
    let chat = Double::new("work", caps());
    let bot = Bot::start(folder.path(), "", &[&chat]).await;
    let file = stored(&bot, "secret.pdf", 10).await;
    bot.queue(vec![
        private("c", "k", Card::text("Here.").block(file.clone())),
        private("D-U1", "l", Card::text("Here.").block(file.clone())),
    ])
    .await;
    bot.quiet().await;
    let mut uploads = chat.uploads();
    uploads.sort();
    assert_eq!(uploads, [four("k.file0", "D-U1", "secret.pdf", ""), four("l.file0", "D-U1", "secret.pdf", "")]);
    let said = |key: &str| text(&chat.posts().iter().find(|post| post.key == DeliveryKey::new(key)).unwrap().card);
    assert!(said("k").contains("direct conversation"), "{}", said("k"));
    assert!(!said("l").contains("direct conversation"), "it is there already: {}", said("l"));
    // Without such a conversation it goes nowhere, and a link takes its place.
    *chat.names.lock().unwrap() = Names::None;
    bot.queue(vec![private("c", "m", Card::text("Here.").block(file).block(picture("rising")))]).await;
    bot.quiet().await;
    assert_eq!(chat.uploads().len(), 2);
    assert!(said("m").contains("everyone would see") && said("m").contains("/s/"), "{}", said("m"));
    // Where nothing can be shown to one person, everyone sees the message, and what belongs to it.
    *chat.names.lock().unwrap() = Names::All;
    chat.caps.lock().unwrap().private = false;
    bot.queue(vec![private("c", "n", Card::text("Here.").block(picture("rising")))]).await;
    bot.quiet().await;
    assert_eq!(chat.uploads().last().unwrap(), &four("n.img0", "c", "chart.png", "rising"));
    bot.stop().await;
}

#[tokio::test]
async fn a_table_that_became_a_file_is_uploaded() {
    let folder = tempfile::tempdir().unwrap();
    let chat = Double::new("work", Capabilities { table: Some(TableLimits { rows: 2, columns: 5, text: 1000, each: 1 }), ..caps() });
    let bot = Bot::start(folder.path(), "", &[&chat]).await;
    let rows = (0..9).map(|row| vec![vec![row.to_string().into()]]).collect();
    let table = Table { caption: "Numbers".into(), columns: vec![Column { name: "n".into(), numeric: true }], rows };
    bot.queue(vec![delivery("c", "k", Card::default().block(Block::Table(table)))]).await;
    bot.quiet().await;
    let uploads = chat.uploads();
    assert!(uploads.len() == 1 && uploads[0].0 == "k.file0" && uploads[0].2.contains(".csv"), "{uploads:?}");
    bot.stop().await;
}

#[tokio::test]
async fn what_may_be_there_is_looked_up_and_never_uploaded_twice() {
    let folder = tempfile::tempdir().unwrap();
    let chat = Double::new("work", caps());
    // The upload arrives and its answer is lost; of the next row the message's.
    chat.fail("upload", error(PortErrorKind::TimedOut, "no answer"), true);
    chat.fail("upload", error(PortErrorKind::TimedOut, "no answer"), false);
    let bot = Bot::start(folder.path(), "", &[&chat]).await;
    bot.queue(vec![delivery("c", "k", Card::text("one").block(inline("a.txt", b"abc")).block(inline("b.txt", b"abc")))]).await;
    bot.quiet().await;
    chat.fail("deliver", error(PortErrorKind::TimedOut, "no answer"), true);
    bot.queue(vec![delivery("c", "l", Card::text("two").block(inline("c.txt", b"abc")))]).await;
    bot.quiet().await;
    let names: Vec<String> = chat.uploads().into_iter().map(|upload| upload.2).collect();
    assert_eq!(names, ["a.txt", "b.txt", "c.txt"]);
    assert_eq!(chat.posts().len(), 2);
    bot.stop().await;
}

#[tokio::test]
async fn what_is_known_to_be_uploaded_is_not_uploaded_again() {
    let folder = tempfile::tempdir().unwrap();
    // Without any look-up, only what is remembered helps.
    let chat = Double::new("work", Capabilities { lookup: Lookup::None, ..caps() });
    let bot = Bot::start(folder.path(), "", &[&chat]).await;
    let busy = || error(PortErrorKind::RateLimited, "slow down").after(Duration::from_millis(20));
    chat.fail("deliver", busy(), false);
    let card = Card::text("one").block(inline("a.txt", b"abc")).block(inline("b.txt", b"abc"));
    let rows = vec![crate::bot::keyed("c", "k", "card", card)];
    // The first upload succeeds, the second is put off.
    let waits = until(SOON, "the limit of the first upload", async || {
        bot.queue(rows.clone()).await;
        Some(())
    });
    waits.await;
    until(SOON, "the first upload", async || (chat.uploads().len() == 1).then(|| chat.fail("upload", busy(), false))).await;
    bot.quiet().await;
    let names: Vec<String> = chat.uploads().into_iter().map(|upload| upload.2).collect();
    assert_eq!(names, ["a.txt", "b.txt"]);
    assert_eq!(chat.posts().len(), 1);
    // The same card with another file later: what was uploaded for the first says nothing about this one.
    bot.queue(vec![crate::bot::keyed("c", "l", "card", Card::text("two").block(inline("c.txt", b"abc")))]).await;
    bot.quiet().await;
    assert_eq!(chat.uploads().last().unwrap().0, "l.file0");
    assert_eq!(chat.posts().len(), 1, "the message is changed");
    bot.stop().await;
}

#[tokio::test]
async fn a_long_upload_shows_how_far_it_is_and_leaves_the_message_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let chat = Double::new("work", caps());
    chat.close_gate(true);
    let bot = Bot::start(folder.path(), "", &[&chat]).await;
    let card = Card::titled("Backup").block(stored(&bot, "backup.bin", 9 << 20).await);
    bot.queue(vec![delivery("c", "k", card.clone())]).await;
    until(SOON, "three steps of progress", async || (chat.revisions().len() >= 3).then_some(())).await;
    let step = chat.revisions()[0].card.clone();
    let progress = step.blocks.iter().find_map(|block| if let Block::Progress(progress) = block { Some(progress.clone()) } else { None });
    let progress = progress.expect("the message shows progress");
    assert!(progress.what.contains("backup.bin") && progress.total == Some(9 << 20) && progress.done < (9 << 20), "{progress:?}");
    chat.close_gate(false);
    bot.quiet().await;
    assert_eq!(chat.revisions().last().unwrap().card, chat.posts()[0].card, "it ends as it began");
    assert_eq!((chat.posts().len(), chat.uploads().len()), (1, 1));
    let revised: Vec<_> = chat.log().into_iter().filter(|event| matches!(event.done, Done::Revised { .. })).collect();
    let least = NO_POLL.progress.max(PAUSE);
    assert!(revised.windows(2).rev().skip(1).all(|two| two[1].begun - two[0].answered >= least), "no more often than that");
    // What one person sees is not changed while it goes on, and a small file is not worth it.
    let before = chat.revisions().len();
    bot.queue(vec![private("c", "l", card), delivery("c", "m", Card::text("small").block(inline("a.txt", b"abc")))]).await;
    bot.quiet().await;
    assert_eq!((chat.revisions().len(), chat.uploads().len()), (before, 3));
    bot.stop().await;
}

#[tokio::test]
async fn a_failed_upload_does_not_leave_the_message_saying_that_it_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let chat = Double::new("work", caps());
    chat.close_gate(true);
    chat.fail("upload", error(PortErrorKind::Invalid, "not so"), false);
    let bot = Bot::start(folder.path(), "", &[&chat]).await;
    let card = Card::titled("Backup").block(stored(&bot, "backup.bin", 9 << 20).await);
    bot.queue(vec![delivery("c", "k", card)]).await;
    until(SOON, "progress", async || (!chat.revisions().is_empty()).then_some(())).await;
    chat.close_gate(false);
    bot.quiet().await;
    assert_eq!(chat.revisions().last().unwrap().card, chat.posts()[0].card);
    assert_eq!(bot.store.outbox_depth().await.unwrap().dead, 1);
    bot.stop().await;
}

#[tokio::test]
async fn what_the_platform_refuses_to_take_is_linked_where_it_would_have_been() {
    let folder = tempfile::tempdir().unwrap();
    let chat = Double::new("work", caps());
    let bot = Bot::start(folder.path(), "", &[&chat]).await;
    let (small, large) = (stored(&bot, "small.pdf", 10).await, stored(&bot, "large.bin", 9 << 20).await);
    chat.fail("upload", error(PortErrorKind::Denied, "files are not allowed in this channel"), false);
    chat.fail("upload", error(PortErrorKind::TooLarge, "over the plan's limit"), false);
    bot.queue(vec![delivery("c", "k", Card::text("Both.").block(small.clone()).block(large).block(inline("note.txt", b"abc")))]).await;
    bot.quiet().await;
    let said = text(&chat.revisions().last().unwrap().card);
    for part in
        ["Both.", "small.pdf could not be uploaded here: files are not allowed", "large.bin could not be uploaded here", "Revoke link"]
    {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert_eq!(said.matches("/s/").count(), 2, "{said}");
    assert_eq!(
        chat.uploads().iter().map(|upload| upload.2.as_str()).collect::<Vec<_>>(),
        ["note.txt"],
        "the others are brought all the same"
    );
    assert_eq!((chat.posts().len(), bot.store.outbox_depth().await.unwrap().dead), (1, 0));
    // Where messages can't be changed the link follows; and whoever is answered can revoke it.
    chat.caps.lock().unwrap().edits = false;
    chat.fail("upload", error(PortErrorKind::TooLarge, "over the plan's limit"), false);
    bot.queue(vec![private("D-U1", "l", Card::text("Here.").block(small))]).await;
    bot.quiet().await;
    let after = chat.posts().last().unwrap().clone();
    assert!(after.key.as_str().starts_with("l.file0.link") && text(&after.card).contains("/s/"), "{after:?}");
    let links =
        bot.store.links(&bellhop_store::LinkWish { made_by: Some("work:U1".into()), limit: 9, ..Default::default() }).await.unwrap();
    assert_eq!(links.len(), 1);
    // What is nowhere but in the message has no link: then it is known not to be delivered.
    chat.fail("upload", error(PortErrorKind::TooLarge, "over the plan's limit"), false);
    bot.queue(vec![delivery("c", "m", Card::text("Here.").block(inline("a.txt", b"abc")))]).await;
    bot.quiet().await;
    assert_eq!(bot.store.outbox_depth().await.unwrap().dead, 1);
    bot.stop().await;
}
