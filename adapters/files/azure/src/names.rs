//! Names of containers, files and blobs: the service's rules, and the configured prefix before a file's name.

use bellhop_core::ports::{PortResult, file_name};
use bellhop_core::text::{one_line, shorten};
use bellhop_core::{PortError, PortErrorKind};

/// The longest blob's name in characters, and how many parts between slashes it has at most.
/// <https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata>
const LONGEST: usize = 1024;
const DEEPEST: usize = 254;

/// The name of the blob of the file `name`.
pub(crate) fn blob(service: &str, operation: &'static str, prefix: &str, name: &str) -> PortResult<String> {
    let invalid = |why: String| PortError::new(PortErrorKind::Invalid, service, operation, why);
    file_name(name).map_err(|error| invalid(error.to_string()))?;
    let blob = format!("{prefix}{name}");
    if blob.chars().count() > LONGEST {
        let room = LONGEST - prefix.chars().count();
        return Err(invalid(format!("the name is too long: with the store's prefix it may have {room} characters")));
    }
    if blob.split('/').count() > DEEPEST {
        return Err(invalid(format!("the name has more than {DEEPEST} parts between slashes, the most that Azure takes")));
    }
    Ok(blob)
}

/// The file's name of a blob, where it is one that a file may have: others, such as the empty `folder/` that some programs
/// make, can't be asked for.
pub(crate) fn name<'a>(prefix: &str, blob: &'a str) -> Option<&'a str> {
    blob.strip_prefix(prefix).filter(|name| file_name(name).is_ok())
}

/// Whether this can be a container's name; otherwise which rule is broken.
pub(crate) fn container(name: &str) -> Result<&str, &'static str> {
    if matches!(name, "$root" | "$web" | "$logs") {
        return Ok(name);
    }
    if !(3..=63).contains(&name.len()) {
        return Err("it has 3 to 63 letters");
    }
    if !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
        return Err("it has small letters, digits and hyphens only");
    }
    if name.starts_with('-') || name.ends_with('-') || name.contains("--") {
        return Err("hyphens stand alone between letters or digits");
    }
    Ok(name)
}

/// The header with which a download is saved under the file's own name rather than shown.
pub(crate) fn disposition(name: &str) -> String {
    bellhop_core::download::disposition(name.rsplit('/').next().unwrap_or(name), false)
}

/// The type that a name's ending stands for.
pub(crate) fn guessed_type(name: &str) -> String {
    mime_guess::from_path(name).first_or_octet_stream().to_string()
}

/// Something that came from outside, fit for a message.
pub(crate) fn shown(text: &str) -> String {
    shorten(&one_line(text), 80)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_stands_before_and_is_taken_off() {
        assert_eq!(blob("files.az", "head", "pre/", "a b").unwrap(), "pre/a b");
        let error = blob("files.az", "head", "pre/", &"n".repeat(1021)).unwrap_err();
        assert!(error.kind == PortErrorKind::Invalid && error.message.contains("1020 characters"), "{error}");
        let deep = vec!["d"; 255].join("/");
        assert!(blob("files.az", "head", "", &deep).unwrap_err().message.contains("254 parts"));
        assert!(blob("files.az", "head", "", "a/../b").is_err());
        assert_eq!(name("pre/", "pre/a"), Some("a"));
        assert_eq!(name("pre/", "pre/folder/"), None);
        assert_eq!(name("pre/", "other"), None);
    }

    #[test]
    fn containers_are_named_by_the_services_rules() {
        for good in ["abc", "a-b-c", "2026-files", "$web", "$root"] {
            assert_eq!(container(good), Ok(good));
        }
        for bad in ["ab", "Abc", "a_b", "a.b.c", "-abc", "abc-", "a--b", "$else", &"x".repeat(64)] {
            assert!(container(bad).is_err(), "{bad}");
        }
    }
}
