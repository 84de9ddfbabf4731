//! What HTTP says about downloads, as far as it is text: which part of a file is wanted, and what it is called. Every place
//! that serves files (a platform's page, shared links) answers alike.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What RFC 5987 leaves as it is.
const EXTENDED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The part of a file that a `Range` header asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The whole file.
    All,
    /// From the first byte to the last, both included.
    Part(u64, u64),
    /// Nothing of the file lies there.
    Nothing,
}

/// Reads a `Range` header for a file of `size` bytes. Several ranges, another unit or nonsense mean all of it, as the
/// standard allows.
#[must_use]
pub fn range(header: Option<&str>, size: u64) -> Wanted {
    let Some(spec) = header.and_then(|h| h.trim().strip_prefix("bytes=")) else { return Wanted::All };
    let Some((from, to)) = spec.trim().split_once('-') else { return Wanted::All };
    let number = |text: &str| -> Option<u64> {
        let text = text.trim();
        // More digits than fit mean a place far behind the end.
        (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().unwrap_or(u64::MAX))
    };
    match (number(from), number(to)) {
        (None, Some(0)) => Wanted::Nothing,
        (None, Some(_)) if from.trim().is_empty() && size == 0 => Wanted::Nothing,
        (None, Some(last)) if from.trim().is_empty() => Wanted::Part(size - last.min(size), size - 1),
        (Some(first), None) if to.trim().is_empty() => {
            if first < size {
                Wanted::Part(first, size - 1)
            } else {
                Wanted::Nothing
            }
        }
        (Some(first), Some(last)) if first <= last => {
            if first < size {
                Wanted::Part(first, last.min(size - 1))
            } else {
                Wanted::Nothing
            }
        }
        _ => Wanted::All,
    }
}

impl Wanted {
    /// The first byte and how many there are, for a file of `size` bytes.
    #[must_use]
    pub fn span(self, size: u64) -> (u64, u64) {
        match self {
            Self::All => (0, size),
            Self::Part(first, last) => (first, last - first + 1),
            Self::Nothing => (0, 0),
        }
    }
}

/// The `Content-Disposition` of a file that is to be kept, or shown: `attachment` or `inline` with the name twice: as RFC 5987 has it, and in plain letters for programs that don't know that.
#[must_use]
pub fn disposition(name: &str, shown: bool) -> String {
    let plain: String =
        name.chars().map(|c| if c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '%' | ';') || c == ' ' { c } else { '_' }).collect();
    let kind = if shown { "inline" } else { "attachment" };
    format!("{kind}; filename=\"{plain}\"; filename*=UTF-8''{}", utf8_percent_encode(name, EXTENDED))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ranges_are_read() {
        assert_eq!(range(None, 10), Wanted::All);
        assert_eq!(range(Some("bytes=0-3"), 10), Wanted::Part(0, 3));
        assert_eq!(range(Some("bytes=4-"), 10), Wanted::Part(4, 9));
        assert_eq!(range(Some("bytes=-3"), 10), Wanted::Part(7, 9));
        assert_eq!(range(Some("bytes=-30"), 10), Wanted::Part(0, 9));
        assert_eq!(range(Some("bytes=3-99"), 10), Wanted::Part(3, 9));
        assert_eq!(range(Some("bytes=10-"), 10), Wanted::Nothing);
        assert_eq!(range(Some("bytes=-0"), 10), Wanted::Nothing);
        assert_eq!(range(Some("bytes=-5"), 0), Wanted::Nothing);
        assert_eq!(range(Some("bytes=99999999999999999999999-"), 10), Wanted::Nothing);
        for odd in ["bytes=0-1,3-4", "lines=1-2", "bytes=5-3", "bytes=x-y", "bytes=-"] {
            assert_eq!(range(Some(odd), 10), Wanted::All, "{odd}");
        }
    }

    #[test]
    fn names_in_headers_are_quoted() {
        insta::assert_snapshot!(disposition("Bericht \"März\"; 100%.pdf", false), @r#"attachment; filename="Bericht _M_rz__ 100_.pdf"; filename*=UTF-8''Bericht%20%22M%C3%A4rz%22%3B%20100%25.pdf"#);
    }

    proptest! {
        #[test]
        fn any_range_is_within_the_file(header in "bytes=[0-9,\\- ]{0,30}", size in 0_u64..100) {
            if let Wanted::Part(first, last) = range(Some(&header), size) {
                prop_assert!(first <= last && last < size);
            }
        }
    }
}
