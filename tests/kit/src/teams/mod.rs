//! A strict Microsoft Teams on loopback, for tests: the connector, the token service, the keys, Graph, drives, calendars and webhooks
//! of Workflows, as far as a bot sees them. It speaks the vendor's wire, refuses what the vendor refuses, keeps the documented limits,
//! remembers what was done, and can be told to misbehave. It knows nothing of the bot's code: what it knows of Teams stands in the
//! vendor's pages, <https://learn.microsoft.com/microsoftteams/platform/>.
//!
//! ```ignore
//! let world = TeamsWorld::start().await?;                 // or start_with(Settings { .. })
//! // The bot's configuration gets world.config() under [chat.work]; then
//! world.deliver_to(&format!("{bot}/chat/work"));
//! let ann = world.person("ann");
//! ann.mention("#ops", "file list").await?;                // or ann.dm("file list"), ann.slash("/file list", "#ops")
//! ann.hears("#ops");                                      // Vec<Seen>: text, buttons, links, whom it pinged, files
//! ann.click(&seen, "Ack").await?;                         // then ann.dialog(), ann.fill(..), ann.suggest(..), ann.submit(..)
//! world.behave(Behaviour { lose_percent: 2, ..Behaviour::default() });
//! assert_eq!(world.ledger().wrongs(), Vec::<String>::new());
//! ```
//!
//! - [`Settings`]: people, teams, channels, chats, permissions, limits, the clock.
//! - [`TeamsWorld`]: addresses and secrets; what happens (`install`, `rename_channel`, `rotate_keys`, `consent`, ...); behaviour;
//!   ledger; deliveries, forged ones too (`send` with a [`Forgery`]); `observe` for the conformance suite.
//! - [`Person`]: `say`, `mention`, `dm`, `reply`, `slash`, `edit`, `remove`, `react`; `upload`, `paste`, `accept_file`,
//!   `decline_file`; `enter`, `click`, `refresh`; `dialog`, `fill`, `suggest`, `submit`, `dismiss`; `extension`; `sees`, `hears`,
//!   `notifications`.
//!
//! What a person does returns when the app has answered; what comes of it is waited for with [`crate::wait`].

mod activities;
mod call;
mod cards;
mod connector;
mod delivery;
mod files;
mod graph;
mod happenings;
mod ids;
mod keys;
mod ledger;
mod limits;
mod markdown;
mod person;
mod records;
mod seen;
mod server;
mod settings;
mod state;
mod tokens;
mod workflows;
mod world;

pub use crate::http::Answer;
pub use crate::machine::MachineClock;
pub use crate::time::QuickClock;
pub use delivery::{Delivery, Taken};
pub use keys::{CERTIFICATE, Forgery, ISSUER, PRIVATE_KEY};
pub use ledger::{Behaviour, Ledger};
pub use person::{Person, Pressed, Submitted};
pub use seen::{Seen, SeenView};
pub use settings::{ChannelSpec, ChatSpec, Limits, PERMISSIONS, PersonSpec, Settings, TeamSpec};
pub use world::TeamsWorld;
