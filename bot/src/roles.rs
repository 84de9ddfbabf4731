//! Who may do what: the roles of the configuration, and the reason for each decision.

use crate::config::Role;
use bellhop_core::access::Access;
use bellhop_core::address::UserRef;
use bellhop_core::command::About;
use bellhop_core::ports::{Decision, Permissions, RoleFacts};
use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

/// The configured roles.
pub struct Roles {
    roles: Vec<Role>,
    /// The groups that people are in, as `CHATNAME:GROUPID`, by person. Each thing that someone says tells them anew.
    groups: RwLock<HashMap<String, Vec<String>>>,
}

impl Roles {
    /// Roles in the order of the file. `embedded` come after them: people of the embedded chat that the file doesn't
    /// name.
    #[must_use]
    pub fn new(mut roles: Vec<Role>, embedded: Vec<(String, Access)>) -> Self {
        for (user, access) in embedded {
            if !roles.iter().any(|role| role.users.contains(&user)) {
                roles.push(Role { name: access.word().to_owned(), users: vec![user], allow: Vec::new(), deny: Vec::new() });
            }
        }
        Self { roles, groups: RwLock::default() }
    }

    fn of<'a>(&'a self, user: &'a str) -> impl Iterator<Item = &'a Role> {
        let groups = self.groups.read().unwrap_or_else(PoisonError::into_inner).get(user).cloned().unwrap_or_default();
        self.roles.iter().filter(move |role| role.users.iter().any(|u| u == user || u == "*" || groups.contains(u)))
    }
}

impl Permissions for Roles {
    fn roles(&self) -> Vec<RoleFacts> {
        let facts = |role: &Role| RoleFacts {
            name: role.name.clone(),
            users: role.users.clone(),
            allow: role.allow.clone(),
            deny: role.deny.clone(),
        };
        self.roles.iter().map(facts).collect()
    }

    fn seen(&self, user: &UserRef, groups: &[String]) {
        // Only groups that have a role are of interest.
        let named = groups.iter().map(|group| format!("{}:{group}", user.chat));
        let meant: Vec<String> = named.filter(|group| self.roles.iter().any(|role| role.users.contains(group))).collect();
        let mut known = self.groups.write().unwrap_or_else(PoisonError::into_inner);
        if meant.is_empty() {
            known.remove(&user.to_string());
        } else {
            known.insert(user.to_string(), meant);
        }
    }

    fn access(&self, user: &UserRef) -> Access {
        let user = user.to_string();
        self.of(&user).filter_map(|role| role.name.parse().ok()).max().unwrap_or_default()
    }

    fn decide(&self, user: &UserRef, access: Access, about: &About) -> Decision {
        let user = user.to_string();
        if let Some((role, rule)) = self.of(&user).find_map(|role| first_match(&role.deny, about).map(|rule| (role, rule))) {
            return Decision { allowed: false, because: format!("the role `{}` denies `{rule}`", role.name) };
        }
        if about.access == Access::Member {
            return Decision { allowed: true, because: format!("everyone may use `{}`", about.name) };
        }
        if access >= about.access {
            return Decision {
                allowed: true,
                because: format!("`{}` needs the role {}, and {user} is {access}", about.name, about.access),
            };
        }
        if let Some((role, rule)) = self.of(&user).find_map(|role| first_match(&role.allow, about).map(|rule| (role, rule))) {
            return Decision { allowed: true, because: format!("the role `{}` allows `{rule}`", role.name) };
        }
        Decision { allowed: false, because: format!("`{}` needs the role {}, and {user} is {access}", about.name, about.access) }
    }
}

fn first_match<'a>(rules: &'a [String], about: &About) -> Option<&'a str> {
    rules.iter().map(String::as_str).find(|rule| match rule.strip_suffix('*') {
        Some(start) => {
            about.name.starts_with(start.trim_end()) && (start.is_empty() || start.ends_with(' ') || about.name.starts_with(start))
        }
        None => about.name == *rule || about.group() == *rule,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellhop_core::access::Effect;

    fn about(name: &'static str, access: Access) -> About {
        About { name, summary: "", access, effect: Effect::Reads, examples: &[], completes: &[], model: clap::Command::new(name) }
    }

    fn user(id: &str) -> UserRef {
        UserRef { chat: "work".into(), workspace: "T1".into(), user: id.into() }
    }

    #[test]
    fn a_role_of_a_group_is_that_of_those_in_it_by_now() {
        let role = Role { name: "operator".into(), users: vec!["guild:77".into()], allow: Vec::new(), deny: Vec::new() };
        let roles = Roles::new(vec![role], Vec::new());
        let bob = UserRef { chat: "guild".into(), workspace: "1".into(), user: "5".into() };
        assert_eq!(roles.access(&bob), Access::Member);
        roles.seen(&bob, &["76".into(), "77".into()]);
        assert_eq!(roles.access(&bob), Access::Operator);
        // The same number elsewhere is another group.
        let other = UserRef { chat: "other".into(), ..bob.clone() };
        roles.seen(&other, &["77".into()]);
        assert_eq!(roles.access(&other), Access::Member);
        roles.seen(&bob, &[]);
        assert_eq!(roles.access(&bob), Access::Member);
    }

    #[test]
    fn the_deciding_rule_is_named() {
        let role = |name: &str, users: &[&str], allow: &[&str], deny: &[&str]| Role {
            name: name.into(),
            users: users.iter().map(ToString::to_string).collect(),
            allow: allow.iter().map(ToString::to_string).collect(),
            deny: deny.iter().map(ToString::to_string).collect(),
        };
        let roles = Roles::new(
            vec![
                role("operator", &["work:U1"], &[], &[]),
                role("keepers", &["work:U2"], &["bucket *"], &[]),
                role("careful", &["work:U1"], &[], &["file delete"]),
            ],
            vec![("work:U9".into(), Access::Admin)],
        );
        let decide = |id: &str, name: &'static str, access: Access| roles.decide(&user(id), roles.access(&user(id)), &about(name, access));
        assert_eq!(roles.access(&user("U1")), Access::Operator);
        assert_eq!(roles.access(&user("U3")), Access::Member);
        assert_eq!(roles.access(&user("U9")), Access::Admin);
        assert!(decide("U1", "channel create", Access::Operator).allowed);
        assert!(decide("U3", "file put", Access::Member).allowed);
        let no = decide("U3", "channel create", Access::Operator);
        assert!(!no.allowed && no.because.contains("needs the role operator"), "{no:?}");
        assert!(decide("U2", "bucket delete", Access::Admin).because.contains("keepers"));
        let no = decide("U1", "file delete", Access::Operator);
        assert!(!no.allowed && no.because.contains("careful"), "{no:?}");
    }
}
