//! Completes a line while it is typed. What comes next is known from the grammar; values come from the commands, which
//! ask the services.

use async_trait::async_trait;
use bellhop_core::address::{Address, UserRef};
use bellhop_core::call::{Call, Caller};
use bellhop_core::clock::Clock;
use bellhop_core::command::{About, Suggestion};
use bellhop_core::grammar;
use bellhop_core::ids::CallId;
use bellhop_core::ports::{Completer, Completion, Permissions};
use bellhop_core::registry::{Registry, Typing};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// The most suggestions at once.
const MOST: usize = 20;
/// How long a command may take to propose values; nobody waits longer while typing.
const PATIENCE: Duration = Duration::from_millis(700);

/// Proposals from the registry. The registry comes later, since adapters are built before the commands.
pub struct LiveCompleter {
    registry: OnceLock<Arc<Registry>>,
    permissions: Arc<dyn Permissions>,
    clock: Arc<dyn Clock>,
}

impl LiveCompleter {
    /// A completer that knows no commands yet.
    pub fn new(permissions: Arc<dyn Permissions>, clock: Arc<dyn Clock>) -> Self {
        Self { registry: OnceLock::new(), permissions, clock }
    }

    /// Gives the commands, once.
    pub fn learn(&self, registry: Arc<Registry>) {
        let _ = self.registry.set(registry);
    }

    /// Whether a person may use a command at all: some calls of it may need less than others, as its examples show.
    fn may(&self, registry: &Registry, from: &UserRef, about: &About) -> bool {
        let access = self.permissions.access(from);
        let (least, effect) = registry.least(about);
        self.permissions.decide(from, access, &About { access: least, effect, ..about.clone() }).allowed
    }

    fn names(&self, registry: &Registry, from: &UserRef, typed: &str) -> Vec<Suggestion> {
        let may = |about: &About| self.may(registry, from, about);
        let mut out: Vec<Suggestion> = Vec::new();
        for group in registry.groups().into_iter().filter(|group| group.starts_with(typed)) {
            let of_group: Vec<&About> = registry.group(group).filter(|about| may(about)).collect();
            let about = match of_group.as_slice() {
                [] => continue,
                [only] if only.verb().is_none() => only.summary.to_owned(),
                several => several.iter().filter_map(|about| about.verb()).collect::<Vec<_>>().join(", "),
            };
            out.push(Suggestion { value: group.to_owned(), about });
        }
        // A verb typed without its group finds the whole command: `share` proposes `file share`.
        if typed.len() >= 2 {
            let verbs = registry.all().filter(|about| about.verb().is_some_and(|verb| verb.starts_with(typed)) && may(about));
            out.extend(verbs.map(|about| Suggestion { value: about.name.to_owned(), about: about.summary.to_owned() }));
        }
        out
    }
}

impl LiveCompleter {
    /// What a command itself proposes for an argument, to someone who may run it.
    async fn values(&self, registry: &Registry, from: &UserRef, at: &Address, name: &str, argument: &str, typed: &str) -> Vec<Suggestion> {
        let Some(command) = registry.get(name) else { return Vec::new() };
        let access = self.permissions.access(from);
        if !self.may(registry, from, command.about()) {
            return Vec::new();
        }
        let call = Call {
            id: CallId::new("completion"),
            caller: Caller { user: from.clone(), name: String::new(), access, zone: chrono_tz::Tz::UTC },
            at: at.clone(),
            now: self.clock.now(),
            attachments: Vec::new(),
            progress: Arc::new(|_| ()),
            stop: bellhop_core::ports::Stop::new(),
        };
        tokio::time::timeout(PATIENCE, command.complete(&call, argument, typed)).await.unwrap_or_default()
    }
}

#[async_trait]
impl Completer for LiveCompleter {
    async fn complete(&self, from: &UserRef, at: &Address, line: &str) -> Completion {
        let Some(registry) = self.registry.get() else { return Completion::default() };
        let (typing, replaces) = registry.typing(line);
        let described = |about: &About, suggestions: Vec<Suggestion>| Completion {
            replaces,
            suggestions,
            usage: grammar::usage(about),
            summary: about.summary.to_owned(),
        };
        let mut completion = match typing {
            Typing::Name(typed) => Completion { replaces, suggestions: self.names(registry, from, &typed), ..Completion::default() },
            Typing::Verb { group, typed } => {
                let verbs = registry.group(&group).filter(|about| self.may(registry, from, about));
                let suggestions = verbs
                    .filter_map(|about| Some((about.verb()?, about.summary)))
                    .filter(|(verb, _)| verb.starts_with(&typed))
                    .map(|(verb, summary)| Suggestion { value: verb.to_owned(), about: summary.to_owned() })
                    .collect();
                Completion { replaces, suggestions, ..Completion::default() }
            }
            Typing::Option { about, typed } => {
                let options = grammar::options(&about.model).filter_map(|arg| Some((format!("--{}", arg.get_long()?), arg)));
                let suggestions = options
                    .filter(|(long, _)| long.starts_with(&typed))
                    .map(|(value, arg)| Suggestion { value, about: arg.get_help().map(ToString::to_string).unwrap_or_default() })
                    .collect();
                described(about, suggestions)
            }
            Typing::Value { about, argument, possible, typed } => {
                let mut suggestions: Vec<Suggestion> = possible
                    .into_iter()
                    .filter(|value| value.starts_with(&typed))
                    .map(|value| Suggestion { value, about: String::new() })
                    .collect();
                if suggestions.is_empty() {
                    suggestions = self.values(registry, from, at, about.name, &argument, &typed).await;
                }
                for suggestion in &mut suggestions {
                    suggestion.value = bellhop_core::tokenise::quote(&suggestion.value);
                }
                described(about, suggestions)
            }
            Typing::Nothing(Some(about)) => described(about, Vec::new()),
            Typing::Nothing(None) => Completion::default(),
        };
        completion.suggestions.truncate(MOST);
        completion
    }

    async fn choices(&self, from: &UserRef, at: &Address, command: &str, argument: &str, typed: &str) -> Vec<Suggestion> {
        match self.registry.get() {
            Some(registry) => self.values(registry, from, at, command, argument, typed).await,
            None => Vec::new(),
        }
    }
}
