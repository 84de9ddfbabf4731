//! Sentences on finding and changing channels.

use super::Subject;
use crate::conformance::{Outcome, Verdict, done, ensure, refuses, same};
use bellhop_core::PortErrorKind;
use bellhop_core::ports::{Channel, ChannelAccess, Channels};

/// The platform's channels, or the end of the case where it doesn't let a bot change any.
macro_rules! channels {
    ($subject:expr) => {
        match $subject.platform.channels() {
            Some(channels) => channels,
            None => return Ok(Outcome::NotOffered("the platform lets no bot change channels")),
        }
    };
}

/// Says of a thing that a platform may not let a bot do that it did it twice, or that it refused clearly.
macro_rules! twice_or_not_at_all {
    ($first:expr, $second:expr, $what:literal) => {
        match $first.await {
            Err(error) if matches!(error.kind, PortErrorKind::Unsupported | PortErrorKind::Denied) => {
                ensure!(!error.message.is_empty() && !error.maybe_done, "the refusal says nothing, or leaves it open: {error}");
                return Ok(Outcome::NotOffered($what));
            }
            first => {
                done!(first, "for the first time");
                done!($second.await, "for the second time");
            }
        }
    };
}

/// Posts to a new channel, or is told that a person has to bring the bot into a private one first.
async fn says_hello(subject: &Subject, name: &str, made: &Channel) -> Result<(), String> {
    let mut post = subject.post(name, bellhop_core::Card::text("hello"));
    post.to = made.address.clone();
    match subject.platform.deliver(&post).await {
        Err(error) if made.private && error.kind == PortErrorKind::Denied && !error.maybe_done => Ok(()),
        other => other.map(|_| ()).map_err(|error| format!("posting to {name} failed: {error}")),
    }
}

async fn named(channels: &dyn Channels, name: &str) -> Result<Vec<Channel>, String> {
    let list = channels.list().await.map_err(|error| format!("listing failed: {error}"))?;
    Ok(list.into_iter().filter(|channel| channel.name == name).collect())
}

pub(super) async fn locate(subject: &Subject) -> Verdict {
    let (platform, own) = (&subject.platform, &subject.channel);
    for name in [subject.channel_name.as_str(), own.channel.as_str()] {
        for workspace in [None, Some(own.workspace.as_str())] {
            let found = done!(platform.locate(workspace, name, false).await, "locating {name:?} in {workspace:?}");
            same!(found.as_ref(), Some(own), "the channel {name:?} in {workspace:?}");
        }
    }
    let direct = done!(platform.locate(None, &subject.person_name, true).await, "locating a person");
    let Some(direct) = direct else {
        return Err(format!("there is no conversation with {:?}", subject.person_name));
    };
    ensure!(direct != *own, "the conversation with a person is the channel");
    let mut post = subject.post("direct", bellhop_core::Card::text("for you alone"));
    post.to = direct.clone();
    done!(platform.deliver(&post).await, "posting to a person");
    let seen = (subject.observe)(direct, subject.person.clone()).await;
    ensure!(seen.iter().any(|message| message.text.contains("for you alone")), "the person doesn't see it");
    same!(subject.count("for you alone").await, 0, "copies in the channel");
    Ok(Outcome::Held)
}

pub(super) async fn locate_unknown(subject: &Subject) -> Verdict {
    let platform = &subject.platform;
    for (workspace, name, direct) in [
        (None, "no-such-name-0", false),
        (None, "no-such-name-0", true),
        (None, "", false),
        (None, "%", false),
        (Some("no-such-workspace-0"), subject.channel_name.as_str(), false),
    ] {
        let found = done!(platform.locate(workspace, name, direct).await, "locating {name:?} in {workspace:?}");
        same!(found, None, "{name:?} in {workspace:?}");
    }
    Ok(Outcome::Held)
}

pub(super) async fn list(subject: &Subject) -> Verdict {
    let channels = channels!(subject);
    for name in ["suite-c", "suite-a", "suite-b"] {
        done!(channels.create(name, false).await, "creating {name}");
    }
    let names: Vec<String> = done!(channels.list().await, "listing").into_iter().map(|channel| channel.name).collect();
    ensure!(names.contains(&subject.channel_name), "the suite's own channel is missing: {names:?}");
    let own: Vec<&String> = names.iter().filter(|name| name.starts_with("suite-")).collect();
    same!(own, ["suite-a", "suite-b", "suite-c"], "the new ones, by name");
    Ok(Outcome::Held)
}

