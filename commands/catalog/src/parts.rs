//! One stream, written in the parts of a store that has them: cut where a part ends, and sent on while the next is read. What is
//! begun, noted, finished or given up is whoever's who calls this.

use bellhop_core::ports::{ByteStream, PartDone, PartUpload, PartWrites, PortResult};
use bellhop_core::{PortError, PortErrorKind};
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::lock::{Mutex, OwnedMutexGuard};
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use std::sync::Arc;
use std::time::Duration;

/// How many parts are on their way at once, the one that is being read included.
const AT_ONCE: usize = 4;
/// How long a failed upload waits for its parts that are still on their way.
const LAST: Duration = Duration::from_secs(5);

/// A stream and what of it was read beyond the last part.
struct Cut {
    bytes: ByteStream,
    rest: Bytes,
    ended: bool,
}

impl Cut {
    /// The next bytes, at most this many; none at the end.
    async fn take(&mut self, most: u64) -> PortResult<Option<Bytes>> {
        while self.rest.is_empty() && !self.ended {
            match self.bytes.try_next().await? {
                Some(bytes) => self.rest = bytes,
                None => self.ended = true,
            }
        }
        if self.rest.is_empty() {
            return Ok(None);
        }
        let length = usize::try_from(most).unwrap_or(usize::MAX).min(self.rest.len());
        Ok(Some(self.rest.split_to(length)))
    }
}

/// The next `size` bytes as a stream of their own. Until they are read nobody else reads on.
fn part(cut: OwnedMutexGuard<Cut>, size: u64) -> ByteStream {
    let begun = (size > 0).then_some((cut, size));
    Box::pin(futures::stream::try_unfold(begun, |state| async move {
        let Some((mut cut, left)) = state else { return Ok(None) };
        let piece = cut.take(left).await?;
        Ok(piece.map(|piece| {
            let left = left - piece.len() as u64;
            // Let go with the last byte, so that the next part is read while this one is sent.
            (piece, (left > 0).then_some((cut, left)))
        }))
    }))
}

/// Sends everything, which has `size` bytes, as the parts of `upload`. Gives them by number.
///
/// # Errors
/// As a part can't be written or the stream fails; `Invalid` where it has another length. The upload is still there then.
pub(crate) async fn send(parts: &dyn PartWrites, upload: &PartUpload, size: u64, bytes: ByteStream) -> PortResult<Vec<PartDone>> {
    let mut sending = FuturesUnordered::new();
    let sent = send_all(parts, upload, size, bytes, &mut sending).await;
    if sent.is_err() {
        // A request that is let go may arrive all the same, and after the upload was given up.
        let _ = tokio::time::timeout(LAST, async { while sending.next().await.is_some() {} }).await;
    }
    sent
}

async fn send_all<'a>(
    parts: &'a dyn PartWrites,
    upload: &'a PartUpload,
    size: u64,
    bytes: ByteStream,
    sending: &mut FuturesUnordered<BoxFuture<'a, PortResult<PartDone>>>,
) -> PortResult<Vec<PartDone>> {
    let cut = Arc::new(Mutex::new(Cut { bytes, rest: Bytes::new(), ended: false }));
    let (mut done, mut left) = (Vec::new(), size);
    for number in 1..=upload.parts {
        let mut turn = cut.clone().lock_owned();
        let turn = loop {
            tokio::select! {
                // A part that failed has let go, too; that must not look like its end.
                biased;
                Some(sent) = sending.next(), if !sending.is_empty() => done.push(sent?),
                turn = &mut turn, if sending.len() < AT_ONCE => break turn,
            }
        };
        let length = left.min(upload.part_size);
        left -= length;
        sending.push(parts.put(&upload.id, number, length, part(turn, length)).boxed());
    }
    while let Some(sent) = sending.try_next().await? {
        done.push(sent);
    }
    if left > 0 || cut.lock().await.take(1).await?.is_some() {
        let why = format!("it was announced with {size} bytes and has more; is it still being written? Nothing was stored");
        return Err(PortError::new(PortErrorKind::Invalid, "files", "write", why));
    }
    done.sort_by_key(|part: &PartDone| part.number);
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::block_on;
    use async_trait::async_trait;
    use bellhop_core::ids::UploadId;
    use bellhop_core::ports::{FileInfo, NewFile};
    use std::collections::BTreeMap;

    /// Takes parts of ten bytes, and refuses the one of a number.
    #[derive(Default)]
    struct Taking {
        taken: std::sync::Mutex<BTreeMap<u32, Vec<u8>>>,
        refuses: u32,
    }

    #[async_trait]
    impl PartWrites for Taking {
        async fn begin(&self, _: &NewFile) -> PortResult<PartUpload> {
            unreachable!()
        }
        async fn put(&self, _: &UploadId, number: u32, size: u64, bytes: ByteStream) -> PortResult<PartDone> {
            if number == self.refuses {
                return Err(PortError::new(PortErrorKind::Full, "files", "write", "no room left"));
            }
            let all: Vec<Bytes> = bytes.try_collect().await?;
            if all.concat().len() as u64 != size {
                return Err(PortError::new(PortErrorKind::Invalid, "files", "write", "another length"));
            }
            self.taken.lock().unwrap().insert(number, all.concat());
            Ok(PartDone { number, size, checksum: None, receipt: String::new() })
        }
        async fn done(&self, _: &UploadId) -> PortResult<Vec<PartDone>> {
            unreachable!()
        }
        async fn finish(&self, _: &UploadId, _: &[PartDone]) -> PortResult<FileInfo> {
            unreachable!()
        }
        async fn abort(&self, _: &UploadId) -> PortResult<()> {
            unreachable!()
        }
    }

    fn sent(to: &Taking, size: u64, content: &[u8]) -> PortResult<Vec<PartDone>> {
        let parts = u32::try_from(size.div_ceil(10).max(1)).unwrap();
        let upload = PartUpload { id: "u".into(), part_size: 10, parts };
        let pieces: Vec<PortResult<Bytes>> = content.chunks(7).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        block_on(send(to, &upload, size, Box::pin(futures::stream::iter(pieces))))
    }

    #[test]
    fn the_parts_together_are_the_stream() {
        for length in [0_u8, 1, 9, 10, 11, 70, 99, 100, 101] {
            let content: Vec<u8> = (0..length).collect();
            let to = Taking::default();
            let done = sent(&to, length.into(), &content).unwrap();
            let numbers: Vec<u32> = done.iter().map(|part| part.number).collect();
            assert!(numbers.iter().copied().eq(1..=u32::from(length).div_ceil(10).max(1)), "{numbers:?}");
            assert_eq!(to.taken.into_inner().unwrap().into_values().flatten().collect::<Vec<u8>>(), content);
        }
    }

    #[test]
    fn another_length_and_a_failed_part_are_errors() {
        let to = Taking::default();
        for (announced, length) in [(30, 29), (30, 31), (30, 5), (30, 0), (0, 1)] {
            assert_eq!(sent(&to, announced, &vec![1; length]).unwrap_err().kind, PortErrorKind::Invalid, "{announced} {length}");
        }
        for refuses in 1..=5 {
            let to = Taking { refuses, ..Taking::default() };
            assert_eq!(sent(&to, 50, &[1; 50]).unwrap_err().kind, PortErrorKind::Full);
        }
    }
}
