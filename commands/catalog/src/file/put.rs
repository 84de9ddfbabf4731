//! `file put`: keeps the files that came with the message. Streams in constant memory; one upload is stored once.

use super::delete::{Delete, DeleteArgs};
use super::info::{Info, InfoArgs};
use super::share::{Share, ShareArgs};
use super::upload::{Kept, Upload, Uploads};
use super::{Located, complete, encrypted, locate, locate_prefix, short_sum, size, spell, stores_at, surely};
use crate::wording::{code, count, line};
use bellhop_core::card::{ActionStyle, Block, Field};
use bellhop_core::clock::Clock;
use bellhop_core::command::Suggestion;
use bellhop_core::ids::StoreName;
use bellhop_core::ports::{Attachments, FileEncryption, FileInfo, Records, Stores, file_name};
use bellhop_core::text::{is_hidden, shorten};
use bellhop_core::{Action, Attachment, Call, Card, Command, CommandError, Effect, Invoke, Reply, Span, Tone};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::sync::Arc;

/// How many files of one message get buttons.
const WITH_BUTTONS: usize = 3;
/// The longest name that is taken from a sender's machine, in characters.
const LONGEST_OWN_NAME: usize = 200;

/// Arguments of `file put`.
#[derive(Clone, Debug, Default, clap::Args, Serialize, Deserialize)]
pub struct PutArgs {
    /// The name to keep it under, or a folder ending in /; the file's own name unless told
    pub name: Option<String>,
    /// The store, where it isn't the default one
    #[arg(long)]
    pub store: Option<StoreName>,
    /// A short text under a short name that goes with it, such as project=atlas
    #[arg(long, value_name = "NAME=VALUE", value_parser = super::tag::checked)]
    #[serde(default)]
    pub tag: Vec<String>,
    /// How it is encrypted: aes256, kms, kms:KEY, scope:NAME or key:NAME; as usual there unless told
    #[arg(long, value_name = "KIND", value_parser = encryption)]
    #[serde(default)]
    pub encrypt: Option<String>,
}

/// A way to encrypt, as it is typed.
fn encryption(typed: &str) -> Result<String, String> {
    FileEncryption::read(typed).map(|_| typed.to_owned())
}

/// Stores files.
pub struct Put {
    stores: Arc<dyn Stores>,
    attachments: Arc<dyn Attachments>,
    records: Arc<dyn Records>,
    clock: Arc<dyn Clock>,
}

impl Put {
    /// With the stores, the way to the platforms' uploads, and notes of what was stored.
    pub(crate) fn new(services: &crate::Services) -> Self {
        Self {
            stores: services.stores.clone(),
            attachments: services.attachments.clone(),
            records: services.records.clone(),
            clock: services.clock.clone(),
        }
    }

    /// Where each of the files goes.
    fn targets(stores: &dyn Stores, args: &PutArgs, files: &[&Attachment]) -> Result<Vec<Located>, CommandError> {
        let typed = args.name.clone().unwrap_or_default();
        let folder = typed.is_empty() || typed.ends_with('/') || typed.ends_with(':');
        if !folder {
            if files.len() > 1 {
                let why = format!(
                    "{} came, and one name can't hold them all; give a folder such as `{}/`",
                    count(files.len(), "file"),
                    line(&typed)
                );
                return Err(CommandError::invalid("name", why));
            }
            return Ok(vec![locate(stores, &typed, args.store.as_ref())?]);
        }
        let base = locate_prefix(stores, &typed, args.store.as_ref())?;
        let mut taken = HashSet::new();
        files
            .iter()
            .map(|file| {
                let name = unused(&own_name(&file.name), &mut taken);
                let name = format!("{}{name}", base.name);
                file_name(&name)?;
                Ok(super::located(stores, base.store.clone(), name, ""))
            })
            .collect()
    }
}

