//! What the end of a connection means: whether its session is resumed, a new one is begun, or nothing helps. Pure.
//!
//! <https://docs.discord.com/developers/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes>

use bellhop_core::PortError;
use bellhop_core::PortErrorKind;
use std::time::Duration;

/// What is done after a connection has ended.
#[derive(Debug)]
pub(super) enum Next {
    /// Connect and resume the session, not before this much time has passed.
    Resume(Duration),
    /// Connect and begin a new session, not before this much time has passed.
    Anew(Duration),
    /// It could not be connected, or nothing but people can mend it (`Retry::No`).
    Failed(PortError),
    /// We were told to stop.
    Stopped,
}

/// What a close code means. `configured` says whether the number of connections was configured.
pub(super) fn after(code: u16, service: &str, configured: bool) -> Next {
    let stop = |kind, message: &str| {
        Next::Failed(PortError::new(kind, service, "listen", format!("Discord closed the gateway with {code}: {message}")))
    };
    match code {
        4004 => stop(
            PortErrorKind::Unauthenticated,
            "the `bot_token` is refused; it may have been reset. Make a new one under Bot > Reset Token in the application's settings, put it into the \
             configuration and start the bot again",
        ),
        4010 => stop(PortErrorKind::Invalid, "a connection has a number that doesn't fit; take `shards` out of the configuration"),
        4011 if configured => stop(
            PortErrorKind::Invalid,
            "the bot is in too many servers for this many connections (shards); take `shards` out of the configuration",
        ),
        4011 => stop(
            PortErrorKind::Invalid,
            "the bot is in too many servers for this many connections (shards); start it again, and it asks Discord how many it takes",
        ),
        4012 => stop(PortErrorKind::Unsupported, "this version of the gateway is gone; a newer Bellhop is needed"),
        4013 => stop(PortErrorKind::Invalid, "the intents are not valid; a newer Bellhop is needed"),
        4014 => stop(
            PortErrorKind::Denied,
            "an intent is not allowed. Switch Message Content Intent on under Bot > Privileged Gateway Intents in the application's settings, or take \
             `message_content` out of the configuration; then start the bot again",
        ),
        // The session is over: its number was wrong, or it was away for too long.
        4007 | 4009 => Next::Anew(Duration::from_secs(1)),
        _ => Next::Resume(Duration::ZERO),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellhop_core::Retry;

    #[test]
    fn each_code_is_treated_as_documented() {
        for code in [1000, 1001, 1006, 4000, 4001, 4002, 4003, 4005, 4008, 4999] {
            assert!(matches!(after(code, "chat.g", false), Next::Resume(_)), "{code}");
        }
        for code in [4007, 4009] {
            assert!(matches!(after(code, "chat.g", false), Next::Anew(_)), "{code}");
        }
        for code in [4004, 4010, 4012, 4013, 4014] {
            let Next::Failed(error) = after(code, "chat.g", false) else { panic!("{code}") };
            assert_eq!(error.retry, Retry::No, "{code}");
            assert!(error.message.contains(&code.to_string()));
        }
        for configured in [true, false] {
            let Next::Failed(error) = after(4011, "chat.g", configured) else { panic!() };
            assert_eq!(error.retry, Retry::No);
            assert!(error.message.contains("shards"), "{error}");
        }
    }
}
