//! Buckets of a folder: made by command and at once a store of their own, with everything that a service's buckets have. What
//! comes of it is looked at on the disk.

use super::House;
use super::verbs::follow;
use super::ways::{Answer, Way};
use bellhop_e2e::console::Person;

const LINE: &[u8] = b"a line of a report that nobody else may read";

/// One round through a bucket that only this round has.
struct Round<'a> {
    house: &'a House,
    way: Way<'a>,
    bucket: String,
}

impl Round<'_> {
    /// A verb of `bucket` on this one.
    async fn bucket(&self, verb: &str, more: &[&str]) -> Answer {
        self.way.run(self.house, &[&["bucket", verb, self.bucket.as_str()], more, &["--store", "local"]].concat()).await
    }

    async fn confirm(&self, verb: &str, more: &[&str], asks: &[&str]) -> Answer {
        let words = [&["bucket", verb, self.bucket.as_str()], more, &["--store", "local"]].concat();
        self.way.confirm(self.house, &words, asks).await
    }

    /// A verb of `file` in this bucket.
    async fn file(&self, words: &[&str]) -> Answer {
        self.way.run(self.house, &[&["file"], words, &["--store", self.bucket.as_str()]].concat()).await
    }

    async fn put(&self, name: &str, bytes: &[u8]) -> Answer {
        self.way.put(self.house, "x.txt", bytes, &["file", "put", name, "--store", &self.bucket]).await
    }

    fn on_disk(&self, name: &str) -> std::path::PathBuf {
        self.house.bot.path(&format!("shelf/buckets/{}/files/{name}", self.bucket))
    }

    async fn all(&self) {
        let (house, bucket) = (self.house, self.bucket.as_str());
        self.file(&["list"]).await.refused(&[bucket]);
        self.bucket("create", &[]).await.done(&[bucket]);
        self.bucket("create", &[]).await.refused(&[bucket]);
        self.way.run(house, &["bucket", "create", "No_Such Name!", "--store", "local"]).await.refused(&["name"]);
        self.way.run(house, &["bucket", "list", "--store", "local"]).await.done(&[bucket, "the store local"]);
        self.bucket("info", &[]).await.done(&["reached only through Bellhop"]);
        // It is a store at once, in this process and in every other.
        self.put("2026/a.txt", LINE).await.done(&["2026/a.txt"]);
        assert_eq!(std::fs::read(self.on_disk("2026/a.txt")).unwrap(), LINE);
        assert!(!house.bot.path("shelf/files/2026").exists(), "it is not the store's own folder");
        self.file(&["list"]).await.done(&["2026/a.txt", "1 file"]);
        let as_prefix = format!("{bucket}:2026/a.txt");
        self.way.run(house, &["file", "info", &as_prefix]).await.done(&["44 B"]);
        self.way.run(house, &["file", "copy", &as_prefix, &format!("azure:{bucket}.txt")]).await.done(&[]);
        house.holds(super::Kind::Azure, &format!("{bucket}.txt"), LINE, "text/plain").await;
        self.versioning().await;
        self.lifecycle().await;
        self.encryption().await;
        self.access().await;
        self.deleted().await;
    }

    async fn versioning(&self) {
        self.bucket("versioning", &[]).await.done(&["on"]);
        self.bucket("versioning", &["off"]).await.done(&["suspended"]);
        self.put("gone.txt", b"1").await.done(&[]);
        self.put("gone.txt", b"2").await.done(&["replaces"]);
        self.bucket("versioning", &["on"]).await.done(&["on"]);
        self.put("kept.txt", b"1").await.done(&[]);
        self.put("kept.txt", b"2").await.done(&["kept as an older version"]);
        self.file(&["versions", "kept.txt"]).await.done(&["2 versions"]);
        self.file(&["restore", "kept.txt", "--version", "1"]).await.done(&[]);
        assert_eq!(std::fs::read(self.on_disk("kept.txt")).unwrap(), b"1");
    }

    async fn lifecycle(&self) {
        let set = ["set", "--prefix", "logs/", "--id", "ours", "--expire", "30d", "--expire-noncurrent", "90d"];
        self.bucket("lifecycle", &set).await.done(&["ours", "30", "90"]);
        self.bucket("lifecycle", &[]).await.done(&["ours", "logs/", "30", "90"]);
        self.bucket("lifecycle", &["set", "--transition", "40d:GLACIER"]).await.refused(&[]);
        self.bucket("lifecycle", &["clear", "--id", "orus"]).await.refused(&["orus", "ours"]);
        self.confirm("lifecycle", &["clear", "--id", "ours"], &["ours"]).await.done(&[]);
        let none = self.bucket("lifecycle", &[]).await.done(&[]);
        assert!(!none.text.contains("logs/"), "{}", none.text);
    }

    async fn encryption(&self) {
        self.bucket("encryption", &["set", "kms"]).await.refused(&["no key service"]);
        self.bucket("encryption", &["set", "aes256"]).await.done(&["aes256"]);
        self.bucket("encryption", &[]).await.done(&["aes256"]);
        self.put("sealed.txt", LINE).await.done(&["aes256"]);
        let there = std::fs::read(self.on_disk("sealed.txt")).unwrap();
        assert!(!there.windows(LINE.len()).any(|some| some == LINE), "it lies there in clear");
        let words = ["file", "get", "sealed.txt", "--store", &self.bucket];
        let (answer, files) = self.way.bring(self.house, &words).await;
        answer.done(&[]);
        assert!(files == [("sealed.txt".to_owned(), LINE.to_vec())], "{files:?}");
        assert_eq!(std::fs::read(self.on_disk("2026/a.txt")).unwrap(), LINE, "what was there stays as it is");
    }

    /// Links that are bound to a policy are Bellhop's own here, and end with it.
    async fn access(&self) {
        let create = ["create", "partners", "--permissions", "r", "--expires", "7d"];
        self.bucket("access", &create).await.done(&["partners"]);
        self.bucket("access", &create).await.refused(&["partners"]);
        self.bucket("access", &["list"]).await.done(&["partners"]);
        let link = self.file(&["share", "sealed.txt", "--policy", "partners"]).await.done(&["partners"]).link(self.house);
        assert_eq!(follow(self.house, &link).await, (200, LINE.to_vec()));
        self.file(&["share", "sealed.txt", "--policy", "pratners"]).await.refused(&["pratners"]);
        self.bucket("access", &["revoke", "partners"]).await.done(&["partners"]);
        assert_eq!(follow(self.house, &link).await.0, 410, "the policy is revoked");
    }

    async fn deleted(&self) {
        self.confirm("delete", &[], &[&self.bucket]).await.refused(&["files", "only an empty one"]);
        assert!(self.on_disk("2026/a.txt").is_file());
        let empty = format!("{}-empty", self.bucket);
        self.way.run(self.house, &["bucket", "create", &empty, "--store", "local"]).await.done(&[]);
        self.way.confirm(self.house, &["bucket", "delete", &empty, "--store", "local"], &[&empty]).await.done(&[&empty]);
        assert!(!self.house.bot.path(&format!("shelf/buckets/{empty}")).exists());
        self.way.run(self.house, &["bucket", "delete", &empty, "--store", "local"]).await.refused(&[&empty]);
        self.way.run(self.house, &["file", "list", "--store", &empty]).await.refused(&[&empty]);
    }
}

/// The whole of it, typed into this room and from the terminal.
pub(super) async fn both_ways(house: &House, ada: &Person, room: &str) {
    let chat = Round { house, way: Way::Chat(ada, room), bucket: "reports-chat".to_owned() };
    let say = Round { house, way: Way::Say("beside"), bucket: "reports-say".to_owned() };
    tokio::join!(chat.all(), say.all());
    let refused = house.bot.bellhop(&["say", "--as", "max", "--", "bucket", "create", "sneaky", "--store", "local"]).await;
    assert!(refused.code == 1 && refused.out.contains("admin"), "{}{}", refused.out, refused.err);
    assert!(!house.bot.path("shelf/buckets/sneaky").exists());
}
