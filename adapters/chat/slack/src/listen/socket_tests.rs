//! Sockets against a server that does what a test says.

use super::world::{Do, Seen, TICKET, World};
use super::*;
use crate::listen::testing::{Api, Bench, Log, SOON, Say, bench, command, mention, suggestion};
use bellhop_core::PortErrorKind;
use bellhop_kit::wait::until;
use serde_json::{Value, json};
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

const SOCKET: &str = "bot_token = \"xoxb-1\"\napp_token = \"xapp-1\"";

fn quick() -> Pace {
    Pace {
        sockets: 1,
        connect: Duration::from_secs(3),
        ping: Duration::from_millis(50),
        silence: Duration::from_millis(400),
        write: Duration::from_secs(2),
        drain: Duration::from_secs(5),
        farewell: Duration::from_secs(1),
        at_once: 8,
        pause: Duration::from_millis(20),
        longest_pause: Duration::from_millis(100),
        opens: 100,
        open_every: Duration::from_millis(10),
    }
}

struct Listening {
    bench: Bench,
    api: Api,
    world: World,
    stop: Stop,
    ended: JoinSet<PortResult<()>>,
    _serving: JoinSet<()>,
}

impl Listening {
    async fn start(pace: Pace, world: World) -> Self {
        let (address, serving) = world.start().await;
        let api = Api::start(move |_| Say::json(&json!({ "ok": true, "url": address }))).await;
        let bench = bench(&api.url, SOCKET);
        let (stop, mut ended) = (Stop::new(), JoinSet::new());
        ended.spawn(listen(bench.desk.clone(), pace, stop.clone()));
        Self { bench, api, world, stop, ended, _serving: serving }
    }

    async fn ready() -> Self {
        let listening = Self::start(quick(), World::default()).await;
        listening.world.until("the first hello", |seen| seen.contains(&Seen::SaidHello(0))).await;
        listening
    }

    async fn ended(&mut self) -> PortResult<()> {
        tokio::time::timeout(SOON, self.ended.join_next()).await.unwrap().unwrap().unwrap()
    }

    async fn stopped(mut self) -> PortResult<()> {
        self.stop.cancel();
        self.ended().await
    }
}

fn envelope(id: &str, kind: &str, payload: impl Into<Value>) -> Value {
    let payload: Value = payload.into();
    json!({ "envelope_id": id, "type": kind, "accepts_response_payload": kind != "events_api", "payload": payload })
}

fn disconnect(reason: &str) -> Value {
    json!({ "type": "disconnect", "reason": reason, "debug_info": { "host": "h" } })
}

#[tokio::test]
async fn two_sockets_are_kept_and_what_comes_over_each_is_acknowledged_there() {
    let listening = Listening::start(Pace { sockets: 2, ..quick() }, World::default()).await;
    let world = &listening.world;
    world.until("two hellos", |seen| seen.contains(&Seen::SaidHello(0)) && seen.contains(&Seen::SaidHello(1))).await;
    world.say(0, envelope("e0", "slash_commands", command("1.0.a")));
    world.say(1, envelope("e1", "events_api", mention("1793620800.000100")));
    assert_eq!(world.acknowledged(0, "e0").await, json!({ "envelope_id": "e0" }));
    assert_eq!(world.acknowledged(1, "e1").await, json!({ "envelope_id": "e1" }));
    // The same command again, over the other socket: acknowledged, and kept once.
    world.say(1, envelope("e2", "slash_commands", command("1.0.a")));
    world.acknowledged(1, "e2").await;
    assert_eq!(listening.bench.inbox.kept.take().len(), 2);
    assert_eq!(listening.api.calls("apps.connections.open").len(), 2);
    assert!(listening.api.calls("apps.connections.open").iter().all(|call| call.token == "xapp-1"));
    listening.stopped().await.unwrap();
}

