//! Tags and encryption that go with a file: asked for in the chat and in the terminal, seen by the other clients and on the
//! disk. moto reads a file under a customer's key only with that key; Azurite knows no such keys, and nothing may lie there as
//! if it did.

use super::verbs::follow;
use super::ways::Way;
use super::{House, Kind};
use bellhop_e2e::console::Person;
use serde_json::{Value, json};

const LINE: &str = "nobody else may read this line\n";
/// 32 bytes each.
const LEGAL: &str = "bGVnYWxsZWdhbGxlZ2FsbGVnYWxsZWdhbGxlZ2FsLiE=";
const OTHER: &str = "b3RoZXJvdGhlcm90aGVyb3RoZXJvdGhlcm90aGVyLiE=";

fn plain() -> Vec<u8> {
    LINE.repeat(300).into_bytes()
}

/// One round.
struct Round<'a> {
    house: &'a House,
    way: Way<'a>,
    /// Reads what the other wrote.
    back: Way<'a>,
}

impl Round<'_> {
    fn name(&self, name: &str) -> String {
        format!("{}/{name}", self.way.folder())
    }

    fn at(&self, kind: Kind, name: &str) -> String {
        format!("{}:{}", kind.store(), self.name(name))
    }

    async fn run(&self, words: &[&str]) -> super::ways::Answer {
        self.way.run(self.house, words).await
    }

    /// Stores the line so encrypted and with tags.
    async fn put(&self, kind: Kind, name: &str, encrypt: &str) -> super::ways::Answer {
        let at = self.at(kind, name);
        let words = ["file", "put", &at, "--tag", "project=atlas", "--tag", "year=2026", "--encrypt", encrypt];
        self.way.put(self.house, "x.txt", &plain(), &words).await
    }

    /// The tags as another client sees them.
    async fn tags(&self, kind: Kind, name: &str) -> Value {
        let script = match kind {
            Kind::Azure => "result = c.get_blob_client(b, n).get_blob_tags()",
            _ => "result = {t['Key']: t['Value'] for t in c.get_object_tagging(Bucket=b, Key=n)['TagSet']}",
        };
        self.house.look(kind, script, json!({ "n": self.name(name) })).await
    }

    /// The file comes back in clear, without any word about keys.
    async fn comes_back(&self, kind: Kind, name: &str) {
        let (answer, files) = self.back.bring(self.house, &["file", "get", &self.at(kind, name)]).await;
        answer.done(&[]);
        assert!(files.len() == 1 && files[0].1 == plain(), "{kind:?} {name}: {} files", files.len());
    }

    async fn all(&self) {
        tokio::join!(self.amazon(), self.azure(), self.folder(), self.refused());
        self.across().await;
    }

    async fn amazon(&self) {
        let house = self.house;
        for (encrypt, sse, words) in [("aes256", "AES256", "aes256"), ("kms", "aws:kms", "kms")] {
            let name = format!("{encrypt}.txt");
            self.put(Kind::S3, &name, encrypt).await.done(&[words]);
            let seen = house.look(Kind::S3, "result = seen(c, b, n)", json!({ "n": self.name(&name) })).await;
            assert_eq!((&seen["sse"], &seen["sha256"]), (&json!(sse), &json!(super::sum(&plain()))), "{seen}");
            assert_eq!(self.tags(Kind::S3, &name).await, json!({ "project": "atlas", "year": "2026" }));
            self.run(&["file", "info", &self.at(Kind::S3, &name)]).await.done(&[words, "project=atlas", "year=2026"]);
        }
        self.put(Kind::S3, "key.txt", "key:legal").await.done(&["with the key legal"]);
        let script = "
import base64
def get(**more):
    try:
        return hashlib.sha256(c.get_object(Bucket=b, Key=n, **more)['Body'].read()).hexdigest()
    except ClientError as error:
        return 'refused'
def under(key):
    return get(SSECustomerAlgorithm='AES256', SSECustomerKey=base64.b64decode(key))
result = [get(), under(args['other']), under(args['legal'])]";
        let args = json!({ "n": self.name("key.txt"), "legal": LEGAL, "other": OTHER });
        let seen = house.look(Kind::S3, script, args).await;
        assert_eq!(seen, json!(["refused", "refused", super::sum(&plain())]), "with no key, another one, and the one");
        assert_eq!(self.tags(Kind::S3, "key.txt").await, json!({ "project": "atlas", "year": "2026" }));
        let at = self.at(Kind::S3, "key.txt");
        self.run(&["file", "info", &at]).await.done(&["with the key legal", "9,300", "project=atlas"]);
        self.comes_back(Kind::S3, "key.txt").await;
        // A link of the store's own could not be followed by a browser; Bellhop's can.
        self.run(&["file", "share", &at, "--direct"]).await.refused(&["leave --direct out"]);
        let link = self.run(&["file", "share", &at]).await.done(&[]).link(house);
        assert_eq!(follow(house, &link).await, (200, plain()));
        self.tagged(Kind::S3, "aes256.txt").await;
    }

    async fn azure(&self) {
        self.put(Kind::Azure, "aes256.txt", "aes256").await.done(&["aes256"]);
        self.house.holds(Kind::Azure, &self.name("aes256.txt"), &plain(), "text/plain").await;
        assert_eq!(self.tags(Kind::Azure, "aes256.txt").await, json!({ "project": "atlas", "year": "2026" }));
        self.tagged(Kind::Azure, "aes256.txt").await;
    }

    async fn folder(&self) {
        for (encrypt, words) in [("aes256", "aes256"), ("key:legal", "with the key legal")] {
            let name = format!("{}.txt", encrypt.replace(':', "-"));
            self.put(Kind::Local, &name, encrypt).await.done(&[words]);
            self.run(&["file", "info", &self.at(Kind::Local, &name)]).await.done(&[words, "9,300", "project=atlas", "year=2026"]);
            assert!(self.house.path(&self.name(&name)).is_file());
            self.comes_back(Kind::Local, &name).await;
        }
        self.tagged(Kind::Local, "aes256.txt").await;
        self.comes_back(Kind::Local, "aes256.txt").await;
    }

    /// Tags are shown, set, and taken away, one and all.
    async fn tagged(&self, kind: Kind, name: &str) {
        let at = self.at(kind, name);
        self.run(&["file", "tag", &at]).await.done(&["project", "atlas", "2026"]);
        self.run(&["file", "tag", &at, "year=2027", "reviewed by=A+B"]).await.done(&["project=atlas, reviewed by=A+B, year=2027"]);
        self.run(&["file", "tag", &at, "--remove", "yaer"]).await.refused(&["yaer", "year"]);
        self.run(&["file", "tag", &at, "unsaid"]).await.refused(&["NAME=VALUE"]);
        self.run(&["file", "tag", &at, "--remove", "project"]).await.done(&[]);
        if kind != Kind::Local {
            assert_eq!(self.tags(kind, name).await, json!({ "reviewed by": "A+B", "year": "2027" }), "{kind:?}");
        }
        self.run(&["file", "info", &at]).await.done(&["reviewed by=A+B", "aes256"]);
        self.run(&["file", "tag", &at, "--clear"]).await.done(&["none"]);
        if kind != Kind::Local {
            assert_eq!(self.tags(kind, name).await, json!({}), "{kind:?}");
        }
        let gone = self.run(&["file", "info", &at]).await.done(&["9,300"]);
        assert!(!gone.text.contains("reviewed by"), "{}", gone.text);
        self.run(&["file", "tag", &self.at(kind, "none.txt"), "a=b"]).await.refused(&["none.txt"]);
    }

    /// What a store doesn't offer is refused before anything is there.
    async fn refused(&self) {
        for (kind, encrypt, says) in [
            (Kind::Local, "kms", "no key service"),
            (Kind::Local, "scope:team", "no encryption scopes"),
            (Kind::Local, "key:leagl", "legal"),
            (Kind::S3, "scope:team", "no encryption scopes"),
            (Kind::S3, "key:leagl", "legal"),
            (Kind::Azure, "kms", "scope:NAME"),
            (Kind::Azure, "key:legal", ""),
            (Kind::Azure, "key:leagl", "legal"),
            (Kind::S3, "rot13", "rot13"),
        ] {
            let name = format!("never-{}-{}.txt", kind.store(), encrypt.replace(':', "-"));
            self.put(kind, &name, encrypt).await.refused(&[says]);
            assert_eq!(self.house.seen(kind, &self.name(&name)).await, None, "{kind:?} {encrypt}");
        }
        // One that has no encryption at all, and no tags.
        let at = self.at(Kind::Strict, "never.txt");
        for more in [["--encrypt", "aes256"], ["--encrypt", "key:legal"], ["--tag", "a=b"]] {
            self.way.put(self.house, "x.txt", b"x", &[&["file", "put", at.as_str()], &more[..]].concat()).await.refused(&[]);
            assert_eq!(self.house.seen(Kind::Strict, &self.name("never.txt")).await, None, "{more:?}");
        }
    }

    /// A copy is of what the file says, with its tags, whatever it lay under.
    async fn across(&self) {
        self.put(Kind::Local, "again.txt", "key:legal").await.done(&[]);
        for (from, to) in [(Kind::Local, Kind::S3), (Kind::S3, Kind::Azure)] {
            self.run(&["file", "copy", &self.at(from, "again.txt"), &self.at(to, "again.txt")]).await.done(&["9,300"]);
            self.house.holds(to, &self.name("again.txt"), &plain(), "text/plain").await;
            assert_eq!(self.tags(to, "again.txt").await, json!({ "project": "atlas", "year": "2026" }), "{to:?}");
        }
    }
}

