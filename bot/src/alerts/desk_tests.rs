//! Alerts that people raise, through the whole bot.

use crate::whole::Whole;
use std::time::Duration;

#[tokio::test]
async fn a_raised_alert_is_one_card_until_someone_ends_it() {
    let bot = Whole::start().await;
    let raise = "alert raise CheckoutBroken --severity critical --summary \"No orders\" --label service=shop";
    let answer = bot.said(raise).await;
    assert!(answer.starts_with("✓ Alert raised"), "{answer}");
    let id = answer.lines().find_map(|line| line.strip_prefix("Id: ")).unwrap().to_owned();
    bot.shown("alerts", "FIRING: CheckoutBroken (critical)", 1).await;
    bot.clock.advance(Duration::from_mins(1));
    assert!(bot.said("alert raise CheckoutBroken --label service=shop --summary \"Half of the orders\"").await.contains("is on already"));
    let card = bot.shown("alerts", "Half of the orders", 1).await.remove(0);
    assert!(card.contains("Raised by You") && bot.messages("alerts").await.len() == 1, "{card}");
    assert!(bot.said(&format!("alert resolve {id}")).await.contains("is resolved"));
    bot.shown("alerts", "RESOLVED", 1).await;
    assert!(bot.said(raise).await.starts_with("✓ Alert raised"), "what was ended can be raised again, at the same moment too");
    bot.shown("alerts", "FIRING", 1).await;
    assert_eq!(bot.messages("alerts").await.len(), 1);
    let shown = bot.said(&format!("alert show {id}")).await;
    assert!(shown.contains("2 times") && shown.contains("person"), "{shown}");
}
