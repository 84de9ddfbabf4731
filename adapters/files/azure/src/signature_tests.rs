//! Links recomputed: their signatures are what Microsoft's own client would make of the same parameters.
//!
//! The texts that are signed are put together here a second time, from the vendor's pages, and measured by what its client
//! for Python made (`fixture/signatures.json`); then each link is taken apart and its signature compared.
//! <https://learn.microsoft.com/rest/api/storageservices/create-service-sas>
//! <https://learn.microsoft.com/rest/api/storageservices/create-user-delegation-sas>

use crate::fixture::{ACCOUNT, Fixture, Inside};
use crate::fixture_tests::{entra, store_of};
use crate::sign::AccountKey;
use bellhop_core::ports::{FileStore as _, NewFile};
use bellhop_kit::conformance::files::chunks;
use bytes::Bytes;
use secrecy::SecretString;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const VECTORS: &str = include_str!("fixture/signatures.json");
/// The parameters in the order in which they are signed; `/` stands for the path, and the id of a version has no name.
const SERVICE: [&str; 16] =
    ["sp", "st", "se", "/", "si", "sip", "spr", "sv", "sr", "snapshot", "ses", "rscc", "rscd", "rsce", "rscl", "rsct"];
const DELEGATED: [&str; 28] = [
    "sp", "st", "se", "/", "skoid", "sktid", "skt", "ske", "sks", "skv", "saoid", "suoid", "scid", "skdutid", "sduoid", "sip", "spr", "sv",
    "sr", "snapshot", "ses", "srh", "srq", "rscc", "rscd", "rsce", "rscl", "rsct",
];

type Parameters = BTreeMap<String, String>;

fn text(order: &[&str], path: &str, parameters: &Parameters) -> String {
    let all = order.iter().map(|name| match *name {
        "/" => path,
        "snapshot" if parameters.get("sr").is_some_and(|kind| kind == "bv") => parameters.get("versionid").map_or("", String::as_str),
        name => parameters.get(name).map_or("", String::as_str),
    });
    all.collect::<Vec<_>>().join("\n")
}

fn signed(key: &str, text: &str) -> String {
    AccountKey::new(ACCOUNT, &SecretString::from(key.to_owned())).unwrap().sign(text).unwrap()
}

fn parameters(link: &str) -> Parameters {
    let url: url::Url = link.parse().unwrap();
    let mut all = Parameters::new();
    for (name, value) in url.query_pairs() {
        assert!(all.insert(name.to_string(), value.into_owned()).is_none(), "{name} stands twice in {link}");
    }
    all
}

#[test]
fn the_texts_are_those_of_the_vendors_client() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let key = vectors["key"].as_str().unwrap();
    let account = vectors["account"].as_str().unwrap();
    for (name, order, kind) in [
        ("service_blob", &SERVICE[..], "b"),
        ("service_container_stored_policy", &SERVICE[..], "c"),
        ("user_delegation_blob", &DELEGATED[..], "b"),
    ] {
        let vector = &vectors[name];
        let mut said: Parameters = vector
            .as_object()
            .unwrap()
            .iter()
            .filter(|(name, _)| order.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
            .collect();
        said.extend([("sv".to_owned(), "2026-10-06".to_owned()), ("sr".to_owned(), kind.to_owned())]);
        let blob = vector["blob"].as_str().map(|blob| format!("/{blob}")).unwrap_or_default();
        let path = format!("/blob/{account}/{}{blob}", vector["container"].as_str().unwrap());
        let made = text(order, &path, &said);
        assert_eq!(made, vector["string_to_sign"].as_str().unwrap(), "{name}");
        let key = vector["key_value_b64"].as_str().unwrap_or(key);
        assert_eq!(signed(key, &made), vector["sig_b64"].as_str().unwrap(), "{name}");
    }
}

#[tokio::test]
async fn every_link_has_the_signature_of_what_it_says() {
    for versions in [true, false] {
        let fixture = Fixture::start(Inside { versions, soft_delete: !versions, ..Inside::default() }).await;
        let keyed = store_of(&fixture, &json!({ "prefix": "p/" }));
        let mut delegated = entra(&fixture, &json!({ "client_secret": "hush" }));
        delegated["prefix"] = json!("p/");
        let delegated = store_of(&fixture, &delegated);
        let name = "dir/a b+ü%.txt";
        for content in ["one", "two"] {
            let bytes = chunks(vec![Ok(Bytes::from_static(content.as_bytes()))]);
            keyed.write(NewFile::new(name, "text/plain", None), bytes).await.unwrap();
        }
        if !versions {
            // What was overwritten is a snapshot again.
            fixture.state().blobs.values_mut().flatten().for_each(|kept| kept.deleted = false);
        }
        let older = keyed.versions(name).await.unwrap().into_iter().find(|version| !version.current).unwrap().id;
        for (store, order) in [(&keyed, &SERVICE[..]), (&delegated, &DELEGATED[..])] {
            for version in [None, Some(&older)] {
                let link = store.share(name, version, 3600).await.unwrap().unwrap();
                let said = parameters(&link);
                let kind = match (version, versions) {
                    (None, _) => "b",
                    (Some(_), true) => "bv",
                    (Some(_), false) => "bs",
                };
                assert_eq!((said["sr"].as_str(), said["sp"].as_str()), (kind, "r"), "{link}");
                assert!(
                    said.contains_key("se")
                        && said.keys().all(|name| order.contains(&name.as_str()) || ["sig", "versionid"].contains(&name.as_str())),
                    "{link}"
                );
                let made = text(order, &format!("/blob/{ACCOUNT}/files/p/{name}"), &said);
                assert_eq!(said["sig"], signed("a2V5", &made), "{link}");
            }
        }
    }
}

#[tokio::test]
async fn a_lent_key_lives_for_seven_days_and_a_link_not_longer() {
    let fixture = Fixture::start(Inside::default()).await;
    let store = store_of(&fixture, &entra(&fixture, &json!({ "client_secret": "hush" })));
    store.write(NewFile::new("f", "text/plain", None), chunks(vec![Ok(Bytes::from_static(b"x"))])).await.unwrap();
    let longest = store.share_limit().await.unwrap().unwrap().seconds;
    let said = parameters(&store.share("f", None, longest).await.unwrap().unwrap());
    let at = |name: &str| chrono::DateTime::parse_from_rfc3339(&said[name]).unwrap();
    assert_eq!(at("ske") - at("skt"), chrono::TimeDelta::days(7));
    assert!(at("se") <= at("ske"), "{said:?}");
    assert!(!said.contains_key("si"), "a delegated link knows no policies");
}
