//! A folder as a file store, with versions.
//!
//! ```text
//! ROOT/files/NAME                  what each name gives now, under its own name, for anyone who looks into the folder
//! ROOT/.bellhop/versions/XX/KEY/   the versions of one name: N (its bytes) and N.json (what is known about them)
//! ROOT/.bellhop/tmp/               files on their way in; what a crash left there is removed at the next start
//! ROOT/.bellhop/lock               held for the moment in which a change is published
//! ```
//!
//! - A name maps to a path that no name can leave ([`cap_std`] opens everything below ROOT, and symbolic links are not
//!   followed at all). `a` and `a/b` can both exist; what a file system can't hold is written with `%` (`segment`).
//! - A write goes to a temporary file, is flushed, and takes its name by an atomic rename. Its bytes are linked, not
//!   copied, into the versions, so that the newest version costs no room.
//! - Which version a name gives is not noted anywhere: it is the one whose length and time of change the file has. So a
//!   crash between two steps leaves nothing to repair, and a file that was changed by hand is served as it is: it
//!   becomes a version of its own when it is next looked at.
//! - Several processes may use one folder at the same time.
//!
//! It deliberately does not: encrypt, cache, watch the folder, or limit how much it holds.

mod config;
mod folder;
mod history;
mod incoming;
mod listing;
mod segment;
mod store;
mod tree;

pub use config::LocalConfig;
pub use store::LocalStore;
