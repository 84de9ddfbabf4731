//! Tokens: looked up once, refused once, renewed once.

use super::*;
use crate::listen::testing::{Api, Bench, Called, Say, bench, bench_with};
use bellhop_core::Retry;
use bellhop_kit::memory::MemoryRecords;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const ONE: &str = "bot_token = \"xoxb-1\"\nsigning_secret = \"s\"";
pub(super) const OAUTH: &str = "client_id = \"1.2\"\nclient_secret = \"s3cret\"\nsigning_secret = \"s\"\nworkspaces = [\"*\"]";

pub(super) fn known(called: &Called) -> Say {
    assert_eq!(called.method, "auth.test");
    let answer = json!({ "ok": true, "url": "https://acme.slack.com/", "team": "Acme", "user": "bellhop", "team_id": "T1", "user_id": "UBOT", "bot_id": "B1" });
    Say::json(&answer).with("x-oauth-scopes", "chat:write, commands")
}

pub(super) fn refused(code: &str) -> Failure {
    Failure { code: Some(code.into()), error: PortError::new(PortErrorKind::Unauthenticated, "chat.work", "deliver", code) }
}

pub(super) fn t1() -> WorkspaceId {
    WorkspaceId::new("T1")
}

pub(super) fn granted(token: &str, refresh: Option<&str>) -> Granted {
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

pub(super) async fn token(bench: &Bench) -> PortResult<String> {
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
    assert_eq!(first.desk.workspaces.all().await.unwrap(), std::slice::from_ref(&only));
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
        bench.clock.advance(Duration::from_mins(5));
        for _ in 0..3 {
            assert!(token(&bench).await.is_err());
        }
        assert_eq!(api.calls("auth.test").len(), 1);
        good.store(true, Ordering::SeqCst);
        assert!(token(&bench).await.is_err(), "not looked at yet");
        bench.clock.advance(Duration::from_mins(5));
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
    bench.desk.workspaces.end(&t1(), now - Duration::from_mins(1)).await.unwrap();
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
