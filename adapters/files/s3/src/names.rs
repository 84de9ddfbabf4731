//! Names of files and keys of objects: the configured prefix before them, and their spellings in addresses and answers.

use bellhop_core::ports::{PortResult, file_name};
use bellhop_core::{PortError, PortErrorKind};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// The longest key in bytes.
const LONGEST: usize = 1024;

/// What stays as it is in a header that names an object; the slash parts bucket and key.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');
/// What stays as it is in a parameter of a header (RFC 8187).
const PARAMETER: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The key of the file `name`.
pub(crate) fn key(service: &str, operation: &'static str, prefix: &str, name: &str) -> PortResult<String> {
    let invalid = |why: String| PortError::new(PortErrorKind::Invalid, service, operation, why);
    file_name(name).map_err(|error| invalid(error.to_string()))?;
    if prefix.len() + name.len() > LONGEST {
        let room = LONGEST - prefix.len();
        return Err(invalid(format!("the name is too long: with the store's prefix it may have {room} bytes")));
    }
    Ok(format!("{prefix}{name}"))
}

/// The file's name of a key, where it is one that a file may have: others, such as the empty `folder/` that some programs
/// make, can't be asked for.
pub(crate) fn name<'a>(prefix: &str, key: &'a str) -> Option<&'a str> {
    key.strip_prefix(prefix).filter(|name| file_name(name).is_ok())
}

/// A text of a listing that was asked for in the encoding of addresses, where a space is a plus.
pub(crate) fn decoded(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

/// The header that names what to copy.
pub(crate) fn copy_source(bucket: &str, key: &str, version: Option<&str>) -> String {
    let mut source = utf8_percent_encode(&format!("{bucket}/{key}"), PATH).to_string();
    if let Some(version) = version {
        source.push_str("?versionId=");
        source.extend(utf8_percent_encode(version, PARAMETER));
    }
    source
}

/// A text as a part of a query.
pub(crate) fn parameter(text: &str) -> String {
    utf8_percent_encode(text, PARAMETER).to_string()
}

/// The header with which a download is saved under the file's own name rather than shown.
pub(crate) fn disposition(name: &str) -> String {
    let last = name.rsplit('/').next().unwrap_or(name);
    let plain: String = last.chars().map(|c| if c.is_ascii_alphanumeric() || "-_. ".contains(c) { c } else { '_' }).collect();
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{}", utf8_percent_encode(last, PARAMETER))
}

/// The type that a name's ending stands for.
pub(crate) fn guessed_type(name: &str) -> String {
    mime_guess::from_path(name).first_or_octet_stream().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_stands_before_and_is_taken_off() {
        assert_eq!(key("files.s3", "head", "pre/", "a b").unwrap(), "pre/a b");
        let long = "n".repeat(1021);
        let error = key("files.s3", "head", "pre/", &long).unwrap_err();
        assert!(error.kind == PortErrorKind::Invalid && error.message.contains("1020 bytes"), "{error}");
        assert!(key("files.s3", "head", "", "/a").is_err());
        assert_eq!(name("pre/", "pre/a"), Some("a"));
        assert_eq!(name("pre/", "pre/folder/"), None);
        assert_eq!(name("pre/", "other"), None);
    }

    #[test]
    fn spellings_keep_every_letter() {
        assert_eq!(copy_source("b", "a b/ü+%.txt", Some("v+1/=")), "b/a%20b/%C3%BC%2B%25.txt?versionId=v%2B1%2F%3D");
        assert_eq!(decoded("a+b%2Bc%2520%C3%BC").unwrap(), "a b+c%20ü");
        assert_eq!(decoded("%ff"), None);
        assert_eq!(
            disposition("x/Übersicht \"1\".pdf"),
            "attachment; filename=\"_bersicht _1_.pdf\"; filename*=UTF-8''%C3%9Cbersicht%20%221%22.pdf"
        );
    }
}
