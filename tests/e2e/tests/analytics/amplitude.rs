//! Amplitude, from the chat.

use super::{asked, bot, day, days, history, refused, says};
use bellhop_e2e::Bot;
use bellhop_kit::analytics::amplitude::{API_KEY, APP_ID, AmplitudeWorld, OWNER, SECRET_KEY, ZONE};
use bellhop_kit::analytics::{Desk, MachineClock, Reply};
use serde_json::json;
use std::sync::Arc;

struct Stage {
    bot: Bot,
    desk: Desk,
    world: Arc<AmplitudeWorld>,
}

async fn stage_with(secret: &str) -> Stage {
    let world = Arc::new(AmplitudeWorld::new(Arc::new(MachineClock), history()));
    let desk = Desk::open(world.clone()).await.unwrap();
    let url = desk.url();
    world.at(url);
    let bot = bot(&format!(
        "[analytics.app]\nkind = \"amplitude\"\napi_key = \"{API_KEY}\"\nsecret_key = \"{secret}\"\napp_id = {APP_ID}\nowner = \"{OWNER}\"\n\
         timezone = \"{ZONE}\"\ningest_url = \"{url}\"\nquery_url = \"{url}\"\nprofile_url = \"{url}\"\n"
    ));
    Stage { bot, desk, world }
}

async fn stage() -> Stage {
    stage_with(SECRET_KEY).await
}

#[tokio::test]
async fn what_people_do_in_the_app() {
    let stage = stage().await;
    let bot = &stage.bot;
    let week = days("2026-10-20", "2026-10-24");
    let report = |metric: &'static str, more: &'static [&'static str]| {
        let week = week.clone();
        async move { asked(bot, &[&["report", metric, &week, "--source", "app"], more].concat()).await }
    };
    says(&report("page_views", &["--by", "day"]).await, &["4", &day("2026-10-20")[5..], "2", &day("2026-10-21")[5..], "1"]);
    says(&report("users", &[]).await, &["2"]);
    says(&report("signup", &["--by", "plan"]).await, &["free", "1", "pro", "1"]);
    says(&report("page_view", &["--where", "page=/home"]).await, &["2"]);
    says(&report("purchase", &["--sum", "price"]).await, &["50"]);
    says(
        &asked(bot, &["segment", "page_view", &week, "--by", "country", "--source", "app"]).await,
        &["Germany", "3", "United States", "1"],
    );
    let period = days("2026-10-20", "2026-10-31");
    let funnel = ["funnel", "first_visit", "signup", "purchase", "--period", &period, "--within", "7d", "--source", "app"];
    says(&asked(bot, &funnel).await, &["2 of 3 people", "first_visit", "3", "signup", "3", "5 min", "purchase", "2"]);
    let strict = asked(bot, &[&funnel[..], &["--order", "strict"]].concat()).await;
    says(&strict, &["first_visit", "3", "signup", "0"]);
    let first = days("2026-10-20", "2026-10-21");
    let brackets = ["retention", "signup", "any", &first, "--by", "day", "--brackets", "0-0,1-3", "--source", "app"];
    says(&asked(bot, &brackets).await, &["0", "1-3", &day("2026-10-20")[5..], "1", "100 %", "100 %"]);
    let revenue = asked(bot, &["revenue", &days("2026-10-20", "2026-10-23"), "--source", "app"]).await;
    says(&revenue, &["50"]);
    says(&revenue, &["31.25"]);
}

#[tokio::test]
async fn people_and_cohorts() {
    let stage = stage().await;
    let bot = &stage.bot;
    says(&bot.said(&["cohort", "list", "--source", "app"]).await, &["Crowd", "1", "Payers", "2"]);
    says(&bot.said(&["cohort", "members", "Payers", "--source", "app"]).await, &["ann", "bob"]);
    says(&bot.said(&["cohort", "make", "Team", "ann", "x1", "--source", "app"]).await, &["Team", "1", "x1"]);
    says(&bot.said(&["cohort", "members", "Team", "--source", "app"]).await, &["ann"]);
    says(&bot.said(&["person", "ann", "--source", "app"]).await, &["device-ann", "page_view"]);
    bot.said(&["person", "ann", "plan=team", "first?=web", "visits+=2", "tags|=a,b", "--source", "app"]).await;
    bot.said(&["person", "acme", "seats=5", "--group", "company", "--source", "app"]).await;
    assert_eq!(stage.world.properties("ann"), Some(json!({ "plan": "team", "first": "web", "visits": 2.0, "tags": ["a", "b"] })));
    assert_eq!(stage.world.group("company", "acme"), Some(json!({ "seats": 5 })));
    bot.said(&["track", "deploy", "ann", "env=prod", "revenue=9.5", "--source", "app"]).await;
    says(&asked(bot, &["report", "deploy", "today", "--by", "env", "--source", "app"]).await, &["prod", "1"]);
    says(&asked(bot, &["revenue", "today", "--source", "app"]).await, &["9.50"]);
    says(&refused(bot, &["track", "deploy", "anonymous", "--source", "app"]).await, &["nobody"]);
    says(&refused(bot, &["track", "deploy", "ann", "forbidden=1", "--source", "app"]).await, &["event_properties"]);
    says(&refused(bot, &["person", "eve2", "--source", "app"]).await, &["never seen"]);
}

#[tokio::test]
async fn what_can_not_be_answered_says_why() {
    let stage = stage().await;
    let bot = &stage.bot;
    let week = days("2026-10-20", "2026-10-24");
    let ask = ["report", "signup", &week, "--source", "app"];
    says(&refused(bot, &["report", "signups", &week, "--source", "app"]).await, &["signup"]);
    says(&refused(bot, &["funnel", "signup", "purchas", "--source", "app"]).await, &["purchase"]);
    stage.desk.order("/segmentation", Reply::json(200, &json!({ "error": { "http_code": 400, "message": "bad event" } })));
    says(&refused(bot, &ask).await, &["bad event"]);
    stage.desk.order("/segmentation", Reply::html(502));
    assert!(!refused(bot, &ask).await.contains("<html"));
    says(&bot.said(&["source", "show", "app"]).await, &["cost in five minutes", "questions about people", "360"]);
    let long = days("2025-11-01", "2026-10-24");
    says(&refused(bot, &["report", "signup", &long, "--by", "week,plan", "--source", "app"]).await, &["allowance"]);
    stage.desk.order("/segmentation", Reply::json(429, &json!({ "error": { "http_code": 429, "message": "Exceeded concurrent limit" } })));
    says(&refused(bot, &ask).await, &["no more questions"]);
    let before = stage.desk.count("/api/2");
    says(&refused(bot, &ask).await, &["not asked before"]);
    assert_eq!(stage.desk.count("/api/2"), before, "another program of the same bot knows");
    let wrong = stage_with("wr0ng").await;
    let said = refused(&wrong.bot, &ask).await;
    assert!(said.contains("secret_key") && !said.contains("wr0ng"), "{said}");
}
