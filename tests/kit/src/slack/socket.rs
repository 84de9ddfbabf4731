//! Socket Mode: tickets, sockets, envelopes and their acknowledgements.
//!
//! <https://docs.slack.dev/apis/events-api/using-socket-mode>

use super::delivery::{Kind, Taken};
use super::server::World;
use serde_json::Value;
use std::time::Duration;
use tokio::net::TcpStream;

#[derive(Default)]
pub(super) struct Hub {}

impl Hub {
    pub(super) async fn bring(
        &self,
        _world: &World,
        _kind: Kind,
        _payload: &Value,
        _attempt: u32,
        _reason: &str,
        _limit: Duration,
    ) -> (Result<Taken, String>, Option<u64>) {
        (Err("no socket".into()), None)
    }
}

pub(super) async fn serve(_world: &World, _stream: TcpStream) {}
