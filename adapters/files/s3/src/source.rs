//! The bytes of a file on their way in: counted, checked against the announced length, and cut where a part ends.
//!
//! What becomes a part is gathered in one piece of memory from the beginning, which is used again when the part has been
//! sent: an allocator that is asked for megabytes again and again keeps more than it gives out.

use crate::checksum::Sums;
use crate::plan::HALL_MIB;
use bellhop_core::ports::{ByteStream, PortResult};
use bellhop_core::{PortError, PortErrorKind};
use bytes::Bytes;
use futures::StreamExt as _;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A stream and what of it is held.
pub(crate) struct Source {
    stream: ByteStream,
    service: String,
    operation: &'static str,
    announced: Option<u64>,
    came: u64,
    /// The beginning of what is held.
    part: Vec<u8>,
    /// What comes after it.
    held: VecDeque<Bytes>,
    /// How much both are.
    held_bytes: u64,
    spare: Spare,
    ended: bool,
    /// The checksums of what came.
    pub sums: Sums,
}

impl Source {
    pub fn new(stream: ByteStream, announced: Option<u64>, service: &str, operation: &'static str) -> Self {
        Self {
            stream,
            service: service.to_owned(),
            operation,
            announced,
            came: 0,
            part: Vec::new(),
            held: VecDeque::new(),
            held_bytes: 0,
            spare: Spare::default(),
            ended: false,
            sums: Sums::new(),
        }
    }

    /// The same, with its parts in this memory.
    pub fn within(self, spare: Spare) -> Self {
        Self { spare, ..self }
    }

    /// How many bytes came so far.
    pub fn came(&self) -> u64 {
        self.came
    }

    /// Whether everything came.
    pub fn is_ended(&self) -> bool {
        self.ended
    }

    /// Whether everything was taken.
    pub fn is_done(&self) -> bool {
        self.ended && self.held_bytes == 0
    }

    fn wrong(&self, message: String) -> PortError {
        PortError::new(PortErrorKind::Invalid, self.service.clone(), self.operation, message)
    }

    /// Reads one chunk more.
    async fn more(&mut self) -> PortResult<()> {
        let Some(chunk) = self.stream.next().await.transpose()? else {
            self.ended = true;
            return match self.announced.filter(|announced| self.came != *announced) {
                Some(announced) => {
                    let came = self.came;
                    Err(self.wrong(format!("the file was announced with {announced} bytes and {came} came; nothing was stored")))
                }
                None => Ok(()),
            };
        };
        self.came += chunk.len() as u64;
        if let Some(announced) = self.announced.filter(|announced| self.came > *announced) {
            let message =
                format!("the file was announced with {announced} bytes and has more; nothing was stored. Is it still being written?");
            return Err(self.wrong(message));
        }
        self.sums.update(&chunk);
        self.held_bytes += chunk.len() as u64;
        if !chunk.is_empty() {
            self.held.push_back(chunk);
        }
        Ok(())
    }

    /// Reads until more than `size` bytes are held, or everything: so that it is known whether these are the last. Can be
    /// dropped and called again.
    pub async fn fill(&mut self, size: u64) -> PortResult<()> {
        self.gather(size);
        while !self.ended && self.held_bytes <= size {
            self.more().await?;
            self.gather(size);
        }
        Ok(())
    }

    /// The next chunk, at most `most` bytes of it; `None` at the end.
    pub async fn next(&mut self, most: u64) -> PortResult<Option<Bytes>> {
        while !self.ended && self.held_bytes == 0 {
            self.more().await?;
        }
        Ok(self.pop(most))
    }

    /// Moves what is held to where the part is gathered, until that has `size` bytes.
    fn gather(&mut self, size: u64) {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        while self.part.len() < size {
            let Some(chunk) = self.held.front_mut() else { break };
            if self.part.capacity() == 0 {
                self.part = self.spare.one();
            }
            let moved = chunk.split_to(chunk.len().min(size - self.part.len()));
            if chunk.is_empty() {
                self.held.pop_front();
            }
            if self.part.capacity() - self.part.len() < moved.len() {
                // Doubling would take more than there ever is to come.
                self.part.reserve_exact((size - self.part.len()).min(self.part.len().max(moved.len())));
            }
            self.part.extend_from_slice(&moved);
        }
    }

    /// What was gathered, as the first chunk that is held.
    fn give_back(&mut self) {
        if !self.part.is_empty() {
            let part = self.spare.lend(std::mem::take(&mut self.part));
            self.held.push_front(part);
        }
    }

    fn pop(&mut self, most: u64) -> Option<Bytes> {
        self.give_back();
        let chunk = self.held.front_mut()?;
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let taken = if chunk.len() <= most { self.held.pop_front()? } else { chunk.split_to(most) };
        self.held_bytes -= taken.len() as u64;
        Some(taken)
    }

    /// Takes at most `size` of the held bytes, as one.
    pub fn take(&mut self, size: u64) -> Bytes {
        let size = size.min(self.held_bytes);
        if self.part.len() as u64 > size {
            return self.pop(size).unwrap_or_default();
        }
        self.gather(size);
        self.held_bytes -= size;
        self.spare.lend(std::mem::take(&mut self.part))
    }
}

