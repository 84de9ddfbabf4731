//! The account's settings through the management plane, in its world, with the files on the strict server.

use crate::fixture::{ACCOUNT, Fixture, Inside};
use crate::fixture_tests::store_of;
use crate::{AzureStore, EncryptionScope};
use axum::http::Method;
use bellhop_core::ports::{
    Fact, FileEncryption, FileStore, LifecycleFilter, LifecycleRule, NewFile, NoncurrentExpiry, Transition, Versioning, When,
};
use bellhop_core::{PortErrorKind, Retry};
use bellhop_kit::azure_management::{AzureManagement, CLIENT_SECRET, Plane, Refusal};
use bellhop_kit::conformance::buckets;
use bellhop_kit::conformance::files::chunks;
use bytes::Bytes;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// The files and the account, each in its world; what the account says of versions the files follow.
async fn worlds(inside: Inside) -> (Fixture, AzureManagement) {
    let fixture = Fixture::start(inside).await;
    let world = AzureManagement::start(ACCOUNT).await.unwrap();
    let files = fixture.inside.clone();
    world.when_versions_change(move |on| files.lock().unwrap().versions = on);
    (fixture, world)
}

fn managed(fixture: &Fixture, world: &AzureManagement, more: &Value) -> AzureStore {
    let mut management = world.settings();
    management.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let entra = json!({ "tenant_id": "tenant", "client_id": "client", "client_secret": CLIENT_SECRET, "login_url": world.url() });
    store_of(fixture, &json!({ "account_key": null, "account": ACCOUNT, "entra": entra, "management": management }))
}

async fn write(store: &AzureStore, name: &str, text: &'static str) {
    let file = NewFile::new(name, "text/plain", None);
    store.write(file, chunks(vec![Ok(Bytes::from_static(text.as_bytes()))])).await.unwrap();
}

fn rule(id: &str, prefix: &str, days: u32) -> LifecycleRule {
    let filter = LifecycleFilter { prefix: prefix.to_owned(), ..LifecycleFilter::default() };
    LifecycleRule { id: id.to_owned(), enabled: true, filter, expire: Some(When::Days(days)), ..LifecycleRule::default() }
}

