//! A strict Discord on loopback, for tests: it speaks the vendor's wire (REST v10, gateway, signed interactions, CDN), refuses
//! what Discord refuses, keeps Discord's limits, remembers what was done, and can be told to misbehave. It knows nothing of the
//! bot's code: what it knows of Discord stands in the vendor's reference, <https://docs.discord.com/developers>.
//!
//! ```ignore
//! let world = DiscordWorld::start().await?;                // or start_with(Settings { .. })
//! // The bot gets world.api_url(), world.bot_token(), world.application_id(), world.public_key(); then
//! world.deliver_over_http(&url);                           // interactions by signed HTTP; by the gateway otherwise
//! let ann = world.person("ann");
//! ann.slash("/file get name:notes.txt", "#ops").await?;
//! ann.sees("#ops");                                        // Vec<Seen>: text, buttons, links, whom it pinged, files
//! ann.click(&seen, "Ack").await?;                          // then ann.modal(), ann.fill(..), ann.submit()
//! world.behave(Behaviour { lose_percent: 2, ..Behaviour::default() });
//! assert!(world.ledger().violations().is_empty());         // calls before a reset, identifies, bad bodies
//! ```
//!
//! - [`Settings`]: guilds, people, channels, roles, permissions, limits, gateway, the clock.
//! - [`DiscordWorld`]: addresses and secrets; people and channels; a second bot; what happens to them (`happenings`); behaviour;
//!   ledger; deliveries, forged ones too; gateway sessions (`sessions`, `reconnect`, `invalidate`, `close`, `reset`, `silence`);
//!   `observe` for the conformance suite.
//! - [`Person`]: `slash`, `suggest`, `say`, `reply`, `mention`, `dm`, `upload`, `edit`, `react`; `click`, `choose`,
//!   `message_command`, `user_command`; `modal`, `fill`, `submit`, `dismiss`; `sees`, `hears`, `notifications`.
//!
//! What a person does returns when the app has responded; what comes of it is waited for with [`crate::wait`].

mod api;
mod cdn;
mod check;
mod delivery;
mod gateway;
mod happenings;
mod ids;
mod ledger;
mod limits;
mod markup;
mod objects;
mod permissions;
mod person;
mod reading;
mod records;
mod seen;
mod server;
mod settings;
mod state;
mod telling;
mod world;

pub use crate::http::Answer;
pub use crate::machine::MachineClock;
pub use crate::time::QuickClock;
pub use delivery::{Delivery, Forgery, Over, Taken, signature};
pub use gateway::{GatewayEvent, SessionView};
pub use ledger::{Behaviour, Identified, Ledger, Scope};
pub use permissions::{CHAT_OPS, EVERYONE, permission};
pub use person::Person;
pub use seen::{Seen, SeenForm};
pub use settings::{ChannelSpec, GatewaySettings, GuildSpec, Kind, Limits, Moving, PersonSpec, RoleSpec, Settings};
pub use world::{BotAccount, DiscordWorld};
