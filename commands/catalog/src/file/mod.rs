//! Files: what their commands share. Which store a typed name means, what is said about a file, and which name was meant
//! when there is none of the one that was typed.

pub(crate) mod browse;
pub(crate) mod copy;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod info;
pub(crate) mod links;
pub(crate) mod list;
pub(crate) mod r#move;
pub(crate) mod put;
pub(crate) mod restore;
pub(crate) mod share;
pub(crate) mod store;
pub(crate) mod tag;
pub(crate) mod unshare;
mod upload;
pub(crate) mod versions;

use crate::wording::{SUGGESTIONS, code, line, local};
use bellhop_core::card::{Block, FileBlock, FileSource, Span};
use bellhop_core::command::Suggestion;
use bellhop_core::ids::{StoreName, VersionId};
use bellhop_core::nearest::nearest;
use bellhop_core::ports::{FileEncryption, FileInfo, FileStore, PortResult, Stores, file_name};
use bellhop_core::{Call, CommandError, PortError, PortErrorKind};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How many names are looked through for the one that was meant.
const LOOKED_THROUGH: usize = 500;

/// A name within a store.
pub(crate) struct Located {
    /// The store.
    pub store: Arc<dyn FileStore>,
    /// The name there.
    pub name: String,
    /// The same as it is typed: with the store's name where it was given, or isn't the default store.
    pub spelled: String,
    /// The same as buttons carry it: with the store's name wherever there are several, for the default may have changed when one
    /// is pressed.
    pub sure: String,
}

impl Located {
    /// The store's name.
    pub fn store_name(&self) -> &StoreName {
        self.store.name()
    }

    /// The file's facts. A name that isn't there comes with the nearest one that is.
    pub async fn head(&self, version: Option<&VersionId>) -> Result<FileInfo, CommandError> {
        let error = match self.store.head(&self.name, version).await {
            Ok(info) => return Ok(info),
            Err(error) => error,
        };
        if error.kind == PortErrorKind::NotFound
            && let Some(version) = version
            && self.store.head(&self.name, None).await.is_ok()
        {
            return Err(CommandError::not_found("version", version.as_str()));
        }
        Err(self.failed(error).await)
    }

    /// A port's failure as a command's: `NotFound` gets the nearest name.
    pub async fn failed(&self, error: PortError) -> CommandError {
        if error.kind != PortErrorKind::NotFound {
            return error.into();
        }
        let near = nearest_name(&*self.store, &self.name).await;
        let nearest = near.map(|near| match self.spelled.strip_suffix(&self.name) {
            Some(prefix) => format!("{prefix}{near}"),
            None => near,
        });
        CommandError::NotFound { what: "file", name: self.spelled.clone(), nearest }
    }

