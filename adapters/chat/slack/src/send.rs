//! Keeping what buttons refer to: the least of sending that interactions need.

use crate::Desk;
use crate::click::{self, Kept};
use bellhop_core::ports::PortResult;
use serde_json::json;

pub(crate) async fn post_clicks(desk: &Desk, kept: &[Kept]) -> PortResult<()> {
    for one in kept {
        desk.ports.records.put(&click::collection(desk.name.as_str()), &one.key, &json!(one.click)).await?;
    }
    Ok(())
}
