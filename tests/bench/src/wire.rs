//! HTTP/1.1 in the fewest instructions, so that whoever makes the load leaves the machine to whoever bears it: one
//! kept-open connection, one request at a time, whole answers. It is no client for anything else.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    out: Vec<u8>,
    answer: Vec<u8>,
}

/// An answer.
#[derive(Debug)]
pub struct Answer<'a> {
    /// Its status.
    pub status: u16,
    /// Its body.
    pub body: &'a [u8],
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// Nobody listens.
    pub async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, out: Vec::with_capacity(1024), answer: Vec::with_capacity(1024) })
    }

    /// Sends a request. `head` is what stands between the request's first line and its length, each line ended.
    ///
    /// # Errors
    /// The connection broke, or the answer is none. It can't be used any more then.
    pub async fn send(&mut self, line: &str, head: &str, body: &[u8]) -> io::Result<Answer<'_>> {
        self.out.clear();
        self.out.extend_from_slice(format!("{line} HTTP/1.1\r\nHost: bellhop\r\n{head}Content-Length: {}\r\n\r\n", body.len()).as_bytes());
        self.out.extend_from_slice(body);
        self.stream.write_all(&self.out).await?;
        self.answer.clear();
        let read = async {
            loop {
                if self.stream.read_buf(&mut self.answer).await? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                if let Some(whole) = whole(&self.answer)? {
                    return Ok::<_, io::Error>(whole);
                }
            }
        };
        let (status, start) = tokio::time::timeout(PATIENCE, read).await??;
        Ok(Answer { status, body: &self.answer[start..] })
    }
}

/// The status of an answer and where its body starts, once it is there to its end.
fn whole(answer: &[u8]) -> io::Result<Option<(u16, usize)>> {
    let broken = || io::Error::new(io::ErrorKind::InvalidData, "this is no answer with a length");
    let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&answer[..end]).map_err(|_| broken())?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(broken)?;
    let header = |wanted: &str| {
        head.lines().skip(1).find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case(wanted).then(|| value.trim())
        })
    };
    let start = end + 4;
    // Of answers in chunks only the end matters here: the last chunk is empty.
    if header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
        let body = &answer[start..];
        return Ok((body == b"0\r\n\r\n" || body.ends_with(b"\r\n0\r\n\r\n")).then_some((status, start)));
    }
    let length = header("content-length").and_then(|value| value.parse::<usize>().ok());
    Ok((answer.len() - start >= length.ok_or_else(broken)?).then_some((status, start)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_whole_or_not_yet() {
        let text = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 3\r\nretry-after: 5\r\n\r\nabc";
        for end in 0..text.len() {
            assert_eq!(whole(&text[..end]).unwrap(), None, "{end}");
        }
        assert_eq!(whole(text).unwrap(), Some((503, text.len() - 3)));
        assert_eq!(whole(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap(), None);
        assert!(whole(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n").unwrap().is_some());
        assert!(whole(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
        assert!(whole(b"nonsense\r\n\r\n").is_err());
    }
}
