//! What goes out: within Teams' windows, tried again only where that is worth it, to people who were never spoken to, after a
//! restart, and without a bot.

#![expect(clippy::unwrap_used, reason = "helpers of tests end the test where something is wrong")]

mod common;

use bellhop_core::call::Audience;
use bellhop_core::card::{Block, FileSource, Image};
use bellhop_core::ports::{ChatPlatform as _, Post, Upload};
use bellhop_core::{Address, Card, PortErrorKind, Retry, UserRef};
use bellhop_kit::teams::{Behaviour, CERTIFICATE, ChannelSpec, PRIVATE_KEY, Settings, TeamsWorld};
use bellhop_kit::wait;
use bellhop_teams::Teams;
use bytes::Bytes;
use common::Bed;
use std::sync::Arc;
use std::time::Duration;

async fn world() -> TeamsWorld {
    TeamsWorld::start_with(Settings::default().unlimited()).await.unwrap()
}

fn general(world: &TeamsWorld) -> Address {
    Address::channel("work", world.tenant().as_str(), world.channel("General").as_str())
}

fn post(key: &str, to: &Address, text: &str) -> Post {
    Post { key: key.into(), to: to.clone(), card: Card::text(text), audience: Audience::Everyone, answers: None, reply: None }
}

fn behaviour(call: &str, refuse: Option<u16>) -> Behaviour {
    Behaviour { call: Some(call.into()), refuse, times: Some(1), ..Behaviour::default() }
}

#[tokio::test]
async fn only_what_is_worth_it_is_tried_again() {
    let world = world().await;
    let bed = Bed::new(&world, "").await;
    world.install("Acme").await.unwrap();
    let at = general(&world);
    for (status, worth, doubt) in [
        (400, false, false),
        (403, false, false),
        (412, true, false),
        (429, true, false),
        (500, false, false),
        (502, true, true),
        (503, true, false),
        (504, true, true),
    ] {
        world.behave(behaviour("send", Some(status)));
        let error = bed.teams.deliver(&post(&format!("k{status}"), &at, "x")).await.unwrap_err();
        assert_eq!((error.retry != Retry::No, error.maybe_done), (worth, doubt), "{status}: {error}");
    }
    assert_eq!(world.ledger().wrongs(), Vec::<String>::new());
}

#[tokio::test]
async fn nothing_is_sent_before_the_pause_that_was_asked_for_ends() {
    let world = world().await;
    let bed = Bed::new(&world, "").await;
    world.install("Acme").await.unwrap();
    let at = general(&world);
    world.behave(Behaviour { retry_after: Some(30), ..behaviour("send", Some(429)) });
    let error = bed.teams.deliver(&post("a", &at, "x")).await.unwrap_err();
    assert_eq!(error.retry, Retry::After(Duration::from_secs(30)));
    // Another replica, and this one after a restart, know of it.
    let again = Bed::with(&world, "", bed.records.clone()).await;
    for teams in [&bed.teams, &again.teams] {
        let error = teams.deliver(&post("b", &at, "x")).await.unwrap_err();
        assert!(matches!(error.retry, Retry::After(pause) if pause > Duration::from_secs(25)), "{error:?}");
    }
    let other = Address { channel: world.add_channel(&ChannelSpec::standard("other")).into(), ..at };
    bed.teams.deliver(&post("c", &other, "x")).await.unwrap();
    assert_eq!(world.ledger().early, Vec::<String>::new());
}

#[tokio::test]
async fn a_burst_keeps_the_windows_of_a_conversation() {
    let world = TeamsWorld::start().await.unwrap();
    let bed = Bed::new(&world, "").await;
    world.install("Acme").await.unwrap();
    let at = general(&world);
    for n in 0..12 {
        bed.teams.deliver(&post(&format!("k{n}"), &at, "x")).await.unwrap();
    }
    let ledger = world.ledger();
    assert_eq!((ledger.all_limited(), ledger.posted.len()), (0, 12));
    let times: Vec<i64> = ledger.posted.iter().map(|(_, at)| *at).collect();
    assert!(times.windows(8).all(|eight| eight[7] - eight[0] >= 1_000_000), "eight within a second: {times:?}");
    assert!(times.windows(9).all(|nine| nine[8] - nine[0] >= 2_000_000), "nine within two seconds: {times:?}");
}

#[tokio::test]
async fn what_was_answered_is_never_sent_again() {
    let world = world().await;
    let bed = Bed::new(&world, "").await;
    world.install("Acme").await.unwrap();
    let at = general(&world);
    let id = bed.teams.deliver(&post("k", &at, "once")).await.unwrap();
    // The process ended before the outbox could note it.
    let again = Bed::with(&world, "", bed.records.clone()).await;
    assert_eq!(again.teams.deliver(&post("k", &at, "once")).await.unwrap(), id);
    assert_eq!(world.person("ann").hears("#General").len(), 1);
    // Nobody knows whether one whose answer got lost is there.
    world.behave(behaviour("send", None));
    world.behave(Behaviour { lose_percent: 100, ..behaviour("send", None) });
    let error = again.teams.deliver(&post("lost", &at, "lost")).await.unwrap_err();
    assert!(error.maybe_done, "{error}");
    assert_eq!(again.teams.find(&at, &"lost".into()).await.unwrap(), None);
}

