//! Reading a large file in parts, some at once: one connection seldom gets all that a network and a server give.
//!
//! The parts are of one content, which the service is asked to make sure of; they come in their order, and what they are
//! together is checked at the end. Not every server knows parts of files: then it is read as any other.

use crate::checksum::{Sums, Told};
use crate::reading::{Reading, Refusal};
use bellhop_core::PortErrorKind;
use bellhop_core::ids::VersionId;
use bellhop_core::ports::{ByteStream, PortResult};
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use std::future::Future;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

/// From this size on it is worth it.
const LEAST: u64 = 64 << 20;
/// The size of a part. With the one that is given out, one more than [`AT_ONCE`] is in memory. Parts come in their order: many
/// small ones keep more connections busy behind a slow one than few large ones in the same memory.
const PART: u64 = 2 << 20;
const AT_ONCE: usize = 8;

/// Which content is read.
#[derive(Clone)]
struct Content {
    name: String,
    version: Option<VersionId>,
    etag: String,
}

impl Reading {
    /// Everything that is to be read.
    pub async fn wide(mut self) -> ByteStream {
        let whole = self.at == 0 && self.end >= LEAST && self.sums.is_some();
        let Some(etag) = self.etag.clone().filter(|_| whole) else { return self.stream() };
        let version = self.version.clone().map(VersionId::new);
        let content = Content { name: self.name.clone(), version, etag };
        let Ok((_, second)) = self.store.opened(&content.name, content.version.as_ref(), PART, Some(PART), Some(&content.etag)).await
        else {
            return self.stream();
        };
        if second.skip > 0 {
            return self.stream();
        }
        let (store, end, sums) = (self.store.clone(), self.end, self.sums.take());
        self.end = PART;
        let begun = [apart(collected(self)), apart(collected(second))];
        let starts = (2..).map(|number| number * PART).take_while(move |start| *start < end);
        let (service, of) = (store.clone(), content.clone());
        let rest = starts.map(move |start| {
            let (store, content) = (service.clone(), of.clone());
            apart(async move {
                let opened = store.opened(&content.name, content.version.as_ref(), start, Some(PART), Some(&content.etag)).await;
                match opened {
                    Ok((_, part)) => collected(part).await,
                    Err(Refusal::Failed(error)) if !matches!(error.kind, PortErrorKind::Conflict | PortErrorKind::NotFound) => Err(error),
                    Err(Refusal::PastTheEnd | Refusal::Failed(_)) => {
                        let message = format!("`{}` was changed while it was read; read it again", content.name);
                        Err(store.error(PortErrorKind::Conflict, "read", message))
                    }
                }
            })
        });
        let parts = futures::stream::iter(begun.into_iter().chain(rest)).buffered(AT_ONCE);
        let given_up = store.clone();
        let chunks = parts
            .map(move |part| {
                part.unwrap_or_else(|error| {
                    Err(given_up.error(PortErrorKind::Broken, "read", format!("reading a part was given up: {error}")))
                })
            })
            .map_ok(|chunks| futures::stream::iter(chunks.into_iter().map(Ok)))
            .try_flatten();
        let state = (chunks.boxed(), sums);
        Box::pin(futures::stream::try_unfold(state, move |(mut chunks, mut sums): (ByteStream, Option<(Sums, Told)>)| {
            let (store, name) = (store.clone(), content.name.clone());
            async move {
                if let Some(chunk) = chunks.try_next().await? {
                    if let Some((sums, _)) = &mut sums {
                        sums.update(&chunk);
                    }
                    return Ok(Some((chunk, (chunks, sums))));
                }
                match sums {
                    Some((sums, told)) if !sums.agree(&told) => Err(store.not_what_was_stored(&name)),
                    _ => Ok(None),
                }
            }
        }))
    }
}

/// Runs beside whoever waits for it, and ends when nobody does.
fn apart<T: Send + 'static>(part: impl Future<Output = T> + Send + 'static) -> AbortOnDropHandle<T> {
    AbortOnDropHandle::new(TaskTracker::new().spawn(part))
}

async fn collected(mut part: Reading) -> PortResult<Vec<Bytes>> {
    let mut chunks = Vec::new();
    while let Some(chunk) = part.next().await? {
        chunks.push(chunk);
    }
    Ok(chunks)
}
