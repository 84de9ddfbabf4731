//! Connecting workspaces by OAuth: to Slack's page and back. Who may connect says the configuration (`workspaces`); what is
//! connected is kept by `workspaces`. Whatever goes wrong is a page that says what, and what to do.
//!
//! <https://docs.slack.dev/authentication/installing-with-oauth>

use super::page::page;
use crate::Desk;
use crate::config::OAuth;
use crate::manifest;
use crate::wire::Method;
use crate::workspaces::{ACCESS, Granted};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bellhop_core::clock::Timestamp;
use bellhop_core::ports::PortResult;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::time::Duration;
use subtle::ConstantTimeEq as _;
use url::form_urlencoded;

const REVOKE: Method = Method { name: "auth.revoke", operation: "sign out", per_minute: 50, safe: true };

/// How long someone may take on Slack's page.
const LIFE: Duration = Duration::from_mins(10);
/// How many may be on their way at once.
const MOST: usize = 1000;

/// Someone on their way to Slack's page and back.
#[derive(Serialize, Deserialize)]
struct Journey {
    /// A hash of what their browser has in its cookie.
    browser: String,
    until: Timestamp,
}

/// Sends a browser to Slack's page.
pub(super) async fn begin(desk: &Desk) -> Response {
    let Some(oauth) = &desk.config.oauth else { return not_set_up(desk) };
    match journey(desk).await {
        Ok(Some((state, browser))) => {
            let scopes = manifest::scopes(Some(&desk.config), &desk.ports.public_url).join(",");
            let mut address = desk.config.api_url.clone();
            address.set_path("/oauth/v2/authorize");
            address.query_pairs_mut().extend_pairs([
                ("client_id", oauth.client_id.as_str()),
                ("scope", &scopes),
                ("user_scope", ""),
                ("redirect_uri", &redirect(desk)),
                ("state", &state),
            ]);
            let mut response = StatusCode::FOUND.into_response();
            let secure = if desk.ports.public_url.starts_with("https:") { "; Secure" } else { "" };
            let cookie = format!(
                "{}={browser}; Path=/chat/{}; Max-Age={}; HttpOnly; SameSite=Lax{secure}",
                cookie_name(desk),
                desk.name,
                LIFE.as_secs()
            );
            let headers = response.headers_mut();
            for (name, value) in [(header::LOCATION, address.as_str()), (header::SET_COOKIE, &cookie), (header::CACHE_CONTROL, "no-store")]
            {
                match HeaderValue::from_str(value) {
                    Ok(value) => headers.insert(name, value),
                    Err(_) => return failed("The connection's name or address can't stand in a header; check the configuration."),
                };
            }
            response
        }
        Ok(None) => page(
            StatusCode::TOO_MANY_REQUESTS,
            "Too many at once",
            &["More than a thousand people are connecting workspaces just now, or someone plays a trick. Try again in ten minutes."],
        ),
        Err(error) => {
            tracing::error!(chat = %desk.name, %error, "nobody can be sent to Slack's page");
            failed("Bellhop's database doesn't answer. Try again in a moment; the bot's log has the details.")
        }
    }
}

/// Takes a browser that comes back from Slack's page.
pub(super) async fn finish(desk: &Desk, query: &str, headers: &HeaderMap) -> Response {
    let Some(oauth) = &desk.config.oauth else { return not_set_up(desk) };
    let field =
        |wanted: &str| form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned());
    let again = format!("Begin again at `{}/install`.", redirect(desk));
    // The state is used up, whatever comes of it.
    match back(desk, &field("state").unwrap_or_default(), headers).await {
        Ok(true) => {}
        Ok(false) => {
            return page(
                StatusCode::BAD_REQUEST,
                "Not connected",
                &[
                    "This way back from Slack is not one that began here in this browser within the last ten minutes, or it was used before.",
                    &again,
                ],
            );
        }
        Err(error) => {
            tracing::error!(chat = %desk.name, %error, "a workspace can't be connected");
            return failed("Bellhop's database doesn't answer, so that nothing was connected. Begin again in a moment.");
        }
    }
    if let Some(error) = field("error") {
        let said = bellhop_core::text::shorten(&bellhop_core::text::one_line(&error), 80).replace('`', "'");
        let what = if error == "access_denied" {
            "You chose not to connect the workspace, so nothing was changed.".to_owned()
        } else {
            format!("Slack says `{said}`.")
        };
        return page(StatusCode::OK, "Not connected", &[&what, &again]);
    }
    let code = SecretString::from(field("code").unwrap_or_default());
    exchange(desk, oauth, &code, &again).await
}

