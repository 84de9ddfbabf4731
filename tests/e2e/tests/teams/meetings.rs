//! Meetings in people's calendars.

use super::{Office, calm, hears};
use bellhop_e2e::PATIENCE;
use bellhop_kit::teams::{Settings, TeamsWorld};
use bellhop_kit::wait::until;

/// Everyone may make meetings.
fn makers(world: &TeamsWorld) -> String {
    let users: Vec<String> = ["ann", "bob", "cem"].iter().map(|name| format!("work:{}", world.person(name).object)).collect();
    format!("[[role]]\nname = \"operator\"\nusers = {users:?}\n")
}

#[tokio::test]
async fn a_meeting_is_in_the_calendar_with_its_guests_and_its_link_where_it_was_asked_for() {
    for link_later in [false, true] {
        let office = Office::knowing(Settings { link_later, ..calm() }, makers).await;
        let (ann, bob) = (office.person("ann"), office.person("bob"));
        ann.mention("#ops", "meet create \"Standup\" --at \"tomorrow 09:00\" --for 45m --with @bob").await.unwrap();
        let seen = hears(&bob, "#ops", "Standup").await;
        let calendar = office.world.calendar();
        let [(whose, event, Some(join), false)] = calendar.as_slice() else { panic!("{calendar:?}") };
        assert_eq!((whose.as_str(), event["subject"].as_str()), ("ann", Some("Standup")));
        assert!(event["attendees"].to_string().contains("bob@acme.example"), "{event}");
        // Nine o'clock in Berlin, where ann is.
        assert!(event["start"].to_string().contains("08:00:00") || event["start"].to_string().contains("Berlin"), "{event}");
        until(PATIENCE, "the link", || async { bob.hears("#ops").into_iter().find(|seen| seen.links.contains(join)) }).await;
        ann.dm("meet list").await.unwrap();
        let listed = hears(&ann, "@bellhop", "Standup").await;
        assert!(listed.text.contains("Standup"));
        let button = seen.buttons.iter().find(|label| label.to_lowercase().contains("cancel"));
        if let Some(button) = button {
            ann.click(&seen, button).await.unwrap();
            let asked = |seen: &bellhop_kit::teams::Seen| seen.buttons.iter().any(|label| label.starts_with("Yes"));
            let asks =
                until(PATIENCE, "the question", || async { ["#ops", "@bellhop"].iter().flat_map(|place| ann.hears(place)).find(asked) })
                    .await;
            ann.click(&asks, "Yes").await.unwrap();
            until(PATIENCE, "the cancelled event", || async { office.world.calendar()[0].3.then_some(()) }).await;
        }
        office.proper();
    }
}

#[tokio::test]
async fn what_stands_in_the_way_of_a_meeting_is_said() {
    let office = Office::knowing(calm().without("Calendars.ReadWrite"), makers).await;
    let ann = office.person("ann");
    ann.dm("meet create Standup --at \"tomorrow 09:00\"").await.unwrap();
    hears(&ann, "@bellhop", "Calendars.ReadWrite").await;

    let office = Office::knowing(calm(), makers).await;
    let cem = office.person("cem");
    cem.dm("meet create Standup --at \"tomorrow 09:00\"").await.unwrap();
    let told = hears(&cem, "@bellhop", "mailbox").await;
    assert!(told.text.contains("calendar"), "{}", told.text);
    cem.dm("meet create Standup --at yesteryear").await.unwrap();
    hears(&cem, "@bellhop", "yesteryear").await;
    assert_eq!(office.world.calendar(), []);
}

#[tokio::test]
async fn online_meetings_need_a_policy_and_say_so() {
    let office = Office::knowing(calm(), |world| "meetings = \"online\"\n".to_owned() + &makers(world)).await;
    let ann = office.person("ann");
    ann.dm("meet create Standup --at \"tomorrow 09:00\"").await.unwrap();
    hears(&ann, "@bellhop", "New-CsApplicationAccessPolicy").await;
    office.world.access_policy(true);
    ann.dm("meet create Retro --at \"tomorrow 10:00\"").await.unwrap();
    let seen = until(PATIENCE, "the link", || async {
        ann.hears("@bellhop").into_iter().find(|seen| seen.links.iter().any(|link| link.contains("meetup-join")))
    })
    .await;
    let meetings = office.world.meetings();
    assert!(meetings.len() == 1 && seen.links.contains(&meetings[0].2), "{meetings:?}");
    assert_eq!(office.world.calendar(), []);
}
