//! What the property can be asked for, and what its settings are: the metadata of the Data API and lists of the Admin API.

use super::figures::{DIMENSIONS, METRICS, kind};
use super::{Ga4World, PROPERTY, Reply, ZONE, invalid, refused};
use crate::analytics::Call;
use serde_json::{Value, json};

impl Ga4World {
    pub(super) fn admin(&self, call: &Call, what: &str) -> Reply {
        if !self.signed_in(call) {
            return refused(401, "UNAUTHENTICATED", "Request had invalid authentication credentials. Expected OAuth 2 access token.");
        }
        // What an API's own client adds is no field of the request.
        let odd = call.query.iter().find(|(name, _)| !name.starts_with('$') && !matches!(name.as_str(), "pageSize" | "pageToken"));
        if let Some((odd, _)) = odd {
            return invalid(&format!("Invalid JSON payload received. Unknown name \"{odd}\": Cannot bind query parameter."));
        }
        let property = format!("properties/{PROPERTY}");
        let named = |kind: &str, number: usize| format!("{property}/{kind}/{number}");
        match what {
            "" => Reply::json(200, &json!({ "name": property, "displayName": "Shop", "timeZone": ZONE.name(), "currencyCode": "EUR" })),
            "/metadata" => Reply::json(200, &metadata()),
            "accountSummaries" => paged(
                call,
                what,
                &[json!({ "name": "accountSummaries/1", "account": "accounts/1", "displayName": "Example",
                    "propertySummaries": [{ "property": property, "displayName": "Shop", "propertyType": "PROPERTY_TYPE_ORDINARY" }] })],
            ),
            "/keyEvents" => {
                let key = |(number, event): (usize, &str)| json!({ "name": named("keyEvents", number), "eventName": event, "countingMethod": "ONCE_PER_EVENT" });
                paged(call, "keyEvents", &["signup", "purchase"].into_iter().enumerate().map(key).collect::<Vec<_>>())
            }
            "/dataStreams" => paged(
                call,
                "dataStreams",
                &[
                    json!({ "name": named("dataStreams", 1), "type": "WEB_DATA_STREAM", "displayName": "Web", "webStreamData": { "measurementId": super::MEASUREMENT } }),
                ],
            ),
            "/customDimensions" => {
                let one = |(number, (parameter, scope)): (usize, (&str, &str))| json!({ "name": named("customDimensions", number), "parameterName": parameter, "displayName": parameter, "scope": scope });
                paged(
                    call,
                    "customDimensions",
                    &[("plan", "EVENT"), ("price", "EVENT")].into_iter().enumerate().map(one).collect::<Vec<_>>(),
                )
            }
            "/customMetrics" => paged(
                call,
                "customMetrics",
                &[
                    json!({ "name": named("customMetrics", 0), "parameterName": "price", "displayName": "price", "scope": "EVENT", "measurementUnit": "STANDARD" }),
                ],
            ),
            _ => refused(404, "NOT_FOUND", "Requested entity was not found."),
        }
    }
}

/// One entry on each page: a service may give fewer than it is asked for.
fn paged(call: &Call, list: &str, all: &[Value]) -> Reply {
    let size = call.param("pageSize").map_or(Some(50), |size| size.parse::<u32>().ok());
    if !size.is_some_and(|size| (1..=200).contains(&size)) {
        return invalid("Invalid page size.");
    }
    let page = match call.param("pageToken") {
        None => 0,
        Some(token) => match token.strip_prefix("page-").and_then(|page| page.parse::<usize>().ok()).filter(|page| *page < all.len()) {
            Some(page) => page,
            None => return invalid("Invalid page token."),
        },
    };
    let mut answer = json!({});
    if let Some(one) = all.get(page) {
        answer[list] = json!([one]);
    }
    if page + 1 < all.len() {
        answer["nextPageToken"] = json!(format!("page-{}", page + 1));
    }
    Reply::json(200, &answer)
}

fn metadata() -> Value {
    let field = |name: &&str| {
        let mut field = json!({ "apiName": name, "uiName": name, "customDefinition": name.contains(':'), "category": "Other" });
        if *name == "keyEvents" {
            field["deprecatedApiNames"] = json!(["conversions"]);
        }
        field
    };
    let kinds = |mut field: Value| {
        let of = kind(field["apiName"].as_str().unwrap_or_default());
        field["type"] = json!(of);
        field
    };
    json!({ "name": format!("properties/{PROPERTY}/metadata"), "dimensions": DIMENSIONS.iter().map(field).collect::<Vec<_>>(),
        "metrics": METRICS.iter().map(|name| kinds(field(name))).collect::<Vec<_>>() })
}
