//! Events that are sent on: each service in its own lane, nothing lost, what is refused kept with the reason.

use crate::bot::{Bot, SOON};
use crate::source_double::{SourceDouble, error, event};
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use bellhop::clock::{RandomIds, SystemClock};
use bellhop::sources::{FeedPace, Feeder};
use bellhop::tasks::Tasks;
use bellhop_core::clock::Clock as _;
use bellhop_core::error::PortErrorKind;
use bellhop_core::ports::{AnalyticsSource, Said};
use bellhop_kit::peers::postgres::Postgres;
use bellhop_kit::wait::until;
use bellhop_store::{Events, Store};
use serde_json::{Value, json};
use std::io::Read as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const PACE: FeedPace = FeedPace {
    poll: Duration::from_millis(100),
    lease: Duration::from_secs(2),
    deadline: Duration::from_secs(20),
    first: Duration::from_millis(50),
    batch: 100,
    room: 1000,
    trim: Duration::from_millis(200),
};

struct Lanes {
    store: Store,
    events: Events,
    url: String,
    tasks: Tasks,
    _folder: tempfile::TempDir,
}

async fn open(url: &str) -> Store {
    Store::open(url, Arc::new(SystemClock), Arc::new(RandomIds)).await.unwrap()
}

impl Lanes {
    async fn at(url: Option<String>, sinks: &[&Arc<SourceDouble>]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = url.unwrap_or_else(|| format!("sqlite:{}/b.db", folder.path().display()));
        let store = open(&url).await;
        let events = Events::new(store.clone()).feeding(sinks.iter().map(|sink| sink.name().clone()));
        Self { store, events, url, tasks: Tasks::default(), _folder: folder }
    }

    async fn new(sinks: &[&Arc<SourceDouble>]) -> Self {
        Self::at(None, sinks).await
    }

    fn feeder(&self, owner: &str, sinks: &[&Arc<SourceDouble>]) -> Feeder {
        let all = sinks.iter().map(|sink| Arc::clone(sink) as Arc<dyn AnalyticsSource>).collect();
        Feeder::new(self.store.clone(), Arc::new(SystemClock), owner.into(), all, PACE)
    }

    async fn start(&self, owner: &str, sinks: &[&Arc<SourceDouble>]) {
        self.feeder(owner, sinks).start(&self.tasks).await;
    }

    async fn track(&self, names: impl IntoIterator<Item = (String, &str)>) {
        let now = SystemClock.now();
        let events = names.into_iter().map(|(id, name)| event(&id, name, if id.len() % 2 == 0 { "ann" } else { "bob" }, now)).collect();
        let taken = self.events.track(events).await.unwrap();
        assert!(taken.refused.is_empty(), "{taken:?}");
    }

    async fn empty(&self, sink: &str) {
        let empty = async || {
            let lanes = self.store.feed_lanes().await.unwrap();
            lanes.iter().any(|lane| lane.sink.as_str() == sink && lane.waiting == 0).then_some(())
        };
        until(SOON, "everything to be sent", empty).await;
    }
}

fn numbered(from: usize, to: usize) -> Vec<(String, &'static str)> {
    (from..to).map(|number| (format!("e{number:05}"), "signup")).collect()
}

fn ids(from: usize, to: usize) -> Vec<String> {
    numbered(from, to).into_iter().map(|(id, _)| id).collect()
}

