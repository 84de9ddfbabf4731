//! Links to files: which there are, how they are called back, which are good for one download, and those that a store makes
//! itself, which only who asked may see.

use super::verbs::follow;
use super::ways::Way;
use super::{House, Kind};
use bellhop_e2e::PATIENCE;
use bellhop_e2e::console::{Message, Person};
use bellhop_e2e::eyes::pattern;
use bellhop_kit::wait::until;

const SIZE: usize = 4000;

/// What makes a link of a store's own one.
fn secret(kind: Kind) -> &'static str {
    if kind == Kind::Azure { "sig=" } else { "X-Amz-Signature=" }
}

/// The address in an answer that leads to the store itself.
fn direct(message: &Message, kind: Kind) -> String {
    let found = message.links().into_iter().find(|link| link.contains(secret(kind)));
    found.unwrap_or_else(|| panic!("no link of the store's own in {}", message.text))
}

/// Links of Bellhop's own, made in the chat and from the terminal.
async fn own(house: &House, ada: &Person, kind: Kind) {
    let (room, chat) = ("links", Way::Chat(ada, "links"));
    let say = Way::Say("beside");
    let at = |name: &str| format!("{}:links/{name}", kind.store());
    for name in ["a.csv", "b.csv", "once.csv"] {
        house.write(kind, &format!("links/{name}"), SIZE, "text/csv").await;
    }
    let one = chat.run(house, &["file", "share", &at("a.csv")]).await.done(&[]).link(house);
    let other = chat.run(house, &["file", "share", &at("b.csv"), "--expires", "2h"]).await.done(&[]).link(house);
    assert_eq!(follow(house, &one).await, (200, pattern(SIZE)), "{kind:?}");
    let listed = ada.says(room, &format!("/file links {}", at("a.csv")), &[]).await;
    assert!(listed.good() && listed.text.contains("1 link") && listed.text.contains("links/a.csv"), "{}", listed.text);
    let all = ada.says(room, "/file links", &[]).await;
    for name in ["a.csv", "b.csv"] {
        assert!(all.text.contains(&at(name)) || all.text.contains(&format!("links/{name}")), "{}", all.text);
    }
    for link in [&one, &other] {
        let id = link.rsplit('/').next().unwrap();
        assert!(!all.text.contains(id) && !listed.text.contains(id), "the list lets others follow it: {}", all.text);
    }
    // Whoever isn't an operator calls back no link of somebody else's.
    let theirs = house.bot.bellhop(&["say", "--as", "max", "--", "file", "unshare", &one]).await;
    assert!(theirs.code == 1 && theirs.out.contains("someone else's"), "{}{}", theirs.out, theirs.err);
    let revoked = ada.presses(&listed, "Revoke").await;
    assert!(revoked.good(), "{}", revoked.text);
    assert_eq!(follow(house, &one).await.0, 410, "{kind:?}");
    assert_eq!(follow(house, &other).await, (200, pattern(SIZE)), "the other is another");
    chat.run(house, &["file", "links", &at("a.csv")]).await.done(&["none works now"]);
    let listed = say.run(house, &["file", "links", &at("b.csv"), "--all"]).await.done(&["links/b.csv"]);
    assert!(!listed.text.contains(other.rsplit('/').next().unwrap()), "{}", listed.text);
    let again = say.run(house, &["file", "share", &at("b.csv")]).await.done(&[]).link(house);
    say.run(house, &["file", "unshare", &at("b.csv")]).await.done(&["2 links"]);
    for link in [&other, &again] {
        assert_eq!(follow(house, link).await.0, 410, "{kind:?}");
    }
    say.run(house, &["file", "unshare", &at("b.csv")]).await.refused(&["no link"]);
    chat.run(house, &["file", "unshare", &again]).await.refused(&["no such link"]);
    // Good for one download.
    let once = chat.run(house, &["file", "share", &at("once.csv"), "--once"]).await.done(&["one download"]).link(house);
    assert_eq!(follow(house, &once).await, (200, pattern(SIZE)), "{kind:?}");
    assert_eq!(follow(house, &once).await.0, 410, "{kind:?}");
}

