//! The analytics worlds, judged by the services' own clients: what they expect of the services they get from the worlds.
#![expect(clippy::unwrap_used, reason = "what a test needs and doesn't get fails it")]

use bellhop_core::Clock as _;
use bellhop_kit::analytics::amplitude::{API_KEY, AmplitudeWorld};
use bellhop_kit::analytics::ga4::{Bucket, Ga4World, PROPERTY};
use bellhop_kit::analytics::mixpanel::{ACCOUNT, MixpanelWorld, PROJECT, SECRET, TOKEN};
use bellhop_kit::analytics::{Desk, Happened, History, MachineClock, at};
use bellhop_kit::peers::analytics::python;
use bellhop_kit::process::run;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const LIMIT: Duration = Duration::from_mins(2);

async fn steps(script: &str, order: Value) -> Vec<String> {
    let ran = run(&mut python(script).unwrap(), order.to_string().as_bytes(), LIMIT).await.unwrap();
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    ran.out.lines().filter_map(|line| line.strip_prefix("done ")).map(str::to_owned).collect()
}

#[tokio::test]
async fn googles_client_finds_its_reports_here() {
    let world = Arc::new(Ga4World::new(Arc::new(MachineClock), History::usual(0)));
    // Long after the history, so that nothing else is of these minutes.
    world.history().add(Happened::new(MachineClock.now() - chrono::TimeDelta::minutes(5), "just_now", "eve"));
    let desk = Desk::open(world.clone()).await.unwrap();
    world.at(desk.url());
    let quota = async {
        bellhop_kit::wait::until(LIMIT, "the refusals", async || (desk.count("properties/1:") > 0).then_some(())).await;
        world.leave(Bucket::Core, 5);
    };
    let order = json!({ "key": world.key_file(), "host": desk.url().trim_start_matches("http://"), "property": PROPERTY });
    let (all, ()) = tokio::join!(steps("analytics_ga4.py", order), quota);
    assert_eq!(all, ["report", "batch", "ranges", "cohorts", "realtime", "metadata", "funnel", "refusals", "quota"]);
    assert_eq!(desk.count("/token"), 1, "the client keeps its token");
}

#[tokio::test]
async fn mixpanels_client_finds_its_project_here() {
    let world = Arc::new(MixpanelWorld::new(Arc::new(MachineClock), History::usual(0)));
    let desk = Desk::open(world.clone()).await.unwrap();
    let old = at("2026-10-25T12:00:00Z").timestamp();
    let order = json!({ "url": desk.url(), "token": TOKEN, "account": ACCOUNT, "secret": SECRET, "project": PROJECT, "old": old });
    let all = steps("analytics_mixpanel.py", order).await;
    assert_eq!(all, ["track", "import", "people", "groups", "buffered", "refusal", "denied"]);
    let events = world.history().all();
    let deploys: Vec<_> =
        events.iter().filter(|one| one.name == "deploy").map(|one| (one.person.as_str(), one.property("env").unwrap())).collect();
    assert_eq!(deploys, [("bob", "test".to_owned()), ("ann", "prod".to_owned())]);
    assert_eq!(events.iter().filter(|one| one.name == "bulk").count(), 60);
    assert_eq!(world.profile("ann"), Some(json!({ "plan": "team", "first": "x", "visits": 2.0, "tags": ["a", "b"] })));
    assert_eq!((world.profile("dan"), world.group("company", "acme")), (None, Some(json!({ "seats": 5, "tags": ["x"] }))));
}

#[tokio::test]
async fn amplitudes_client_finds_its_project_here() {
    let world = Arc::new(AmplitudeWorld::new(Arc::new(MachineClock), History::usual(0)));
    let desk = Desk::open(world.clone()).await.unwrap();
    world.at(desk.url());
    let all = steps("analytics_amplitude.py", json!({ "url": desk.url(), "key": API_KEY })).await;
    assert_eq!(all, ["events", "identify", "revenue", "batch", "refusal", "denied"]);
    let events = world.history().all();
    let of = |name: &str| events.iter().filter(|one| one.name == name).count();
    assert_eq!((of("deploy"), of("bulk")), (2, 40), "what was sent twice is there once");
    assert_eq!(world.properties("annabel"), Some(json!({ "plan": "team", "visits": 2.0, "first": "x" })));
}
