//! Between Discord, Slack, programs and the store: one alert that is one card on both, files that go from one to the other, and
//! what waits while the bot is gone.

use super::{Office, calm, hears, registered, section, times};
use bellhop_e2e::{Bot, PATIENCE};
use bellhop_kit::discord::{Behaviour, DiscordWorld};
use bellhop_kit::slack::{self, SlackWorld};
use bellhop_kit::wait::until;
use serde_json::json;

/// One bot in both.
struct Both {
    discord: DiscordWorld,
    slack: SlackWorld,
    bot: Bot,
}

impl Both {
    async fn start(config: &str) -> Self {
        let discord = DiscordWorld::start_with(calm()).await.unwrap();
        let slack = SlackWorld::start_with(slack::Settings::default().unlimited()).await.unwrap();
        let office = format!(
            "[chat.office]\nkind = \"slack\"\ntransport = \"http\"\nbot_token = \"{}\"\nsigning_secret = \"{}\"\napi_url = \"{}\"\n",
            slack.bot_token(),
            slack.signing_secret(),
            slack.api_url()
        );
        let bot = Bot::start(&(section(&discord, "http") + &office + config)).await;
        discord.enter_endpoint(&format!("{}/chat/work", bot.url)).await.unwrap();
        slack.deliver_over_http(&format!("{}/chat/office", bot.url));
        registered(&discord).await;
        Self { discord, slack, bot }
    }

    async fn slack_hears(&self, text: &str) -> slack::Seen {
        let ann = self.slack.person("ann");
        until(PATIENCE, &format!("{text:?} in Slack"), || async { ann.hears("#ops").into_iter().find(|seen| seen.text.contains(text)) })
            .await
    }
}

#[tokio::test]
async fn an_alert_is_one_card_in_both_and_taken_in_one_it_is_taken_in_the_other() {
    let both = Both::start("[[route]]\nto = [\"work/#ops\", \"office/#ops\"]\n").await;
    let (ann, bob) = (both.discord.person("ann"), both.discord.person("bob"));
    let key = both.bot.key().await;
    let about = |status: &str| json!({ "name": "DiskFull", "status": status, "summary": "/var is at 97 %" }).to_string();
    assert_eq!(both.bot.post("/alerts/generic", &key, about("firing")).await.0, 200);
    let card = hears(&ann, "#ops", "DiskFull").await;
    let there = both.slack_hears("DiskFull").await;
    ann.click(&card, "Ack").await.unwrap();
    let changed = both.slack_hears("ACKNOWLEDGED").await;
    assert_eq!(changed.ts, there.ts, "the same card");
    assert_eq!(hears(&bob, "#ops", "ACKNOWLEDGED").await.id, card.id);
    assert_eq!(both.bot.post("/alerts/generic", &key, about("resolved")).await.0, 200);
    both.slack_hears("RESOLVED").await;
    hears(&bob, "#ops", "RESOLVED").await;
    assert_eq!(times(&bob, "#ops", "97 %"), 1);
}

#[tokio::test]
async fn a_file_goes_from_one_to_the_store_and_from_there_to_the_other() {
    let both = Both::start("").await;
    let (ann, hers) = (both.discord.person("ann"), both.slack.person("ann"));
    let bytes: Vec<u8> = (0..200_000_u32).map(|n| u8::try_from(n.wrapping_mul(2_654_435_761) >> 24).unwrap_or(0)).collect();
    let file = ann.file("scan.pdf", &bytes);
    ann.slash(&format!("/file put file:{file}"), "#ops").await.unwrap();
    hears(&ann, "#ops", "Stored scan.pdf").await;
    hers.slash("/bellhop file get scan.pdf", "#ops").await.unwrap();
    let got = until(PATIENCE, "the file in Slack", || async {
        hers.hears("#ops").into_iter().flat_map(|seen| seen.files).find(|(name, _)| name == "scan.pdf")
    })
    .await;
    assert!(got.1 == bytes, "the bytes are others");
    hers.upload("@bellhop", "notes.txt", b"from the office", "").unwrap();
    until(PATIENCE, "it is stored", || async { hers.hears("@bellhop").into_iter().find(|seen| seen.text.contains("Stored notes.txt")) })
        .await;
    ann.slash("/file get name:notes.txt", "#ops").await.unwrap();
    let got = until(PATIENCE, "the file in Discord", || async {
        ann.hears("#ops").into_iter().flat_map(|seen| seen.files).find(|(name, _)| name == "notes.txt")
    })
    .await;
    assert_eq!(got.1, b"from the office");
}

#[tokio::test]
async fn kill_9_loses_nothing_and_says_nothing_twice() {
    let mut office = Office::over_http(calm(), "[[route]]\nto = [\"work/#ops\"]\n").await;
    let bob = office.person("bob");
    let key = office.bot.key().await;
    let slow = Behaviour {
        route: Some("POST /channels/{channel}/messages".into()),
        linger: std::time::Duration::from_millis(150),
        ..Behaviour::default()
    };
    office.world.behave(slow);
    let mut names = Vec::new();
    for round in 0..2 {
        for n in 0..6 {
            let name = format!("alert-{round}-{n}");
            assert_eq!(office.bot.post("/alerts/generic", &key, format!("{{\"name\":\"{name}\"}}")).await.0, 200);
            names.push(name);
        }
        hears(&bob, "#ops", &format!("alert-{round}-1")).await;
        office.bot.program().kill().await.unwrap();
        office.bot.go().await;
    }
    office.world.behave_well();
    for name in &names {
        hears(&bob, "#ops", name).await;
    }
    office.bot.said(&["channel", "post", "the last one", "--in", "work/#ops"]).await;
    hears(&bob, "#ops", "the last one").await;
    for name in &names {
        assert_eq!(times(&bob, "#ops", name), 1, "{name}");
    }
    assert_eq!(office.world.ledger().duplicates(), Vec::new());
}
