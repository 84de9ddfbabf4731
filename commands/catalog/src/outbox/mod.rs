//! The outbox, as far as people have to do with it: what could not be delivered.

pub(crate) mod list;
pub(crate) mod retry;
