//! How either database answers the questions: by the indexes, never by going through all events.

use super::Events;
use crate::session::asked::ASKED;
use crate::{Backend, Store};
use bellhop_core::analytics::{
    CohortDefinition, CohortRule, Comparison, During, EventMatch, Filter, Funnel, Measure, NewEvent, Query, Retention, RetentionKind,
    Revenue, StepOrder, Trend, Window,
};
use bellhop_core::chart::Interval;
use bellhop_core::ports::AnalyticsSource as _;
use bellhop_kit::clock::{CountedIds, StoppedClock};
use bellhop_kit::peers::postgres::Postgres;
use chrono::TimeDelta;
use futures::TryStreamExt as _;
use std::cell::RefCell;
use std::sync::Arc;

/// Asks everything that can be asked, and returns each step of each plan together with its statement.
async fn plans(store: Store) -> Vec<(String, String)> {
    let events = Events::new(store.clone());
    let now = store.now();
    let window = Window { from: now - TimeDelta::days(90), to: now, zone: chrono_tz::Europe::Berlin };
    let told = (0..300_i64).map(|number| NewEvent {
        event: ["page_view", "signup", "purchase"][usize::try_from(number % 3).unwrap()].to_owned(),
        distinct_id: format!("person-{}", number % 50),
        time: now - TimeDelta::hours(number * 7),
        insert_id: format!("event-{number}"),
        properties: serde_json::from_value(serde_json::json!({ "country": "DE", "revenue": number % 9 })).unwrap(),
    });
    events.track(told.collect()).await.unwrap();
    let named = |name: &str| EventMatch { event: Some(name.to_owned()), filters: Vec::new() };
    let filters = vec![Filter { property: "country".to_owned(), op: Comparison::Is, value: "DE".to_owned() }];
    let mut questions = Vec::new();
    for metric in ["page_view", "page_views", "users", "key_events", "sessions"] {
        for by in [None, Some("country".to_owned())] {
            questions.push(Query::Trend(Trend {
                metric: metric.to_owned(),
                measure: Measure::Count,
                from: window.from,
                to: window.to,
                zone: window.zone,
                interval: Some(Interval::Day),
                by,
                filters: filters.clone(),
            }));
        }
    }
    for by in [None, Some("country".to_owned())] {
        let steps = ["page_view", "signup", "purchase"].map(named).to_vec();
        questions.push(Query::Funnel(Funnel {
            steps,
            window: window.clone(),
            within: 7 * 86_400,
            order: StepOrder::Ordered,
            by: by.clone(),
            filters: filters.clone(),
        }));
        questions.push(Query::Retention(Retention {
            first: named("signup"),
            back: EventMatch { event: None, filters: Vec::new() },
            window: window.clone(),
            unit: Interval::Week,
            kind: RetentionKind::InUnit,
            periods: 8,
            by: by.clone(),
        }));
        for filters in [Vec::new(), filters.clone()] {
            questions.push(Query::Revenue(Revenue { window: window.clone(), interval: Some(Interval::Week), by: by.clone(), filters }));
        }
    }
    let last = During::LastDays { days: 30, zone: window.zone };
    let rule = |did, event: EventMatch, during| CohortRule { did, event, times: 2, during };
    let rules = vec![
        rule(true, named("page_view"), last.clone()),
        rule(true, EventMatch { event: None, filters }, last),
        rule(false, named("purchase"), During::Ever),
    ];
    let cohort = CohortDefinition { rules };
    let asked = async {
        for question in &questions {
            events.query(question).await.unwrap();
        }
        events.person("person-7", 20).await.unwrap();
        events.define_cohort("keen", &cohort).await.unwrap();
        events.members("keen", None).await.unwrap();
        events.metrics().await.unwrap();
        events.properties("signup").await.unwrap();
        events.export(&window, Some("signup")).await.unwrap().try_collect::<Vec<_>>().await.unwrap();
        ASKED.with(RefCell::take)
    };
    let asked = ASKED.scope(RefCell::default(), asked).await;
    assert!(asked.len() > 40, "{} statements were heard", asked.len());
    let mut session = store.read("plan").await.unwrap();
    let (explain, detail) = match store.backend() {
        Backend::Sqlite => ("EXPLAIN QUERY PLAN", 3),
        Backend::Postgres => {
            // A few hundred rows are read faster without any index: what is asked is which index would serve.
            session.run("SET enable_seqscan = off", vec![]).await.unwrap();
            ("EXPLAIN", 0)
        }
    };
    let mut steps = Vec::new();
    for (sql, values) in asked {
        for row in session.rows(&format!("{explain} {sql}"), values).await.unwrap() {
            steps.push((row.text(detail).unwrap(), sql.clone()));
        }
    }
    session.discard();
    steps
}

#[tokio::test]
async fn no_question_makes_sqlite_go_through_all_events() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("bellhop.db").display());
    let store = Store::open(&url, Arc::new(StoppedClock::default()), Arc::new(CountedIds::default())).await.unwrap();
    let steps = plans(store).await;
    for (step, sql) in &steps {
        assert!(step != "SCAN e" && step != "SCAN event" && !step.contains("AUTOMATIC"), "{step}\n{sql}");
    }
    for index in ["event_by_name", "event_by_time", "event_key", "event_by_person", "event_paid", "event_payer"] {
        assert!(steps.iter().any(|(step, _)| step.contains(index)), "nothing is answered by {index}");
    }
}

#[tokio::test]
async fn no_question_makes_postgres_go_through_all_events() {
    let url = tokio::task::spawn_blocking(|| Postgres::shared().fresh_database()).await.unwrap();
    let store = Store::open(&url, Arc::new(StoppedClock::default()), Arc::new(CountedIds::default())).await.unwrap();
    for (step, sql) in plans(store).await {
        assert!(!step.contains("Seq Scan on event e") && !step.trim().ends_with("Seq Scan on event"), "{step}\n{sql}");
    }
}
