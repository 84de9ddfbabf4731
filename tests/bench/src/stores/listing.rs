//! The first page of a long list: in the terminal, in chat, and from the store alone.

use super::ground::{BUCKET, Ground};
use crate::Failure;
use crate::figures::{Figure, Target, median, millis};
use crate::site::listening;
use crate::watch::watched;
use bellhop_core::ports::FileStore;
use bellhop_kit::process::Program;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;

const PART: &str = "lists";
const FILES: u64 = 100_000;
const TIMES: usize = 5;
/// How long an answer in chat may take.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(2);

/// The stores whose lists are measured, and what they are. s3s-fs is none of them: it walks through everything it has for each
/// page, 100,000 files in seconds, whoever asks.
const STORES: [(&str, &str); 3] = [("rados", "S3 (radosgw)"), ("azure", "Azure"), ("folder", "local")];

pub(super) async fn run(ground: &Ground) -> Result<Vec<Figure>, Failure> {
    let failed = |error: std::io::Error| format!("the files can't be made: {error}");
    // What is in this folder is what its store lists, and what the others get.
    let root = ground.path("folder").join("files");
    for file in 0..FILES {
        let path = root.join(name(file));
        if file % 1000 == 0
            && let Some(folder) = path.parent()
        {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        std::fs::write(path, b"x").map_err(failed)?;
    }
    let from = root.join("many");
    for remote in ["rados", "azure"] {
        let target = format!("{remote}:{BUCKET}/many");
        let words = ["copy", "--no-check-dest", "--s3-no-head", "--transfers", "32", "--checkers", "8", &from.to_string_lossy(), &target];
        watched(&mut ground.rclone(&words)).await?;
    }

    let mut figures = Vec::new();
    let mut chat = Chat::start(ground).await?;
    for (store, what) in STORES {
        let alone = super::open(&ground.site.config(), store).await?;
        let (page, whole) = (pages(&*alone, 50).await?, pages(&*alone, 1000).await?);
        let (mut said, mut answered) = (Vec::new(), Vec::new());
        for _ in 0..TIMES {
            said.push(watched(&mut ground.say(&["file", "list", "many/", "--store", store], None, None)).await?.time);
            answered.push(chat.ask(&format!("file list many/ --store {store}"), &format!("Files in {store}: many/")).await?);
        }
        figures.push(
            Figure::new(PART, format!("first page of 100,000 in chat, {what}"), millis(median(answered)), "ms")
                .target(Target::Below(1000.0))
                .beside(format!(
                    "say: {:.0} ms; the store alone: {:.0} ms for 50 names, {:.0} ms for 1,000",
                    millis(median(said)),
                    millis(page),
                    millis(whole)
                )),
        );
    }
    Ok(figures)
}

fn name(file: u64) -> String {
    format!("many/{:03}/{file:06}.txt", file / 1000)
}

/// How long a page of so many names takes.
async fn pages(store: &dyn FileStore, limit: usize) -> Result<Duration, Failure> {
    let mut times = Vec::new();
    for _ in 0..TIMES {
        let begun = Instant::now();
        let page = store.list("many/", None, limit).await.map_err(|error| error.to_string())?;
        times.push(begun.elapsed());
        if page.files.is_empty() || page.next.is_none() {
            return Err(format!("a page has {} names, and {:?} comes after it", page.files.len(), page.next));
        }
    }
    Ok(median(times))
}

/// The console, as a browser speaks to it.
struct Chat {
    _bot: Program,
    address: std::net::SocketAddr,
    cookie: String,
    asked: u32,
}

impl Chat {
    async fn start(ground: &Ground) -> Result<Self, Failure> {
        let mut bot = Program::start(&mut ground.bot())?;
        let address = listening(&mut bot).await?;
        let link = bot.line("/login?", PATIENCE).await?;
        let target = link.find("/login?").map(|at| link[at..].trim().to_owned()).unwrap_or_default();
        let mut chat = Self { _bot: bot, address, cookie: String::new(), asked: 0 };
        let answer = chat.send("GET", &target, "").await?;
        let cookie = answer.lines().find_map(|line| line.strip_prefix("set-cookie: ")?.split(';').next());
        cookie.ok_or_else(|| format!("the console lets nobody in: {answer}"))?.clone_into(&mut chat.cookie);
        Ok(chat)
    }

    /// One request on a connection of its own; the whole answer, head included.
    async fn send(&self, method: &str, target: &str, body: &str) -> Result<String, Failure> {
        let failed = |error: std::io::Error| format!("the console: {error}");
        let mut stream = TcpStream::connect(self.address).await.map_err(failed)?;
        let (address, cookie) = (self.address, &self.cookie);
        let head = format!(
            "{method} {target} HTTP/1.1\r\nHost: {address}\r\nOrigin: http://{address}\r\nCookie: {cookie}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.map_err(failed)?;
        let mut answer = Vec::new();
        tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer))
            .await
            .map_err(|_| "the console gives no answer".to_owned())?
            .map_err(failed)?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }

    /// Says a command and waits until its answer is on the page.
    async fn ask(&mut self, command: &str, title: &str) -> Result<Duration, Failure> {
        self.asked += 1;
        let before = self.send("GET", "/c/general", "").await?.matches(title).count();
        let begun = Instant::now();
        let body = serde_json::json!({ "channel": "general", "text": format!("/{command}"), "key": format!("bench-list-{}", self.asked) });
        let taken = self.send("POST", "/console/say", &body.to_string()).await?;
        if !taken.starts_with("HTTP/1.1 200") || !taken.contains("\"command\":true") {
            return Err(format!("the console takes no command: {taken}"));
        }
        loop {
            let page = self.send("GET", "/c/general", "").await?;
            if page.matches(title).count() > before {
                return Ok(begun.elapsed());
            }
            if begun.elapsed() > PATIENCE {
                return Err(format!("`{command}` has no answer after {PATIENCE:?}"));
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}
