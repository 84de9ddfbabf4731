//! Alerts: from what senders report to one card per alert and destination, changed in place.

mod desk;
mod engine;
pub(crate) mod own;
pub mod routes;
pub mod shapes;
mod waiting;

pub use desk::Desk;
pub use engine::Engine;
pub use own::{Own, Trouble};
pub use waiting::Waiting;
