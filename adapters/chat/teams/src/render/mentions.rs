//! Mentions: the one thing that notifies anyone. A mention is a text in a `TextBlock` and an entity with the very same text; what
//! people write can hold that text, too, so the name in it is made one that stands nowhere else in the card.

use super::Scene;
use super::text::{address, block, moment};
use bellhop_core::card::{Card, Span};
use bellhop_core::text::{one_line, shorten, visible};
use serde_json::{Value, json};

/// How Teams calls a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    /// `29:...`, or the object id.
    pub id: String,
    /// The name.
    pub name: String,
}

/// The mentions of a card.
pub(super) struct Mentions<'a> {
    scene: &'a Scene<'a>,
    /// Every word of the card, in which no mention's text may stand by chance.
    words: String,
    made: Vec<(String, String, Value)>,
}

impl<'a> Mentions<'a> {
    pub fn new(card: &Card, scene: &'a Scene<'a>) -> Self {
        let words = if scene.people.is_empty() { String::new() } else { serde_json::to_string(card).unwrap_or_default() };
        Self { scene, words, made: Vec::new() }
    }

    pub fn entities(&self) -> Vec<Value> {
        self.made.iter().map(|(_, _, entity)| entity.clone()).collect()
    }

    /// A paragraph with a mention in it; `None` where it has none that can be made.
    pub fn paragraph(&mut self, spans: &[Span]) -> Option<Value> {
        let mut any = false;
        let mut text = String::new();
        for span in spans {
            match span {
                Span::Mention { user, name } if user.chat == self.scene.at.chat => match self.of(user.user.as_str(), name) {
                    Some(mention) => {
                        any = true;
                        text.push_str(&mention);
                    }
                    None => text.push_str(&escaped(&format!("@{name}"))),
                },
                Span::Bold(bold) if !bold.trim().is_empty() && !bold.contains('\n') => {
                    text.extend(["**", &escaped(bold.trim()), "**"]);
                }
                Span::Link { text: shown, url } => match address(url) {
                    Some(url) => {
                        let url = url.replace('(', "%28").replace(')', "%29").replace(' ', "%20");
                        text.extend(["[", &escaped(&one_line(shown)), "](", &url, ")"]);
                    }
                    None => text.push_str(&escaped(&span.text())),
                },
                Span::Time(at) => text.push_str(&moment(at)),
                other => text.push_str(&escaped(&other.text())),
            }
        }
        any.then(|| block(&text))
    }

    /// The text of a mention.
    fn of(&mut self, user: &str, name: &str) -> Option<String> {
        if let Some((_, text, _)) = self.made.iter().find(|(known, _, _)| known == user) {
            return Some(text.clone());
        }
        let named = self.scene.people.get(user)?;
        let shown = if named.name.trim().is_empty() { name } else { &named.name };
        let clean: String = one_line(shown).chars().filter(|c| !matches!(c, '<' | '>' | '&')).collect();
        let clean = shorten(clean.trim(), 80);
        let clean = if clean.is_empty() { "person".to_owned() } else { clean };
        let mut text = format!("<at>{clean}</at>");
        let mut number = 2;
        while self.words.contains(&text) || self.made.iter().any(|(_, other, _)| *other == text) {
            text = format!("<at>{clean} ({number})</at>");
            number += 1;
        }
        let entity = json!({ "type": "mention", "text": text, "mentioned": { "id": named.id, "name": clean } });
        self.made.push((user.to_owned(), text.clone(), entity));
        Some(text)
    }
}

/// Text in a `TextBlock` whose marks mean nothing; its lines stay lines.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in visible(text).chars() {
        match c {
            '\n' => out.push_str("\n\n"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '<' | '>' | '#' | '+' | '-' | '.' | '!' | '|' | '~' | '&' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}
