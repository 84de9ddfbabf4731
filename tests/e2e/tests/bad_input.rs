//! Whatever is typed gets an answer that says what, where and what to do.

use bellhop_e2e::Bot;

#[tokio::test]
async fn every_bad_line_has_a_helpful_answer() {
    let bot = Bot::new("");
    let long = "x".repeat(1 << 20);
    let long = &long[..120_000];
    for (words, says) in [
        (&["xyzzy"][..], "no command"),
        (&["file", "ptu"], "file put"),
        (&["report", "page_views", "--by"], "value"),
        (&["report", "page_views", "soon"], "7d"),
        (&["file", "info", "../../etc/passwd"], "climb"),
        (&["file", "info", "a\\b"], "write /"),
        (&["file", "info", "a\u{202e}b"], "no file"),
        (&["channel", "post", "hi", "--in", "#nowhere"], "nowhere"),
        (&["schedule", "add", "61 * * * *", "--", "status"], "61"),
        (&["schedule", "add", "0 9 * * *", "--", "statsu"], "status"),
        (&["alert", "ack", "nothing"], "nothing"),
        (&["approve", "0000"], "0000"),
        (&["status", long], "64 KiB"),
    ] {
        let ran = bot.say(words).await;
        let shown: String = words.join(" ").chars().take(60).collect();
        assert_ne!(ran.code, 0, "{shown}: {}", ran.out);
        assert!(ran.out.contains(says), "{shown}: {}", ran.out);
        assert!(!ran.out.contains("panicked") && !ran.err.contains("panicked"), "{shown}: {}{}", ran.out, ran.err);
    }
}

#[tokio::test]
async fn a_wrong_configuration_names_the_place_and_the_nearest_key() {
    let bot = Bot::new("lisen = 1\n");
    let ran = bot.bellhop(&["check"]).await;
    assert_ne!(ran.code, 0);
    assert!(ran.err.contains("line 3") && ran.err.contains("`listen`"), "{}", ran.err);

    for (config, says) in [
        ("[chat.x]\nkind = \"slak\"\n", "no kind `slak`"),
        ("[files.x]\nkind = \"local\"\npth = \"y\"\n", "`path`"),
        ("[[route]]\nto = [\"#nowhere\"]\n", "nowhere"),
        ("[database]\nurl = \"mysql://x\"\n", "sqlite"),
    ] {
        let bot = Bot::new(config);
        let ran = bot.bellhop(&["check"]).await;
        assert!(ran.code != 0 && ran.err.contains(says), "{config}: {}", ran.err);
    }
    let bot = Bot::new("");
    std::fs::write(bot.path("data"), "a file where the folder should be").unwrap();
    let ran = bot.say(&["status"]).await;
    assert!(ran.code != 0 && ran.err.contains("data_dir"), "{}", ran.err);
}

#[tokio::test]
async fn the_printed_reference_is_a_configuration_that_works() {
    let bot = Bot::new("");
    let reference = bot.bellhop(&["config"]).await.out;
    std::fs::write(bot.path("bellhop.toml"), &reference).unwrap();
    let ran = bot.bellhop(&["check", "--live"]).await;
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
}
