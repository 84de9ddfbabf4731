//! What the check finds, where things are right and where they are not.

use super::*;
use crate::listen::testing::{Api, Say, bench};

fn signed_in(scopes: &str) -> Say {
    let answer =
        json!({ "ok": true, "url": "https://acme.slack.com/", "team": "Acme", "team_id": "T1", "user_id": "UBOT", "bot_id": "B1" });
    Say::json(&answer).with("x-oauth-scopes", scopes)
}

async fn found(settings: &str, answer: impl Fn(&str) -> Say + Send + Sync + 'static) -> Vec<Finding> {
    let api = Api::start(move |called| answer(&called.method)).await;
    check(&bench(&api.url, settings).desk).await.unwrap()
}

const SOCKET: &str = "bot_token = \"xoxb-1\"\napp_token = \"xapp-1\"";
const HTTP: &str = "bot_token = \"xoxb-1\"\nsigning_secret = \"s\"";

#[tokio::test]
async fn a_connection_that_has_all_it_needs_is_good() {
    let all = manifest::scopes(None, "https://bot.example.com").join(",");
    let scopes = all.clone();
    let findings = found(SOCKET, move |method| match method {
        "auth.test" => signed_in(&scopes),
        _ => Say::json(&json!({ "ok": true, "url": "wss://x.slack.com/?ticket=t1cket" })),
    })
    .await;
    assert!(findings.len() == 3 && findings.iter().all(|finding| finding.good), "{findings:?}");
    assert!(findings[0].text.contains("Acme") && findings[0].text.contains("https://acme.slack.com/"));
    assert!(!findings.iter().any(|finding| finding.text.contains("t1cket")));
    let findings = found(HTTP, move |_| signed_in(&all)).await;
    assert!(
        findings.iter().all(|finding| finding.good)
            && findings.iter().any(|finding| finding.text.contains("https://bot.example.com/chat/work"))
    );
}

#[tokio::test]
async fn each_missing_scope_is_named_with_where_to_add_it() {
    let all = manifest::scopes(None, "https://bot.example.com");
    let some = all.iter().filter(|scope| !matches!(**scope, "files:read" | "users:read")).copied().collect::<Vec<_>>().join(", ");
    let findings = found(HTTP, move |_| signed_in(&some)).await;
    let bad: Vec<&str> = findings.iter().filter(|finding| !finding.good).map(|finding| finding.text.as_str()).collect();
    assert_eq!(bad.len(), 2, "{bad:?}");
    assert!(bad[0].contains("files:read") && bad[1].contains("users:read") && bad.iter().all(|text| text.contains("OAuth & Permissions")));
}

#[tokio::test]
async fn refused_tokens_are_findings_and_an_absent_slack_is_an_error() {
    let findings = found(SOCKET, |_| Say::no("invalid_auth")).await;
    assert!(findings.len() == 2 && findings.iter().all(|finding| !finding.good), "{findings:?}");
    assert!(findings[0].text.contains("bot_token") && findings[1].text.contains("app_token"));
    let api = Api::start(|_| Say::status(503, vec![], "")).await;
    assert!(check(&bench(&api.url, SOCKET).desk).await.is_err());
}

#[tokio::test]
async fn connected_workspaces_are_looked_at_each() {
    let oauth = "client_id = \"1\"\nclient_secret = \"s\"\nsigning_secret = \"s\"";
    let findings = found(oauth, |_| Say::no("none")).await;
    assert!(
        findings.iter().any(|finding| !finding.good && finding.text.contains("https://bot.example.com/chat/work/install")),
        "{findings:?}"
    );
    let api = Api::start(|called| if called.token == "xoxb-2" { Say::no("token_revoked") } else { signed_in("chat:write") }).await;
    let bench = bench(&api.url, oauth);
    for (team, token) in [("T1", "xoxb-1"), ("T2", "xoxb-2")] {
        let granted = json!({ "access_token": token, "team": { "id": team, "name": team } });
        bench.desk.workspaces.connect(serde_json::from_value(granted).unwrap()).await.unwrap();
    }
    let findings = check(&bench.desk).await.unwrap();
    assert!(findings.iter().any(|finding| finding.good && finding.text.contains("Acme")), "{findings:?}");
    assert!(
        findings.iter().any(|finding| !finding.good && finding.text.contains("T2") && finding.text.contains("token_revoked")),
        "{findings:?}"
    );
}
