//! The way to Slack's page and back, and every way in which it can fail.

use crate::listen::http::router;
use crate::listen::testing::{Api, Bench, Say, bench, silent_api};
use axum::body::Body;
use axum::http::Request;
use bellhop_core::ids::WorkspaceId;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::Duration;
use tower::ServiceExt as _;
use url::Url;

const OAUTH: &str = "client_id = \"1.2\"\nclient_secret = \"s3cret\"\nsigning_secret = \"s\"\nworkspaces = [\"T1\", \"E7\"]";

struct Page {
    status: u16,
    location: String,
    cookie: String,
    body: String,
}

async fn get(bench: &Bench, path: &str, cookie: &str) -> Page {
    let request = Request::builder().uri(path).header("cookie", format!("other=1; {cookie}")).body(Body::empty()).unwrap();
    let response = router(bench.desk.clone()).oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let header = |name| response.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
    let (location, cookie, policy) = (header("location"), header("set-cookie"), header("content-security-policy"));
    let body = String::from_utf8(axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec()).unwrap();
    if status != 302 {
        assert!(policy.starts_with("default-src 'none'") && body.contains("<html lang=\"en\">") && body.contains("<h1>"), "{body}");
    }
    Page { status, location, cookie, body }
}

/// As a browser follows: the state and the cookie.
async fn begin(bench: &Bench) -> (String, String) {
    let page = get(bench, "/chat/work/install", "").await;
    assert_eq!(page.status, 302);
    let address: Url = page.location.parse().unwrap();
    let query: HashMap<String, String> = address.query_pairs().into_owned().collect();
    let cookie = page.cookie.split(';').next().unwrap().to_owned();
    for needed in ["HttpOnly", "SameSite=Lax", "Secure", "Max-Age=600", "Path=/chat/work"] {
        assert!(page.cookie.contains(needed), "{}", page.cookie);
    }
    assert!(!page.location.contains(cookie.split_once('=').unwrap().1), "the cookie is not in the address");
    (query["state"].clone(), cookie)
}

async fn slack(team: &'static str, enterprise: Value) -> Api {
    Api::start(move |called| match called.method.as_str() {
        "oauth.v2.access" if called.fields["code"] != "good" => Say::no("invalid_code"),
        "oauth.v2.access" => {
            assert_eq!(called.fields["redirect_uri"], "https://bot.example.com/chat/work");
            assert_eq!((called.fields["client_id"].as_str(), called.fields["client_secret"].as_str()), ("1.2", "s3cret"));
            Say::json(&json!({
                "ok": true, "access_token": "xoxb-new", "token_type": "bot", "scope": "chat:write", "bot_user_id": "UBOT", "app_id": "A1",
                "team": { "id": team, "name": "Acme <&> `Co`" }, "enterprise": enterprise, "is_enterprise_install": false, "authed_user": { "id": "U1" },
            }))
        }
        "auth.test" => Say::json(&json!({ "ok": true, "team_id": team, "user_id": "UBOT", "bot_id": "B1", "url": "https://acme.slack.com/" })),
        "auth.revoke" => Say::json(&json!({ "ok": true, "revoked": true })),
        other => Say::no(other),
    })
    .await
}

#[tokio::test]
async fn a_workspace_is_connected() {
    let api = slack("T1", Value::Null).await;
    let bench = bench(&api.url, OAUTH);
    let page = get(&bench, "/chat/work/install", "").await;
    let address: Url = page.location.parse().unwrap();
    let origin: Url = api.url.parse().unwrap();
    assert_eq!((address.origin(), address.path()), (origin.origin(), "/oauth/v2/authorize"));
    let query: HashMap<String, String> = address.query_pairs().into_owned().collect();
    assert_eq!((query["client_id"].as_str(), query["redirect_uri"].as_str()), ("1.2", "https://bot.example.com/chat/work"));
    assert!(query["scope"].split(',').any(|scope| scope == "chat:write") && query["state"].len() == 64);

    let (state, cookie) = begin(&bench).await;
    let page = get(&bench, &format!("/chat/work?code=good&state={state}"), &cookie).await;
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(page.body.contains("Acme &lt;&amp;&gt; 'Co'") && page.body.contains("/bellhop help"), "{}", page.body);
    let token = bench.desk.workspaces.token(&WorkspaceId::new("T1")).await.unwrap();
    assert_eq!(token.expose_secret(), "xoxb-new");
    // Once only.
    let again = get(&bench, &format!("/chat/work?code=good&state={state}"), &cookie).await;
    assert_eq!(again.status, 400);
    assert_eq!(api.calls("oauth.v2.access").len(), 1);
}

