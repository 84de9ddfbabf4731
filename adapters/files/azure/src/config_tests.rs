//! What the configuration takes, and what it says of the rest.

use super::*;
use serde_json::{Value, json};

fn read(value: Value) -> Result<AzureConfig, String> {
    serde_json::from_value(value).map_err(|error| error.to_string())
}

const SAS: &str = "?sv=2024-11-04&sp=rl&se=2027-01-01T00%3A00%3A00Z&sig=c2VjcmV0";

#[test]
fn the_endpoint_follows_from_the_account_and_the_other_way_round() {
    let config = read(json!({ "container": "files", "account": "acme", "account_key": "a2V5" })).unwrap();
    assert_eq!(config.endpoint, "https://acme.blob.core.windows.net");
    let there =
        read(json!({ "container": "files", "endpoint": "http://127.0.0.1:10000/devstoreaccount1/", "account_key": "a2V5" })).unwrap();
    assert_eq!((there.account.as_str(), there.endpoint.as_str()), ("devstoreaccount1", "http://127.0.0.1:10000/devstoreaccount1"));
    let gov = read(json!({ "container": "files", "endpoint": "https://acme.blob.core.usgovcloudapi.net", "sas": SAS })).unwrap();
    assert_eq!(gov.account, "acme");
    let Credential::Sas(sas) = gov.credential else { panic!("{:?}", gov.credential) };
    assert!(sas.expose_secret().starts_with("sv="));
    let secret = json!({ "tenant_id": "t", "client_id": "c", "client_secret": "s", "login_url": "https://login.microsoftonline.us" });
    for entra in [secret, json!({ "tenant_id": "t", "client_id": "c", "federated_token_file": "/run/token" }), json!({ "managed": true })] {
        read(json!({ "container": "files", "account": "acme", "entra": entra })).unwrap();
    }
    let key = STANDARD.encode([7_u8; 32]);
    read(json!({ "container": "$web", "account": "acme", "account_key": "a2V5", "prefix": "bell hop/", "encryption_key": key })).unwrap();
    read(json!({ "container": "files", "account_key": "a2V5", "endpoint": "http://127.0.0.1:1/acme", "keys": { "legal": key, "hr.2026": key } }))
        .unwrap();
    let group = json!({ "subscription": "0000-1", "resource_group": "Grüppe_(1).x" });
    let managed = read(json!({ "container": "files", "account": "acme", "entra": { "managed": true }, "management": group })).unwrap();
    assert_eq!(managed.management.unwrap().url, "https://management.azure.com");
    let other = json!({ "subscription": "s", "resource_group": "g", "url": "https://management.usgovcloudapi.net/" });
    let managed = read(json!({ "container": "files", "account": "acme", "entra": { "managed": true }, "management": other })).unwrap();
    assert_eq!(managed.management.unwrap().url, "https://management.usgovcloudapi.net");
}

