//! How a file begins: a picture as a picture where the platform shows them, the first lines of a text, and of anything else
//! what it is. Only a little is read, whatever the file's size; what it claims to be is checked against what is in it.

use crate::wording::line;
use bellhop_core::Capabilities;
use bellhop_core::card::{Block, Image};
use bellhop_core::ports::{FileInfo, FileStore, PortResult, ReadRange};
use bellhop_core::text::{bytes, shorten, visible};
use futures::TryStreamExt as _;

/// Read of a text.
const TEXT: u64 = 8 << 10;
/// The largest picture that is shown.
const PICTURE: u64 = 1 << 20;
const LINES: usize = 20;
const LINE: usize = 160;

/// The blocks that show how a file begins. A file that can't be read now has none but the reason.
pub(super) async fn of(store: &dyn FileStore, info: &FileInfo, capabilities: &Capabilities) -> Vec<Block> {
    if info.size == 0 {
        return said("The file is empty.");
    }
    let picture = capabilities.images && info.size <= PICTURE && info.content_type.starts_with("image/");
    let wanted = if picture { info.size } else { TEXT };
    let start = match beginning(store, info, wanted).await {
        Ok(start) => start,
        Err(error) => return said(&format!("How it begins can't be shown now: {}", line(&error.message))),
    };
    if let Some(content_type) = kind(&start) {
        if picture && start.len() as u64 == info.size {
            let name = info.name.rsplit('/').next().unwrap_or("picture").to_owned();
            let alt = format!("{}, {}", line(&name), bytes(info.size));
            return vec![Block::Image(Image { alt, name, content_type: content_type.to_owned(), bytes: start.into() })];
        }
        let why = if capabilities.images { "too large to be shown here" } else { "not shown here" };
        return said(&format!("A picture, {why}: Download brings it."));
    }
    let whole = start.len() as u64 >= info.size;
    match text(&start, whole) {
        Some((text, note)) => lines(&text, whole, note),
        None => said("Binary data: nothing of it can be shown as text."),
    }
}

fn said(text: &str) -> Vec<Block> {
    vec![Block::Text(vec![text.into()])]
}

async fn beginning(store: &dyn FileStore, info: &FileInfo, most: u64) -> PortResult<Vec<u8>> {
    let range = ReadRange { start: 0, length: Some(most) };
    let mut file = store.read(&info.name, info.version.as_ref(), Some(range)).await?;
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let mut start = Vec::new();
    while start.len() < most
        && let Some(chunk) = file.bytes.try_next().await?
    {
        start.extend_from_slice(&chunk);
    }
    start.truncate(most);
    Ok(start)
}

/// The kind of picture that the bytes are, by their first ones: only kinds that every browser shows and that run nothing.
fn kind(start: &[u8]) -> Option<&'static str> {
    match start {
        [0x89, b'P', b'N', b'G', 0x0D, 0x0A, 0x1A, 0x0A, ..] => Some("image/png"),
        [0xFF, 0xD8, 0xFF, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

/// The bytes as text, and what is to be said about how they were read. `None` for what is no text. Where they are not the
/// `whole` of it, they may end inside a letter.
fn text(start: &[u8], whole: bool) -> Option<(String, Option<&'static str>)> {
    let wide = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = rest.chunks_exact(2).map(|two| unit([two[0], two[1]])).collect();
        String::from_utf16_lossy(&units)
    };
    match start {
        [0xFF, 0xFE, rest @ ..] => return Some((wide(rest, u16::from_le_bytes), Some("Read as UTF-16."))),
        [0xFE, 0xFF, rest @ ..] => return Some((wide(rest, u16::from_be_bytes), Some("Read as UTF-16."))),
        _ => {}
    }
    if start.contains(&0) {
        return None;
    }
    let start = start.strip_prefix(&[0xEF, 0xBB, 0xBF]).unwrap_or(start);
    let (text, note) = match std::str::from_utf8(start) {
        Ok(text) => (text.to_owned(), None),
        Err(error) if !whole && error.error_len().is_none() => (String::from_utf8_lossy(&start[..error.valid_up_to()]).into_owned(), None),
        // Of the encodings of one byte per letter this is the one that agrees with most of the others.
        Err(_) => (start.iter().map(|byte| char::from(*byte)).collect(), Some("Not UTF-8; read as Latin-1.")),
    };
    let strange = text.chars().filter(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\u{c}' | '\u{1b}')).count();
    (strange * 20 <= text.chars().count()).then_some((text, note))
}

fn lines(text: &str, whole: bool, note: Option<&'static str>) -> Vec<Block> {
    let shown: Vec<String> = text.lines().take(LINES).map(|one| shorten(&visible(one), LINE)).collect();
    let all = whole && text.lines().count() <= LINES;
    let mut blocks = vec![Block::Code(shown.join("\n"))];
    let mut notes: Vec<String> = Vec::new();
    if !all {
        notes.push(if shown.len() == 1 { "The beginning of the file.".to_owned() } else { format!("The first {} lines.", shown.len()) });
    }
    notes.extend(note.map(str::to_owned));
    if !notes.is_empty() {
        blocks.extend(said(&notes.join(" ")));
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], whole: bool) -> Option<String> {
        text(bytes, whole).map(|(text, _)| text)
    }

    #[test]
    fn texts_of_many_kinds_are_read() {
        assert_eq!(read("größe\n".as_bytes(), true).unwrap(), "größe\n");
        assert_eq!(read(b"\xEF\xBB\xBFa", true).unwrap(), "a");
        assert_eq!(read(b"\xFF\xFEa\0\xFC\0", true).unwrap(), "a\u{fc}");
        assert_eq!(read(b"\xFE\xFF\0a\0", true).unwrap(), "a", "an odd byte at the end is left out");
        assert_eq!(read(b"gr\xF6\xDFe", true).unwrap(), "größe");
        // Cut inside a letter, it is UTF-8 all the same; ending there, it isn't.
        assert_eq!(read(&"aü".as_bytes()[..2], false).unwrap(), "a");
        assert_eq!(text(&"aü".as_bytes()[..2], true).unwrap().1, Some("Not UTF-8; read as Latin-1."));
        for binary in [&b"a\0b"[..], b"\x7fELF\x02\x01\x01\x00", b"\x01\x02\x03\x04abc"] {
            assert!(read(binary, true).is_none(), "{binary:?}");
        }
    }

    #[test]
    fn what_is_shown_is_short_and_plain() {
        let long = format!("{}\n{}", "x".repeat(5000), "second\u{202e} line\n".repeat(100));
        let blocks = lines(&long, true, None);
        let [Block::Code(code), Block::Text(note)] = blocks.as_slice() else { panic!("{blocks:?}") };
        assert_eq!(code.lines().count(), LINES);
        assert!(code.lines().all(|line| line.chars().count() <= LINE) && !code.contains('\u{202e}'));
        assert_eq!(note[0].text(), "The first 20 lines.");
        assert_eq!(lines("one\ntwo\n", true, None), [Block::Code("one\ntwo".into())]);
    }

    #[test]
    fn pictures_are_known_by_what_is_in_them() {
        assert_eq!(kind(b"\x89PNG\r\n\x1a\n...."), Some("image/png"));
        assert_eq!(kind(b"<svg onload=alert(1)>"), None);
        assert_eq!(kind(b"GIF89a"), Some("image/gif"));
    }
}
