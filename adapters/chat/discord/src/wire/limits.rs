//! What an answer says about limits: its bucket, and how long to wait. <https://docs.discord.com/developers/topics/rate-limits>

use bellhop_core::{PortError, Retry};
use serde_json::Value;
use std::time::Duration;

/// What an answer says about limits.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Said {
    /// The status.
    pub status: u16,
    /// `X-RateLimit-Bucket`.
    pub bucket: Option<String>,
    /// `X-RateLimit-Limit`.
    pub limit: Option<u32>,
    /// `X-RateLimit-Remaining`.
    pub remaining: Option<u32>,
    /// `X-RateLimit-Reset-After`.
    pub reset_after: Option<Duration>,
    /// Set on a 429.
    pub refused: Option<Refused>,
}

/// What a 429 says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refused {
    /// How long to wait.
    pub pause: Duration,
    /// Whether all calls have to wait.
    pub global: bool,
    /// Whether others than this bot used it up; then it isn't counted against the bot.
    pub shared: bool,
}

/// What the headers say.
pub(super) fn said(answer: &bellhop_http::Response) -> Said {
    let number = |name| answer.header(name).and_then(|text| text.trim().parse::<u32>().ok());
    Said {
        status: answer.status().as_u16(),
        bucket: answer.header("x-ratelimit-bucket").map(|bucket| bellhop_core::text::shorten(bucket, 80)),
        limit: number("x-ratelimit-limit"),
        remaining: number("x-ratelimit-remaining"),
        reset_after: answer.header("x-ratelimit-reset-after").and_then(seconds),
        refused: (answer.status().as_u16() == 429).then(|| Refused {
            pause: Duration::ZERO,
            global: answer.header("x-ratelimit-global").is_some_and(|value| value.eq_ignore_ascii_case("true"))
                || answer.header("x-ratelimit-scope").is_some_and(|scope| scope == "global"),
            shared: answer.header("x-ratelimit-scope").is_some_and(|scope| scope == "shared"),
        }),
    }
}

/// What a 429 says: the longest of the waits that it names.
pub(super) fn refused(body: Option<&Value>, said: &Said, refusal: &PortError) -> Refused {
    let of_body = body.and_then(|body| body.get("retry_after")?.as_f64()).and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let of_header = match refusal.retry {
        Retry::After(pause) => Some(pause),
        _ => None,
    };
    let reset = said.reset_after.filter(|_| said.remaining == Some(0));
    let named = [of_body, of_header, reset].into_iter().flatten().max();
    let headers = said.refused.as_ref();
    let in_body = body.and_then(|body| body.get("global")?.as_bool()).unwrap_or_default();
    Refused {
        // What names no time is most likely no answer of Discord's own.
        pause: named.unwrap_or(Duration::from_secs(30)).min(Duration::from_hours(24)),
        global: in_body || headers.is_some_and(|refused| refused.global) || body.is_none(),
        shared: headers.is_some_and(|refused| refused.shared),
    }
}

/// Seconds with decimals, rounded up to milliseconds.
fn seconds(text: &str) -> Option<Duration> {
    let seconds: f64 = text.trim().parse().ok()?;
    let pause = Duration::try_from_secs_f64(seconds).ok()?;
    Some(Duration::from_millis(u64::try_from(pause.as_nanos().div_ceil(1_000_000)).ok()?).min(Duration::from_hours(24)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellhop_core::PortErrorKind;
    use serde_json::json;

    #[test]
    fn the_longest_wait_counts() {
        let refusal = PortError::new(PortErrorKind::RateLimited, "chat.g", "deliver", "m").after(Duration::from_secs(1));
        let said = Said { refused: Some(Refused { pause: Duration::ZERO, global: false, shared: true }), ..Said::default() };
        let found = refused(Some(&json!({ "retry_after": 1.337, "global": false })), &said, &refusal);
        assert_eq!(found, Refused { pause: Duration::from_millis(1337), global: false, shared: true });
        // A page without a word of Discord's: everything stops for the time it names.
        assert!(refused(None, &Said::default(), &refusal).global);
        assert_eq!(seconds("0.2501"), Some(Duration::from_millis(251)));
        for odd in ["", "-1", "NaN", "soon"] {
            assert_eq!(seconds(odd), None, "{odd}");
        }
    }
}
