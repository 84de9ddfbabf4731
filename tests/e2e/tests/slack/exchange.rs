//! What comes from elsewhere: alerts, incoming webhooks, links, and an independent emulator.
