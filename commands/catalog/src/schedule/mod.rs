//! Schedules: commands that run by themselves. This part keeps them; when they are due, the bot runs them.

pub(crate) mod add;
pub(crate) mod cron;
pub(crate) mod list;
pub(crate) mod remove;
