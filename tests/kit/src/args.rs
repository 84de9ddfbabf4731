//! Forms and queries, as pairs and as text.

/// The pairs of a form or a query, decoded.
pub(crate) fn pairs(text: &[u8]) -> Vec<(String, String)> {
    let parts = text.split(|byte| *byte == b'&').filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let at = part.iter().position(|byte| *byte == b'=').unwrap_or(part.len());
            (decoded(&part[..at]), decoded(part.get(at + 1..).unwrap_or_default()))
        })
        .collect()
}

fn decoded(text: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        match first {
            b'+' => bytes.push(b' '),
            b'%' if tail.len() >= 2 && tail[..2].iter().all(u8::is_ascii_hexdigit) => {
                let digits = std::str::from_utf8(&tail[..2]).unwrap_or("00");
                bytes.push(u8::from_str_radix(digits, 16).unwrap_or(b'?'));
                rest = &tail[2..];
            }
            byte => bytes.push(*byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Pairs as a form: the characters that need no escape, `+` for a space, `%XX` for all else.
pub(crate) fn form(pairs: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (name, value) in pairs {
        if !text.is_empty() {
            text.push('&');
        }
        encode(name, &mut text);
        text.push('=');
        encode(value, &mut text);
    }
    text
}

fn encode(part: &str, into: &mut String) {
    for byte in part.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'*' => into.push(char::from(byte)),
            b' ' => into.push('+'),
            byte => into.extend(["%", &hex::encode_upper([byte])]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_go_both_ways() {
        let text = form(&[("text", "a b&c=d+ü/%"), ("empty", "")]);
        assert_eq!(text, "text=a+b%26c%3Dd%2B%C3%BC%2F%25&empty=");
        assert_eq!(pairs(text.as_bytes()), [("text".to_owned(), "a b&c=d+ü/%".to_owned()), ("empty".to_owned(), String::new())]);
        assert_eq!(pairs(b"a=%4&b"), [("a".to_owned(), "%4".to_owned()), ("b".to_owned(), String::new())]);
    }
}
