//! Text from outside, made harmless and short enough.

use unicode_segmentation::UnicodeSegmentation;

/// Removes what a reader can't see but a program obeys: control characters (but line breaks and tabs), and the marks
/// that reorder text or hide in it. Everything else stays as it was.
#[must_use]
pub fn visible(text: &str) -> String {
    text.chars().filter(|c| !is_hidden(*c)).map(|c| if c == '\u{2028}' || c == '\u{2029}' { '\n' } else { c }).collect()
}

/// The same on one line: line breaks and tabs become spaces.
#[must_use]
pub fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' | '\u{b}' | '\u{c}' | '\u{85}' => line.push(' '),
            c if is_hidden(c) => {}
            c => line.push(c),
        }
    }
    line
}

/// True for characters that steer the display instead of showing something: C0 and C1 controls, bidirectional
/// overrides and isolates, zero-width marks, the byte order mark, tags, interlinear marks. The joiners that emoji and
/// several scripts need (U+200C, U+200D) and variation selectors stay.
#[must_use]
pub fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{0}'..='\u{8}' | '\u{b}'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        | '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{206a}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// At most `max` characters (Unicode scalar values), cut between two characters as a reader sees them, ending in `…`
/// when something was cut.
#[must_use]
pub fn shorten(text: &str, max: usize) -> String {
    if text.len() <= max || text.chars().count() <= max {
        return text.to_owned();
    }
    let (kept, _) = cut(text, max.saturating_sub(1));
    if max == 0 { String::new() } else { format!("{kept}…") }
}

/// Cuts `text` into a beginning of at most `max` characters and the rest, between two characters as a reader sees
/// them, at a line's or a word's end where one is near. The beginning is empty only where `max` is 0 or the text is; a
/// single visible character longer than `max` is cut inside rather than never.
#[must_use]
pub fn cut(text: &str, max: usize) -> (&str, &str) {
    let Some((limit, _)) = text.char_indices().nth(max) else {
        return (text, "");
    };
    if limit == 0 {
        return ("", text);
    }
    let grapheme = text.grapheme_indices(true).map(|(at, _)| at).take_while(|at| *at <= limit).last().unwrap_or(0);
    let edge = if grapheme == 0 { limit } else { grapheme };
    // A line's end in the last half, or else a word's end in the last quarter, reads better than a cut word.
    let half = edge / 2;
    let at = match text[..edge].rfind('\n') {
        Some(line) if line >= half && line > 0 => line + 1,
        _ => match text[..edge].rfind(' ') {
            Some(word) if word >= edge - edge / 4 && word > 0 => word + 1,
            _ => edge,
        },
    };
    text.split_at(at)
}

/// A number of bytes for people: `1.5 MiB`, and exact below 1 KiB.
#[must_use]
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    // Tenths in whole numbers, so that no rounding of floats shows.
    let (mut unit, mut scale) = (0, 1024_u64);
    while unit + 1 < UNITS.len() && count / scale >= 1024 {
        unit += 1;
        scale *= 1024;
    }
    let tenths = u128::from(count) * 10 / u128::from(scale);
    if tenths >= 1000 || tenths.is_multiple_of(10) {
        format!("{} {}", tenths / 10, UNITS[unit])
    } else {
        format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
    }
}

/// A whole number with thin groups of three: `12 345 678` (a no-break space between the groups).
#[must_use]
pub fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3 * 2 + 1);
    if number < 0 {
        out.push('-');
    }
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hidden_marks_go_and_the_rest_stays() {
        assert_eq!(visible("a\u{202e}b\u{200b}c\u{7}\n\td"), "abc\n\td");
        assert_eq!(one_line("a\nb\u{2066}\tc"), "a b c");
        assert_eq!(visible("👩‍🚀 é ❤️"), "👩‍🚀 é ❤️");
    }

    #[test]
    fn sizes_read_well() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(1024), "1 KiB");
        assert_eq!(bytes(1536), "1.5 KiB");
        assert_eq!(bytes(1 << 30), "1 GiB");
        assert_eq!(bytes(u64::MAX), "16383 PiB");
        assert_eq!(grouped(-1_234_567), "-1\u{202f}234\u{202f}567");
        assert_eq!(grouped(999), "999");
    }

    proptest! {
        #[test]
        fn shortening_keeps_the_limit(text in any::<String>(), max in 0_usize..40) {
            prop_assert!(shorten(&text, max).chars().count() <= max);
        }

        #[test]
        fn cutting_loses_nothing(text in any::<String>(), max in 1_usize..40) {
            let (head, tail) = cut(&text, max);
            prop_assert_eq!(format!("{head}{tail}"), text.clone());
            prop_assert!(head.chars().count() <= max);
            prop_assert!(text.is_empty() || !head.is_empty());
        }
    }
}
