//! The tasks of a running bot: what works off queues, and what listens.

use super::App;
use crate::housekeeping::{self, LeftOver};
use crate::inbox::InboxWorker;
use crate::listening;
use crate::outbox::{Hands, Outbox};
use crate::schedule::Scheduler;
use crate::sources::{FeedPace, Feeder};
use crate::tasks::Tasks;
use crate::watch::Watcher;
use bellhop_catalog::WatchBook;
use std::sync::Arc;

impl App {
    pub(super) fn feeder(&self) -> Feeder {
        let pace = FeedPace { poll: self.options.pace.poll.max(self.options.feeding.poll), ..self.options.feeding };
        Feeder::new(self.store.clone(), self.options.clock.clone(), self.instance.clone(), self.fed.clone(), pace)
    }

    pub(super) fn outbox(&self) -> Outbox {
        Outbox::new(
            self.store.clone(),
            self.options.clock.clone(),
            Hands {
                chats: self.chats.clone(),
                stores: self.stores.clone(),
                links: self.links.clone(),
                waiting: self.waiting.clone(),
                own: self.own.clone(),
                own_use: self.own_use,
            },
            self.instance.clone(),
            self.options.pace,
        )
    }

    pub(super) fn start_workers(&self, tasks: &Tasks) {
        let (clock, poll) = (self.options.clock.clone(), self.options.pace.poll);
        tasks.start("outbox", self.outbox().run(tasks.clone()));
        let worker = InboxWorker {
            store: self.store.clone(),
            dispatch: self.dispatch.clone(),
            owner: self.instance.clone(),
            poll,
            calls: self.calls.clone(),
            clock: clock.clone(),
            lease: crate::inbox::LEASE,
        };
        tasks.start("inbox", worker.run(tasks.clone()));
        let left_over = LeftOver { calls: self.calls.clone(), stores: self.stores.clone(), clock: clock.clone() };
        tasks.start("alerts", self.engine.clone().run(self.instance.clone(), poll, tasks.clone()));
        tasks.start("expiry", self.engine.clone().expire(tasks.clone()));
        tasks.start("places", self.waiting.clone().find_all(tasks.stop()));
        tasks.start("schedules", Scheduler::new(self.store.clone(), self.inbox.clone(), clock.clone()).run(tasks.clone()));
        let book = WatchBook::new(Arc::new(self.store.clone()));
        let watcher = Watcher::new(book, self.sources.clone(), self.engine.clone(), clock, self.instance.clone());
        tasks.start("watches", watcher.run(tasks.clone()));
        tasks.start("housekeeping", housekeeping::keep(self.store.clone(), self.options.pace.quarantine, left_over, tasks.clone()));
        tasks.start("tidying", housekeeping::tidy(self.stores.clone(), tasks.clone()));
    }

    pub(super) fn start_chats(&self, tasks: &Tasks) {
        let commands: Vec<_> = self.registry.all().cloned().collect();
        for chat in self.chats.all() {
            let (chat, commands, stop) = (chat.clone(), commands.clone(), tasks.stop());
            let (own, patience) = (self.own.clone(), self.options.patience);
            tasks.start("chat", async move {
                if let Err(error) = chat.announce(&commands).await {
                    tracing::warn!(chat = %chat.name(), %error, "the commands could not be announced");
                }
                listening::listen(chat, own, stop, patience).await;
            });
        }
    }
}
