//! Sentences on what a reader sees and whom a message reaches.

use super::Subject;
use crate::conformance::{Outcome, Verdict, done, ensure, same};
use bellhop_core::Card;
use bellhop_core::call::Audience;
use bellhop_core::card::{Block, Field, Span, Table};

/// Text that some program or other would obey.
pub const HOSTILE: [&str; 16] = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</div></p>--><!-- &lt;b&gt; &amp;amp;",
    "<!channel> <!here> <@U1> <#C1|ops>",
    "@everyone @here <@&1>",
    "[click](https://evil.example/) ![x](https://evil.example/i)",
    "<https://evil.example/|bank>",
    "*bold* _it_ ~no~ `code` ```fence``` **b** __u__ ||spoiler||",
    "> quote\\n# heading\\n- item",
    "{{7*7}} ${7*7} <%= 7 %>",
    "'; drop table messages; --",
    "\"onmouseover=\"alert(1)",
    "a & b < c > d \" e ' f",
    "<at>Everyone</at>",
    "&#x3C;b&#x3E; %3Cb%3E \\u003cb\\u003e",
    "<t:1:R> :rocket: <:a:1>",
];

pub(super) async fn hostile_text(subject: &Subject) -> Verdict {
    let table = subject.platform.capabilities().table.is_some();
    for (n, hostile) in HOSTILE.iter().enumerate() {
        let text = (*hostile).to_owned();
        let mut card = Card::titled(text.clone())
            .and_spans(vec![Span::Plain(text.clone()), " ".into(), Span::Bold(text.clone()), " ".into(), Span::Code(text.clone())])
            .block(Block::Fields(vec![Field { name: text.clone(), value: vec![Span::Plain(text.clone())] }]))
            .block(Block::Code(text.clone()));
        let mut times = 7;
        if table {
            let column = bellhop_core::card::Column { name: text.clone(), numeric: false };
            card = card.block(Block::Table(Table {
                caption: "c".into(),
                columns: vec![column],
                rows: vec![vec![vec![Span::Plain(text.clone())]]],
            }));
            times += 2;
        }
        let id = subject.deliver(&format!("hostile {n}"), card).await?;
        let seen = subject.seen().await;
        let Some(shown) = seen.iter().find(|message| message.id == id.as_str()) else {
            return Err(format!("{hostile:?} is not shown at all"));
        };
        let found = shown.text.matches(hostile).count();
        ensure!(found >= times, "{hostile:?} is shown as itself {found} times, of {times} that were sent: {:?}", shown.text);
        ensure!(shown.links.is_empty(), "{hostile:?} became links: {:?}", shown.links);
        ensure!(shown.notified.is_empty(), "{hostile:?} notifies {:?}", shown.notified);
        ensure!(shown.actions.is_empty(), "{hostile:?} became buttons: {:?}", shown.actions);
    }
    let id = subject.deliver("hidden", Card::text("a\u{202e}b\u{200b}c\u{0}\u{7}d\u{2066}e")).await?;
    let shown = subject.seen().await.into_iter().find(|message| message.id == id.as_str()).map(|message| message.text);
    ensure!(shown.as_ref().is_some_and(|text| text.contains("abcde")), "hidden marks are left in {shown:?}");
    Ok(Outcome::Held)
}

pub(super) async fn links(subject: &Subject) -> Verdict {
    let link = |text: &str, url: &str| Span::Link { text: text.to_owned(), url: url.to_owned() };
    let fine = ["https://good.example/a?b=c&d=%20e#f", "http://127.0.0.1:9/x", "mailto:ann@good.example"];
    let bad = [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        " javascript:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "vbscript:x",
        "//evil.example",
        "https:evil",
    ];
    for (n, url) in fine.iter().enumerate() {
        let id = subject.deliver(&format!("fine {n}"), Card::default().and_spans(vec!["see ".into(), link("this page", url)])).await?;
        let shown = subject.seen().await.into_iter().find(|message| message.id == id.as_str()).unwrap_or_default();
        ensure!(shown.text.contains("this page"), "the link's text is not shown: {:?}", shown.text);
        same!(shown.links, [*url], "where it leads");
    }
    for (n, url) in bad.iter().enumerate() {
        let id = subject.deliver(&format!("bad {n}"), Card::default().and_spans(vec!["see ".into(), link("that page", url)])).await?;
        let shown = subject.seen().await.into_iter().find(|message| message.id == id.as_str()).unwrap_or_default();
        ensure!(shown.text.contains("that page"), "{url:?}: the text is not shown: {:?}", shown.text);
        ensure!(
            shown.links.iter().all(|to| ["http://", "https://", "mailto:"].iter().any(|scheme| to.starts_with(scheme))),
            "{url:?} became a link: {:?}",
            shown.links
        );
    }
    Ok(Outcome::Held)
}

pub(super) async fn mentions(subject: &Subject) -> Verdict {
    let user = subject.person.user.as_str();
    let without = format!("@{user} <@{user}> @{} @all", subject.person_name);
    subject.deliver("plain", Card::text(without.clone()).block(Block::Code(without))).await?;
    same!(subject.seen().await.first().map(|message| message.notified.clone()), Some(Vec::new()), "people whom mere text notifies");
    let mention = Span::Mention { user: subject.person.clone(), name: "Somebody".to_owned() };
    subject.deliver("mention", Card::default().and_spans(vec!["Hello ".into(), mention, "!".into()])).await?;
    same!(
        subject.seen().await.get(1).map(|message| message.notified.clone()),
        Some(vec![user.to_owned()]),
        "people whom a mention notifies"
    );
    Ok(Outcome::Held)
}

pub(super) async fn private(subject: &Subject) -> Verdict {
    let caps = subject.platform.capabilities();
    let mut post = subject.post("k", Card::text("between us"));
    post.audience = Audience::Caller;
    post.answers = Some(subject.person.clone());
    done!(subject.platform.deliver(&post).await, "posting for one person");
    let of = |reader| async {
        (subject.observe)(subject.channel.clone(), reader).await.iter().filter(|message| message.text.contains("between us")).count()
    };
    same!(of(subject.person.clone()).await, 1, "copies that the person sees");
    same!(of(subject.other.clone()).await, usize::from(!caps.private), "copies that another one sees");
    Ok(Outcome::Held)
}
