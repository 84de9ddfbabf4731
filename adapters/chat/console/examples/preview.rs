//! Serves the console by itself, with one card of every kind, to look at it: `cargo run -p bellhop-console --example
//! preview`. It prints its log-in link. Nothing of the real bot runs behind it.

#[path = "../tests/world/mod.rs"]
mod world;

use async_trait::async_trait;
use bellhop_console::{Console, ConsoleConfig, Ports};
use bellhop_core::call::{Audience, Invoke};
use bellhop_core::card::{
    Action, ActionStyle, Block, Card, Column, Field, FileBlock, FileSource, Image, Progress, Span, Table, Tone,
};
use bellhop_core::clock::{Clock, Timestamp};
use bellhop_core::form::{Form, Input, InputKind};
use bellhop_core::ports::{Accepted, ChatPlatform as _, Inbox, Incoming, PortResult, Post, Said};
use bellhop_core::{Address, UserRef};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this program's own clock")]
    fn now(&self) -> Timestamp {
        chrono::Utc::now()
    }
}

/// Answers at once with a card of the gallery.
#[derive(Default)]
struct Gallery(OnceLock<Arc<Console>>);

#[async_trait]
impl Inbox for Gallery {
    async fn accept(&self, incoming: Incoming) -> PortResult<Accepted> {
        let Some(console) = self.0.get().cloned() else { return Ok(Accepted::New) };
        #[expect(clippy::disallowed_methods, reason = "there is no App here to start tasks")]
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(350)).await;
            if let Err(error) = answer(&console, &incoming).await {
                tracing::warn!(%error, "no answer");
            }
        });
        Ok(Accepted::New)
    }
}

fn post(incoming: &Incoming, card: Card, part: usize) -> Post {
    Post {
        key: format!("{}/{part}", incoming.key).as_str().into(),
        to: incoming.at.clone(),
        card,
        audience: Audience::Everyone,
        answers: Some(incoming.from.clone()),
        reply: incoming.reply.clone(),
    }
}

