//! Which files a prefix means, and what the target has of them: both listings are read side by side, since both are in byte
//! order, so that no file has to be looked up by itself. Copying begins while they are still being read.

use super::Ends;
use super::job::{Item, Job, TRIES, There, Trouble};
use bellhop_core::ports::{FileInfo, FilePage, FileStore, PortResult};
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::sync::mpsc::Sender;

/// How many names are asked for at once.
const PAGE: usize = 1000;
/// How many names of the target that the source doesn't have are read past, more than ten for each of the source's, before
/// files are looked up one by one instead.
const STRANGERS: u64 = 20_000;

/// The files under a prefix, one after the other.
struct Listing {
    store: Arc<dyn FileStore>,
    prefix: String,
    page: VecDeque<FileInfo>,
    next: Option<String>,
    ended: bool,
}

impl Listing {
    fn new(store: &Arc<dyn FileStore>, prefix: &str) -> Self {
        Self { store: store.clone(), prefix: prefix.to_owned(), page: VecDeque::new(), next: None, ended: false }
    }

    async fn peek(&mut self, job: &Job) -> Result<Option<&FileInfo>, Trouble> {
        while self.page.is_empty() && !self.ended {
            let page = self.fetch(job).await?;
            self.ended = page.next.is_none();
            self.next = page.next;
            self.page = page.files.into();
        }
        Ok(self.page.front())
    }

    async fn take(&mut self, job: &Job) -> Result<Option<FileInfo>, Trouble> {
        self.peek(job).await?;
        Ok(self.page.pop_front())
    }

    async fn fetch(&self, job: &Job) -> Result<FilePage, Trouble> {
        for tried in 1.. {
            let page: PortResult<FilePage> = self.store.list(&self.prefix, self.next.as_deref(), PAGE).await;
            let trouble = match page {
                Ok(page) => return Ok(page),
                Err(error) => Trouble::from(error),
            };
            match trouble.pause(tried).filter(|_| tried < TRIES) {
                Some(pause) if job.pause(pause).await => {}
                Some(_) => return Err(Trouble::Stopped),
                None => return Err(trouble),
            }
        }
        Err(Trouble::Stopped)
    }
}

/// Sends every file of the prefix, with what the target has under its name, and plans it.
pub(super) async fn list(job: &Job, ends: (String, String), into: &Sender<Item>) -> Result<(), Trouble> {
    let (from, to) = ends;
    let mut source = Listing::new(&job.ports.from, &from);
    let mut target = Some(Listing::new(&job.ports.to, &to));
    let (mut met, mut strangers) = (0_u64, 0_u64);
    while let Some(file) = source.take(job).await? {
        let name = format!("{to}{}", &file.name[from.len()..]);
        met += 1;
        let mut there = There::Unknown;
        if let Some(listing) = &mut target {
            match beside(job, listing, &name, &mut strangers, STRANGERS + 10 * met).await {
                Ok(found) => there = found,
                Err(Trouble::Stopped) => return Err(Trouble::Stopped),
                // Someone may be allowed to write and not to list.
                Err(_) => {}
            }
            if matches!(there, There::Unknown) {
                target = None;
            }
        }
        job.meter.plan(file.size);
        if into.send(Item { from: file, to: name, there }).await.is_err() {
            return Ok(());
        }
    }
    job.meter.planned();
    Ok(())
}

/// What the target has under this name, past those that come before; unknown when these are too many.
async fn beside(job: &Job, target: &mut Listing, name: &str, strangers: &mut u64, most: u64) -> Result<There, Trouble> {
    while let Some(next) = target.peek(job).await? {
        if next.name.as_str() >= name {
            let same = next.name == name;
            let found = if same { target.take(job).await? } else { None };
            return Ok(There::Known(found.map(Box::new)));
        }
        target.page.pop_front();
        *strangers += 1;
        if *strangers > most {
            return Ok(There::Unknown);
        }
    }
    Ok(There::Known(None))
}

/// The two prefixes.
pub(super) fn prefixes(ends: &Ends) -> (String, String) {
    (ends.from.name.clone(), ends.to.name.clone())
}
