//! The Slack world's sockets, tried by a client of the test's own that can be as slow and as wrong as needed.
use super::bot::Bot;
use bellhop_kit::slack::{Settings, SlackWorld, SocketEvent};
use bellhop_kit::wait::until;
use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

const SOON: Duration = Duration::from_secs(10);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn ticket(world: &SlackWorld) -> String {
    let mut app = Bot::of(world);
    app.token = world.app_token();
    let opened = app.call("apps.connections.open", &json!({})).await;
    opened["url"].as_str().unwrap().to_owned()
}

async fn connected(world: &SlackWorld) -> (Socket, Value) {
    let (mut socket, _) = connect_async(ticket(world).await).await.unwrap();
    let hello = next(&mut socket).await;
    (socket, hello)
}

async fn next(socket: &mut Socket) -> Value {
    loop {
        if let Message::Text(text) = tokio::time::timeout(SOON, socket.next()).await.unwrap().unwrap().unwrap() {
            return serde_json::from_str(&text).unwrap();
        }
    }
}

async fn acknowledge(socket: &mut Socket, envelope: &Value, payload: Option<Value>) {
    let mut answer = json!({ "envelope_id": envelope["envelope_id"] });
    if let Some(payload) = payload {
        answer["payload"] = payload;
    }
    socket.send(Message::text(answer.to_string())).await.unwrap();
}

fn quick() -> Settings {
    Settings {
        envelope_retry: Duration::from_millis(100),
        acknowledge_within: Duration::from_millis(500),
        ..Settings::default().unlimited()
    }
}

#[tokio::test]
async fn a_ticket_is_good_once_and_ten_sockets_are_all() {
    let world = SlackWorld::start_with(quick()).await.unwrap();
    let url = ticket(&world).await;
    let (mut first, _) = connect_async(&url).await.unwrap();
    assert_eq!(next(&mut first).await["type"], "hello");
    assert!(connect_async(&url).await.is_err());
    let stranger = Bot::of(&world);
    assert_eq!(stranger.call("apps.connections.open", &json!({})).await["error"], "not_allowed_token_type");
    let mut open = vec![first];
    for n in 2..=10 {
        let (socket, hello) = connected(&world).await;
        assert_eq!(hello["num_connections"], n);
        open.push(socket);
    }
    let (_, answer) = connected(&world).await;
    assert_eq!((&answer["type"], &answer["reason"]), (&json!("disconnect"), &json!("too_many_websockets")));
    assert_eq!(world.sockets().len(), 10);
}

#[tokio::test]
async fn an_event_comes_again_until_it_is_acknowledged_on_its_own_socket() {
    let world = SlackWorld::start_with(quick()).await.unwrap();
    world.deliver_over_sockets();
    let (mut one, _) = connected(&world).await;
    let ann = world.person("ann");
    ann.dm("hello").unwrap();
    let first = next(&mut one).await;
    assert_eq!(
        (&first["type"], &first["accepts_response_payload"], &first["retry_attempt"]),
        (&json!("events_api"), &json!(false), &json!(0))
    );
    assert_eq!(first["payload"]["event"]["text"], "hello");
    let second = next(&mut one).await;
    assert_eq!((&second["retry_attempt"], &second["retry_reason"]), (&json!(1), &json!("timeout")));
    assert_eq!(second["payload"]["event_id"], first["payload"]["event_id"]);
    // Acknowledged elsewhere, it counts for nothing.
    let (mut other, _) = connected(&world).await;
    acknowledge(&mut other, &second, None).await;
    until(SOON, "the stray acknowledgement", || async { world.acknowledgements().iter().any(|ack| !ack.expected).then_some(()) }).await;
    let third = tokio::select! { third = next(&mut one) => (third, true), third = next(&mut other) => (third, false) };
    assert_eq!(third.0["retry_attempt"], 2);
    acknowledge(if third.1 { &mut one } else { &mut other }, &third.0, None).await;
    until(SOON, "the acknowledgement", || async { world.acknowledgements().iter().any(|ack| ack.expected).then_some(()) }).await;
    let attempts = || async { (world.deliveries().len() == 3).then(|| world.deliveries()) };
    let attempts = until(SOON, "the last attempt to be noted", attempts).await;
    assert!(attempts[2].outcome.is_ok() && attempts[0].outcome.is_err());
}

#[tokio::test]
async fn commands_take_an_answer_and_fail_without_one() {
    let world = SlackWorld::start_with(quick()).await.unwrap();
    world.deliver_over_sockets();
    let ann = world.person("ann");
    assert_eq!(ann.slash("/bellhop x", "#ops").await.unwrap_err(), "dispatch_failed");
    let (mut socket, _) = connected(&world).await;
    let (taken, ()) = tokio::join!(ann.slash("/bellhop x", "#ops"), async {
        let envelope = next(&mut socket).await;
        assert_eq!((&envelope["type"], &envelope["accepts_response_payload"]), (&json!("slash_commands"), &json!(true)));
        acknowledge(&mut socket, &envelope, Some(json!({ "text": "done" }))).await;
    });
    assert!(taken.unwrap().elapsed < Duration::from_millis(500));
    assert_eq!(ann.sees("#ops").pop().unwrap().text, "done");
    assert_eq!(ann.slash("/bellhop y", "#ops").await.unwrap_err(), "operation_timeout");
}

#[tokio::test]
async fn sockets_are_pinged_told_to_go_silenced_and_broken() {
    let world = SlackWorld::start_with(Settings { ping_every: Duration::from_millis(500), ..quick() }).await.unwrap();
    world.deliver_over_sockets();
    let (mut one, _) = connected(&world).await;
    let pinged = loop {
        if let Message::Ping(_) = one.next().await.unwrap().unwrap() {
            break true;
        }
    };
    assert!(pinged);
    world.disconnect(1, "refresh_requested");
    let told = next(&mut one).await;
    assert_eq!((&told["type"], &told["reason"]), (&json!("disconnect"), &json!("refresh_requested")));
    // Nothing new goes to the one that was told to go.
    let (mut two, _) = connected(&world).await;
    let ann = world.person("ann");
    let ((), ()) = tokio::join!(async { ann.slash("/bellhop x", "#ops").await.map(drop).unwrap() }, async {
        let envelope = next(&mut two).await;
        acknowledge(&mut two, &envelope, None).await;
    });
    world.close_socket(1);
    while one.next().await.is_some_and(|frame| frame.is_ok()) {}
    let closed = SocketEvent::Closed(1, false);
    until(SOON, "the end of the first", || async { world.socket_events().contains(&closed).then_some(()) }).await;
    assert_eq!(world.socket_events(), [SocketEvent::Opened(1), SocketEvent::Told(1), SocketEvent::Opened(2), closed]);

    world.silence_socket(2);
    assert_eq!(ann.slash("/bellhop y", "#ops").await.unwrap_err(), "operation_timeout");
    assert_eq!(world.sockets(), [2]);
    world.reset_socket(2);
    let broken = async {
        while let Some(frame) = two.next().await {
            if frame.is_err() {
                return true;
            }
        }
        false
    };
    assert!(tokio::time::timeout(SOON, broken).await.unwrap());
}
