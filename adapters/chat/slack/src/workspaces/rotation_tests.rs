//! Tokens that rotate: renewed in time, once, and never lost.

use super::super::tests::{OAUTH, granted, known, refused, t1, token};
use super::*;
use crate::listen::testing::{Api, Bench, SOON, Say, bench_with};
use bellhop_core::clock::Clock as _;
use bellhop_core::ports::Records;
use bellhop_kit::clock::StoppedClock;
use bellhop_kit::memory::MemoryRecords;
use bellhop_kit::wait::until;
use serde_json::Value;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::watch;

/// Slack's rotation: each refresh token works once.
struct Rotation {
    api: Api,
    records: Arc<MemoryRecords>,
    clock: Arc<StoppedClock>,
    answers: Arc<Mutex<Answers>>,
}

#[derive(Default)]
struct Answers {
    /// How often to fail before it works.
    fail: usize,
    spent: Vec<String>,
}

impl Rotation {
    async fn start() -> Self {
        let answers: Arc<Mutex<Answers>> = Arc::default();
        let (shared, count) = (answers.clone(), AtomicUsize::new(1));
        let api = Api::start(move |called| {
            if called.method != "oauth.v2.access" {
                return known(called);
            }
            assert!(called.token.is_empty());
            let field = |name: &str| called.fields[name].clone();
            assert_eq!((field("client_id"), field("client_secret"), field("grant_type")), ("1.2".into(), "s3cret".into(), "refresh_token".into()));
            let mut answers = shared.lock().unwrap();
            if answers.fail > 0 {
                answers.fail -= 1;
                return Say::status(503, vec![], "");
            }
            let refresh = field("refresh_token");
            if answers.spent.contains(&refresh) {
                return Say::no("invalid_refresh_token");
            }
            answers.spent.push(refresh);
            let number = count.fetch_add(1, Ordering::SeqCst);
            Say::json(&json!({
                "ok": true, "access_token": format!("xoxe.xoxb-{number}"), "refresh_token": format!("xoxe-{number}"), "expires_in": 43200,
                "token_type": "bot", "scope": "chat:write", "bot_user_id": "UBOT", "team": { "id": "T1", "name": "Acme" }, "enterprise": null,
            }))
        })
        .await;
        let rotation = Self { api, records: Arc::default(), clock: Arc::default(), answers };
        rotation.replica().desk.workspaces.connect(granted("xoxe.xoxb-0", Some("xoxe-0"))).await.unwrap();
        rotation
    }

    fn replica(&self) -> Bench {
        bench_with(&self.api.url, OAUTH, self.records.clone(), self.clock.clone())
    }

    fn renewals(&self) -> usize {
        self.api.calls("oauth.v2.access").len()
    }
}

#[tokio::test]
async fn a_token_is_renewed_half_an_hour_before_it_ends() {
    let rotation = Rotation::start().await;
    let replica = rotation.replica();
    rotation.clock.advance(Duration::from_mins(690));
    assert_eq!(token(&replica).await.unwrap(), "xoxe.xoxb-0");
    rotation.clock.advance(Duration::from_secs(1));
    assert_eq!(token(&replica).await.unwrap(), "xoxe.xoxb-1");
    assert_eq!(token(&replica).await.unwrap(), "xoxe.xoxb-1");
    assert_eq!(rotation.renewals(), 1);
    let kept = rotation.records.get("slack/work/workspaces", "T1").await.unwrap().unwrap().to_string();
    assert!(!kept.contains("xoxe-1"), "{kept}");
    assert_eq!(rotation.records.count("slack/work/refreshes"), 0, "no claims stay behind");
    // Another replica, which knew nothing of it, uses what is kept.
    assert_eq!(token(&rotation.replica()).await.unwrap(), "xoxe.xoxb-1");
    rotation.clock.advance(Duration::from_mins(700));
    assert_eq!(token(&replica).await.unwrap(), "xoxe.xoxb-2");
}

#[tokio::test]
async fn many_calls_in_two_replicas_renew_once() {
    let rotation = Rotation::start().await;
    let replicas = [rotation.replica(), rotation.replica()];
    for replica in &replicas {
        token(replica).await.unwrap();
    }
    rotation.clock.advance(Duration::from_secs(43000));
    let calls = replicas.iter().flat_map(|replica| std::iter::repeat_n(replica, 20)).map(token);
    let tokens = tokio::time::timeout(SOON, futures::future::join_all(calls)).await.unwrap();
    assert!(tokens.iter().all(|token| token.as_ref().is_ok_and(|token| token == "xoxe.xoxb-1")), "{tokens:?}");
    assert_eq!(rotation.renewals(), 1);
    assert_eq!(rotation.records.count("slack/work/refreshes"), 0);
}

