//! Somebody at the embedded chat: logged in with a cookie, told of what happens by the page's live events, and acting by
//! what the page shows (buttons, links, files), never by what a program could know beside it.

use crate::{Bot, PATIENCE};
use bellhop_http::{Client, Limits, Request};
use bellhop_kit::wait::within;
use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

/// A message as it stands on the page.
#[derive(Clone, Debug, Default)]
pub struct Message {
    /// Its number, by which later ones are told from earlier ones.
    pub id: String,
    /// The conversation.
    pub channel: String,
    /// Its words, one line for each part.
    pub text: String,
    html: String,
}

impl Message {
    fn new(channel: &str, id: &str, html: &str) -> Self {
        Self { id: id.to_owned(), channel: channel.to_owned(), text: words(html), html: html.to_owned() }
    }

    fn answers(&self, id: &str) -> bool {
        self.html.contains(&format!("data-answers=\"{id}\""))
    }

    /// Whether the bot is still at it, or tells everyone that the answer was for one.
    fn underway(&self) -> bool {
        self.text.contains("Working on ") || self.html.contains("<progress") || self.text.contains("The answer was shown to")
    }

    /// Whether it tells of something that went well, or just tells.
    #[must_use]
    pub fn good(&self) -> bool {
        !self.html.contains("tone-warning") && !self.html.contains("tone-bad")
    }

    /// The addresses of its links.
    #[must_use]
    pub fn links(&self) -> Vec<String> {
        tags(&self.html, "a").filter(|tag| !tag.contains("hx-get")).filter_map(|tag| attribute(tag, "href")).collect()
    }

    /// Its files: their names and where they are.
    #[must_use]
    pub fn files(&self) -> Vec<(String, String)> {
        let files = tags(&self.html, "a").filter(|tag| tag.contains("class=\"file\""));
        files.filter_map(|tag| Some((attribute(tag, "download")?, attribute(tag, "href")?))).collect()
    }

    /// The labels of its buttons.
    #[must_use]
    pub fn buttons(&self) -> Vec<String> {
        self.presses().map(|(label, _)| label).collect()
    }

    fn presses(&self) -> impl Iterator<Item = (String, Value)> {
        self.html.split("<button ").skip(1).filter_map(|part| {
            let (tag, rest) = part.split_once('>')?;
            let values = attribute(tag, "hx-vals").filter(|_| tag.contains("data-press"))?;
            Some((words(rest.split("</button>").next()?), crate::json(&values)))
        })
    }
}

/// The tags of this name, from `<` on.
fn tags<'a>(html: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    html.split('<')
        .filter(move |tag| tag.strip_prefix(name).is_some_and(|rest| rest.starts_with(' ')))
        .filter_map(|tag| tag.split('>').next())
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    Some(unescaped(rest.split('"').next()?))
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

/// What is read on a page: a line for each part, without what is drawn.
fn words(html: &str) -> String {
    const INLINE: [&str; 11] = ["bdi", "/bdi", "code", "/code", "strong", "/strong", "a", "/a", "span", "/span", "time"];
    let mut said = String::new();
    for part in html.split('<') {
        let Some((tag, text)) = part.split_once('>') else {
            said.push_str(part);
            continue;
        };
        let name = tag.split(' ').next().unwrap_or_default();
        if !INLINE.contains(&name) && name != "/time" && !said.ends_with('\n') && !said.is_empty() {
            said.push('\n');
        }
        said.push_str(text);
    }
    unescaped(&said).trim().to_owned()
}

type Page = Arc<Mutex<BTreeMap<String, Message>>>;

/// A person with the page open.
#[derive(Debug)]
pub struct Person {
    client: Client,
    url: String,
    cookie: String,
    page: Page,
    used: Mutex<Vec<String>>,
    counter: AtomicU32,
    _reading: DropGuard,
}