async fn one_is_down(url: Option<String>) {
    let (good, down) = (SourceDouble::new("good"), SourceDouble::new("down"));
    let lanes = Lanes::at(url, &[&good, &down]).await;
    for _ in 0..3 {
        down.fail(error(PortErrorKind::Unavailable, "it can't be reached"));
    }
    down.fail(error(PortErrorKind::RateLimited, "enough").after(Duration::from_millis(300)));
    lanes.start("a", &[&good, &down]).await;
    lanes.track(numbered(0, 250)).await;
    lanes.track(numbered(200, 260)).await;
    lanes.empty("good").await;
    lanes.empty("down").await;
    // In order, each once, those that came twice too.
    assert_eq!((good.ids(), down.ids()), (ids(0, 260), ids(0, 260)));
    assert_eq!(good.batches.lock().unwrap().iter().map(Vec::len).sum::<usize>(), 260);
    lanes.tasks.finish(SOON).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_down_holds_up_nobody_on_sqlite() {
    one_is_down(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_down_holds_up_nobody_on_postgres() {
    let server = tokio::task::spawn_blocking(Postgres::shared).await.unwrap();
    one_is_down(Some(server.fresh_database())).await;
}

async fn killed(url: Option<String>) {
    let sink = SourceDouble::new("web");
    let lanes = Lanes::at(url, &[&sink]).await;
    // It is about to send when the process ends without a word.
    sink.shut();
    lanes.track(numbered(0, 150)).await;
    let dead = Tasks::default();
    lanes.feeder("dead", &[&sink]).start(&dead).await;
    let claimed = async || lanes.store.feed_due(sink.name(), "other").await.unwrap().filter(|due| *due > SystemClock.now());
    until(SOON, "a claim", claimed).await;
    dead.finish(Duration::ZERO).await;
    sink.open();
    let again = Lanes { store: open(&lanes.url).await, ..lanes };
    again.start("new", &[&sink]).await;
    again.empty("web").await;
    assert_eq!(sink.ids(), ids(0, 150));
    again.tasks.finish(SOON).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_dead_process_was_sending_is_sent_by_the_next_on_sqlite() {
    killed(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_dead_process_was_sending_is_sent_by_the_next_on_postgres() {
    let server = tokio::task::spawn_blocking(Postgres::shared).await.unwrap();
    killed(Some(server.fresh_database())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_is_kept_with_the_reason_and_can_be_sent_again() {
    let sink = SourceDouble::new("web");
    *sink.poison.lock().unwrap() = Some("poison".into());
    let lanes = Lanes::new(&[&sink]).await;
    lanes.start("a", &[&sink]).await;
    let mut batch = numbered(0, 40);
    batch[7].1 = "bad";
    batch[23].1 = "poison";
    lanes.track(batch).await;
    lanes.empty("web").await;
    // One wrong event spoils none of the others, even where the service doesn't say which it is.
    assert_eq!(sink.ids().len(), 38);
    let refused = lanes.store.refused_events(None, 10).await.unwrap();
    let found: Vec<_> = refused.iter().map(|one| (one.event.insert_id.as_str(), one.reason.as_str())).collect();
    assert_eq!(found, [("e00023", "one of them makes no sense"), ("e00007", "its name is reserved")]);
    *sink.poison.lock().unwrap() = None;
    assert_eq!(lanes.store.resend_refused(sink.name()).await.unwrap(), 2);
    lanes.empty("web").await;
    assert_eq!((sink.ids().len(), lanes.store.refused_events(None, 10).await.unwrap().len()), (39, 1));
    // A wrong key is mended by people: everything waits for that.
    sink.fail(error(PortErrorKind::Unauthenticated, "the key is wrong"));
    lanes.track(numbered(100, 101)).await;
    let waits = async || {
        let lanes = lanes.store.feed_lanes().await.unwrap();
        lanes.into_iter().find(|lane| lane.error.is_some())
    };
    let lane = until(SOON, "the lane to rest", waits).await;
    assert_eq!((lane.waiting, lane.refused, lane.error.as_deref()), (1, 1, Some("the key is wrong")));
    lanes.tasks.finish(SOON).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_an_event_may_count_twice_it_is_not_sent_twice_unasked() {
    let sink = SourceDouble::counting_twice("web");
    let lanes = Lanes::new(&[&sink]).await;
    sink.fail(error(PortErrorKind::TimedOut, "no answer came").maybe_done());
    lanes.track(numbered(0, 60)).await;
    lanes.start("a", &[&sink]).await;
    lanes.empty("web").await;
    // One request of one person was in doubt; it is listed, and the others went.
    let refused = lanes.store.refused_events(Some(sink.name()), 100).await.unwrap();
    assert_eq!((refused.len(), sink.ids().len()), (20, 40));
    assert!(refused.iter().all(|one| one.reason.contains("nobody knows whether it arrived")));
    lanes.tasks.finish(SOON).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_is_room_for_so_many_and_the_oldest_go_and_that_is_said() {
    let sink = SourceDouble::new("web");
    let lanes = Lanes::new(&[&sink]).await;
    sink.fail(error(PortErrorKind::RateLimited, "come back tomorrow").after(Duration::from_secs(86_400)));
    lanes.start("a", &[&sink]).await;
    for part in 0..6 {
        lanes.track(numbered(part * 200, (part + 1) * 200)).await;
    }
    let dropped = async || lanes.store.feed_lanes().await.unwrap().pop().filter(|lane| lane.dropped > 0 && lane.waiting <= 1000);
    let lane = until(SOON, "the oldest to go", dropped).await;
    assert_eq!((lane.waiting, lane.dropped, lane.dropped_at.is_some()), (1000, 200, true));
    lanes.tasks.finish(SOON).await;
}

/// A service that takes events as Mixpanel's `/import` does, and can be told to want none.
#[derive(Clone, Default)]
struct Service {
    events: Arc<Mutex<Vec<Value>>>,
    down: Arc<Mutex<bool>>,
    serving: Arc<Mutex<Option<Tasks>>>,
}

impl Service {
    async fn start(&self) -> String {
        let state = self.clone();
        let take = move |headers: HeaderMap, body: Bytes| {
            let state = state.clone();
            async move {
                if *state.down.lock().unwrap() {
                    return (StatusCode::BAD_GATEWAY, "<html>down</html>".to_owned());
                }
                assert_eq!(headers["content-encoding"], "gzip");
                let mut text = String::new();
                flate2::read::GzDecoder::new(&body[..]).read_to_string(&mut text).unwrap();
                let events: Vec<Value> = serde_json::from_str(&text).unwrap();
                let many = events.len();
                state.events.lock().unwrap().extend(events);
                (StatusCode::OK, json!({ "code": 200, "num_records_imported": many, "status": "OK" }).to_string())
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = Router::new().route("/import", post(take));
        let serving = Tasks::default();
        // It ends with the test's runtime.
        serving.start("service", async move { axum::serve(listener, app).await.unwrap() });
        *self.serving.lock().unwrap() = Some(serving);
        format!("http://{address}")
    }

    fn names(&self) -> Vec<String> {
        self.events.lock().unwrap().iter().map(|event| event["event"].as_str().unwrap().to_owned()).collect()
    }
}

fn configured(url: &str, more: &str) -> String {
    format!(
        "[analytics.product]\nkind = \"mixpanel\"\nproject_id = 1\nproject_token = \"t0ken\"\ningest_url = \"{url}\"\nquery_url = \"{url}\"\nexport_url = \"{url}\"\nreceives = true\n{more}"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_tracked_reaches_the_configured_services_also_after_a_restart() {
    let (folder, service) = (tempfile::tempdir().unwrap(), Service::default());
    let url = service.start().await;
    *service.down.lock().unwrap() = true;
    let admin = "[[role]]\nname = \"admin\"\nusers = [\"work:U1\"]\n";
    let chat = crate::double::Double::new("work", bellhop_core::Capabilities::default());
    let bot = Bot::start(folder.path(), &configured(&url, admin), &[&chat]).await;
    bot.hear("general", Said::Line("track signup ann plan=pro".into())).await;
    bot.hear("general", Said::Line("outbox events".into())).await;
    let waiting = async || bot.store.feed_lanes().await.unwrap().into_iter().find(|lane| lane.error.is_some());
    let lane = until(SOON, "the lane to rest", waiting).await;
    assert_eq!((lane.sink.as_str(), lane.waiting), ("product", 1));
    bot.hear("general", Said::Line("usage".into())).await;
    let said = async || chat.posts().iter().any(|post| format!("{:?}", post.card).contains("product")).then_some(());
    until(SOON, "how far the service is", said).await;
    bot.stop().await;
    *service.down.lock().unwrap() = false;
    let chat = crate::double::Double::new("work", bellhop_core::Capabilities::default());
    let bot = Bot::start(folder.path(), &configured(&url, admin), &[&chat]).await;
    until(SOON, "the event", async || (service.names() == ["signup"]).then_some(())).await;
    let sent = service.events.lock().unwrap()[0].clone();
    assert_eq!((sent["properties"]["distinct_id"].as_str(), sent["properties"]["plan"].as_str()), (Some("ann"), Some("pro")));
    // Nothing of the bot's own use is noted unless that is wanted, and samples stay here.
    bot.hear("general", Said::Line("sample --anyway".into())).await;
    let own = Events::new(bot.store.clone());
    let loaded = async || own.metrics().await.unwrap().iter().any(|metric| metric.name == "page_view").then_some(());
    until(SOON, "the samples", loaded).await;
    bot.quiet().await;
    assert_eq!(service.names(), ["signup"]);
    bot.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_bots_own_use_goes_where_other_events_go_without_what_was_said() {
    let (folder, service) = (tempfile::tempdir().unwrap(), Service::default());
    let url = service.start().await;
    let chat = crate::double::Double::new("work", bellhop_core::Capabilities::default());
    let own = "[analytics.events]\nkind = \"events\"\nown_use = true\n";
    let bot = Bot::start(folder.path(), &configured(&url, own), &[&chat]).await;
    bot.hear("general", Said::Line("file info quarterly-secret.pdf".into())).await;
    bot.report(r#"{"name":"DiskFull of secret-host","status":"firing","severity":"critical","labels":{}}"#).await;
    let all = async || {
        let names = service.names();
        ["bellhop_command", "bellhop_alert", "bellhop_delivery"].iter().all(|name| names.iter().any(|sent| sent == name)).then_some(())
    };
    until(SOON, "the bot's own use", all).await;
    let text = Value::from(service.events.lock().unwrap().clone()).to_string();
    assert!(text.contains("file info") && text.contains("critical") && text.contains("firing"), "{text}");
    assert!(!text.contains("secret"), "{text}");
    bot.stop().await;
}

#[tokio::test]
async fn a_service_that_takes_no_events_can_not_be_fed() {
    let folder = tempfile::tempdir().unwrap();
    let key = bellhop_kit::analytics::ga4::PRIVATE_KEY;
    let key = json!({ "type": "service_account", "client_email": "bot@example.iam", "private_key": key });
    let web =
        |receives: &str| format!("[analytics.web]\nkind = \"ga4\"\nproperty_id = 1\ncredentials = '''{key}'''\nreceives = {receives}\n");
    let options = crate::bot::options(&[], &Arc::default());
    for (text, says) in [
        (web("true"), "can't be sent events"),
        (web("\"yes\""), "true or false"),
        ("[analytics.events]\nkind = \"events\"\nown_us = true\n".to_owned(), "own_use"),
    ] {
        let refused = bellhop::app::App::build(crate::bot::config(folder.path(), &text), options.clone(), false).await;
        let said = refused.err().expect(&text).to_string();
        assert!(said.contains(says), "{said}");
    }
    let built = bellhop::app::App::build(crate::bot::config(folder.path(), &web("false")), options, false).await;
    assert!(built.is_ok());
}
