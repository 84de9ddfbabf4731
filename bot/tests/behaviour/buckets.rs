//! A change of a bucket that would lose something is asked for, although only running it shows that it would.

use crate::bot::Bot;
use crate::double::Double;
use crate::links::{ADMIN, answer, button};
use axum::extract::State;
use axum::http::{Method, Uri};
use bellhop_core::Capabilities;
use bellhop_core::ports::Said;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use tokio::task::JoinSet;

const RULES: &str = "<LifecycleConfiguration><Rule><ID>bellhop-expire</ID><Filter><Prefix></Prefix></Filter><Status>Enabled</Status>\
    <Expiration><Days>10</Days></Expiration></Rule></LifecycleConfiguration>";

/// Enough of a storage service for one bucket: it has every file that is asked for, and one lifecycle rule whatever is set.
pub struct Service {
    endpoint: String,
    /// What was asked to be changed.
    puts: Arc<Mutex<Vec<String>>>,
    _serving: JoinSet<()>,
}

async fn there(
    State(puts): State<Arc<Mutex<Vec<String>>>>,
    method: Method,
    uri: Uri,
    body: String,
) -> ([(&'static str, &'static str); 3], String) {
    let query = uri.query().unwrap_or_default();
    let body = match () {
        () if method == Method::PUT => {
            puts.lock().unwrap().push(body);
            String::new()
        }
        () if query.contains("lifecycle") => RULES.to_owned(),
        () if query.contains("versioning") => "<VersioningConfiguration/>".to_owned(),
        () => "one".to_owned(),
    };
    ([("last-modified", "Mon, 23 Nov 2026 10:00:00 GMT"), ("etag", "\"1\""), ("content-type", "text/plain")], body)
}

impl Service {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let puts = Arc::default();
        let routes = axum::Router::new().fallback(there).with_state(Arc::clone(&puts));
        let mut serving = JoinSet::new();
        serving.spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { endpoint, puts, _serving: serving }
    }

    /// The store's section of the configuration.
    pub fn section(&self) -> String {
        let mut section = "[files.cloud]\nkind = \"s3\"\nbucket = \"team-files\"\nregion = \"eu-central-1\"\n".to_owned();
        let keys = "access_key_id = \"AKIDEXAMPLE\"\nsecret_access_key = \"wJalrXUtnFEMI\"";
        let _ = writeln!(section, "endpoint = \"{}\"\n{keys}", self.endpoint);
        section
    }

    fn puts(&self) -> usize {
        self.puts.lock().unwrap().len()
    }
}

#[tokio::test]
async fn a_rule_in_the_place_of_another_is_asked_for_and_a_rule_more_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let chat = Double::new("work", Capabilities::default());
    let service = Service::start().await;
    let bot = Bot::start(folder.path(), &format!("{ADMIN}{}", service.section()), &[&chat]).await;
    bot.hear("general", Said::Line("bucket lifecycle team-files set --expire 30d --prefix logs/".into())).await;
    answer(&chat, "The rule bellhop-expire-logs/ holds").await;
    assert_eq!(service.puts(), 1);
    bot.hear("general", Said::Line("bucket lifecycle team-files set --expire 20d".into())).await;
    let asked = answer(&chat, "It takes the place of: every file: expire after 10 days").await;
    assert_eq!(service.puts(), 1, "nothing is changed before it is confirmed");
    bot.hear("general", button(&asked, "Yes, bucket lifecycle")).await;
    answer(&chat, "The rule bellhop-expire holds").await;
    assert_eq!(service.puts(), 2);
    // Confirmed beforehand it is done at once.
    bot.hear("general", Said::Line("bucket lifecycle team-files set --expire 21d --yes".into())).await;
    bot.quiet().await;
    bellhop_kit::wait::until(crate::bot::SOON, "the third change", async || (service.puts() == 3).then_some(())).await;
    assert!(service.puts.lock().unwrap()[2].contains("<Days>21</Days>"));
    bot.stop().await;
}
