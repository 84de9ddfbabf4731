//! `GET /openapi.json`: the routes that programs use, described. Written by hand, in one place with a test that every
//! path in it is served (tests/e2e).

use axum::Json;
use serde_json::{Value, json};

/// The document.
pub async fn document() -> Json<Value> {
    Json(value())
}

fn value() -> Value {
    let body = |schema: Value| json!({ "required": true, "content": { "application/json": { "schema": schema } } });
    let answers = |good: &str| {
        json!({
            "200": { "description": good },
            "400": { "description": "The body can't be read; `error` says why", "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Problem" } } } },
            "401": { "description": "No API key, or a wrong one" },
            "403": { "description": "The key lacks the scope" },
            "413": { "description": "The body is too large" },
            "503": { "description": "Not kept; send it again after Retry-After" },
        })
    };
    let object = json!({ "type": "object", "additionalProperties": true });
    let alert = |summary: &str, schema: Value| {
        json!({ "post": { "summary": summary, "security": [{ "key": [] }], "parameters": [{ "name": "Idempotency-Key", "in": "header", "schema": { "type": "string" } }],
            "requestBody": body(schema), "responses": answers("Kept durably: `accepted` says how many") } })
    };
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Bellhop", "version": env!("CARGO_PKG_VERSION"), "summary": "What other programs may send to the bot" },
        "paths": {
            "/alerts/generic": alert("One alert or a list, in Bellhop's own shape", json!({ "oneOf": [{ "$ref": "#/components/schemas/Alert" }, { "type": "array", "items": { "$ref": "#/components/schemas/Alert" } }] })),
            "/alerts/alertmanager": alert("Alertmanager's webhook, version 4", object.clone()),
            "/api/v2/alerts": alert("Alerts as Prometheus sends them to an Alertmanager", json!({ "type": "array", "items": object })),
            "/v1/events": { "post": { "summary": "Own analytics: events, as an array, one object or NDJSON", "security": [{ "key": [] }],
                "requestBody": body(json!({ "type": "array", "items": { "$ref": "#/components/schemas/Event" } })), "responses": answers("How many were taken, known already, and refused with the reason of each") } },
            "/v1/profiles": { "post": { "summary": "Own analytics: what is known about people", "security": [{ "key": [] }],
                "requestBody": body(json!({ "type": "array", "items": object })), "responses": answers("How many were taken, and refused with the reason of each") } },
            "/hooks/{id}": { "post": { "summary": "A message for the place of a webhook (`hook create`), as JSON or as the form field `payload`",
                "description": "May be signed as Standard Webhooks says (webhook-id, webhook-timestamp, webhook-signature); then a wrong signature is refused. The same webhook-id or Idempotency-Key is the same message. Answers are one word of plain text.",
                "parameters": [{ "name": "id", "in": "path", "required": true, "schema": { "type": "string" } }, { "name": "Idempotency-Key", "in": "header", "schema": { "type": "string" } }],
                "requestBody": { "required": true, "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Message" } }, "application/x-www-form-urlencoded": { "schema": { "type": "object", "required": ["payload"], "properties": { "payload": { "type": "string", "description": "The message as JSON" } } } } } },
                "responses": {
                    "200": { "description": "`ok`: kept durably, and shown soon" },
                    "400": { "description": "`invalid_payload`, `no_text`, `invalid_blocks`, `invalid_attachments` or `too_many_attachments`" },
                    "403": { "description": "`action_prohibited`: the signature is wrong, or missing where it is required" },
                    "404": { "description": "`no_service`: there is no such webhook; `channel_not_found`: its chat is not connected" },
                    "410": { "description": "`channel_is_archived`" },
                    "413": { "description": "`payload_too_large`: over 512 KiB" },
                    "429": { "description": "`rate_limited`: over 50 a second; send it again after Retry-After" },
                    "503": { "description": "`service_unavailable`: not kept; send it again after Retry-After" },
                } } },
            "/healthz": { "get": { "summary": "The process answers", "responses": { "200": { "description": "ok" } } } },
            "/readyz": { "get": { "summary": "Data would be taken", "responses": { "200": { "description": "ready" }, "503": { "description": "The database does not answer" } } } },
            "/metrics": { "get": { "summary": "Metrics for Prometheus", "responses": { "200": { "description": "Prometheus text" } } } },
        },
        "components": {
            "securitySchemes": { "key": { "type": "http", "scheme": "bearer", "description": "An API key from `bellhop key create`" } },
            "schemas": {
                "Problem": { "type": "object", "properties": { "error": { "type": "string" } } },
                "Alert": { "type": "object", "required": ["name"], "properties": {
                    "name": { "type": "string" }, "status": { "enum": ["firing", "resolved"] }, "severity": { "type": "string" }, "labels": { "type": "object", "additionalProperties": { "type": "string" } },
                    "summary": { "type": "string" }, "description": { "type": "string" }, "url": { "type": "string", "format": "uri" }, "starts_at": { "type": "string", "format": "date-time" },
                    "ends_at": { "type": "string", "format": "date-time" }, "fingerprint": { "type": "string" } } },
                "Message": { "type": "object", "properties": {
                    "text": { "type": "string" }, "blocks": { "type": "array", "items": { "type": "object" } }, "attachments": { "type": "array", "items": { "type": "object" } },
                    "username": { "type": "string" }, "icon_emoji": { "type": "string" } } },
                "Event": { "type": "object", "required": ["event", "distinct_id"], "properties": {
                    "event": { "type": "string" }, "distinct_id": { "type": "string" }, "time": { "description": "RFC 3339, or a count since 1970 in seconds or milliseconds" },
                    "insert_id": { "type": "string", "description": "The same one is the same event" }, "properties": { "type": "object" } } },
            },
        },
    })
}
