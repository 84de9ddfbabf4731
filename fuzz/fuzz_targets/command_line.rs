//! Any line is understood as a command or refused with a reason; what is understood can be written as a line that is
//! understood as the same; and completion of any unfinished line stays within it.
#![no_main]

use bellhop_core::command::{AnyCommand, Command, NoArgs, Registered};
use bellhop_core::{Call, Card, CommandError, PlaceRef, Registry, Reply};
use libfuzzer_sys::fuzz_target;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, LazyLock};

/// Arguments of every kind that commands have.
#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
struct Every {
    /// A word
    name: String,
    /// More words
    more: Vec<String>,
    /// A place
    #[arg(long)]
    to: Option<PlaceRef>,
    /// A number
    #[arg(long)]
    limit: Option<u32>,
    /// One of several
    #[arg(long, value_parser = ["day", "week"])]
    by: Option<String>,
    /// A switch
    #[arg(long)]
    private: bool,
}

/// A command under this name with these arguments that does nothing.
macro_rules! command {
    ($kind:ident, $name:literal, $args:ty) => {
        struct $kind;

        impl Command for $kind {
            const NAME: &'static str = $name;
            const SUMMARY: &'static str = "Does nothing";
            type Args = $args;

            async fn run(&self, _: &Call, _: $args) -> Result<Reply, CommandError> {
                Ok(Card::default().into())
            }
        }
    };
}

command!(Help, "help", NoArgs);
command!(FilePut, "file put", Every);
command!(FileList, "file list", NoArgs);
command!(Report, "report", Every);

static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    let list: Vec<Arc<dyn AnyCommand>> =
        vec![Arc::new(Registered::new(Help)), Arc::new(Registered::new(FilePut)), Arc::new(Registered::new(FileList)), Arc::new(Registered::new(Report))];
    Registry::new(list)
});

fuzz_target!(|line: &str| {
    let (_, replaces) = REGISTRY.typing(line);
    assert!(replaces <= line.len() && line.is_char_boundary(line.len() - replaces), "{line:?}: {replaces} bytes are to be replaced");
    match REGISTRY.parse(line) {
        Ok(understood) => {
            let written = REGISTRY.line(&understood.invoke);
            if written.len() <= bellhop_core::tokenise::LONGEST {
                let again = REGISTRY.parse(&written).unwrap_or_else(|why| panic!("{line:?} was written as {written:?}, which is refused: {why:?}"));
                assert_eq!(again.invoke, understood.invoke, "{line:?} was written as {written:?}");
            }
        }
        Err(why) => assert!(!format!("{why:?}").is_empty()),
    }
});
