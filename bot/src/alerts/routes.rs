//! Which alerts are shown where. Matching is pure; places are found when they are needed, since a platform may not be
//! reachable when the bot starts.

use super::own;
use crate::config::{Repeats, Route};
use bellhop_core::Address;
use bellhop_core::address::PlaceRef;
use bellhop_core::alert::AlertSignal;
use bellhop_core::error::CommandError;
use bellhop_core::ports::Places;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// Stands for the chat of a place that isn't found yet. No chat can have the name: it isn't one that a place can be
/// written with.
const WAITING: &str = "[[route]]";

/// Whether something waits for its place to be found.
#[must_use]
pub fn is_waiting(at: &Address) -> bool {
    at.chat.as_str() == WAITING
}

/// A place that a route names.
#[derive(Debug)]
pub struct Destination {
    written: String,
    place: PlaceRef,
    found: OnceLock<Address>,
}

impl Destination {
    /// As the configuration writes it.
    #[must_use]
    pub fn written(&self) -> &str {
        &self.written
    }

    /// Where it is, once that is known.
    #[must_use]
    pub fn found(&self) -> Option<&Address> {
        self.found.get()
    }

    /// Finds it, seen from `near`; asks only once it isn't known.
    ///
    /// # Errors
    /// It isn't there, or can't be looked up now.
    pub async fn find(&self, places: &dyn Places, near: &Address) -> Result<Address, CommandError> {
        if let Some(found) = self.found.get() {
            return Ok(found.clone());
        }
        let found = places.resolve(&self.place, near).await?;
        Ok(self.found.get_or_init(|| found).clone())
    }

    /// Where a card for it goes now: to the place, or where what waits for it is kept.
    fn address(&self) -> Address {
        self.found.get().cloned().unwrap_or_else(|| self.waiting())
    }

    /// Where what waits for it is kept.
    pub fn waiting(&self) -> Address {
        Address::channel(WAITING, "", self.written.as_str())
    }
}

/// The routes.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    routes: Vec<Leg>,
    otherwise: Option<Address>,
}

#[derive(Clone, Debug)]
struct Leg {
    matches: BTreeMap<String, String>,
    to: Vec<Arc<Destination>>,
    go_on: bool,
    once: bool,
}

impl Routes {
    /// Routes whose places are to be found. What no route matches goes to `otherwise`, so that no alert stays unseen.
    ///
    /// # Errors
    /// What is written is no place.
    pub fn new(routes: &[Route], otherwise: Address) -> Result<Self, CommandError> {
        let mut known: BTreeMap<&str, Arc<Destination>> = BTreeMap::new();
        let mut legs = Vec::new();
        for route in routes {
            let mut to = Vec::new();
            for written in &route.to {
                if !known.contains_key(written.as_str()) {
                    let place: PlaceRef = written.parse().map_err(|why: String| CommandError::invalid("to", why))?;
                    known.insert(written, Arc::new(Destination { written: written.clone(), place, found: OnceLock::new() }));
                }
                to.extend(known.get(written.as_str()).cloned());
            }
            let once = route.delivery == Repeats::AtMostOnce;
            legs.push(Leg { matches: route.matches.clone(), to, go_on: route.go_on, once });
        }
        Ok(Self { routes: legs, otherwise: Some(otherwise) })
    }

    /// The places that routes name, each as often as it is named.
    pub fn destinations(&self) -> impl Iterator<Item = &Arc<Destination>> {
        self.routes.iter().flat_map(|leg| &leg.to)
    }

    /// Whether a route that brings an alert to a place wants it shown there at most once.
    #[must_use]
    pub fn once(&self, signal: &AlertSignal, at: &Address) -> bool {
        let fits = |leg: &&Leg| leg.matches.iter().all(|(label, wanted)| matches(signal, label, wanted));
        self.routes.iter().filter(fits).any(|leg| leg.once && leg.to.iter().any(|place| place.address() == *at))
    }

    /// Where an alert goes, each place once. One that has its own place goes there, and where a route names something of it:
    /// a route for everything is for those that have none.
    #[must_use]
    pub fn of(&self, signal: &AlertSignal) -> Vec<Address> {
        let mut out: Vec<Address> = signal.to.clone();
        for leg in self.routes.iter().filter(|leg| signal.to.is_empty() || !leg.matches.is_empty()) {
            if leg.matches.iter().all(|(label, wanted)| matches(signal, label, wanted)) {
                for address in leg.to.iter().map(|place| place.address()) {
                    if !out.contains(&address) {
                        out.push(address);
                    }
                }
                if !leg.go_on {
                    break;
                }
            }
        }
        let own = signal.source == own::SOURCE;
        if own {
            // A trouble is not told where the trouble is: what is said there waits for its end.
            let label = |name: &str| signal.labels.get(name).map(String::as_str);
            out.retain(|at| label("chat") != Some(at.chat.as_str()) || label("workspace") != Some(at.workspace.as_str()));
        }
        if out.is_empty() || own {
            out.extend(self.otherwise.iter().filter(|at| !out.contains(at)).cloned().collect::<Vec<_>>());
        }
        out
    }
}

