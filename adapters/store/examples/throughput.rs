//! Scratch.
#![expect(clippy::all, clippy::pedantic, clippy::unwrap_used, clippy::print_stdout, reason = "scratch")]
use bellhop_core::analytics::*;
use bellhop_core::ports::AnalyticsSource;
use bellhop_core::{Clock, Ids, Timestamp};
use bellhop_store::*;
use std::sync::Arc;
use std::time::*;
struct C;
impl Clock for C {
    fn now(&self) -> Timestamp {
        SystemTime::now().into()
    }
}
struct I(std::sync::atomic::AtomicU64);
impl Ids for I {
    fn next(&self) -> String {
        format!("{:026}", self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst))
    }
}
fn main() {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(run())
}
async fn run() {
    let arg = std::env::args().nth(1).unwrap();
    let keep;
    let url = if arg == "pg" {
        bellhop_kit::peers::postgres::Postgres::shared().fresh_database()
    } else {
        keep = tempfile::tempdir_in("/var/tmp").unwrap();
        format!("sqlite:{}/b.db", keep.path().display())
    };
    let store = Store::open(&url, Arc::new(C), Arc::new(I(0.into()))).await.unwrap();
    let body = serde_json::json!({"name":"DiskFull","labels":{"host":"db-1","severity":"critical"},"summary":"x".repeat(250)}).to_string();
    for beside in [false, true] {
        let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let worker = beside.then(|| {
            let (store, stop) = (store.clone(), stop.clone());
            tokio::spawn(async move {
                let mut n = 0;
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    let rows = store.claim_inbox(InboxKind::Alert, "w", 500, Duration::from_secs(60)).await.unwrap();
                    if rows.is_empty() {
                        tokio::time::sleep(Duration::from_millis(5)).await;
                        continue;
                    }
                    n += rows.len();
                    store
                        .commit(Effects {
                            settle: rows.iter().map(|r| InboxSettled { seq: r.seq, done: true, error: None }).collect(),
                            ..Effects::default()
                        })
                        .await
                        .unwrap();
                }
                n
            })
        });
        let begun = Instant::now();
        let mut set = tokio::task::JoinSet::new();
        let per = 1500;
        for c in 0..64 {
            let store = store.clone();
            let body = body.clone();
            set.spawn(async move {
                let mut worst = vec![];
                for n in 0..per {
                    let t = Instant::now();
                    store
                        .accept(vec![NewInbox {
                            source: "alerts.generic".into(),
                            key: format!("{beside}-{c}-{n}"),
                            kind: InboxKind::Alert,
                            body: body.clone(),
                        }])
                        .await
                        .unwrap();
                    worst.push(t.elapsed());
                }
                worst
            });
        }
        let mut all: Vec<Duration> = set.join_all().await.into_iter().flatten().collect();
        all.sort();
        println!(
            "accept beside={beside}: {:.0}/s p50 {:?} p99 {:?} max {:?}",
            all.len() as f64 / begun.elapsed().as_secs_f64(),
            all[all.len() / 2],
            all[all.len() * 99 / 100],
            all[all.len() - 1]
        );
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        if let Some(w) = worker {
            println!("handled {}", w.await.unwrap());
        }
    }
    if std::env::args().nth(2).is_some() { return; }
    let place = |c: &str| bellhop_core::Address::channel("work", "T1", c);
    let mk = |c: String, k: String| NewDelivery {
        key: k.into(),
        to: place(&c),
        card_key: None,
        payload: serde_json::json!({"x": "y"}),
        not_before: None,
    };
    let t = Instant::now();
    for chunk in 0..50 {
        store
            .commit(Effects {
                outbox: (0..2000)
                    .map(|n| mk(if n % 2 == 0 { "one".into() } else { format!("c{}", n * 7 % 5003) }, format!("{chunk}-{n}")))
                    .collect(),
                ..Effects::default()
            })
            .await
            .unwrap();
    }
    println!("100k queued in {:?}", t.elapsed());
    for free in [1, 64, 256] {
        let t = Instant::now();
        let (mut s, mut n) = (vec![], 0);
        for _ in 0..100 {
            let c = store.settle_and_claim("a", std::mem::take(&mut s), free, Duration::from_secs(60)).await.unwrap();
            n += c.len();
            s = c
                .iter()
                .map(|c| Settlement { seq: c.seq, epoch: c.epoch, outcome: Outcome::Done { parts: vec![] }, block_lane_until: None })
                .collect();
        }
        store.settle_and_claim("a", s, 0, Duration::from_secs(60)).await.unwrap();
        println!("free {free}: {} in {:?} = {:.0}/s", n, t.elapsed(), n as f64 / t.elapsed().as_secs_f64());
    }
    let t = Instant::now();
    store.outbox_depth().await.unwrap();
    println!("depth {:?}", t.elapsed());
    let t = Instant::now();
    store.oldest_waiting().await.unwrap();
    println!("oldest {:?}", t.elapsed());
    let ev = Events::new(store.clone());
    let now = C.now();
    let t = Instant::now();
    for chunk in 0..100 {
        let batch = (0..10_000u64)
            .map(|n| {
                let i = chunk * 10_000 + n;
                NewEvent {
                    event: if i % 5 == 0 { "other".into() } else { "signup".into() },
                    distinct_id: format!("u{}", i * 7919 % 50_000),
                    time: now - Duration::from_secs(i * 7),
                    insert_id: format!("e{i}"),
                    properties: [
                        ("plan".to_owned(), serde_json::json!(["pro", "free", "team"][(i % 3) as usize])),
                        ("price".to_owned(), serde_json::json!(i % 100)),
                        ("revenue".to_owned(), serde_json::json!(1.5)),
                    ]
                    .into(),
                }
            })
            .collect();
        ev.track(batch).await.unwrap();
    }
    println!("1M events in {:?}", t.elapsed());
    for (metric, measure, by, filter) in [
        ("signup", Measure::Count, None, false),
        ("signup", Measure::Users, None, false),
        ("users", Measure::Count, None, false),
        ("signup", Measure::Sum("revenue".into()), None, false),
        ("signup", Measure::Sum("price".into()), None, false),
        ("signup", Measure::Count, Some("plan".to_owned()), false),
        ("signup", Measure::Count, None, true),
        ("sessions", Measure::Count, None, false),
        ("key_events", Measure::Count, None, false),
    ] {
        let q = Query::Trend(Trend {
            metric: metric.into(),
            measure: measure.clone(),
            from: now - Duration::from_secs(90 * 86400),
            to: now,
            zone: chrono_tz::Europe::Berlin,
            interval: Some(bellhop_core::chart::Interval::Day),
            by: by.clone(),
            filters: if filter { vec![Filter { property: "plan".into(), not: false, value: "pro".into() }] } else { vec![] },
        });
        let t = Instant::now();
        let f = ev.query(&q).await.unwrap();
        println!("{metric} {measure:?} by {by:?} filter {filter}: {:?} total {} rows {}", t.elapsed(), f.total, f.rows.len());
    }
    store.close().await;
}
