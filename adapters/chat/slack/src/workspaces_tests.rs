//! Tokens: looked up once, refused once, renewed once.

use super::*;
use crate::listen::testing::{Api, Bench, Called, SOON, Say, bench, bench_with};
use bellhop_core::Retry;
use bellhop_kit::clock::StoppedClock;
use bellhop_kit::memory::MemoryRecords;
use bellhop_kit::wait::until;
use serde_json::Value;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::watch;

const ONE: &str = "bot_token = \"xoxb-1\"\nsigning_secret = \"s\"";
const OAUTH: &str = "client_id = \"1.2\"\nclient_secret = \"s3cret\"\nsigning_secret = \"s\"\nworkspaces = [\"*\"]";

fn known(called: &Called) -> Say {
    assert_eq!(called.method, "auth.test");
    let answer = json!({ "ok": true, "url": "https://acme.slack.com/", "team": "Acme", "user": "bellhop", "team_id": "T1", "user_id": "UBOT", "bot_id": "B1" });
    Say::json(&answer).with("x-oauth-scopes", "chat:write, commands")
}

fn refused(code: &str) -> Failure {
    Failure { code: Some(code.into()), error: PortError::new(PortErrorKind::Unauthenticated, "chat.work", "deliver", code) }
}

fn t1() -> WorkspaceId {
    WorkspaceId::new("T1")
}

fn granted(token: &str, refresh: Option<&str>) -> Granted {
    let mut answer = json!({
        "ok": true, "access_token": token, "token_type": "bot", "scope": "chat:write,commands", "bot_user_id": "UBOT", "app_id": "A1",
        "team": { "id": "T1", "name": "Acme" }, "enterprise": null, "is_enterprise_install": false, "authed_user": { "id": "U1" },
    });
    if let Some(refresh) = refresh {
        answer["refresh_token"] = json!(refresh);
        answer["expires_in"] = json!(43200);
    }
    serde_json::from_value(answer).unwrap()
}

async fn token(bench: &Bench) -> PortResult<String> {
    bench.desk.workspaces.token(&t1()).await.map(|token| token.expose_secret().to_owned())
}

#[tokio::test]
async fn the_configured_token_is_asked_about_once_and_not_again_after_a_restart() {
    let api = Api::start(known).await;
    let records = Arc::new(MemoryRecords::default());
    let first = bench_with(&api.url, ONE, records.clone(), Arc::default());
    assert_eq!(token(&first).await.unwrap(), "xoxb-1");
    assert!(api.calls("auth.test").is_empty(), "a token needs no look");
    let only = first.desk.workspaces.only().await.unwrap().clone();
    assert_eq!((only.id.as_str(), only.name.as_str(), only.bot_user.as_str()), ("T1", "Acme", "UBOT"));
    assert_eq!(only.scopes, ["chat:write", "commands"]);
    assert_eq!(first.desk.workspaces.all().await.unwrap(), [only.clone()]);
    let again = bench_with(&api.url, ONE, records.clone(), Arc::default());
    assert_eq!(again.desk.workspaces.get(&t1()).await.unwrap(), Some(only));
    assert_eq!(again.desk.workspaces.get(&WorkspaceId::new("T2")).await.unwrap(), None);
    assert_eq!(api.calls("auth.test").len(), 1);
    // Another token is another matter.
    let other = bench_with(&api.url, &ONE.replace("xoxb-1", "xoxb-2"), records, Arc::default());
    other.desk.workspaces.only().await.unwrap();
    assert_eq!(api.calls("auth.test").len(), 2);
}

#[tokio::test]
async fn a_failure_to_ask_is_not_remembered() {
    let broken = Arc::new(AtomicBool::new(true));
    let now = broken.clone();
    let api = Api::start(move |called| if now.load(Ordering::SeqCst) { Say::status(500, vec![], "") } else { known(called) }).await;
    let bench = bench(&api.url, ONE);
    assert!(bench.desk.workspaces.only().await.is_err());
    broken.store(false, Ordering::SeqCst);
    assert_eq!(bench.desk.workspaces.only().await.unwrap().id, t1());
}

