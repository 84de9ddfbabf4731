//! A request's body of a known length whose bytes come while it is sent. It can't be sent twice.

use crate::source::Source;
use azure_core::http::Body;
use azure_core::stream::SeekableStream;
use bellhop_core::ports::PortResult;
use bytes::Bytes;
use futures::io::AsyncRead;
use md5::{Digest as _, Md5};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tokio::sync::mpsc;

/// The end that bytes are put into.
pub(crate) struct Inlet {
    to: mpsc::Sender<Bytes>,
}

/// The other end. The SDK clones bodies; all clones are the same one.
#[derive(Clone, Debug)]
struct Outlet {
    size: u64,
    inside: Arc<Mutex<Inside>>,
}

#[derive(Debug)]
struct Inside {
    from: mpsc::Receiver<Bytes>,
    held: Bytes,
    remaining: u64,
}

/// A body of `size` bytes and the end that feeds it. Two chunks wait at most.
pub(crate) fn piped(size: u64) -> (Inlet, Body) {
    let (to, from) = mpsc::channel(1);
    let inside = Inside { from, held: Bytes::new(), remaining: size };
    let outlet: Box<dyn SeekableStream> = Box::new(Outlet { size, inside: Arc::new(Mutex::new(inside)) });
    (Inlet { to }, Body::from(outlet))
}

impl Inlet {
    /// Passes the next `size` bytes of the source on. Stops early without an error when nobody takes them any more: then
    /// the request has failed, and says why.
    pub async fn feed(self, source: &mut Source, size: u64, sum: &mut Md5) -> PortResult<()> {
        let mut left = size;
        while left > 0 {
            let Some(chunk) = source.next(left).await? else { break };
            left -= chunk.len() as u64;
            sum.update(&chunk);
            if left == 0 {
                // A source that has more than it should is found out before the block is whole.
                source.fill(0).await?;
            }
            if self.to.send(chunk).await.is_err() {
                break;
            }
        }
        Ok(())
    }
}

impl AsyncRead for Outlet {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        if inside.remaining == 0 {
            return Poll::Ready(Ok(0));
        }
        while inside.held.is_empty() {
            match inside.from.poll_recv(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(chunk)) => inside.held = chunk,
                // The source failed: the request must not look whole.
                Poll::Ready(None) => {
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file's bytes stopped coming")));
                }
            }
        }
        let count = buffer.len().min(inside.held.len()).min(usize::try_from(inside.remaining).unwrap_or(usize::MAX));
        let taken = inside.held.split_to(count);
        buffer[..count].copy_from_slice(&taken);
        inside.remaining -= count as u64;
        Poll::Ready(Ok(count))
    }
}

#[async_trait::async_trait]
impl SeekableStream for Outlet {
    async fn reset(&mut self) -> azure_core::Result<()> {
        let message = "bytes that passed through can't be sent again";
        Err(azure_core::Error::with_message(azure_core::error::ErrorKind::Other, message))
    }

    fn len(&self) -> Option<u64> {
        Some(self.size)
    }
}
