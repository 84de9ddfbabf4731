//! What `bellhop check --live` finds out about a connection: whether Slack knows the tokens, whether they may do what is
//! needed, and whether Slack could reach us. It changes nothing.

use crate::Desk;
use crate::config::Transport;
use crate::listen::OPEN;
use crate::manifest;
use crate::workspaces::Workspace;
use bellhop_core::ports::{Finding, PortResult};
use secrecy::SecretString;
use serde_json::{Value, json};

/// Looks at everything. An error means that nothing could be asked.
pub(crate) async fn check(desk: &Desk) -> PortResult<Vec<Finding>> {
    let mut findings = Vec::new();
    if let Some(token) = &desk.config.bot_token {
        match desk.workspaces.test(token).await {
            Ok(workspace) => {
                desk.workspaces.keep_signed_in(token, &workspace).await?;
                signed_in(desk, &workspace, &mut findings);
            }
            Err(failure) if failure.code.is_none() => return Err(failure.error),
            Err(failure) => findings.push(bad(format!("the `bot_token` is refused: {}", failure.error.message))),
        }
    }
    if desk.config.oauth.is_some() {
        connected(desk, &mut findings).await?;
    }
    match desk.config.transport {
        Transport::Socket => {
            let opened = desk.api.wire().call::<Value>(desk.config.app_token.as_ref(), OPEN, &json!({})).await;
            findings.push(match opened {
                Ok(_) => good("the `app_token` opens sockets: deliveries arrive without a public address"),
                Err(failure) if failure.code.is_none() => return Err(failure.error),
                Err(failure) => bad(crate::listen::refused(failure).message),
            });
        }
        Transport::Http => {
            let address = manifest::address(&desk.ports.public_url, &desk.name);
            findings.push(if manifest::reachable(&desk.ports.public_url) {
                good(format!("Slack delivers to {address}: this has to be every URL in the app's settings, as `bellhop manifest slack` writes it"))
            } else {
                bad(format!(
                    "Slack can't deliver to {address}: it takes https addresses that the internet reaches. Set `public_url` under [server], or \
                     use transport = \"socket\", which needs no address"
                ))
            });
        }
    }
    Ok(findings)
}

/// The workspaces that were connected by OAuth.
async fn connected(desk: &Desk, findings: &mut Vec<Finding>) -> PortResult<()> {
    let installed: Vec<Workspace> = desk.workspaces.installed().await?;
    if installed.is_empty() && desk.config.bot_token.is_none() {
        findings.push(bad(format!(
            "no workspace is connected yet: open {}/install and connect one",
            manifest::address(&desk.ports.public_url, &desk.name)
        )));
    }
    for workspace in installed {
        let found: PortResult<Workspace> = async {
            let token: SecretString = desk.workspaces.token(&workspace.id).await?;
            Ok(desk.workspaces.test(&token).await?)
        }
        .await;
        match found {
            Ok(found) => signed_in(desk, &found, findings),
            Err(error) => {
                findings.push(bad(format!("the workspace {} ({}) is connected, but: {}", workspace.name, workspace.id, error.message)));
            }
        }
    }
    Ok(())
}

fn signed_in(desk: &Desk, workspace: &Workspace, findings: &mut Vec<Finding>) {
    let place = if workspace.url.is_empty() { workspace.id.to_string() } else { format!("{}, {}", workspace.id, workspace.url) };
    findings.push(good(format!("signed in to the workspace {} ({place}) as the bot {}", workspace.name, workspace.bot_user)));
    if workspace.scopes.is_empty() {
        findings.push(bad(format!("Slack doesn't say which scopes the token for {} has, so that they can't be compared", workspace.id)));
        return;
    }
    let needed = manifest::scopes(Some(&desk.config), &desk.ports.public_url);
    let missing: Vec<&str> = needed.iter().copied().filter(|scope| !workspace.scopes.iter().any(|granted| granted == scope)).collect();
    if missing.is_empty() {
        findings.push(good(format!("all {} scopes that are needed are granted", needed.len())));
        return;
    }
    for scope in missing {
        findings.push(bad(format!(
            "the scope {scope} is missing ({}): add it under OAuth & Permissions > Bot Token Scopes in the app's settings, and install the app again",
            manifest::reason(scope)
        )));
    }
}

fn good(text: impl Into<String>) -> Finding {
    Finding { good: true, text: text.into() }
}

fn bad(text: impl Into<String>) -> Finding {
    Finding { good: false, text: text.into() }
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
