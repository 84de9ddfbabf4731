//! The page of a file: its facts, how it begins, and what can be done with it.

use super::{BrowseArgs, View, above, last, preview};
use crate::file::delete::{Delete, DeleteArgs};
use crate::file::get::{Get, GetArgs};
use crate::file::r#move::Move;
use crate::file::share::{Share, ShareArgs};
use crate::file::versions::{Versions, VersionsArgs};
use crate::file::{Located, facts, short_sum, tag_fact};
use crate::wording::{code, line};
use bellhop_core::card::{ActionStyle, Block};
use bellhop_core::form::Answers;
use bellhop_core::{Action, Card, Command as _, CommandError, Invoke, grammar};

/// A file's page. `NotFound` as the store says it, where there is no such file.
pub(super) async fn page(view: &View<'_>, at: &Located) -> Result<Card, CommandError> {
    let info = at.store.head(&at.name, None).await?;
    let back = BrowseArgs { page: view.args.page, from: view.args.from.clone(), ..view.about(at.store_name(), above(&at.name)) };
    let back = view.turn("Back", back);
    if view.args.moving {
        return Ok(moving(view, at, back));
    }
    let mut fields = facts(view.call, &info);
    // Enough to compare by eye; `file info` has all of it.
    for (name, value) in &mut fields {
        if *name == "SHA-256" {
            *value = short_sum(&value.text());
        }
    }
    fields.push(("Store", code(at.store_name().as_str())));
    fields.extend(tag_fact(at).await);
    let mut card = Card::titled(line(&info.name)).and_fields(fields);
    card.blocks.extend(preview::of(&*at.store, &info, &view.capabilities).await);
    let sure = || at.sure.clone();
    let mut actions = vec![
        Action::invoke("Download", Invoke::of::<Get>(&GetArgs { name: sure(), version: None, store: None })).style(ActionStyle::Primary),
        Action::invoke("Share", Invoke::of::<Share>(&ShareArgs::of(&at.sure))),
    ];
    if at.store.versioned() {
        actions.push(Action::invoke("Versions", Invoke::of::<Versions>(&VersionsArgs { name: sure(), store: None })));
    }
    actions.push(view.turn("Move", BrowseArgs { moving: true, turns: None, ..here(view, at) }));
    let delete = Invoke::of::<Delete>(&DeleteArgs { name: sure(), store: None });
    actions.push(Action::invoke("Delete", delete).style(ActionStyle::Danger));
    actions.push(back);
    Ok(card.and_actions(actions))
}

fn here(view: &View<'_>, at: &Located) -> BrowseArgs {
    BrowseArgs { page: view.args.page, from: view.args.from.clone(), ..view.about(at.store_name(), &at.name) }
}

/// Asks for the new name, with the old one filled in; where forms can't be shown, says the line to write.
fn moving(view: &View<'_>, at: &Located, back: Action) -> Card {
    let card = Card::titled(format!("Move {}", last(&at.name)));
    let given = Answers::from([("from".to_owned(), vec![at.sure.clone()]), ("to".to_owned(), vec![at.sure.clone()])]);
    let registry = view.registry.upgrade();
    let form = registry.as_ref().and_then(|registry| registry.get(Move::NAME)).map(|command| {
        let mut form = grammar::form(command.about(), &given, None);
        form.inputs.retain(|input| matches!(input.id.as_str(), "from" | "to" | "replace"));
        form
    });
    let card = match form {
        Some(form) => card.block(Block::Form(form)),
        None => {
            card.and_spans(vec!["Write ".into(), code(format!("file move {} NEW", bellhop_core::tokenise::quote(&at.sure))), ".".into()])
        }
    };
    card.and_actions(vec![view.turn("Keep the name", here(view, at)), back])
}
