//! What single people did, one person after another, in bounded memory, whatever the number of people and events.
//!
//! The database packs the events of a stretch of time into one text, each as one number made of the person and the
//! moment: no row per event, no sorting there, and the indexes alone are read where no property is asked about. Here they
//! are sorted by person. When there are more than fit, only the people of one remainder are kept, and the others are
//! read in further passes. What the events mean is known by those who ask.

use super::asking::until;
use super::sql::{Statement, spans};
use crate::error::{SERVICE, invalid};
use crate::session::{Session, args};
use crate::{Backend, Store};
use bellhop_core::analytics::Filter;
use bellhop_core::ports::PortResult;
use bellhop_core::{PortError, PortErrorKind, Timestamp};
use futures::StreamExt as _;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt::Write as _;

/// How many events are held at once.
const HELD: usize = 4_000_000;
/// How many different values of a property are told apart while people are followed.
const VALUES: usize = 200_000;
/// The longest stretch that is packed into one text.
const STRETCH: i64 = 86_400_000_000;

/// Something that a person did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Did {
    pub person: i64,
    /// In microseconds since 1970.
    pub at: i64,
    /// Which of the wanted kinds it is, a bit each.
    pub kinds: u32,
    /// The value of the property that was asked by, as a position in the list of values.
    pub value: u32,
}

/// Events to be read.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted {
    /// Of this name; `None` for all.
    pub event: Option<String>,
    /// The kinds that are told apart, each by its bit, a name where not all are of one, and conditions.
    pub kinds: Vec<(u32, Option<String>, Vec<Filter>)>,
    /// With the value of this property.
    pub by: Option<String>,
    /// The period, the end not included.
    pub from: Timestamp,
    pub to: Timestamp,
    /// Also those that are of no kind.
    pub all: bool,
}

/// The values of the property, by position.
pub(super) type Values = Vec<Option<String>>;

/// What one pass has read.
struct Held {
    events: Vec<Did>,
    values: Values,
    known: HashMap<Option<String>, u32>,
    /// Only people whose number has this remainder are held.
    modulus: i64,
    remainder: i64,
    /// Passes that are still to come.
    waiting: Vec<(i64, i64)>,
    most: usize,
}

impl Held {
    fn value(&mut self, value: Option<String>) -> PortResult<u32> {
        if let Some(at) = self.known.get(&value) {
            return Ok(*at);
        }
        if self.values.len() >= VALUES {
            return Err(invalid("query", format!("the property has over {VALUES} different values; group by one that has fewer")));
        }
        let at = u32::try_from(self.values.len()).unwrap_or(u32::MAX);
        self.values.push(value.clone());
        self.known.insert(value, at);
        Ok(at)
    }

    fn take(&mut self, did: Did) {
        if did.person % self.modulus != self.remainder {
            return;
        }
        self.events.push(did);
        // One person's events stay together, however many they are.
        if self.events.len() >= self.most && self.modulus < 1 << 20 {
            let (modulus, remainder) = (self.modulus * 2, self.remainder);
            self.waiting.push((modulus, remainder + self.modulus));
            self.modulus = modulus;
            self.events.retain(|did| did.person % modulus == remainder);
        }
    }
}

/// Follows everybody: `each` is told what one person did, in the order of time, and adds it to what it has. Of the same
/// moment, the lowest kind comes first, and what is of no kind last.
pub(super) async fn followed<T, F>(store: &Store, wanted: Vec<Wanted>, made: T, each: F) -> PortResult<(T, Values)>
where
    T: Send + 'static,
    F: Fn(&mut T, &[Did], &Values) + Copy + Send + 'static,
{
    follow(store, wanted, made, each, HELD).await
}

async fn follow<T, F>(store: &Store, wanted: Vec<Wanted>, mut made: T, each: F, most: usize) -> PortResult<(T, Values)>
where
    T: Send + 'static,
    F: Fn(&mut T, &[Did], &Values) + Copy + Send + 'static,
{
    let mut held = Held {
        events: Vec::new(),
        values: vec![None],
        known: HashMap::from([(None, 0)]),
        modulus: 1,
        remainder: 0,
        waiting: Vec::new(),
        most,
    };
    loop {
        for one in &wanted {
            read(store, one, &mut held).await?;
        }
        // Sorting millions takes a while, in which others are to be served.
        (made, held) = tokio::task::spawn_blocking(move || {
            let values = &held.values;
            held.events.sort_unstable_by(|a, b| order(a, b, values));
            held.events.chunk_by(|a, b| a.person == b.person).for_each(|person| each(&mut made, person, values));
            held.events.clear();
            (made, held)
        })
        .await
        .map_err(|_| {
            PortError::new(PortErrorKind::Broken, SERVICE, "query", "counting failed by a fault of the program; please report it")
        })?;
        let Some((modulus, remainder)) = held.waiting.pop() else { return Ok((made, held.values)) };
        (held.modulus, held.remainder) = (modulus, remainder);
    }
}

fn order(a: &Did, b: &Did, values: &Values) -> Ordering {
    let rank = |did: &Did| (did.person, did.at, did.kinds.trailing_zeros(), did.kinds);
    rank(a).cmp(&rank(b)).then_with(|| if a.value == b.value { Ordering::Equal } else { value(a, values).cmp(&value(b, values)) })
}

/// The value that an event has of the property.
pub(super) fn value<'a>(did: &Did, values: &'a Values) -> Option<&'a str> {
    values.get(did.value as usize).and_then(Option::as_deref)
}

