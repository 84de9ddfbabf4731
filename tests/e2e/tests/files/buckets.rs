//! Every verb of `bucket` on every store that has them, in the chat and from the terminal, and what the other clients see.

use super::ways::Way;
use super::{House, Kind};
use bellhop_e2e::console::Person;
use serde_json::{Value, json};

/// One round through the buckets beside a store's own.
struct Round<'a> {
    house: &'a House,
    way: Way<'a>,
}

impl Round<'_> {
    async fn run(&self, kind: Kind, words: &[&str]) -> super::ways::Answer {
        self.way.run(self.house, &[words, &["--store", kind.store()]].concat()).await
    }

    /// The name of a bucket that only this round has.
    fn fresh(&self, kind: Kind) -> String {
        format!("new-{}-{}", self.way.folder(), kind.store())
    }

    async fn all(&self) {
        for kind in [Kind::S3, Kind::Strict, Kind::Azure] {
            self.made_and_deleted(kind).await;
        }
        self.versioning().await;
        self.lifecycle().await;
        self.encryption().await;
        self.access().await;
        self.access_revoked().await;
        self.what_others_have_not().await;
    }

    async fn made_and_deleted(&self, kind: Kind) {
        let (house, name) = (self.house, self.fresh(kind));
        let args = || json!({ "fresh": name });
        let there = match kind {
            Kind::Azure => "result = [x.name for x in c.list_containers() if x.name == args['fresh']]",
            _ => "result = [x['Name'] for x in c.list_buckets()['Buckets'] if x['Name'] == args['fresh']]",
        };
        self.run(kind, &["bucket", "create", &name]).await.done(&[&name]);
        assert_eq!(house.look(kind, there, args()).await, json!([name]));
        self.run(kind, &["bucket", "create", &name]).await.refused(&[&name]);
        self.run(kind, &["bucket", "create", "No_Such Name!"]).await.refused(&["name"]);
        self.run(kind, &["bucket", "list"]).await.done(&[&name, &kind.bucket()]);
        self.run(kind, &["bucket", "info", &name]).await.done(&[&name]);
        self.run(kind, &["bucket", "info", &kind.bucket()]).await.done(&["the store", kind.store()]);
        let near = name.replacen("new", "nwe", 1);
        self.run(kind, &["bucket", "info", &near]).await.refused(&[&near, &name]);
        let write = match kind {
            Kind::Azure => "c.get_blob_client(args['fresh'], 'in the way.txt').upload_blob(b'x')",
            _ => "c.put_object(Bucket=args['fresh'], Key='in the way.txt', Body=b'x')",
        };
        house.look(kind, write, args()).await;
        let confirmed = [&["bucket", "delete", name.as_str()][..], &["--store", kind.store()]].concat();
        self.way.confirm(house, &confirmed, &[&name, "Nothing has been changed"]).await.refused(&["in the way.txt"]);
        assert_eq!(house.look(kind, there, args()).await, json!([name]));
        let remove = match kind {
            Kind::Azure => "c.get_blob_client(args['fresh'], 'in the way.txt').delete_blob()",
            _ => "c.delete_object(Bucket=args['fresh'], Key='in the way.txt')",
        };
        house.look(kind, remove, args()).await;
        self.way.confirm(house, &confirmed, &[&name]).await.done(&[&name]);
        assert_eq!(house.look(kind, there, args()).await, json!([]));
        self.run(kind, &["bucket", "delete", &name]).await.refused(&[&name]);
    }

    /// A bucket on moto for the settings.
    async fn bucket(&self) -> String {
        let name = format!("set-{}", self.way.folder());
        let made = "
try: c.create_bucket(Bucket=args['fresh'])
except ClientError: pass";
        self.house.look(Kind::S3, made, json!({ "fresh": name })).await;
        name
    }

    async fn s3(&self, script: &str, name: &str) -> Value {
        self.house.look(Kind::S3, script, json!({ "fresh": name })).await
    }

    async fn versioning(&self) {
        let name = self.bucket().await;
        let state = "result = c.get_bucket_versioning(Bucket=args['fresh']).get('Status')";
        self.run(Kind::S3, &["bucket", "versioning", &name]).await.done(&["off"]);
        self.run(Kind::S3, &["bucket", "versioning", &name, "on"]).await.done(&["on"]);
        assert_eq!(self.s3(state, &name).await, "Enabled");
        self.run(Kind::S3, &["bucket", "info", &name]).await.done(&["on"]);
        self.run(Kind::S3, &["bucket", "versioning", &name, "off"]).await.done(&["suspended"]);
        assert_eq!(self.s3(state, &name).await, "Suspended");
        self.run(Kind::S3, &["bucket", "versioning", "none-such", "on"]).await.refused(&["none-such"]);
        self.run(Kind::S3, &["bucket", "versioning", &name, "maybe"]).await.refused(&["maybe"]);
    }

    async fn lifecycle(&self) {
        let name = self.bucket().await;
        let theirs = "
rules = [
    {'ID': 'theirs', 'Status': 'Enabled', 'Filter': {'And': {'Prefix': 'a&b/<x>', 'Tags': [{'Key': 'k', 'Value': 'v'}, {'Key': 'l', 'Value': 'w'}]}},
     'NoncurrentVersionTransitions': [{'NoncurrentDays': 5, 'StorageClass': 'GLACIER'}], 'Transitions': [{'Days': 30, 'StorageClass': 'STANDARD_IA'}],
     'NoncurrentVersionExpiration': {'NoncurrentDays': 50, 'NewerNoncurrentVersions': 4}},
    {'ID': 'switched off', 'Status': 'Disabled', 'Filter': {'Tag': {'Key': 'x', 'Value': 'y'}}, 'Expiration': {'Days': 9}}]
c.put_bucket_lifecycle_configuration(Bucket=args['fresh'], LifecycleConfiguration={'Rules': rules})
result = c.get_bucket_lifecycle_configuration(Bucket=args['fresh'])['Rules']";
        let rules = "
try: result = c.get_bucket_lifecycle_configuration(Bucket=args['fresh'])['Rules']
except ClientError as error: result = error.response['Error']['Code']";
        self.run(Kind::S3, &["bucket", "lifecycle", &name]).await.done(&[]);
        let theirs = self.s3(theirs, &name).await;
        self.run(Kind::S3, &["bucket", "lifecycle", &name, "show"]).await.done(&["theirs", "switched off", "GLACIER"]);
        let spans = ["--expire", "30d", "--expire-noncurrent", "90d", "--abort-multipart", "7d", "--transition", "40d:GLACIER"];
        let set =
            [&["bucket", "lifecycle", name.as_str(), "set", "--prefix", "logs/", "--id", "ours"][..], &spans, &["--store", "s3"]].concat();
        self.way.run(self.house, &set).await.done(&["ours", "30", "90"]);
        let after = self.s3(rules, &name).await;
        assert_eq!(after.as_array().unwrap()[..2], theirs.as_array().unwrap()[..], "rules of others stay");
        let wanted = json!({
            "ID": "ours", "Status": "Enabled", "Filter": { "Prefix": "logs/" }, "Expiration": { "Days": 30 },
            "NoncurrentVersionExpiration": { "NoncurrentDays": 90 }, "AbortIncompleteMultipartUpload": { "DaysAfterInitiation": 7 },
            "Transitions": [{ "Days": 40, "StorageClass": "GLACIER" }]
        });
        assert_eq!(after[2], wanted);
        // What takes the place of another rule asks first.
        let other = [&set[..8], &["--expire", "31d", "--store", "s3"]].concat();
        self.way.confirm(self.house, &other, &["ours", "30", "31", "2 other rules"]).await.done(&["ours", "31"]);
        assert_eq!(self.s3(rules, &name).await[2]["Expiration"]["Days"], 31);
        let clear = ["bucket", "lifecycle", &name, "clear", "--id", "ours", "--store", "s3"];
        self.way.confirm(self.house, &clear, &["ours"]).await.done(&[]);
        assert_eq!(self.s3(rules, &name).await, theirs);
        self.run(Kind::S3, &["bucket", "lifecycle", &name, "set", "--expire", "90m"]).await.refused(&["days"]);
        self.run(Kind::S3, &["bucket", "lifecycle", &name, "set"]).await.refused(&["--expire"]);
        self.run(Kind::S3, &["bucket", "lifecycle", &name, "clear", "--id", "thiers"]).await.refused(&["thiers", "theirs"]);
        let clear = ["bucket", "lifecycle", &name, "clear", "--store", "s3"];
        self.way.confirm(self.house, &clear, &["theirs", "switched off"]).await.done(&[]);
        assert_eq!(self.s3(rules, &name).await, "NoSuchLifecycleConfiguration");
    }

    async fn encryption(&self) {
        let name = self.bucket().await;
        let rule = "result = c.get_bucket_encryption(Bucket=args['fresh'])['ServerSideEncryptionConfiguration']['Rules'][0]";
        self.run(Kind::S3, &["bucket", "encryption", &name, "set", "aes256"]).await.done(&["aes256"]);
        let now = self.s3(rule, &name).await;
        assert_eq!(now["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"], "AES256", "{now}");
        let key = "arn:aws:kms:us-east-1:123456789012:key/1234abcd";
        self.run(Kind::S3, &["bucket", "encryption", &name, "set", "kms", "--key", key]).await.done(&["1234abcd", "aes256"]);
        let now = self.s3(rule, &name).await;
        assert_eq!(now["ApplyServerSideEncryptionByDefault"], json!({ "SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key }));
        assert_eq!(now["BucketKeyEnabled"], true);
        self.run(Kind::S3, &["bucket", "encryption", &name, "show"]).await.done(&["kms", "1234abcd"]);
        self.run(Kind::S3, &["bucket", "encryption", &name, "set", "aes256", "--key", key]).await.refused(&["key"]);
        self.run(Kind::S3, &["bucket", "encryption", &name, "set", "rot13"]).await.refused(&["rot13"]);
    }

    async fn access(&self) {
        let (house, name) = (self.house, format!("access-{}", self.way.folder()));
        house.look(Kind::Azure, "c.create_container(args['fresh'], public_access='blob')", json!({ "fresh": name })).await;
        let policies = "
p = c.get_container_client(args['fresh']).get_container_access_policy()
result = {'level': p['public_access'], 'all': {x.id: x.access_policy.permission for x in p['signed_identifiers']}}";
        let seen = async || house.look(Kind::Azure, policies, json!({ "fresh": name })).await;
        // One of somebody else's, and a link bound to it.
        let theirs = "
c.get_container_client(args['fresh']).set_container_access_policy({'theirs': AccessPolicy(permission='rwd', expiry=datetime.now(timezone.utc) + timedelta(hours=1))}, public_access='blob')";
        house.look(Kind::Azure, theirs, json!({ "fresh": name })).await;
        let create = ["bucket", "access", &name, "create", "partners", "--permissions", "rl", "--expires", "7d"];
        self.run(Kind::Azure, &create).await.done(&["partners", "theirs", "rl"]);
        assert_eq!(seen().await, json!({ "level": "blob", "all": { "theirs": "rwd", "partners": "rl" } }));
        self.run(Kind::Azure, &create).await.refused(&["partners"]);
        self.run(Kind::Azure, &["bucket", "access", &name, "list"]).await.done(&["partners", "theirs", "rwd"]);
        self.run(Kind::Azure, &["bucket", "access", &name, "change", "partners", "--permissions", "r"]).await.done(&["partners"]);
        assert_eq!(seen().await["all"], json!({ "theirs": "rwd", "partners": "r" }));
        for other in ["one", "two", "three"] {
            self.run(Kind::Azure, &["bucket", "access", &name, "create", other, "--permissions", "r", "--expires", "1d"])
                .await
                .done(&[other]);
        }
        self.run(Kind::Azure, &["bucket", "access", &name, "create", "six", "--permissions", "r", "--expires", "1d"]).await.refused(&["5"]);
        self.run(Kind::Azure, &["bucket", "access", &name, "revoke", "partners"]).await.done(&["partners"]);
        assert_eq!(seen().await, json!({ "level": "blob", "all": { "theirs": "rwd", "one": "r", "two": "r", "three": "r" } }));
        self.run(Kind::Azure, &["bucket", "access", &name, "revoke", "partners"]).await.refused(&["partners"]);
        self.run(Kind::Azure, &["bucket", "access", &name, "create", "bad", "--permissions", "r?", "--expires", "1d"])
            .await
            .refused(&["?"]);
        self.run(Kind::Azure, &["bucket", "info", &name]).await.says(&["anyone can read"]);
    }

    /// A signed link of the other client's that is bound to a policy works, and ends with it.
    async fn access_revoked(&self) {
        let (house, name) = (self.house, format!("closed-{}", self.way.folder()));
        self.run(Kind::Azure, &["bucket", "create", &name]).await.done(&[]);
        let create = ["bucket", "access", &name, "create", "partners", "--permissions", "r", "--expires", "7d"];
        self.run(Kind::Azure, &create).await.done(&["partners"]);
        let link = "
blob = c.get_blob_client(args['fresh'], 'shared + 1.txt')
blob.upload_blob(b'for partners', overwrite=True)
key = c.credential.account_key
result = blob.url + '?' + generate_blob_sas('devstoreaccount1', args['fresh'], 'shared + 1.txt', account_key=key, policy_id='partners')";
        let link = house.look(Kind::Azure, link, json!({ "fresh": name })).await;
        let link = link.as_str().unwrap();
        assert_eq!(house.bot.visit(link).await.1, b"for partners");
        assert_eq!(house.bot.visit(&link.replace("sig=", "sig=A")).await.0, 403, "a forged one is refused");
        self.run(Kind::Azure, &["bucket", "access", &name, "revoke", "partners"]).await.done(&["partners"]);
        assert_eq!(house.bot.visit(link).await.0, 403, "the link is called back");
    }

    /// What a service doesn't have is refused with a word on what to do, and changes nothing.
    async fn what_others_have_not(&self) {
        for (kind, words) in [
            (Kind::Strict, &["bucket", "versioning", "team-strict", "on"][..]),
            (Kind::Strict, &["bucket", "encryption", "team-strict", "set", "aes256"]),
            (Kind::Strict, &["bucket", "access", "team-strict", "list"]),
            (Kind::S3, &["bucket", "access", "team-s3", "list"]),
            (Kind::Azure, &["bucket", "versioning", "team-azure", "on"]),
            (Kind::Azure, &["bucket", "encryption", "team-azure", "set", "aes256"]),
        ] {
            let answer = self.run(kind, words).await.refused(&[]);
            assert!(answer.text.lines().filter(|line| line.len() > 30).count() > 0, "{words:?}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn every_bucket_verb_both_ways() {
    let house = House::open("[chat.console]\nkind = \"console\"\nchannels = [\"general\", \"ops\", \"one\"]\n").await;
    let ada = Person::log_in(&house.bot, "you").await;
    let chat = Round { house: &house, way: Way::Chat(&ada, "one") };
    let beside = Round { house: &house, way: Way::Say("beside") };
    tokio::join!(chat.all(), beside.all());
}

#[tokio::test]
async fn every_bucket_verb_from_the_terminal_alone_and_only_for_who_may() {
    let house = House::new("").await;
    Round { house: &house, way: Way::Say("alone") }.all().await;
    let refused = house.bot.bellhop(&["say", "--as", "max", "--", "bucket", "create", "sneaky", "--store", "s3"]).await;
    assert!(refused.code == 1 && refused.out.contains("admin"), "{}", refused.out);
    let script = "result = [x['Name'] for x in c.list_buckets()['Buckets']]";
    let there = house.look(Kind::S3, script, json!({})).await;
    assert!(!there.as_array().unwrap().contains(&json!("sneaky")), "{there}");
}
