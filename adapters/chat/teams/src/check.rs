//! What `bellhop check --live` finds out about a connection: whether the bot gets its tokens, which permissions are there, whether
//! Teams could reach us. It changes nothing.

use crate::Desk;
use crate::channels;
use crate::credential::Audience;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bellhop_core::PortErrorKind;
use bellhop_core::ports::{Finding, PortResult};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

/// The application permissions that an administrator consents to, and what each is for.
const CONSENTED: [(&str, &str); 5] = [
    ("Files.ReadWrite.All", "files in channels"),
    ("Calendars.ReadWrite", "meetings with invitations"),
    ("OnlineMeetings.ReadWrite.All", "meetings without a calendar"),
    ("ChannelSettings.ReadWrite.All", "archiving channels"),
    ("User.ReadBasic.All", "finding people who are in none of the bot's teams"),
];

/// Looks at everything. An error means that nothing could be asked.
pub(crate) async fn check(desk: &Desk) -> PortResult<Vec<Finding>> {
    let mut findings = Vec::new();
    let Some(bot) = &desk.config.bot else {
        for name in desk.config.webhooks.keys() {
            findings.push(good(format!(
                "{name} is posted to by a Workflow's webhook. Nothing can be asked of it, and its answer only says that the Workflow \
                 started: look in Teams whether a message arrives"
            )));
        }
        return Ok(findings);
    };
    if bot.emulator {
        findings.push(good("emulator = true: activities are taken from this machine without a token; Teams itself is not asked"));
        return Ok(findings);
    }
    match desk.tokens.get(&Audience::Connector).await {
        Ok(_) => findings.push(good(format!("signed in as the bot {}", bot.app_id))),
        Err(error) if error.kind == PortErrorKind::Unauthenticated => findings.push(bad(error.message)),
        Err(error) => return Err(error),
    }
    findings.push(match desk.keys.read().await {
        Ok(count) => good(format!("the connector's {count} signing keys can be read")),
        Err(error) => bad(format!("the connector's signing keys can't be read, so that nothing will be heard: {}", error.message)),
    });
    for tenant in bot.tenants.iter().filter(|tenant| *tenant != "*") {
        match desk.tokens.get(&Audience::Graph(tenant.clone())).await {
            Ok(Some(token)) => consents(desk, tenant, &bot.app_id, &token, &mut findings),
            Ok(None) => {}
            Err(error) => findings.push(bad(format!("no token for Graph in the organisation {tenant}: {}", error.message))),
        }
    }
    teams(desk, &mut findings).await?;
    let address = format!("{}/chat/{}", desk.ports.public_url.trim_end_matches('/'), desk.name);
    findings.push(if desk.ports.public_url.starts_with("https://") {
        good(format!("Teams delivers to {address}: this has to be the messaging endpoint of the bot's registration"))
    } else {
        bad(format!(
            "Teams can't deliver to {address}: it takes https addresses that the internet reaches. Set `public_url` under [server]"
        ))
    });
    Ok(findings)
}

/// What a token for Graph may do, and what it may not.
fn consents(desk: &Desk, tenant: &str, app_id: &str, token: &SecretString, findings: &mut Vec<Finding>) {
    let Some(roles) = roles(token) else {
        findings.push(bad(format!("the token for Graph in the organisation {tenant} doesn't say which permissions it has")));
        return;
    };
    let link = desk.config.cloud.consent_url(tenant, app_id);
    for (name, what) in CONSENTED {
        let optional = name == "OnlineMeetings.ReadWrite.All" && desk.config.meetings == crate::config::MeetingsBy::Calendar
            || name == "Calendars.ReadWrite" && desk.config.meetings == crate::config::MeetingsBy::Online;
        if roles.iter().any(|role| role == name) {
            findings.push(good(format!("{name} is consented to ({what})")));
        } else if !optional {
            findings.push(bad(format!(
                "{name} is missing ({what}): add it as an application permission to the app's registration, and have an administrator \
                 consent at {link}; or do without"
            )));
        }
    }
}

fn roles(token: &SecretString) -> Option<Vec<String>> {
    let payload = token.expose_secret().split('.').nth(1)?;
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    let roles = claims.get("roles").and_then(Value::as_array).into_iter().flatten();
    Some(roles.filter_map(|role| role.as_str().map(str::to_owned)).collect())
}

/// The teams in which the bot is, and whether it may see their channels.
async fn teams(desk: &Desk, findings: &mut Vec<Finding>) -> PortResult<()> {
    let teams = desk.references.teams().await?;
    if teams.is_empty() {
        findings.push(good("no team has been seen yet: add the app to one, or write to the bot"));
    }
    for (id, team) in teams {
        let name = if team.name.is_empty() { &id } else { &team.name };
        findings.push(match channels::look(desk, &id, &team).await {
            Ok(count) => good(format!("in the team {name}, with {count} channels")),
            Err(error) => bad(format!("in the team {name}, but: {}", error.message)),
        });
    }
    Ok(())
}

fn good(text: impl Into<String>) -> Finding {
    Finding { good: true, text: text.into() }
}

fn bad(text: impl Into<String>) -> Finding {
    Finding { good: false, text: text.into() }
}
