//! One command from the terminal, with the bot running and without.

use bellhop_e2e::{Bot, json};

#[tokio::test]
async fn answers_without_a_running_bot_and_with_one() {
    let mut bot = Bot::new("");
    assert!(bot.said(&["help"]).await.contains("file"));
    std::fs::write(bot.path("notes.txt"), "kept").unwrap();
    let put = bot.bellhop(&["say", "--file", "notes.txt", "--", "file", "put"]).await;
    assert_eq!((put.code, put.out.contains("notes.txt")), (0, true), "{}", put.out);
    bot.go().await;
    assert!(bot.said(&["file", "list"]).await.contains("notes.txt"));
    assert!(bot.said(&["status"]).await.contains("Running"));
    let get = bot.bellhop(&["say", "--out", "answer", "--", "file", "get", "notes.txt"]).await;
    assert_eq!(get.code, 0, "{}", get.err);
    assert_eq!(std::fs::read_to_string(bot.path("answer/notes.txt")).unwrap(), "kept");
}

#[tokio::test]
async fn exit_codes_tell_done_failed_and_not_understood() {
    let bot = Bot::new("");
    for (words, code) in [
        (&["status"][..], 0),
        (&["file", "info", "nowhere.txt"], 1),
        (&["fiel", "list"], 2),
        (&["file", "share"], 2),
        (&["report", "page_views", "0d"], 2),
        (&["file", "list", "--limmit", "3"], 2),
    ] {
        let ran = bot.say(words).await;
        assert_eq!(ran.code, code, "{words:?}: {}{}", ran.out, ran.err);
        assert!(!ran.out.trim().is_empty(), "{words:?} has an answer");
    }
    assert!(bot.say(&["fiel", "list"]).await.out.contains("file list"));
    let card = json(&bot.bellhop(&["say", "--json", "--", "status"]).await.out);
    assert!(card["title"].is_string(), "{card}");
}

#[tokio::test]
async fn what_destroys_asks_first_and_runs_once() {
    let bot = Bot::new("");
    std::fs::write(bot.path("a.txt"), "one").unwrap();
    assert_eq!(bot.bellhop(&["say", "--file", "a.txt", "--", "file", "put"]).await.code, 0);
    let asked = bot.say(&["file", "delete", "a.txt"]).await;
    assert_eq!(asked.code, 1);
    let id = asked.out.split("approve ").nth(1).and_then(|rest| rest.split_whitespace().next()).expect("an id").to_owned();
    assert!(bot.said(&["file", "list"]).await.contains("a.txt"), "nothing is changed yet");

    let member = bot.bellhop(&["say", "--as", "max", "--", "approve", &id]).await;
    assert!(member.code == 1 && member.out.contains("operator"), "{}", member.out);
    assert!(bot.said(&["file", "list"]).await.contains("a.txt"));

    // Five at once: one of them runs it.
    let approve = ["approve", id.as_str()];
    let all = tokio::join!(bot.say(&approve), bot.say(&approve), bot.say(&approve), bot.say(&approve), bot.say(&approve));
    assert_eq!(<[_; 5]>::from(all).iter().filter(|ran| ran.code == 0).count(), 1);
    assert!(!bot.said(&["file", "list"]).await.contains("a.txt"));
    assert_eq!(bot.say(&["file", "restore", "a.txt"]).await.code, 0);
    assert_eq!(bot.say(&["file", "delete", "a.txt", "--yes"]).await.code, 0);
    assert_eq!(bot.say(&["file", "info", "a.txt"]).await.code, 1);

    let log = bot.said(&["audit"]).await;
    for outcome in ["proposed", "allowed", "done"] {
        assert!(log.contains(outcome), "{log}");
    }
    let verified = bot.bellhop(&["audit", "verify"]).await;
    assert_eq!(verified.code, 0, "{}", verified.out);
}

#[tokio::test]
async fn roles_decide_and_say_why() {
    let bot = Bot::new(
        "[[role]]\nname = \"operator\"\nusers = [\"console:max\"]\n[[role]]\nname = \"careful\"\nusers = [\"console:max\"]\ndeny = [\"file delete\"]\n",
    );
    let refused = bot.bellhop(&["say", "--as", "max", "--", "file", "delete", "x", "--yes"]).await;
    assert_eq!(refused.code, 1);
    assert!(refused.out.contains("careful"), "{}", refused.out);
    let refused = bot.bellhop(&["say", "--as", "console:nobody", "--", "channel", "create", "plans"]).await;
    assert!(refused.code == 1 && refused.out.contains("operator"), "{}", refused.out);
    let created = bot.bellhop(&["say", "--as", "max", "--", "channel", "create", "plans"]).await;
    assert_eq!(created.code, 0, "{}", created.out);
    assert!(bot.said(&["channel", "list"]).await.contains("plans"));
    let explained = bot.said(&["role", "explain", "console:max", "file", "delete", "x"]).await;
    assert!(explained.contains("careful"), "{explained}");
}

#[tokio::test]
async fn reports_agree_with_the_events_that_were_sent() {
    let bot = Bot::start("").await;
    let key = bot.key().await;
    let events: Vec<_> = (0..30)
        .map(|n| serde_json::json!({ "event": "signup", "distinct_id": format!("u{}", n % 7), "insert_id": format!("i{n}"), "properties": { "plan": if n % 3 == 0 { "pro" } else { "free" }, "revenue": 2.5 } }))
        .collect();
    let body = serde_json::to_vec(&events).unwrap();
    let (status, answer) = bot.post("/v1/events", &key, body.clone()).await;
    assert_eq!((status, json(&answer)["taken"].as_u64()), (200, Some(30)), "{answer}");
    let (_, again) = bot.post("/v1/events", &key, body).await;
    assert_eq!((json(&again)["taken"].as_u64(), json(&again)["duplicates"].as_u64()), (Some(0), Some(30)), "{again}");

    assert!(bot.said(&["report", "signup", "today"]).await.contains("30"));
    assert!(bot.said(&["report", "signup", "today", "--unique"]).await.contains('7'));
    assert!(bot.said(&["report", "signup", "today", "--sum", "revenue"]).await.contains("75"));
    let by = bot.said(&["report", "signup", "today", "--by", "plan"]).await;
    assert!(by.contains("free") && by.contains("20") && by.contains("pro") && by.contains("10"), "{by}");
    let unknown = bot.say(&["report", "singup", "today"]).await;
    assert!(unknown.code != 0 && unknown.out.contains("signup"), "{}", unknown.out);
    let drawn = bot.bellhop(&["say", "--out", "charts", "--", "report", "signup", "7d"]).await;
    assert_eq!(drawn.code, 0, "{}", drawn.err);
    let png = std::fs::read(bot.path("charts/chart.png")).unwrap();
    assert!(png.starts_with(b"\x89PNG"));
}
