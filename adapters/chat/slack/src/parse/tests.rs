//! Deliveries as Slack sends them, and what they mean.
