//! One HTTP request as a platform sends it, over a bare connection: what is announced and what is sent can differ. It knows
//! nothing of what is sent.

use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// What a server answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Headers, their names in small letters.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// How long it took.
    pub elapsed: Duration,
}

impl Answer {
    /// A header by its name in small letters.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    ConnectionFailed,
    TimedOut,
}

pub(crate) struct Post<'a> {
    pub url: &'a str,
    /// How the sender calls itself.
    pub agent: &'a str,
    pub headers: Vec<(String, String)>,
    pub body: &'a [u8],
    /// The length that is announced, where it is another than the body's; what is missing never comes.
    pub announced: Option<usize>,
}

impl Post<'_> {
    pub(crate) async fn send(&self, limit: Duration) -> Result<Answer, Failure> {
        let started = Instant::now();
        match tokio::time::timeout(limit, self.exchange()).await {
            Err(_) => Err(Failure::TimedOut),
            Ok(Some(answer)) => Ok(Answer { elapsed: started.elapsed(), ..answer }),
            Ok(None) => Err(Failure::ConnectionFailed),
        }
    }

    async fn exchange(&self) -> Option<Answer> {
        let rest = self.url.strip_prefix("http://")?;
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let mut stream = TcpStream::connect(host).await.ok()?;
        let _ = stream.set_nodelay(true);
        let length = self.announced.unwrap_or(self.body.len());
        let agent = self.agent;
        let mut head = format!(
            "POST /{path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {agent}\r\nAccept: application/json,*/*\r\nConnection: \
             close\r\nContent-Length: {length}\r\n"
        );
        for (name, value) in &self.headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        head.push_str("\r\n");
        let mut sent = head.into_bytes();
        sent.extend_from_slice(self.body);
        stream.write_all(&sent).await.ok()?;
        if length > self.body.len() {
            stream.shutdown().await.ok()?;
        }
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.ok()?;
        parse(&bytes)
    }
}

fn parse(bytes: &[u8]) -> Option<Answer> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let mut lines = head.split("\r\n");
    let status: u16 = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    if status == 100 {
        return parse(&bytes[end + 4..]);
    }
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let rest = &bytes[end + 4..];
    let chunked = headers.iter().any(|(name, value)| name == "transfer-encoding" && value.contains("chunked"));
    let body = if chunked { chunks(rest)? } else { rest.to_vec() };
    Some(Answer { status, headers, body, elapsed: Duration::ZERO })
}

fn chunks(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|window| window == b"\r\n")?;
        let size = std::str::from_utf8(&rest[..end]).ok()?.split(';').next()?.trim();
        let size = usize::from_str_radix(size, 16).ok()?;
        rest = &rest[end + 2..];
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(..size)?);
        rest = rest.get(size + 2..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_whole_or_in_chunks() {
        let answer = parse(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\ncontent-length: 2\r\n\r\nhi").unwrap();
        assert_eq!((answer.status, answer.header("content-type"), answer.text().as_str()), (200, Some("text/plain"), "hi"));
        let answer = parse(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n3;x=y\r\n ho\r\n0\r\n\r\n").unwrap();
        assert_eq!(answer.text(), "hi ho");
        assert_eq!(parse(b"HTTP/1.1 200"), None);
    }
}