#[tokio::test]
async fn a_revoked_token_is_renewed_once_and_a_wrong_secret_is_said_so() {
    let world = world().await;
    let bed = Bed::new(&world, "").await;
    world.install("Acme").await.unwrap();
    let at = general(&world);
    bed.teams.deliver(&post("a", &at, "x")).await.unwrap();
    bed.teams.deliver(&post("b", &at, "x")).await.unwrap();
    assert_eq!(world.ledger().calls_of("token"), 1, "tokens are kept");
    world.revoke_tokens();
    bed.teams.deliver(&post("c", &at, "x")).await.unwrap();
    assert_eq!(world.ledger().calls_of("token"), 2);
    let _ = world.change_password();
    world.revoke_tokens();
    let error = bed.teams.deliver(&post("d", &at, "x")).await.unwrap_err();
    assert_eq!(error.kind, PortErrorKind::Unauthenticated);
    assert!(error.message.contains("client secret") && !error.message.contains(&world.app_password()), "{error}");
}

#[tokio::test]
async fn people_are_spoken_to_first_after_a_restart_too() {
    let world = world().await;
    let bed = Bed::new(&world, "").await;
    for what in ["Acme", "@ann"] {
        world.install(what).await.unwrap();
    }
    world.deliver_nowhere();
    let again = Bed::with(&world, "", bed.records.clone()).await;
    for (name, person) in [("Ann Archer", "ann"), ("Bob-Baker", "bob")] {
        let direct = again.teams.locate(None, name, true).await.unwrap().unwrap();
        again.teams.deliver(&post(name, &direct, "good morning")).await.unwrap();
        assert!(world.person(person).hears("@bellhop").iter().any(|seen| seen.text.contains("good morning")), "{name}");
    }
    // Someone without the app, and in no team that has it.
    let dee = UserRef { chat: "work".into(), workspace: world.tenant().into(), user: world.person("dee").object.into() };
    let error = again.teams.locate(None, dee.user.as_str(), true).await.unwrap_err();
    assert!(error.kind == PortErrorKind::Denied && error.message.contains("has to have the app"), "{error}");
    assert_eq!(world.ledger().wrongs(), Vec::<String>::new());
}

#[tokio::test]
async fn an_answer_for_one_person_is_never_lost_where_the_tenant_has_no_such_messages() {
    let world = world().await;
    let bed = Bed::new(&world, "").await;
    for what in ["Acme", "@ann"] {
        world.install(what).await.unwrap();
    }
    let ann = UserRef { chat: "work".into(), workspace: world.tenant().into(), user: world.person("ann").object.into() };
    let private = Post { audience: Audience::Caller, answers: Some(ann), ..post("k", &general(&world), "between us") };
    bed.teams.deliver(&private).await.unwrap();
    let count = |place: &str| world.person("ann").hears(place).iter().filter(|seen| seen.text.contains("between us")).count();
    assert_eq!(count("#General") + count("@bellhop"), 1);
}

async fn offered(teams: &Arc<Teams>, to: &Address, name: &str, content: &'static [u8]) {
    let upload = Upload {
        key: name.into(),
        to: to.clone(),
        name: name.to_owned(),
        content_type: "text/plain".into(),
        size: content.len() as u64,
        alt: String::new(),
        bytes: Box::pin(futures::stream::iter([Ok(Bytes::from_static(content))])),
        source: Some(FileSource::Inline(content.into())),
    };
    teams.upload(upload).await.unwrap();
}

#[tokio::test]
async fn a_file_in_a_personal_chat_comes_once_it_is_agreed_to() {
    let world = world().await;
    let bed = Bed::new(&world, "").await;
    world.install("@ann").await.unwrap();
    let ann = world.person("ann");
    let direct = bed.teams.locate(None, &ann.object, true).await.unwrap().unwrap();
    offered(&bed.teams, &direct, "notes.txt", b"hello").await;
    offered(&bed.teams, &direct, "other.txt", b"no").await;
    let offers = ann.hears("@bellhop");
    assert_eq!(offers[0].offered, Some(("notes.txt".to_owned(), 5)));
    assert_eq!(ann.accept_file(&offers[0]).await.unwrap().status, 200);
    assert_eq!(ann.decline_file(&offers[1]).await.unwrap().status, 200);
    wait::until(Duration::from_secs(20), "the file is there and the offers are gone", || async {
        let hears = ann.hears("@bellhop");
        (hears.len() == 1 && hears[0].files == [("notes.txt".to_owned(), b"hello".to_vec())]).then_some(())
    })
    .await;
    assert_eq!(world.ledger().wrongs(), Vec::<String>::new());
}

