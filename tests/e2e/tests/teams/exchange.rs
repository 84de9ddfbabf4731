//! Between Teams and Slack: one alert in both, a file from one to the other.

use super::messages::firing;
use super::{calm, hears, section};
use bellhop_e2e::{Bot, PATIENCE};
use bellhop_kit::slack::{Settings as SlackSettings, SlackWorld};
use bellhop_kit::teams::TeamsWorld;
use bellhop_kit::wait::until;

/// One bot in both.
async fn both(config: &str) -> (TeamsWorld, SlackWorld, Bot) {
    let teams = TeamsWorld::start_with(calm()).await.unwrap();
    let slack = SlackWorld::start_with(SlackSettings::default().unlimited()).await.unwrap();
    let bot = started(&teams, &slack, config).await;
    (teams, slack, bot)
}

async fn started(teams: &TeamsWorld, slack: &SlackWorld, config: &str) -> Bot {
    let config = format!(
        "{}[chat.slack]\nkind = \"slack\"\ntransport = \"http\"\nbot_token = \"{}\"\nsigning_secret = \"{}\"\napi_url = \"{}\"\n{config}",
        section(teams),
        slack.bot_token(),
        slack.signing_secret(),
        slack.api_url()
    );
    let mut bot = Bot::start(&config).await;
    teams.deliver_to(&format!("{}/chat/work", bot.url));
    slack.deliver_over_http(&format!("{}/chat/slack", bot.url));
    teams.install("Acme").await.unwrap();
    if config.contains("[[route]]") {
        bot.program().terminate(PATIENCE).await.unwrap();
        bot.go().await;
        teams.deliver_to(&format!("{}/chat/work", bot.url));
        slack.deliver_over_http(&format!("{}/chat/slack", bot.url));
        hears(&teams.person("ann"), "#ops", "RESOLVED: [[route]]").await;
    }
    bot
}

#[tokio::test]
async fn one_alert_is_one_card_in_both_and_taken_in_both() {
    let (teams, slack, bot) = both("[[route]]\nto = [\"work/#ops\", \"slack/#ops\"]\n").await;
    let (ann, other) = (teams.person("ann"), slack.person("bob"));
    let key = bot.key().await;
    assert_eq!(bot.post("/alerts/alertmanager", &key, firing("DiskFull", "firing")).await.0, 200);
    let card = hears(&ann, "#ops", "FIRING: DiskFull").await;
    let there =
        async |text: &str| until(PATIENCE, text, || async { other.hears("#ops").into_iter().find(|seen| seen.text.contains(text)) }).await;
    there("FIRING: DiskFull").await;
    ann.click(&card, "Ack").await.unwrap();
    there("ACKNOWLEDGED: DiskFull").await;
    assert_eq!(bot.post("/alerts/alertmanager", &key, firing("DiskFull", "resolved")).await.0, 200);
    hears(&ann, "#ops", "RESOLVED: DiskFull").await;
    there("RESOLVED: DiskFull").await;
    let here = ann.hears("#ops").iter().filter(|seen| seen.text.contains("97 %")).count();
    let there = other.hears("#ops").iter().filter(|seen| seen.text.contains("97 %")).count();
    assert_eq!((here, there), (1, 1));
    assert_eq!(teams.ledger().wrongs(), Vec::<String>::new());
}

#[tokio::test]
async fn a_file_from_teams_goes_into_the_store_and_to_slack_and_back() {
    let (teams, slack, bot) = both("").await;
    let (ann, other) = (teams.person("ann"), slack.person("ann"));
    ann.upload("@bellhop", "plan.txt", b"made in teams", "file put").await.unwrap();
    hears(&ann, "@bellhop", "Stored plan.txt").await;
    other.mention("#ops", "file get plan.txt").unwrap();
    let got = until(PATIENCE, "the file in Slack", || async { other.hears("#ops").into_iter().flat_map(|seen| seen.files).next() }).await;
    assert_eq!(got, ("plan.txt".to_owned(), b"made in teams".to_vec()));
    other.upload("@bellhop", "reply.txt", b"made in slack", "").unwrap();
    until(PATIENCE, "the stored file", || async { bot.said(&["file", "list"]).await.contains("reply.txt").then_some(()) }).await;
    ann.mention("#ops", "file get reply.txt").await.unwrap();
    let got = until(PATIENCE, "the file in Teams", || async {
        ann.hears("#ops").into_iter().flat_map(|seen| seen.files).find(|(name, _)| name == "reply.txt")
    })
    .await;
    assert_eq!(got.1, b"made in slack");
    assert_eq!(teams.ledger().wrongs(), Vec::<String>::new());
}

#[tokio::test]
async fn a_meeting_that_is_asked_for_in_slack_stands_in_teams_calendars() {
    let teams = TeamsWorld::start_with(calm()).await.unwrap();
    let slack = SlackWorld::start_with(SlackSettings::default().unlimited()).await.unwrap();
    let roles = format!("[[role]]\nname = \"operator\"\nusers = [\"slack:{}\"]\n", slack.person("ann").id);
    let bot = started(&teams, &slack, &roles).await;
    // Nobody of the tenant has said anything to the bot yet; it knows people by their addresses.
    let (ann, reader) = (slack.person("ann"), teams.person("bob"));
    ann.mention("#ops", "meet create Standup --at \"tomorrow 09:00\" --with @bob --to work/#ops").unwrap();
    let answer = until(PATIENCE, "an answer in Slack", || async { ann.hears("#ops").pop() }).await;
    assert!(answer.text.contains("Standup"), "{answer:?}");
    let seen = hears(&reader, "#ops", "Standup").await;
    let calendar = teams.calendar();
    let [(whose, event, Some(join), false)] = calendar.as_slice() else { panic!("{calendar:?}") };
    assert!(whose == "ann" && event["attendees"].to_string().contains("bob@"), "{event}");
    assert!(seen.links.contains(join), "{seen:?}");
    let there =
        until(PATIENCE, "the link in Slack", || async { ann.hears("#ops").into_iter().find(|seen| seen.links.contains(join)) }).await;
    let id = bot.said(&["meet", "list"]).await;
    assert!(id.contains("Standup") && there.text.contains("Standup"), "{id}");
    assert_eq!(teams.ledger().wrongs(), Vec::<String>::new());
}