    /// Whether there is such a file.
    pub async fn exists(&self) -> PortResult<bool> {
        match self.store.head(&self.name, None).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind == PortErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// The stores as they are seen from where the call was made.
pub(crate) async fn stores_at(stores: &Arc<dyn Stores>, call: &Call) -> Arc<dyn Stores> {
    stores.clone().seen_from(&call.at).await
}

/// The file that `typed` names: `NAME` in the default store (or the one `option` says), or `STORE:NAME`.
pub(crate) fn locate(stores: &dyn Stores, typed: &str, option: Option<&StoreName>) -> Result<Located, CommandError> {
    let (store, name) = split(stores, typed, option)?;
    file_name(&name)?;
    Ok(located(stores, store, name, typed))
}

/// The same for what may be a beginning of names, or nothing.
pub(crate) fn locate_prefix(stores: &dyn Stores, typed: &str, option: Option<&StoreName>) -> Result<Located, CommandError> {
    let (store, name) = split(stores, typed, option)?;
    // A beginning may end anywhere, but what can't begin any name is a mistake to be told.
    let whole = name.trim_end_matches('/');
    if !whole.is_empty() {
        file_name(whole)?;
    }
    Ok(located(stores, store, name, typed))
}

fn located(stores: &dyn Stores, store: Arc<dyn FileStore>, name: String, typed: &str) -> Located {
    let spelled = if store_part(typed).is_some() { typed.to_owned() } else { spell(stores, store.name(), &name) };
    let sure = surely(stores, store.name(), &name);
    Located { store, name, spelled, sure }
}

/// A file's name that means the same file in every place and at every time.
pub(crate) fn surely(stores: &dyn Stores, store: &StoreName, name: &str) -> String {
    if stores.names().len() == 1 && store_part(name).is_none() { name.to_owned() } else { format!("{store}:{name}") }
}

/// A file's name as a person would type it.
pub(crate) fn spell(stores: &dyn Stores, store: &StoreName, name: &str) -> String {
    let default = stores.names().first() == Some(store);
    if default && store_part(name).is_none() { name.to_owned() } else { format!("{store}:{name}") }
}

fn split(stores: &dyn Stores, typed: &str, option: Option<&StoreName>) -> Result<(Arc<dyn FileStore>, String), CommandError> {
    let Some((prefix, name)) = store_part(typed) else {
        return Ok((stores.store(option)?, typed.to_owned()));
    };
    let wanted = StoreName::new(prefix);
    let names = stores.names();
    // Beside those that are listed there are the buckets that were made by command.
    if let Ok(store) = stores.store(Some(&wanted)) {
        if let Some(option) = option.filter(|option| **option != wanted) {
            return Err(CommandError::invalid("store", format!("`{prefix}:` and `--store {option}` name two stores; leave one out")));
        }
        return Ok((store, name.to_owned()));
    }
    let known: Vec<&str> = names.iter().map(StoreName::as_str).collect();
    let instead = match nearest(prefix, known.iter().copied()) {
        Some(near) => format!("did you mean {near}:{}?", line(name)),
        None => format!("there {}", if known.len() == 1 { format!("is only {}", known[0]) } else { format!("are {}", known.join(", ")) }),
    };
    let default = known.first().copied().unwrap_or("local");
    Err(CommandError::invalid(
        "name",
        format!("there is no store `{prefix}`; {instead} (A file whose own name has a colon is written {default}:{}.)", line(typed)),
    ))
}

/// Whether a name says in which store it is meant.
fn names_store(stores: &dyn Stores, typed: &str) -> bool {
    store_part(typed).is_some_and(|(prefix, _)| stores.names().contains(&StoreName::new(prefix)))
}

/// What stands before the first colon, where it could be a store's name, and what stands after.
fn store_part(typed: &str) -> Option<(&str, &str)> {
    let (prefix, name) = typed.split_once(':')?;
    let could_be = !prefix.is_empty() && prefix.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    could_be.then_some((prefix, name))
}

/// The name in the store that is most like `name`: in the same folder, then anywhere; then one whose last part is it.
async fn nearest_name(store: &dyn FileStore, name: &str) -> Option<String> {
    let folder = name.rsplit_once('/').map_or("", |(folder, _)| &name[..=folder.len()]);
    let mut prefixes = vec![folder, ""];
    prefixes.dedup();
    for prefix in prefixes {
        let Ok(page) = store.list(prefix, None, LOOKED_THROUGH).await else { return None };
        let names = || page.files.iter().map(|file| file.name.as_str());
        let last = |name: &str| name.rsplit('/').next().unwrap_or_default().to_lowercase();
        let same_last = names().find(|found| last(found) == last(name));
        if let Some(near) = same_last.or_else(|| nearest(name, names())) {
            return Some(near.to_owned());
        }
    }
    None
}

/// Names to propose while one is typed, and the stores where there are several.
pub(crate) async fn complete_name(stores: &dyn Stores, typed: &str) -> Vec<Suggestion> {
    let mut found = Vec::new();
    if store_part(typed).is_none() && stores.names().len() > 1 {
        let fits = |name: &StoreName| name.as_str().starts_with(typed);
        found.extend(
            stores.names().into_iter().filter(fits).map(|name| Suggestion { value: format!("{name}:"), about: "a store".to_owned() }),
        );
    }
    let Ok((store, prefix)) = split(stores, typed, None) else { return found };
    let Ok(page) = store.list(&prefix, None, SUGGESTIONS).await else { return found };
    found.extend(
        page.files
            .into_iter()
            .map(|file| Suggestion { value: spell(stores, store.name(), &file.name), about: bellhop_core::text::bytes(file.size) }),
    );
    found
}

/// Stores to propose for `--store`.
pub(crate) fn complete_store(stores: &dyn Stores, typed: &str) -> Vec<Suggestion> {
    crate::wording::suggest(typed, stores.names().into_iter().map(|name| (name.to_string(), String::new())))
}

/// Proposals for the arguments that all commands about one file have.
pub(crate) async fn complete(stores: &dyn Stores, argument: &str, typed: &str) -> Vec<Suggestion> {
    match argument {
        "name" | "from" | "to" | "prefix" => complete_name(stores, typed).await,
        "store" => complete_store(stores, typed),
        "encrypt" => complete_encryption(stores, typed),
        _ => Vec::new(),
    }
}

/// The file as a block of a card: shown as an upload where it fits, and as a link otherwise.
pub(crate) fn block(store: &StoreName, info: &FileInfo) -> Block {
    Block::File(FileBlock {
        name: info.name.rsplit('/').next().unwrap_or(&info.name).to_owned(),
        content_type: info.content_type.clone(),
        size: info.size,
        source: FileSource::Stored { store: store.clone(), name: info.name.clone(), version: info.version.clone() },
    })
}

/// What is known about a file, as fields.
pub(crate) fn facts(call: &Call, info: &FileInfo) -> Vec<(&'static str, Span)> {
    let mut facts = vec![
        ("Size", size(info.size)),
        ("Type", line(&info.content_type).into()),
        ("Written", local(info.modified, call.caller.zone).into()),
    ];
    if let Some(version) = &info.version {
        facts.push(("Version", code(version.as_str())));
    }
    if let Some(encryption) = &info.encryption {
        facts.push(("Encrypted", line(&encrypted(encryption)).into()));
    }
    if let Some(sha256) = &info.sha256 {
        facts.push(("SHA-256", code(sha256)));
    }
    facts
}

/// How a file is encrypted, in words.
pub(crate) fn encrypted(encryption: &FileEncryption) -> String {
    match encryption {
        FileEncryption::Aes256 => "with the service's own keys (aes256)".to_owned(),
        FileEncryption::Kms { key: None } => "with the service's own key of its key service (kms)".to_owned(),
        FileEncryption::Kms { key: Some(key) } => format!("with the key {key} of the key service (kms)"),
        FileEncryption::Scope(name) => format!("under the scope {name}"),
        FileEncryption::Key(name) => format!("with the key {name} of Bellhop's configuration"),
    }
}

/// Tags in words.
pub(crate) fn tagged(tags: &BTreeMap<String, String>) -> String {
    tags.iter().map(|(name, value)| format!("{}={}", line(name), line(value))).collect::<Vec<_>>().join(", ")
}

/// The tags of a file as a fact, where it has some or they can't be seen; nothing where the store has none at all.
pub(crate) async fn tag_fact(file: &Located) -> Option<(&'static str, Span)> {
    match file.store.tags(&file.name).await {
        Ok(tags) if tags.is_empty() => None,
        Ok(tags) => Some(("Tags", tagged(&tags).into())),
        Err(error) if error.kind == PortErrorKind::Unsupported => None,
        Err(error) => Some(("Tags", format!("can't be seen: {}", line(&error.message)).into())),
    }
}

/// Ways of encrypting a file to propose: those of the store that is meant where none is named, then those of others.
pub(crate) fn complete_encryption(stores: &dyn Stores, typed: &str) -> Vec<Suggestion> {
    let mut proposed: Vec<(String, String)> = Vec::new();
    for name in stores.names() {
        let Ok(store) = stores.store(Some(&name)) else { continue };
        for way in store.encryptions() {
            let value = way.to_string();
            if !proposed.iter().any(|(known, _)| *known == value) {
                proposed.push((value, format!("{}, in {name}", encrypted(&way))));
            }
        }
    }
    crate::wording::suggest(typed, proposed)
}

/// A size for people and, where that is rounded, in bytes.
pub(crate) fn size(bytes: u64) -> Span {
    let exact = bellhop_core::text::grouped(i64::try_from(bytes).unwrap_or(i64::MAX));
    if bytes < 1024 {
        bellhop_core::text::bytes(bytes).into()
    } else {
        format!("{} ({exact} bytes)", bellhop_core::text::bytes(bytes)).into()
    }
}

/// The beginning of a checksum: enough to compare by eye.
pub(crate) fn short_sum(sha256: &str) -> Span {
    code(sha256.get(..12).unwrap_or(sha256))
}
