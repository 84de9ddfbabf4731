//! Every verb of `file` on every store, in the chat and from the terminal, and what the other clients see of it.

use super::ways::Way;
use super::{ALL, House, Kind};
use bellhop_e2e::PATIENCE;
use bellhop_e2e::console::{Message, Person};
use bellhop_e2e::eyes::pattern;
use bellhop_kit::wait::until;

/// One round through a store.
struct Round<'a> {
    house: &'a House,
    way: Way<'a>,
    kind: Kind,
    /// Whether a bot runs, so that links can be followed.
    serves: bool,
}

impl Round<'_> {
    /// The name in the store.
    fn name(&self, name: &str) -> String {
        format!("{}/{}/{name}", self.way.folder(), self.kind.store())
    }

    /// The same as it is typed.
    fn at(&self, name: &str) -> String {
        format!("{}:{}", self.kind.store(), self.name(name))
    }

    async fn run(&self, words: &[&str]) -> super::ways::Answer {
        self.way.run(self.house, words).await
    }

    async fn all(&self) {
        self.puts().await;
        self.reads().await;
        self.versions().await;
        self.copies_and_moves().await;
        self.deletes().await;
        if self.serves {
            self.shares().await;
        }
    }

    async fn puts(&self) {
        let (house, kind, bytes) = (self.house, self.kind, pattern(70_001));
        let put = self.way.put(house, "november + 100%.txt", &bytes, &["file", "put", &self.at("reports/ü 1+2.txt")]).await;
        put.done(&["70,001", "text/plain", &super::sum(&bytes)[..12]]);
        house.holds(kind, &self.name("reports/ü 1+2.txt"), &bytes, "text/plain").await;
        // Into a folder under its own name, the store said apart; and nothing at all.
        let folder = self.name("in/");
        self.way.put(house, "plan 100%.pdf", b"%PDF-1", &["file", "put", &folder, "--store", kind.store()]).await.done(&["plan 100%.pdf"]);
        house.holds(kind, &self.name("in/plan 100%.pdf"), b"%PDF-1", "application/pdf").await;
        self.way.put(house, "void", b"", &["file", "put", &self.at("void.json")]).await.done(&["void.json", "0 B"]);
        house.holds(kind, &self.name("void.json"), b"", "application/json").await;
        self.run(&["file", "put", &self.at("nothing")]).await.refused(&["no file came"]);
    }

    async fn reads(&self) {
        let (house, kind) = (self.house, self.kind);
        for n in 0..3 {
            house.write(kind, &self.name(&format!("many/{n}.csv")), 3000 + n, "text/csv").await;
        }
        let (answer, files) = self.way.bring(house, &["file", "get", &self.at("many/1.csv")]).await;
        answer.done(&["1.csv"]);
        assert!(files == [("1.csv".to_owned(), pattern(3001))], "{kind:?}: {:?}", files.iter().map(|(name, _)| name).collect::<Vec<_>>());
        self.run(&["file", "info", &self.at("many/1.csv")]).await.done(&["3,001", "text/csv", kind.store()]);
        let list = self.run(&["file", "list", &self.at("many/")]).await.done(&["0.csv", "1.csv", "2.csv", "3 files"]);
        assert!(!list.text.contains("november"), "{}", list.text);
        let some = self.run(&["file", "list", &self.name("many/"), "--store", kind.store(), "--limit", "2"]).await;
        let some = some.done(&["0.csv", "1.csv", "1 more"]);
        assert!(!some.text.contains("2.csv"), "{}", some.text);
        let near = self.run(&["file", "info", &self.at("many/1.cvs")]).await;
        near.refused(&["many/1.cvs", &self.at("many/1.csv")]);
        if let Some(card) = self.way.card(house, &["file", "info", &self.at("many/2.csv")]).await {
            assert!(card["title"].as_str().is_some_and(|title| title.ends_with("many/2.csv")), "{card}");
        }
    }

    async fn versions(&self) {
        let (house, kind, name) = (self.house, self.kind, self.name("reports/ü 1+2.txt"));
        let (first, second, at) = (pattern(70_001), b"second".as_slice(), self.at("reports/ü 1+2.txt"));
        self.way.put(house, "x.txt", second, &["file", "put", &at]).await.done(&["6 B"]);
        house.holds(kind, &name, second, "text/plain").await;
        let listed = self.run(&["file", "versions", &at]).await.done(&["6 B"]);
        if !kind.versioned() {
            listed.done(&["keeps no versions"]);
            self.run(&["file", "restore", &at]).await.refused(&["keeps no versions"]);
            // s3s-fs gives what it has, whichever version it is asked for.
            if kind == Kind::Azure {
                self.run(&["file", "get", &at, "--version", "1"]).await.refused(&["version"]);
            }
            return;
        }
        let ids: Vec<String> = match kind {
            Kind::S3 => house.versions(kind, &name).await.into_iter().map(|(id, _)| id).collect(),
            _ => vec!["2".to_owned(), "1".to_owned()],
        };
        assert_eq!(ids.len(), 2, "{ids:?}");
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let listed = listed.done(&["2 versions", "current"]).done(&ids);
        assert!(listed.text.find(ids[0]) < listed.text.find(ids[1]) || kind == Kind::Local, "{}", listed.text);
        let (answer, files) = self.way.bring(house, &["file", "get", &at, "--version", ids[1]]).await;
        answer.done(&[]);
        assert!(files.len() == 1 && files[0].1 == first, "the first version comes");
        self.run(&["file", "info", &at, "--version", ids[1]]).await.done(&["70,001"]);
        self.run(&["file", "info", &at, "--version", "none-such"]).await.refused(&["version", "none-such"]);
        self.run(&["file", "restore", &at, "--version", ids[1]]).await.done(&["70,001"]);
        house.holds(kind, &name, &first, "text/plain").await;
        if kind == Kind::S3 {
            assert_eq!(house.versions(kind, &name).await.len(), 3, "what was current stays");
        }
    }

    async fn copies_and_moves(&self) {
        let (house, kind, bytes) = (self.house, self.kind, pattern(3000));
        let copied = self.run(&["file", "copy", &self.at("many/0.csv"), &self.at("copied/")]).await;
        copied.done(&["copied/0.csv", "3,000"]);
        house.holds(kind, &self.name("copied/0.csv"), &bytes, "text/csv").await;
        self.run(&["file", "move", &self.at("copied/0.csv"), &self.at("moved + 1.csv")]).await.done(&["moved + 1.csv"]);
        house.holds(kind, &self.name("moved + 1.csv"), &bytes, "text/csv").await;
        assert_eq!(house.seen(kind, &self.name("copied/0.csv")).await, None);
        // To every other store, and back by a move.
        for other in ALL.into_iter().filter(|other| *other != kind) {
            let (here, there) = (self.at("moved + 1.csv"), format!("{}:{}", other.store(), self.name("guest + ü.csv")));
            self.run(&["file", "copy", &here, &there]).await.done(&["3,000"]);
            house.holds(other, &self.name("guest + ü.csv"), &bytes, "text/csv").await;
            let back = self.at(&format!("back from {}.csv", other.store()));
            self.run(&["file", "move", &there, &back]).await.done(&["3,000"]);
            house.holds(kind, &self.name(&format!("back from {}.csv", other.store())), &bytes, "text/csv").await;
            assert_eq!(house.seen(other, &self.name("guest + ü.csv")).await, None, "{other:?}");
        }
        let (from, to) = (self.at("many/1.csv"), self.at("moved + 1.csv"));
        self.run(&["file", "copy", &to, &to]).await.refused(&["itself"]);
        self.run(&["file", "copy", &self.at("none.csv"), &to]).await.refused(&["none.csv"]);
        if !kind.versioned() {
            self.run(&["file", "copy", &from, &to]).await.refused(&["--replace"]);
            house.holds(kind, &self.name("moved + 1.csv"), &bytes, "text/csv").await;
        }
        self.run(&["file", "copy", &from, &to, "--replace"]).await.done(&["3,001"]);
        house.holds(kind, &self.name("moved + 1.csv"), &pattern(3001), "text/csv").await;
    }

    async fn deletes(&self) {
        let (house, kind, at, name) = (self.house, self.kind, self.at("many/2.csv"), self.name("many/2.csv"));
        let words = ["file", "delete", at.as_str()];
        let gone = self.way.confirm(house, &words, &["many/2.csv", "3,002", "Nothing has been changed"]).await;
        gone.done(&["many/2.csv"]);
        assert_eq!(house.seen(kind, &name).await, None, "{kind:?}");
        self.run(&["file", "delete", &at]).await.refused(&["many/2.csv"]);
        if !kind.versioned() {
            self.run(&["file", "restore", &at]).await.refused(&["keeps no versions"]);
            return;
        }
        if kind == Kind::S3 {
            let deletions: Vec<bool> = house.versions(kind, &name).await.into_iter().map(|(_, deletion)| deletion).collect();
            assert_eq!(deletions, [true, false], "a mark, and what it hides");
        }
        self.run(&["file", "versions", &at]).await.done(&["deleted"]);
        self.run(&["file", "restore", &at]).await.done(&["many/2.csv", "3,002"]);
        house.holds(kind, &name, &pattern(3002), "text/csv").await;
    }

    async fn shares(&self) {
        let (house, kind, at) = (self.house, self.kind, self.at("many/1.csv"));
        let link = self.run(&["file", "share", &at, "--expires", "10m"]).await.done(&["many/1.csv"]).link(house);
        assert_eq!(follow(house, &link).await, (200, pattern(3001)), "{kind:?}");
        let other = if link.ends_with('0') { "1" } else { "0" };
        let tampered = format!("{}{other}", &link[..link.len() - 1]);
        assert_eq!(follow(house, &tampered).await.0, 404);
        self.run(&["file", "share", &at, "--expires", "8d"]).await.refused(&["7d"]);
        self.run(&["file", "share", &self.at("none.csv")]).await.refused(&["none.csv"]);
        if kind.versioned() {
            let old = self.at("reports/ü 1+2.txt");
            let id = match kind {
                Kind::S3 => house.versions(kind, &self.name("reports/ü 1+2.txt")).await[1].0.clone(),
                _ => "2".to_owned(),
            };
            let link = self.run(&["file", "share", &old, "--version", &id]).await.done(&[]).link(house);
            assert_eq!(follow(house, &link).await, (200, b"second".to_vec()), "{kind:?} {id}");
        }
    }
}

