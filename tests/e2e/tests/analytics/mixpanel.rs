//! Mixpanel, from the chat.

use super::{asked, bot, day, days, history, refused, says};
use bellhop_e2e::Bot;
use bellhop_kit::analytics::mixpanel::{ACCOUNT, MixpanelWorld, PROJECT, SECRET, TOKEN, ZONE};
use bellhop_kit::analytics::{Desk, MachineClock, Reply};
use serde_json::json;
use std::sync::Arc;

struct Stage {
    bot: Bot,
    desk: Desk,
    world: Arc<MixpanelWorld>,
}

async fn stage_with(project: &str, secret: &str) -> Stage {
    let world = Arc::new(MixpanelWorld::new(Arc::new(MachineClock), history()));
    let desk = Desk::open(world.clone()).await.unwrap();
    let url = desk.url();
    let bot = bot(&format!(
        "[analytics.product]\nkind = \"mixpanel\"\nproject_id = {project}\nservice_account = \"{ACCOUNT}\"\nservice_secret = \"{secret}\"\n\
         project_token = \"{TOKEN}\"\ntimezone = \"{ZONE}\"\nrevenue_event = \"purchase\"\nrevenue_property = \"price\"\n\
         ingest_url = \"{url}\"\nquery_url = \"{url}\"\n"
    ));
    Stage { bot, desk, world }
}

async fn stage() -> Stage {
    stage_with(PROJECT, SECRET).await
}

#[tokio::test]
async fn what_people_do_in_the_product() {
    let stage = stage().await;
    let bot = &stage.bot;
    let week = days("2026-10-20", "2026-10-24");
    let report = |metric: &'static str, more: &'static [&'static str]| {
        let week = week.clone();
        async move { asked(bot, &[&["report", metric, &week, "--source", "product"], more].concat()).await }
    };
    says(&report("page_view", &["--by", "day"]).await, &["4", &day("2026-10-20")[5..], "2", &day("2026-10-21")[5..], "1"]);
    says(&report("signup", &["--by", "plan"]).await, &["free", "1", "pro", "1"]);
    says(&report("page_view", &["--unique", "--where", "page=/home"]).await, &["2"]);
    says(&report("purchase", &["--sum", "price"]).await, &["50"]);
    says(
        &asked(bot, &["segment", "page_view", &week, "--by", "country", "--source", "product"]).await,
        &["Germany", "3", "United States", "1"],
    );
    let period = days("2026-10-20", "2026-10-31");
    let funnel = asked(bot, &["funnel", "Buying", "--period", &period, "--source", "product"]).await;
    says(&funnel, &["2 of 3 people", "signup", "3", "purchase", "2"]);
    let first = days("2026-10-20", "2026-10-21");
    let retention = asked(bot, &["retention", "first_visit", "any", &first, "--by", "day", "--periods", "3", "--source", "product"]).await;
    says(&retention, &[&day("2026-10-20")[5..], "1", "100 %", "0 %", "100 %"]);
    says(&asked(bot, &["revenue", &week, "--source", "product"]).await, &["50"]);
    says(&bot.said(&["source", "report", "4242", "--source", "product"]).await, &["Sign up"]);
}

#[tokio::test]
async fn people_cohorts_and_raw_events() {
    let stage = stage().await;
    let bot = &stage.bot;
    says(&bot.said(&["cohort", "list", "--source", "product"]).await, &["Crowd", "Payers", "2"]);
    says(&bot.said(&["cohort", "members", "Payers", "--source", "product"]).await, &["ann", "bob"]);
    says(&bot.said(&["person", "ann", "--source", "product"]).await, &["ann", "plan", "pro", "page_view"]);
    for words in [
        &["person", "ann", "plan=team", "first?=web", "visits+=2", "tags|=a,b", "--source", "product"][..],
        &["person", "ann", "visits+=1", "$name=", "--source", "product"],
        &["person", "acme", "seats=5", "--group", "company", "--source", "product"],
        &["person", "dan", "--forget", "--source", "product", "--yes"],
        &["person", "device-1", "--merge", "ann", "--source", "product"],
    ] {
        bot.said(words).await;
    }
    assert_eq!(stage.world.profile("ann"), Some(json!({ "plan": "team", "first": "web", "visits": 3.0, "tags": ["a", "b"] })));
    assert_eq!((stage.world.group("company", "acme"), stage.world.profile("dan")), (Some(json!({ "seats": 5 })), None));
    let period = days("2026-10-20", "2026-10-31");
    let words = ["source", "export", &period, "--event", "signup", "--source", "product", "--tz", "America/New_York"];
    let ran = bot.bellhop(&[&["say", "--out", "out", "--"], &words[..]].concat()).await;
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let lines = std::fs::read_to_string(bot.path("out/product-events.jsonl")).unwrap();
    let people: Vec<String> =
        lines.lines().map(|line| bellhop_e2e::json(line)["properties"]["distinct_id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(people, ["ann", "bob", "cyd"]);
    bot.said(&["track", "deploy", "ann", "env=prod", "--source", "product"]).await;
    says(&asked(bot, &["report", "deploy", "today", "--by", "env", "--source", "product"]).await, &["prod", "1"]);
    says(&refused(bot, &["track", "deploy", "anonymous", "--source", "product"]).await, &["nobody"]);
    says(&refused(bot, &["track", "deploy", "ann", "forbidden=1", "--source", "product"]).await, &["forbidden"]);
}

#[tokio::test]
async fn what_can_not_be_answered_says_why() {
    let stage = stage().await;
    let bot = &stage.bot;
    let week = days("2026-10-20", "2026-10-24");
    let ask = ["report", "signup", &week, "--source", "product"];
    says(&refused(bot, &["report", "signups", &week, "--source", "product"]).await, &["signup"]);
    says(&refused(bot, &["funnel", "Buyin", "--source", "product"]).await, &["Buying"]);
    says(&refused(bot, &["funnel", "signup", "purchase", "--source", "product"]).await, &["no funnels"]);
    stage.desk.order("/segmentation", Reply::json(200, &json!({ "error": "unknown property" })));
    says(&refused(bot, &ask).await, &["unknown property"]);
    stage.desk.order("/segmentation", Reply::html(502));
    assert!(!refused(bot, &ask).await.contains("<html"));
    says(&bot.said(&["source", "show", "product"]).await, &["questions per hour", "60"]);
    stage.desk.order("/segmentation", Reply::json(429, &json!({ "error": "Query rate limit exceeded" })));
    says(&refused(bot, &ask).await, &["no more questions"]);
    let before = stage.desk.count("/api/query");
    says(&refused(bot, &ask).await, &["not asked before"]);
    assert_eq!(stage.desk.count("/api/query"), before, "another program of the same bot knows");
    let wrong = stage_with(PROJECT, "wr0ng").await;
    let said = refused(&wrong.bot, &ask).await;
    assert!(said.contains("service_secret") && !said.contains("wr0ng"), "{said}");
    says(&refused(&stage_with("78", SECRET).await.bot, &ask).await, &["project 78"]);
}
