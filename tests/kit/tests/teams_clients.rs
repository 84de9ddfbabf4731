//! The Teams world, judged by Microsoft's own SDK for bots: what it expects of Teams it gets from it.

use bellhop_kit::peers::teams::agent;
use bellhop_kit::process::Program;
use bellhop_kit::teams::{Forgery, Settings, TeamsWorld};
use bellhop_kit::wait::until;
use std::time::Duration;

const LIMIT: Duration = Duration::from_mins(1);

#[tokio::test]
async fn microsofts_bot_lives_in_this_world() {
    let world = TeamsWorld::start_with(Settings::default().unlimited()).await.unwrap();
    let mut bot = Program::start(&mut agent(&world).unwrap()).unwrap();
    let line = bot.line("listening on ", LIMIT).await.unwrap();
    let url = format!("{}/api/messages", line.split_once("listening on ").unwrap().1.trim());
    world.deliver_to(&url);
    let (ann, bob) = (world.person("ann"), world.person("bob"));
    let heard = async |place: &str, text: &str| {
        until(LIMIT, text, || async { ann.hears(place).into_iter().find(|seen| seen.text.contains(text)) }).await
    };
    let thread = ann.mention("#ops", "echo hello **there**").await.unwrap_or_else(|why| panic!("{why}: {}", bot.output()));
    let seen = heard("#ops", "hello there").await;
    assert_eq!(seen.thread, Some(thread), "{}", bot.output());
    ann.mention("#ops", "change something else").await.unwrap();
    assert!(heard("#ops", "something else").await.edited);
    ann.mention("#ops", "remove").await.unwrap();
    assert_eq!(bob.hears("#ops"), []);
    ann.dm("card Status").await.unwrap();
    let card = heard("@bellhop", "Status").await;
    assert_eq!(ann.click(&card, "Press").await.unwrap().told.as_deref(), Some("pressed 1"));
    // It refuses the coarse forgeries; what it lets pass is its own affair.
    let activity = world.activity("message", &ann, "@bellhop");
    for forgery in [
        Forgery::Missing,
        Forgery::Audience,
        Forgery::OtherKey,
        Forgery::UnknownKey,
        Forgery::Unsigned,
        Forgery::Expired(600),
        Forgery::Changed,
    ] {
        let status = world.send(&url, &activity, &forgery).await.unwrap().status;
        assert!(status == 401 || status == 403, "{forgery:?}: {status}\n{}", bot.output());
    }
    // The keys change while it runs.
    world.rotate_keys();
    ann.dm("echo after the keys changed").await.unwrap();
    heard("@bellhop", "after the keys changed").await;
    assert_eq!(world.ledger().wrongs(), Vec::<String>::new());
    assert_eq!(world.ledger().failures, Vec::<String>::new());
}
