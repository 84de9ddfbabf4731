//! Pictures of cards. Teams shows a picture by its address, so it is kept and given out by the bot itself under a name that nobody
//! can guess who doesn't have the card.

use crate::Desk;
use crate::notes::{self, Kind};
use crate::render::Picture;
use axum::http::HeaderValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bellhop_core::ports::PortResult;
use serde::{Deserialize, Serialize};

/// The types of pictures that Teams shows.
const SHOWN: [&str; 3] = ["image/png", "image/jpeg", "image/gif"];

#[derive(Serialize, Deserialize)]
struct Kept {
    content_type: String,
    bytes: String,
}

/// What stands before a picture's key in its address.
pub(crate) fn before(desk: &Desk) -> String {
    format!("{}/chat/{}/pictures/", desk.ports.public_url.trim_end_matches('/'), desk.name)
}

/// Keeps a picture.
pub(crate) async fn keep(desk: &Desk, picture: &Picture) -> PortResult<()> {
    let kept = Kept { content_type: picture.content_type.clone(), bytes: STANDARD.encode(&picture.bytes) };
    notes::put(desk, Kind::Picture, &picture.key, &kept).await
}

/// A picture by its key.
pub(crate) async fn read(desk: &Desk, key: &str) -> PortResult<Option<(HeaderValue, Vec<u8>)>> {
    if key.len() != 40 || !key.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Ok(None);
    }
    let kept: Option<Kept> = notes::get(desk, Kind::Picture, key).await?;
    Ok(kept.and_then(|kept| {
        let content_type = SHOWN.iter().find(|shown| **shown == kept.content_type)?;
        Some((HeaderValue::from_static(content_type), STANDARD.decode(kept.bytes).ok()?))
    }))
}
