//! What is shown beside a message rather than in it: pictures where the platform shows none within a message, and the bytes
//! of files. Decides what is uploaded, where to, and what the message says about it; uploads nothing itself.

use bellhop_core::Address;
use bellhop_core::capabilities::Capabilities;
use bellhop_core::card::{Action, Block, Card, FileBlock, FileSource};
use bellhop_core::ids::DeliveryKey;
use std::sync::Arc;

/// Something to be uploaded after the message.
#[derive(Clone, Debug)]
pub(super) struct Beside {
    pub(super) key: DeliveryKey,
    pub(super) to: Address,
    pub(super) name: String,
    pub(super) content_type: String,
    /// What it shows; empty where it is no picture.
    pub(super) alt: String,
    pub(super) source: FileSource,
}

/// Takes pictures out of a card that the platform can't show them in. One that can't be uploaded either is described.
pub(super) fn take_pictures(card: &mut Card, caps: &Capabilities, key: &DeliveryKey, to: &Address) -> Vec<Beside> {
    let mut taken: Vec<Beside> = Vec::new();
    if caps.images {
        return taken;
    }
    for block in std::mem::take(&mut card.blocks) {
        let Block::Image(image) = block else {
            card.blocks.push(block);
            continue;
        };
        let size = image.bytes.len() as u64;
        if size > caps.upload {
            card.blocks.push(Block::Text(vec![format!("Picture: {}", image.alt).into()]));
            continue;
        }
        taken.push(Beside {
            key: DeliveryKey::new(format!("{key}.img{}", taken.len())),
            to: to.clone(),
            name: image.name,
            content_type: image.content_type,
            alt: image.alt,
            source: FileSource::Inline(image.bytes),
        });
    }
    // A message has to say something; what the picture shows is the nearest to it.
    if card.title.is_empty() && card.blocks.is_empty() {
        let said: Vec<&str> = taken.iter().map(|picture| picture.alt.as_str()).collect();
        card.blocks.push(Block::Text(vec![said.join(" · ").into()]));
    }
    taken
}

/// The files of a card and those that fitting has made of it, where their bytes are to be uploaded.
pub(super) fn files(card: &Card, fitted: &[Card], caps: &Capabilities, key: &DeliveryKey, to: &Address) -> Vec<Beside> {
    if caps.stored_files {
        return Vec::new();
    }
    let of = |card: &Card| {
        let files = card.blocks.iter().filter_map(|block| match block {
            Block::File(file) => Some(file.clone()),
            _ => None,
        });
        files.collect::<Vec<FileBlock>>()
    };
    // Fitting may shorten a name; the card's own is the one to upload under.
    let mut all = of(card);
    for made in fitted.iter().flat_map(of) {
        if !all.iter().any(|file| file.source == made.source) {
            all.push(made);
        }
    }
    let wanted = all.into_iter().filter(|file| file.size <= caps.upload).enumerate();
    wanted
        .map(|(at, file)| Beside {
            key: DeliveryKey::new(format!("{key}.file{at}")),
            to: to.clone(),
            name: file.name,
            content_type: file.content_type,
            alt: String::new(),
            source: file.source,
        })
        .collect()
}

/// Says in a message that only one person sees where what belongs to it went.
pub(super) fn sent_directly(card: &mut Card, beside: &[Beside]) {
    card.blocks.push(Block::Text(vec![format!("{} in our direct conversation, where only you see it.", what(beside)).into()]));
}

/// Says what could not be brought to one person alone, with links to what has one.
pub(super) fn not_sent(card: &mut Card, beside: &[Beside], links: Vec<Action>) {
    let why = "could not be brought here: everyone would see it, and there is no direct conversation with you.";
    card.blocks.push(Block::Text(vec![format!("{} {why}", named(beside)).into()]));
    if !links.is_empty() {
        card.blocks.push(Block::Actions(links));
    }
}

fn named(beside: &[Beside]) -> String {
    beside.iter().map(|one| one.name.as_str()).collect::<Vec<_>>().join(", ")
}

fn what(beside: &[Beside]) -> &'static str {
    match beside {
        [one] if one.alt.is_empty() => "The file is",
        [_] => "The picture is",
        _ => "What belongs to this is",
    }
}

/// The bytes that are at hand, as a stream.
pub(super) fn inline(bytes: &Arc<[u8]>) -> bellhop_core::ports::ByteStream {
    Box::pin(futures::stream::iter([Ok(bytes::Bytes::copy_from_slice(bytes))]))
}
