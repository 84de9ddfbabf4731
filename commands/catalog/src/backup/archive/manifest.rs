//! What a run says about itself, and the file that says it.
//!
//! `manifest.json` has a plain head (which backup, which run, which key) and, sealed with it, the rest: the head can't be changed
//! without the rest becoming unreadable. Of a backup that isn't encrypted the rest stands there in plain text with a checksum.
//! A file that doesn't read back to the very same bytes was changed, even if only by a space.

use super::{FORM, Keys, RunKey, damaged, failed, fill};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bellhop_core::clock::Timestamp;
use bellhop_core::error::PortErrorKind;
use bellhop_core::ports::PortResult;
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The name of the file within the run.
pub const MANIFEST: &str = "manifest.json";
const SEALED: &str = "xchacha20-poly1305-stream-64k";
const PLAIN: &str = "none";
const NONCE: usize = 24;
const SALT: usize = 32;

/// What was backed up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Files of a store.
    Files,
    /// Messages and files of a channel.
    Channel,
    /// The bot's own database.
    Database,
}

/// One run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The program that wrote it.
    pub program: String,
    /// What was backed up, as people write it.
    pub source: String,
    /// What kind of thing that is.
    pub kind: Kind,
    /// When the run began.
    pub began: Timestamp,
    /// When everything was written.
    pub ended: Timestamp,
    /// How many objects with content there are.
    pub files: u64,
    /// The length of all content in bytes.
    pub size: u64,
    /// The length of all objects with content as they lie there.
    pub stored: u64,
    /// The version of the database's tables, of a database.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tables: Option<i64>,
    /// The lists of the objects.
    pub index: Vec<Piece>,
    /// How many things could not be read.
    pub left_out: u64,
    /// The first of them.
    pub first_left_out: Vec<LeftOut>,
}

/// An object of the run: how long it is and its SHA-256, as content and as it lies there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// Its name within the run.
    pub object: String,
    /// The length of its content in bytes.
    pub size: u64,
    /// The SHA-256 of its content in lower-case hexadecimal.
    pub sha256: String,
    /// The length of what lies there.
    pub stored: u64,
    /// The SHA-256 of what lies there.
    pub stored_sha256: String,
}

/// A line of a list: an object and what it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The name of the content: the file's name after the prefix that was backed up.
    pub path: String,
    /// Its type.
    pub content_type: String,
    /// The object.
    #[serde(flatten)]
    pub piece: Piece,
}

/// Something that is not in the backup although it was meant to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Its name.
    pub path: String,
    /// Why.
    pub why: String,
    /// Whether it was gone when its turn came: then nothing is missing that still exists.
    pub gone: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    bellhop_backup: u32,
    name: String,
    run: String,
    encryption: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    salt: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sealed: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    manifest: Option<Manifest>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    check: Option<String>,
}

