//! The page around the messages: the frame, the list of conversations, the message box, the log-in page and the page that
//! says what went wrong. It shows what it is given and asks nobody.

mod chat;

pub(crate) use chat::{Conversation, Entry, Shown, Thread, chat, older, rooms};

use crate::assets::address;
use crate::render::{icon, quoted};
use maud::{DOCTYPE, Markup, html};

/// htmx without what a strict policy forbids, and without copies of pages in the browser's storage.
const HTMX: &str = r#"{"allowEval":false,"includeIndicatorStyles":false,"historyCacheSize":0,"refreshOnHistoryMiss":true,"selfRequestsOnly":true,"scrollIntoViewOnBoost":false,"reportValidityOfForms":true,"attributesToSettle":[]}"#;

fn frame(title: &str, script: bool, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1, interactive-widget=resizes-content";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                title { (title) }
                link rel="icon" type="image/svg+xml" href=(address("bell.svg"));
                link rel="stylesheet" href=(address("page.css"));
                link rel="stylesheet" href=(address("message.css"));
                script src=(address("theme.js")) {}
                @if script {
                    meta name="htmx-config" content=(HTMX);
                    script src=(address("htmx.js")) defer {}
                    script src=(address("htmx-sse.js")) defer {}
                    script type="module" src=(address("console.js")) {}
                }
            }
            (body)
        }
    }
}

/// What someone sees who is not logged in.
pub(crate) fn login(problem: Option<&str>) -> Markup {
    let body = html! {
        body.door data-door[problem.is_none()] {
            main.door-card {
                div.door-bell aria-hidden="true" { (icon("bell")) }
                h1 { "Welcome to Bellhop" }
                @if let Some(problem) = problem { p.door-problem role="alert" { (problem) } }
                p { "Bellhop prints a log-in link when it starts, on a line of its own in the terminal or the log. Open that link, or paste it here." }
                form method="get" action="/login" {
                    label for="token" { "Log-in link or token" }
                    input type="text" id="token" name="token" autocomplete="off" spellcheck="false" required autofocus placeholder="http://…/login?token=…";
                    button.button.primary type="submit" { "Log in" }
                }
                p.faint { "A link works once, within a day. Restarting Bellhop prints a new one; what was said stays." }
            }
        }
    };
    frame("Log in · Bellhop", false, &body)
}

/// What went wrong, as a page.
pub(crate) fn problem(title: &str, words: &str) -> Markup {
    let body = html! {
        body.door {
            main.door-card {
                div.door-bell aria-hidden="true" { (icon("bell")) }
                h1 { (title) }
                p { (quoted(words)) }
                p { a.button.primary href="/" { "Back to the chat" } }
            }
        }
    };
    frame(&format!("{title} · Bellhop"), false, &body)
}
