//! The outbox, as far as people have to do with it: what could not be delivered,
//! and what is on its way to the services that are fed with events.

pub(crate) mod events;
pub(crate) mod list;
pub(crate) mod resend;
pub(crate) mod retry;
