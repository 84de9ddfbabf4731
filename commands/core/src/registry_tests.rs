//! The way from typed lines to commands.

use super::*;
use crate::call::{Call, Reply};
use crate::card::Card;
use crate::command::{Command, NoArgs, Registered};
use crate::error::CommandError;
use serde::{Deserialize, Serialize};

#[derive(clap::Args, Serialize, Deserialize)]
struct PutArgs {
    /// Its name
    name: String,
    /// Tags
    tags: Vec<String>,
    /// Where
    #[arg(long)]
    store: Option<String>,
    /// How
    #[arg(long, value_enum)]
    mode: Option<Mode>,
    /// Loudly
    #[arg(long)]
    loud: bool,
    /// How long
    #[arg(long)]
    expires: Option<crate::period::Span>,
}

#[derive(Clone, Copy, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Mode {
    Fast,
    Slow,
}

struct Put;
impl Command for Put {
    const NAME: &'static str = "file put";
    const SUMMARY: &'static str = "Keeps a file";
    type Args = PutArgs;
    async fn run(&self, _: &Call, _: PutArgs) -> Result<Reply, CommandError> {
        Ok(Card::text("done").into())
    }
}

struct List;
impl Command for List {
    const NAME: &'static str = "file list";
    const SUMMARY: &'static str = "Lists files";
    type Args = NoArgs;
    async fn run(&self, _: &Call, _: NoArgs) -> Result<Reply, CommandError> {
        Ok(Card::text("done").into())
    }
}

struct Status;
impl Command for Status {
    const NAME: &'static str = "status";
    const SUMMARY: &'static str = "Says how it is";
    type Args = NoArgs;
    async fn run(&self, _: &Call, _: NoArgs) -> Result<Reply, CommandError> {
        Ok(Card::text("done").into())
    }
}

fn registry() -> Registry {
    Registry::new(vec![Arc::new(Registered::new(Put)), Arc::new(Registered::new(List)), Arc::new(Registered::new(Status))])
}

#[test]
fn lines_become_invocations_and_lines_again() {
    let registry = registry();
    for line in [
        "file put a.txt",
        "file put \"a b.txt\" x y --store s3 --mode fast --loud --expires 10m",
        "file put --store=-odd -- -dash",
        "status",
    ] {
        let understood = registry.parse(line).unwrap();
        assert_eq!(registry.line(&understood.invoke), if line.contains("-odd") { "file put --store=-odd -- -dash" } else { line });
        assert_eq!(registry.parse(&registry.line(&understood.invoke)).unwrap(), understood);
        assert!(!understood.confirmed);
    }
    for line in ["/status", "/bellhop status", "@bellhop status", "STATUS", "bellhop /status", "  status  ", "/ status"] {
        assert_eq!(registry.parse(line).unwrap().invoke.command, "status", "{line}");
    }
    assert!(registry.parse("file put a --yes").unwrap().confirmed);
    assert!(!registry.parse("file put -- a --yes").unwrap().confirmed);
}

#[test]
fn answers_of_forms_arrive_at_the_same_place() {
    let registry = registry();
    let typed = registry.parse("file put \"-a b\" x y --mode slow --loud").unwrap_err();
    assert!(matches!(*typed, Misunderstood::Surplus { .. }), "{typed:?}");
    let typed = registry.parse("file put --mode slow --loud -- \"-a b\" x y").unwrap().invoke;
    let answers = Answers::from([
        ("name".into(), vec!["-a b".into()]),
        ("tags".into(), vec!["x\ny\n".into()]),
        ("mode".into(), vec!["slow".into()]),
        ("loud".into(), vec!["true".into()]),
        ("store".into(), vec![String::new()]),
    ]);
    assert_eq!(registry.parse_answers("file put", &answers).unwrap(), typed);
    assert_eq!(grammar::answers(&typed)["tags"], ["x", "y"]);
}