#[tokio::test]
async fn pictures_of_cards_are_given_out_to_those_who_have_the_card() {
    let world = world().await;
    let bed = Bed::new(&world, "").await;
    world.install("Acme").await.unwrap();
    let image = Image { alt: "a chart".into(), name: "c.png".into(), content_type: "image/png".into(), bytes: b"png".as_slice().into() };
    let card = Card::titled("Figures").block(Block::Image(image));
    bed.teams.deliver(&Post { card, ..post("k", &general(&world), "") }).await.unwrap();
    let seen = world.person("ann").hears("#General").pop().unwrap();
    assert!(seen.text.contains("a chart"), "{}", seen.text);
    let client = bellhop_http::Client::new("test", bellhop_http::Limits::default()).unwrap();
    let answer = client.get("look", "picture", &seen.images[0]).exchange().await.unwrap();
    assert_eq!((answer.header("content-type"), answer.header("x-content-type-options")), (Some("image/png"), Some("nosniff")));
    assert_eq!(answer.bytes().await.unwrap(), Bytes::from_static(b"png"));
    let wrong = format!("{}0", &seen.images[0][..seen.images[0].len() - 1]);
    let status = client.get("look", "picture", &wrong).exchange().await.unwrap().status().as_u16();
    assert!(status == 404 || wrong == seen.images[0]);
}

#[tokio::test]
async fn without_a_bot_messages_go_by_a_workflow() {
    let world = world().await;
    let url = world.add_workflow("#General");
    let config = format!("webhooks = {{ ops = \"{url}\" }}\n");
    let teams = common::webhooks(&config).unwrap();
    let at = teams.locate(None, "ops", false).await.unwrap().unwrap();
    assert_eq!(teams.locate(None, "other", false).await.unwrap(), None);
    let id = teams.deliver(&post("k", &at, "by a flow")).await.unwrap();
    assert!(world.person("ann").sees("#General").iter().any(|seen| seen.text.contains("by a flow")));
    assert_eq!(teams.revise(&id, &post("k", &at, "x")).await.unwrap_err().kind, PortErrorKind::NotFound);
    assert!(!teams.capabilities().edits && teams.channels().is_none());
    assert_eq!(world.ledger().wrongs(), Vec::<String>::new());
}

#[tokio::test]
async fn every_way_to_sign_in_gets_a_token() {
    let world = world().await;
    let bed = Bed::new(&world, "").await;
    world.install("Acme").await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, world.federated_token()).unwrap();
    let secret = format!("app_password = \"{}\"\n", world.app_password());
    let certificate = format!("certificate = {{ key = '''{PRIVATE_KEY}''', certificate = '''{CERTIFICATE}''' }}\n");
    let federated = format!("federated_token = \"{}\"\n", token.display());
    let managed = format!("managed_identity = \"{}\"\nidentity_url = \"{}\"\n", world.app_id(), world.identity_url());
    for (n, way) in [certificate, federated, managed].into_iter().enumerate() {
        let text = world.config().replace("kind = \"teams\"\n", "").replace(&secret, &way);
        let teams = common::configured(&text, bed.records.clone()).unwrap();
        teams.deliver(&post(&format!("way {n}"), &general(&world), "signed in")).await.unwrap();
    }
    assert_eq!(world.person("ann").hears("#General").len(), 3);
    assert_eq!(world.ledger().wrongs(), Vec::<String>::new());
}

#[tokio::test]
async fn what_is_missing_is_named_with_the_administrators_link() {
    let settings = Settings::default().unlimited().without("Files.ReadWrite.All");
    let world = TeamsWorld::start_with(settings).await.unwrap();
    let bed = Bed::new(&world, "").await;
    world.install("Acme").await.unwrap();
    let findings = bed.teams.check().await.unwrap();
    let bad: Vec<&str> = findings.iter().filter(|finding| !finding.good).map(|finding| finding.text.as_str()).collect();
    let files = bad.iter().find(|text| text.starts_with("Files.ReadWrite.All is missing")).unwrap();
    assert!(files.contains("/adminconsent?client_id="), "{files}");
    assert!(findings.iter().any(|finding| finding.good && finding.text.contains("in the team Acme")), "{findings:?}");
    let content: &'static [u8] = b"x";
    let upload = Upload {
        key: "f".into(),
        to: general(&world),
        name: "f.txt".into(),
        content_type: "text/plain".into(),
        size: 1,
        alt: String::new(),
        bytes: Box::pin(futures::stream::iter([Ok(Bytes::from_static(content))])),
        source: None,
    };
    let error = bed.teams.upload(upload).await.unwrap_err();
    assert!(error.kind == PortErrorKind::Denied && error.message.contains("/adminconsent?client_id="), "{error}");
}
