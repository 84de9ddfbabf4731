//! The chat: conversations on the left, messages in the middle, a thread on the right, the message box below.

use super::frame;
use crate::address::MessageRef;
use crate::config::Person;
use crate::message::{Message, Replies, Room};
use crate::render::{Frame, icon, message};
use bellhop_core::ids::UserId;
use maud::{Markup, html};

/// A conversation in the list.
pub(crate) struct Entry {
    pub room: Room,
    pub unread: usize,
    pub direct: bool,
}

/// A message that is to be shown.
pub(crate) struct Shown {
    pub at: MessageRef,
    pub message: Message,
    pub name: String,
    pub replies: Option<Replies>,
}

impl Shown {
    pub fn html(&self, viewer: &UserId) -> Markup {
        message(
            &self.message,
            &Frame { at: &self.at, revision: self.message.revision, viewer, root: false },
            &self.name,
            self.replies.as_ref(),
        )
    }
}

/// A thread that is open.
pub(crate) struct Thread {
    pub root: Shown,
    pub replies: Vec<Shown>,
}

/// Everything that the page shows.
pub(crate) struct Conversation<'a> {
    pub viewer: &'a Person,
    pub people: &'a [Person],
    pub entries: &'a [Entry],
    pub room: &'a Room,
    pub direct: bool,
    pub messages: &'a [Shown],
    pub more: bool,
    pub thread: Option<&'a Thread>,
    /// The number of the newest change that the page shows.
    pub newest: u64,
}

/// The most that a badge counts.
pub(crate) const MOST_UNREAD: usize = 99;

pub(crate) fn chat(page: &Conversation<'_>) -> Markup {
    let title = name_of(page.room, page.direct);
    let body = html! {
        body {
            a.skip href="#main-text" { "Skip to the message box" }
            a.skip href="#log" { "Skip to the messages" }
            div id="live" hidden hx-ext="sse" sse-connect={ "/console/events?after=" (page.newest) } sse-swap="message,channels,reload" hx-swap="none" {}
            div.app id="app" data-person=(page.viewer.id) data-name=(page.viewer.name) {
                (sidebar(page))
                div.veil id="veil" hidden {}
                (conversation(page, &title))
                (thread_panel(page))
            }
            div.toasts id="toasts" role="alert" {}
            div.hidden id="said" role="status" {}
            noscript { p.noscript { "The chat needs JavaScript, which this page brings along itself." } }
        }
    };
    frame(&format!("{title} · Bellhop"), true, &body)
}

fn name_of(room: &Room, direct: bool) -> String {
    if direct { room.name.clone() } else { format!("#{}", room.name) }
}

fn sidebar(page: &Conversation<'_>) -> Markup {
    html! {
        div.sidebar id="sidebar" {
            header.brand { span.brand-bell aria-hidden="true" { (icon("bell")) } span.brand-name { "Bellhop" }
                button.quiet.narrow type="button" id="close-menu" aria-label="Close the list of conversations" { (icon("close")) }
            }
            nav id="rooms" aria-label="Conversations" { (rooms(page.entries, &page.room.id)) }
            section.self aria-label="You" {
                form.who method="post" action="/console/person" {
                    label for="person" { "You are" }
                    select id="person" name="person" {
                        @for person in page.people {
                            option value=(person.id) selected[person.id == page.viewer.id] { (person.name) " (" (person.access) ")" }
                        }
                    }
                    noscript { button.button type="submit" { "Change" } }
                }
                button.quiet type="button" id="theme" aria-label="Change between light and dark" title="Light or dark" { (icon("sun")) }
                form method="post" action="/console/logout" {
                    button.quiet type="submit" aria-label="Log out" title="Log out" { (icon("exit")) }
                }
            }
        }
    }
}

/// The list of conversations.
pub(crate) fn rooms(entries: &[Entry], current: &str) -> Markup {
    let list = |direct: bool| {
        html! {
            ul {
                @for entry in entries.iter().filter(|entry| entry.direct == direct) {
                    @let here = entry.room.id == current;
                    @let place = format!("/c/{}", entry.room.id);
                    li {
                        a.room.unread[entry.unread > 0] href=(place) data-room=(entry.room.id) aria-current=[here.then_some("page")]
                            hx-get=(place) hx-select="#main" hx-target="#main" hx-swap="outerHTML" hx-select-oob="#thread" hx-push-url="true" {
                            @if direct { span.room-icon { (icon("bell")) } } @else if entry.room.private { span.room-icon { (icon("lock")) } } @else { span.room-icon { (icon("hash")) } }
                            span.room-name { bdi { (entry.room.name) } }
                            @if entry.room.archived { span.faint { "closed" } }
                            span.count hidden[entry.unread == 0] data-count=(entry.unread) {
                                @if entry.unread > MOST_UNREAD { (MOST_UNREAD) "+" } @else { (entry.unread) }
                            }
                            span.hidden.count-words hidden[entry.unread == 0] { " unread" }
                        }
                    }
                }
            }
        }
    };
    html! {
        h2 { "Channels" }
        (list(false))
        h2 { "Direct messages" }
        (list(true))
    }
}

