//! The commands, run on a world of ports in memory.

mod alerts;
mod backups;
mod bucket_store;
mod buckets;
mod catalogue;
mod channels;
mod chat;
mod desk;
mod figures;
mod files;
mod hookery;
mod hooks;
mod outbox;
mod schedules;
mod source;
mod stores;
mod world;