impl Command for Put {
    const NAME: &'static str = "file put";
    const SUMMARY: &'static str = "Stores the files attached to the message";
    const EFFECT: Effect = Effect::Writes;
    const EXAMPLES: &'static [&'static str] = &[
        "file put",
        "file put reports/november.pdf",
        "file put screenshots/",
        "file put contract.pdf --tag project=atlas --encrypt aes256",
    ];
    const COMPLETES: &'static [&'static str] = &["name", "store", "encrypt"];
    type Args = PutArgs;

    async fn run(&self, call: &Call, args: PutArgs) -> Result<Reply, CommandError> {
        let mut seen = HashSet::new();
        let files: Vec<&Attachment> = call.attachments.iter().filter(|file| file.id.is_empty() || seen.insert(&file.id)).collect();
        if files.is_empty() {
            return Err(CommandError::Refused(
                "no file came with this message. Attach one (drop it on the message box, or use the paper clip) and send `file put` together with it".to_owned(),
            ));
        }
        let stores = stores_at(&self.stores, call).await;
        let targets = Self::targets(&*stores, &args, &files)?;
        let tags = super::tag::read(&args.tag)?;
        let encryption = args.encrypt.as_deref().map(FileEncryption::read).transpose();
        let encryption = encryption.map_err(|why| CommandError::invalid("encrypt", why))?;
        let uploads = Uploads { attachments: &*self.attachments, records: &*self.records, clock: &*self.clock, tags, encryption };
        let earlier = |store: &StoreName, name: &str| {
            let store = stores.store(Some(store))?;
            Ok(super::located(&*stores, store, name.to_owned(), ""))
        };
        let mut parts = Vec::new();
        let mut failures: Vec<(String, CommandError)> = Vec::new();
        let named = args.name.is_some() || args.store.is_some();
        for (index, (attachment, to)) in files.iter().zip(&targets).enumerate() {
            match uploads.keep(call, Upload { index, attachment, named }, to, earlier, self.clock.now()).await {
                Ok(kept) => parts.push((to, kept)),
                Err(error) => failures.push((to.spelled.clone(), error)),
            }
        }
        if parts.is_empty() {
            return Err(failures.swap_remove(0).1);
        }
        Ok(Reply::new(Self::answer(&*stores, &parts, &failures)))
    }

    async fn complete(&self, call: &Call, argument: &str, typed: &str) -> Vec<Suggestion> {
        complete(&*stores_at(&self.stores, call).await, argument, typed).await
    }
}

impl Put {
    fn answer(stores: &dyn Stores, parts: &[(&Located, Kept)], failures: &[(String, CommandError)]) -> Card {
        let done = parts.iter().filter(|(_, kept)| !matches!(kept, Kept::Underway)).count();
        let title = match (parts, failures) {
            ([(to, Kept::New { .. })], []) => format!("Stored {}", line(&to.name)),
            ([(_, Kept::Before { info, .. })], []) => format!("{} is stored already", line(&info.name)),
            ([(to, Kept::Underway)], []) => format!("{} is being stored", line(&to.name)),
            (_, []) => format!("Stored {}", count(done, "file")),
            (parts, failures) => format!("Stored {done} of {}", count(parts.len() + failures.len(), "file")),
        };
        let mut card = Card::titled(title).tone(if failures.is_empty() { Tone::Good } else { Tone::Warning });
        let one = parts.len() + failures.len() == 1;
        let mut actions = Vec::new();
        for (to, kept) in parts {
            let (spelled, info, note) = match kept {
                Kept::New { info, replaced: false } => (to.spelled.clone(), info, ""),
                Kept::New { info, replaced: true } if to.store.versioned() => {
                    (to.spelled.clone(), info, "What was there is kept as an older version.")
                }
                Kept::New { info, replaced: true } => (to.spelled.clone(), info, "It replaces what was there."),
                Kept::Before { store, info } => (
                    spell(stores, store, &info.name),
                    info,
                    "This upload was stored before: nothing was stored again, and its tags and encryption are as they were.",
                ),
                Kept::Underway => {
                    card = card.and_spans(vec![code(&to.spelled), ": another message with the same upload is storing it.".into()]);
                    continue;
                }
            };
            card = if one { card.block(Block::Fields(fields(&spelled, info))) } else { card.and_spans(sentence(&spelled, info)) };
            if !note.is_empty() {
                card = card.and_text(note);
            }
            if actions.len() < WITH_BUTTONS * 3 {
                let store = if let Kept::Before { store, .. } = kept { store } else { to.store_name() };
                actions.extend(buttons(&surely(stores, store, &info.name), info, one));
            }
        }
        for (name, error) in failures {
            card = card.and_spans(vec![Span::Bold("Not stored: ".into()), code(name), format!(" ({error})").into()]);
        }
        card.and_actions(actions)
    }
}

