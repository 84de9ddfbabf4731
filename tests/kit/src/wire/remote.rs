//! The test's hand on a world, in this process or in another.

use super::behaviour::{Behaviour, Ledger, Settings};
use super::chat::{WORKSPACE, WireChat};
use super::reading::seen;
use super::routes::Posted;
use super::state::WireMessage;
use crate::conformance::chat::{Seen, Subject};
use bellhop_core::call::{Attachment, Handle};
use bellhop_core::capabilities::Lookup;
use bellhop_core::ports::PortResult;
use bellhop_core::{Address, PortError, PortErrorKind, UserRef};
use bellhop_http::{Client, Limits};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

/// Speaks to a world that runs somewhere, beside its API.
#[derive(Clone, Debug)]
pub struct Remote {
    client: Client,
    url: String,
}

impl Remote {
    /// The world at this address.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn new(url: &str) -> PortResult<Self> {
        crate::install_tls();
        let limits = Limits { response: 1 << 30, total: Duration::from_mins(1), ..Limits::default() };
        Ok(Self { client: Client::new("wire", limits)?, url: url.trim_end_matches('/').to_owned() })
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What reached it so far.
    ///
    /// # Errors
    /// It is not there.
    pub async fn ledger(&self) -> PortResult<Ledger> {
        self.client.get("ledger", "/control/ledger", &format!("{}/control/ledger", self.url)).receive().await
    }

    /// Tells it how to behave from now on.
    ///
    /// # Errors
    /// It is not there.
    pub async fn behave(&self, behaviour: Behaviour) -> PortResult<()> {
        self.client.put("behave", "/control/behaviour", &format!("{}/control/behaviour", self.url)).json(&behaviour).send().await.map(drop)
    }

    /// Every message in a channel, oldest first.
    ///
    /// # Errors
    /// It is not there.
    pub async fn messages(&self, channel: &str) -> PortResult<Vec<WireMessage>> {
        self.client.get("messages", "/control/rooms/{id}", &self.url).path("control").path("rooms").path(channel).receive().await
    }

    /// What a person sees in a channel, oldest first.
    ///
    /// # Errors
    /// It is not there.
    pub async fn seen(&self, channel: &str, reader: &str) -> PortResult<Vec<Seen>> {
        let mut list = Vec::new();
        for message in self.messages(channel).await?.iter().filter(|message| message.only.as_deref().is_none_or(|only| only == reader)) {
            let mut shown = seen(message);
            if let Some((id, name)) = &message.file {
                let bytes = self
                    .client
                    .get("file", "/control/files/{id}", &self.url)
                    .path("control")
                    .path("files")
                    .path(id)
                    .send()
                    .await?
                    .bytes()
                    .await?;
                shown.files.push((name.clone(), bytes.to_vec()));
            }
            list.push(shown);
        }
        Ok(list)
    }

    /// A person sends a file; what the adapter would report of it.
    ///
    /// # Errors
    /// It is not there.
    pub async fn attach(&self, name: &str, content: Vec<u8>) -> PortResult<Attachment> {
        let size = content.len() as u64;
        let request = self.client.post("attach", "/control/files", &format!("{}/control/files", self.url));
        let kept: Posted = request.content("application/octet-stream", content.into()).receive().await?;
        Ok(Attachment {
            id: kept.id.clone(),
            name: name.to_owned(),
            content_type: "application/octet-stream".to_owned(),
            size: Some(size),
            handle: Handle(kept.id.into()),
        })
    }

    /// The address of a channel by its id, as seen by the connection `chat`.
    #[must_use]
    pub fn address(&self, chat: &str, channel: &str) -> Address {
        Address::channel(chat, WORKSPACE, channel)
    }
}

/// A world in this process, on a free port of loopback, until it is dropped.
#[derive(Debug)]
pub struct WireWorld {
    remote: Remote,
    lookup: Lookup,
    _stop: DropGuard,
}

impl WireWorld {
    /// Starts a world.
    ///
    /// # Errors
    /// No port can be had.
    pub async fn start(settings: Settings) -> PortResult<Self> {
        let wrong = |error: std::io::Error| PortError::new(PortErrorKind::Unavailable, "wire", "start", error.to_string());
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(wrong)?;
        let url = format!("http://{}", listener.local_addr().map_err(wrong)?);
        let stop = CancellationToken::new();
        let lookup = settings.lookup;
        TaskTracker::new().spawn(stop.clone().run_until_cancelled_owned(super::serve(listener, settings)));
        Ok(Self { remote: Remote::new(&url)?, lookup, _stop: stop.drop_guard() })
    }

    /// A connection to it, configured as `name`.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn chat(&self, name: &str, limits: Limits) -> PortResult<WireChat> {
        WireChat::new(name, self.url(), self.lookup, limits)
    }

    /// What the conformance suite needs: a connection, an empty channel, people who read it.
    ///
    /// # Errors
    /// As [`Client::new`].
    ///
    /// # Panics
    /// Not itself; what it returns fails the test when the world is gone.
    pub fn subject(&self, name: &str) -> PortResult<Subject> {
        let person = |user: &str| UserRef { chat: name.into(), workspace: WORKSPACE.into(), user: user.into() };
        let (observed, attached) = (self.remote.clone(), self.remote.clone());
        Ok(Subject {
            platform: Arc::new(self.chat(name, Limits::default())?),
            channel: self.address(name, "C1"),
            channel_name: "ops".to_owned(),
            person: person("ann"),
            person_name: "ann".to_owned(),
            other: person("bob"),
            observe: Arc::new(move |at, reader| {
                let remote = observed.clone();
                #[expect(clippy::expect_used, reason = "without the world the test can't go on")]
                Box::pin(async move { remote.seen(at.channel.as_str(), reader.user.as_str()).await.expect("the world tells what is seen") })
            }),
            attach: Some(Arc::new(move |_, file, content| {
                let remote = attached.clone();
                #[expect(clippy::expect_used, reason = "without the world the test can't go on")]
                Box::pin(async move { remote.attach(&file, content).await.expect("the world takes the file") })
            })),
        })
    }
}

impl std::ops::Deref for WireWorld {
    type Target = Remote;

    fn deref(&self) -> &Remote {
        &self.remote
    }
}
