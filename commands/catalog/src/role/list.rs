//! `role list`: the roles as they are configured.

use crate::wording::{line, table};
use bellhop_core::card::{Block, Field};
use bellhop_core::command::NoArgs;
use bellhop_core::ports::Permissions;
use bellhop_core::{Access, Call, Card, Command, CommandError, Reply, Span};
use std::sync::Arc;

/// Lists roles.
pub struct List {
    permissions: Arc<dyn Permissions>,
}

impl List {
    /// With the permissions.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self { permissions: services.permissions.clone() }
    }
}

impl Command for List {
    const NAME: &'static str = "role list";
    const SUMMARY: &'static str = "Lists the roles and who has them";
    const ACCESS: Access = Access::Admin;
    const EXAMPLES: &'static [&'static str] = &["role list"];
    type Args = NoArgs;

    async fn run(&self, _call: &Call, _args: NoArgs) -> Result<Reply, CommandError> {
        let meanings = [
            (Access::Member, "everyone: reads, stores and shares files, tracks events, takes alerts"),
            (Access::Operator, "changes channels, alerts and schedules, moves and deletes files"),
            (Access::Admin, "reads the audit log and the roles"),
        ];
        let meanings =
            meanings.iter().map(|(access, meaning)| Field { name: access.word().to_owned(), value: vec![Span::from(*meaning)] }).collect();
        let card = Card::titled("Roles").block(Block::Fields(meanings));
        let roles = self.permissions.roles();
        if roles.is_empty() {
            return Ok(Reply::private(card.and_text("No [[role]] is configured: everyone is a member.")));
        }
        let listed = |names: &[String]| vec![Span::from(line(&names.join(", ")))];
        let rows = roles
            .iter()
            .map(|role| vec![listed(std::slice::from_ref(&role.name)), listed(&role.users), listed(&role.allow), listed(&role.deny)])
            .collect();
        Ok(Reply::private(card.block(Block::Table(table("configured roles", &["Role", "People", "Allows", "Denies"], rows)))))
    }
}
