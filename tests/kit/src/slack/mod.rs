//! A strict Slack on loopback, for tests: it speaks the vendor's wire, refuses what Slack refuses, keeps Slack's limits, remembers
//! what was done, and can be told to misbehave. It knows nothing of the bot's code: what it knows of Slack stands in the
//! vendor's reference, <https://docs.slack.dev>.
//!
//! ```ignore
//! let world = SlackWorld::start().await?;                 // or start_with(Settings { .. })
//! // The bot gets world.api_url(), world.bot_token(), and world.app_token() or world.signing_secret(); then
//! world.deliver_over_http(&url);                          // or world.deliver_over_sockets()
//! let ann = world.person("ann");
//! ann.slash("/bellhop file list", "#ops").await?;
//! ann.sees("#ops");                                       // Vec<Seen>: text, buttons, links, whom it pinged, files
//! ann.click(&seen, "Ack").await?;                         // then ann.modal(), ann.fill(..), ann.suggest(..), ann.submit()
//! world.behave(Behaviour { lose_percent: 2, ..Behaviour::default() });
//! assert!(world.ledger().early.is_empty());               // calls before a Retry-After ended
//! ```
//!
//! - [`Settings`]: workspaces, people, channels, scopes, subscriptions, limits, the clock.
//! - [`SlackWorld`]: addresses and secrets; people and channels; what happens to them (`happenings`); behaviour; ledger;
//!   deliveries, forged ones too; sockets (`sockets`, `disconnect`, `close_socket`, `reset_socket`, `silence_socket`); OAuth
//!   (`authorize`); `observe` for the conformance suite.
//! - [`Person`]: `slash`, `say`, `reply`, `mention`, `dm`, `upload`, `edit`; `click`, `choose`, `shortcut`, `message_shortcut`;
//!   `modal`, `fill`, `suggest`, `press`, `submit`, `dismiss`; `open_home`, `home`, `press_home`; `sees`, `hears`,
//!   `notifications`.
//!
//! What a person does returns when the app has acknowledged; what comes of it is waited for with [`crate::wait`].

mod api;
mod args;
mod blocks;
mod delivery;
mod events;
mod happenings;
mod hosting;
mod ledger;
mod limits;
mod link;
mod mentions;
mod methods;
mod person;
mod reading;
mod records;
mod response_url;
mod seen;
mod server;
mod settings;
mod socket;
mod state;
mod time;
mod world;

pub use crate::http::Answer;
pub use crate::machine::MachineClock;
pub use crate::time::QuickClock;
pub use delivery::{Delivery, Forgery, Kind, Taken, signature};
pub use ledger::{Behaviour, Ledger};
pub use person::{Person, Pressed, Submitted};
pub use seen::{Seen, SeenView};
pub use settings::{ChannelSpec, EVENTS, Limits, PersonSpec, SCOPES, Settings, WorkspaceSpec};
pub use socket::{Acknowledged, SocketEvent};
pub use world::SlackWorld;
