//! Google Analytics 4, from the chat.

use super::{asked, bot, day, days, history, refused, says};
use bellhop_e2e::Bot;
use bellhop_kit::analytics::ga4::{API_SECRET, Bucket, Ga4World, MEASUREMENT, PROPERTY, refused as google_refuses};
use bellhop_kit::analytics::{Desk, MachineClock, Reply};
use std::sync::Arc;

struct Stage {
    bot: Bot,
    desk: Desk,
    world: Arc<Ga4World>,
}

async fn stage_of(property: &str) -> Stage {
    let world = Arc::new(Ga4World::new(Arc::new(MachineClock), history()));
    let desk = Desk::open(world.clone()).await.unwrap();
    let url = desk.url();
    world.at(url);
    let bot = bot(&format!(
        "[analytics.web]\nkind = \"ga4\"\nproperty_id = {property}\ncredentials = \"file:ga4-key.json\"\nmeasurement_id = \"{MEASUREMENT}\"\n\
         api_secret = \"{API_SECRET}\"\ndata_url = \"{url}\"\nadmin_url = \"{url}\"\ncollect_url = \"{url}\"\n"
    ));
    std::fs::write(bot.path("ga4-key.json"), world.key_file()).unwrap();
    Stage { bot, desk, world }
}

async fn stage() -> Stage {
    stage_of(PROPERTY).await
}

#[tokio::test]
async fn what_people_do_on_the_site() {
    let stage = stage().await;
    let bot = &stage.bot;
    let week = days("2026-10-20", "2026-10-24");
    let report = |metric: &'static str, more: &'static [&'static str]| {
        let week = week.clone();
        async move { asked(bot, &[&["report", metric, &week, "--source", "web"], more].concat()).await }
    };
    // Ann's late page of the 20th is of that day in New York.
    let views = report("page_views", &["--by", "day"]).await;
    says(&views, &["4", &day("2026-10-20")[5..], "2", &day("2026-10-21")[5..], "1"]);
    says(&report("sessions", &[]).await, &["5"]);
    says(&report("users", &[]).await, &["2"]);
    says(&report("key_events", &[]).await, &["4"]);
    says(&report("sessionKeyEventRate", &["--by", "country"]).await, &["Germany"]);
    says(&report("signup", &["--by", "plan"]).await, &["free", "1", "pro", "1"]);
    says(&report("page_view", &["--where", "page=/home"]).await, &["2"]);
    says(&report("purchase", &["--sum", "price"]).await, &["50"]);
    says(&report("purchase", &["--average", "price"]).await, &["25"]);
    says(&report("page_views", &["--unique", "--compare", "previous"]).await, &["2", "0"]);
    let segment = asked(bot, &["segment", "page_views", &week, "--by", "country", "--source", "web"]).await;
    says(&segment, &["Germany", "3", "United States", "1"]);
    says(&bot.said(&["report", "signup", "--now", "--source", "web"]).await, &["1 signup"]);
}

#[tokio::test]
async fn funnels_people_who_return_and_what_they_pay() {
    let stage = stage().await;
    let bot = &stage.bot;
    let period = days("2026-10-20", "2026-10-31");
    let funnel = ["funnel", "first_visit", "signup", "purchase", "--period", &period, "--within", "7d", "--source", "web"];
    says(&asked(bot, &funnel).await, &["2 of 3 people", "first_visit", "3", "signup", "3", "purchase", "2"]);
    let by = asked(bot, &[&funnel[..], &["--by", "country"]].concat()).await;
    says(&by, &["United States", "purchase", "1", "Germany", "purchase", "1"]);
    let first = days("2026-10-20", "2026-10-21");
    let retention = asked(bot, &["retention", "first_visit", "any", &first, "--by", "day", "--periods", "3", "--source", "web"]).await;
    says(&retention, &[&day("2026-10-20")[5..], "1", "100 %", "0 %", "100 %"]);
    let revenue = asked(bot, &["revenue", &days("2026-10-20", "2026-10-24"), "--source", "web"]).await;
    says(&revenue, &["50", "EUR"]);
    let where_ = asked(bot, &["revenue", &days("2026-10-20", "2026-10-31"), "--by", "country", "--source", "web"]).await;
    says(&where_, &["Germany", "50", "United States", "12.50"]);
}

#[tokio::test]
async fn events_go_in_and_settings_are_read() {
    let stage = stage().await;
    let bot = &stage.bot;
    asked(bot, &["report", "users", "7d", "--source", "web"]).await;
    let shown = bot.said(&["source", "show", "web"]).await;
    says(
        &shown,
        &["America/New_York", "key events: signup, purchase", "data streams: Web", "custom dimensions: plan, price", "Shop (123456789)"],
    );
    says(&shown, &["tokens per hour", "40"]);
    let checked = bot.bellhop(&["check", "--live"]).await;
    assert_eq!(checked.code, 0, "{}{}", checked.out, checked.err);
    says(&checked.out, &["The source `web` can be used", "DebugView"]);
    assert_eq!((stage.desk.count("/debug/mp/collect"), stage.desk.count("/mp/collect")), (2, 2), "nothing is recorded by looking");
    says(&bot.said(&["track", "deploy", "ann", "env=prod", "--source", "web"]).await, &["Tracked deploy"]);
    let today = asked(bot, &["report", "deploy", "today", "--by", "env", "--source", "web"]).await;
    says(&today, &["prod", "1"]);
    says(&refused(bot, &["track", "first_visit", "ann", "--source", "web"]).await, &["Google's own"]);
    assert_eq!(stage.desk.count("/mp/collect"), 3, "what Google would drop is not sent");
}

#[tokio::test]
async fn what_can_not_be_answered_says_why() {
    let stage = stage().await;
    let bot = &stage.bot;
    let week = days("2026-10-20", "2026-10-24");
    let ask = |words: &'static [&'static str]| {
        let week = week.clone();
        async move { refused(bot, &[words, &[week.as_str(), "--source", "web"]].concat()).await }
    };
    says(&ask(&["report", "signups"]).await, &["signup"]);
    says(&ask(&["report", "sessions", "--by", "itemName"]).await, &["remove sessions"]);
    says(&ask(&["report", "signup", "--by", "plann"]).await, &["plan"]);
    says(&refused(bot, &["funnel", "signup", "purchas", "--source", "web"]).await, &["purchase"]);
    stage.desk.order("runReport", Reply::html(502));
    stage.desk.order("batchRunReports", Reply::html(200));
    says(&ask(&["report", "users"]).await, &["web"]);
    let denied = google_refuses(403, "PERMISSION_DENIED", "User does not have sufficient permissions for this property.");
    stage.desk.order("/metadata", denied);
    says(&ask(&["report", "users"]).await, &["Viewer"]);
    stage.world.leave(Bucket::Core, 5);
    says(&ask(&["report", "users"]).await, &["allowance", "60 minutes"]);
    // Another program of the same bot knows, and asks nothing.
    let asked = stage.desk.count("Report");
    says(&ask(&["report", "sessions"]).await, &["allowance"]);
    assert_eq!(stage.desk.count("Report"), asked);
    let stranger = stage_of("987654321").await;
    says(&refused(&stranger.bot, &["source", "show", "web"]).await, &["Viewer", "Shop (123456789)"]);
}
