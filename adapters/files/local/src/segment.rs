//! One part of a name between slashes, as the file system can hold it, and back. Touches no disk.
//!
//! A part is written as it is, but for `%`, which becomes `%25`, and parts of over 240 bytes, which are cut: all pieces but
//! the last are folders that end in `%+`. On a file system that takes `A` for `a`, or one way of writing an accent for
//! another, capitals and everything beyond ASCII become `%XX` too: less pretty, but no two names meet.
//!
//! `%d` after a folder and `%f` after a file tell `a/b` from `a` where both exist. No encoded part ends in these, since
//! every `%` of a name is followed by two digits.

/// The longest piece. File systems hold 255 bytes; the marks need two of them.
const LONGEST: usize = 240;

/// What a file system can tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// Every name from every other.
    Exact,
    /// Only names of small ASCII letters and digits, for sure.
    Folded,
}

/// The mark of a folder whose plain name is taken by a file.
pub(crate) const FOLDER: &str = "%d";
/// The mark of a file whose plain name is taken by a folder.
pub(crate) const FILE: &str = "%f";
/// The mark of a piece that the next one continues without a slash.
pub(crate) const GOES_ON: &str = "%+";

/// The pieces of a part, each a name on disk; all but the last with [`GOES_ON`].
pub(crate) fn encode(part: &str, spelling: Spelling) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for written in signs(part, spelling) {
        if let Some(piece) = pieces.last_mut() {
            if piece.len() + written.len() <= LONGEST {
                piece.push_str(&written);
            } else {
                piece.push_str(GOES_ON);
                pieces.push(written);
            }
        }
    }
    pieces
}

/// Each character as it is written.
fn signs(part: &str, spelling: Spelling) -> impl Iterator<Item = String> {
    part.char_indices().map(move |(at, c)| {
        let last = at + c.len_utf8() == part.len();
        let plain = match spelling {
            Spelling::Exact => c != '%',
            // A dot or a space at the end, and these signs, are trouble on the file systems that fold.
            Spelling::Folded => c.is_ascii() && !c.is_ascii_uppercase() && !"%<>:\"|?*".contains(c) && !(last && (c == '.' || c == ' ')),
        };
        if plain {
            return c.to_string();
        }
        let mut bytes = [0; 4];
        c.encode_utf8(&mut bytes).bytes().fold(String::new(), |written, byte| written + &format!("%{byte:02X}"))
    })
}

/// What a name on disk stands for, its mark taken off: itself where it is not of our writing.
pub(crate) fn decode(piece: &str) -> String {
    let Some(text) = unescape(piece) else { return piece.to_owned() };
    let written = |text: &str, spelling| signs(text, spelling).collect::<String>();
    let ours = written(&text, Spelling::Exact) == piece
        || written(&text, Spelling::Folded) == piece
        // A piece of a long part ends where the part doesn't.
        || written(&format!("{text}x"), Spelling::Folded) == format!("{piece}x");
    if ours { text } else { piece.to_owned() }
}

fn unescape(piece: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(piece.len());
    let mut rest = piece.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digit = |d: Option<u8>| d.and_then(|d| char::from(d).to_digit(16));
            let (high, low) = (digit(rest.next())?, digit(rest.next())?);
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

/// All ways in which a part may lie on disk, the likeliest first: as we write it, as we wrote it on another file system, and
/// as a person may have put it there.
pub(crate) fn spellings(part: &str, spelling: Spelling) -> Vec<Vec<String>> {
    let other = if spelling == Spelling::Exact { Spelling::Folded } else { Spelling::Exact };
    let mut ways = vec![encode(part, spelling)];
    let mut add = |way: Vec<String>| {
        if !ways.contains(&way) {
            ways.push(way);
        }
    };
    add(encode(part, other));
    if part.len() <= 255 && decode(part) == part {
        add(vec![part.to_owned()]);
    }
    ways
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ordinary_names_are_written_as_they_are() {
        for name in ["a.txt", "Übersicht 2026.pdf", "日本.csv", ".bellhop", "con", "-rf"] {
            assert_eq!(encode(name, Spelling::Exact), [name]);
            assert_eq!(decode(name), name);
        }
        assert_eq!(encode("100%", Spelling::Exact), ["100%25"]);
        assert_eq!(encode("Aé.", Spelling::Folded), ["%41%C3%A9%2E"]);
        // Put there by a person: not ours, so it means what it says.
        for name in ["100%.txt", "a%20b", "%zz", "%d"] {
            assert_eq!(decode(name), name);
        }
    }

    proptest! {
        #[test]
        fn every_part_comes_back(part in "\\PC{1,300}", folded in any::<bool>()) {
            let spelling = if folded { Spelling::Folded } else { Spelling::Exact };
            let pieces = encode(&part, spelling);
            prop_assert!(pieces.iter().all(|p| p.len() <= 255 && !p.is_empty()));
            let (last, before) = pieces.split_last().unwrap();
            let mut back: String = before.iter().map(|p| decode(p.strip_suffix(GOES_ON).unwrap())).collect();
            prop_assert!(![FOLDER, FILE, GOES_ON].iter().any(|mark| last.ends_with(mark)));
            back.push_str(&decode(last));
            prop_assert_eq!(back, part);
        }

        #[test]
        fn no_two_parts_meet_where_capitals_fold(a in "[aAbB%é. ]{1,6}", b in "[aAbB%é. ]{1,6}") {
            let disk = |part: &str| encode(part, Spelling::Folded).concat().to_lowercase();
            prop_assert_eq!(a == b, disk(&a) == disk(&b));
        }
    }
}
