//! Raw events as lines of JSON, in the form in which they can be sent in again.

use super::Events;
use crate::session::Session;
use crate::spawn;
use bellhop_core::analytics::{EventMatch, Window};
use bellhop_core::ports::{ByteStream, PortResult};
use futures::StreamExt as _;
use serde_json::Value;
use std::fmt::Write as _;
use tokio::sync::mpsc;

/// How much text is handed on at once, and how many such pieces wait for who reads.
const PIECE: usize = 64 * 1024;
const WAITING: usize = 4;

impl Events {
    /// Events by their time. However many they are, only a few pieces are in memory.
    pub(super) async fn raw(&self, window: &Window, event: Option<&str>) -> PortResult<ByteStream> {
        self.check_period(window.from, window.to)?;
        self.check_events([&EventMatch { event: event.map(str::to_owned), filters: Vec::new() }]).await?;
        let mut session = self.store.read("export").await?;
        let (from, to, event) = (window.from, window.to, event.map(str::to_owned));
        let (sender, receiver) = mpsc::channel(WAITING);
        let _reading = spawn(async move {
            let values = crate::session::args![from, to].into_iter().chain(event.clone().map(crate::session::Value::from)).collect();
            if let Err(error) = lines(&mut session, values, event.is_some(), &sender).await {
                // Nobody may be listening any more.
                let _ = sender.send(Err(error)).await;
            }
        });
        Ok(Box::pin(futures::stream::unfold(receiver, |mut receiver| async move {
            let piece = receiver.recv().await?;
            Some((piece, receiver))
        })))
    }
}

async fn lines(
    session: &mut Session,
    values: Vec<crate::session::Value>,
    named: bool,
    sender: &mpsc::Sender<PortResult<bytes::Bytes>>,
) -> PortResult<()> {
    let sql = format!(
        "SELECT e.name, p.distinct_id, e.at, e.insert_id, /*pg CAST(*/e.properties/*pg  AS TEXT)*/ FROM event AS e LEFT JOIN person AS p ON p.id = e.who \
         WHERE e.at >= $1 AND e.at < $2{} ORDER BY e.at",
        if named { " AND e.name = $3" } else { "" }
    );
    let mut rows = session.stream(&sql, values);
    let mut text = String::new();
    while let Some(row) = rows.next().await {
        let row = row?;
        let time = row.time(2)?.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true);
        let quoted = |text: String| Value::String(text).to_string();
        let (event, who, insert_id) = (quoted(row.text(0)?), quoted(row.maybe_text(1)?.unwrap_or_default()), quoted(row.text(3)?));
        // Properties are JSON as they stand.
        let properties = row.text(4)?;
        let _ =
            writeln!(text, r#"{{"event":{event},"distinct_id":{who},"time":"{time}","insert_id":{insert_id},"properties":{properties}}}"#);
        if text.len() >= PIECE && sender.send(Ok(std::mem::take(&mut text).into())).await.is_err() {
            return Ok(());
        }
    }
    if !text.is_empty() {
        let _ = sender.send(Ok(text.into())).await;
    }
    Ok(())
}