#[test]
fn what_is_wrong_comes_with_what_was_meant() {
    let registry = registry();
    let corrected = |line: &str| match *registry.parse(line).unwrap_err() {
        Misunderstood::Name { corrected, .. }
        | Misunderstood::Verb { corrected, .. }
        | Misunderstood::Value { corrected, .. }
        | Misunderstood::Surplus { corrected, .. } => corrected,
        other => panic!("{other:?}"),
    };
    assert_eq!(corrected("fiel put a").as_deref(), Some("file put a"));
    assert_eq!(corrected("file lst").as_deref(), Some("file list"));
    assert_eq!(corrected("list files").as_deref(), Some("file list"));
    assert_eq!(corrected("file put a --mode fats").as_deref(), Some("file put a --mode fast"));
    assert_eq!(corrected("file put a --stor x").as_deref(), Some("file put a --store x"));
    assert_eq!(corrected("xyzzy"), None);
    assert_eq!(registry.parse("   "), Err(Box::new(Misunderstood::Nothing)));
    assert!(matches!(*registry.parse("file \"x").unwrap_err(), Misunderstood::Words(_)));
    match *registry.parse("file").unwrap_err() {
        Misunderstood::Verb { typed, verbs, .. } => assert_eq!((typed.as_str(), verbs), ("", vec!["list", "put"])),
        other => panic!("{other:?}"),
    }
}

#[test]
fn missing_arguments_become_a_form_with_the_given_ones_filled_in() {
    match *registry().parse("file put --store s3 --mode fast").unwrap_err() {
        Misunderstood::Missing { missing, form, .. } => {
            assert_eq!(missing, ["NAME"]);
            let labels: Vec<_> = form.inputs.iter().map(|i| i.label.as_str()).collect();
            assert_eq!(labels, ["Name", "Tags", "Store", "Mode", "Loud", "Expires"]);
            let values: Vec<_> = form.inputs.iter().map(|i| (i.id.as_str(), i.value.as_str(), i.required)).collect();
            assert_eq!(
                values,
                [
                    ("name", "", true),
                    ("tags", "", false),
                    ("store", "s3", false),
                    ("mode", "fast", false),
                    ("loud", "", false),
                    ("expires", "", false)
                ]
            );
        }
        other => panic!("{other:?}"),
    }
    match *registry().parse("file put a --expires soon").unwrap_err() {
        Misunderstood::Value { argument, typed, why, form, .. } => {
            assert_eq!((argument.as_str(), typed.as_str()), ("--expires", "soon"));
            assert!(why.contains("no length of time"), "{why}");
            assert!(form.inputs.iter().any(|i| i.id == "expires" && i.problem.is_some() && i.value == "soon"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn usage_reads_like_the_manual() {
    let registry = registry();
    let about = registry.get("file put").unwrap().about();
    assert_eq!(grammar::usage(about), "file put NAME [TAGS...] [--store STORE] [--mode MODE] [--loud] [--expires EXPIRES]");
}

#[test]
fn an_unfinished_line_is_known_for_what_it_is() {
    let registry = registry();
    let value = |line: &str| match registry.typing(line) {
        (Typing::Value { argument, typed, possible, .. }, replaces) => (argument, typed, possible.len(), replaces),
        other => panic!("{line}: {other:?}"),
    };
    assert_eq!(registry.typing("/fi"), (Typing::Name("fi".into()), 3));
    assert_eq!(registry.typing("/"), (Typing::Name(String::new()), 1));
    assert_eq!(registry.typing("file "), (Typing::Verb { group: "file".into(), typed: String::new() }, 0));
    assert_eq!(registry.typing("file pu"), (Typing::Verb { group: "file".into(), typed: "pu".into() }, 2));
    assert_eq!(value("file put re"), ("name".into(), "re".into(), 0, 2));
    assert_eq!(value("file put a --mode "), ("mode".into(), String::new(), 2, 0));
    assert_eq!(value("file put --store x "), ("name".into(), String::new(), 0, 0));
    assert_eq!(value("file put a b "), ("tags".into(), String::new(), 0, 0));
    assert!(matches!(registry.typing("file put a --st"), (Typing::Option { .. }, 4)));
    assert!(matches!(registry.typing("xyz abc"), (Typing::Nothing(None), 3)));
    assert!(matches!(registry.typing("status"), (Typing::Name(_), 6)));
    assert!(matches!(registry.typing("status "), (Typing::Nothing(Some(_)), 0)));
}

proptest::proptest! {
    #[test]
    fn any_line_gets_an_answer(line in proptest::prelude::any::<String>()) {
        let registry = registry();
        let _ = registry.parse(&line);
        let (_, replaces) = registry.typing(&line);
        proptest::prop_assert!(replaces <= line.len() && line.is_char_boundary(line.len() - replaces));
    }

    #[test]
    fn any_answers_get_an_answer(name in ".*", tags in ".*") {
        let answers = Answers::from([("name".into(), vec![name]), ("tags".into(), vec![tags])]);
        let _ = registry().parse_answers("file put", &answers);
    }
}
