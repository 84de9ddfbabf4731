//! What our words are in Google's: metrics, dimensions, and what a property has registered beside.
//!
//! Source: <https://developers.google.com/analytics/devguides/reporting/data/v1/api-schema>

use serde::Deserialize;

/// Built-in metrics by the names that every source has them under.
pub(super) const BUILT_IN: [(&str, &str, &str); 5] = [
    ("page_views", "screenPageViews", "pages and screens seen"),
    ("users", "totalUsers", "different people with any event"),
    ("sessions", "sessions", "visits"),
    ("key_events", "keyEvents", "events that are marked as key events"),
    ("active_users", "activeUsers", "people who were engaged"),
];

/// Dimensions by what people call them.
const DIMENSIONS: [(&str, &str); 22] = [
    ("page", "pagePath"),
    ("path", "pagePath"),
    ("url", "pageLocation"),
    ("title", "pageTitle"),
    ("screen", "unifiedScreenName"),
    ("country", "country"),
    ("region", "region"),
    ("city", "city"),
    ("language", "language"),
    ("browser", "browser"),
    ("os", "operatingSystem"),
    ("device", "deviceCategory"),
    ("platform", "platform"),
    ("channel", "sessionDefaultChannelGroup"),
    ("source", "sessionSource"),
    ("medium", "sessionMedium"),
    ("campaign", "sessionCampaignName"),
    ("referrer", "pageReferrer"),
    ("event", "eventName"),
    ("landing_page", "landingPage"),
    ("host", "hostName"),
    ("currency", "currencyCode"),
];

/// What a property can be asked for: the answer of `GET …/metadata`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Metadata {
    /// Dimensions, custom ones among them.
    #[serde(default)]
    pub dimensions: Vec<Field>,
    /// Metrics, custom ones among them.
    #[serde(default)]
    pub metrics: Vec<Field>,
}

/// A dimension or a metric.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Field {
    /// Its name in requests.
    #[serde(default)]
    pub api_name: String,
    /// Its name for people.
    #[serde(default)]
    pub ui_name: String,
    /// Former names of it.
    #[serde(default)]
    pub deprecated_api_names: Vec<String>,
}

impl Field {
    fn is(&self, name: &str) -> bool {
        self.api_name == name || self.deprecated_api_names.iter().any(|old| old == name)
    }
}

impl Metadata {
    /// The dimension that `word` means: our own word for it, Google's name, or that of a registered parameter.
    pub fn dimension(&self, word: &str) -> Option<String> {
        let known = DIMENSIONS.iter().find(|(ours, _)| *ours == word).map(|(_, theirs)| *theirs);
        let custom = [format!("customEvent:{word}"), format!("customUser:{word}"), format!("customItem:{word}")];
        let wanted = custom.iter().map(String::as_str).chain(known).chain([word]);
        wanted.into_iter().find_map(|name| self.dimensions.iter().find(|field| field.is(name)).map(|field| field.api_name.clone()))
    }

    /// The metric that `word` means, where it isn't an event.
    pub fn metric(&self, word: &str) -> Option<String> {
        let known = BUILT_IN.iter().find(|(ours, ..)| *ours == word).map(|(_, theirs, _)| *theirs);
        known
            .into_iter()
            .chain([word])
            .find_map(|name| self.metrics.iter().find(|field| field.is(name)).map(|field| field.api_name.clone()))
    }

    /// The metric that adds a parameter up, or averages it, where the property has it.
    pub fn of_parameter(&self, parameter: &str, average: bool) -> Option<String> {
        if !average && parameter == "revenue" {
            return Some("totalRevenue".to_owned());
        }
        let known: &[&str] = match (parameter, average) {
            ("value", false) => &["eventValue"],
            _ => &[],
        };
        let custom = if average { format!("averageCustomEvent:{parameter}") } else { format!("customEvent:{parameter}") };
        let wanted = known.iter().copied().chain([custom.as_str()]);
        wanted.into_iter().find_map(|name| self.metrics.iter().find(|field| field.is(name)).map(|field| field.api_name.clone()))
    }

    /// Names of dimensions as people may type them: our words, and registered parameters without Google's prefix.
    pub fn dimension_words(&self) -> Vec<String> {
        let mut words: Vec<String> = DIMENSIONS
            .iter()
            .filter(|(_, theirs)| self.dimensions.iter().any(|field| field.is(theirs)))
            .map(|(ours, _)| (*ours).to_owned())
            .collect();
        words.extend(self.dimensions.iter().map(|field| match field.api_name.split_once(':') {
            Some((_, parameter)) => parameter.to_owned(),
            None => field.api_name.clone(),
        }));
        words.sort();
        words.dedup();
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn metadata() -> Metadata {
        serde_json::from_value(json!({
            "name": "properties/1/metadata",
            "dimensions": [
                { "apiName": "pagePath", "uiName": "Page path" }, { "apiName": "country" }, { "apiName": "eventName" },
                { "apiName": "customEvent:plan", "customDefinition": true },
                { "apiName": "sessionDefaultChannelGroup", "deprecatedApiNames": ["sessionDefaultChannelGrouping"] },
            ],
            "metrics": [
                { "apiName": "screenPageViews", "deprecatedApiNames": [] }, { "apiName": "keyEvents", "deprecatedApiNames": ["conversions"] },
                { "apiName": "customEvent:price" }, { "apiName": "averageCustomEvent:price" }, { "apiName": "eventValue" },
            ],
        }))
        .unwrap()
    }

    #[test]
    fn words_of_ours_and_of_theirs_are_understood() {
        let metadata = metadata();
        for (word, name) in [
            ("page", Some("pagePath")),
            ("pagePath", Some("pagePath")),
            ("plan", Some("customEvent:plan")),
            ("channel", Some("sessionDefaultChannelGroup")),
            ("sessionDefaultChannelGrouping", Some("sessionDefaultChannelGroup")),
            ("city", None),
        ] {
            assert_eq!(metadata.dimension(word).as_deref(), name, "{word}");
        }
        assert_eq!(metadata.metric("page_views").as_deref(), Some("screenPageViews"));
        assert_eq!(metadata.metric("conversions").as_deref(), Some("keyEvents"));
        assert_eq!(metadata.metric("signup"), None);
        assert_eq!(metadata.of_parameter("price", false).as_deref(), Some("customEvent:price"));
        assert_eq!(metadata.of_parameter("price", true).as_deref(), Some("averageCustomEvent:price"));
        assert_eq!(metadata.of_parameter("value", false).as_deref(), Some("eventValue"));
        assert_eq!(metadata.of_parameter("weight", false), None);
        assert!(metadata.dimension_words().contains(&"plan".to_owned()));
    }
}
