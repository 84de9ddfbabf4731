//! The gateway's codes, by a connection without any library.

use bellhop_kit::discord::{DiscordWorld, GatewaySettings, Settings};
use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    async fn open(url: &str, query: &str) -> Self {
        bellhop_kit::install_tls();
        Self(connect_async(format!("{url}/?{query}")).await.unwrap().0)
    }

    async fn send(&mut self, op: u64, d: Value) {
        self.0.send(Frame::text(json!({ "op": op, "d": d }).to_string())).await.unwrap();
    }

    /// The next frame, or the code with which it ended.
    async fn next(&mut self) -> Result<Value, u16> {
        loop {
            match self.0.next().await {
                Some(Ok(Frame::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
                Some(Ok(Frame::Close(frame))) => return Err(frame.map_or(1005, |frame| frame.code.into())),
                None | Some(Err(_)) => return Err(0),
                Some(Ok(_)) => {}
            }
        }
    }

    async fn until(&mut self, name: &str) -> Value {
        loop {
            let frame = self.next().await.unwrap();
            if frame["t"] == name {
                return frame;
            }
        }
    }
}

const QUERY: &str = "v=10&encoding=json";

fn identify(token: &str, intents: u64, more: &Value) -> Value {
    let mut d = json!({ "token": token, "intents": intents, "properties": { "os": "linux", "browser": "t", "device": "t" } });
    d.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    d
}

#[tokio::test]
async fn each_mistake_has_its_code() {
    let settings =
        Settings { gateway: GatewaySettings { guilds_per_shard: 0, ..GatewaySettings::default() }, ..Settings::default().unlimited() };
    let world = DiscordWorld::start_with(settings).await.unwrap();
    let token = world.bot_token();
    let before = json!({ "token": token, "session_id": "none", "seq": 1 });
    for (op, d, code) in [
        (2, identify("no", 1, &json!({})), 4004),
        (2, identify(&token, 1, &json!({})), 4011),
        (2, identify(&token, 1, &json!({ "shard": [1, 1] })), 4010),
        (3, json!({}), 4003),
        (6, json!({ "token": "no", "session_id": "x", "seq": 1 }), 4004),
        (2, json!({ "token": "x".repeat(5000) }), 4002),
    ] {
        let mut socket = Socket::open(world.gateway_url(), QUERY).await;
        assert_eq!(socket.next().await.unwrap()["op"], 10);
        socket.send(op, d.clone()).await;
        assert_eq!(socket.next().await, Err(code), "{op} {d}");
    }
    world.tune(|settings| settings.gateway.guilds_per_shard = 2500);
    for (d, code) in [(identify(&token, 1 << 30, &json!({})), 4013), (identify(&token, 2, &json!({})), 4014)] {
        let mut socket = Socket::open(world.gateway_url(), QUERY).await;
        socket.next().await.unwrap();
        socket.send(2, d).await;
        assert_eq!(socket.next().await, Err(code));
    }
    assert_eq!(Socket::open(world.gateway_url(), "v=8&encoding=json").await.next().await, Err(4012));
    let mut socket = Socket::open(world.gateway_url(), QUERY).await;
    socket.next().await.unwrap();
    socket.send(6, before).await;
    assert_eq!(socket.next().await.unwrap()["op"], 9);
    socket.send(2, identify(&token, 1, &json!({}))).await;
    socket.until("GUILD_CREATE").await;
    socket.send(2, identify(&token, 1, &json!({}))).await;
    assert_eq!(socket.next().await, Err(4005));
}

#[tokio::test]
async fn what_was_missed_is_sent_again_and_goodbye_is_for_good() {
    let world = DiscordWorld::start_with(Settings::default().unlimited()).await.unwrap();
    let (token, ann) = (world.bot_token(), world.person("ann"));
    let mut socket = Socket::open(world.gateway_url(), QUERY).await;
    socket.next().await.unwrap();
    socket.send(1, Value::Null).await;
    assert_eq!(socket.next().await.unwrap()["op"], 11);
    socket.send(2, identify(&token, 1 | 1 << 9 | 1 << 15, &json!({}))).await;
    let ready = socket.until("READY").await;
    let (session, again) = (ready["d"]["session_id"].clone(), ready["d"]["resume_gateway_url"].as_str().unwrap().to_owned());
    assert_ne!(again, world.gateway_url());
    ann.say("#ops", "one").unwrap();
    let seq = socket.until("MESSAGE_CREATE").await["s"].clone();
    world.reset(session.as_str().unwrap());
    assert_eq!(socket.next().await, Err(0));
    ann.say("#ops", "two").unwrap();
    ann.say("#hidden", "not for it").unwrap();
    let resume = json!({ "token": token, "session_id": session, "seq": seq });
    let mut socket = Socket::open(&again, QUERY).await;
    socket.next().await.unwrap();
    socket.send(6, resume.clone()).await;
    assert_eq!(socket.until("MESSAGE_CREATE").await["d"]["content"], "two");
    let resumed = socket.until("RESUMED").await;
    let mut far = resume.clone();
    far["seq"] = json!(resumed["s"].as_u64().unwrap() + 100);
    socket.0.close(None).await.unwrap();
    while socket.next().await.is_ok() {}
    let mut socket = Socket::open(&again, QUERY).await;
    socket.next().await.unwrap();
    socket.send(6, far).await;
    assert_eq!(socket.next().await, Err(4007));
    let mut socket = Socket::open(&again, QUERY).await;
    socket.next().await.unwrap();
    socket.send(6, resume).await;
    let over = socket.next().await.unwrap();
    assert_eq!((&over["op"], &over["d"]), (&json!(9), &json!(false)));
    assert_eq!((world.ledger().identifies.len(), world.ledger().resumes), (1, 1));
}

#[tokio::test]
async fn identifies_are_counted_and_too_many_reset_the_token() {
    let mut settings = Settings::default().unlimited();
    settings.gateway.identifies_a_day = 2;
    let world = DiscordWorld::start_with(settings).await.unwrap();
    let token = world.bot_token();
    for expected in [Ok(()), Ok(()), Err(4004)] {
        let mut socket = Socket::open(world.gateway_url(), QUERY).await;
        socket.next().await.unwrap();
        socket.send(2, identify(&token, 0, &json!({}))).await;
        assert_eq!(socket.next().await.map(|frame| assert_eq!(frame["t"], "READY")), expected);
    }
    assert_ne!(world.bot_token(), token);
    assert!(world.ledger().gateway.iter().any(|what| what.contains("the token is reset")));
}