/// The bytes of every file below a folder.
fn contents(folder: &std::path::Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() { found.extend(contents(&entry)) } else { found.push((entry.clone(), std::fs::read(&entry).unwrap())) }
    }
    found
}

#[tokio::test]
async fn tags_and_encryption_go_with_a_file_both_ways() {
    let mut house = House::new("[chat.console]\nkind = \"console\"\nchannels = [\"general\", \"ops\", \"seal\"]\n").await;
    let keys = ["local", "s3", "azure"].map(|store| format!("[files.{store}.keys]\nlegal = \"{LEGAL}\"\n")).concat();
    house.configure(&keys);
    house.bot.go().await;
    let ada = Person::log_in(&house.bot, "you").await;
    let chat = Round { house: &house, way: Way::Chat(&ada, "seal"), back: Way::Say("beside") };
    let beside = Round { house: &house, way: Way::Say("beside"), back: Way::Chat(&ada, "seal") };
    tokio::join!(chat.all(), beside.all());
    // Nothing in the folder, be it a file, an older version or a note about one, says in clear what was encrypted.
    let shelf = contents(&house.bot.path("shelf"));
    assert!(shelf.len() > 6, "{}", shelf.len());
    for (path, bytes) in shelf {
        assert!(!bytes.windows(LINE.len()).any(|some| some == LINE.as_bytes()), "{} is in clear", path.display());
    }
    let refused = house.bot.bellhop(&["say", "--as", "max", "--", "file", "tag", "local:seal/aes256.txt", "a=b"]).await;
    assert!(refused.code == 1 && refused.out.contains("operator"), "{}{}", refused.out, refused.err);
    let log = house.bot.program().output();
    assert!(!log.contains(&LEGAL[..12]), "the log tells a key");
}
