//! Bodies with files: a part with the JSON, and a part for each file (<https://docs.discord.com/developers/reference#uploading-files>).
//! Whole ones for small pictures, streamed ones for everything else.

use bellhop_core::ports::ByteStream;
use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use serde_json::Value;
use std::fmt::Write as _;

/// A small file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FilePart {
    /// Its name.
    pub name: String,
    /// Its type.
    pub content_type: String,
    /// Its bytes.
    pub bytes: Bytes,
}

/// A mark that stands in no file, but by a chance of one in 2^128.
fn boundary() -> String {
    let mut random = [0_u8; 16];
    // Without randomness the mark is a fixed one, which still stands in no file that was not made for it.
    let _ = getrandom::fill(&mut random);
    format!("bellhop-{}", hex::encode(random))
}

fn json_part(boundary: &str, json: &Value) -> String {
    format!("--{boundary}\r\nContent-Disposition: form-data; name=\"payload_json\"\r\nContent-Type: application/json\r\n\r\n{json}\r\n")
}

fn file_head(boundary: &str, at: usize, name: &str, content_type: &str) -> String {
    let mut safe = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '"' => safe.push_str("%22"),
            '\r' | '\n' => safe.push(' '),
            c => safe.push(c),
        }
    }
    let kind: String = content_type.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').collect();
    let kind = if kind.contains('/') { kind } else { "application/octet-stream".to_owned() };
    let mut head = String::new();
    // Writing to a string has no way to fail.
    let _ = write!(
        head,
        "--{boundary}\r\nContent-Disposition: form-data; name=\"files[{at}]\"; filename=\"{safe}\"\r\nContent-Type: {kind}\r\n\r\n"
    );
    head
}

/// A body whose files are all here: its type, and itself.
pub(super) fn whole(json: &Value, files: &[FilePart]) -> (String, Bytes) {
    let boundary = boundary();
    let mut body = BytesMut::new();
    body.extend_from_slice(json_part(&boundary, json).as_bytes());
    for (at, file) in files.iter().enumerate() {
        body.extend_from_slice(file_head(&boundary, at, &file.name, &file.content_type).as_bytes());
        body.extend_from_slice(&file.bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={boundary}"), body.freeze())
}

/// A body whose one file is streamed: its type, its length, and itself.
pub(super) fn streamed(json: &Value, name: &str, size: u64, bytes: ByteStream) -> (String, u64, ByteStream) {
    let boundary = boundary();
    let head = format!("{}{}", json_part(&boundary, json), file_head(&boundary, 0, name, "application/octet-stream"));
    let tail = format!("\r\n--{boundary}--\r\n");
    let length = head.len() as u64 + size + tail.len() as u64;
    let head = futures::stream::iter([Ok(Bytes::from(head))]);
    let tail = futures::stream::iter([Ok(Bytes::from(tail))]);
    (format!("multipart/form-data; boundary={boundary}"), length, Box::pin(head.chain(bytes).chain(tail)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::TryStreamExt as _;
    use serde_json::json;

    #[tokio::test]
    async fn both_ways_say_the_same() {
        let json = json!({ "content": "x" });
        let file = FilePart {
            name: "a \"b\"\r\n.txt".into(),
            content_type: "application/octet-stream".into(),
            bytes: Bytes::from_static(b"hello"),
        };
        let (kind, body) = whole(&json, std::slice::from_ref(&file));
        let boundary = kind.strip_prefix("multipart/form-data; boundary=").unwrap().to_owned();
        let text = String::from_utf8(body.to_vec()).unwrap();
        assert!(
            text.contains("name=\"files[0]\"; filename=\"a %22b%22  .txt\"\r\n") && text.ends_with(&format!("--{boundary}--\r\n")),
            "{text}"
        );
        let (other, length, stream) = streamed(&json, &file.name, 5, Box::pin(futures::stream::iter([Ok(Bytes::from_static(b"hello"))])));
        let parts: Vec<Bytes> = stream.try_collect().await.unwrap();
        let sent = parts.concat();
        assert_eq!(sent.len() as u64, length);
        let second = other.strip_prefix("multipart/form-data; boundary=").unwrap();
        assert_eq!(String::from_utf8(sent).unwrap().replace(second, &boundary), text);
    }
}