#[tokio::test]
async fn a_revoked_token_stops_the_workspace_until_a_look_finds_it_good() {
    for code in ["token_revoked", "invalid_auth", "account_inactive", "team_disabled", "user_removed_from_team", "token_expired"] {
        let good = Arc::new(AtomicBool::new(false));
        let now = good.clone();
        let api = Api::start(move |called| if now.load(Ordering::SeqCst) { known(called) } else { Say::no("token_revoked") }).await;
        let bench = bench(&api.url, ONE);
        bench.desk.workspaces.refused(&t1(), &refused("channel_not_found"));
        assert!(token(&bench).await.is_ok(), "that says nothing of the token");
        bench.desk.workspaces.refused(&t1(), &refused(code));
        assert!(bench.desk.workspaces.standings.is_refused(&t1()));
        for _ in 0..3 {
            let error = token(&bench).await.unwrap_err();
            assert_eq!((error.kind, error.retry), (PortErrorKind::Unauthenticated, Retry::No));
            assert!(
                error.message.contains("2026-11-02 12:00") && error.message.contains(code) && error.message.contains("bot_token"),
                "{error}"
            );
        }
        assert!(api.calls("auth.test").is_empty(), "refused here, not at Slack");
        // One look every five minutes.
        bench.clock.advance(Duration::from_secs(300));
        for _ in 0..3 {
            assert!(token(&bench).await.is_err());
        }
        assert_eq!(api.calls("auth.test").len(), 1);
        good.store(true, Ordering::SeqCst);
        assert!(token(&bench).await.is_err(), "not looked at yet");
        bench.clock.advance(Duration::from_secs(300));
        assert_eq!(token(&bench).await.unwrap(), "xoxb-1");
        assert_eq!(token(&bench).await.unwrap(), "xoxb-1");
        assert_eq!(api.calls("auth.test").len(), 2);
    }
}

#[tokio::test]
async fn installations_are_kept_sealed_and_known_to_every_replica() {
    let api = Api::start(known).await;
    let records = Arc::new(MemoryRecords::default());
    let here = bench_with(&api.url, OAUTH, records.clone(), Arc::default());
    let error = token(&here).await.unwrap_err();
    assert!(error.kind == PortErrorKind::Unauthenticated && error.message.contains("/chat/work/install"), "{error}");
    assert!(here.desk.workspaces.only().await.is_err() && here.desk.workspaces.all().await.unwrap().is_empty());
    let workspace = here.desk.workspaces.connect(granted("xoxb-9", None)).await.unwrap();
    assert_eq!((workspace.id.as_str(), workspace.url.as_str(), workspace.bot_id.as_deref()), ("T1", "https://acme.slack.com/", Some("B1")));
    assert_eq!(token(&here).await.unwrap(), "xoxb-9");
    let there = bench_with(&api.url, OAUTH, records.clone(), Arc::default());
    assert_eq!(token(&there).await.unwrap(), "xoxb-9");
    assert_eq!(*there.desk.workspaces.only().await.unwrap(), workspace);
    let kept = records.get("slack/work/workspaces", "T1").await.unwrap().unwrap();
    assert!(!kept.to_string().contains("xoxb-9"), "{kept}");
    // A sealed token in another workspace's row opens nowhere.
    records.put("slack/work/workspaces", "T2", &kept).await.unwrap();
    let error = there.desk.workspaces.token(&WorkspaceId::new("T2")).await.unwrap_err();
    assert!(error.message.contains("can't be unsealed"), "{error}");
    assert_eq!(there.desk.workspaces.only().await.unwrap_err().kind, PortErrorKind::Invalid);
}

#[tokio::test]
async fn a_whole_organisation_is_connected_under_its_own_id() {
    let api = Api::start(known).await;
    let bench = bench(&api.url, OAUTH);
    let mut whole = granted("xoxb-9", None);
    whole.enterprise = whole.team.take().map(|team| super::installation::Named { id: "E1".into(), ..team });
    assert_eq!(bench.desk.workspaces.connect(whole).await.unwrap().id.as_str(), "E1");
    assert_eq!(token(&bench).await.unwrap(), "xoxb-9", "its workspaces are served by it");
}

