//! The commands, run on a world of ports in memory.

mod alerts;
mod asking;
mod backups;
mod books;
mod browse;
mod bucket_store;
mod buckets;
mod catalogue;
mod channels;
mod chat;
mod desk;
mod figures;
mod figuring;
mod files;
mod hookery;
mod hooks;
mod large;
mod linker;
mod meetings;
mod meets;
mod outbox;
mod outcomes;
mod own;
mod schedules;
mod shares;
mod source;
mod stores;
mod tags;
mod trail;
mod typed;
mod watches;
mod world;

pub(crate) use world::block_on;