#[tokio::test]
async fn a_new_socket_has_said_hello_before_the_old_one_is_closed() {
    for reason in ["warning", "refresh_requested"] {
        let listening = Listening::ready().await;
        let world = &listening.world;
        world.mute.store(true, Ordering::SeqCst);
        world.say(0, disconnect(reason));
        world.until("the new socket", |seen| seen.contains(&Seen::Opened(1))).await;
        // The new one hasn't said hello: the old one goes on.
        world.say(0, envelope("e1", "slash_commands", command("1.0.b")));
        world.acknowledged(0, "e1").await;
        assert!(!world.seen().iter().any(|seen| matches!(seen, Seen::Closed(..))), "{:?}", world.seen());
        // What the old one has in work when it is replaced is still acknowledged over it.
        listening.bench.inbox.hold(true);
        world.say(0, envelope("e2", "slash_commands", command("1.0.c")));
        until(SOON, "the second command", || async { (listening.bench.inbox.came.load(Ordering::SeqCst) == 2).then_some(()) }).await;
        world.hello(1);
        world.until("the second hello", |seen| seen.contains(&Seen::SaidHello(1))).await;
        world.say(1, envelope("e3", "events_api", json!({ "type": "app_rate_limited", "team_id": "T1" })));
        world.acknowledged(1, "e3").await;
        assert!(!world.has(&Seen::Closed(0, Some(CloseCode::Normal.into()))));
        listening.bench.inbox.hold(false);
        world.acknowledged(0, "e2").await;
        world.until("the old socket's end", |seen| seen.contains(&Seen::Closed(0, Some(CloseCode::Normal.into())))).await;
        let seen = world.seen();
        let at = |wanted: &Seen| seen.iter().position(|seen| seen == wanted).unwrap();
        assert!(at(&Seen::SaidHello(1)) < at(&Seen::Closed(0, Some(1000))), "{seen:?}");
        assert_eq!(world.opened(), 2);
        listening.stopped().await.unwrap();
    }
}

#[tokio::test]
async fn acknowledged_after_the_commit_and_a_slow_one_holds_up_nobody() {
    let listening = Listening::ready().await;
    let (world, inbox) = (&listening.world, &listening.bench.inbox);
    inbox.hold(true);
    world.say(0, envelope("slow", "slash_commands", command("1.0.d")));
    until(SOON, "the command to reach the inbox", || async { (inbox.came.load(Ordering::SeqCst) == 1).then_some(()) }).await;
    world.say(0, envelope("quick", "interactive", suggestion()));
    world.acknowledged(0, "quick").await;
    assert_eq!(world.acknowledgement(0, "slow"), None);
    inbox.hold(false);
    world.acknowledged(0, "slow").await;
    assert_eq!(inbox.kept.take().len(), 1);
    listening.stopped().await.unwrap();
}

#[tokio::test]
async fn what_could_not_be_kept_is_not_acknowledged_and_is_taken_when_it_comes_again() {
    let listening = Listening::ready().await;
    let (world, inbox) = (&listening.world, &listening.bench.inbox);
    inbox.kept.fail(true);
    world.say(0, envelope("lost", "events_api", mention("1793620800.000300")));
    until(SOON, "the event to reach the inbox", || async { (inbox.came.load(Ordering::SeqCst) == 1).then_some(()) }).await;
    world.say(0, envelope("next", "interactive", suggestion()));
    world.acknowledged(0, "next").await;
    assert_eq!(world.acknowledgement(0, "lost"), None);
    inbox.kept.fail(false);
    let mut again = envelope("lost", "events_api", mention("1793620800.000300"));
    again["retry_attempt"] = json!(1);
    world.say(0, again);
    world.acknowledged(0, "lost").await;
    assert_eq!(inbox.kept.take().len(), 1);
    listening.stopped().await.unwrap();
}

