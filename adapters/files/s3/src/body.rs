//! A request's body of a known length whose bytes come while it is sent. It can't be sent twice.

use crate::checksum::Sums;
use crate::source::Source;
use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use bellhop_core::ports::PortResult;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::io;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll};
use tokio::sync::mpsc;

/// The end that bytes are put into.
pub(crate) struct Inlet {
    to: mpsc::Sender<Bytes>,
}

struct Outlet {
    // Only ever used through `&mut`; the mutex makes it shareable, as the SDK wants its bodies.
    from: Mutex<mpsc::Receiver<Bytes>>,
    remaining: u64,
}

/// A body of `size` bytes and the end that feeds it. One chunk waits at most.
pub(crate) fn piped(size: u64) -> (Inlet, ByteStream) {
    let (to, from) = mpsc::channel(1);
    let outlet = Outlet { from: Mutex::new(from), remaining: size };
    (Inlet { to }, ByteStream::new(SdkBody::from_body_1_x(outlet)))
}

impl Inlet {
    /// Passes the next `size` bytes of the source on. Stops early without an error when nobody takes them any more: then
    /// the request has failed, and says why.
    pub async fn feed(self, source: &mut Source, size: u64, sums: &mut Sums) -> PortResult<()> {
        let mut left = size;
        while left > 0 {
            let Some(chunk) = source.next(left).await? else { break };
            left -= chunk.len() as u64;
            sums.update(&chunk);
            if left == 0 {
                // A source that has more than it should is found out before the part is whole.
                source.fill(0).await?;
            }
            if self.to.send(chunk).await.is_err() {
                break;
            }
        }
        Ok(())
    }
}

impl Body for Outlet {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.remaining == 0 {
            return Poll::Ready(None);
        }
        let from = self.from.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        match from.poll_recv(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(chunk)) => {
                self.remaining = self.remaining.saturating_sub(chunk.len() as u64);
                Poll::Ready(Some(Ok(Frame::data(chunk))))
            }
            // The source failed: the request must not look whole.
            Poll::Ready(None) => Poll::Ready(Some(Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file's bytes stopped coming")))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.remaining == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.remaining)
    }
}