impl File {
    fn bytes(&self) -> PortResult<Vec<u8>> {
        let mut bytes = serde_json::to_vec_pretty(self).map_err(|error| failed(PortErrorKind::Broken, "write", error.to_string()))?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

/// The seal of one run: its salt and the key that follows from it.
pub(crate) struct RunSeal {
    id: String,
    salt: String,
    pub(crate) key: RunKey,
}

impl RunSeal {
    pub fn fresh(keys: &Keys, name: &str, run: &str) -> PortResult<Self> {
        let mut salt = [0_u8; SALT];
        fill(&mut salt)?;
        Ok(Self { id: keys.id(), salt: hex::encode(salt), key: keys.run(name, run, &salt)? })
    }
}

/// The file of a run.
pub(crate) fn encode(name: &str, run: &str, seal: Option<&RunSeal>, manifest: Manifest) -> PortResult<Vec<u8>> {
    let mut file = File {
        bellhop_backup: FORM,
        name: name.to_owned(),
        run: run.to_owned(),
        encryption: if seal.is_some() { SEALED } else { PLAIN }.to_owned(),
        key: seal.map(|seal| seal.id.clone()),
        salt: seal.map(|seal| seal.salt.clone()),
        sealed: None,
        manifest: None,
        check: None,
    };
    if let Some(seal) = seal {
        let (head, text) = (file.bytes()?, serde_json::to_vec(&manifest).map_err(|error| damaged(error.to_string()))?);
        let mut body = vec![0_u8; NONCE];
        fill(&mut body)?;
        let cipher = XChaCha20Poly1305::new((&*seal.key.object(MANIFEST)?).into());
        let sealed = cipher.encrypt(&nonce(&body)?, Payload { msg: &text, aad: &head });
        body.extend(sealed.map_err(|_| failed(PortErrorKind::TooLarge, "write", "the manifest is too large to be sealed"))?);
        file.sealed = Some(STANDARD.encode(body));
    } else {
        file.manifest = Some(manifest);
        file.check = Some(hex::encode(Sha256::digest(file.bytes()?)));
    }
    file.bytes()
}

/// The one member that every version has.
#[derive(Deserialize)]
struct Version {
    bellhop_backup: u32,
}

/// What a file says about the run, and the key of the run where it is sealed.
pub(crate) fn decode(bytes: &[u8], name: &str, run: &str, keys: Option<&Keys>) -> PortResult<(Manifest, Option<RunKey>)> {
    let wrong = |why: &str| damaged(format!("{MANIFEST} {why}"));
    // A later version may say more: which one it is is read first.
    let version: Version = serde_json::from_slice(bytes).map_err(|_| wrong("can't be read: it was changed or cut off"))?;
    if version.bellhop_backup != FORM {
        return Err(failed(
            PortErrorKind::Unsupported,
            "read",
            format!(
                "{MANIFEST} has the form {}, and this program reads {FORM}; read it with the version that wrote it",
                version.bellhop_backup
            ),
        ));
    }
    let mut file: File = serde_json::from_slice(bytes).map_err(|_| wrong("can't be read: it was changed"))?;
    if file.bytes()? != bytes {
        return Err(wrong("was changed"));
    }
    if file.name != name || file.run != run {
        return Err(wrong(&format!("is that of another run: {} {}", shown(&file.name), shown(&file.run))));
    }
    if file.encryption == PLAIN {
        let check = file.check.take();
        if check != Some(hex::encode(Sha256::digest(file.bytes()?))) {
            return Err(wrong("was changed"));
        }
        return Ok((file.manifest.ok_or_else(|| wrong("says nothing about the run"))?, None));
    }
    let (Some(id), Some(salt), Some(sealed)) = (file.key.clone(), file.salt.clone(), file.sealed.take()) else {
        return Err(wrong("was changed"));
    };
    if file.encryption != SEALED || file.manifest.is_some() || file.check.is_some() {
        return Err(wrong("was changed"));
    }
    let Some(keys) = keys else {
        return Err(failed(
            PortErrorKind::Unauthenticated,
            "read",
            format!("the run is encrypted with the key {}, and there is no key here", shown(&id)),
        ));
    };
    if id != keys.id() {
        return Err(failed(
            PortErrorKind::Unauthenticated,
            "read",
            format!(
                "the run is encrypted with the key {}, and this bot has {}; give it the [secrets] master_key (or the file master.key in the \
                 data folder) that was there when the backup was made",
                shown(&id),
                keys.id()
            ),
        ));
    }
    let salt = hex::decode(&salt).map_err(|_| wrong("was changed"))?;
    let key = keys.run(name, run, &salt)?;
    let body = STANDARD.decode(sealed).map_err(|_| wrong("was changed"))?;
    if body.len() < NONCE {
        return Err(wrong("was changed"));
    }
    let (start, msg) = body.split_at(NONCE);
    let cipher = XChaCha20Poly1305::new((&*key.object(MANIFEST)?).into());
    let head = file.bytes()?;
    let text = cipher.decrypt(&nonce(start)?, Payload { msg, aad: &head }).map_err(|_| wrong("was changed"))?;
    let manifest = serde_json::from_slice(&text).map_err(|error| wrong(&format!("was written by another version: {error}")))?;
    Ok((manifest, Some(key)))
}

/// The names in a file's head.
pub(crate) fn names(bytes: &[u8]) -> PortResult<(String, String)> {
    #[derive(Deserialize)]
    struct Names {
        name: String,
        run: String,
    }
    let names: Names =
        serde_json::from_slice(bytes).map_err(|_| damaged(format!("{MANIFEST} can't be read: it was changed or cut off")))?;
    Ok((names.name, names.run))
}

fn shown(text: &str) -> String {
    bellhop_core::text::shorten(&bellhop_core::text::one_line(text), 60)
}

fn nonce(bytes: &[u8]) -> PortResult<XNonce> {
    XNonce::try_from(bytes).map_err(|_| damaged("the nonce has another length"))
}
