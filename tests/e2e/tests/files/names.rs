//! Names that trip programs, on every store: what is stored is under the very name that was given, as other clients see
//! it, and comes back; what can't be a name is refused with a reason.

use super::ways::Way;
use super::{ALL, House, Kind};
use bellhop_e2e::console::Person;

/// One name of 1,024 bytes: parts of 100, as a file system can hold them, and a rest.
fn longest(before: usize) -> String {
    let mut name = "x".repeat(99);
    while name.len() + before + 101 < 1024 {
        name.push('/');
        name.push_str(&"y".repeat(99));
    }
    name.push_str(&"z".repeat(1024 - before - name.len()));
    name
}

const ODD: [&str; 12] = [
    "a b  c.txt",
    "1+1=2.txt",
    "100%.txt",
    "%41%2F%2e.txt",
    "who?x=1&y=2.txt",
    "#5.txt",
    "it's \"quoted\" `so`.txt",
    "caf\u{e9}.txt",
    "cafe\u{301}.txt",
    "日本語/файл 🛎.txt",
    "semi;colon, [brackets] {braces} ~*|<>^.txt",
    "A.TXT",
];

#[tokio::test]
async fn odd_names_are_kept_to_the_letter() {
    let house = House::open("[chat.console]\nkind = \"console\"\nchannels = [\"general\", \"ops\", \"n\"]\n").await;
    let ada = Person::log_in(&house.bot, "you").await;
    // Both ways in take turns: the names go through the one's quotes or the other's arguments.
    let ways = [Way::Chat(&ada, "n"), Way::Say("n")];
    let one = async |kind: Kind| {
        for (number, odd) in ODD.iter().enumerate() {
            let (way, name) = (&ways[number % 2], format!("n/{odd}"));
            let (at, bytes) = (format!("{}:{name}", kind.store()), format!("this is {odd}").into_bytes());
            way.put(&house, "sent.txt", &bytes, &["file", "put", &at]).await.done(&[odd]);
            house.holds(kind, &name, &bytes, "text/plain").await;
            let (answer, files) = ways[(number + 1) % 2].bring(&house, &["file", "get", &at]).await;
            answer.done(&[]);
            assert!(files.len() == 1 && files[0].1 == bytes, "{kind:?} {odd}: {files:?}");
        }
        let long = longest(0);
        ways[1].put(&house, "sent.txt", b"long", &["file", "put", &format!("{}:{long}", kind.store())]).await.done(&[]);
        if kind == Kind::Local {
            assert!(house.names(kind).await.iter().any(|name| name.ends_with("zzz")), "it is in the folder");
        } else {
            house.holds(kind, &long, b"long", "text/plain").await;
        }
        let listed = ways[1].run(&house, &["file", "list", &format!("{}:n/", kind.store())]).await.done(&ODD);
        assert_eq!(listed.text.matches("n/caf").count(), 2, "two ways of writing an accent are two files: {}", listed.text);
        house.names(kind).await.into_iter().filter(|name| name.starts_with("n/")).collect::<Vec<_>>()
    };
    let (local, s3, azure) = tokio::join!(one(Kind::Local), one(Kind::S3), one(Kind::Azure));
    let mut wanted: Vec<String> = ODD.iter().map(|odd| format!("n/{odd}")).collect();
    wanted.sort();
    assert_eq!([&local, &s3, &azure], [&wanted; 3]);
    // Across stores a name stays itself.
    for odd in ["1+1=2.txt", "%41%2F%2e.txt", "who?x=1&y=2.txt", "cafe\u{301}.txt"] {
        let (from, to) = (format!("s3:n/{odd}"), format!("strict:n/{odd}"));
        ways[1].run(&house, &["file", "copy", &from, &to]).await.done(&[]);
        house.holds(Kind::Strict, &format!("n/{odd}"), format!("this is {odd}").as_bytes(), "text/plain").await;
        let within = format!("azure:copy of {odd}");
        ways[0].run(&house, &["file", "copy", &format!("azure:n/{odd}"), &within]).await.done(&[]);
        house.holds(Kind::Azure, &format!("copy of {odd}"), format!("this is {odd}").as_bytes(), "text/plain").await;
    }
}

#[tokio::test]
async fn what_can_be_no_name_is_refused_everywhere() {
    let house = House::open("").await;
    let ada = Person::log_in(&house.bot, "you").await;
    let ways = [Way::Chat(&ada, "general"), Way::Say("beside")];
    let (long, deep) = ("x".repeat(1025), format!("{}a", "a/".repeat(600)));
    for kind in ALL {
        for (number, (wrong, says)) in [
            ("/etc/passwd", "leading"),
            ("../up.txt", "climb"),
            ("a/../../b.txt", "climb"),
            ("a//b.txt", "slash"),
            ("a\\b.txt", "\\"),
            (long.as_str(), "1,024"),
            (deep.as_str(), "1,024"),
        ]
        .into_iter()
        .enumerate()
        {
            let at = format!("{}:{wrong}", kind.store());
            let way = &ways[number % 2];
            way.put(&house, "sent.txt", b"x", &["file", "put", &at]).await.refused(&[says]);
            way.run(&house, &["file", "info", &at]).await.refused(&[says]);
        }
        assert_eq!(house.names(kind).await, Vec::<String>::new(), "{kind:?}");
    }
    // A name that the sender's machine made is mended, not refused; and it leads nowhere else.
    ways[0].put(&house, "../../escape\u{202e}.txt", b"in", &["file", "put"]).await.done(&["escape.txt"]);
    assert_eq!(house.names(Kind::Local).await, ["escape.txt"]);
    let unknown = ways[1].run(&house, &["file", "list", "s4:x/"]).await;
    unknown.refused(&["s4", "s3:x/"]);
}
