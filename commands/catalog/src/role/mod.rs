//! Roles: who may do what, and why. They are written in the configuration file; nothing here changes them.

pub(crate) mod explain;
pub(crate) mod list;