fn matches(signal: &AlertSignal, label: &str, wanted: &str) -> bool {
    let value = match signal.labels.get(label) {
        Some(value) => value.as_str(),
        None => match label {
            "name" | "alertname" => &signal.name,
            "severity" => &signal.severity,
            "source" => &signal.source,
            _ => "",
        },
    };
    match wanted.strip_suffix('*') {
        Some(start) => value.starts_with(start),
        None => value == wanted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::shapes;

    fn to(name: &str) -> Address {
        Address::channel("c", "w", name)
    }

    fn leg(matches: &[(&str, &str)], at: &Address, go_on: bool) -> Leg {
        let place = PlaceRef { chat: None, workspace: None, name: at.channel.to_string(), direct: false };
        let written = format!("#{}", at.channel);
        let place = Destination { written, place, found: OnceLock::from(at.clone()) };
        Leg {
            matches: matches.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            to: vec![Arc::new(place)],
            go_on,
            once: false,
        }
    }

    fn signal(body: &str) -> AlertSignal {
        shapes::generic(body.as_bytes(), "2026-11-23T10:00:00Z".parse().unwrap()).unwrap().remove(0)
    }

    #[test]
    fn the_first_match_counts_unless_told_to_go_on() {
        let routes = Routes {
            routes: vec![
                leg(&[("severity", "critical")], &to("pager"), true),
                leg(&[("team", "pay*")], &to("pay"), false),
                leg(&[], &to("ops"), false),
            ],
            otherwise: Some(to("unrouted")),
        };
        assert_eq!(routes.of(&signal(r#"{"name":"a"}"#)), [to("ops")]);
        assert_eq!(routes.of(&signal(r#"{"name":"a","severity":"critical"}"#)), [to("pager"), to("ops")]);
        assert_eq!(routes.of(&signal(r#"{"name":"a","labels":{"team":"payments"}}"#)), [to("pay")]);
        let routes = Routes { routes: Vec::new(), otherwise: Some(to("unrouted")) };
        assert_eq!(routes.of(&signal(r#"{"name":"a"}"#)), [to("unrouted")]);
    }

    #[test]
    fn what_has_its_own_place_goes_there_and_where_it_is_meant() {
        let routes = Routes {
            routes: vec![leg(&[], &to("ops"), true), leg(&[("source", "watch")], &to("figures"), false), leg(&[], &to("late"), false)],
            otherwise: Some(to("unrouted")),
        };
        let mut found = signal(r#"{"name":"a"}"#);
        found.source = "watch".into();
        found.to = vec![to("growth")];
        assert_eq!(routes.of(&found), [to("growth"), to("figures")]);
        found.source = "another".into();
        assert_eq!(routes.of(&found), [to("growth")]);
    }

    #[test]
    fn a_place_that_is_not_found_yet_has_a_lane_of_its_own() {
        let route: Route = toml::from_str("to = [\"work/#ops\", \"#here\"]").unwrap();
        let routes = Routes::new(&[route.clone(), route], to("unrouted")).unwrap();
        let places = routes.of(&signal(r#"{"name":"a"}"#));
        assert_eq!(places.len(), 2);
        assert!(places.iter().all(is_waiting) && places[0].lane() != places[1].lane());
        assert!(!is_waiting(&to("ops")));
        // Named twice, it is found once.
        let all: Vec<_> = routes.destinations().collect();
        assert!(all.len() == 4 && Arc::ptr_eq(all[0], all[2]));
        all[0].found.set(to("ops")).unwrap();
        assert_eq!(routes.of(&signal(r#"{"name":"a"}"#))[0], to("ops"));
    }

    #[test]
    fn a_trouble_is_told_elsewhere_and_always_in_the_embedded_chat() {
        let broken = Address::channel("work", "T1", "ops");
        let routes = Routes {
            routes: vec![leg(&[], &broken, true), leg(&[], &to("ops"), true), leg(&[], &Address::channel("work", "T2", "ops"), false)],
            otherwise: Some(to("unrouted")),
        };
        let mut trouble = signal(r#"{"name":"a","labels":{"chat":"work","workspace":"T1"}}"#);
        assert_eq!(routes.of(&trouble).len(), 3, "what others report goes everywhere");
        trouble.source = own::SOURCE.into();
        assert_eq!(routes.of(&trouble), [to("ops"), Address::channel("work", "T2", "ops"), to("unrouted")]);
    }
}
