//! The commands as a page of documentation, written from the commands themselves.

use bellhop_core::access::Effect;
use bellhop_core::command::About;
use bellhop_core::grammar;
use bellhop_core::registry::Registry;
use std::fmt::Write as _;

/// `docs/reference/commands.md`.
#[must_use]
pub fn commands(registry: &Registry) -> String {
    let mut out = String::from(
        "# Commands\n\nWritten from the commands themselves; `BELLHOP_UPDATE=1 cargo test -p bellhop-house` writes it anew. Arguments stand in\ntheir order, `--name value` after them, and what stands in brackets may be left out.\n",
    );
    for group in registry.groups() {
        let _ = write!(out, "\n## {group}\n");
        for about in registry.group(group) {
            command(&mut out, registry, about);
        }
    }
    out
}

fn command(out: &mut String, registry: &Registry, about: &About) {
    let effect = match about.effect {
        Effect::Reads => "",
        Effect::Writes => " It changes something.",
        Effect::Destroys => " It destroys something, and asks first.",
    };
    let least = registry.least(about).0;
    let more = if least < about.access { format!("; what changes something needs {}", about.access) } else { String::new() };
    let _ = write!(
        out,
        "\n### {}\n\n{}. For everyone who is {least} or more{more}.{effect}\n\n```\n{}\n```\n",
        about.name,
        about.summary,
        grammar::usage(about)
    );
    let arguments = grammar::arguments(about);
    if !arguments.is_empty() {
        out.push_str("\n| argument | meaning |\n|---|---|\n");
        for (name, help) in arguments {
            let _ = writeln!(out, "| `{name}` | {} |", help.replace('|', "\\|").replace('\n', " "));
        }
    }
    if !about.examples.is_empty() {
        out.push_str("\nFor example:\n\n");
        for example in about.examples {
            let _ = writeln!(out, "- `/{example}`");
        }
    }
}
