//! Alerts: from what senders report to one card per alert and destination, changed in place.

mod desk;
mod engine;
pub mod routes;
pub mod shapes;

pub use desk::Desk;
pub use engine::Engine;
