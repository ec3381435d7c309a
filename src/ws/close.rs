//! Close codes of `homeroom.v1`: one table. 4000 to 4499: reconnect; 4500 to 4999: do not. On a stream of events the same
//! codes come in a last message, `closed`, as far as anything can still be said.
//!
//! | code | reason text | means | reconnect |
//! | --- | --- | --- | --- |
//! | 1000 | – | the client closed | – |
//! | 1002 | `protocol_error` | a frame that RFC 6455 does not allow | with another client |
//! | 1003 | `text_only` | a binary frame | with another client |
//! | 1007 | `invalid_utf8` | a text frame that is not UTF-8 | with another client |
//! | 1008 | `flood` | more pings, or for longer more frames, than a client may send | after a moment, with fewer |
//! | 1009 | `frame_too_large` | a frame or message of more than 64 KiB | with smaller frames |
//! | 1012 | `{"retry_after_ms":n}` | the node stops; `n` is jittered, so that a class does not come back in one instant | after `n` ms |
//! | 4001 | `session_restarting` | the node ended this session to restart a part of itself | at once |
//! | 4008 | `slow_consumer` | the client took too little for too long | at once, by position |
//! | 4009 | `silent_peer` | pings were not answered | at once, by position |
//! | 4010 | `unavailable` | a topic could not be read on | after a moment, by position |
//! | 4500 | `token_ended` | the token was revoked or has ended | with another token |

use axum::extract::ws::{CloseFrame, Utf8Bytes};
use homeroom_actors::sessions::EndReason;

/// Why a session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Close {
    /// The client closed, or its connection broke: nothing is left to say.
    Gone,
    /// RFC 6455 was broken.
    Protocol,
    /// A binary frame.
    TextOnly,
    /// Text that is not UTF-8.
    InvalidUtf8,
    /// More frames than a client may send.
    Flood,
    /// A frame or message beyond the bound.
    TooLarge,
    /// The node stops.
    Stopping,
    /// The session's supervisor failed.
    Restarting,
    /// The client does not take what it gets.
    SlowConsumer,
    /// Pings were not answered.
    Silent,
    /// A topic could not be read on.
    Unavailable,
    /// The token was revoked or has ended.
    TokenEnded,
}

/// The least and the most that clients wait before they come back to a stopping node, in milliseconds.
const RETRY_AFTER_MS: (u32, u32) = (500, 5_000);

impl Close {
    /// The code on the wire.
    pub(super) const fn code(self) -> u16 {
        match self {
            Self::Gone => 1000,
            Self::Protocol => 1002,
            Self::TextOnly => 1003,
            Self::InvalidUtf8 => 1007,
            Self::Flood => 1008,
            Self::TooLarge => 1009,
            Self::Stopping => 1012,
            Self::Restarting => 4001,
            Self::SlowConsumer => 4008,
            Self::Silent => 4009,
            Self::Unavailable => 4010,
            Self::TokenEnded => 4500,
        }
    }

    /// Whether what waits for the client still goes out before the close. Not where the client may no longer see it, does
    /// not take it, or has said itself that it is done.
    pub(super) const fn sends_the_rest(self) -> bool {
        matches!(
            self,
            Self::Stopping | Self::Restarting | Self::TextOnly | Self::InvalidUtf8 | Self::TooLarge | Self::Protocol
        )
    }

    /// The frame that says so.
    pub(super) fn frame(self) -> CloseFrame {
        CloseFrame {
            code: self.code(),
            reason: self.reason(),
        }
    }

    fn reason(self) -> Utf8Bytes {
        match self.retry_after_ms() {
            Some(retry_after_ms) => format!(r#"{{"retry_after_ms":{retry_after_ms}}}"#).into(),
            None => Utf8Bytes::from_static(self.name()),
        }
    }

    /// The cause in a word.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Gone => "",
            Self::Protocol => "protocol_error",
            Self::TextOnly => "text_only",
            Self::InvalidUtf8 => "invalid_utf8",
            Self::Flood => "flood",
            Self::TooLarge => "frame_too_large",
            Self::Stopping => "stopping",
            Self::Restarting => "session_restarting",
            Self::SlowConsumer => "slow_consumer",
            Self::Silent => "silent_peer",
            Self::Unavailable => "unavailable",
            Self::TokenEnded => "token_ended",
        }
    }

    /// How long the client should wait before it comes back, when that matters: different each time.
    pub(super) fn retry_after_ms(self) -> Option<u32> {
        (self == Self::Stopping).then(retry_after_ms)
    }

    /// Counts a session that ended so.
    pub(super) fn count(self) {
        metrics::counter!("homeroom_closes_total", "code" => self.code().to_string()).increment(1);
    }
}

/// All of them, in the order of their codes.
#[cfg(test)]
const ALL: [Close; 12] = [
    Close::Gone,
    Close::Protocol,
    Close::TextOnly,
    Close::InvalidUtf8,
    Close::Flood,
    Close::TooLarge,
    Close::Stopping,
    Close::Restarting,
    Close::SlowConsumer,
    Close::Silent,
    Close::Unavailable,
    Close::TokenEnded,
];

/// Code and cause of each, for the document.
#[cfg(test)]
pub(crate) const CLOSES: [(u16, &str); ALL.len()] = {
    let mut closes = [(0, ""); ALL.len()];
    let mut place = 0;
    while place < closes.len() {
        closes[place] = (ALL[place].code(), ALL[place].name());
        place += 1;
    }
    closes
};

impl From<EndReason> for Close {
    fn from(reason: EndReason) -> Self {
        match reason {
            EndReason::Stopping => Self::Stopping,
            EndReason::TokenEnded => Self::TokenEnded,
            EndReason::Restarting => Self::Restarting,
        }
    }
}

/// A wait that spreads those who come back.
pub(super) fn retry_after_ms() -> u32 {
    let (least, most) = RETRY_AFTER_MS;
    // Without randomness everybody waits equally long: worse for the node, no harm to the client.
    least + getrandom::u32().unwrap_or(most) % (most - least)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_differ_and_reasons_fit_a_control_frame() {
        let mut codes: Vec<u16> = ALL.iter().map(|close| close.code()).collect();
        codes.dedup();
        assert_eq!(codes.len(), ALL.len());
        for close in ALL {
            assert!(close.frame().reason.len() <= 123, "{close:?}");
        }
    }

    #[test]
    fn a_stopping_node_gives_a_hint_inside_its_range() {
        for _ in 0..100 {
            let hint: serde_json::Value = serde_json::from_str(&Close::Stopping.frame().reason).unwrap();
            let after = hint["retry_after_ms"].as_u64().unwrap();
            assert!((u64::from(RETRY_AFTER_MS.0)..u64::from(RETRY_AFTER_MS.1)).contains(&after));
        }
    }
}
