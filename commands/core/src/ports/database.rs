//! The bot's own database as something that can be copied away. Bringing a copy back is the program's own act, done while no
//! bot runs, and no port.

use super::{ByteStream, PortResult};
use async_trait::async_trait;

/// A copy of the database on its way.
pub struct DatabaseCopy {
    /// The kind of database that it was made from, for showing.
    pub kind: &'static str,
    /// The version of its tables: programs that know this version or a later one can take it back.
    pub tables: i64,
    /// The copy itself, in one form for every kind of database, compressed.
    pub bytes: ByteStream,
}

/// The bot's own database.
#[async_trait]
pub trait OwnDatabase: Send + Sync {
    /// Everything that is kept, as it was at one moment, while the bot goes on writing. What is accepted later is not in it, and
    /// nothing is in it in part.
    async fn copy(&self) -> PortResult<DatabaseCopy>;
}
