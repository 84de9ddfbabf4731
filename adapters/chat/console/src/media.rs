//! Pictures and small files inside cards. Their bytes are kept beside the message, and the message holds only their
//! SHA-256 in their place: so lists of messages stay light to read, and equal cards stay equal. A message's bytes go when
//! the message changes into one without them.

use crate::book::Book;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bellhop_core::card::{Block, Card, FileSource};
use bellhop_core::ports::PortResult;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Bytes and their SHA-256 in hexadecimal.
pub(crate) type Heavy = (String, Arc<[u8]>);

/// The places of a card that hold bytes.
fn places(card: &mut Card) -> impl Iterator<Item = &mut Arc<[u8]>> {
    card.blocks.iter_mut().filter_map(|block| match block {
        Block::Image(image) => Some(&mut image.bytes),
        Block::File(file) => match &mut file.source {
            FileSource::Inline(bytes) => Some(bytes),
            FileSource::Stored { .. } => None,
        },
        _ => None,
    })
}

/// A card without its bytes, and the bytes by their hash.
pub(crate) fn lighten(card: &Card) -> (Card, Vec<Heavy>) {
    let mut light = card.clone();
    let mut heavy = Vec::new();
    for place in places(&mut light) {
        let hash = Sha256::digest(&place[..]);
        let bytes = std::mem::replace(place, Arc::from(&hash[..]));
        heavy.push((hex::encode(hash), bytes));
    }
    (light, heavy)
}

impl Book {
    /// Keeps the bytes of a message's card.
    pub async fn keep_media(&self, message: &str, heavy: &[Heavy]) -> PortResult<()> {
        for (hash, bytes) in heavy {
            self.put_new("media", &format!("{message}/{hash}"), &STANDARD.encode(bytes)).await?;
        }
        Ok(())
    }

    /// Bytes that stand in a kept card as `place`.
    pub async fn media(&self, message: &str, place: &[u8]) -> PortResult<Option<Vec<u8>>> {
        let kept: Option<String> = self.get("media", &format!("{message}/{}", hex::encode(place))).await?;
        kept.map(|kept| STANDARD.decode(kept).map_err(|e| self.broken("read", format!("a kept picture can't be read: {e}")))).transpose()
    }

    /// Forgets bytes of `old` that `new` does not have.
    pub async fn forget_media(&self, message: &str, old: &Card, new: &Card) -> PortResult<()> {
        let hashes = |card: &Card| places(&mut card.clone()).map(|place| hex::encode(&place[..])).collect::<BTreeSet<_>>();
        for hash in hashes(old).difference(&hashes(new)) {
            self.remove("media", &format!("{message}/{hash}")).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellhop_core::card::Image;

    #[test]
    fn a_light_card_tells_its_bytes_apart() {
        let card = |bytes: &[u8]| {
            Card::titled("T").block(Block::Image(Image {
                alt: "a".into(),
                name: "n".into(),
                content_type: "image/png".into(),
                bytes: bytes.into(),
            }))
        };
        let (light, heavy) = lighten(&card(b"one"));
        assert_eq!(heavy.len(), 1);
        assert_eq!(&heavy[0].1[..], b"one");
        assert_eq!(light, lighten(&card(b"one")).0);
        assert_ne!(light, lighten(&card(b"two")).0);
        assert!(!serde_json::to_string(&light).unwrap().contains(&STANDARD.encode("one")));
    }
}
