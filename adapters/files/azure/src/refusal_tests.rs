//! Every kind of refusal in the port's words, and what is tried again.

use crate::fixture::{ACCOUNT, Fail, Fixture, Inside};
use crate::{AzureConfig, AzureStore};
use bellhop_core::ports::{FileStore as _, NewFile};
use bellhop_core::{PortError, PortErrorKind as Kind, Retry};
use bellhop_kit::clock::StoppedClock;
use bellhop_kit::conformance::files::chunks;
use bellhop_kit::wait;
use bytes::Bytes;
use serde_json::{Value, json};
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// By then late blocks are looked for the last time.
const LATE: Duration = Duration::from_secs(30);
const SAS: &str = "sv=2024-11-04&sp=rwl&se=2030-01-01T00%3A00%3A00Z&sig=c2VjcmV0";

fn store_at(endpoint: &str, credential: &Value) -> AzureStore {
    let mut config = json!({ "container": "files", "account": ACCOUNT, "endpoint": endpoint });
    config.as_object_mut().unwrap().extend(credential.as_object().unwrap().clone());
    let config: AzureConfig = serde_json::from_value(config).unwrap();
    let mut store = AzureStore::new("az".into(), config, Arc::new(StoppedClock::default())).unwrap();
    Arc::get_mut(&mut store.account).unwrap().answer = Some(Duration::from_millis(300));
    store
}

fn store_of(fixture: &Fixture) -> AzureStore {
    store_at(&format!("{}/{ACCOUNT}", fixture.origin), &json!({ "account_key": "a2V5" }))
}

async fn write(store: &AzureStore, name: &str) -> Result<(), PortError> {
    let file = NewFile::new(name.to_owned(), "text/plain".to_owned(), None);
    store.write(file, chunks(vec![Ok(Bytes::from_static(b"x"))])).await.map(drop)
}

fn fail(of: (&'static str, &'static str), status: u16, code: &'static str) -> Fail {
    Fail { of, status, code, body: "", headers: Vec::new() }
}

#[tokio::test]
async fn refusals_say_what_to_do() {
    let fixture = Fixture::start(Inside::default()).await;
    let store = store_of(&fixture);
    // By HEAD, so that there is nothing but the header.
    for (status, code, kind, why) in [
        (404, "BlobNotFound", Kind::NotFound, "there is no file `f`"),
        (404, "", Kind::NotFound, "there is no file `f`"),
        (404, "ContainerNotFound", Kind::Invalid, "there is no container files"),
        (403, "AuthenticationFailed", Kind::Unauthenticated, "`account_key` in [files.az]"),
        (403, "", Kind::Unauthenticated, "`account_key` in [files.az]"),
        (401, "NoAuthenticationInformation", Kind::Unauthenticated, "clock"),
        (403, "AuthorizationPermissionMismatch", Kind::Denied, "networking"),
        (403, "KeyBasedAuthenticationNotPermitted", Kind::Denied, "use `entra`"),
        (403, "AccountIsDisabled", Kind::Denied, "disabled"),
        (409, "BlobUsesCustomerSpecifiedEncryption", Kind::Denied, "[files.az.keys]"),
        (409, "BlobArchived", Kind::Conflict, "archive tier"),
        (412, "LeaseIdMissing", Kind::Conflict, "holds a lease"),
        (409, "SomethingNew", Kind::Conflict, "(SomethingNew)"),
        (400, "UnsupportedHeader", Kind::Unsupported, "can't do that"),
        (501, "", Kind::Unsupported, "can't do that"),
        (302, "", Kind::Broken, "check `endpoint`"),
        (400, "", Kind::Invalid, "status 400"),
    ] {
        fixture.state().fails.push_back(fail(("HEAD", "/f"), status, code));
        let error = store.head("f", None).await.unwrap_err();
        assert!(error.kind == kind && error.message.contains(why) && !error.maybe_done, "{code}: {error:?}");
    }
    for (status, code, kind, why, maybe_done) in [
        (409, "BlobImmutableDueToPolicy", Kind::Denied, "immutability policy", false),
        (413, "RequestBodyTooLarge", Kind::TooLarge, "larger than Azure takes", false),
        (409, "PendingCopyOperation", Kind::Conflict, "being copied", false),
        (409, "InvalidBlobType", Kind::Conflict, "append blob", false),
        (500, "InternalError", Kind::Unavailable, "(InternalError)", true),
        (500, "OperationTimedOut", Kind::TimedOut, "in time", true),
    ] {
        let said = "<Error><Code>x</Code><Message>In words.\nRequestId:1</Message></Error>";
        fixture.state().fails.push_back(Fail { body: said, ..fail(("PUT", "/f"), status, code) });
        let error = write(&store, "f").await.unwrap_err();
        assert!(error.kind == kind && error.message.contains(why) && error.maybe_done == maybe_done, "{code}: {error:?}");
        assert!(!error.message.contains("RequestId"), "{error}");
    }
    let skewed = "<?xml version=\"1.0\"?><Error><Code>AuthenticationFailed</Code><Message>Server failed to authenticate the request.</Message>\
                  <AuthenticationErrorDetail>Request date header too old: 'Sun, 22 Nov 2026 00:00:00 GMT'</AuthenticationErrorDetail></Error>";
    fixture.state().fails.push_back(Fail { body: skewed, ..fail(("GET", "comp=list"), 403, "AuthenticationFailed") });
    let error = store.list("", None, 1).await.unwrap_err();
    assert!(error.message.contains("clock of this machine"), "{error}");
}