#[tokio::test]
async fn what_was_connected_anew_is_used_wherever_it_was_refused() {
    let api = Api::start(known).await;
    let records = Arc::new(MemoryRecords::default());
    let (here, there) =
        (bench_with(&api.url, OAUTH, records.clone(), Arc::default()), bench_with(&api.url, OAUTH, records, Arc::default()));
    here.desk.workspaces.connect(granted("xoxb-old", None)).await.unwrap();
    for bench in [&here, &there] {
        assert_eq!(token(bench).await.unwrap(), "xoxb-old");
        bench.desk.workspaces.refused(&t1(), &refused("token_revoked"));
        assert!(token(bench).await.unwrap_err().message.contains("connect it anew"));
    }
    here.desk.workspaces.connect(granted("xoxb-new", None)).await.unwrap();
    for bench in [&here, &there] {
        assert_eq!(token(bench).await.unwrap(), "xoxb-new");
    }
}

#[tokio::test]
async fn an_end_that_is_older_than_the_installation_changes_nothing() {
    let api = Api::start(known).await;
    let bench = bench(&api.url, OAUTH);
    bench.desk.workspaces.connect(granted("xoxb-9", None)).await.unwrap();
    let now = bench.clock.now();
    bench.desk.workspaces.end(&t1(), now - Duration::from_secs(60)).await.unwrap();
    assert!(token(&bench).await.is_ok());
    bench.desk.workspaces.end(&t1(), now + Duration::from_secs(1)).await.unwrap();
    assert!(token(&bench).await.unwrap_err().message.contains("isn't connected"));
    assert_eq!(bench.records.count("slack/work/workspaces"), 0);
    bench.desk.workspaces.end(&t1(), now).await.unwrap();
}

#[tokio::test]
async fn when_the_configured_app_is_removed_the_next_call_looks() {
    let gone = Arc::new(AtomicBool::new(false));
    let now = gone.clone();
    let api = Api::start(move |called| if now.load(Ordering::SeqCst) { Say::no("account_inactive") } else { known(called) }).await;
    let bench = bench(&api.url, ONE);
    bench.desk.workspaces.only().await.unwrap();
    // An event that comes late: the token is good.
    bench.desk.workspaces.end(&t1(), bench.clock.now()).await.unwrap();
    assert!(token(&bench).await.is_ok());
    gone.store(true, Ordering::SeqCst);
    bench.desk.workspaces.end(&t1(), bench.clock.now()).await.unwrap();
    assert_eq!(token(&bench).await.unwrap_err().kind, PortErrorKind::Unauthenticated);
    assert!(token(&bench).await.is_err());
    assert_eq!(api.calls("auth.test").len(), 3);
}

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
    rotation.clock.advance(Duration::from_secs(43200 - 1800));
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
    rotation.clock.advance(Duration::from_secs(42000));
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
    rotation.clock.advance(Duration::from_secs(42000));
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
    full: watch::Sender<bool>,
    refused: AtomicUsize,
}

#[async_trait::async_trait]
impl Records for Full {
    async fn put(&self, collection: &str, key: &str, value: &Value) -> PortResult<()> {
        if *self.full.borrow() {
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
    let records = Arc::new(Full { kept: MemoryRecords::default(), full: watch::Sender::new(false), refused: AtomicUsize::new(0) });
    let of = |records: Arc<Full>| {
        let desk = &base.desk;
        Workspaces::new(desk.name.clone(), desk.api.wire().clone(), records, desk.ports.seal.clone(), desk.ports.clock.clone())
    };
    let workspaces = of(records.clone());
    workspaces.connect(granted("xoxe.xoxb-0", Some("xoxe-0"))).await.unwrap();
    rotation.clock.advance(Duration::from_secs(43000));
    records.full.send_replace(true);
    let id = t1();
    let renewing = workspaces.token(&id);
    let relief = async {
        until(SOON, "a refusal of the database", || async { (records.refused.load(Ordering::SeqCst) > 0).then_some(()) }).await;
        records.full.send_replace(false);
    };
    let (token, ()) = tokio::join!(renewing, relief);
    assert_eq!(token.unwrap().expose_secret(), "xoxe.xoxb-1");
    assert_eq!(of(records).token(&id).await.unwrap().expose_secret(), "xoxe.xoxb-1");
    assert_eq!(rotation.renewals(), 1);
}
