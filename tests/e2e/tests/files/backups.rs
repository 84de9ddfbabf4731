//! Backups of a store's files, made in the chat, that lie in other stores: what is there says nothing to whoever looks, comes
//! back as it was, and is not trusted once a byte of it is another.

use super::ways::Way;
use super::{House, Kind};
use bellhop_e2e::console::Person;
use bellhop_e2e::eyes::pattern;
use serde_json::json;

const LINE: &[u8] = b"what is said in here is for the backup alone\n";

/// Adds, runs, looks at, checks and brings back a backup that lies in this store.
async fn kept_in(house: &House, ada: &Person, kind: Kind, back: Kind) {
    let (chat, name) = (Way::Chat(ada, kind.store()), format!("to-{}", kind.store()));
    let (to, text) = (format!("{}:vault", kind.store()), LINE.repeat(200));
    let run = async |words: &[&str]| chat.run(house, &[&["file", "backup"], words].concat()).await;
    run(&["run", &name]).await.refused(&[&name]);
    let add = ["add", &name, "--from", "local:src/", "--to", &to, "--every", "0 3 * * *", "--keep", "3"];
    run(&add).await.done(&["is set up", "keep a copy of that key"]);
    run(&add).await.refused(&[&name]);
    run(&["run", &name]).await.done(&["3 objects", "yes"]);
    run(&["list"]).await.done(&[&name, "local:src/", kind.store()]);
    run(&["list", &name]).await.done(&["complete"]);
    run(&["verify", &name]).await.done(&["is whole", "3 objects"]);

    // What another client finds there.
    let stored: Vec<String> = house.names(kind).await.into_iter().filter(|stored| stored.starts_with("vault/")).collect();
    assert!(stored.len() >= 3 && stored.iter().any(|stored| stored.ends_with("manifest.json")), "{stored:?}");
    let read = match kind {
        Kind::Azure => "c.get_blob_client(b, n).download_blob().readall()",
        _ => "c.get_object(Bucket=b, Key=n)['Body'].read()",
    };
    for object in &stored {
        assert!(!object.contains("secret"), "{object} tells a name");
        let script = format!("data = {read}\nresult = any(w.encode() in data for w in args['words'])");
        let words = ["what is said in here", "secret plans.txt"];
        let told = house.look(kind, &script, json!({ "n": object, "words": words })).await;
        assert_eq!(told, json!(false), "{kind:?} {object} is in clear");
    }

    let (target, prefix) = (format!("{}:back-{name}/", back.store()), format!("back-{name}/"));
    run(&["restore", &name, "--to", &target, "--dry-run"]).await.done(&["3 files"]);
    assert_eq!(house.seen(back, &format!("{prefix}sub/1.csv")).await, None, "nothing was written");
    run(&["restore", &name, "--to", &target]).await.done(&["3 files"]);
    house.holds(back, &format!("{prefix}secret plans.txt"), &text, "text/plain").await;
    house.holds(back, &format!("{prefix}sub/1.csv"), &pattern(70_001), "text/csv").await;
    house.holds(back, &format!("{prefix}void.json"), b"", "application/json").await;
    run(&["restore", &name, "--to", &target]).await.done(&["3 files", "there already"]);
    house.write(back, &format!("{prefix}sub/1.csv"), 9, "text/csv").await;
    run(&["restore", &name, "--to", &target]).await.refused(&["sub/1.csv", "--replace"]);
    house.holds(back, &format!("{prefix}sub/1.csv"), &pattern(9), "text/csv").await;

    // One byte of what lies there becomes another.
    let data = stored.iter().find(|stored| stored.contains("/data/")).unwrap_or_else(|| panic!("{stored:?}"));
    let write = match kind {
        Kind::Azure => "c.get_blob_client(b, n).upload_blob(bytes(data), overwrite=True)",
        _ => "c.put_object(Bucket=b, Key=n, Body=bytes(data))",
    };
    let flip = format!("data = bytearray({read})\ndata[len(data) // 2] ^= 1\n{write}");
    house.look(kind, &flip, json!({ "n": data })).await;
    run(&["verify", &name]).await.refused(&["is damaged"]);
    run(&["list", &name]).await.says(&["damaged"]);
    let other = format!("{}:bad-{name}/", back.store());
    run(&["restore", &name, "--to", &other]).await.refused(&[]);
}

#[tokio::test]
async fn backups_lie_in_other_stores_and_come_back() {
    let house = House::open("[chat.console]\nkind = \"console\"\nchannels = [\"general\", \"s3\", \"azure\"]\n").await;
    let ada = Person::log_in(&house.bot, "you").await;
    let src = house.bot.path("shelf/files/src/sub");
    std::fs::create_dir_all(&src).unwrap();
    std::fs::write(src.join("../secret plans.txt"), LINE.repeat(200)).unwrap();
    std::fs::write(src.join("../void.json"), b"").unwrap();
    std::fs::write(src.join("1.csv"), pattern(70_001)).unwrap();
    tokio::join!(kept_in(&house, &ada, Kind::S3, Kind::Azure), kept_in(&house, &ada, Kind::Azure, Kind::S3));
    // Nothing of them was done twice, and what they are of is as it was.
    assert_eq!(std::fs::read(src.join("1.csv")).unwrap(), pattern(70_001));
}