#[tokio::test]
async fn a_claim_left_by_a_dead_process_is_taken_over_by_one() {
    let rotation = Rotation::start().await;
    rotation.clock.advance(Duration::from_secs(43000));
    let claim = format!("{}.0", fingerprint(&SecretString::from("xoxe-0")));
    rotation.records.put("slack/work/refreshes", &claim, &json!({ "at": rotation.clock.now() })).await.unwrap();
    let replicas = [rotation.replica(), rotation.replica()];
    let both = futures::future::join(token(&replicas[0]), token(&replicas[1]));
    let mut both = std::pin::pin!(both);
    // Both wait for the one who claimed it.
    let waits = tokio::time::timeout(Duration::from_millis(300), &mut both).await;
    assert!(waits.is_err() && rotation.renewals() == 0);
    rotation.clock.advance(Duration::from_secs(30));
    let (one, two) = tokio::time::timeout(SOON, both).await.unwrap();
    assert_eq!((one.unwrap().as_str(), two.unwrap().as_str()), ("xoxe.xoxb-1", "xoxe.xoxb-1"));
    assert_eq!(rotation.renewals(), 1);
    assert_eq!(rotation.records.count("slack/work/refreshes"), 0);
}

#[tokio::test]
async fn while_renewing_fails_the_token_that_still_works_is_used() {
    let rotation = Rotation::start().await;
    let replica = rotation.replica();
    rotation.answers.lock().unwrap().fail = 1;
    rotation.clock.advance(Duration::from_mins(700));
    for _ in 0..5 {
        assert_eq!(token(&replica).await.unwrap(), "xoxe.xoxb-0");
    }
    assert_eq!(rotation.renewals(), 1, "not with each call");
    rotation.clock.advance(Duration::from_secs(61));
    assert_eq!(token(&replica).await.unwrap(), "xoxe.xoxb-1");
    assert_eq!(rotation.records.count("slack/work/refreshes"), 0);
}

#[tokio::test]
async fn a_refresh_token_that_was_spent_elsewhere_says_what_to_do() {
    let rotation = Rotation::start().await;
    rotation.answers.lock().unwrap().spent.push("xoxe-0".into());
    rotation.clock.advance(Duration::from_secs(43300));
    let error = token(&rotation.replica()).await.unwrap_err();
    assert_eq!(error.kind, PortErrorKind::Unauthenticated);
    assert!(error.message.contains("invalid_refresh_token") && error.message.contains("/chat/work/install"), "{error}");
    assert!(!error.message.contains("xoxe-0"));
}

#[tokio::test]
async fn a_token_that_slack_calls_expired_is_renewed_before_its_time() {
    let rotation = Rotation::start().await;
    let replica = rotation.replica();
    assert_eq!(token(&replica).await.unwrap(), "xoxe.xoxb-0");
    replica.desk.workspaces.refused(&t1(), &refused("token_expired"));
    assert_eq!(token(&replica).await.unwrap(), "xoxe.xoxb-1");
    assert_eq!(token(&replica).await.unwrap(), "xoxe.xoxb-1");
    assert_eq!(rotation.renewals(), 1);
}

/// Records whose disk is full for a while.
struct Full {
    kept: MemoryRecords,
    refuses: watch::Sender<bool>,
    refused: AtomicUsize,
}

#[async_trait::async_trait]
impl Records for Full {
    async fn put(&self, collection: &str, key: &str, value: &Value) -> PortResult<()> {
        if *self.refuses.borrow() {
            self.refused.fetch_add(1, Ordering::SeqCst);
            return Err(PortError::new(PortErrorKind::Full, "database", "put", "the test said so"));
        }
        self.kept.put(collection, key, value).await
    }

    async fn put_new(&self, collection: &str, key: &str, value: &Value) -> PortResult<(Value, bool)> {
        self.kept.put_new(collection, key, value).await
    }

    async fn get(&self, collection: &str, key: &str) -> PortResult<Option<Value>> {
        self.kept.get(collection, key).await
    }

    async fn remove(&self, collection: &str, key: &str) -> PortResult<()> {
        self.kept.remove(collection, key).await
    }

    async fn after(&self, collection: &str, after: Option<&str>, limit: usize) -> PortResult<Vec<bellhop_core::ports::Record>> {
        self.kept.after(collection, after, limit).await
    }

    async fn before(&self, collection: &str, before: Option<&str>, limit: usize) -> PortResult<Vec<bellhop_core::ports::Record>> {
        self.kept.before(collection, before, limit).await
    }
}

#[tokio::test]
async fn what_a_renewal_granted_is_kept_even_if_the_database_takes_it_late() {
    let rotation = Rotation::start().await;
    let base = rotation.replica();
    let records = Arc::new(Full { kept: MemoryRecords::default(), refuses: watch::Sender::new(false), refused: AtomicUsize::new(0) });
    let of = |records: Arc<Full>| {
        let desk = &base.desk;
        Workspaces::new(desk.name.clone(), desk.api.wire().clone(), records, desk.ports.seal.clone(), desk.ports.clock.clone())
    };
    let workspaces = of(records.clone());
    workspaces.connect(granted("xoxe.xoxb-0", Some("xoxe-0"))).await.unwrap();
    rotation.clock.advance(Duration::from_secs(43000));
    records.refuses.send_replace(true);
    let id = t1();
    let renewing = workspaces.token(&id);
    let relief = async {
        until(SOON, "a refusal of the database", || async { (records.refused.load(Ordering::SeqCst) > 0).then_some(()) }).await;
        records.refuses.send_replace(false);
    };
    let (token, ()) = tokio::join!(renewing, relief);
    assert_eq!(token.unwrap().expose_secret(), "xoxe.xoxb-1");
    assert_eq!(of(records).token(&id).await.unwrap().expose_secret(), "xoxe.xoxb-1");
    assert_eq!(rotation.renewals(), 1);
}