impl Person {
    /// Follows a log-in link of the bot, becomes this person, and opens the page.
    ///
    /// # Panics
    /// When the door stays closed.
    pub async fn log_in(bot: &Bot, name: &str) -> Self {
        bellhop_kit::install_tls();
        let limits = Limits { total: PATIENCE, response: 256 << 20, ..Limits::default() };
        let client = Client::new("page", limits).expect("a client");
        let door = client.get("log in", "/login", &bot.login).exchange().await.expect("an answer");
        let cookie = door.header("set-cookie").and_then(|cookie| cookie.split(';').next()).map(str::to_owned);
        let cookie = cookie.unwrap_or_else(|| panic!("the link lets nobody in: {}", door.status()));
        Self::sits_down(client, bot.url.clone(), cookie, name, 0).await
    }

    /// Switches to another person of the same browser, who reads everything from the beginning.
    pub async fn becomes(self, name: &str) -> Self {
        Self::sits_down(self.client, self.url, self.cookie, name, self.counter.into_inner()).await
    }

    async fn sits_down(client: Client, url: String, cookie: String, name: &str, count: u32) -> Self {
        let page = Page::default();
        let stop = CancellationToken::new();
        let reading = stop.clone().drop_guard();
        let person = Self { client, url, cookie, page, used: Mutex::default(), counter: AtomicU32::new(count), _reading: reading };
        let chosen = person.post("/console/person").form(&[("person", name)]).exchange().await.expect("an answer");
        assert_eq!(chosen.status().as_u16(), 303, "there is no {name}");
        let events = person.get("/console/events?after=0").within(Duration::from_mins(2)).send().await.expect("the page's events");
        TaskTracker::new().spawn(stop.run_until_cancelled_owned(read(events.stream(), person.page.clone())));
        person
    }