/// What the bad days look like, at every verb: told, and nothing half-done under the name.
#[tokio::test]
async fn bad_days_are_told_at_every_verb() {
    let fixture = Fixture::start(Inside::default()).await;
    let keyed = store_of(&fixture);
    let signed = store_at(&format!("{}/{ACCOUNT}", fixture.origin), &json!({ "sas": SAS }));
    write(&keyed, "f").await.unwrap();
    let expired = "<?xml version=\"1.0\"?><Error><Code>AuthenticationFailed</Code><Message>Server failed to authenticate the request.\nRequestId:1</Message>\
                   <AuthenticationErrorDetail>Signed expiry time [Sun, 01 Nov 2026 00:00:00 GMT] must be after signed start time, and the signature is not within its time frame</AuthenticationErrorDetail></Error>";
    let skewed = "<?xml version=\"1.0\"?><Error><Code>AuthenticationFailed</Code><Message>Server failed to authenticate the request.</Message>\
                  <AuthenticationErrorDetail>Request date header too old: 'Sun, 22 Nov 2026 00:00:00 GMT'</AuthenticationErrorDetail></Error>";
    for (store, status, code, body, kind, why, retry) in [
        (&keyed, 403, "AuthenticationFailed", "", Kind::Unauthenticated, "`account_key` in [files.az]", Retry::No),
        (&signed, 403, "AuthenticationFailed", expired, Kind::Unauthenticated, "has expired or isn't valid yet", Retry::No),
        (&keyed, 403, "AuthenticationFailed", skewed, Kind::Unauthenticated, "clock of this machine", Retry::No),
        (&keyed, 404, "ContainerNotFound", "", Kind::Invalid, "check `container` in [files.az], or create it", Retry::No),
        (&keyed, 409, "ContainerBeingDeleted", "", Kind::Conflict, "wait 30 s", Retry::After(Duration::from_secs(30))),
        (&signed, 403, "AuthorizationPermissionMismatch", "", Kind::Denied, "it needs", Retry::No),
        (&keyed, 507, "", "", Kind::Full, "is full", Retry::Backoff),
    ] {
        let once = |method: &'static str, part: &'static str| {
            fixture.state().fails.push_back(Fail { body: if method == "HEAD" { "" } else { body }, ..fail((method, part), status, code) });
        };
        let mut errors = Vec::new();
        once("PUT", "/new");
        errors.push(write(store, "new").await.unwrap_err());
        once("GET", "comp=list");
        errors.push(store.list("", None, 9).await.unwrap_err());
        once("DELETE", "/f");
        errors.push(store.delete("f").await.unwrap_err());
        once("GET", "/f");
        errors.push(store.read("f", None, None).await.map(drop).unwrap_err());
        if body.is_empty() {
            // All that there is, is the code in a header.
            once("HEAD", "/f");
            errors.push(store.head("f", None).await.unwrap_err());
            once("HEAD", "/f");
            errors.push(store.copy("f", "new").await.unwrap_err());
        }
        for error in errors {
            assert!(error.kind == kind && error.message.contains(why) && error.retry == retry, "{code}: {error:?}");
            assert!(!error.message.contains("RequestId") && !error.message.contains("c2VjcmV0"), "{error}");
        }
        assert_eq!(keyed.head("new", None).await.unwrap_err().kind, Kind::NotFound, "{code}");
        assert_eq!(keyed.head("f", None).await.unwrap().size, 1, "{code}");
        assert!(fixture.state().fails.is_empty(), "{code}");
    }
}