#[tokio::test]
async fn an_answer_goes_into_the_acknowledgement_where_it_is_taken() {
    let listening = Listening::ready().await;
    let world = &listening.world;
    world.say(0, envelope("with", "interactive", suggestion()));
    assert!(world.acknowledged(0, "with").await["payload"]["options"].is_array());
    let mut deaf = envelope("without", "interactive", suggestion());
    deaf["accepts_response_payload"] = json!(false);
    world.say(0, deaf);
    assert_eq!(world.acknowledged(0, "without").await, json!({ "envelope_id": "without" }));
    listening.stopped().await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_read_is_acknowledged_or_left_and_the_socket_stays() {
    let listening = Listening::ready().await;
    let world = &listening.world;
    for raw in ["", "no json", "[]", "{\"type\":7}", "{\"type\":\"something_new\"}", "null"] {
        world.tell(0, Do::Raw(Message::text(raw)));
    }
    world.tell(0, Do::Raw(Message::binary(vec![0, 159])));
    world.tell(0, Do::Raw(Message::Ping("p".into())));
    for (id, kind, payload) in [("a", "slash_commands", json!({})), ("b", "from_the_future", json!(1)), ("c", "interactive", Value::Null)] {
        world.say(0, envelope(id, kind, payload));
        world.acknowledged(0, id).await;
    }
    assert_eq!(world.opened(), 1);
    listening.stopped().await.unwrap();
}

#[tokio::test]
async fn socket_mode_switched_off_ends_listening_with_its_name() {
    let mut listening = Listening::ready().await;
    listening.world.say(0, disconnect("link_disabled"));
    let error = listening.ended().await.unwrap_err();
    assert!(error.message.contains("link_disabled") && error.message.contains("Socket Mode"), "{error}");
    assert!(listening.world.has(&Seen::Closed(0, Some(1000))));
}

#[tokio::test]
async fn a_refused_app_token_ends_listening_and_says_where_to_get_one() {
    for code in ["not_authed", "invalid_auth", "account_inactive", "user_removed_from_team", "team_disabled", "not_allowed_token_type"] {
        let api = Api::start(move |_| Say::no(code)).await;
        let bench = bench(&api.url, SOCKET);
        let ended = tokio::time::timeout(SOON, listen(bench.desk.clone(), quick(), Stop::new())).await.unwrap();
        let error = ended.unwrap_err();
        assert_eq!(error.kind, PortErrorKind::Unauthenticated);
        assert!(error.message.contains(code) && error.message.contains("App-Level Tokens") && !error.message.contains("xapp-1"), "{error}");
        assert_eq!(api.calls("apps.connections.open").len(), 1);
    }
}

#[tokio::test]
async fn other_failures_to_open_are_tried_again() {
    let world = World::default();
    let (address, _serving) = world.start().await;
    let tries = std::sync::atomic::AtomicUsize::new(0);
    let api = Api::start(move |_| match tries.fetch_add(1, Ordering::SeqCst) {
        0 => Say::status(500, vec![], "oops"),
        1 => Say::status(200, vec![("content-type", "text/html".into())], "<html>maintenance</html>"),
        2 => Say::no("internal_error"),
        3 => Say::json(&json!({ "ok": true, "url": "https://not-a-socket" })),
        4 => Say::json(&json!({ "ok": true, "url": "ws://127.0.0.1:1/nobody?ticket=x" })),
        5 => Say::json(&json!({ "ok": true })),
        _ => Say::json(&json!({ "ok": true, "url": address })),
    })
    .await;
    let bench = bench(&api.url, SOCKET);
    let (stop, mut ended) = (Stop::new(), JoinSet::new());
    ended.spawn(listen(bench.desk.clone(), quick(), stop.clone()));
    world.until("a socket at last", |seen| seen.contains(&Seen::SaidHello(0))).await;
    assert_eq!(api.calls("apps.connections.open").len(), 7);
    stop.cancel();
    tokio::time::timeout(SOON, ended.join_next()).await.unwrap().unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn nothing_is_asked_before_the_time_that_slack_names_is_over() {
    let world = World::default();
    let (address, _serving) = world.start().await;
    let times: Arc<Mutex<Vec<tokio::time::Instant>>> = Arc::default();
    let log = times.clone();
    let api = Api::start(move |_| {
        let mut times = log.lock().unwrap();
        times.push(tokio::time::Instant::now());
        if times.len() == 1 {
            Say::status(429, vec![], "").with("retry-after", "1")
        } else {
            Say::json(&json!({ "ok": true, "url": address }))
        }
    })
    .await;
    let bench = bench(&api.url, SOCKET);
    let (stop, mut ended) = (Stop::new(), JoinSet::new());
    ended.spawn(listen(bench.desk.clone(), quick(), stop.clone()));
    world.until("a socket at last", |seen| seen.contains(&Seen::SaidHello(0))).await;
    let waited = {
        let times = times.lock().unwrap();
        times[1] - times[0]
    };
    assert!(waited >= Duration::from_secs(1), "{waited:?}");
    stop.cancel();
    tokio::time::timeout(SOON, ended.join_next()).await.unwrap().unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn a_socket_that_never_says_hello_is_given_up() {
    let world = World::default();
    world.mute.store(true, Ordering::SeqCst);
    let listening = Listening::start(Pace { connect: Duration::from_millis(200), ..quick() }, world).await;
    listening
        .world
        .until("another try", |seen| seen.contains(&Seen::Opened(1)) && seen.iter().any(|seen| matches!(seen, Seen::Closed(0, _))))
        .await;
    listening.stopped().await.unwrap();
}

#[tokio::test]
async fn a_half_open_socket_is_noticed_and_replaced() {
    let listening = Listening::ready().await;
    listening.world.tell(0, Do::Freeze);
    listening.world.until("another socket", |seen| seen.contains(&Seen::SaidHello(1))).await;
    listening.world.say(1, envelope("after", "slash_commands", command("1.0.e")));
    listening.world.acknowledged(1, "after").await;
    listening.stopped().await.unwrap();
}

#[tokio::test]
async fn a_quiet_socket_that_answers_pings_stays() {
    let listening = Listening::start(Pace { silence: Duration::from_millis(150), ..quick() }, World::default()).await;
    let world = &listening.world;
    world.until("the first hello", |seen| seen.contains(&Seen::SaidHello(0))).await;
    let began = tokio::time::Instant::now();
    until(SOON, "ten pings to pass", || async { (began.elapsed() > Duration::from_millis(600)).then_some(()) }).await;
    world.say(0, envelope("still", "slash_commands", command("1.0.f")));
    world.acknowledged(0, "still").await;
    assert_eq!(world.opened(), 1);
    listening.stopped().await.unwrap();
}

#[tokio::test]
async fn a_dropped_socket_is_replaced_and_what_was_in_work_is_still_done() {
    let listening = Listening::ready().await;
    let (world, inbox) = (&listening.world, &listening.bench.inbox);
    inbox.hold(true);
    world.say(0, envelope("gone", "slash_commands", command("1.0.g")));
    until(SOON, "the command to reach the inbox", || async { (inbox.came.load(Ordering::SeqCst) == 1).then_some(()) }).await;
    world.tell(0, Do::Drop);
    world.until("another socket", |seen| seen.contains(&Seen::SaidHello(1))).await;
    inbox.hold(false);
    until(SOON, "the command to be kept", || async { (!inbox.kept.take().is_empty()).then_some(()) }).await;
    listening.stopped().await.unwrap();
}

#[tokio::test]
async fn more_than_fit_at_once_wait_their_turn() {
    let listening = Listening::ready().await;
    let (world, inbox) = (&listening.world, &listening.bench.inbox);
    inbox.hold(true);
    for number in 0..20 {
        world.say(0, envelope(&format!("n{number}"), "slash_commands", command(&format!("1.{number}.h"))));
    }
    until(SOON, "as many as fit", || async { (inbox.came.load(Ordering::SeqCst) == quick().at_once).then_some(()) }).await;
    // Longer than the silence that would give a socket up: it is not read just now, and stays.
    let began = tokio::time::Instant::now();
    until(SOON, "the silence", || async { (began.elapsed() > Duration::from_millis(600)).then_some(()) }).await;
    assert_eq!(inbox.came.load(Ordering::SeqCst), quick().at_once);
    inbox.hold(false);
    for number in 0..20 {
        world.acknowledged(0, &format!("n{number}")).await;
    }
    assert_eq!((world.opened(), inbox.kept.take().len()), (1, 20));
    listening.stopped().await.unwrap();
}

#[tokio::test]
async fn at_the_stop_what_is_in_work_is_acknowledged_and_nothing_new_is_taken() {
    let mut listening = Listening::ready().await;
    let (world, inbox) = (listening.world.clone(), listening.bench.inbox.clone());
    inbox.hold(true);
    world.say(0, envelope("last", "slash_commands", command("1.0.i")));
    until(SOON, "the command to reach the inbox", || async { (inbox.came.load(Ordering::SeqCst) == 1).then_some(()) }).await;
    listening.stop.cancel();
    // The stop has been noticed when a delivery is no longer taken.
    tokio::task::yield_now().await;
    world.say(0, envelope("late", "slash_commands", command("1.0.j")));
    inbox.hold(false);
    listening.ended().await.unwrap();
    world.until("the end of the socket", |seen| seen.contains(&Seen::Closed(0, Some(1000)))).await;
    assert!(world.acknowledgement(0, "last").is_some());
    assert!(world.acknowledgement(0, "late").is_none());
    assert_eq!(inbox.kept.take().len(), 1);
}

#[tokio::test]
async fn stopping_while_no_socket_can_be_opened_takes_no_time() {
    let api = Api::start(|_| Say::status(503, vec![], "").with("retry-after", "600")).await;
    let bench = bench(&api.url, SOCKET);
    let (stop, mut ended) = (Stop::new(), JoinSet::new());
    ended.spawn(listen(bench.desk.clone(), quick(), stop.clone()));
    until(SOON, "the first try", || async { (!api.calls("apps.connections.open").is_empty()).then_some(()) }).await;
    stop.cancel();
    tokio::time::timeout(SOON, ended.join_next()).await.unwrap().unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn no_log_has_a_ticket_a_token_or_what_was_said() {
    let log = Log::default();
    let _guard = log.start();
    let world = World::default();
    let (address, _serving) = world.start().await;
    let tries = std::sync::atomic::AtomicUsize::new(0);
    let api = Api::start(move |_| match tries.fetch_add(1, Ordering::SeqCst) {
        0 => Say::json(&json!({ "ok": true, "url": format!("ws://127.0.0.1:1/link/?ticket={TICKET}") })),
        1 => Say::json(&json!({ "ok": true, "url": format!("ws://no host/{TICKET}") })),
        _ => Say::json(&json!({ "ok": true, "url": address })),
    })
    .await;
    let bench = bench(&api.url, SOCKET);
    let (stop, mut ended) = (Stop::new(), JoinSet::new());
    ended.spawn(listen(bench.desk.clone(), quick(), stop.clone()));
    world.until("the first hello", |seen| seen.contains(&Seen::SaidHello(0))).await;
    let mut confidential = command("1.0.k");
    confidential["text"] = json!("c0nfidential");
    world.tell(0, Do::Raw(Message::text("{\"type\": c0nfidential")));
    world.say(0, envelope("good", "slash_commands", confidential.clone()));
    world.acknowledged(0, "good").await;
    confidential["trigger_id"] = json!(null);
    world.say(0, envelope("unreadable", "slash_commands", confidential));
    world.acknowledged(0, "unreadable").await;
    bench.inbox.kept.fail(true);
    world.say(0, envelope("lost", "slash_commands", command("1.0.l")));
    until(SOON, "the failure", || async { log.text().contains("is not acknowledged").then_some(()) }).await;
    world.tell(0, Do::Drop);
    world.until("another socket", |seen| seen.contains(&Seen::SaidHello(1))).await;
    stop.cancel();
    tokio::time::timeout(SOON, ended.join_next()).await.unwrap().unwrap().unwrap().unwrap();
    let text = log.text();
    for said in ["could not be opened", "is connected", "could not be read", "can't be read", "is lost"] {
        assert!(text.contains(said), "{said} was not logged: {text}");
    }
    for secret in [TICKET, "xapp-1", "xoxb-1", "c0nfidential", "hooks.slack.com"] {
        assert!(!text.contains(secret), "{secret} was logged");
    }
}
