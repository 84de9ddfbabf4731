//! Files from Slack to a store and back.
