//! Sockets, installing, manifests, checks: how the bot gets in.
