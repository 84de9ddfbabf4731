//! Who may do what, and why.

use crate::access::Access;
use crate::address::UserRef;
use crate::command::About;

/// A decision with its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether it is allowed.
    pub allowed: bool,
    /// The rule that decided, in a sentence for people.
    pub because: String,
}

/// A role as it is configured, for showing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleFacts {
    /// Its name.
    pub name: String,
    /// Who has it, as `CHATNAME:USERID`.
    pub users: Vec<String>,
    /// Commands that it allows beyond what its holders may do anyway.
    pub allow: Vec<String>,
    /// Commands that it denies.
    pub deny: Vec<String>,
}

/// The roles that are configured.
pub trait Permissions: Send + Sync {
    /// What a person may do at most.
    fn access(&self, user: &UserRef) -> Access;

    /// Whether a person may run a command, and which rule says so.
    fn decide(&self, user: &UserRef, access: Access, about: &About) -> Decision;

    /// Takes note of the groups that a person is in by now, as the platform says with what they do: a role that is given to a group is
    /// given to those in it.
    fn seen(&self, user: &UserRef, groups: &[String]) {
        let _ = (user, groups);
    }

    /// The configured roles in their order, for showing; empty where none is configured and everyone is a member.
    fn roles(&self) -> Vec<RoleFacts> {
        Vec::new()
    }
}
