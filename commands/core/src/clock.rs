//! Time and fresh identifiers, injected so that tests can choose both.

/// A moment, in UTC.
pub type Timestamp = chrono::DateTime<chrono::Utc>;

/// Tells the time. Implemented by `bot/src/clock.rs`, and by the test kit's clock that stands still until moved.
pub trait Clock: Send + Sync {
    /// This moment.
    fn now(&self) -> Timestamp;
}

/// Makes identifiers that nobody has used before.
pub trait Ids: Send + Sync {
    /// A fresh identifier of 26 to 36 URL-safe characters; later ones sort after earlier ones.
    fn next(&self) -> String;
}