#[test]
fn what_can_not_work_says_why() {
    let with = |more: Value| {
        let mut all = json!({ "container": "files", "account": "acme", "account_key": "a2V5" });
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    let entra = |entra: Value| json!({ "container": "files", "account": "acme", "entra": entra });
    let managed =
        |management: Value| json!({ "container": "files", "account": "acme", "entra": { "managed": true }, "management": management });
    for (wrong, why) in [
        (json!({}), "missing field `container`"),
        (with(json!({ "container": "My Files" })), "small letters"),
        (with(json!({ "contaner": "x" })), "unknown field `contaner`"),
        (json!({ "container": "files", "account": "acme" }), "a credential is missing"),
        (with(json!({ "sas": SAS })), "keep one"),
        (with(json!({ "account_key": "DefaultEndpointsProtocol=https;" })), "no base64"),
        (with(json!({ "account": "Acme!" })), "3 to 24 small letters"),
        (json!({ "container": "files", "account_key": "a2V5" }), "`account` is missing"),
        (json!({ "container": "files", "account_key": "a2V5", "endpoint": "https://10.0.0.1" }), "doesn't tell"),
        (json!({ "container": "files", "account": "acme", "sas": "sp=r" }), "no `sig`"),
        (with(json!({ "endpoint": "files" })), "no address"),
        (with(json!({ "endpoint": "ftp://x" })), "begins with https://"),
        (with(json!({ "endpoint": "https://x/?sig=1" })), "belongs into `sas`"),
        (with(json!({ "prefix": "/x" })), "without a leading slash"),
        (with(json!({ "encryption_scope": "a b" })), "a scope's name"),
        (with(json!({ "encryption_key": "short" })), "32 bytes"),
        (with(json!({ "encryption_key": STANDARD.encode([1_u8; 32]), "encryption_scope": "scope" })), "exclude each other"),
        (with(json!({ "encryption_key": STANDARD.encode([1_u8; 32]), "endpoint": "http://files.example" })), "begin with https://"),
        (with(json!({ "keys": { "legal": STANDARD.encode([1_u8; 32]) }, "endpoint": "http://files.example" })), "`keys.legal` goes with"),
        (with(json!({ "keys": { "legal": STANDARD.encode([1_u8; 31]) } })), "`keys.legal` is a key of 32 bytes"),
        (with(json!({ "keys": { "le gal": STANDARD.encode([1_u8; 32]) } })), "names in `keys`"),
        (
            with(json!({ "encryption_key": STANDARD.encode([1_u8; 32]), "keys": { "default": STANDARD.encode([2_u8; 32]) } })),
            "name of the key in `encryption_key`",
        ),
        (with(json!({ "management": { "subscription": "s", "resource_group": "g" } })), "needs an identity of Entra"),
        (entra(json!({ "managed": true, "login_url": "http://login.example" })), "`entra.login_url`"),
        (managed(json!({ "subscription": "a/b", "resource_group": "g" })), "`management.subscription`"),
        (managed(json!({ "subscription": "s", "resource_group": "g/h" })), "`management.resource_group`"),
        (managed(json!({ "subscription": "s", "resource_group": "g", "url": "http://x.example" })), "`management.url`"),
        (managed(json!({ "subscription": "s", "resource_group": "g", "url": "https://x.example/y" })), "`management.url`"),
        (managed(json!({ "subscription": "s" })), "resource_group"),
        (entra(json!({ "managed": true, "client_secret": "s" })), "exactly one of"),
        (entra(json!({ "client_id": "c" })), "exactly one of"),
        (entra(json!({ "client_secret": "s", "client_id": "c" })), "`tenant_id` and `client_id`"),
        (entra(json!({ "managed": true, "tenant_id": "t" })), "no meaning"),
        (entra(json!({ "managed": true, "login_url": "http://x" })), "`entra.login_url`"),
        (json!({ "container": "files", "account": "acme", "endpoint": "http://files.example", "entra": { "managed": true } }), "https://"),
    ] {
        let said = read(wrong.clone()).unwrap_err();
        assert!(said.contains(why), "{wrong}: {said}");
    }
}

#[test]
fn debug_shows_no_secret() {
    let key = STANDARD.encode([9_u8; 32]);
    for (config, secret) in [
        (json!({ "container": "files", "account": "acme", "account_key": "a2V5a2V5", "encryption_key": key }), ["a2V5a2V5", &key]),
        (json!({ "container": "files", "account": "acme", "account_key": "a2V5a2V5", "keys": { "legal": key } }), ["a2V5a2V5", &key]),
        (json!({ "container": "files", "account": "acme", "sas": SAS }), ["c2VjcmV0", "c2VjcmV0"]),
        (
            json!({ "container": "files", "account": "acme", "entra": { "tenant_id": "t", "client_id": "c", "client_secret": "hush" } }),
            ["hush", "hush"],
        ),
    ] {
        let shown = format!("{:?}", read(config).unwrap());
        assert!(secret.iter().all(|secret| !shown.contains(secret)), "{shown}");
    }
}
