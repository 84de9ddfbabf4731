//! Alerts: their card, and what people do to them.

use super::catalogue::buttons_work;
use super::world::{World, now};
use crate::alert_card;
use bellhop_core::CommandError;
use bellhop_core::alert::AlertState;
use bellhop_core::card::Does;

#[test]
fn an_alert_goes_its_way() {
    let world = World::new();
    assert!(world.run("alert list").contains("No alert is on."));
    world.desk.fire("3f9a1c20", "HighLatency", "critical");
    world.desk.fire("77aa0011", "DiskFilling", "warning");
    insta::assert_snapshot!(world.run("alert show HighLatency"), @r"
    ✗ FIRING: HighLatency (critical)
    p99 is over 2 s
    Firing since: 2026-11-23 10:20 UTC (for 10 min)
    From:         generic
    Id:           3f9a1c20
    service: api
    zone:    eu-1
    → Acknowledge: alert ack 3f9a1c20
    → Resolve: alert resolve 3f9a1c20
    → Source: https://grafana.example/d/1
    ");
    insta::assert_snapshot!(world.run("alert list"), @r"
    ✗ Open alerts
    2 alerts, 2 firing.
    Id        Severity  Name         State   Since       Who
    ────────  ────────  ───────────  ──────  ──────────  ───
    3f9a1c20  critical  HighLatency  firing  10 min ago
    77aa0011  warning   DiskFilling  firing  10 min ago
    → Ack HighLatency: alert ack 3f9a1c20
    → Ack DiskFilling: alert ack 77aa0011
    → Show HighLatency: alert show 3f9a1c20
    ");
    assert_eq!(world.run("alert ack 3f9a1c20"), "✓ HighLatency is taken by Ann.");
    assert_eq!(world.run("alert ack HighLatency"), "HighLatency was taken already, by Ann.");
    insta::assert_snapshot!(world.run("alert show 3f9a1c20"), @r"
    ! ACKNOWLEDGED: HighLatency (critical)
    p99 is over 2 s
    Taken by:     Ann, after 10 min
    Firing since: 2026-11-23 10:20 UTC
    From:         generic
    Id:           3f9a1c20
    service: api
    zone:    eu-1
    2026-11-23 10:20 UTC fired
    2026-11-23 10:30 UTC acknowledged by Ann
    → Unack: alert unack 3f9a1c20
    → Resolve: alert resolve 3f9a1c20
    → Source: https://grafana.example/d/1
    ");
    assert_eq!(world.run("alert list firing").lines().filter(|line| line.contains("firing")).count(), 2);
    assert_eq!(world.run("alert unack 3f9a1c20"), "! HighLatency is firing again: nobody takes care of it.");
    assert_eq!(world.run("alert unack 3f9a1c20"), "HighLatency was not taken by anyone.");
    assert!(world.run("alert resolve 3f9a1c20").starts_with("✓ HighLatency is resolved."));
    assert_eq!(world.run("alert resolve 3f9a1c20"), "HighLatency was over already.");
    assert_eq!(world.run("alert ack 3f9a1c20"), "HighLatency is over already: there is nothing to take.");
    insta::assert_snapshot!(world.run("alert show 3f9a1c20"), @r"
    ✓ RESOLVED: HighLatency (critical)
    p99 is over 2 s
    Resolved: 2026-11-23 10:30 UTC, by Ann, after 10 min
    Began:    2026-11-23 10:20 UTC
    From:     generic
    Id:       3f9a1c20
    service: api
    zone:    eu-1
    2026-11-23 10:20 UTC fired
    2026-11-23 10:30 UTC acknowledged by Ann
    2026-11-23 10:30 UTC unacknowledged by Ann
    2026-11-23 10:30 UTC resolved by Ann
    → Source: https://grafana.example/d/1
    ");
    assert!(world.run("alert list resolved").contains("HighLatency"));
    assert!(world.run("alert list all --limit 1").contains("there are more"));
    assert!(matches!(world.error("alert show HihgLatency"), CommandError::NotFound { nearest: Some(near), .. } if near == "HighLatency"));
    assert!(world.registry.parse("alert list fiering").is_err());
    buttons_work(&world, &world.reply("alert list all").card);
    assert_eq!(world.complete("alert ack", "id", "disk"), ["77aa0011"]);
}

#[test]
fn the_first_button_takes_a_firing_alert_and_none_changes_a_resolved_one() {
    let world = World::new();
    world.desk.fire("1", "A", "critical");
    let mut alert = world.desk.0.lock().unwrap()[0].clone();
    let labels =
        |alert: &bellhop_core::alert::Alert| alert_card(alert, now()).actions().map(|action| action.label.clone()).collect::<Vec<_>>();
    assert!(labels(&alert)[0].starts_with("Ack"));
    alert.state = AlertState::Acknowledged;
    assert_eq!(labels(&alert), ["Unack", "Resolve", "Source"]);
    alert.state = AlertState::Resolved;
    assert_eq!(labels(&alert), ["Source"]);
    alert.signal.url = "javascript:alert(1)".into();
    assert!(labels(&alert).is_empty());
}

#[test]
fn what_a_sender_writes_stays_text() {
    let world = World::new();
    world.desk.fire("1", "A\u{202e}B\nC", "so\nbad");
    let mut alert = world.desk.0.lock().unwrap()[0].clone();
    alert.signal.summary = "x".repeat(100_000);
    alert.signal.labels = (0..500).map(|n| (format!("label{n}\u{7}"), "v\n".repeat(1000))).collect();
    let card = alert_card(&alert, now());
    assert!(card.title.len() < 300 && !card.title.contains(['\u{202e}', '\n']), "{}", card.title);
    let text = world.text(&card);
    assert!(text.len() < 8_000 && text.contains("and 488 labels"), "{}", text.len());
    assert!(card.actions().all(|action| !matches!(&action.does, Does::Prefill(_))));
}

#[test]
fn a_person_raises_an_alert() {
    let world = World::new();
    let reply = world.reply("alert raise \"Checkout is broken\" --severity Critical --summary \"No orders\" --url https://x.example/a --label service=shop --label zone=eu-1");
    assert_eq!(reply.audience, bellhop_core::Audience::Caller);
    buttons_work(&world, &reply.card);
    insta::assert_snapshot!(world.text(&reply.card), @r"
    ✓ Alert raised
    Checkout is broken is firing. It is shown where alerts of its kind are routed.
    Id: a0
    → Show: alert show a0
    → Resolve: alert resolve a0
    ");
    let kept = world.desk.0.lock().unwrap()[0].clone();
    assert_eq!((kept.signal.severity.as_str(), kept.signal.labels.len(), kept.signal.summary.as_str()), ("critical", 2, "No orders"));
    let again = world.run("alert raise \"Checkout is broken\" --label zone=eu-1 --label service=shop");
    assert!(again.starts_with("This alert is on already"), "{again}");
    assert_eq!(world.desk.0.lock().unwrap().len(), 1);
    world.run("alert ack a0");
    assert!(world.run("alert raise \"Checkout is broken\" --label zone=eu-1 --label service=shop").contains("taken by Ann"));
    assert!(world.run("alert resolve a0").starts_with("✓"));
    assert!(world.run("alert raise \"Checkout is broken\"").contains("Alert raised"), "other labels are another alert");
    for (line, argument) in [
        ("alert raise \" \"", "name"),
        ("alert raise x --url ftp://x", "url"),
        ("alert raise x --url https://", "url"),
        ("alert raise x --label service", "label"),
        ("alert raise x --label =y", "label"),
        ("alert raise x --label severity=high", "label"),
        ("alert raise x --severity aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "severity"),
    ] {
        assert!(matches!(world.error(line), CommandError::Invalid { argument: found, .. } if found == argument), "{line}");
    }
}
