//! What was done through the ports, as Amazon's own client sees it, and what that did, as the ports see it.

use crate::world::{file, new_store, pattern, stream};
use bellhop_core::PortErrorKind;
use bellhop_core::ports::{Buckets, Encryption, FileStore, LifecycleFilter, LifecycleRule, PublicLevel, Versioning, When};
use bellhop_kit::peers::s3::S3Server;
use bellhop_s3::S3Store;
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn buckets(store: &S3Store) -> &dyn Buckets {
    store.buckets().unwrap()
}

async fn boto(server: &S3Server, store: &S3Store, script: &str) -> Value {
    server.boto(script, &json!({ "bucket": buckets(store).own() })).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_of_others_stay_in_every_part() {
    let server = S3Server::moto().await.unwrap();
    let store = new_store(server.url(), false, &json!({})).await;
    let own = buckets(&store).own().to_owned();
    let put = "
rules = [
    {'ID': 'theirs', 'Status': 'Enabled', 'Filter': {'And': {'Prefix': 'a&b/<x>', 'Tags': [{'Key': 'k', 'Value': 'v'}, {'Key': 'l', 'Value': 'w'}]}},
     'Transitions': [{'Days': 30, 'StorageClass': 'STANDARD_IA'}, {'Days': 90, 'StorageClass': 'GLACIER'}],
     'NoncurrentVersionTransitions': [{'NoncurrentDays': 5, 'StorageClass': 'GLACIER'}],
     'NoncurrentVersionExpiration': {'NoncurrentDays': 50, 'NewerNoncurrentVersions': 4}},
    {'ID': 'tagged', 'Status': 'Disabled', 'Filter': {'Tag': {'Key': 'x', 'Value': 'y'}}, 'Expiration': {'Days': 9}},
    {'ID': 'markers', 'Status': 'Enabled', 'Filter': {'Prefix': ''}, 'Expiration': {'ExpiredObjectDeleteMarker': True}},
]
s3.put_bucket_lifecycle_configuration(Bucket=args['bucket'], LifecycleConfiguration={'Rules': rules})
result = s3.get_bucket_lifecycle_configuration(Bucket=args['bucket'])['Rules']";
    let get = "result = s3.get_bucket_lifecycle_configuration(Bucket=args['bucket'])['Rules']";
    let theirs = boto(&server, &store, put).await;
    let seen = buckets(&store).lifecycle(&own).await.unwrap();
    assert_eq!(seen.iter().map(|rule| rule.id.as_str()).collect::<Vec<_>>(), ["theirs", "tagged", "markers"]);
    assert_eq!((seen[0].filter.prefix.as_str(), seen[0].filter.tags.len(), seen[0].transitions.len()), ("a&b/<x>", 2, 2));
    assert!(seen[0].other[0].contains("GLACIER") && seen[2].expire_markers && !seen[1].enabled, "{seen:?}");
    let ours = LifecycleRule {
        id: "ours".to_owned(),
        enabled: true,
        filter: LifecycleFilter { prefix: "tmp/".to_owned(), ..LifecycleFilter::default() },
        expire: Some(When::Days(3)),
        abort_incomplete: Some(7),
        ..LifecycleRule::default()
    };
    buckets(&store).add_lifecycle(&own, &ours).await.unwrap();
    let after = boto(&server, &store, get).await;
    assert_eq!(after.as_array().unwrap()[..3], theirs.as_array().unwrap()[..]);
    let wanted = json!({ "ID": "ours", "Status": "Enabled", "Filter": { "Prefix": "tmp/" }, "Expiration": { "Days": 3 },
        "AbortIncompleteMultipartUpload": { "DaysAfterInitiation": 7 } });
    assert_eq!(after[3], wanted);
    buckets(&store).clear_lifecycle(&own, Some("tagged")).await.unwrap();
    let after = boto(&server, &store, get).await;
    assert_eq!(after.as_array().unwrap(), &[theirs[0].clone(), theirs[2].clone(), wanted]);
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_what_others_see() {
    let server = S3Server::moto().await.unwrap();
    let store = new_store(server.url(), false, &json!({})).await;
    let own = buckets(&store).own().to_owned();
    let key = "arn:aws:kms:us-east-1:123456789012:key/1234abcd".to_owned();
    buckets(&store).set_encryption(&own, &Encryption::Kms { key: Some(key.clone()), bucket_key: true }).await.unwrap();
    buckets(&store).set_versioning(&own, true).await.unwrap();
    let script = "
rule = s3.get_bucket_encryption(Bucket=args['bucket'])['ServerSideEncryptionConfiguration']['Rules'][0]
result = [rule['ApplyServerSideEncryptionByDefault'], rule['BucketKeyEnabled'], s3.get_bucket_versioning(Bucket=args['bucket'])['Status'],
          s3.get_public_access_block(Bucket=args['bucket'])['PublicAccessBlockConfiguration']]";
    let seen = boto(&server, &store, script).await;
    assert_eq!(seen[0], json!({ "SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key }));
    assert_eq!((&seen[1], &seen[2]), (&json!(true), &json!("Enabled")));
    assert!(seen[3].as_object().unwrap().values().all(|on| *on == json!(true)), "{seen}");
    for wrong in ["", "a b", "<key>"] {
        let wanted = Encryption::Kms { key: Some(wrong.to_owned()), bucket_key: true };
        assert_eq!(buckets(&store).set_encryption(&own, &wanted).await.unwrap_err().kind, PortErrorKind::Invalid, "{wrong:?}");
    }
    assert_eq!(buckets(&store).set_encryption(&own, &Encryption::None).await.unwrap_err().kind, PortErrorKind::Unsupported);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_open_is_told_in_words() {
    let server = S3Server::moto().await.unwrap();
    let store = new_store(server.url(), false, &json!({})).await;
    let own = buckets(&store).own().to_owned();
    let open = "
s3.put_bucket_policy(Bucket=args['bucket'], Policy=json.dumps({'Version': '2012-10-17', 'Statement': [
    {'Sid': 's', 'Effect': 'Allow', 'Principal': '*', 'Action': 's3:GetObject', 'Resource': 'arn:aws:s3:::' + args['bucket'] + '/public/*'}]}))";
    boto(&server, &store, open).await;
    let blocked = buckets(&store).public_access(&own).await.unwrap();
    assert_eq!(blocked.level, Some(PublicLevel::Closed), "{blocked:?}");
    assert!(blocked.because.iter().any(|why| why.contains("takes back")), "{blocked:?}");
    boto(&server, &store, "s3.delete_public_access_block(Bucket=args['bucket'])").await;
    let info = buckets(&store).info(&own).await.unwrap();
    assert_eq!(info.public.known().and_then(|public| public.level), Some(PublicLevel::Read), "{info:?}");
    assert_eq!(info.policy.known().unwrap(), &[format!("everyone may read files in {own}/public/*")]);
    assert_eq!(info.versioning.known(), Some(&Versioning::Off));
    boto(&server, &store, "s3.put_bucket_acl(Bucket=args['bucket'], ACL='public-read-write')").await;
    let wide = buckets(&store).public_access(&own).await.unwrap();
    assert!(matches!(wide.level, Some(PublicLevel::List | PublicLevel::Write)), "{wide:?}");
    let error = buckets(&store).access(&own).await.unwrap_err();
    assert!(error.kind == PortErrorKind::Unsupported && error.message.contains("links that expire"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn deletions_of_others_are_taken_back() {
    let server = S3Server::moto().await.unwrap();
    let store = new_store(server.url(), true, &json!({})).await;
    let written = store.write(file("dir/a b+c%20.txt", None), stream(&pattern(9))).await.unwrap();
    let twice = "
for _ in range(2): s3.delete_object(Bucket=args['bucket'], Key='dir/a b+c%20.txt')
result = len(s3.list_object_versions(Bucket=args['bucket'])['DeleteMarkers'])";
    assert_eq!(boto(&server, &store, twice).await, 2);
    assert_eq!(store.versions("dir/a b+c%20.txt").await.unwrap().len(), 3);
    let back = store.restore("dir/a b+c%20.txt", None).await.unwrap();
    assert_eq!(back.version, written.version);
    let seen = "
all = s3.list_object_versions(Bucket=args['bucket'])
result = [len(all['Versions']), len(all.get('DeleteMarkers', [])), s3.head_object(Bucket=args['bucket'], Key='dir/a b+c%20.txt')['ContentLength']]";
    assert_eq!(boto(&server, &store, seen).await, json!([1, 0, 9]));
    let tags = BTreeMap::from([("project".to_owned(), "bell/hop".to_owned())]);
    store.set_tags("dir/a b+c%20.txt", &tags).await.unwrap();
    let seen = "result = s3.get_object_tagging(Bucket=args['bucket'], Key='dir/a b+c%20.txt')['TagSet']";
    assert_eq!(boto(&server, &store, seen).await, json!([{ "Key": "project", "Value": "bell/hop" }]));
}

#[tokio::test(flavor = "multi_thread")]
async fn long_histories_and_odd_keys_are_listed() {
    let server = S3Server::moto().await.unwrap();
    let store = new_store(server.url(), true, &json!({})).await;
    let many = "
for n in range(1050): s3.put_object(Bucket=args['bucket'], Key='f', Body=b'x' * (n % 7))
for key in ['f2', 'folder/', 'a\\u0001b', 'x+y z%41', 'e\\u0301', '\\u00e9', 'n' * 1024]: s3.put_object(Bucket=args['bucket'], Key=key, Body=b'1')";
    boto(&server, &store, many).await;
    let versions = store.versions("f").await.unwrap();
    assert_eq!(versions.len(), 1050);
    assert_eq!(versions.iter().map(|version| version.size).take(3).collect::<Vec<_>>(), [1049 % 7, 1048 % 7, 1047 % 7]);
    assert!(versions[0].current && versions[1..].iter().all(|version| !version.current));
    // Some keys are no names, and one can't even be written in XML; both ways of writing an accent are two names.
    let names: Vec<String> = FileStore::list(&store, "", None, 100).await.unwrap().files.into_iter().map(|file| file.name).collect();
    assert_eq!(names, ["e\u{301}", "f", "f2", &"n".repeat(1024), "x+y z%41", "\u{e9}"]);
    for name in &names {
        assert_eq!(store.head(name, None).await.unwrap().name, *name);
    }
    // The bucket isn't empty, and what is said of it names what is in it.
    let error = buckets(&store).delete(buckets(&store).own()).await.unwrap_err();
    assert!(error.kind == PortErrorKind::Conflict && error.message.contains("8 files are in it"), "{error}");
}