async fn exchange(desk: &Desk, oauth: &OAuth, code: &SecretString, again: &str) -> Response {
    let args = json!({
        "client_id": oauth.client_id,
        "client_secret": oauth.client_secret.expose_secret(),
        "code": code.expose_secret(),
        "redirect_uri": redirect(desk),
    });
    let granted = match desk.api.wire().call::<Granted>(None, ACCESS, &args).await {
        Ok((granted, _)) => granted,
        Err(failure) => {
            tracing::warn!(chat = %desk.name, error = %failure.error, "Slack didn't exchange a code for a token");
            let code = failure.code.unwrap_or_else(|| "no answer".into());
            let what = match code.as_str() {
                "invalid_code" | "code_already_used" => "The code from Slack was used before, or it is too old.".to_owned(),
                "bad_client_secret" | "invalid_client_id" => {
                    "Slack doesn't know the app: `client_id` or `client_secret` in the bot's configuration is wrong. Both stand under Basic \
                     Information > App Credentials."
                        .to_owned()
                }
                "bad_redirect_uri" | "oauth_authorization_url_mismatch" => {
                    format!("The address `{}` has to stand under OAuth & Permissions > Redirect URLs in the app's settings.", redirect(desk))
                }
                other => format!("Slack says `{}`.", other.replace('`', "'")),
            };
            return page(StatusCode::BAD_GATEWAY, "Not connected", &[&what, again]);
        }
    };
    let (team, organisation) = (granted.team.as_ref(), granted.enterprise.as_ref());
    let listed = |id: Option<&str>| id.is_some_and(|id| oauth.workspaces.iter().any(|listed| listed == id));
    let allowed = oauth.workspaces.iter().any(|listed| listed == "*")
        || listed(team.map(|team| team.id.as_str()))
        || listed(organisation.map(|organisation| organisation.id.as_str()));
    if !allowed {
        // The token was granted all the same; nobody shall have it.
        if let Err(failure) = desk.api.wire().call::<serde_json::Value>(Some(&granted.access_token), REVOKE, &json!({})).await {
            tracing::warn!(chat = %desk.name, error = %failure.error, "the token of a workspace that may not connect could not be revoked");
        }
        let id = granted.whole().map(|whole| whole.id.clone()).unwrap_or_default();
        tracing::warn!(chat = %desk.name, workspace = id, "a workspace that is not in the configuration wanted to connect and was refused");
        let what = format!("The workspace `{id}` is not among those that may connect to this bot, so its token was given back.");
        let how = format!(
            "If it should be: add `\"{id}\"` to `workspaces` in the section `[chat.{}]` of the bot's configuration, start the bot again, and connect once more.",
            desk.name
        );
        return page(StatusCode::FORBIDDEN, "Not connected", &[&what, &how]);
    }
    match desk.workspaces.connect(granted).await {
        Ok(workspace) => {
            tracing::info!(chat = %desk.name, workspace = %workspace.id, "a workspace was connected");
            let name = if workspace.name.is_empty() { workspace.id.to_string() } else { workspace.name.replace('`', "'") };
            page(
                StatusCode::OK,
                "Connected",
                &[
                    &format!("Bellhop is now in the workspace {name} (`{}`). You can close this page.", workspace.id),
                    "In Slack, type `/bellhop help` in any channel. To let the bot post in a channel, type `/invite @bellhop` there.",
                ],
            )
        }
        Err(error) => {
            tracing::error!(chat = %desk.name, %error, "a workspace that was connected can't be kept");
            failed("Slack connected the workspace, but Bellhop could not keep its token; the bot's log says why. Connect it once more.")
        }
    }
}

