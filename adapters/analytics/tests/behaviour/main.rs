//! The vendors' adapters against small worlds of them on loopback: each world keeps raw events, computes every answer from
//! them, and refuses what the vendor's documentation refuses. It deliberately knows nothing of the bot around the adapters.

#![cfg(test)]
#![expect(clippy::float_cmp, reason = "figures of whole numbers and halves, which are exact")]

mod amplitude;
mod amplitude_world;
mod desk;
mod ga4;
mod ga4_funnels;
mod ga4_reports;
mod ga4_world;
mod history;
mod mixpanel;
mod mixpanel_expression;
mod mixpanel_world;