#[tokio::test]
async fn only_the_browser_that_went_comes_back_and_in_time() {
    let api = slack("T1", Value::Null).await;
    let bench = bench(&api.url, OAUTH);
    let (state, cookie) = begin(&bench).await;
    let (_, foreign) = begin(&bench).await;
    for (what, state, cookie) in [
        ("no cookie", &state, ""),
        ("another's cookie", &begin(&bench).await.0, foreign.as_str()),
        ("no state", &String::new(), &cookie),
        ("a made-up state", &"0".repeat(64), &cookie),
    ] {
        let page = get(&bench, &format!("/chat/work?code=good&state={state}"), cookie).await;
        assert_eq!(page.status, 400, "{what}");
        assert!(page.body.contains("/chat/work/install"), "{what}: {}", page.body);
    }
    let (state, cookie) = begin(&bench).await;
    bench.clock.advance(Duration::from_mins(10));
    assert_eq!(get(&bench, &format!("/chat/work?code=good&state={state}"), &cookie).await.status, 400);
    assert!(api.calls("oauth.v2.access").is_empty());
    // What is over is swept away by the next who begins.
    begin(&bench).await;
    assert_eq!(bench.records.count("slack/work/installs"), 1);
}

#[tokio::test]
async fn nobody_else_is_let_in_and_the_page_names_the_id_to_add() {
    let api = slack("T2", json!({ "id": "E1", "name": "Org" })).await;
    let bench = bench(&api.url, OAUTH);
    let (state, cookie) = begin(&bench).await;
    let page = get(&bench, &format!("/chat/work?code=good&state={state}"), &cookie).await;
    assert_eq!(page.status, 403);
    assert!(page.body.contains("&quot;T2&quot;") && page.body.contains("workspaces") && page.body.contains("[chat.work]"), "{}", page.body);
    assert_eq!(bench.records.count("slack/work/workspaces"), 0);
    let revoked = api.calls("auth.revoke");
    assert!(revoked.len() == 1 && revoked[0].token == "xoxb-new");
}

#[tokio::test]
async fn an_organisation_in_the_list_lets_its_workspaces_in() {
    let api = slack("T2", json!({ "id": "E7", "name": "Org" })).await;
    let bench = bench(&api.url, OAUTH);
    let (state, cookie) = begin(&bench).await;
    assert_eq!(get(&bench, &format!("/chat/work?code=good&state={state}"), &cookie).await.status, 200);
    assert!(bench.desk.workspaces.token(&WorkspaceId::new("T2")).await.is_ok());
}

#[tokio::test]
async fn every_failure_is_a_page_that_says_what_to_do() {
    let api = slack("T1", Value::Null).await;
    let bench = bench(&api.url, OAUTH);
    let (state, cookie) = begin(&bench).await;
    let page = get(&bench, &format!("/chat/work?error=access_denied&state={state}"), &cookie).await;
    assert!(page.body.contains("You chose not to") && page.body.contains("/chat/work/install"), "{}", page.body);
    let (state, cookie) = begin(&bench).await;
    let page = get(&bench, &format!("/chat/work?error=%3Cscript%3E&state={state}"), &cookie).await;
    assert!(!page.body.contains("<script") && page.body.contains("&lt;script&gt;"), "{}", page.body);
    let (state, cookie) = begin(&bench).await;
    let page = get(&bench, &format!("/chat/work?code=old&state={state}"), &cookie).await;
    assert!(page.status == 502 && page.body.contains("too old") && page.body.contains("/install"), "{}", page.body);
    for (code, says) in [("bad_client_secret", "client_secret"), ("bad_redirect_uri", "Redirect URLs"), ("fatal_error", "fatal_error")] {
        let api = Api::start(move |_| Say::no(code)).await;
        let bench = crate::listen::testing::bench(&api.url, OAUTH);
        let (state, cookie) = begin(&bench).await;
        let page = get(&bench, &format!("/chat/work?code=good&state={state}"), &cookie).await;
        assert!(page.status == 502 && page.body.contains(says), "{code}: {}", page.body);
    }
}

#[tokio::test]
async fn without_oauth_the_pages_say_what_is_missing() {
    let bench = bench(&silent_api().await.url, "bot_token = \"xoxb-1\"\nsigning_secret = \"s\"");
    for path in ["/chat/work/install", "/chat/work?code=1&state=2"] {
        let page = get(&bench, path, "").await;
        assert!(page.status == 404 && page.body.contains("client_id"), "{}", page.body);
    }
}
