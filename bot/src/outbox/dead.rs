//! The messages that were given up, as people see them.

use super::Payload;
use async_trait::async_trait;
use bellhop_core::plain;
use bellhop_core::ports::{DeadLetter, DeadLetters, PortResult};
use bellhop_store::Store;

/// The dead letters of this database.
pub struct GivenUp(pub Store);

#[async_trait]
impl DeadLetters for GivenUp {
    async fn list(&self, limit: usize) -> PortResult<Vec<DeadLetter>> {
        let letters = self.0.dead_letters(limit).await?;
        let shown = letters.into_iter().map(|letter| DeadLetter {
            number: letter.seq,
            to: letter.to,
            about: about(letter.payload),
            why: letter.error,
            since: letter.settled_at,
        });
        Ok(shown.collect())
    }

    async fn retry(&self, number: i64) -> PortResult<()> {
        self.0.redrive(number).await.map(drop)
    }
}

/// The first line of a card.
fn about(payload: serde_json::Value) -> String {
    let Ok(payload) = serde_json::from_value::<Payload>(payload) else { return "a card of another version".to_owned() };
    let text = plain::card(&payload.card, &|invoke| invoke.command.clone());
    bellhop_core::text::shorten(text.lines().next().unwrap_or_default(), 80)
}
