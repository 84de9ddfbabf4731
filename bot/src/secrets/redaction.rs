//! The last net under every log line: known secrets, and what looks like one, are left out of it. Types that hold
//! secrets don't print them in the first place; this catches what came in by other people's messages.

use std::borrow::Cow;
use std::io::Write;
use std::sync::{Arc, RwLock};

const GONE: &str = "[redacted]";

/// Beginnings of secrets of well-known forms; what follows, up to a separator, is left out too.
const FORMS: [&str; 11] =
    ["bh_", "xoxb-", "xoxp-", "xapp-", "whsec_", "Bearer ", "token=", "sig=", "X-Amz-Signature=", "X-Amz-Security-Token=", "password="];

/// What must not be written.
#[derive(Clone, Default)]
pub struct Redaction {
    known: Arc<RwLock<Vec<String>>>,
}

impl Redaction {
    /// Remembers a secret. Very short ones are not: they would blot out ordinary words.
    pub fn learn(&self, secret: &str) {
        if secret.len() >= 6
            && let Ok(mut known) = self.known.write()
            && !known.iter().any(|k| k == secret)
        {
            known.push(secret.to_owned());
        }
    }

    /// The text without any secret.
    #[must_use]
    pub fn clean<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut text = Cow::Borrowed(text);
        if let Ok(known) = self.known.read() {
            for secret in known.iter() {
                if text.contains(secret.as_str()) {
                    text = Cow::Owned(text.replace(secret.as_str(), GONE));
                }
            }
        }
        for form in FORMS {
            if text.contains(form) {
                text = Cow::Owned(without(&text, form));
            }
        }
        text
    }
}

fn without(text: &str, form: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(form) {
        let (before, found) = rest.split_at(at + form.len());
        out.push_str(before);
        let end = found
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '+' | '/' | '=' | '%')))
            .unwrap_or(found.len());
        out.push_str(if end >= 6 { GONE } else { &found[..end] });
        rest = &found[end..];
    }
    out.push_str(rest);
    out
}

/// A writer of log lines that cleans each before it is written.
pub struct RedactingWriter<W> {
    inner: W,
    redaction: Redaction,
}

impl<W> RedactingWriter<W> {
    /// Cleans what goes to `inner`.
    pub fn new(inner: W, redaction: Redaction) -> Self {
        Self { inner, redaction }
    }
}

impl<W: Write> Write for RedactingWriter<W> {
    // The subscriber hands over one whole line at a time.
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        self.inner.write_all(self.redaction.clean(&text).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_secret_is_left_out() {
        let redaction = Redaction::default();
        for (line, clean) in [
            ("key bh_ab12_0123456789abcdef end", "key bh_[redacted] end"),
            ("Authorization: Bearer abc.def.ghi", "Authorization: Bearer [redacted]"),
            ("/s/1?token=abcdefgh&x=1", "/s/1?token=[redacted]&x=1"),
            ("https://b.example/a?X-Amz-Security-Token=IQoJb3JpZ2lu%2F&x=1", "https://b.example/a?X-Amz-Security-Token=[redacted]&x=1"),
            ("nothing here", "nothing here"),
        ] {
            assert_eq!(redaction.clean(line), clean);
        }
    }

    #[test]
    fn the_writer_cleans_lines() {
        let redaction = Redaction::default();
        redaction.learn("hunter2-long");
        let mut out = Vec::new();
        RedactingWriter::new(&mut out, redaction).write_all(b"password hunter2-long used\n").unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "password [redacted] used\n");
    }
}
