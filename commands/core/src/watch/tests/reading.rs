//! Conditions as people write them.

use super::condition;
use crate::analytics::{Comparison, Measure};
use crate::watch::{Base, Condition, Hold, Middle, Misread, Op, Per, Sensitivity, Side, Test, continuations};

fn misread(text: &str) -> Misread {
    match text.parse::<Condition>() {
        Ok(read) => panic!("{text}: {read:?}"),
        Err(error) => error,
    }
}

#[test]
fn the_condition_of_the_face() {
    let read = condition("events.signups < 80% of same weekday median for 2 checks");
    assert_eq!(read.source.as_ref().unwrap().as_str(), "events");
    assert_eq!((read.metric.as_str(), &read.measure, read.per, read.hold), ("signups", &Measure::Count, Per::Day, Hold::Checks(2)));
    assert_eq!(read.test, Test::Against { op: Op::Less, percent: 80.0, base: Base::SameWeekday(Middle::Median, 8) });
    assert_eq!(read.to_string(), "events.signups < 80% of same weekday median over 8 weeks per day for 2 checks");
    assert_eq!(
        read.sentence(),
        "Fires when signups in the last finished day is below 80 % of the median of the same weekday in the 8 weeks before, found by 2 checks in a row."
    );
}

#[test]
fn all_kinds_are_read_and_written() {
    for (text, written) in [
        ("signups > 100", "signups > 100 per hour"),
        ("events.signups<1.5k", "events.signups < 1500 per hour"),
        ("events.signups is at least 2M per day", "events.signups >= 2000000 per day"),
        ("events.refunds below -3", "events.refunds < -3 per hour"),
        ("EVENTS.a UNDER 1 PER DAY FOR 3 CHECKS", "EVENTS.a < 1 per day for 3 checks"),
        ("events.a > 1 for 3 days", "events.a > 1 per day for 3 days"),
        ("events.a > 1 for 3 hours", "events.a > 1 per hour for 3 hours"),
        ("users of events.page_views > 5", "users of events.page_views > 5 per hour"),
        ("users > 5", "users > 5 per hour"),
        ("people of users > 5", "users of users > 5 per hour"),
        ("sum of revenue of events.purchase < 1,000 per day", "sum of revenue of events.purchase < 1000 per day"),
        ("average of 'load time' of web.view > 2.5", "average of 'load time' of web.view > 2.5 per hour"),
        ("events.'Sign Up' > 1", "events.'Sign Up' > 1 per hour"),
        ("'checkout.done' > 1", "'checkout.done' > 1 per hour"),
        ("events.a by country > 1", "events.a by country > 1 per hour"),
        ("events.a where country=DE and plan? > 1", "events.a where country=DE and plan? > 1 per hour"),
        ("events.a > 1 where country='United States'", "events.a where 'country=United States' > 1 per hour"),
        ("events.a where amount>=10 > 5", "events.a where amount>=10 > 5 per hour"),
        ("events.a < 80 % of yesterday", "events.a < 80% of previous day per day"),
        ("events.a < 80% of the last week", "events.a < 80% of previous week per day"),
        ("events.a > 150% of previous hour", "events.a > 150% of previous hour per hour"),
        ("events.a < 50% of same hour average over 4 weeks", "events.a < 50% of same hour average over 4 weeks per hour"),
        ("events.a < 50% of same weekday median per hour", "events.a < 50% of same weekday median over 8 weeks per hour"),
        ("events.a drops by 20% against yesterday", "events.a drops by 20% against previous day per day"),
        ("events.a rises by 12.5% vs previous week per hour", "events.a rises by 12.5% against previous week per hour"),
        ("events.a no data for 2h", "events.a no data for 2h per hour"),
        ("events.a no data for 2 days", "events.a no data for 2d per day"),
        ("events.a no data for 2d per hour", "events.a no data for 48h per hour"),
        ("events.a absent", "events.a no data for 1h per hour"),
        ("events.a is absent per day", "events.a no data for 1d per day"),
        ("events.a anomaly", "events.a anomaly sensitivity normal over 8 weeks per hour"),
        (
            "events.a anomaly low over 6 weeks sensitivity high per day for 2 checks",
            "events.a anomaly low sensitivity high over 6 weeks per day for 2 checks",
        ),
    ] {
        let read = condition(text);
        assert_eq!(read.to_string(), written, "{text}");
        assert_eq!(condition(written), read, "{text}");
        let json = serde_json::to_string(&read).unwrap();
        assert_eq!(serde_json::from_str::<Condition>(&json).unwrap(), read);
        assert!(read.sentence().starts_with("Fires when "), "{}", read.sentence());
    }
    let read = condition("events.a where country!=DE anomaly high");
    assert_eq!(read.filters[0].op, Comparison::IsNot);
    assert_eq!(read.test, Test::Anomaly { side: Side::High, sensitivity: Sensitivity::Normal, weeks: 8 });
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    for (text, at, said) in [
        ("", 0, "a metric is expected here"),
        ("events.", 7, "the metric of `events` is missing"),
        ("events.signups", 14, "write what is tested"),
        ("events.signups <", 16, "a number is expected here"),
        ("events.signups < many", 17, "a number is expected here"),
        ("events.signups = 3", 15, "hardly ever equal"),
        ("events.signups < 80% of", 23, "`yesterday`, `previous`, `last` or `same` is expected here"),
        ("events.signups < 80% of same weekday mediam", 37, "did you mean `median`?"),
        ("events.signups < 80% same weekday median", 21, "`of` is expected here"),
        ("events.signups dorps by 20% against yesterday", 15, "did you mean `drops`?"),
        ("events.signups drops by 20 against yesterday", 24, "a part of what was before"),
        ("events.signups drops by 0% against yesterday", 24, "more than nothing"),
        ("events.signups no data for 90m", 27, "whole hours"),
        ("events.signups no data for 0h", 27, "whole hours"),
        ("events.signups no data for 2", 28, "is expected here"),
        ("events.signups no data for 99 days", 27, "it may be 1 hour to 60 days"),
        ("events.signups < 5 for 2 cheks", 25, "did you mean `checks`?"),
        ("events.signups < 5 for 0 checks", 23, "it may be 1 to 100"),
        ("events.signups < 5 per dya", 23, "did you mean `day`?"),
        ("events.signups < 5 per day per hour", 27, "`per` is there already"),
        ("events.signups < 5 where country DE", 25, "without spaces"),
        ("events.signups < 5 where 'country=DE", 25, "never closed"),
        ("events.signups < 5 nonsense", 19, "is expected here"),
        ("events.'signups < 5", 7, "never closed"),
        ("events.a < 80% of previous hour per day", 0, "hours can be compared with hours only"),
        ("events.a no data for 3h per day", 0, "looked for by the hour"),
        ("events.a < 5 per hour for 3 days", 0, "looks at hours"),
        ("events.a anomaly over 2 weeks", 22, "it may be 4 to 26 weeks"),
        ("events.a < 50% of same hour median over 4 days", 42, "`weeks`"),
        ("users of", 8, "a metric is expected here"),
        ("sum of revenue", 14, "`of` is expected here"),
    ] {
        let error = misread(text);
        assert!(error.to_string().contains(said), "{text}: {error}");
        assert_eq!(error.at, at, "{text}: {error}");
    }
    let error = misread("events.signups < 80% of same weekday mediam for 2 checks");
    assert_eq!(error.corrected.unwrap(), "events.signups < 80% of same weekday median for 2 checks");
    assert_eq!(
        misread("events.signups < 80% of same weekday mediam").to_string(),
        "`mediam`, after `… of same weekday`: did you mean `median`?"
    );
    assert_eq!(
        misread("events.signups < 80% of same").to_string(),
        "the condition ends too early, after `… 80% of same`: `weekday` or `hour` is expected here"
    );
}

#[test]
fn words_are_proposed_where_they_may_stand() {
    let after = |typed: &str| continuations(typed).1.join(" ");
    assert_eq!(after("events.signups < 80% of same "), "weekday hour");
    assert_eq!(after("events.signups < 80% of same w"), "weekday");
    assert_eq!(after("events.signups < 80% of same weekday "), "median average mean");
    assert_eq!(after("events.signups dr"), "drops");
    assert!(after("events.signups ").contains("anomaly") && after("events.signups ").contains("where"));
    assert_eq!(after("events.signups < 5 for 2 "), "checks check hours hour days day");
    assert!(after("events.signups < 5 ").contains("per"));
    assert_eq!(continuations("events.signups < 80% of pre").0, 24);
}