pub(super) async fn create(subject: &Subject) -> Verdict {
    let channels = channels!(subject);
    for (name, private) in [("suite-open", false), ("suite-closed", true)] {
        let made = done!(channels.create(name, private).await, "creating {name}");
        same!((made.name.as_str(), made.private, made.archived), (name, private, false), "the channel");
        same!(named(channels, name).await?, std::slice::from_ref(&made), "the same in the list");
        same!(done!(subject.platform.locate(None, name, false).await, "locating {name}"), Some(made.address.clone()), "its address");
        says_hello(subject, name, &made).await?;
    }
    Ok(Outcome::Held)
}

pub(super) async fn create_taken(subject: &Subject) -> Verdict {
    let channels = channels!(subject);
    done!(channels.create("suite-once", false).await, "creating");
    refuses!(channels.create("suite-once", false).await, PortErrorKind::Conflict, "creating it twice");
    refuses!(channels.create(&subject.channel_name, true).await, PortErrorKind::Conflict, "creating one that is there");
    same!(named(channels, "suite-once").await?.len(), 1, "channels of that name");
    Ok(Outcome::Held)
}

pub(super) async fn create_near(subject: &Subject) -> Verdict {
    let channels = channels!(subject);
    for (name, access) in [("suite-near", ChannelAccess::Open), ("suite-inner", ChannelAccess::Private)] {
        let made = done!(channels.create_near(&subject.channel, name, access, Some(&subject.person)).await, "creating {name}");
        same!((made.name.as_str(), made.private), (name, access == ChannelAccess::Private), "the channel");
        same!(made.address.workspace, subject.channel.workspace, "its workspace");
        says_hello(subject, name, &made).await?;
    }
    Ok(Outcome::Held)
}

pub(super) async fn create_near_taken(subject: &Subject) -> Verdict {
    let channels = channels!(subject);
    let taken = channels.create_near(&subject.channel, &subject.channel_name, ChannelAccess::Open, None).await;
    refuses!(taken, PortErrorKind::Conflict, "creating one that is there");
    match channels.create_near(&subject.channel, "suite-shared", ChannelAccess::Shared, Some(&subject.person)).await {
        Err(error) if error.kind == PortErrorKind::Unsupported => same!(named(channels, "suite-shared").await?.len(), 0, "shared channels"),
        made => same!(done!(made, "creating a shared one").name, "suite-shared", "its name"),
    }
    Ok(Outcome::Held)
}

pub(super) async fn delete(subject: &Subject) -> Verdict {
    let channels = channels!(subject);
    let made = done!(channels.create("suite-gone", false).await, "creating");
    twice_or_not_at_all!(channels.delete(&made.address), channels.delete(&made.address), "a bot can't remove channels");
    same!(named(channels, "suite-gone").await?.len(), 0, "channels of that name");
    let mut post = subject.post("late", bellhop_core::Card::text("too late"));
    post.to = made.address;
    refuses!(
        subject.platform.deliver(&post).await,
        PortErrorKind::NotFound | PortErrorKind::Denied | PortErrorKind::Invalid,
        "posting to a channel that is gone"
    );
    Ok(Outcome::Held)
}

pub(super) async fn archive(subject: &Subject) -> Verdict {
    let channels = channels!(subject);
    let made = done!(channels.create("suite-old", false).await, "creating");
    done!(channels.archive(&made.address).await, "closing");
    ensure!(named(channels, "suite-old").await?.iter().all(|channel| channel.archived), "it is still listed as open");
    let mut post = subject.post("late", bellhop_core::Card::text("too late"));
    post.to = made.address;
    let error = refuses!(
        subject.platform.deliver(&post).await,
        PortErrorKind::NotFound | PortErrorKind::Denied | PortErrorKind::Conflict | PortErrorKind::Invalid,
        "posting to a closed channel"
    );
    ensure!(!error.maybe_done, "a message that was refused is said to be perhaps posted");
    Ok(Outcome::Held)
}

pub(super) async fn archive_twice(subject: &Subject) -> Verdict {
    let channels = channels!(subject);
    let made = done!(channels.create("suite-old", false).await, "creating");
    for time in ["first", "second"] {
        done!(channels.archive(&made.address).await, "closing for the {time} time");
    }
    Ok(Outcome::Held)
}