/// Follows a link as a browser without any session does: over every redirect.
pub(super) async fn follow(house: &House, link: &str) -> (u16, Vec<u8>) {
    let (mut address, mut hops) = (link.to_owned(), 0);
    loop {
        let (status, bytes, next) = house.bot.visit(&address).await;
        match next {
            Some(next) if (300..400).contains(&status) && hops < 3 => (address, hops) = (next, hops + 1),
            _ => return (status, bytes),
        }
    }
}

/// A file of each store comes into another channel, to be had by whoever reads there.
async fn shared_elsewhere(house: &House, ada: &Person) {
    for kind in ALL {
        let name = format!("shared/to ops from {}.csv", kind.store());
        house.write(kind, &name, 5000, "text/csv").await;
        let line = format!("/file share \"{}:{name}\" --to #ops --expires 10s", kind.store());
        let answer = ada.says("general", &line, &[]).await;
        assert!(answer.good() && answer.text.contains("#ops"), "{}", answer.text);
        let there = until(PATIENCE, "the file in #ops", || async {
            ada.reads("ops").into_iter().find(|message| message.files().iter().any(|(shown, _)| name.ends_with(shown)))
        })
        .await;
        assert_eq!(ada.downloads(&there).await, [(name.trim_start_matches("shared/").to_owned(), pattern(5000))], "{kind:?}");
    }
    // The first of these links has ended by the time that all of its seconds are over.
    let links: Vec<String> = ada.reads("ops").iter().flat_map(Message::links).filter(|link| link.contains("/s/")).collect();
    assert_eq!(links.len(), ALL.len(), "{links:?}");
    for link in links {
        until(PATIENCE, "the link to end", || async { (follow(house, &link).await.0 == 410).then_some(()) }).await;
    }
}

#[tokio::test]
async fn every_verb_on_every_store_in_every_way() {
    let mut house = House::new("[chat.console]\nkind = \"console\"\nchannels = [\"general\", \"ops\", \"chat\"]\n").await;
    let round = |kind| Round { house: &house, way: Way::Say("alone"), kind, serves: false };
    let [one, two, three, four] = ALL.map(round);
    tokio::join!(one.all(), two.all(), three.all(), four.all());
    house.bot.go().await;
    let ada = Person::log_in(&house.bot, "you").await;
    let beside = ALL.map(|kind| Round { house: &house, way: Way::Say("beside"), kind, serves: true });
    let chat = ALL.map(|kind| Round { house: &house, way: Way::Chat(&ada, "chat"), kind, serves: true });
    let [one, two, three, four] = &beside;
    let [five, six, seven, eight] = &chat;
    let elsewhere = shared_elsewhere(&house, &ada);
    tokio::join!(one.all(), two.all(), three.all(), four.all(), five.all(), six.all(), seven.all(), eight.all(), elsewhere);
}
