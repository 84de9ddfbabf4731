//! Who may do a thing, and what the thing does to the world.

use serde::{Deserialize, Serialize};

/// What a person may do, from least to most. Everyone is at least a member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// May read, store and share files, track events, acknowledge alerts.
    #[default]
    Member,
    /// May change channels, routes, schedules and automations, and delete files.
    Operator,
    /// May change secrets, roles and buckets, and read the audit log.
    Admin,
}

impl Access {
    /// The spelling in configuration and messages.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

impl std::fmt::Display for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}

impl std::str::FromStr for Access {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "member" => Ok(Self::Member),
            "operator" => Ok(Self::Operator),
            "admin" => Ok(Self::Admin),
            other => Err(format!("`{other}` is no role; the roles are member, operator and admin")),
        }
    }
}

/// What a command does to the world.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// Changes nothing.
    #[default]
    Reads,
    /// Changes something that can be changed back.
    Writes,
    /// Removes what may be missed: it asks first.
    Destroys,
}
