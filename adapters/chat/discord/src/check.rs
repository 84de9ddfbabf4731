//! What `bellhop check --live` finds out about a connection: whether Discord knows the token, whether the application is the one that is
//! configured, which permissions the bot lacks in which server, and whether deliveries can arrive. It changes nothing.

use crate::Desk;
use crate::config::Transport;
use crate::listen::GATEWAY;
use crate::manifest::{self, PERMISSIONS};
use crate::parse::{field, id};
use crate::wire::Route;
use bellhop_core::PortErrorKind;
use bellhop_core::ports::{Finding, PortResult};
use serde_json::Value;

const APPLICATION: Route = Route::get("/applications/@me", "check");

/// The permission to do everything.
const ADMINISTRATOR: u64 = 1 << 3;
/// Flags of an application whose bot may read all messages: in all servers, or in few.
const CONTENT: u64 = 1 << 18 | 1 << 19;
/// From so few sessions left on, something begins too many.
const FEW: u64 = 200;

/// Looks at everything. An error means that nothing could be asked.
pub(crate) async fn check(desk: &Desk) -> PortResult<Vec<Finding>> {
    let mut findings = Vec::new();
    match desk.directory.me().await {
        Ok(me) => findings.push(good(format!("signed in as the bot {} ({})", me.username, me.id))),
        Err(error) if error.kind == PortErrorKind::Unauthenticated => {
            findings.push(bad(error.message));
            return Ok(findings);
        }
        Err(error) => return Err(error),
    }
    application(desk, &mut findings).await?;
    servers(desk, &mut findings).await?;
    if desk.config.transport == Transport::Gateway {
        gateway(desk, &mut findings).await?;
    }
    Ok(findings)
}

/// The application as Discord has it.
async fn application(desk: &Desk, findings: &mut Vec<Finding>) -> PortResult<()> {
    let told: Value = match desk.api.get(APPLICATION, &[], &[]).await {
        Ok(told) => told,
        Err(failure) if failure.error.kind == PortErrorKind::NotFound => return Ok(()),
        Err(failure) => return Err(failure.error),
    };
    let config = &desk.config;
    if let Some(theirs) = id(&told, "/id").filter(|theirs| *theirs != config.application_id) {
        findings.push(bad(format!(
            "the `bot_token` is one of the application {theirs}, and `application_id` says {}: take both from the same application",
            config.application_id
        )));
    }
    if let (Some(theirs), Some(ours)) = (field(&told, "/verify_key"), &config.public_key)
        && !theirs.eq_ignore_ascii_case(&hex::encode(ours))
    {
        findings.push(bad("the `public_key` is not this application's: copy the Public Key under General Information".to_owned()));
    }
    let endpoint = field(&told, "/interactions_endpoint_url");
    match config.transport {
        Transport::Gateway => {
            if let Some(endpoint) = endpoint {
                findings.push(bad(format!(
                    "commands go to {endpoint} and not over the gateway: empty the Interactions Endpoint URL under General Information, or set \
                     transport = \"http\""
                )));
            }
            let flags = told.get("flags").and_then(Value::as_u64);
            if config.message_content && flags.is_some_and(|flags| flags & CONTENT == 0) {
                findings.push(bad(
                    "`message_content` is on, and the intent is not: switch Message Content Intent on under Bot > Privileged Gateway Intents".to_owned(),
                ));
            }
        }
        Transport::Http => {
            let address = format!("{}/chat/{}", desk.ports.public_url.trim_end_matches('/'), desk.name);
            findings.push(match endpoint {
                Some(endpoint) if endpoint == address => good(format!("Discord delivers to {address}")),
                Some(endpoint) => bad(format!("Discord delivers to {endpoint}, and this bot is at {address}: set the Interactions Endpoint URL to that")),
                None => bad(format!(
                    "Discord has no address to deliver to: set the Interactions Endpoint URL under General Information to {address}, which has to be an https \
                     address that the internet reaches, while the bot runs"
                )),
            });
        }
    }
    Ok(())
}

/// The servers, and what the bot lacks there.
async fn servers(desk: &Desk, findings: &mut Vec<Finding>) -> PortResult<()> {
    let guilds = desk.directory.guilds().await?;
    let link = manifest::install_link(Some(&desk.config));
    if guilds.is_empty() {
        findings.push(bad(format!("the bot is in no server yet: open {link} and choose one")));
    }
    for wanted in desk.config.guilds.iter().filter(|wanted| !guilds.iter().any(|guild| guild.id == **wanted)) {
        findings
            .push(bad(format!("`guilds` names the server {wanted}, and the bot is not in it: open {link} and choose it, or take it out")));
    }
    for guild in guilds.iter() {
        let Some(has) = guild.permissions else {
            findings.push(bad(format!("Discord doesn't say what the bot may do in the server {} ({})", guild.name, guild.id)));
            continue;
        };
        if guild.owner || has & ADMINISTRATOR != 0 {
            findings.push(good(format!("in the server {} ({}) the bot may do everything; it needs less", guild.name, guild.id)));
            continue;
        }
        let missing: Vec<_> = PERMISSIONS.iter().filter(|(bit, ..)| has & (1 << bit) == 0).collect();
        if missing.is_empty() {
            findings.push(good(format!(
                "in the server {} ({}) the bot has all {} permissions that it needs",
                guild.name,
                guild.id,
                PERMISSIONS.len()
            )));
        }
        for (_, name, what) in missing {
            findings.push(bad(format!(
                "in the server {} the permission {name} is missing ({what}): give it to the bot's role under Server Settings > Roles, or open {link} once more",
                guild.name
            )));
        }
    }
    Ok(())
}

/// The gateway, and how many sessions may still be begun.
async fn gateway(desk: &Desk, findings: &mut Vec<Finding>) -> PortResult<()> {
    let told: Value = desk.api.get(GATEWAY, &[], &[]).await?;
    let left = told.pointer("/session_start_limit/remaining").and_then(Value::as_u64);
    findings.push(match left {
        Some(left) if left < FEW => bad(format!(
            "only {left} sessions may still be begun today; at none Discord resets the token. Something begins very many: look for another copy of the bot"
        )),
        Some(left) => good(format!("the gateway answers, and {left} sessions may still be begun today")),
        None => good("the gateway answers".to_owned()),
    });
    Ok(())
}

fn good(text: String) -> Finding {
    Finding { good: true, text }
}

fn bad(text: String) -> Finding {
    Finding { good: false, text }
}
