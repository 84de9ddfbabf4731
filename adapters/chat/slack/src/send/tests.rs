//! What sending does, as Slack and the reader see it.

mod change;
mod look;
mod plan;
mod ways;
