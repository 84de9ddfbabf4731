//! Stores that can't be used as they are configured: keys that are wrong, rights that are missing, buckets that are gone,
//! servers that aren't there. Each answer says which store and why, without a secret, and nothing is written.

use super::ways::Way;
use super::{House, Kind, azure_section, s3_section};
use bellhop_e2e::console::Person;
use bellhop_kit::peers::azurite::{ACCOUNT, KEY};
use bellhop_kit::peers::s3::{ACCESS_KEY, SECRET_KEY};
use bellhop_kit::process::free_port;
use serde_json::json;

#[tokio::test]
async fn a_store_that_can_not_be_used_says_why() {
    let mut house = House::new("").await;
    let (strict, azure) = (house.road(Kind::Strict).url(), format!("{}/{ACCOUNT}", house.road(Kind::Azure).url()));
    let (secret, nobody) = ("bellhop/wrong+secret", format!("http://127.0.0.1:{}", free_port().unwrap()));
    let wrong_key = "d3JvbmcgYWNjb3VudCBrZXk=";
    let sas = "
result = generate_container_sas('devstoreaccount1', b, account_key=c.credential.account_key, permission='rl', expiry=datetime.now(timezone.utc) + timedelta(hours=1))";
    let sas = house.look(Kind::Azure, sas, json!({})).await.as_str().unwrap().to_owned();
    let old = "
result = generate_container_sas('devstoreaccount1', b, account_key=c.credential.account_key, permission='rwdl', start=datetime.now(timezone.utc) - timedelta(hours=2), expiry=datetime.now(timezone.utc) - timedelta(hours=1))";
    let old = house.look(Kind::Azure, old, json!({})).await.as_str().unwrap().to_owned();
    let with_sas = |name: &str, sas: &str| {
        azure_section(name, "team-azure", &azure, "").replace(&format!("account_key = \"{KEY}\""), &format!("sas = \"{sas}\""))
    };
    house.configure(
        &[
            s3_section("badsecret", "team-strict", &strict, "").replace(SECRET_KEY, secret),
            s3_section("badkey", "team-strict", &strict, "").replace(ACCESS_KEY, "AKIDSOMEBODYELSE"),
            s3_section("gone", "no-such-bucket", &strict, ""),
            s3_section("nobody", "team-strict", &nobody, ""),
            azure_section("badaccount", "team-azure", &azure, "").replace(KEY, wrong_key),
            azure_section("nocontainer", "no-such-container", &azure, ""),
            azure_section("noserver", "team-azure", &format!("{nobody}/{ACCOUNT}"), ""),
            with_sas("readonly", &sas),
            with_sas("expired", &old),
        ]
        .concat(),
    );
    let live = house.bot.bellhop(&["check", "--live"]).await;
    house.bot.go().await;
    let ada = Person::log_in(&house.bot, "you").await;
    for way in [Way::Chat(&ada, "general"), Way::Say("beside")] {
        for (store, says) in [
            ("badsecret", "secret"),
            ("badkey", "key"),
            ("gone", "no-such-bucket"),
            ("nobody", "127.0.0.1"),
            ("badaccount", "key"),
            ("nocontainer", "no-such-container"),
            ("noserver", "127.0.0.1"),
            ("readonly", "permission"),
            ("expired", "expired"),
        ] {
            let at = format!("{store}:a.txt");
            let answer = way.put(&house, "a.txt", b"x", &["file", "put", &at]).await.refused(&[says, store]);
            for hidden in [SECRET_KEY, KEY, secret, wrong_key, "sig="] {
                assert!(!answer.text.contains(hidden), "{store} tells a secret: {}", answer.text);
            }
            if store != "readonly" {
                way.run(&house, &["file", "list", &format!("{store}:")]).await.refused(&[store]);
                way.run(&house, &["file", "get", &at]).await.refused(&[store]);
            }
        }
    }
    way_stays_open(&house, &ada).await;
    assert_ne!(live.code, 0, "a check of the stores finds them: {}{}", live.out, live.err);
    for store in ["badsecret", "badkey", "gone", "nobody", "badaccount", "nocontainer", "noserver", "expired"] {
        assert!(format!("{}{}", live.out, live.err).contains(&format!("files.{store}")), "{store}: {}{}", live.out, live.err);
    }
    let log = house.bot.program().output();
    for hidden in [SECRET_KEY, KEY, secret, wrong_key] {
        assert!(!log.contains(hidden), "the log tells a secret");
    }
}

/// The stores beside them work as if nothing were; and a bucket that goes away under a running bot is told.
async fn way_stays_open(house: &House, ada: &Person) {
    let way = Way::Chat(ada, "ops");
    for kind in [Kind::S3, Kind::Azure] {
        let at = format!("{}:fine.txt", kind.store());
        way.put(house, "a.txt", b"fine", &["file", "put", &at]).await.done(&[]);
        house.holds(kind, "fine.txt", b"fine", "text/plain").await;
        assert_eq!(house.names(kind).await, ["fine.txt"], "and nothing of what was refused");
        let remove = match kind {
            Kind::Azure => "c.delete_container(b)",
            _ => {
                "
for one in versions(c, b, 'fine.txt'): c.delete_object(Bucket=b, Key='fine.txt', VersionId=one['id'])
c.delete_bucket(Bucket=b)"
            }
        };
        house.look(kind, remove, json!({})).await;
        way.put(house, "a.txt", b"late", &["file", "put", &at]).await.refused(&[&kind.bucket()]);
        way.run(house, &["file", "info", &at]).await.refused(&[]);
    }
}