/// Files that are still written, or cut off, while they are read; whole ones in one request and in blocks.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_grows_or_shrinks_leaves_nothing() {
    let fixture = Fixture::start(Inside::default()).await;
    let store = store_of(&fixture);
    write(&store, "f").await.unwrap();
    let large = 20 << 20;
    for (announced, came) in [(5, 6), (5, 4), (0, 1), (large, large + 1), (large, large - 1), (9 << 20, 1 << 20)] {
        let pieces = |mut left: usize| {
            let mut all = Vec::new();
            while left > 0 {
                let size = left.min(1 << 20);
                all.push(Ok(Bytes::from(vec![b'x'; size])));
                left -= size;
            }
            chunks(all)
        };
        for name in ["f", "new"] {
            let file = NewFile::new(name, "text/plain", Some(announced as u64));
            let error = store.write(file, pieces(came)).await.unwrap_err();
            assert!(error.kind == Kind::Invalid && error.message.contains("announced with"), "{announced} {came}: {error}");
        }
        assert_eq!(store.head("f", None).await.unwrap().size, 1);
        assert_eq!(store.head("new", None).await.unwrap_err().kind, Kind::NotFound);
        // What waits of it is a byte for each block, which can't be seen.
        let waiting = || fixture.state().blocks.values().flatten().map(|(_, bytes, _)| bytes.len()).sum::<usize>();
        wait::until(LATE, "what came late to be cleared away, too", async || (waiting() <= 12).then_some(())).await;
        fixture.state().blocks.clear();
    }
    assert!(fixture.state().blobs.keys().all(|name| name == "f"));
}

#[tokio::test]
async fn what_may_be_tried_again_is() {
    let fixture = Fixture::start(Inside::default()).await;
    let store = store_of(&fixture);
    write(&store, "f").await.unwrap();
    let busy = |of, after: Option<&str>| {
        let headers = after.map(|seconds| ("retry-after", seconds.to_owned())).into_iter().collect();
        Fail { headers, ..fail(of, 503, "ServerBusy") }
    };
    // A read, after anything that passes; a write, after having been turned away.
    let two = [busy(("HEAD", "/f"), None), fail(("HEAD", "/f"), 500, "InternalError")];
    fixture.state().fails.extend(two);
    store.head("f", None).await.unwrap();
    fixture.state().fails.push_back(busy(("PUT", "/f"), Some("1")));
    write(&store, "f").await.unwrap();
    // Nobody waits for an hour.
    fixture.state().fails.push_back(busy(("HEAD", "/f"), Some("3600")));
    let error = store.head("f", None).await.unwrap_err();
    assert_eq!((error.kind, error.retry), (Kind::RateLimited, Retry::After(Duration::from_hours(1))));
    let before = fixture.count("HEAD", "/f");
    fixture.state().fails.extend((0..3).map(|_| fail(("HEAD", "/f"), 500, "InternalError")));
    assert_eq!(store.head("f", None).await.unwrap_err().kind, Kind::Unavailable);
    assert_eq!(fixture.count("HEAD", "/f"), before + 3);
    // What deletes is looked for.
    fixture.state().fails.push_back(fail(("DELETE", "/f"), 500, "InternalError"));
    assert!(store.delete("f").await.unwrap_err().maybe_done);
    fixture.state().blobs.clear();
    fixture.state().fails.push_back(fail(("DELETE", "/f"), 500, "InternalError"));
    store.delete("f").await.unwrap();
    let garbage = Fail { body: "<html>no", ..fail(("GET", "comp=list"), 200, "") };
    fixture.state().fails.push_back(garbage);
    assert_eq!(store.list("", None, 1).await.unwrap_err().kind, Kind::Broken);
}

