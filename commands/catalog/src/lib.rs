//! What the bot can do: one file per command, and one list of them.
//!
//! A command is a struct with the few ports it uses, typed arguments and a `run`. It says what is so or what was done; it
//! doesn't word failures (that is the bot's, in one place), send anything by itself, or know any chat platform or vendor.

mod alert;
mod analytics;
mod approve;
mod audit;
mod backup;
mod bucket;
mod cancel;
mod channel;
mod file;
mod help;
mod hook;
mod meet;
mod outbox;
mod parts;
mod role;
mod schedule;
mod services;
mod status;
mod usage;
mod watch;
mod wording;

pub use alert::card::alert_card;
pub use analytics::sample::events as sample_events;
pub use backup::archive;
pub use file::copy::tidy as tidy_transfers;
pub use schedule::cron::{CronLine, next_runs};
pub use services::Services;
pub use watch::{Kept, WatchBook};

use bellhop_core::Registry;
use bellhop_core::command::{AnyCommand, Command, Registered};
use std::sync::{Arc, Weak};

/// All commands, with the services they use.
#[must_use]
#[expect(clippy::needless_pass_by_value, reason = "the commands keep what they need of the services, and the caller is not to")]
pub fn registry(services: Services) -> Arc<Registry> {
    Arc::new_cyclic(|registry| Registry::new(list(&services, registry)))
}

/// The list: one line per command. Some need the list itself, which isn't whole before it is made: they hold it weakly.
fn list(s: &Services, registry: &Weak<Registry>) -> Vec<Arc<dyn AnyCommand>> {
    vec![
        command(help::Help::new(registry)),
        command(status::Status::new(s)),
        command(file::put::Put::new(s)),
        command(file::get::Get::new(s)),
        command(file::list::List::new(s)),
        command(file::browse::Browse::new(s, registry)),
        command(file::info::Info::new(s)),
        command(file::versions::Versions::new(s)),
        command(file::restore::Restore::new(s)),
        command(file::share::Share::new(s)),
        command(file::links::GivenLinks::new(s)),
        command(file::unshare::Unshare::new(s)),
        command(file::tag::Tag::new(s)),
        command(file::store::Store::new(s)),
        command(file::copy::Copy::new(s)),
        command(file::r#move::Move::new(s)),
        command(file::delete::Delete::new(s)),
        command(backup::Backup::new(s)),
        command(bucket::list::List::new(s)),
        command(bucket::create::Create::new(s)),
        command(bucket::delete::Delete::new(s)),
        command(bucket::info::Info::new(s)),
        command(bucket::versioning::Versioning::new(s)),
        command(bucket::lifecycle::Lifecycle::new(s)),
        command(bucket::encryption::Encryption::new(s)),
        command(bucket::access::Access::new(s)),
        command(analytics::report::Report::new(s, registry)),
        command(analytics::segment::Segment::new(s, registry)),
        command(analytics::funnel::Funnels::new(s, registry)),
        command(analytics::retention::Retained::new(s, registry)),
        command(analytics::cohort::Cohorts::new(s)),
        command(analytics::revenue::Takings::new(s, registry)),
        command(analytics::saved::List::new(s)),
        command(analytics::saved::Remove::new(s)),
        command(analytics::person::People::new(s)),
        command(analytics::track::Track::new(s)),
        command(analytics::sample::Sample::new(s)),
        command(analytics::source::Show::new(s)),
        command(analytics::source::SavedReport::new(s)),
        command(analytics::source::Export::new(s)),
        command(alert::list::List::new(s)),
        command(alert::show::Show::new(s)),
        command(alert::ack::Ack::new(s)),
        command(alert::raise::Raise::new(s)),
        command(alert::unack::Unack::new(s)),
        command(alert::resolve::Resolve::new(s)),
        command(channel::list::List::new(s)),
        command(channel::create::Create::new(s)),
        command(channel::archive::Archive::new(s)),
        command(channel::delete::Delete::new(s)),
        command(channel::unarchive::Unarchive::new(s)),
        command(channel::rename::Rename::new(s)),
        command(channel::topic::Topic::new(s)),
        command(channel::purpose::Purpose::new(s)),
        command(channel::join::Join::new(s)),
        command(channel::invite::Invite::new(s)),
        command(channel::post::Post::new(s, registry)),
        command(meet::create::Create::new(s)),
        command(meet::list::List::new(s)),
        command(meet::change::Change::new(s)),
        command(meet::cancel::Cancel::new(s)),
        command(hook::create::Create::new(s)),
        command(hook::list::List::new(s)),
        command(hook::test::Test::new(s)),
        command(hook::logs::Logs::new(s)),
        command(hook::delete::Delete::new(s)),
        command(schedule::add::Add::new(s, registry)),
        command(schedule::list::List::new(s)),
        command(schedule::remove::Remove::new(s)),
        command(watch::add::Add::new(s)),
        command(watch::list::List::new(s)),
        command(watch::test::Test::new(s)),
        command(watch::pause::Pause::new(s)),
        command(watch::resume::Resume::new(s)),
        command(watch::remove::Remove::new(s)),
        command(outbox::list::List::new(s)),
        command(outbox::retry::Retry::new(s)),
        command(outbox::events::Events::new(s)),
        command(outbox::resend::Resend::new(s)),
        command(audit::Audit::new(s)),
        command(usage::Usage::new(s)),
        command(role::explain::Explain::new(s, registry)),
        command(role::list::List::new(s)),
        command(approve::Approve::new(s)),
        command(approve::Decline::new(s)),
        command(cancel::Cancel::new(s)),
    ]
}

fn command<C: Command>(command: C) -> Arc<dyn AnyCommand> {
    Arc::new(Registered::new(command))
}

#[cfg(test)]
mod tests;
