//! Forged, stale and broken things, refused tokens, missing scopes, limits: what people see then.