/// Links that lead past Bellhop. What in them is secret.
async fn past(house: &House, ada: &Person, kind: Kind) -> String {
    let (room, name) = (format!("d-{}", kind.store()), "direct/ü + 1.csv");
    house.write(kind, name, SIZE, "text/csv").await;
    let at = format!("\"{}:{name}\"", kind.store());
    let given = ada.says(&room, &format!("/file share {at} --direct --expires 10m"), &[]).await;
    assert!(given.good() && given.text.contains("only you see it"), "{}", given.text);
    let link = direct(&given, kind);
    assert_eq!(house.bot.visit(&link).await.1, pattern(SIZE), "{kind:?}");
    assert!(!link.starts_with(&house.bot.url), "{link}");
    let together = ada.says(&room, &format!("/file share {at} --direct --to #ops"), &[]).await;
    assert!(!together.good() && together.text.contains("don't go together"), "{}", together.text);
    let counted = ada.says(&room, &format!("/file links {at}"), &[]).await;
    assert!(counted.text.contains("None works now"), "{}", counted.text);
    // The terminal is one's own, too.
    let said = house.bot.said(&["file", "share", at.trim_matches('"'), "--direct", "--expires", "10m"]).await;
    assert!(said.contains(secret(kind)), "{said}");
    let secret = link.split(secret(kind)).nth(1).unwrap();
    secret.split('&').next().unwrap().to_owned()
}

/// A link that holds as long as a policy of the container's says.
async fn bound(house: &House, ada: &Person) -> String {
    let room = "d-azure";
    house.write(Kind::Azure, "bound.csv", SIZE, "text/csv").await;
    let policy = "/bucket access team-azure create partners --permissions r --expires 7d --store azure";
    assert!(ada.says(room, policy, &[]).await.good());
    let given = ada.says(room, "/file share azure:bound.csv --policy partners", &[]).await;
    assert!(given.good() && given.text.contains("partners"), "{}", given.text);
    let link = direct(&given, Kind::Azure);
    assert!(link.contains("si=partners"), "{link}");
    assert_eq!(house.bot.visit(&link).await.1, pattern(SIZE));
    let wrong = ada.says(room, "/file share azure:bound.csv --policy pratners", &[]).await;
    assert!(!wrong.good() && wrong.text.contains("pratners"), "{}", wrong.text);
    let other = ada.says(room, "/file share azure:bound.csv --policy partners --expires 1d", &[]).await;
    assert!(!other.good() && other.text.contains("don't go together"), "{}", other.text);
    assert!(ada.says(room, "/bucket access team-azure revoke partners --store azure", &[]).await.good());
    assert_eq!(house.bot.visit(&link).await.0, 403, "it ends with the policy");
    link.split("sig=").nth(1).unwrap().split('&').next().unwrap().to_owned()
}

#[tokio::test]
async fn links_are_counted_called_back_and_shown_to_whom_they_are_for() {
    let rooms = "[\"general\", \"ops\", \"links\", \"d-s3\", \"d-strict\", \"d-azure\"]";
    let mut house = House::open(&format!("[chat.console]\nkind = \"console\"\nchannels = {rooms}\n")).await;
    let ada = Person::log_in(&house.bot, "you").await;
    let ((), (), azure, s3, strict) = tokio::join!(
        async {
            own(&house, &ada, Kind::Local).await;
            own(&house, &ada, Kind::S3).await;
        },
        own(&house, &ada, Kind::Azure),
        async { [past(&house, &ada, Kind::Azure).await, bound(&house, &ada).await] },
        past(&house, &ada, Kind::S3),
        past(&house, &ada, Kind::Strict),
    );
    // A folder has no address.
    let none = ada.says("d-s3", "/file share local:links/a.csv --direct", &[]).await;
    assert!(!none.good() && none.text.contains("leave --direct out"), "{}", none.text);
    let none = ada.says("d-s3", "/file share s3:links/a.csv --policy partners", &[]).await;
    assert!(!none.good() && none.text.contains("polic"), "{}", none.text);
    let last = ada.says("d-s3", "/file info s3:links/b.csv", &[]).await;
    let mut secrets = azure.to_vec();
    secrets.extend([s3, strict]);
    // Nobody else in the room has seen them, nothing of them is in the log, nor in the record of what was done.
    let max = ada.becomes("max").await;
    until(PATIENCE, "what the others can read", || async { max.reads("d-s3").iter().any(|message| message.id == last.id).then_some(()) })
        .await;
    let audit = house.bot.said(&["audit", "--limit", "200"]).await;
    assert!(audit.contains("file share"), "{audit}");
    let log = house.bot.program().output();
    for secret in secrets {
        assert!(secret.len() > 20, "{secret}");
        for room in ["d-s3", "d-strict", "d-azure", "general"] {
            let told = max.reads(room).into_iter().find(|message| format!("{message:?}").contains(&secret));
            assert!(told.is_none(), "{room}: {told:?}");
        }
        let bare = secret.replace("%2B", "+").replace("%2F", "/").replace("%3D", "=");
        for told in [&secret, &bare] {
            assert!(!audit.contains(told.as_str()) && !log.contains(told.as_str()), "it is written down");
        }
    }
}