    fn get(&self, path: &str) -> Request {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.url) };
        self.client.get("look", "page", &url).secret_header("cookie", &self.cookie)
    }

    fn post(&self, path: &str) -> Request {
        let request = self.client.post("act", "page", &format!("{}{path}", self.url));
        request.secret_header("cookie", &self.cookie).header("origin", &self.url)
    }

    /// The cookie that says who this is, for requests that a browser would not make.
    #[must_use]
    pub fn cookie(&self) -> &str {
        &self.cookie
    }

    fn key(&self) -> String {
        format!("test-key-{:08}", self.counter.fetch_add(1, Ordering::SeqCst))
    }

    fn page(&self) -> BTreeMap<String, Message> {
        self.page.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Everything that a conversation shows, oldest first.
    #[must_use]
    pub fn reads(&self, channel: &str) -> Vec<Message> {
        self.page().into_values().filter(|message| message.channel == channel).collect()
    }

    /// Attaches a file to the next message; its id.
    ///
    /// # Panics
    /// When it isn't taken.
    pub async fn attach(&self, name: &str, bytes: &[u8]) -> String {
        let encoded = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC).to_string();
        let request = self.post("/console/upload").header("x-file-name", &encoded);
        let taken: Value =
            request.content("application/octet-stream", Bytes::copy_from_slice(bytes)).receive().await.expect("the upload is taken");
        taken["id"].as_str().expect("an id").to_owned()
    }

    /// Sends a message and doesn't wait for what comes of it; its id.
    ///
    /// # Panics
    /// When it isn't taken.
    pub async fn send(&self, channel: &str, text: &str, uploads: &[String]) -> String {
        let said = json!({ "channel": channel, "text": text, "key": self.key(), "uploads": uploads });
        let taken: Value = self.post("/console/say").json(&said).receive().await.expect("the message is taken");
        taken["id"].as_str().expect("an id").to_owned()
    }

    /// Types a command and reads the answer.
    pub async fn says(&self, channel: &str, line: &str, uploads: &[String]) -> Message {
        let id = self.send(channel, line, uploads).await;
        self.answer(channel, &id, line).await
    }

    /// The answer to a message, once it is whole.
    ///
    /// # Panics
    /// When none comes.
    pub async fn answer(&self, channel: &str, id: &str, what: &str) -> Message {
        let found = within(PATIENCE, what, || async {
            let used = self.used.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let fits = |message: &Message| message.answers(id) && !message.underway() && !used.contains(&message.id);
            self.page().into_values().find(fits)
        })
        .await;
        let message = found.unwrap_or_else(|why| {
            let there: Vec<String> = self.reads(channel).into_iter().rev().take(4).map(|message| message.text).collect();
            panic!("{why}; the last messages there: {there:#?}")
        });
        self.used.lock().unwrap_or_else(PoisonError::into_inner).push(message.id.clone());
        message
    }

    /// Presses a button and reads the answer.
    pub async fn presses(&self, message: &Message, label: &str) -> Message {
        self.press(message, label).await;
        self.answer(&message.channel, &message.id, label).await
    }

    /// Presses a button that changes the very message that it is on, and reads that once it says `what`.
    ///
    /// # Panics
    /// When it doesn't change.
    pub async fn turns(&self, message: &Message, label: &str, what: &str) -> Message {
        self.press(message, label).await;
        let changed = within(PATIENCE, label, || async {
            self.page().remove(&message.id).filter(|now| now.html != message.html && now.text.contains(what))
        })
        .await;
        changed.unwrap_or_else(|why| panic!("{why}; {what:?} is not said, but: {:?}", self.page().get(&message.id)))
    }

    async fn press(&self, message: &Message, label: &str) {
        let buttons = message.buttons();
        let found = message.presses().find(|(shown, _)| shown.starts_with(label));
        let (_, values) = found.unwrap_or_else(|| panic!("no button {label:?} among {buttons:?} of\n{}", message.text));
        let value = |name: &str| values[name].as_str().map_or_else(|| values[name].to_string(), str::to_owned);
        let fields = [("message", value("message")), ("action", value("action")), ("revision", value("revision")), ("key", self.key())];
        self.post("/console/press").form(&fields).send().await.expect("the button can be pressed");
    }

    /// What the box proposes while this is being typed.
    ///
    /// # Panics
    /// When it can't be asked.
    pub async fn proposals(&self, channel: &str, line: &str) -> Vec<String> {
        let asked = self.get("/console/complete").query(&[("channel", channel), ("line", line)]);
        let told: Value = asked.receive().await.expect("proposals");
        let values = told["suggestions"].as_array().into_iter().flatten();
        values.filter_map(|one| one["value"].as_str().map(str::to_owned)).collect()
    }

    /// The bytes of a message's files, under their names.
    ///
    /// # Panics
    /// When one can't be had.
    pub async fn downloads(&self, message: &Message) -> Vec<(String, Vec<u8>)> {
        let mut got = Vec::new();
        for (name, address) in message.files() {
            let bytes = self.get(&address).send().await.expect("the file").bytes().await.expect("its bytes");
            got.push((name, bytes.to_vec()));
        }
        got
    }
}

/// Reads the page's live events for as long as they come.
async fn read<E>(mut events: impl Stream<Item = Result<Bytes, E>> + Unpin, page: Page) {
    let mut text = Vec::new();
    while let Some(Ok(chunk)) = events.next().await {
        text.extend_from_slice(&chunk);
        while let Some(end) = text.windows(2).position(|two| two == b"\n\n") {
            let event: Vec<u8> = text.drain(..end + 2).collect();
            let event = String::from_utf8_lossy(&event).into_owned();
            if !event.lines().any(|line| line.trim_end() == "event: message") {
                continue;
            }
            let data: String = event.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
            let data = crate::json(&data);
            let (id, channel) = (data["id"].as_str().unwrap_or_default(), data["channel"].as_str().unwrap_or_default());
            let message = Message::new(channel, id, data["html"].as_str().unwrap_or_default());
            page.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned(), message);
        }
    }
}
