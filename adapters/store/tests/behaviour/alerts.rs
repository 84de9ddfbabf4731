//! Alerts and their versions.

use crate::world::{message, on_both};
use bellhop_core::PortErrorKind;
use bellhop_core::alert::{Alert, AlertInput, AlertSignal, AlertState, apply};
use bellhop_core::ids::Fingerprint;
use bellhop_core::ports::AlertFilter;
use bellhop_store::{AlertWrite, Effects};
use std::collections::BTreeMap;
use std::time::Duration;

fn alert(print: &str, name: &str, at: bellhop_core::Timestamp) -> Alert {
    let signal = AlertSignal {
        fingerprint: Fingerprint::new(print),
        source: "generic".into(),
        firing: true,
        name: name.into(),
        severity: "critical".into(),
        summary: "It \0 burns".into(),
        description: String::new(),
        labels: BTreeMap::new(),
        url: String::new(),
        starts_at: at,
        ends_at: None,
        received: at,
        to: Vec::new(),
    };
    apply(None, AlertInput::Signal(signal)).0.unwrap()
}

fn write(alert: &Alert, expected_version: Option<i64>) -> Effects {
    Effects { alerts: vec![AlertWrite { alert: alert.clone(), expected_version }], ..Effects::default() }
}

fn acknowledged(alert: &Alert, at: bellhop_core::Timestamp) -> Alert {
    apply(Some(alert.clone()), AlertInput::Acknowledge { who: "Ann".into(), at }).0.unwrap()
}

on_both! {
    async fn a_change_needs_the_version_it_was_made_from(world: World) {
        let (store, now) = (&world.store, world.now());
        store.commit(write(&alert("f1", "Disk", now), None)).await.unwrap();
        let kept = store.alert_by_id("f1").await.unwrap();
        assert_eq!((kept.version, kept.value.id.len()), (1, 8));
        let taken = acknowledged(&kept.value, now);
        store.commit(write(&taken, Some(1))).await.unwrap();
        // An old version, a future one, one that should be new, one that is unknown: nothing of these steps is kept.
        for (alert, version) in [(&taken, Some(1)), (&taken, Some(3)), (&taken, None), (&alert("f2", "Net", now), Some(1))] {
            let mut step = write(alert, version);
            step.outbox = vec![message("a", "never")];
            assert_eq!(store.commit(step).await.unwrap_err().kind, PortErrorKind::Conflict, "{version:?}");
        }
        assert_eq!(store.outbox_depth().await.unwrap().ready, 0);
        let kept = store.alert_by_id(&kept.value.id.to_uppercase()).await.unwrap();
        assert_eq!((kept.version, kept.value), (2, taken));
    }

    async fn of_many_who_change_an_alert_at_once_one_wins(world: World) {
        let (store, now) = (&world.store, world.now());
        store.commit(write(&alert("f1", "Disk", now), None)).await.unwrap();
        let kept = store.alert_by_id("f1").await.unwrap();
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..20 {
            let (store, step) = (store.clone(), write(&acknowledged(&kept.value, now), Some(1)));
            tasks.spawn(async move { store.commit(step).await.is_ok() });
        }
        assert_eq!(tasks.join_all().await.into_iter().filter(|won| *won).count(), 1);
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..20 {
            let (store, step) = (store.clone(), write(&alert("f2", "Net", now), None));
            tasks.spawn(async move { store.commit(step).await.is_ok() });
        }
        assert_eq!(tasks.join_all().await.into_iter().filter(|won| *won).count(), 1);
    }

    async fn alerts_are_found_by_state_fingerprint_id_and_name(world: World) {
        let store = &world.store;
        for (print, name) in [("f1", "Disk"), ("f2", "Disk"), ("f3", "DiskFull")] {
            world.clock.advance(Duration::from_secs(1));
            store.commit(write(&alert(print, name, world.now()), None)).await.unwrap();
        }
        let net = store.alert_by_id("DiskFull").await.unwrap();
        world.clock.advance(Duration::from_secs(1));
        store.commit(write(&acknowledged(&net.value, world.now()), Some(1))).await.unwrap();
        let prints = |alerts: Vec<bellhop_store::Versioned<Alert>>| alerts.into_iter().map(|kept| kept.value.signal.fingerprint.as_str().to_owned()).collect::<Vec<_>>();
        let list = |states: &[AlertState], limit| AlertFilter { states: states.to_vec(), limit };
        assert_eq!(prints(store.alerts(&list(&[], 10)).await.unwrap()), ["f3", "f2", "f1"]);
        assert_eq!(prints(store.alerts(&list(&[AlertState::Firing], 1)).await.unwrap()), ["f2"]);
        assert_eq!(prints(store.alerts(&list(&[AlertState::Acknowledged, AlertState::Resolved], 9)).await.unwrap()), ["f3"]);
        assert_eq!(store.alerts_by_fingerprint(&["f1".into(), "f9".into(), "f2".into()]).await.unwrap().len(), 2);
        let several = store.alert_by_id("Disk").await.unwrap_err();
        assert_eq!(several.kind, PortErrorKind::Invalid);
        assert!(several.message.contains(&prints(store.alerts(&list(&[], 1)).await.unwrap()).len().to_string()) || several.message.contains("several"), "{several}");
        let missing = store.alert_by_id("DiksFull").await.unwrap_err();
        assert_eq!(missing.kind, PortErrorKind::NotFound);
        assert!(missing.message.contains("did you mean `DiskFull`?"), "{missing}");
    }

    async fn ids_that_collide_get_longer(world: World) {
        let (store, now) = (&world.store, world.now());
        let [short] = store.alert_ids(&["f1".into()]).await.unwrap().try_into().unwrap();
        assert_eq!(short.len(), 8);
        // Someone else sits on the id that f1 would get.
        let squatter = Alert { id: short.clone(), ..alert("other", "Net", now) };
        store.commit(write(&squatter, None)).await.unwrap();
        let longer = store.alert_ids(&["f1".into(), "other".into()]).await.unwrap();
        assert_eq!((longer[0].len(), longer[0].starts_with(&short), longer[1].as_str()), (9, true, short.as_str()));
        store.commit(write(&alert("f1", "Disk", now), None)).await.unwrap();
        assert_eq!(store.alert_by_id(&longer[0]).await.unwrap().value.signal.fingerprint.as_str(), "f1");
        assert_eq!(store.alert_by_id(&short).await.unwrap().value.signal.fingerprint.as_str(), "other");
    }
}
