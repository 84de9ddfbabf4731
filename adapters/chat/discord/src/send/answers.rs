//! Answers to interactions: which of them fills in what was promised, and the tokens by which answers that only one person sees are
//! changed later. Both are kept in the records, so that they are known after a restart; what is too old is dropped along the way.

use crate::Desk;
use crate::handle::Interaction;
use bellhop_core::clock::Timestamp;
use bellhop_core::ids::DeliveryKey;
use bellhop_core::ports::PortResult;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How many old notes are dropped when a new one is kept, and how old they get: longer than any token is good.
const DROPPED: usize = 20;
const OLD: TimeDelta = TimeDelta::minutes(30);

/// What is kept of an interaction.
#[derive(Clone, Serialize, Deserialize)]
struct Kept {
    /// The delivery that fills in what was promised.
    filled: DeliveryKey,
    /// What changes answers later.
    interaction: Interaction,
}

fn collection(desk: &Desk) -> String {
    format!("discord/{}/answers", desk.name)
}

/// The time first, so that the oldest come first.
fn key(interaction: &str) -> String {
    format!("{interaction:0>20}")
}

/// Whether this delivery is the one that fills in what was promised. The first one that asks is.
pub(super) async fn fills(desk: &Desk, interaction: &Interaction, delivery: &DeliveryKey) -> PortResult<bool> {
    let mine = Kept { filled: delivery.clone(), interaction: interaction.clone() };
    // Plain data always serialises.
    let value = serde_json::to_value(&mine).unwrap_or_default();
    let (kept, new) = desk.ports.records.put_new(&collection(desk), &key(&interaction.id), &value).await?;
    if new {
        drop_old(desk).await?;
        return Ok(true);
    }
    Ok(serde_json::from_value::<Kept>(kept).is_ok_and(|kept| kept.filled == *delivery))
}

/// The interaction by whose token an answer is changed; `None` where it is over or unknown.
pub(super) async fn open(desk: &Desk, interaction: &str) -> PortResult<Option<Interaction>> {
    let kept = desk.ports.records.get(&collection(desk), &key(interaction)).await?;
    let kept = kept.and_then(|kept: Value| serde_json::from_value::<Kept>(kept).ok());
    Ok(kept.map(|kept| kept.interaction).filter(|interaction| interaction.fresh(desk.ports.clock.now())))
}

async fn drop_old(desk: &Desk) -> PortResult<()> {
    let (records, collection, now) = (&desk.ports.records, collection(desk), desk.ports.clock.now());
    for record in records.after(&collection, None, DROPPED).await? {
        let received: Option<Timestamp> = serde_json::from_value::<Kept>(record.value).ok().map(|kept| kept.interaction.received);
        if received.is_some_and(|received| now - received <= OLD) {
            break;
        }
        records.remove(&collection, &record.key).await?;
    }
    Ok(())
}
