//! The vocabulary of Bellhop: what a command is, what a card is, and what the outside must be able to do.
//!
//! Nothing here reads a file, opens a socket, asks the clock or names a chat platform or a vendor. What the bot
//! can do (`commands/catalog`) and how it reaches the world (`adapters/*`) are both written in these words.

pub mod access;
pub mod address;
pub mod alert;
pub mod analytics;
pub mod call;
pub mod capabilities;
pub mod card;
pub mod chart;
pub mod clock;
pub mod command;
pub mod download;
pub mod error;
pub mod fit;
pub mod form;
pub mod grammar;
pub mod ids;
pub mod moment;
pub mod nearest;
pub mod period;
pub mod plain;
pub mod ports;
pub mod registry;
pub mod text;
pub mod tokenise;
pub mod watch;

pub use access::{Access, Effect};
pub use address::{Address, Lane, PlaceRef, UserRef};
pub use call::{Attachment, Audience, Call, Caller, Invoke, Reply};
pub use capabilities::Capabilities;
pub use card::{Action, Block, Card, Span, Tone};
pub use clock::{Clock, Ids, Timestamp};
pub use command::{About, Args, Command};
pub use error::{CommandError, PortError, PortErrorKind, Retry};
pub use registry::Registry;