/// Memory of parts that were sent.
#[derive(Clone, Default)]
pub(crate) struct Spare(Arc<Mutex<Vec<Vec<u8>>>>);

/// What single parts are held in while they are sent, whoever sends them: so much at most, and the same again and again as long
/// as some are on their way.
pub(crate) struct Hall {
    room: Arc<Semaphore>,
    spare: Mutex<Weak<Mutex<Vec<Vec<u8>>>>>,
}

/// A place in it.
pub(crate) struct Taken {
    pub spare: Spare,
    // Given back with this.
    _room: OwnedSemaphorePermit,
}

impl Default for Hall {
    fn default() -> Self {
        Self { room: Arc::new(Semaphore::new(HALL_MIB as usize)), spare: Mutex::default() }
    }
}

impl Hall {
    /// Waits until there is room for so many bytes.
    pub async fn take(&self, size: u64) -> Option<Taken> {
        let wanted = u32::try_from(size.div_ceil(1 << 20)).unwrap_or(u32::MAX).clamp(1, HALL_MIB);
        // The semaphore is never closed.
        let room = self.room.clone().acquire_many_owned(wanted).await.ok()?;
        let mut known = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        let spare = known.upgrade().unwrap_or_default();
        *known = Arc::downgrade(&spare);
        Some(Taken { spare: Spare(spare), _room: room })
    }
}

/// A part's memory, which goes back when nobody has it any more.
struct Lent {
    bytes: Vec<u8>,
    home: Spare,
}

impl Spare {
    fn one(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    fn lend(&self, bytes: Vec<u8>) -> Bytes {
        Bytes::from_owner(Lent { bytes, home: self.clone() })
    }
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        self.home.0.lock().unwrap_or_else(PoisonError::into_inner).push(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::executor::block_on;

    fn source(parts: &[&'static str], announced: Option<u64>) -> Source {
        let chunks: Vec<_> = parts.iter().map(|part| Ok(Bytes::from_static(part.as_bytes()))).collect();
        Source::new(Box::pin(futures::stream::iter(chunks)), announced, "files.s3", "write")
    }

    #[test]
    fn parts_are_cut_where_they_end() {
        let mut source = source(&["ab", "", "cdefg", "h"], Some(8));
        for part in ["abc", "def", "gh"] {
            assert!(!source.is_done());
            block_on(source.fill(3)).unwrap();
            assert_eq!(source.take(3), part);
        }
        assert!(source.is_done() && source.came() == 8);
        assert_eq!(source.sums.crc64nvme(), Sums::of(b"abcdefgh").crc64nvme());
    }

    #[test]
    fn the_end_is_known_when_the_last_part_is_full() {
        let mut source = source(&["abc"], None);
        block_on(source.fill(3)).unwrap();
        assert_eq!(source.take(3), "abc");
        assert!(source.is_done());
    }

    #[test]
    fn chunks_pass_one_by_one() {
        let mut source = source(&["abc", "de"], None);
        let mut next = |most| block_on(source.next(most)).unwrap();
        assert_eq!((next(2).unwrap(), next(9).unwrap(), next(9).unwrap(), next(9)), ("ab".into(), "c".into(), "de".into(), None));
    }

    #[test]
    fn memory_is_used_again_and_parts_stay_what_they_are() {
        let mut source = source(&["abc", "def", "ghi", "jklm"], None);
        block_on(source.fill(6)).unwrap();
        let first = source.take(6);
        let place = first.as_ptr();
        drop(first);
        block_on(source.fill(6)).unwrap();
        // What was gathered can still be taken in smaller pieces.
        assert_eq!(source.take(2), "gh");
        assert_eq!(block_on(source.next(3)).unwrap().unwrap(), "ijk");
        assert_eq!(block_on(source.next(3)).unwrap().unwrap(), "l");
        assert_eq!(source.take(9), "m");
        block_on(source.fill(1)).unwrap();
        assert!(source.is_done() && source.take(1).is_empty());
        assert!(source.spare.0.lock().unwrap().iter().any(|spare| spare.as_ptr() == place), "the memory is gone");
    }

    #[test]
    fn single_parts_have_so_much_room_together_and_use_it_again() {
        let hall = Hall::default();
        let take = |size| block_on(hall.take(size)).unwrap();
        let lent = |taken: &Taken, bytes: Vec<u8>| taken.spare.lend(bytes).as_ptr();
        let taken: Vec<Taken> = (0..4).map(|_| take(8 << 20)).collect();
        assert!(futures::FutureExt::now_or_never(hall.take(1)).is_none(), "there is room for more");
        let place = lent(&taken[0], vec![1; 100]);
        let again = taken[3].spare.one();
        assert_eq!(again.as_ptr(), place);
        drop(taken);
        // When none is on its way nothing is kept.
        let large = take(1 << 40);
        assert!(large.spare.0.lock().unwrap().is_empty() && futures::FutureExt::now_or_never(hall.take(0)).is_none());
    }

    #[test]
    fn another_length_is_told() {
        for (announced, why) in [(3, "and has more"), (9, "announced with 9 bytes and 5 came")] {
            let error = block_on(source(&["abcde"], Some(announced)).fill(100)).unwrap_err();
            assert!(error.kind == PortErrorKind::Invalid && error.message.contains(why), "{error}");
        }
    }
}
