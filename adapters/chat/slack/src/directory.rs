//! Names of people, remembered: the least of it that interactions need.

use bellhop_core::ids::{UserId, WorkspaceId};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// A person.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) zone: Option<chrono_tz::Tz>,
}

/// The people that are known.
#[derive(Default)]
pub(crate) struct Directory {
    people: Mutex<HashMap<(WorkspaceId, UserId), Person>>,
}

impl Directory {
    #[expect(clippy::unused_async, reason = "people are asked for")]
    pub(crate) async fn user(&self, workspace: &WorkspaceId, id: &UserId) -> Option<Person> {
        self.people.lock().unwrap_or_else(PoisonError::into_inner).get(&(workspace.clone(), id.clone())).cloned()
    }

    pub(crate) fn forget(&self, workspace: &WorkspaceId) {
        self.people.lock().unwrap_or_else(PoisonError::into_inner).retain(|(known, _), _| known != workspace);
    }

    #[cfg(test)]
    pub(crate) fn learn(&self, workspace: &WorkspaceId, id: &UserId, person: Person) {
        self.people.lock().unwrap_or_else(PoisonError::into_inner).insert((workspace.clone(), id.clone()), person);
    }
}