async fn read(store: &Store, wanted: &Wanted, held: &mut Held) -> PortResult<()> {
    let mut session = store.read("query").await?;
    let Some((first, last)) = extent(&mut session, wanted.event.as_deref()).await? else { return Ok(()) };
    // Nothing needs to be looked for where there are no events, nor where they are still to come.
    let from = wanted.from.timestamp_micros().max(first);
    let to = wanted.to.min(until(store.now())).timestamp_micros().min(last + 1);
    if from >= to {
        return Ok(());
    }
    // People who come in while this is read need a bit more room.
    let most = session.number("SELECT max(id) FROM person", vec![]).await?.max(1).saturating_mul(2);
    let shift = (63 - (64 - most.leading_zeros())).min(62);
    let width = STRETCH.min(1 << shift);
    let starts: Vec<i64> = std::iter::successors(Some(from), |start| Some(start + width)).take_while(|start| *start < to).collect();
    let (sql, statement) = packed(store.backend() == Backend::Postgres, wanted, held, (from, to), &starts, shift);
    let mut rows = session.stream(&sql, statement.values);
    while let Some(row) = rows.next().await {
        let row = row?;
        let Some(text) = row.maybe_text(3)? else { continue };
        let start = starts.get(usize::try_from(row.int(0)?).unwrap_or(usize::MAX)).copied().unwrap_or(from);
        let value = held.value(row.maybe_text(1)?)?;
        let kinds = u32::try_from(row.int(2)?).unwrap_or_default();
        for number in text.split(',') {
            let number: i64 = number
                .parse()
                .map_err(|_| PortError::new(PortErrorKind::Broken, SERVICE, "query", format!("`{number}` came where an event should")))?;
            held.take(Did { person: number >> shift, at: start + (number & ((1 << shift) - 1)), kinds, value });
        }
    }
    Ok(())
}

/// When the first and the last event were.
async fn extent(session: &mut Session, event: Option<&str>) -> PortResult<Option<(i64, i64)>> {
    let row = match event {
        // Two questions: each is one look at the end of an index.
        None => session.row("SELECT (SELECT min(at) FROM event), (SELECT max(at) FROM event)", vec![]).await?,
        Some(name) => {
            let sql = "SELECT (SELECT min(at) FROM event WHERE name = $1), (SELECT max(at) FROM event WHERE name = $1)";
            session.row(sql, args![name]).await?
        }
    };
    let Some(row) = row else { return Ok(None) };
    Ok(row.maybe_int(0)?.zip(row.maybe_int(1)?))
}

/// The statement: number of the stretch, value, kinds, and the events as `person << shift | microseconds of the stretch`.
fn packed(postgres: bool, wanted: &Wanted, held: &Held, (from, to): (i64, i64), starts: &[i64], shift: u32) -> (String, Statement) {
    let mut statement = Statement::default();
    let moment = |micros: i64| Timestamp::from_timestamp_micros(micros).unwrap_or_default();
    let starts: Vec<Timestamp> = starts.iter().copied().map(moment).collect();
    let spans = spans(&mut statement, moment(from), moment(to), &starts);
    let mut which = String::from("e.person IS NOT NULL AND e.at >= i.a AND e.at < i.b");
    if let Some(name) = &wanted.event {
        let _ = write!(which, " AND e.name = {}", statement.bind(name.as_str()));
    }
    if held.modulus > 1 {
        let _ = write!(which, " AND e.person % {} = {}", held.modulus, held.remainder);
    }
    let pack = format!("(e.person << {shift}) | (e.at - i.a)");
    let list = |what: &str| if postgres { format!("string_agg(CAST({what} AS TEXT), ',')") } else { format!("group_concat({what})") };
    if let ([(bit, None, filters)], None, false) = (wanted.kinds.as_slice(), &wanted.by, wanted.all) {
        which.push_str(&statement.filters(filters, postgres));
        let pack = list(&pack);
        let sql =
            format!("SELECT i.n, CAST(NULL AS TEXT), CAST({bit} AS BIGINT), (SELECT {pack} FROM event AS e WHERE {which}) FROM {spans}");
        return (sql, statement);
    }
    let kinds: Vec<String> =
        wanted.kinds.iter().map(|(bit, name, filters)| kind(&mut statement, *bit, name.as_deref(), filters, postgres)).collect();
    let value = wanted.by.as_ref().map_or_else(|| "CAST(NULL AS TEXT)".to_owned(), |by| statement.text(by, postgres));
    let (kinds, pack_all) = (kinds.join(" + "), list("x.p"));
    let least = i64::from(!wanted.all);
    let sql = format!(
        "SELECT x.n, x.v, x.k, {pack_all} FROM \
           (SELECT i.n AS n, {value} AS v, CAST({kinds} AS BIGINT) AS k, {pack} AS p FROM {spans} CROSS JOIN event AS e WHERE {which}) AS x \
         WHERE x.k >= {least} GROUP BY x.n, x.v, x.k"
    );
    (sql, statement)
}

/// A kind's bit where an event is of it.
fn kind(statement: &mut Statement, bit: u32, name: Option<&str>, filters: &[Filter], postgres: bool) -> String {
    let mut conditions: Vec<String> = name.map(|name| format!("e.name = {}", statement.bind(name))).into_iter().collect();
    conditions.extend(filters.iter().map(|filter| statement.condition(filter, postgres)));
    if conditions.is_empty() {
        return bit.to_string();
    }
    format!("CASE WHEN {} THEN {bit} ELSE 0 END", conditions.join(" AND "))
}
