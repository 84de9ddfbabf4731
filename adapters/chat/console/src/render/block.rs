//! The parts of a card, one by one.

use super::{Frame, icon, quoted, safe_url, spans};
use bellhop_core::card::{Action, ActionStyle, Block, Card, Does, Field, FileSource, Image, Progress, Table};
use bellhop_core::chart::{Chart, XAxis};
use bellhop_core::form::{Form, Input, InputKind};
use bellhop_core::text;
use maud::{Markup, html};

/// The largest picture that is shown without being asked for.
const SHOWN: u64 = 2 << 20;
/// From this many characters on, the facts of a card stand in rows.
const WIDE: usize = 32;
/// From this many rows on a table scrolls under a heading that stays.
const TALL: usize = 12;

pub(super) fn block(block: &Block, number: usize, card: &Card, frame: &Frame<'_>) -> Markup {
    match block {
        Block::Text(text) => html! { p.text dir="auto" { (spans(text, frame.viewer)) } },
        Block::Fields(list) => fields(list, frame),
        Block::Table(shown) => table(shown, frame),
        Block::Code(code) => html! {
            div.code {
                pre tabindex="0" aria-label="Code" { code { (text::visible(code)) } }
                button.copy type="button" data-copy="" { "Copy" }
            }
        },
        Block::Image(image) => picture(image, number, frame),
        Block::Chart(chart) => drawn_as_table(chart, frame),
        Block::File(shown) => {
            let address = match &shown.source {
                FileSource::Stored { .. } | FileSource::Inline(_) => format!("/console/file/{}/{number}", frame.at),
            };
            file(&shown.name, &shown.content_type, shown.size, Some(&address))
        }
        Block::Progress(far) => progress(far),
        Block::Form(asked) => form(asked, number, frame),
        Block::Actions(list) => {
            // Actions are counted over the whole card, as `Card::actions` does.
            let before = card.blocks[..number].iter().map(|b| if let Block::Actions(list) = b { list.len() } else { 0 }).sum::<usize>();
            html! {
                div.actions role="group" aria-label="Actions" {
                    @for (at, action) in list.iter().enumerate() { (button(action, before + at, frame)) }
                }
            }
        }
        Block::Divider => html! { hr; },
    }
}

fn fields(list: &[Field], frame: &Frame<'_>) -> Markup {
    // Long values read better below one another, each beside its name.
    let rows = list.iter().any(|field| field.value.iter().map(|span| span.text().chars().count()).sum::<usize>() > WIDE);
    html! {
        dl.fields.rows[rows] {
            @for field in list {
                div { dt { bdi { (text::one_line(&field.name)) } } dd dir="auto" { (spans(&field.value, frame.viewer)) } }
            }
        }
    }
}

fn table(table: &Table, frame: &Frame<'_>) -> Markup {
    let caption = text::one_line(&table.caption);
    let label = if caption.is_empty() { "Table" } else { caption.as_str() };
    html! {
        div.table.tall[table.rows.len() > TALL] role="region" tabindex="0" aria-label=(label) {
            table {
                @if !caption.is_empty() { caption { bdi { (caption) } } }
                thead { tr { @for column in &table.columns { th.numeric[column.numeric] scope="col" { bdi { (text::one_line(&column.name)) } } } } }
                tbody {
                    @for row in &table.rows {
                        tr {
                            @for (at, cell) in row.iter().enumerate() {
                                @let numeric = table.columns.get(at).is_some_and(|column| column.numeric);
                                @if at == 0 && !numeric {
                                    th scope="row" dir="auto" { (spans(cell, frame.viewer)) }
                                } @else {
                                    td.numeric[numeric] dir="auto" { (spans(cell, frame.viewer)) }
                                }
                            }
                        }
                    }
                    @if table.rows.is_empty() {
                        tr { td.none colspan=(table.columns.len().max(1)) { "Nothing here." } }
                    }
                }
            }
        }
    }
}

/// Charts come as pictures; one that comes as data is shown as its data.
fn drawn_as_table(chart: &Chart, frame: &Frame<'_>) -> Markup {
    let positions: Vec<String> = match &chart.x {
        XAxis::Time { at, .. } => at.iter().map(|at| at.format("%Y-%m-%d %H:%M UTC").to_string()).collect(),
        XAxis::Category(names) => names.clone(),
    };
    let column = |name: &str, numeric| bellhop_core::card::Column { name: name.to_owned(), numeric };
    let shown = Table {
        caption: chart.title.clone(),
        columns: std::iter::once(column("", false)).chain(chart.series.iter().map(|s| column(&s.name, true))).collect(),
        rows: positions
            .into_iter()
            .enumerate()
            .map(|(at, name)| {
                let value = |values: &[Option<f64>]| values.get(at).copied().flatten().map_or("–".to_owned(), |v| v.to_string());
                std::iter::once(vec![name.into()]).chain(chart.series.iter().map(|s| vec![value(&s.values).into()])).collect()
            })
            .collect(),
    };
    html! { p.text dir="auto" { bdi { (text::visible(&chart.alt)) } } (table(&shown, frame)) }
}

fn picture(image: &Image, number: usize, frame: &Frame<'_>) -> Markup {
    let address = format!("/console/media/{}/{number}?r={}", frame.at, frame.revision);
    html! {
        figure.picture {
            a href=(address) target="_blank" rel="noopener" aria-label={ "Open the picture: " (text::one_line(&image.alt)) } {
                img.drawn[image.content_type == "image/svg+xml"] src=(address) alt=(text::one_line(&image.alt));
            }
        }
    }
}

