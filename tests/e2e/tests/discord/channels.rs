//! Channels: made, named, described, closed, opened, left to others; and roles that say who may do what.

use super::{Office, calm, hears, times};
use bellhop_e2e::PATIENCE;
use bellhop_kit::discord::{ChannelSpec, GuildSpec, Kind, Settings};
use bellhop_kit::wait::until;

#[tokio::test]
async fn channels_are_made_renamed_and_described() {
    let office = Office::over_http(calm(), "").await;
    let (ann, bob) = (office.person("ann"), office.person("bob"));
    ann.slash("/channel create name:incident-42", "#ops").await.unwrap();
    hears(&ann, "#ops", "#incident-42").await;
    assert!(bob.place("#incident-42").is_ok());
    ann.slash("/channel create name:incident-42", "#ops").await.unwrap();
    hears(&ann, "#ops", "There is a channel #incident-42 already").await;
    bob.slash("/channel create name:secret private:true", "#ops").await.unwrap();
    hears(&bob, "#ops", "#secret").await;
    assert!(ann.place("#secret").is_ok() && office.person("cem").place("#secret").is_err(), "only those who are let in see it");
    for (line, answer) in [
        ("/channel rename new:incident-43 in:#incident-42", "incident-43"),
        ("/channel topic text:On call: Ann in:#incident-43", "Topic set"),
        ("/channel post text:Hello there in:#general", "Posted to"),
    ] {
        ann.slash(line, "#ops").await.unwrap();
        hears(&ann, "#ops", answer).await;
    }
    assert_eq!(ann.topic("#incident-43").unwrap(), "On call: Ann");
    hears(&ann, "#general", "Hello there").await;
    assert!(!office.world.reasons().is_empty(), "the audit log of the guild says why");
    ann.slash("/channel list", "#general").await.unwrap();
    let list = hears(&ann, "#general", "incident-43").await;
    assert!(!list.text.contains("secret") && !list.text.contains("hidden"), "private ones are not for everyone: {}", list.text);
    assert_eq!(office.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_closed_channel_goes_into_the_archive_and_comes_back() {
    let office = Office::over_http(calm(), "").await;
    let (ann, cem) = (office.person("ann"), office.person("cem"));
    ann.slash("/channel archive in:#general", "#ops").await.unwrap();
    let asked = hears(&ann, "#ops", "Archive").await;
    assert!(cem.say("#general", "still open").is_ok(), "nothing is done before the answer");
    ann.click(&asked, "Yes").await.unwrap();
    hears(&ann, "#ops", "is closed").await;
    until(PATIENCE, "nobody can write there", || async { cem.say("#general", "anyone?").is_err().then_some(()) }).await;
    assert!(ann.channels().contains(&"archive".to_owned()), "{:?}", ann.channels());
    ann.slash("/channel unarchive in:#general", "#ops").await.unwrap();
    until(PATIENCE, "it is open again", || async { cem.say("#general", "here").is_ok().then_some(()) }).await;
}

#[tokio::test]
async fn a_thread_is_closed_as_threads_are() {
    let office = Office::over_gateway(calm(), "").await;
    let ann = office.person("ann");
    ann.say("#ops", "a question").unwrap();
    let root = ann.sees("#ops").pop().unwrap();
    ann.open_thread(&root, "the thread").unwrap();
    ann.slash("/channel archive", "the thread").await.unwrap();
    let asked = hears(&ann, "the thread", "Archive").await;
    ann.click(&asked, "Yes").await.unwrap();
    until(PATIENCE, "the thread is in the archive", || async {
        office.world.ledger().calls_of("PATCH /channels/{channel}").gt(&0).then_some(())
    })
    .await;
    // What is posted there opens it again.
    office.bot.said(&["channel", "post", "and yet", "--in", &format!("work/{}", ann.place("the thread").unwrap())]).await;
    hears(&ann, "the thread", "and yet").await;
}

#[tokio::test]
async fn people_are_brought_into_what_is_private() {
    let office = Office::over_http(calm(), "").await;
    let (ann, cem) = (office.person("ann"), office.person("cem"));
    assert!(cem.place("#vault").is_err());
    ann.slash("/channel invite people:@cem in:#vault", "#ops").await.unwrap();
    hears(&ann, "#ops", "Invited").await;
    assert!(cem.place("#vault").is_ok());
    ann.slash("/bellhop line:channel invite nobody-here --in #vault", "#ops").await.unwrap();
    hears(&ann, "#ops", "nobody-here").await;
}

#[tokio::test]
async fn what_a_channel_needs_is_named_where_it_is_missing() {
    let office = Office::over_http(calm(), "").await;
    let ann = office.person("ann");
    office.world.grant(bellhop_kit::discord::CHAT_OPS & !(1 << 4));
    ann.slash("/channel create name:nowhere", "#ops").await.unwrap();
    let refused = hears(&ann, "#ops", "Manage Channels").await;
    assert!(!refused.text.contains("Created"), "{refused:?}");
    assert!(!ann.channels().contains(&"nowhere".to_owned()));
}

#[tokio::test]
async fn a_role_of_the_guild_is_a_group_of_people() {
    let office = Office::knowing(calm(), "http", |world| {
        format!("[[role]]\nname = \"operator\"\nusers = [\"work:{}\"]\n", world.role("crew").unwrap())
    })
    .await;
    let (bob, ann) = (office.person("bob"), office.person("ann"));
    bob.slash("/channel create name:by-bob", "#ops").await.unwrap();
    hears(&bob, "#ops", "#by-bob").await;
    ann.slash("/channel create name:by-ann", "#ops").await.unwrap();
    hears(&ann, "#ops", "You may not use channel create").await;
    office.world.give_role(&bob, "crew", false);
    bob.slash("/channel create name:again", "#ops").await.unwrap();
    until(PATIENCE, "who is no longer in the role may no longer", || async {
        (times(&bob, "#ops", "You may not use channel create") > 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_forum_takes_what_is_posted_as_a_thread_of_its_own() {
    let mut guild = GuildSpec::new("acme");
    guild.channels.push(ChannelSpec::public("reports").of_kind(Kind::Forum));
    let office = Office::over_http(Settings { guilds: vec![guild], ..calm() }, "").await;
    let ann = office.person("ann");
    office.bot.said(&["channel", "post", "The weekly report\nis here", "--in", "work/#reports"]).await;
    let threads = until(PATIENCE, "a thread", || async { Some(ann.threads("#reports")).filter(|threads| !threads.is_empty()) }).await;
    hears(&ann, &threads[0].1, "The weekly report").await;
}