fn conversation(page: &Conversation<'_>, title: &str) -> Markup {
    let viewer = &page.viewer.id;
    html! {
        main.conversation id="main" tabindex="-1" data-channel=(page.room.id) data-newest=(page.newest) data-title=(title) data-direct=[page.direct.then_some("")] {
            header.topbar {
                button.quiet.narrow type="button" id="open-menu" aria-label="Show the list of conversations" aria-expanded="false" aria-controls="sidebar" { (icon("menu")) }
                div.topbar-words {
                    h1 { bdi { (title) } }
                    @if page.direct {
                        p.topic { "Only you and the bot. Every line is a command; no slash needed." }
                    } @else if !page.room.topic.is_empty() {
                        p.topic title=(page.room.topic) dir="auto" { (page.room.topic) }
                    }
                }
            }
            div.scroller id="scroller" tabindex="0" role="region" aria-label={ "Conversation " (title) } {
                div.stretch {}
                div.log id="log" role="log" aria-label={ "Messages in " (title) } aria-relevant="additions" {
                    (older(page.room, page.messages, page.more, viewer))
                }
                (welcome(page.room, page.direct, !page.messages.is_empty()))
            }
            div.below {
                button.jump type="button" id="jump" hidden { (icon("down")) span { "New messages" } }
                p.working id="working" role="status" hidden { span.dots aria-hidden="true" { i {} i {} i {} } "Bellhop is working on it" }
                @if page.room.archived {
                    p.closed { "This channel is closed. What was said stays readable." }
                } @else {
                    (composer("main", "Message", page.room, None, if page.direct { "Type a command, or help".to_owned() } else { format!("Message {title}, or / for a command") }.as_str()))
                }
            }
            div.drop id="drop" hidden aria-hidden="true" { div { (icon("clip")) "Drop the file to attach it" } }
        }
    }
}

/// Messages, oldest first, with what loads those before them.
pub(crate) fn older(room: &Room, messages: &[Shown], more: bool, viewer: &UserId) -> Markup {
    html! {
        @if let Some(first) = messages.first().filter(|_| more) {
            button.older type="button" hx-get={ "/console/older?channel=" (room.id) "&before=" (first.message.id) } hx-trigger="click, intersect once" hx-swap="outerHTML" { "Load older messages" }
        }
        @for shown in messages { (shown.html(viewer)) }
    }
}

fn welcome(room: &Room, direct: bool, hidden: bool) -> Markup {
    const TRY: [(&str, &str, &str); 4] = [
        ("/help", "See what the bot can do", "help"),
        ("/file put", "Keep a file: attach or drop it here", "file put"),
        ("/report page_views 7d", "Ask your numbers a question", "report page_views 7d"),
        ("/alert list", "See which alerts are open", "alert list"),
    ];
    html! {
        section.welcome id="welcome" hidden[hidden] aria-label="First steps" {
            div.welcome-bell aria-hidden="true" { (icon("bell")) }
            h2 { @if direct { "Your line to the bot" } @else { "This is #" bdi { (room.name) } } }
            p { @if direct { "Nobody else sees what you ask here." } @else { "Talk as you like; a line that begins with / is a command for the bot." } }
            ul.tries {
                @for (line, about, bare) in TRY {
                    li { button.try type="button" data-prefill=(if direct { bare } else { line }) { code { (if direct { bare } else { line }) } span { (about) } } }
                }
            }
        }
    }
}

fn thread_panel(page: &Conversation<'_>) -> Markup {
    let viewer = &page.viewer.id;
    let back = format!("/c/{}", page.room.id);
    html! {
        aside.thread id="thread" aria-label="Thread" hidden[page.thread.is_none()] data-newest=(page.newest) data-root=[page.thread.map(|thread| thread.root.message.id.as_str())] {
            @if let Some(thread) = page.thread {
                header.topbar {
                    div.topbar-words { h2 tabindex="-1" { "Thread" } p.topic { bdi { (name_of(page.room, page.direct)) } } }
                    a.quiet id="close-thread" href=(back) aria-label="Close the thread" hx-get=(back) hx-select="#thread" hx-target="#thread" hx-swap="outerHTML" hx-push-url="true" { (icon("close")) }
                }
                div.scroller id="thread-scroller" tabindex="0" role="region" aria-label="Thread" {
                    div.root { (beginning(&thread.root, viewer)) }
                    div.log id="thread-log" role="log" aria-label="Replies" aria-relevant="additions" {
                        @for reply in &thread.replies { (reply.html(viewer)) }
                    }
                }
                div.below {
                    @if !page.room.archived { (composer("thread", "Reply", page.room, Some(&thread.root.message.id), "Reply in this thread")) }
                }
            }
        }
    }
}

/// The beginning of the thread inside the panel: the same message, under ids of its own.
fn beginning(root: &Shown, viewer: &UserId) -> Markup {
    message(&root.message, &Frame { at: &root.at, revision: root.message.revision, viewer, root: true }, &root.name, None)
}

fn composer(prefix: &str, label: &str, room: &Room, thread: Option<&str>, placeholder: &str) -> Markup {
    let id = |what: &str| format!("{prefix}-{what}");
    html! {
        form.composer id=(id("composer")) data-composer="" data-channel=(room.id) data-thread=[thread] autocomplete="off" {
            div.completion id=(id("completion")) hidden {
                ul role="listbox" id=(id("list")) aria-label="Suggestions" {}
                p.usage id=(id("usage")) { code {} span {} }
            }
            ul.attached id=(id("attached")) aria-label="Attached files" {}
            div.box {
                label.hidden for=(id("text")) { (label) }
                textarea id=(id("text")) name="text" rows="1" dir="auto" placeholder=(placeholder) aria-autocomplete="list" aria-controls=(id("list")) aria-describedby=(id("keys")) spellcheck="true" {}
                div.box-row {
                    div.attach {
                        input type="file" id=(id("file")) multiple;
                        label for=(id("file")) { (icon("clip")) span { "Attach file" } }
                    }
                    span.keys id=(id("keys")) { kbd { "Enter" } " sends, " kbd { "Shift" } "+" kbd { "Enter" } " breaks the line" }
                    button.send type="submit" aria-label=(if thread.is_some() { "Send the reply" } else { "Send" }) { (icon("send")) }
                }
            }
        }
    }
}