pub(super) async fn rename(subject: &Subject) -> Verdict {
    let channels = channels!(subject);
    let made = done!(channels.create("suite-before", false).await, "creating");
    let renamed = done!(channels.rename(&made.address, "suite-after").await, "renaming");
    same!((renamed.name.as_str(), &renamed.address), ("suite-after", &made.address), "the renamed channel keeps its address");
    same!(
        (named(channels, "suite-before").await?.len(), named(channels, "suite-after").await?.len()),
        (0, 1),
        "channels of the old name and of the new"
    );
    same!(done!(subject.platform.locate(None, "suite-after", false).await, "locating"), Some(made.address), "found by the new name");
    Ok(Outcome::Held)
}

pub(super) async fn rename_taken(subject: &Subject) -> Verdict {
    let channels = channels!(subject);
    let made = done!(channels.create("suite-one", false).await, "creating");
    done!(channels.create("suite-two", false).await, "creating another");
    refuses!(channels.rename(&made.address, "suite-two").await, PortErrorKind::Conflict, "taking another's name");
    same!((named(channels, "suite-one").await?.len(), named(channels, "suite-two").await?.len()), (1, 1), "channels of both names");
    Ok(Outcome::Held)
}

pub(super) async fn topic(subject: &Subject) -> Verdict {
    let channels = channels!(subject);
    let made = done!(channels.create("suite-topic", false).await, "creating");
    for topic in ["What it is for: <b>ü</b> & more", "another"] {
        done!(channels.set_topic(&made.address, topic).await, "setting");
        same!(named(channels, "suite-topic").await?.first().map(|channel| channel.topic.as_str()), Some(topic), "the topic");
    }
    Ok(Outcome::Held)
}

pub(super) async fn invite(subject: &Subject) -> Verdict {
    let channels = channels!(subject);
    let made = done!(channels.create("suite-guests", true).await, "creating");
    done!(channels.invite(&made.address, std::slice::from_ref(&subject.person_name)).await, "inviting");
    let mut post = subject.post("guests", bellhop_core::Card::text("welcome"));
    post.to = made.address.clone();
    match subject.platform.deliver(&post).await {
        Err(error) if error.kind == PortErrorKind::Denied => {
            return Ok(Outcome::NotOffered("a person has to bring the bot into a private channel before it can say anything there"));
        }
        posted => done!(posted, "posting"),
    };
    let seen = (subject.observe)(made.address.clone(), subject.person.clone()).await;
    ensure!(seen.iter().any(|message| message.text.contains("welcome")), "the one who was invited sees nothing");
    refuses!(
        channels.invite(&made.address, &["no-such-person-0".to_owned()]).await,
        PortErrorKind::NotFound | PortErrorKind::Invalid,
        "inviting nobody"
    );
    Ok(Outcome::Held)
}

pub(super) async fn invite_twice(subject: &Subject) -> Verdict {
    let channels = channels!(subject);
    let made = done!(channels.create("suite-guests", false).await, "creating");
    for time in ["first", "second"] {
        done!(channels.invite(&made.address, std::slice::from_ref(&subject.person_name)).await, "inviting for the {time} time");
    }
    Ok(Outcome::Held)
}

pub(super) async fn unarchive(subject: &Subject) -> Verdict {
    let channels = channels!(subject);
    let made = done!(channels.create("suite-again", false).await, "creating");
    done!(channels.archive(&made.address).await, "closing");
    twice_or_not_at_all!(channels.unarchive(&made.address), channels.unarchive(&made.address), "a bot can't open closed channels");
    ensure!(named(channels, "suite-again").await?.iter().any(|channel| !channel.archived), "it is still listed as closed");
    Ok(Outcome::Held)
}

pub(super) async fn purpose(subject: &Subject) -> Verdict {
    let channels = channels!(subject);
    let made = done!(channels.create("suite-purpose", false).await, "creating");
    let at = &made.address;
    twice_or_not_at_all!(channels.set_purpose(at, "for <b> & all"), channels.set_purpose(at, "for another"), "there is a topic only");
    Ok(Outcome::Held)
}

pub(super) async fn join(subject: &Subject) -> Verdict {
    let channels = channels!(subject);
    let made = done!(channels.create("suite-joined", false).await, "creating");
    twice_or_not_at_all!(channels.join(&made.address), channels.join(&made.address), "people bring the bot in");
    Ok(Outcome::Held)
}