async fn answer(console: &Console, incoming: &Incoming) -> PortResult<()> {
    let line = match &incoming.said {
        Said::Line(line) => line.clone(),
        Said::Invoke(invoke) => invoke.command.clone(),
        Said::Form { command, answers } => format!("form {command} {answers:?}"),
    };
    match line.split_whitespace().next().unwrap_or_default() {
        "gallery" => {
            for (part, card) in gallery(incoming).into_iter().enumerate() {
                console.deliver(&post(incoming, card, part)).await?;
            }
        }
        "progress" => {
            let mut id = None;
            for done in 0..=20_u64 {
                let card = if done == 20 {
                    Card::titled("Backup stored").tone(Tone::Good).and_text("512 MiB in 4 s.")
                } else {
                    Card::titled("Storing the backup").block(Block::Progress(Progress::bytes("backup.tar.zst", done * (26 << 20), Some(512 << 20))))
                };
                match &id {
                    None => id = Some(console.deliver(&post(incoming, card, 0)).await?),
                    Some(id) => console.revise(id, &post(incoming, card, 0)).await?,
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
        "private" => {
            let card = Card::titled("Your key").and_text("Nobody else sees this.");
            console.deliver(&Post { audience: Audience::Caller, ..post(incoming, card, 0) }).await?;
        }
        "help" => {
            console.deliver(&post(incoming, help(), 0)).await?;
        }
        _ => {
            let files = incoming.attachments.iter().map(|a| a.name.as_str()).collect::<Vec<_>>().join(", ");
            let card = Card::default().and_spans(vec!["You said ".into(), Span::Code(line.clone()), format!(". {files}").into()]);
            console.deliver(&post(incoming, card, 0)).await?;
        }
    }
    Ok(())
}

fn invoke(command: &str) -> Invoke {
    Invoke { command: command.into(), args: serde_json::json!({}) }
}

fn help() -> Card {
    let column = |name: &str| Column { name: name.into(), numeric: false };
    let row = |a: &str, b: &str| vec![vec![Span::Code(a.into())], vec![b.into()]];
    Card::titled("What I can do")
        .and_text("Type a command with a slash, or mention me.\nArguments that are missing are asked for.")
        .block(Block::Table(Table {
            caption: "Commands".into(),
            columns: vec![column("Command"), column("What it does")],
            rows: vec![
                row("/file put", "Keep a file"),
                row("/file list", "List the files of a store"),
                row("/report METRIC", "Ask your numbers a question"),
                row("/alert list", "See which alerts are open"),
            ],
        }))
        .and_actions(vec![
            Action::prefill("Ask a question", "/report "),
            Action::invoke("Show the gallery", invoke("gallery")).style(ActionStyle::Primary),
            Action::open("Documentation", "https://example.com/docs"),
        ])
}

fn chart() -> Arc<[u8]> {
    let heights = [120, 96, 134, 88, 70, 84, 52, 60, 30, 44, 20];
    let points: Vec<String> = heights.iter().enumerate().map(|(at, y)| format!("{},{}", 50 + at * 56, y + 20)).collect();
    let points = points.join(" ");
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="660" height="220" viewBox="0 0 660 220"><rect width="660" height="220" fill="#fff"/><g stroke="#e4e2dc"><path d="M50 40h560M50 90h560M50 140h560M50 190h560"/></g><polyline points="{points}" fill="none" stroke="#4b43c4" stroke-width="2.5" stroke-linejoin="round"/><g font-family="sans-serif" font-size="12" fill="#635f57"><text x="12" y="44">400</text><text x="12" y="94">300</text><text x="12" y="144">200</text><text x="50" y="210">12 Nov</text><text x="566" y="210">22 Nov</text></g><script>alert(1)</script></svg>"##
    )
    .into_bytes()
    .into()
}

fn gallery(incoming: &Incoming) -> Vec<Card> {
    let input = |id: &str, label: &str, hint: &str, required, problem: Option<&str>, value: &str, kind| Input {
        id: id.into(),
        label: label.into(),
        hint: hint.into(),
        required,
        problem: problem.map(str::to_owned),
        value: value.into(),
        kind,
    };
    let numbers = |at: u64| {
        vec![
            vec![Span::Plain(format!("/pricing/{at}"))],
            vec![Span::Plain(bellhop_core::text::grouped(90_000 - i64::try_from(at).unwrap_or(0) * 3_217))],
            vec![Span::Plain(format!("{}.4 %", at + 2))],
        ]
    };
    vec![
        Card::titled("Page views, last 11 days")
            .block(Block::Image(Image {
                alt: "Page views rise from 260 on 12 November to 380 on 22 November.".into(),
                name: "chart.svg".into(),
                content_type: "image/svg+xml".into(),
                bytes: chart(),
            }))
            .and_fields(vec![("Total", "3 912"), ("Best day", "22 November, 412"), ("Compared with before", "+18 %")])
            .block(Block::Table(Table {
                caption: "By page".into(),
                columns: vec![
                    Column { name: "Page".into(), numeric: false },
                    Column { name: "Views".into(), numeric: true },
                    Column { name: "Share".into(), numeric: true },
                ],
                rows: (0..20).map(numbers).collect(),
            })),
        Card::titled("DiskAlmostFull on db-1")
            .tone(Tone::Bad)
            .and_spans(vec![
                "The data volume is 93 % full. Ask ".into(),
                Span::Mention { user: incoming.from.clone(), name: incoming.name.clone() },
                " or read the ".into(),
                Span::Link { text: "runbook".into(), url: "https://example.com/runbook".into() },
                ". Since ".into(),
                Span::Time(incoming.received),
                ".".into(),
            ])
            .block(Block::Fields(vec![
                Field { name: "Severity".into(), value: vec![Span::Bold("critical".into())] },
                Field { name: "Instance".into(), value: vec![Span::Code("db-1:9100".into())] },
                Field { name: "Firing for".into(), value: vec!["12 minutes".into()] },
            ]))
            .and_actions(vec![
                Action::invoke("Acknowledge", invoke("alert ack")).style(ActionStyle::Primary),
                Action::invoke("Silence for 1 h", invoke("alert silence")),
                Action::invoke("Delete the volume", invoke("volume delete")).style(ActionStyle::Danger),
            ]),
        Card::titled("Stored report.txt").tone(Tone::Good).block(Block::File(FileBlock {
            name: "report.txt".into(),
            content_type: "text/plain".into(),
            size: 10,
            source: FileSource::Stored { store: "memory".into(), name: "folder/report.txt".into(), version: None },
        })),
        Card::titled("This can't be undone")
            .tone(Tone::Warning)
            .and_text("12 versions of backups/2026 would be removed.")
            .block(Block::Divider)
            .block(Block::Code("rm -r backups/2026\n# 12 objects, 4.1 GiB".into())),
        Card::titled("Share a file").block(Block::Form(Form {
            command: "file share".into(),
            submit: "Make the link".into(),
            inputs: vec![
                input(
                    "name",
                    "File",
                    "Its name in the store",
                    true,
                    Some("There is no file `reprot.txt`; did you mean `report.txt`?"),
                    "reprot.txt",
                    InputKind::Text,
                ),
                input("expires", "Works for", "", true, None, "1h", InputKind::Choice(vec!["10m".into(), "1h".into(), "1d".into()])),
                input("to", "Send to", "Channels or people", false, None, "", InputKind::Lines),
                input("notify", "Tell them", "", false, None, "true", InputKind::Flag),
            ],
        })),
        Card::text("Hostile text stays text: <script>alert(1)</script> [x](javascript:alert(1)) \u{202e}desrever")
            .and_text("مرحبا بالعالم – and from left to right again."),
    ]
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let world = world::World::new();
    let gallery = Arc::new(Gallery::default());
    let ports = Ports { inbox: Arc::clone(&gallery) as Arc<dyn Inbox>, clock: Arc::new(SystemClock), ..world.ports.clone() };
    let console = Console::new("console".into(), ConsoleConfig::default(), ports, world.data_dir());
    let _ = gallery.0.set(Arc::clone(&console));
    let user = UserRef { chat: "console".into(), workspace: "local".into(), user: "olive".into() };
    let welcome = Card::titled("Hello, I am Bellhop")
        .and_text("Type /help, drop a file here, or ask your numbers a question.")
        .and_actions(vec![Action::prefill("Show the commands", "/help"), Action::prefill("Ask a question", "/report page_views 7d")]);
    let first = Post {
        key: "welcome".into(),
        to: Address::channel("console", "local", "general"),
        card: welcome,
        audience: Audience::Everyone,
        answers: Some(user),
        reply: None,
    };
    console.deliver(&first).await?;
    for at in 0..3 {
        let note = Card::titled(format!("Alert {at}")).tone(Tone::Warning);
        console
            .deliver(&Post {
                key: format!("alert-{at}").as_str().into(),
                to: Address::channel("console", "local", "alerts"),
                card: note,
                ..first.clone()
            })
            .await?;
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let base = format!("http://{}", listener.local_addr()?);
    #[expect(clippy::print_stdout, reason = "the link is what this program is for")]
    {
        println!("{}", console.login_link(&base).await?);
    }
    axum::serve(listener, console.router()).await?;
    Ok(())
}