fn refusal(method: Method, status: u16, code: &'static str) -> Refusal {
    Refusal { method, status, code, headers: Vec::new(), done: false }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sentence_on_settings_holds() {
    let mut kept = Vec::new();
    let report = buckets::report(|| {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        kept.push(receiver);
        async move {
            let (fixture, world) = worlds(Inside::default()).await;
            let store = managed(&fixture, &world, &json!({}));
            let _ = sender.send((fixture, world));
            Arc::new(store) as Arc<dyn FileStore>
        }
    })
    .await;
    let settings = [
        "Whether versions are kept.",
        "Keeps versions from now on, or no longer; those that are there stay.",
        "Adds a rule, in place of the one with its id where there is one.",
        "Every other rule stays as it is, also what of it can't be told in the words of [`LifecycleRule`].",
        "`Conflict` when the rules were changed meanwhile, where that can be seen.",
        "Removes one rule, or all of them.",
        "`NotFound` when there is no rule with that id.",
    ];
    let failed: Vec<&str> = report.broken().chain(report.not_offered()).filter(|sentence| settings.contains(sentence)).collect();
    assert!(failed.is_empty(), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn versioning_is_set_and_nothing_else_of_the_settings() {
    let (fixture, world) = worlds(Inside::default()).await;
    let store = managed(&fixture, &world, &json!({}));
    let buckets = store.buckets().unwrap();
    let before = json!({
        "cors": { "corsRules": [{ "allowedOrigins": ["https://x.example"], "maxAgeInSeconds": 5 }] },
        "deleteRetentionPolicy": { "enabled": true, "days": 7, "allowPermanentDelete": false },
        "containerDeleteRetentionPolicy": { "enabled": true, "days": 1 },
        "restorePolicy": { "enabled": false, "minRestoreTime": "2026-01-01T00:00:00Z" },
        "fromTheFuture": { "deep": [1, 2.5, null] },
    });
    world.plane().service = before.clone();
    assert_eq!(buckets.versioning("files").await.unwrap(), Versioning::Off);
    buckets.set_versioning("files", true).await.unwrap();
    assert_eq!(buckets.versioning("files").await.unwrap(), Versioning::On);
    assert!(store.versioned() && buckets.reach().unwrap().contains("all of its containers"));
    let mut wanted = before;
    wanted["isVersioningEnabled"] = json!(true);
    wanted["restorePolicy"] = json!({ "enabled": false });
    assert_eq!(world.plane().service, wanted);
    // What is so already is not written again.
    let puts = |plane: &Plane| plane.count(&Method::PUT, "/blobServices/default?api-version=2023-05-01");
    buckets.set_versioning("files", true).await.unwrap();
    assert_eq!(puts(&world.plane()), 1);
    let info = buckets.info("files").await.unwrap();
    let Fact::Known(words) = &info.policy else { panic!("{info:?}") };
    for part in
        ["for all of its containers", "deleted files can be brought back for 7 days", "deleted containers can be brought back for 1 day ("]
    {
        assert!(words.iter().any(|word| word.contains(part)), "{part}: {words:?}");
    }
    assert_eq!((info.versioning, info.lifecycle), (Fact::Known(Versioning::On), Fact::Known(Vec::new())));
    write(&store, "f", "one").await;
    buckets.set_versioning("files", false).await.unwrap();
    assert_eq!(buckets.versioning("files").await.unwrap(), Versioning::Suspended);
    assert!(!store.versioned());
    // Both tokens come from one place, and each goes to its own.
    assert!(world.plane().asked.iter().all(|asked| asked.headers["authorization"] == "Bearer m4n4g3"));
    let error = buckets.set_versioning("gone", true).await.unwrap_err();
    assert_eq!(error.kind, PortErrorKind::NotFound);
}

fn theirs() -> Value {
    json!({
        "version": "0.5",
        "rules": [
            { "name": "other", "type": "Lifecycle", "mystery": { "x": 1 }, "definition": {
                "actions": { "baseBlob": { "tierToCool": { "daysAfterLastAccessTimeGreaterThan": 30.0 }, "enableAutoTierToHotFromCool": true } },
                "filters": { "blobTypes": ["blockBlob"], "prefixMatch": ["other/"] } } },
            { "name": "wide", "enabled": false, "type": "Lifecycle", "definition": {
                "actions": { "baseBlob": { "delete": { "daysAfterModificationGreaterThan": 900 } } }, "filters": { "blobTypes": ["blockBlob", "appendBlob"] } } },
            { "name": "both", "type": "Lifecycle", "definition": {
                "actions": { "snapshot": { "delete": { "daysAfterCreationGreaterThan": 3 } } },
                "filters": { "blobTypes": ["blockBlob"], "prefixMatch": ["files/a", "other/b"] } } },
        ],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_of_others_stay_as_they_are() {
    let (fixture, world) = worlds(Inside::default()).await;
    let store = managed(&fixture, &world, &json!({}));
    let buckets = store.buckets().unwrap();
    world.plane().policy = Some(theirs());
    let tags = [("keep".to_owned(), "no".to_owned())].into();
    let full = LifecycleRule {
        filter: LifecycleFilter { prefix: "logs/".to_owned(), tags, ..LifecycleFilter::default() },
        transitions: vec![Transition { when: When::Days(7), class: "Cold".to_owned() }],
        expire_noncurrent: Some(NoncurrentExpiry { days: 90, keep: None }),
        ..rule("bellhop-expire-logs/", "", 30)
    };
    buckets.add_lifecycle("files", &full).await.unwrap();
    let there = world.plane().policy.clone().unwrap();
    assert_eq!((&there["version"], &there["rules"].as_array().unwrap()[..3]), (&json!("0.5"), &theirs()["rules"].as_array().unwrap()[..]));
    assert_eq!(there["rules"][3]["definition"]["filters"]["prefixMatch"], json!(["files/logs/"]));
    assert_eq!(there["rules"][3]["name"], "bellhop-expire-logs-x2f-");
    let seen = buckets.lifecycle("files").await.unwrap();
    assert_eq!(seen.iter().map(|rule| rule.id.as_str()).collect::<Vec<_>>(), ["wide", "both", "bellhop-expire-logs/"]);
    assert_eq!(seen[2], full);
    assert!(seen[0].other.iter().any(|words| words.contains("every container")) && !seen[0].enabled, "{:?}", seen[0]);

    for (id, why) in [("other", "choose another id"), ("wide", "choose another id"), ("both", "choose another id")] {
        let error = buckets.add_lifecycle("files", &rule(id, "", 1)).await.unwrap_err();
        assert!(error.kind == PortErrorKind::Conflict && error.message.contains(why), "{error}");
    }
    for id in ["wide", "none", "other"] {
        let error = buckets.clear_lifecycle("files", Some(id)).await.unwrap_err();
        let kind = if id == "wide" { PortErrorKind::Conflict } else { PortErrorKind::NotFound };
        assert!(error.kind == kind && error.message.contains(id), "{error}");
    }
    let error = buckets.clear_lifecycle("files", None).await.unwrap_err();
    assert!(error.kind == PortErrorKind::Conflict && error.message.contains("one by one"), "{error}");
    assert_eq!(world.plane().policy.clone().unwrap(), there);
    // What names this container among others goes on for those.
    buckets.clear_lifecycle("files", Some("both")).await.unwrap();
    assert_eq!(world.plane().rules()[2]["definition"]["filters"]["prefixMatch"], json!(["other/b"]));
    buckets.clear_lifecycle("files", Some("bellhop-expire-logs/")).await.unwrap();
    assert_eq!(world.plane().rules().len(), 3);
    // Without any rule there is no policy.
    world.plane().policy = None;
    buckets.clear_lifecycle("files", None).await.unwrap();
    assert_eq!(world.plane().count(&Method::DELETE, "managementPolicies"), 0);
    buckets.add_lifecycle("files", &rule("last", "", 3)).await.unwrap();
    buckets.clear_lifecycle("files", None).await.unwrap();
    let plane = world.plane();
    assert_eq!((plane.count(&Method::DELETE, "managementPolicies/default"), &plane.policy), (1, &None));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_told_and_changes_nothing() {
    let (fixture, world) = worlds(Inside::default()).await;
    let store = managed(&fixture, &world, &json!({}));
    let buckets = store.buckets().unwrap();
    world.plane().policy = Some(theirs());
    let aborting = LifecycleRule { abort_incomplete: Some(7), ..rule("x", "", 1) };
    let error = buckets.add_lifecycle("files", &aborting).await.unwrap_err();
    assert!(error.kind == PortErrorKind::Unsupported && error.message.contains("after a week by itself"), "{error}");
    for (status, code, kind, why) in [
        (401, "InvalidAuthenticationToken", PortErrorKind::Unauthenticated, "`entra` and `management` in [files.az]"),
        (403, "AuthorizationFailed", PortErrorKind::Denied, "Storage Account Contributor"),
        (409, "ScopeLocked", PortErrorKind::Denied, "a lock on"),
        (403, "RequestDisallowedByPolicy", PortErrorKind::Denied, "policy of the subscription"),
        (404, "SubscriptionNotFound", PortErrorKind::Invalid, "`management.subscription`"),
        (404, "ResourceGroupNotFound", PortErrorKind::Invalid, "`management.resource_group`"),
        (404, "ResourceNotFound", PortErrorKind::Invalid, "isn't in that resource group"),
        (409, "StorageAccountOperationInProgress", PortErrorKind::Conflict, "(StorageAccountOperationInProgress)"),
        (400, "InvalidRequestPropertyValue", PortErrorKind::Invalid, "it says: In words."),
        (500, "InternalServerError", PortErrorKind::Unavailable, "just now"),
        (302, "", PortErrorKind::Broken, "`management.url`"),
    ] {
        world.plane().refusals.push_back(refusal(Method::PUT, status, code));
        let error = buckets.add_lifecycle("files", &rule("x", "", 1)).await.unwrap_err();
        assert!(error.kind == kind && error.message.contains(why) && !error.message.contains("m4n4g3"), "{code}: {error}");
        assert_eq!(world.plane().policy.clone().unwrap(), theirs(), "{code}");
    }
    // What passes is tried again, and nobody waits for an hour.
    world.plane().refusals.extend([refusal(Method::GET, 500, "InternalServerError"), refusal(Method::GET, 503, "ServerBusy")]);
    buckets.lifecycle("files").await.unwrap();
    let headers = vec![("retry-after", "3600".to_owned())];
    world.plane().refusals.push_back(Refusal { headers, ..refusal(Method::GET, 429, "TooManyRequests") });
    let error = buckets.lifecycle("files").await.unwrap_err();
    assert_eq!((error.kind, error.retry), (PortErrorKind::RateLimited, Retry::After(Duration::from_hours(1))));
    // An answer that got lost is looked for.
    world.plane().refusals.push_back(Refusal { done: true, ..refusal(Method::PUT, 500, "InternalServerError") });
    buckets.add_lifecycle("files", &rule("lost", "", 1)).await.unwrap();
    assert_eq!(world.plane().rules().len(), 4);
    world.plane().refusals.push_back(Refusal { done: true, ..refusal(Method::PUT, 504, "GatewayTimeout") });
    buckets.set_versioning("files", true).await.unwrap();
    assert!(fixture.state().versions);
    // A bucket is told about as far as it can be seen.
    world.plane().forbidden = true;
    let info = buckets.info("files").await.unwrap();
    assert_eq!((&info.versioning, &info.lifecycle), (&Fact::Denied, &Fact::Denied));
    assert!(info.policy.known().unwrap().iter().any(|word| word.contains("Storage Account Contributor")), "{info:?}");
    let found = store.check().await.unwrap();
    assert!(found.iter().any(|finding| !finding.good && finding.text.contains("Storage Account Contributor")), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_writers_are_seen_where_the_service_marks_its_state() {
    let (fixture, world) = worlds(Inside::default()).await;
    world.plane().marks = true;
    let store = managed(&fixture, &world, &json!({}));
    let buckets = store.buckets().unwrap();
    buckets.add_lifecycle("files", &rule("first", "", 1)).await.unwrap();
    buckets.add_lifecycle("files", &rule("second", "", 1)).await.unwrap();
    let sent = |plane: &Plane| {
        plane.asked.iter().filter(|asked| asked.method == Method::PUT).filter_map(|asked| asked.headers.get("if-match")).count()
    };
    assert_eq!(sent(&world.plane()), 1, "the first had nothing to be read");
    world.plane().refusals.push_back(refusal(Method::PUT, 412, "PreconditionFailed"));
    let error = buckets.add_lifecycle("files", &rule("third", "", 1)).await.unwrap_err();
    assert!(error.kind == PortErrorKind::Conflict && error.message.contains("nothing was written"), "{error}");
    assert_eq!(world.plane().rules().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn scopes_are_listed_and_made_where_the_configuration_says_so() {
    let (fixture, world) = worlds(Inside::default()).await;
    for (name, state, source) in
        [("alpha", "Enabled", "Microsoft.Storage"), ("beta", "Disabled", "Microsoft.Storage"), ("vaulted", "Enabled", "Microsoft.KeyVault")]
    {
        world.plane().scopes.insert(name.to_owned(), json!({ "state": state, "source": source }));
    }
    let store = managed(&fixture, &world, &json!({}));
    let scope = |name: &str, enabled, vault| EncryptionScope { name: name.to_owned(), enabled, vault };
    let wanted = [scope("alpha", true, false), scope("beta", false, false), scope("vaulted", true, true)];
    assert_eq!(store.encryption_scopes().await.unwrap(), wanted, "over two pages");
    let ways: Vec<String> = store.encryptions().iter().map(ToString::to_string).collect();
    assert_eq!(ways, ["aes256", "scope:alpha", "scope:vaulted"]);
    let error = store.buckets().unwrap().set_encryption("files", &bellhop_core::ports::Encryption::Aes256).await.unwrap_err();
    assert!(error.message.contains("the scopes alpha, beta (disabled), vaulted (Key Vault)"), "{error}");
    let finding = store.check().await.unwrap();
    assert!(finding.iter().any(|finding| finding.good && finding.text.contains("alpha")), "{finding:?}");
    // Not unless it is asked for.
    let under = |name: &str| NewFile { encryption: Some(FileEncryption::Scope(name.to_owned())), ..NewFile::new("f", "text/plain", None) };
    store.write(under("gamma"), chunks(vec![Ok(Bytes::from_static(b"x"))])).await.unwrap();
    assert!(!world.plane().scopes.contains_key("gamma"));
    let making = managed(&fixture, &world, &json!({ "create_scopes": true }));
    for _ in 0..2 {
        making.write(under("gamma"), chunks(vec![Ok(Bytes::from_static(b"x"))])).await.unwrap();
    }
    assert_eq!(world.plane().scopes["gamma"], json!({ "source": "Microsoft.Storage", "state": "Enabled" }));
    assert_eq!(world.plane().count(&Method::PUT, "/encryptionScopes/gamma?"), 1);
    assert_eq!(making.create_encryption_scope("a b").await.unwrap_err().kind, PortErrorKind::Invalid);
    // Somebody who may not is told, and nothing is written.
    world.plane().forbidden = true;
    let error = making.write(under("delta"), chunks(vec![Ok(Bytes::from_static(b"x"))])).await.unwrap_err();
    assert!(error.kind == PortErrorKind::Denied && error.message.contains("Storage Account Contributor"), "{error}");
}

#[tokio::test]
async fn without_a_way_to_the_account_it_is_said_what_to_configure() {
    let (fixture, world) = worlds(Inside::default()).await;
    let keyed = store_of(&fixture, &json!({}));
    let entra = json!({ "tenant_id": "tenant", "client_id": "client", "client_secret": CLIENT_SECRET, "login_url": world.url() });
    let named = store_of(&fixture, &json!({ "account_key": null, "account": ACCOUNT, "entra": entra }));
    for (store, parts) in
        [(&keyed, &["entra = {", "management = { subscription", "[files.az]"][..]), (&named, &["management = { subscription"])]
    {
        let buckets = store.buckets().unwrap();
        for error in [
            buckets.versioning("files").await.unwrap_err(),
            buckets.set_versioning("files", true).await.unwrap_err(),
            buckets.lifecycle("files").await.unwrap_err(),
            buckets.add_lifecycle("files", &rule("x", "", 1)).await.unwrap_err(),
            buckets.clear_lifecycle("files", None).await.unwrap_err(),
            store.encryption_scopes().await.unwrap_err(),
        ] {
            let all = parts.iter().all(|part| error.message.contains(part));
            assert!(error.kind == PortErrorKind::Unsupported && all, "{error}");
        }
        let info = buckets.info("files").await.unwrap();
        assert_eq!((info.versioning, info.lifecycle), (Fact::Unsupported, Fact::Unsupported));
    }
    let wrong = json!({ "tenant_id": "tenant", "client_id": "client", "client_secret": "wr0ng", "login_url": world.url() });
    let wrong = store_of(&fixture, &json!({ "account_key": null, "account": ACCOUNT, "entra": wrong, "management": world.settings() }));
    let error = wrong.encryption_scopes().await.unwrap_err();
    assert!(
        error.kind == PortErrorKind::Unauthenticated && error.message.contains("AADSTS7000215") && !error.message.contains("wr0ng"),
        "{error}"
    );
    // A place that isn't there.
    let mut settings = world.settings();
    settings["resource_group"] = json!("Elsewhere");
    let lost = managed(&fixture, &world, &settings);
    let error = lost.encryption_scopes().await.unwrap_err();
    assert!(error.kind == PortErrorKind::Invalid && error.message.contains("`management.resource_group` in [files.az]"), "{error}");
}
