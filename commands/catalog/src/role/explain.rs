//! `role explain`: why a person may or may not run a command.

use crate::wording::{code, line};
use bellhop_core::command::Suggestion;
use bellhop_core::ports::Permissions;
use bellhop_core::{Access, Call, Card, Command, CommandError, Registry, Reply, Span, Tone, UserRef};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Weak};

/// Arguments of `role explain`.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
pub struct ExplainArgs {
    /// Who: @name or an id of this chat, CHAT:ID, or `me`
    pub user: String,
    /// The command line that is in question
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub command: Vec<String>,
}

/// Explains a permission.
pub struct Explain {
    permissions: Arc<dyn Permissions>,
    registry: Weak<Registry>,
}

impl Explain {
    /// With the permissions and the list of commands.
    pub(crate) fn new(services: &crate::Services, registry: &Weak<Registry>) -> Self {
        Self { permissions: services.permissions.clone(), registry: registry.clone() }
    }
}

impl Command for Explain {
    const NAME: &'static str = "role explain";
    const SUMMARY: &'static str = "Says whether a person may run a command, and why";
    const ACCESS: Access = Access::Admin;
    const EXAMPLES: &'static [&'static str] = &["role explain @ann file delete report.pdf", "role explain me channel create"];
    const COMPLETES: &'static [&'static str] = &["user", "command"];
    type Args = ExplainArgs;

    async fn run(&self, call: &Call, args: ExplainArgs) -> Result<Reply, CommandError> {
        let registry =
            self.registry.upgrade().ok_or_else(|| CommandError::Refused("the bot is stopping; try again in a moment".to_owned()))?;
        let user = person(&args.user, call)?;
        let typed: Vec<String> = args.command.iter().flat_map(|word| word.split_whitespace()).map(str::to_lowercase).collect();
        let words: Vec<&str> = typed.iter().map(|word| word.trim_start_matches('/')).filter(|word| !word.is_empty()).collect();
        let two = words.get(..2).and_then(|two| registry.get(&two.join(" ")));
        let Some(command) = two.or_else(|| words.first().and_then(|one| registry.get(one))) else {
            let said = words.iter().take(2).copied().collect::<Vec<_>>().join(" ");
            let nearest = bellhop_core::nearest::nearest(&said, registry.all().map(|about| about.name)).map(str::to_owned);
            return Err(CommandError::NotFound { what: "command", name: said, nearest });
        };
        // A whole line may need less than its command does: to show a setting is not to change it.
        let whole = registry.parse(&args.command.join(" ")).ok();
        let about = whole.as_ref().map_or(std::borrow::Cow::Borrowed(command.about()), |line| command.weighed(&line.invoke.args));
        let about = &*about;
        let access = self.permissions.access(&user);
        let decision = self.permissions.decide(&user, access, about);
        let (word, tone) = if decision.allowed { ("may", Tone::Good) } else { ("may not", Tone::Warning) };
        let because = decision.because.trim_end_matches('.').to_owned();
        let card = Card::titled(format!("{} {word} run `{}`", line(&args.user), about.name))
            .tone(tone)
            .and_spans(vec!["Because ".into(), because.into(), ".".into()])
            .and_fields(vec![
                ("Person", code(user.to_string())),
                ("Role", Span::from(access.word())),
                ("Needed", Span::from(about.access.word())),
            ]);
        Ok(Reply::private(card))
    }

    async fn complete(&self, call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        let Some(registry) = self.registry.upgrade() else { return Vec::new() };
        match argument {
            "command" => crate::wording::suggest(typed, registry.all().map(|about| (about.name.to_owned(), about.summary.to_owned()))),
            "user" => {
                let known =
                    self.permissions.roles().into_iter().flat_map(|role| role.users.into_iter().map(move |user| (user, role.name.clone())));
                crate::wording::suggest(typed, known.chain([("me".to_owned(), call.caller.name.clone())]))
            }
            _ => Vec::new(),
        }
    }
}

/// The person that is meant: `CHAT:ID` as the configuration spells it, or someone of this chat.
fn person(typed: &str, call: &Call) -> Result<UserRef, CommandError> {
    if typed.eq_ignore_ascii_case("me") {
        return Ok(call.caller.user.clone());
    }
    let (chat, user) = match typed.split_once(':') {
        Some((chat, user)) => (chat.into(), user),
        None => (call.at.chat.clone(), typed),
    };
    let user = user.trim_start_matches('@');
    if user.is_empty() || chat == "".into() || user.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(CommandError::invalid("user", format!("`{}` is nobody's name; write @name, an id, or CHAT:ID", line(typed))));
    }
    Ok(UserRef { chat, workspace: call.at.workspace.clone(), user: user.into() })
}