fn fields(spelled: &str, info: &FileInfo) -> Vec<Field> {
    let field = |name: &str, value: Span| Field { name: name.to_owned(), value: vec![value] };
    let mut fields = vec![field("Name", code(spelled)), field("Size", size(info.size)), field("Type", line(&info.content_type).into())];
    fields.extend(info.version.as_ref().map(|version| field("Version", code(version.as_str()))));
    fields.extend(info.encryption.as_ref().map(|way| field("Encrypted", line(&encrypted(way)).into())));
    fields.extend(info.sha256.as_ref().map(|sha256| field("SHA-256", short_sum(sha256))));
    fields
}

fn sentence(spelled: &str, info: &FileInfo) -> Vec<Span> {
    let mut spans = vec![code(spelled), format!(": {}, {}", bellhop_core::text::bytes(info.size), line(&info.content_type)).into()];
    if let Some(version) = &info.version {
        spans.extend([", version ".into(), code(version.as_str())]);
    }
    if let Some(sha256) = &info.sha256 {
        spans.extend([", SHA-256 ".into(), short_sum(sha256)]);
    }
    spans
}

fn buttons(spelled: &str, info: &FileInfo, one: bool) -> [Action; 3] {
    let label = |what: &str| {
        if one { what.to_owned() } else { format!("{what} {}", shorten(info.name.rsplit('/').next().unwrap_or_default(), 24)) }
    };
    [
        Action::invoke(label("Share"), Invoke::of::<Share>(&ShareArgs::of(spelled))).style(ActionStyle::Primary),
        Action::invoke(label("Info"), Invoke::of::<Info>(&InfoArgs { name: spelled.to_owned(), version: None, store: None })),
        Action::invoke(label("Delete"), Invoke::of::<Delete>(&DeleteArgs { name: spelled.to_owned(), store: None }))
            .style(ActionStyle::Danger),
    ]
}

/// A name for the store out of one from the sender's machine: its last part, without what can't be in a name.
fn own_name(sent: &str) -> String {
    let last = sent.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last.chars().filter(|c| !c.is_control() && !is_hidden(*c)).collect();
    let clean = clean.trim();
    let name = if clean.chars().count() > LONGEST_OWN_NAME {
        let (stem, ending) = parts(clean);
        let ending: String = ending.chars().take(20).collect();
        format!("{}{ending}", stem.chars().take(LONGEST_OWN_NAME - ending.chars().count()).collect::<String>())
    } else {
        clean.to_owned()
    };
    if file_name(&name).is_ok() { name } else { "file".to_owned() }
}

/// The name, or with a number before its ending where another file of the same message has it.
fn unused(name: &str, taken: &mut HashSet<String>) -> String {
    let (stem, ending) = parts(name);
    let mut candidate = name.to_owned();
    let mut number = 2;
    while !taken.insert(candidate.clone()) {
        candidate = format!("{stem} ({number}){ending}");
        number += 1;
    }
    candidate
}

/// `report.tar.gz` as `report.tar` and `.gz`.
fn parts(name: &str) -> (&str, &str) {
    match name.rfind('.') {
        Some(at) if at > 0 => name.split_at(at),
        _ => (name, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_elsewhere_become_names_of_the_store() {
        assert_eq!(own_name("C:\\Users\\ann\\report.pdf"), "report.pdf");
        assert_eq!(own_name("../../etc/passwd"), "passwd");
        assert_eq!(own_name("a\u{202e}fdp.exe\n"), "afdp.exe");
        for nothing in ["", "..", ".", "/", "\u{0}", "   "] {
            assert_eq!(own_name(nothing), "file", "{nothing:?}");
        }
        let long = own_name(&format!("{}.pdf", "x".repeat(400)));
        assert_eq!(long.chars().count(), LONGEST_OWN_NAME);
        assert_eq!(parts(&long).1, ".pdf");
        assert_eq!(own_name("日本 ü.pdf"), "日本 ü.pdf");
    }

    #[test]
    fn two_files_of_one_message_keep_two_names() {
        let mut taken = HashSet::new();
        let names: Vec<String> =
            ["image.png", "image.png", ".env", ".env", "image (2).png"].iter().map(|name| unused(name, &mut taken)).collect();
        assert_eq!(names, ["image.png", "image (2).png", ".env", ".env (2)", "image (2) (2).png"]);
    }
}
