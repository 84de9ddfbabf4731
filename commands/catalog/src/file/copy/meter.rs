//! How far a copy is: bytes and files, of how many, as they become known. It asks no clock; whoever shows it works out rates.

use crate::wording::count;
use bellhop_core::card::Progress;
use bellhop_core::ports::ByteStream;
use futures::{StreamExt as _, TryStreamExt as _};
use sha2::{Digest as _, Sha256};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// It is said after every so many bytes, and after every file.
const STEP: u64 = 1 << 20;

/// The figures of one copy.
pub(super) struct Meter {
    say: Arc<dyn Fn(Progress) + Send + Sync>,
    what: String,
    many: bool,
    bytes: AtomicU64,
    files: AtomicU64,
    planned_bytes: AtomicU64,
    planned_files: AtomicU64,
    /// Whether everything is planned.
    whole: AtomicBool,
    said: AtomicU64,
}

/// How many files and bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Amount {
    pub files: u64,
    pub bytes: u64,
}

impl Meter {
    pub fn new(say: Arc<dyn Fn(Progress) + Send + Sync>, what: String, many: bool) -> Self {
        Self {
            say,
            what,
            many,
            bytes: AtomicU64::new(0),
            files: AtomicU64::new(0),
            planned_bytes: AtomicU64::new(0),
            planned_files: AtomicU64::new(0),
            whole: AtomicBool::new(false),
            said: AtomicU64::new(0),
        }
    }

    /// Whether there may be many files.
    pub fn many(&self) -> bool {
        self.many
    }

    /// One more file is to be copied.
    pub fn plan(&self, size: u64) {
        self.planned_bytes.fetch_add(size, Ordering::Relaxed);
        self.planned_files.fetch_add(1, Ordering::Relaxed);
    }

    /// Everything is planned.
    pub fn planned(&self) {
        self.whole.store(true, Ordering::Relaxed);
        self.say();
    }

    /// What is planned, once that is everything.
    pub fn whole(&self) -> Option<Amount> {
        self.whole.load(Ordering::Relaxed).then(|| Amount {
            files: self.planned_files.load(Ordering::Relaxed),
            bytes: self.planned_bytes.load(Ordering::Relaxed),
        })
    }

    /// A file is over, whatever came of it.
    pub fn ended(&self) {
        self.files.fetch_add(1, Ordering::Relaxed);
        self.say();
    }

    /// Something goes on that isn't counted.
    pub fn say(&self) {
        let bytes = self.bytes.load(Ordering::Relaxed);
        self.said.store(bytes, Ordering::Relaxed);
        let total = self.whole().map(|whole| whole.bytes);
        let mut progress = Progress::bytes(self.what.clone(), bytes, total.filter(|total| *total > 0));
        if self.many {
            let grouped = |number: u64| bellhop_core::text::grouped(i64::try_from(number).unwrap_or(i64::MAX));
            let files = count(usize::try_from(self.planned_files.load(Ordering::Relaxed)).unwrap_or(usize::MAX), "file");
            let found = if total.is_some() { "" } else { " found so far" };
            progress = progress.also(format!("{} of {files}{found}", grouped(self.files.load(Ordering::Relaxed))));
        }
        (self.say)(progress);
    }

    /// Something else is to be shown for now.
    pub fn say_instead(&self, progress: Progress) {
        (self.say)(progress);
    }

    fn add(&self, bytes: u64) {
        let now = self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if now.saturating_sub(self.said.load(Ordering::Relaxed)) >= STEP {
            self.say();
        }
    }
}

/// The bytes of one file, as far as they count.
pub(super) struct FileMeter {
    meter: Arc<Meter>,
    counted: AtomicU64,
    /// The file's, where this is that of a part.
    above: Option<Arc<FileMeter>>,
}

impl FileMeter {
    pub fn new(meter: &Arc<Meter>) -> Arc<Self> {
        Arc::new(Self { meter: meter.clone(), counted: AtomicU64::new(0), above: None })
    }

    /// One for a part of this file.
    pub fn below(above: &Arc<Self>) -> Arc<Self> {
        Arc::new(Self { meter: above.meter.clone(), counted: AtomicU64::new(0), above: Some(above.clone()) })
    }

    pub fn add(&self, bytes: u64) {
        self.counted.fetch_add(bytes, Ordering::Relaxed);
        match &self.above {
            Some(above) => above.add(bytes),
            None => self.meter.add(bytes),
        }
    }

    /// These have to be sent again.
    pub fn take_back(&self, bytes: u64) {
        self.counted.fetch_sub(bytes, Ordering::Relaxed);
        match &self.above {
            Some(above) => above.take_back(bytes),
            None => {
                self.meter.bytes.fetch_sub(bytes, Ordering::Relaxed);
            }
        }
    }

    /// None of them counts.
    pub fn take_all_back(&self) {
        self.take_back(self.counted.load(Ordering::Relaxed));
    }

    /// All of the file counts, however it got there.
    pub fn whole(&self, size: u64) {
        self.take_all_back();
        self.add(size);
    }
}

/// What has passed of a stream.
#[derive(Clone, Default)]
pub(super) struct Passed {
    sum: Arc<Mutex<Sha256>>,
    bytes: Arc<AtomicU64>,
}

impl Passed {
    /// The SHA-256 of it, in hexadecimal.
    pub fn sum(&self) -> String {
        hex::encode(self.sum.lock().unwrap_or_else(PoisonError::into_inner).clone().finalize())
    }

    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

/// The same bytes, counted and summed as they pass.
pub(super) fn watched(bytes: ByteStream, meter: Option<Arc<FileMeter>>) -> (ByteStream, Passed) {
    let passed = Passed::default();
    let into = passed.clone();
    let bytes = bytes.inspect_ok(move |chunk| {
        into.sum.lock().unwrap_or_else(PoisonError::into_inner).update(chunk);
        into.bytes.fetch_add(chunk.len() as u64, Ordering::Relaxed);
        if let Some(meter) = &meter {
            meter.add(chunk.len() as u64);
        }
    });
    (bytes.boxed(), passed)
}
