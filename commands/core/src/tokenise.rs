//! Chat text into words, as people type it: quotes of any kind, backslash escapes, mentions left whole.
//!
//! What a platform writes for a mention (`<@U1>`, `<#C1|ops>`) is turned into text by that platform's adapter before it
//! comes here; this module knows no platform.

/// The longest command line that is read, in bytes. Longer text belongs in a file.
pub const LONGEST: usize = 64 * 1024;

/// Why a line can't be split into words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokeniseError {
    /// A quote is opened and never closed.
    #[error("the quote opened before `{near}` is never closed; add the closing {quote}, or write \\{quote} if it is part of the text")]
    Unbalanced {
        /// The opening quote.
        quote: char,
        /// What follows it, shortened.
        near: String,
    },
    /// The line is too long to be a command.
    #[error("this is {length} long, and a command may be 64 KiB; attach long text as a file instead")]
    TooLong {
        /// Its length, for people.
        length: String,
    },
}

/// The closing marks that a quote may have, or none where the character opens no quote. Phones and word processors
/// replace straight quotes by curly ones, sometimes by the closing one on both sides.
fn closing(open: char) -> Option<&'static [char]> {
    match open {
        '"' | '\u{201c}' | '\u{201d}' | '\u{201e}' => Some(&['"', '\u{201d}', '\u{201c}']),
        '\'' | '\u{2018}' | '\u{201a}' => Some(&['\'', '\u{2019}', '\u{2018}']),
        '\u{ab}' => Some(&['\u{bb}']),
        '\u{bb}' => Some(&['\u{ab}']),
        _ => None,
    }
}

/// Splits a line into words. Spaces and line breaks separate, quotes hold together, a backslash before a quote, a
/// space or a backslash takes it literally; any other backslash stays, so that `C:\dir` and `\d+` survive. A single
/// quote inside a word is an apostrophe. An em dash that a phone made of `--` before a name is read as `--`. Hidden
/// marks are dropped.
///
/// # Errors
/// A quote that is never closed, or a line over [`LONGEST`].
pub fn tokenise(line: &str) -> Result<Vec<String>, TokeniseError> {
    if line.len() > LONGEST {
        return Err(TokeniseError::TooLong { length: crate::text::bytes(line.len() as u64) });
    }
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut rest = line.char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        if c.is_whitespace() {
            words.extend(word.take());
        } else if c == '\\' {
            let held = word.get_or_insert_default();
            match rest.peek() {
                Some((_, next)) if *next == '\\' || next.is_whitespace() || closing(*next).is_some() || *next == '\u{2019}' => {
                    // Some spaces (a form feed) are hidden marks too, and those never come in.
                    if !crate::text::is_hidden(*next) {
                        held.push(*next);
                    }
                    rest.next();
                }
                _ => held.push('\\'),
            }
        } else if let Some(ends) = closing(c).filter(|_| opens(c, word.as_deref())) {
            let held = word.get_or_insert_default();
            let mut closed = false;
            while let Some((_, inner)) = rest.next() {
                if ends.contains(&inner) {
                    closed = true;
                    break;
                }
                if inner == '\\' && rest.peek().is_some_and(|(_, next)| ends.contains(next) || *next == '\\') {
                    held.extend(rest.next().map(|(_, next)| next));
                } else if !crate::text::is_hidden(inner) {
                    held.push(inner);
                }
            }
            if !closed {
                let near = crate::text::shorten(crate::text::one_line(&line[at + c.len_utf8()..]).trim(), 24);
                return Err(TokeniseError::Unbalanced { quote: c, near });
            }
        } else if (c == '\u{2014}' || c == '\u{2013}') && word.is_none() && rest.peek().is_some_and(|(_, n)| n.is_alphabetic()) {
            word = Some("--".to_owned());
        } else if !crate::text::is_hidden(c) {
            word.get_or_insert_default().push(c);
        }
    }
    words.extend(word);
    Ok(words)
}

/// Whether a quote character opens a quote here: at a word's start or after `=`. Within a word only the double ones do,
/// as in `a"b c"d`; a single one is an apostrophe.
fn opens(c: char, word: Option<&str>) -> bool {
    match word {
        None | Some("") => true,
        Some(before) if before.ends_with('=') => true,
        Some(_) => c == '"',
    }
}

/// Writes words so that [`tokenise`] reads the same words back.
#[must_use]
pub fn join<S: AsRef<str>>(words: &[S]) -> String {
    words.iter().map(|w| quote(w.as_ref())).collect::<Vec<_>>().join(" ")
}

/// One word, quoted where it needs to be.
#[must_use]
pub fn quote(word: &str) -> String {
    let plain = !word.is_empty()
        && !word.starts_with(['\u{2014}', '\u{2013}'])
        && !word.chars().any(|c| c.is_whitespace() || c == '\\' || c == '\u{2019}' || closing(c).is_some() || crate::text::is_hidden(c));
    if plain {
        return word.to_owned();
    }
    let mut quoted = String::with_capacity(word.len() + 2);
    quoted.push('"');
    for c in word.chars() {
        if matches!(c, '"' | '\u{201d}' | '\u{201c}' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(line: &str) -> Vec<String> {
        tokenise(line).unwrap()
    }

    #[test]
    fn splits_as_people_type() {
        assert_eq!(words("file list"), ["file", "list"]);
        assert_eq!(words(r#"post "hello  world" --to '#ops'"#), ["post", "hello  world", "--to", "#ops"]);
        assert_eq!(words("post \u{201c}smart quotes\u{201d} \u{2018}both kinds\u{2019}"), ["post", "smart quotes", "both kinds"]);
        assert_eq!(words("don't split it's fine"), ["don't", "split", "it's", "fine"]);
        assert_eq!(words(r#"name="a b" x"y z"w"#), ["name=a b", "xy zw"]);
        assert_eq!(words(r#"\"literal\" a\ b C:\dir \d+"#), ["\"literal\"", "a b", r"C:\dir", r"\d+"]);
        assert_eq!(words(r#""with \"inner\" and \\ end""#), [r#"with "inner" and \ end"#]);
        assert_eq!(words("\u{2014}expires 10m"), ["--expires", "10m"]);
        assert_eq!(words(r#"a "" b"#), ["a", "", "b"]);
        assert_eq!(words("fi\u{200b}le\u{202e} list"), ["file", "list"]);
        assert_eq!(words("sign\\\u{c}mart \\\u{b}"), ["signmart", ""]);
        assert!(words("   \n ").is_empty());
    }

    #[test]
    fn says_which_quote_is_open() {
        let error = tokenise("post \"hello world").unwrap_err();
        assert_eq!(error, TokeniseError::Unbalanced { quote: '"', near: "hello world".into() });
        assert!(error.to_string().contains("never closed"));
        assert!(matches!(tokenise(&"x".repeat(1 << 20)), Err(TokeniseError::TooLong { .. })));
    }

    proptest! {
        #[test]
        fn any_text_is_split_or_refused(line in any::<String>()) {
            let _ = tokenise(&line);
        }

        #[test]
        fn what_is_joined_is_read_back(list in prop::collection::vec(any::<String>(), 0..6)) {
            let list: Vec<String> = list.iter().map(|w| crate::text::visible(w)).collect();
            prop_assert_eq!(words(&join(&list)), list);
        }
    }
}