#[tokio::test]
async fn types_that_no_header_takes_are_refused_before() {
    let fixture = Fixture::start(Inside::default()).await;
    let store = store_of(&fixture);
    for content_type in ["text/ü", "a\r\nx-ms-legal-hold: true", &"x".repeat(300)] {
        let file = NewFile::new("f".to_owned(), content_type.to_owned(), Some(1));
        let error = store.write(file.clone(), chunks(vec![Ok(Bytes::from_static(b"x"))])).await.unwrap_err();
        assert!(error.kind == Kind::Invalid && error.message.contains("a file's type"), "{error}");
        assert_eq!(store.parts().unwrap().begin(&file).await.unwrap_err().kind, Kind::Invalid);
    }
    assert!(fixture.state().asked.is_empty());
}

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_secret_is_shown_or_logged() {
    let log = Log::default();
    let sink = log.clone();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || sink.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let fixture = Fixture::start(Inside::default()).await;
    let endpoint = format!("{}/{ACCOUNT}", fixture.origin);
    let signed = store_at(&endpoint, &json!({ "sas": SAS }));
    write(&signed, "f").await.unwrap();
    signed.copy("f", "g").await.unwrap();
    assert_eq!(signed.share("f", None, 60).await.unwrap(), None);
    assert!(fixture.state().asked.iter().all(|(_, uri, _)| uri.contains("sig=c2VjcmV0")));
    let mut errors = Vec::new();
    let keyed =
        store_at(&endpoint, &json!({ "account_key": "aHVzaC1odXNo", "encryption_key": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=" }));
    write(&keyed, "h").await.unwrap();
    for store in [&signed, &keyed] {
        fixture.state().fails.push_back(fail(("HEAD", "/f"), 403, "AuthenticationFailed"));
        errors.push(store.head("f", None).await.unwrap_err());
    }
    // Where nothing listens, and where nothing is answered.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nowhere = format!("http://{}/{ACCOUNT}", silent.local_addr().unwrap());
    errors.push(store_at(&nowhere, &json!({ "sas": SAS })).head("f", None).await.unwrap_err());
    assert_eq!(errors.last().unwrap().kind, Kind::TimedOut);
    drop(silent);
    errors.push(store_at(&nowhere, &json!({ "sas": SAS })).head("f", None).await.unwrap_err());
    assert_eq!(errors.last().unwrap().kind, Kind::Unavailable);
    let logged = String::from_utf8_lossy(&log.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned();
    assert!(logged.contains("azure_core") || logged.contains("typespec"), "the SDK logged nothing, so this tries nothing: {logged}");
    let shown = format!("{errors:?} {signed:?} {logged}", signed = signed.account.config);
    for secret in ["c2VjcmV0", "aHVzaC1odXNo", "MDEyMzQ1Njc4", "SharedKey acme:"] {
        assert!(!shown.contains(secret), "{secret} is shown: {}", shown.lines().find(|line| line.contains(secret)).unwrap_or_default());
    }
}
