//! Bytes into an upload session: pieces in order, each but the last a multiple of 320 KiB, without our token, since the address is
//! the permission. What a broken connection left is asked for before anything is sent again.
//!
//! <https://learn.microsoft.com/graph/api/driveitem-createuploadsession>

use crate::Desk;
use bellhop_core::ports::{ByteStream, PortResult};
use bellhop_core::{PortError, PortErrorKind, Retry};
use bellhop_http::Response;
use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use serde_json::Value;
use std::time::Duration;

/// Every piece but the last is a multiple of this.
const UNIT: usize = 327_680;
/// The size of a piece: 3.75 MiB, held in memory one at a time.
pub(super) const PIECE: usize = 12 * UNIT;
/// How long a piece may take.
const STILL: Duration = Duration::from_mins(1);
/// How often a piece is sent again.
const TRIES: u32 = 4;

/// Sends everything, and returns what the last answer says.
pub(super) async fn send(desk: &Desk, url: &str, size: u64, mut bytes: ByteStream) -> PortResult<Value> {
    let broken = |what: String| desk.error(PortErrorKind::Broken, "upload", what);
    let mut waiting = BytesMut::new();
    let mut from: u64 = 0;
    loop {
        while waiting.len() < PIECE {
            match bytes.next().await {
                Some(chunk) => waiting.extend_from_slice(&chunk?),
                None => break,
            }
            if from + waiting.len() as u64 > size {
                return Err(broken(format!("the file is longer than the {size} bytes that were said")));
            }
        }
        let piece = waiting.split_to(waiting.len().min(PIECE)).freeze();
        let last = from + piece.len() as u64 == size;
        if !last && piece.len() < PIECE {
            return Err(broken(format!("the file ended after {} of {size} bytes", from + piece.len() as u64)));
        }
        let to = from + piece.len() as u64;
        // Nothing may come after the last byte; looked at before it is sent, so that no wrong file is ever whole.
        if last && (!waiting.is_empty() || more(&mut bytes).await?) {
            return Err(broken(format!("the file is longer than the {size} bytes that were said")));
        }
        let said = one(desk, url, from, size, piece).await?;
        if last {
            return Ok(said);
        }
        from = to;
    }
}

async fn more(bytes: &mut ByteStream) -> PortResult<bool> {
    while let Some(chunk) = bytes.next().await {
        if !chunk?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Sends one piece until it has arrived.
async fn one(desk: &Desk, url: &str, from: u64, size: u64, piece: Bytes) -> PortResult<Value> {
    let end = from + piece.len() as u64;
    let range = format!("bytes {from}-{}/{size}", end.saturating_sub(1));
    let mut tries = 0;
    loop {
        tries += 1;
        let sent = desk
            .client
            .put("upload", "upload session", url)
            .within(STILL)
            .header("content-range", &range)
            .content("application/octet-stream", piece.clone())
            .exchange()
            .await;
        let failure = match sent {
            Ok(answer) if answer.status().is_success() => return Ok(read(answer).await),
            // It has arrived: what was lost is the answer to it.
            Ok(answer) if answer.status().as_u16() == 416 && expected(desk, url).await?.is_none_or(|next| next >= end) => {
                return Ok(Value::Null);
            }
            Ok(answer) => refused(&answer),
            Err(error) => error,
        };
        if tries >= TRIES || failure.retry == Retry::No {
            return Err(failure);
        }
        let pause = match failure.retry {
            Retry::After(pause) => pause,
            _ => Duration::from_millis(500 << tries),
        };
        if pause > Duration::from_secs(30) {
            return Err(failure);
        }
        tokio::time::sleep(pause).await;
        if expected(desk, url).await.ok().flatten().is_some_and(|next| next >= end) {
            return Ok(Value::Null);
        }
    }
}

fn refused(answer: &Response) -> PortError {
    let mut error = answer.refusal();
    error.message = match answer.status().as_u16() {
        404 => format!("{}; the address to upload to has ended", error.message),
        507 => format!("{}; the storage is full", error.message),
        _ => error.message,
    };
    if answer.status().as_u16() == 409 {
        error.retry = Retry::No;
    }
    error
}

async fn read(answer: Response) -> Value {
    answer.bytes().await.ok().and_then(|body| serde_json::from_slice(&body).ok()).unwrap_or_default()
}

/// The first byte that the session still wants; `None` where it doesn't say.
async fn expected(desk: &Desk, url: &str) -> PortResult<Option<u64>> {
    let answer = desk.client.get("upload", "upload session", url).exchange().await?;
    if !answer.status().is_success() {
        return Ok(None);
    }
    let said = read(answer).await;
    let next = said.pointer("/nextExpectedRanges/0").and_then(Value::as_str);
    Ok(next.and_then(|range| range.split('-').next()?.parse().ok()))
}

/// Gives a session up, so that nothing half is left.
pub(super) async fn give_up(desk: &Desk, url: &str) {
    if let Err(error) = desk.client.delete("upload", "upload session", url).exchange().await {
        tracing::debug!(%error, "an upload that was given up ends by itself");
    }
}
