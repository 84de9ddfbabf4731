//! A channel of Slack's in a backup: what people said, their threads and files.

use super::{Office, calm};

#[tokio::test]
async fn a_channel_is_backed_up_with_threads_and_files() {
    let office = Office::over_http(calm(), "").await;
    let ann = office.person("ann");
    for n in 0..30 {
        ann.say("#general", &format!("message {n} & more")).unwrap();
    }
    let root = ann.say("#general", "who is on call?").unwrap();
    for n in 0..12 {
        ann.reply("#general", &root, &format!("reply {n}")).unwrap();
    }
    ann.upload("#general", "scan.pdf", b"%PDF the bytes of the scan", "look at this").unwrap();
    let bot = &office.bot;
    let added = bot.said(&["file", "backup", "add", "talk", "--from", "work:#general", "--to", "local:keep"]).await;
    assert!(added.contains("is set up"), "{added}");
    let made = bot.said(&["file", "backup", "run", "talk"]).await;
    assert!(made.contains("is made") && !made.contains("could not be read"), "{made}");
    assert!(bot.said(&["file", "backup", "verify", "talk"]).await.contains("is whole"));
    bot.said(&["file", "backup", "restore", "talk", "--to", "local:back/"]).await;
    let back = bot.path("data/files/files/back");
    let text = std::fs::read_to_string(back.join("transcript.txt")).unwrap();
    let at = |what: &str| text.find(what).unwrap_or_else(|| panic!("{what} is missing: {text}"));
    assert!(at("message 0 & more") < at("message 29 & more") && at("message 29 & more") < at("who is on call?"));
    assert!(at("who is on call?") < at("reply 0") && at("reply 0") < at("reply 11") && at("reply 11") < at("look at this"));
    assert_eq!(text.matches("reply 3\n").count(), 1, "each once: {text}");
    assert!(text.contains("Ann") || text.contains("ann"), "{text}");
    let file = std::fs::read_dir(back.join("files")).unwrap().next().unwrap().unwrap().path();
    assert_eq!(std::fs::read(file).unwrap(), b"%PDF the bytes of the scan");
    // Where the bot is not, it reads nothing, and says what to do.
    let refused = bot.say(&["file", "backup", "add", "other", "--from", "work:#nowhere-at-all", "--to", "local:keep"]).await;
    assert_eq!(refused.code, 1, "{}", refused.out);
}
