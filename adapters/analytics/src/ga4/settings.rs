//! What is set up at Google, by the Admin API: properties, streams, custom dimensions and key events. Nothing is changed there.
//!
//! Source: <https://developers.google.com/analytics/devguides/config/admin/v1/rest>

use super::Ga4;
use bellhop_core::PortErrorKind;
use bellhop_core::analytics::NewEvent;
use bellhop_core::ports::{AnalyticsSource as _, Finding, PortResult};
use bellhop_core::text::{one_line, shorten};
use serde_json::Value;

/// How many pages of a list are read.
const PAGES: usize = 20;
/// Lists of a property: in words, at Google, its route, and what its entries are called by.
const LISTS: [(&str, &str, &str, &str); 4] = [
    ("key events", "keyEvents", "/v1beta/properties/{id}/keyEvents", "eventName"),
    ("data streams", "dataStreams", "/v1beta/properties/{id}/dataStreams", "displayName"),
    ("custom dimensions", "customDimensions", "/v1beta/properties/{id}/customDimensions", "parameterName"),
    ("custom metrics", "customMetrics", "/v1beta/properties/{id}/customMetrics", "parameterName"),
];

fn good(text: String) -> Finding {
    Finding { good: true, text }
}

fn bad(text: String) -> Finding {
    Finding { good: false, text }
}

impl Ga4 {
    /// What is there and what isn't: permissions, settings, and whether events are of the right shape.
    pub(super) async fn findings(&self) -> PortResult<Vec<Finding>> {
        let mut findings = Vec::new();
        if self.api.config.account.is_some() {
            if let Err(mut error) = self.metadata().await {
                // Whoever has the wrong number finds the right one among those that the account may read.
                if error.kind == PortErrorKind::Denied
                    && let Ok(properties) = self.properties_of_account().await
                    && !properties.is_empty()
                {
                    error.message = format!("{}; it may read {}", error.message, properties.join(", "));
                }
                return Err(error);
            }
            findings.push(good("reports can be asked for".to_owned()));
            findings.extend(self.property_findings().await);
        }
        if self.api.config.stream.is_some() {
            findings.push(self.sending_finding().await?);
        }
        Ok(findings)
    }

    async fn property_findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        match self.api.admin::<Value>("check", "", "/v1beta/properties/{id}", &[]).await {
            Ok(property) => {
                let word = |name: &str| shorten(&one_line(property.get(name).and_then(Value::as_str).unwrap_or("?")), 60);
                findings.push(good(format!("the property is {}, in the zone {}", word("displayName"), word("timeZone"))));
            }
            Err(error) => {
                let why = error.message;
                return vec![bad(format!("the Admin API can't be read, so streams, dimensions and key events are not listed: {why}"))];
            }
        }
        for (what, list, route, name) in LISTS {
            findings.push(match self.listed(list, route, name).await {
                Ok(names) if names.is_empty() => good(format!("there are no {what} yet")),
                Ok(names) => good(format!("{what}: {}", names.join(", "))),
                Err(error) => bad(format!("{what} can't be listed: {}", error.message)),
            });
        }
        match self.properties_of_account().await {
            Ok(properties) => findings.push(good(format!("properties that the account may read: {}", properties.join(", ")))),
            Err(error) => findings.push(bad(format!("the account's properties can't be listed: {}", error.message))),
        }
        findings
    }

    async fn sending_finding(&self) -> PortResult<Finding> {
        let event = NewEvent {
            event: "bellhop_check".to_owned(),
            distinct_id: "bellhop.check".to_owned(),
            time: self.ports.clock.now(),
            insert_id: String::new(),
            properties: std::collections::BTreeMap::new(),
        };
        let refused = self.validate(&[event]).await?;
        Ok(match refused.first() {
            None => good(
                "events are of the right shape; Google tells nobody whether the secret is right: look for the event in DebugView"
                    .to_owned(),
            ),
            Some(refused) => bad(format!("Google's validation server refuses a simple event: {}", refused.reason)),
        })
    }

    /// All names of one of the property's lists.
    async fn listed(&self, list: &str, route: &'static str, name: &str) -> PortResult<Vec<String>> {
        let (mut names, mut token) = (Vec::new(), String::new());
        for _ in 0..PAGES {
            let query = [("pageSize", "200"), ("pageToken", token.as_str())];
            let query = if token.is_empty() { &query[..1] } else { &query[..] };
            let page: Value = self.api.admin("check", &format!("/{list}"), route, query).await?;
            let items = page.get(list).and_then(Value::as_array);
            names.extend(items.into_iter().flatten().filter_map(|item| Some(shorten(&one_line(item.get(name)?.as_str()?), 60))));
            match next(&page) {
                Some(next) => next.clone_into(&mut token),
                None => break,
            }
        }
        Ok(names)
    }

    /// The properties that the service account may read, each with its number.
    async fn properties_of_account(&self) -> PortResult<Vec<String>> {
        let (mut names, mut token) = (Vec::new(), String::new());
        for _ in 0..PAGES {
            let query = [("pageSize", "200"), ("pageToken", token.as_str())];
            let query = if token.is_empty() { &query[..1] } else { &query[..] };
            let page: Value = self.api.accounts("check", query).await?;
            let list = |value: &Value, name: &str| value.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
            for property in list(&page, "accountSummaries").iter().flat_map(|account| list(account, "propertySummaries")) {
                let word = |name: &str| shorten(&one_line(property.get(name).and_then(Value::as_str).unwrap_or("?")), 60);
                names.push(format!("{} ({})", word("displayName"), word("property").trim_start_matches("properties/")));
            }
            match next(&page) {
                Some(next) => next.clone_into(&mut token),
                None => break,
            }
        }
        Ok(names)
    }
}

fn next(page: &Value) -> Option<&str> {
    page.get("nextPageToken").and_then(Value::as_str).filter(|next| !next.is_empty())
}
