//! The two ways in: typed into the chat by somebody who is logged in, and `bellhop say`. A test is written once and goes
//! both ways.

use super::House;
use bellhop_e2e::console::{Message, Person};
use bellhop_e2e::json;
use bellhop_kit::process::Ran;
use std::sync::atomic::{AtomicU32, Ordering};

/// A way in.
pub enum Way<'a> {
    /// Typed into this conversation.
    Chat(&'a Person, &'a str),
    /// From the terminal.
    Say(&'a str),
}

/// What came of a command.
pub struct Answer {
    /// Whether it was done.
    pub good: bool,
    /// What is read.
    pub text: String,
    /// What was asked, to be named where it came out otherwise.
    asked: String,
    message: Option<Message>,
}

impl Answer {
    /// The addresses that begin with the bot's own and lead to a shared file.
    pub fn link(&self, house: &House) -> String {
        let found = match &self.message {
            Some(message) => message.links().into_iter().find(|link| link.contains("/s/")),
            None => self.text.split_whitespace().find(|word| word.contains("/s/")).map(str::to_owned),
        };
        let link = found.unwrap_or_else(|| panic!("no link in {}", self.text));
        // In the terminal the port that the running bot was given is not known.
        let id = link.split("/s/").nth(1).unwrap();
        format!("{}/s/{id}", house.bot.url)
    }

    /// Fails unless it was done, and each of these can be read.
    pub fn done(self, what: &[&str]) -> Self {
        assert!(self.good, "{}\n{}", self.asked, self.text);
        self.says(what)
    }

    /// Fails unless it was refused, and each of these can be read.
    pub fn refused(self, what: &[&str]) -> Self {
        assert!(!self.good, "{}\n{}", self.asked, self.text);
        self.says(what)
    }

    /// Fails unless each of these can be read.
    pub fn says(self, what: &[&str]) -> Self {
        // Whatever parts thousands, and whether it begins a sentence, is not what is looked at.
        let text = self.text.replace('\u{202f}', ",").to_lowercase();
        for words in what {
            assert!(text.contains(&words.to_lowercase()), "{words:?} is not said:\n{}\n{}", self.asked, self.text);
        }
        assert!(!self.text.contains("panicked"), "{}", self.text);
        self
    }
}

static PUT: AtomicU32 = AtomicU32::new(0);

impl Way<'_> {
    /// A folder of its own in every store.
    pub fn folder(&self) -> &str {
        match self {
            Self::Chat(_, room) => room,
            Self::Say(folder) => folder,
        }
    }

    /// Runs a command.
    pub async fn run(&self, house: &House, words: &[&str]) -> Answer {
        match self {
            Self::Chat(person, room) => shown(words, person.says(room, &line(words), &[]).await),
            Self::Say(_) => printed(words, &house.bot.say(words).await),
        }
    }

    /// Runs a command with a file.
    pub async fn put(&self, house: &House, name: &str, bytes: &[u8], words: &[&str]) -> Answer {
        match self {
            Self::Chat(person, room) => {
                let upload = person.attach(name, bytes).await;
                shown(words, person.says(room, &line(words), &[upload]).await)
            }
            Self::Say(_) => {
                let path = format!("sent-{}/{name}", PUT.fetch_add(1, Ordering::SeqCst));
                let full = house.bot.path(&path);
                std::fs::create_dir_all(full.parent().unwrap()).unwrap();
                std::fs::write(full, bytes).unwrap();
                printed(words, &house.bot.bellhop(&[&["say", "--file", path.as_str(), "--"], words].concat()).await)
            }
        }
    }

    /// Runs a command that brings files: their names and bytes.
    pub async fn bring(&self, house: &House, words: &[&str]) -> (Answer, Vec<(String, Vec<u8>)>) {
        match self {
            Self::Chat(person, room) => {
                let message = person.says(room, &line(words), &[]).await;
                let files = person.downloads(&message).await;
                (shown(words, message), files)
            }
            Self::Say(_) => {
                let out = format!("got-{}", PUT.fetch_add(1, Ordering::SeqCst));
                let ran = house.bot.bellhop(&[&["say", "--out", out.as_str(), "--"], words].concat()).await;
                let folder = house.bot.path(&out);
                let entries = std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
                let files = entries.map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap()));
                (printed(words, &ran), files.collect())
            }
        }
    }

    /// Runs a command that asks first, looks at the question, and says yes.
    pub async fn confirm(&self, house: &House, words: &[&str], asks: &[&str]) -> Answer {
        match self {
            Self::Chat(person, room) => {
                let question = person.says(room, &line(words), &[]).await;
                shown(words, question.clone()).refused(asks);
                shown(words, person.presses(&question, "Yes").await)
            }
            Self::Say(_) => {
                let asked = printed(words, &house.bot.say(words).await).refused(asks);
                let id = asked.text.split("approve ").nth(1).and_then(|rest| rest.split_whitespace().next());
                printed(words, &house.bot.say(&["approve", id.unwrap_or_else(|| panic!("no question: {}", asked.text))]).await)
            }
        }
    }

    /// The answer as data, where the way gives it.
    pub async fn card(&self, house: &House, words: &[&str]) -> Option<serde_json::Value> {
        match self {
            Self::Chat(..) => None,
            Self::Say(_) => Some(json(&house.bot.bellhop(&[&["say", "--json", "--"], words].concat()).await.out)),
        }
    }
}

fn shown(words: &[&str], message: Message) -> Answer {
    Answer { good: message.good(), text: message.text.clone(), asked: line(words), message: Some(message) }
}

fn printed(words: &[&str], ran: &Ran) -> Answer {
    let says = [(0, true), (1, false), (2, false)].into_iter().find(|(code, _)| *code == ran.code);
    let (_, good) = says.unwrap_or_else(|| panic!("exit code {}: {}{}", ran.code, ran.out, ran.err));
    Answer { good, text: format!("{}{}", ran.out, ran.err), asked: line(words), message: None }
}

/// The words as they are typed in chat.
fn line(words: &[&str]) -> String {
    let typed = |word: &&str| {
        let plain = !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./:#".contains(&b));
        if plain { (*word).to_owned() } else { format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\"")) }
    };
    format!("/{}", words.iter().map(typed).collect::<Vec<_>>().join(" "))
}
