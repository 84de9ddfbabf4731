//! Files in channels: into the channel's folder in the team's storage, and a message with a link to them.

use super::session;
use crate::Desk;
use crate::channels::team_of;
use crate::connector::Failure;
use crate::graph::{Ask, Op};
use crate::send;
use bellhop_core::call::Audience;
use bellhop_core::card::{Action, Block, Card, Span};
use bellhop_core::ids::MessageId;
use bellhop_core::ports::{PortResult, Post, Upload};
use bellhop_core::text::bytes;
use bellhop_core::{PortError, PortErrorKind};
use bellhop_http::Method;
use futures::StreamExt as _;
use serde::Deserialize;
use serde_json::{Value, json};

const WRITES: &[&str] = &["Files.ReadWrite.All", "Sites.ReadWrite.All"];
const FOLDER: Op = Op { operation: "upload", route: "/teams/{id}/channels/{id}/filesFolder", needs: WRITES, safe: true };
const SESSION: Op = Op { operation: "upload", route: "/drives/{id}/items/{id}:/{name}:/createUploadSession", needs: WRITES, safe: true };
const EMPTY: Op = Op { operation: "upload", route: "/drives/{id}/items/{id}:/{name}:/content", needs: WRITES, safe: true };
const LINK: Op = Op { operation: "upload", route: "/drives/{id}/items/{id}/createLink", needs: WRITES, safe: true };

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Folder {
    id: String,
    parent_reference: Option<Parent>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parent {
    drive_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Session {
    upload_url: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    id: String,
    name: Option<String>,
    web_url: Option<String>,
}

/// Puts a file beside the channel's others, and says where.
pub(super) async fn share(desk: &Desk, upload: Upload, name: &str) -> PortResult<MessageId> {
    let team = team_of(desk, &upload.to, "upload").await?;
    let tenant = team.team.tenant.as_str();
    let path = ["teams", team.group.as_str(), "channels", upload.to.channel.as_str(), "filesFolder"];
    let folder: Folder = desk.graph.ask(&Ask::new(Method::GET, FOLDER, tenant, &path)).await.map_err(|mut failure: Failure| {
        if failure.error.kind == PortErrorKind::NotFound {
            failure.error.kind = PortErrorKind::Denied;
            "the channel has no folder for files yet: open its Files tab once, and try again".clone_into(&mut failure.error.message);
        }
        failure.error
    })?;
    let drive = folder.parent_reference.and_then(|parent| parent.drive_id);
    let Some(drive) = drive else {
        return Err(desk.error(PortErrorKind::Broken, "upload", "Graph doesn't say where the channel's files are"));
    };
    let Upload { key, to, size, bytes: mut content, .. } = upload;
    let place = format!("{}:", folder.id);
    let named = format!("{name}:");
    let item: Item = if size == 0 {
        if let Some(chunk) = content.next().await.transpose()?.filter(|chunk| !chunk.is_empty()) {
            let message = format!("the file has at least {} bytes, and none were said", chunk.len());
            return Err(desk.error(PortErrorKind::Broken, "upload", message));
        }
        let path = ["drives", drive.as_str(), "items", place.as_str(), named.as_str(), "content"];
        let answer = desk.graph.put_empty(&Ask::new(Method::PUT, EMPTY, tenant, &path)).await?;
        answer.json().await?
    } else {
        let path = ["drives", drive.as_str(), "items", place.as_str(), named.as_str(), "createUploadSession"];
        let wanted = json!({ "item": { "@microsoft.graph.conflictBehavior": "rename", "name": name } });
        let session: Session = desk.graph.ask(&Ask::new(Method::POST, SESSION, tenant, &path).body(&wanted)).await?;
        match session::send(desk, &session.upload_url, size, content).await {
            Ok(said) => serde_json::from_value(said)
                .map_err(|_| desk.error(PortErrorKind::Broken, "upload", "the file arrived, and Graph doesn't say where it is"))?,
            Err(error) => {
                session::give_up(desk, &session.upload_url).await;
                return Err(error);
            }
        }
    };
    let url = link(desk, tenant, &drive, &item).await?;
    let shown = item.name.as_deref().unwrap_or(name);
    let card = Card::default()
        .block(Block::Text(vec![
            "\u{1f4ce} ".into(),
            Span::Link { text: shown.to_owned(), url: url.clone() },
            format!(" ({})", bytes(size)).into(),
        ]))
        .and_actions(vec![Action::open("Open", url)]);
    send::deliver(desk, &Post { key, to, card, audience: Audience::Everyone, answers: None, reply: None }).await
}

/// A link that the organisation can follow; where it forbids such links, the address that those see who may see the folder.
async fn link(desk: &Desk, tenant: &str, drive: &str, item: &Item) -> PortResult<String> {
    let path = ["drives", drive, "items", item.id.as_str(), "createLink"];
    let wanted = json!({ "type": "view", "scope": "organization" });
    let made: Result<Value, Failure> = desk.graph.ask(&Ask::new(Method::POST, LINK, tenant, &path).body(&wanted)).await;
    let url = match made {
        Ok(made) => made.pointer("/link/webUrl").and_then(Value::as_str).map(str::to_owned),
        Err(failure) => {
            tracing::debug!(error = %failure.error, "no link that is shared; the file's own address is said");
            None
        }
    };
    let missing =
        || PortError::new(PortErrorKind::Broken, desk.service(), "upload", "the file is there, and Graph doesn't say its address");
    url.or_else(|| item.web_url.clone()).ok_or_else(missing)
}
