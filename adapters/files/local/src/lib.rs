//! A folder as a file store, with versions, buckets, encryption, lifecycle and uploads in parts.
//!
//! ```text
//! ROOT/files/NAME                   what each name gives now, under its own name, for anyone who looks into the folder
//! ROOT/.bellhop/versions/XX/KEY/    the versions of one name: N (its bytes) and N.json (what is known about them)
//! ROOT/.bellhop/uploads/ID/         uploads in parts that are not finished
//! ROOT/.bellhop/tmp/                files on their way in; what a crash left there is removed now and then
//! ROOT/.bellhop/settings.json       what commands set: versions, lifecycle, encryption, access policies
//! ROOT/.bellhop/lock                held for the moment in which a change is published
//! ROOT/.bellhop/numbers             the highest number of versions of which nothing is left
//! ROOT/buckets/NAME/                another bucket, laid out as ROOT is
//! ```
//!
//! - A name maps to a path that no name can leave ([`cap_std`] opens everything below ROOT, and symbolic links are not
//!   followed at all). `a` and `a/b` can both exist; what a file system can't hold is written with `%` (`segment`).
//! - A write goes to a temporary file, is flushed, and takes its name by an atomic rename. Its bytes are linked, not
//!   copied, into the versions, so that the newest version costs no room.
//! - Which version a name gives is not noted anywhere: it is the one whose length and time of change the file has. So a
//!   crash between two steps leaves nothing to repair, and a file that was changed by hand is served as it is: it
//!   becomes a version of its own when it is next looked at.
//! - What is encrypted says so itself (`sealed`), and lies under its own name too.
//! - Several processes may use one folder at the same time.
//!
//! It deliberately does not: cache, watch the folder, or limit how much it holds.

mod buckets;
mod changes;
mod config;
mod finishing;
mod folder;
mod history;
mod house;
mod incoming;
mod keys;
mod lifecycle;
mod listing;
mod parts;
mod reading;
mod record;
mod sealed;
mod segment;
mod settings;
mod store;
#[cfg(test)]
mod testing;
mod tidy;
mod tree;
mod uploads;

pub use config::{FileKey, LocalConfig};
pub use store::LocalStore;
