//! Slash commands, mentions, direct messages, buttons.

use super::{Office, calm, hears};

#[tokio::test]
async fn a_command_is_answered_to_the_one_who_asked() {
    let office = Office::over_http(calm(), "").await;
    let (ann, bob) = (office.person("ann"), office.person("bob"));
    let taken = ann.slash("/bellhop help", "#ops").await.unwrap();
    assert!(taken.elapsed.as_millis() < 3000, "{taken:?}");
    let seen = hears(&ann, "#ops", "file").await;
    eprintln!("{}", seen.text);
    eprintln!("{:?}", seen.buttons);
    let seen = bob.hears("#ops");
    eprintln!("bob: {seen:?}");
}
