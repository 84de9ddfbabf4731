//! Which alerts are shown where. Pure matching, over addresses that were resolved at the start.

use crate::config::Route;
use bellhop_core::Address;
use bellhop_core::address::PlaceRef;
use bellhop_core::alert::AlertSignal;
use bellhop_core::error::CommandError;
use bellhop_core::ports::Places;
use std::collections::BTreeMap;

/// The routes with their destinations found.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    routes: Vec<Found>,
    otherwise: Option<Address>,
}

#[derive(Clone, Debug)]
struct Found {
    matches: BTreeMap<String, String>,
    to: Vec<Address>,
    go_on: bool,
}

impl Routes {
    /// Finds the destinations. What no route matches goes to `otherwise`, so that no alert stays unseen. `near` is where parts of places that are left out are looked for first.
    ///
    /// # Errors
    /// A place that isn't there.
    pub async fn find(routes: &[Route], places: &dyn Places, near: &Address, otherwise: Address) -> Result<Self, CommandError> {
        let mut found = Vec::new();
        for route in routes {
            let mut to = Vec::new();
            for place in &route.to {
                let place: PlaceRef = place.parse().map_err(|why: String| CommandError::invalid("to", why))?;
                to.push(places.resolve(&place, near).await?);
            }
            found.push(Found { matches: route.matches.clone(), to, go_on: route.go_on });
        }
        Ok(Self { routes: found, otherwise: Some(otherwise) })
    }

    /// Where an alert goes, each place once.
    #[must_use]
    pub fn of(&self, signal: &AlertSignal) -> Vec<&Address> {
        let mut out: Vec<&Address> = Vec::new();
        for route in &self.routes {
            if route.matches.iter().all(|(label, wanted)| matches(signal, label, wanted)) {
                for address in &route.to {
                    if !out.contains(&address) {
                        out.push(address);
                    }
                }
                if !route.go_on {
                    break;
                }
            }
        }
        if out.is_empty() {
            out.extend(self.otherwise.as_ref());
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

    #[test]
    fn the_first_match_counts_unless_told_to_go_on() {
        let to = |name: &str| Address::channel("c", "w", name);
        let found = |matches: &[(&str, &str)], name: &str, go_on: bool| Found {
            matches: matches.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            to: vec![to(name)],
            go_on,
        };
        let routes = Routes {
            routes: vec![
                found(&[("severity", "critical")], "pager", true),
                found(&[("team", "pay*")], "pay", false),
                found(&[], "ops", false),
            ],
            otherwise: Some(to("unrouted")),
        };
        let signal = |body: &str| shapes::generic(body.as_bytes(), "2026-11-23T10:00:00Z".parse().unwrap()).unwrap().remove(0);
        assert_eq!(routes.of(&signal(r#"{"name":"a"}"#)), [&to("ops")]);
        assert_eq!(routes.of(&signal(r#"{"name":"a","severity":"critical"}"#)), [&to("pager"), &to("ops")]);
        assert_eq!(routes.of(&signal(r#"{"name":"a","labels":{"team":"payments"}}"#)), [&to("pay")]);
        let routes = Routes { routes: Vec::new(), otherwise: Some(to("unrouted")) };
        assert_eq!(routes.of(&signal(r#"{"name":"a"}"#)), [&to("unrouted")]);
    }
}