/// Notes that someone goes to Slack's page; their state and what goes into their cookie. `None` where too many are there.
async fn journey(desk: &Desk) -> PortResult<Option<(String, String)>> {
    let (collection, now) = (collection(desk), desk.ports.clock.now());
    let mut open = 0;
    for record in desk.ports.records.after(&collection, None, 2 * MOST).await? {
        if serde_json::from_value::<Journey>(record.value).is_ok_and(|journey| journey.until > now) {
            open += 1;
        } else {
            desk.ports.records.remove(&collection, &record.key).await?;
        }
    }
    if open >= MOST {
        return Ok(None);
    }
    let (state, browser) = (random()?, random()?);
    let journey = Journey { browser: hash(&browser), until: now + LIFE };
    desk.ports.records.put(&collection, &hash(&state), &serde_json::to_value(journey).unwrap_or_default()).await?;
    Ok(Some((state, browser)))
}

/// Whether someone who comes back went from here, in this browser, not long ago and for the first time.
async fn back(desk: &Desk, state: &str, headers: &HeaderMap) -> PortResult<bool> {
    let (collection, key) = (collection(desk), hash(state));
    let Some(value) = desk.ports.records.get(&collection, &key).await? else { return Ok(false) };
    let Ok(journey) = serde_json::from_value::<Journey>(value) else { return Ok(false) };
    // Of two that come at once one is the first.
    let used = json!({ "browser": "", "until": journey.until });
    let (_, first) = desk.ports.records.put_new(&collection, &format!("{key}.used"), &used).await?;
    desk.ports.records.remove(&collection, &key).await?;
    let name = cookie_name(desk);
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|cookies| cookies.to_str().ok()).flat_map(|cookies| cookies.split(';'));
    let same = cookies
        .filter_map(|cookie| cookie.trim().split_once('='))
        .any(|(cookie, value)| cookie == name && bool::from(hash(value).as_bytes().ct_eq(journey.browser.as_bytes())));
    Ok(first && same && journey.until > desk.ports.clock.now())
}

fn redirect(desk: &Desk) -> String {
    manifest::address(&desk.ports.public_url, &desk.name)
}

fn collection(desk: &Desk) -> String {
    format!("slack/{}/installs", desk.name)
}

/// Cookies of several connections don't get in each other's way.
fn cookie_name(desk: &Desk) -> String {
    format!("bellhop_install_{}", &hash(desk.name.as_str())[..8])
}

fn hash(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

fn random() -> PortResult<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| {
        bellhop_core::PortError::new(
            bellhop_core::PortErrorKind::Broken,
            "chat",
            "connect",
            format!("the system gives no random numbers: {error}"),
        )
    })?;
    Ok(hex::encode(bytes))
}

fn failed(what: &str) -> Response {
    page(StatusCode::SERVICE_UNAVAILABLE, "Not just now", &[what])
}

fn not_set_up(desk: &Desk) -> Response {
    let what = format!(
        "The connection {} is not set up for connecting workspaces by OAuth: its section of the configuration has no `client_id` and \
         `client_secret`. Both stand under Basic Information > App Credentials in the app's settings.",
        desk.name
    );
    page(
        StatusCode::NOT_FOUND,
        "Not set up",
        &[
            &what,
            "For one workspace none of this is needed: install the app from its settings and put its `bot_token` into the configuration.",
        ],
    )
}

#[cfg(test)]
#[path = "install_tests.rs"]
mod tests;