/// Whether a file of this type is safe and small enough to be shown as a picture.
pub(crate) fn is_picture(content_type: &str, size: u64) -> bool {
    matches!(content_type, "image/png" | "image/jpeg" | "image/gif" | "image/webp") && size <= SHOWN
}

pub(super) fn file(name: &str, content_type: &str, size: u64, address: Option<&str>) -> Markup {
    let name = text::one_line(name);
    let inner = html! {
        span.file-icon { (icon("file")) }
        span.file-words { bdi.file-name { (name) } span.faint { (text::bytes(size)) } }
    };
    html! {
        @if let Some(address) = address {
            @if is_picture(content_type, size) {
                a.thumbnail href=(address) download=(name) { img src={ (address) "?show=1" } alt={ "Picture " (name) } loading="lazy"; }
            }
            a.file href=(address) download=(name) { (inner) span.file-get { (icon("download")) span.hidden { "Download" } } }
        } @else {
            div.file { (inner) }
        }
    }
}

fn progress(far: &Progress) -> Markup {
    let what = text::one_line(&far.what);
    html! {
        div.progress {
            div.progress-words { span { bdi { (what) } } span.faint { (far.figures()) @if let Some(percent) = far.percent() { " · " (percent) "%" } } }
            @if let Some(percent) = far.percent() {
                progress max="100" value=(percent) aria-label=(what) { (percent) "%" }
            } @else {
                progress aria-label=(what) {}
            }
        }
    }
}

fn button(action: &Action, number: usize, frame: &Frame<'_>) -> Markup {
    let style = match action.style {
        ActionStyle::Plain => "plain",
        ActionStyle::Primary => "primary",
        ActionStyle::Danger => "danger",
    };
    let label = text::one_line(&action.label);
    match &action.does {
        Does::Invoke(_) => {
            let values = serde_json::json!({ "message": frame.at.to_string(), "action": number, "revision": frame.revision });
            html! {
                button.button.(style) type="button" data-press="" hx-post="/console/press" hx-swap="none" hx-vals=(values) { bdi { (label) } }
            }
        }
        Does::Open(url) => safe_url(url).map_or_else(|| html! { span.text { bdi { (label) ": " (text::visible(url)) } } }, |url| html! {
                a.button.(style) href=(url) target="_blank" rel="noopener noreferrer" title=(url) { bdi { (label) } (icon("open")) span.hidden { " (opens in a new tab)" } }
            }),
        Does::Prefill(line) => html! {
            button.button.(style) type="button" data-prefill=(text::visible(line)) { bdi { (label) } }
        },
    }
}

fn form(form: &Form, number: usize, frame: &Frame<'_>) -> Markup {
    html! {
        form.form hx-post="/console/form" hx-swap="none" data-form="" aria-label={ "Complete " (form.command) } {
            input type="hidden" name="message" value=(frame.at);
            input type="hidden" name="block" value=(number);
            input type="hidden" name="revision" value=(frame.revision);
            @for (at, input) in form.inputs.iter().enumerate() { (question(input, &frame.id(&format!("q{number}-{at}")))) }
            div.actions { button.button.primary type="submit" { bdi { (text::one_line(&form.submit)) } } }
        }
    }
}

fn question(input: &Input, id: &str) -> Markup {
    let (hint, problem) = (format!("{id}-hint"), format!("{id}-problem"));
    let described: Vec<&str> = [(!input.hint.is_empty()).then_some(hint.as_str()), input.problem.as_ref().map(|_| problem.as_str())]
        .into_iter()
        .flatten()
        .collect();
    let described = (!described.is_empty()).then(|| described.join(" "));
    let invalid = input.problem.as_ref().map(|_| "true");
    let name = format!("a.{}", input.id);
    let label = html! {
        bdi { (text::one_line(&input.label)) }
        @if !input.required { span.faint { " (optional)" } }
    };
    html! {
        div.question.wrong[input.problem.is_some()] {
            @match &input.kind {
                InputKind::Flag => {
                    label.check for=(id) {
                        input type="checkbox" id=(id) name=(name) value="true" checked[input.value == "true"] aria-describedby=[described.as_deref()] aria-invalid=[invalid];
                        span { (label) }
                    }
                }
                InputKind::Text | InputKind::Search => {
                    label for=(id) { (label) }
                    input type="text" id=(id) name=(name) value=(text::visible(&input.value)) dir="auto" autocomplete="off" required[input.required] aria-describedby=[described.as_deref()] aria-invalid=[invalid];
                }
                InputKind::Lines => {
                    label for=(id) { (label) span.faint { " one per line" } }
                    textarea id=(id) name=(name) rows="3" dir="auto" required[input.required] aria-describedby=[described.as_deref()] aria-invalid=[invalid] { (text::visible(&input.value)) }
                }
                InputKind::Choice(choices) => {
                    label for=(id) { (label) }
                    select id=(id) name=(name) required[input.required] aria-describedby=[described.as_deref()] aria-invalid=[invalid] {
                        @if !input.required || !choices.contains(&input.value) { option value="" selected[!choices.contains(&input.value)] { "Choose…" } }
                        @for choice in choices { option value=(choice) selected[*choice == input.value] { (text::one_line(choice)) } }
                    }
                }
            }
            @if !input.hint.is_empty() { p.hint id=(hint) { (quoted(&input.hint)) } }
            @if let Some(why) = &input.problem { p.problem id=(problem) { span.hidden { "Problem: " } (quoted(why)) } }
        }
    }
}
