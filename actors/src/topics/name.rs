//! Names of topics, boards and periods, and their wire form. Nothing about what they hold.

use crate::domain::period::Period;
use homeroom_schema::{QualificationId, TeamId, UserId};
use std::fmt;
use std::str::FromStr;

/// A board, whatever the period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BoardName {
    /// Everybody who is ranked.
    All,
    /// Teams.
    Teams,
    /// The members of one team.
    Team(TeamId),
    /// The learners of one qualification, by their points inside it.
    Qualification(QualificationId),
}

/// The name of a topic; `Display` and `FromStr` give the wire form (`user:7`, `board:team:3:week`, `presence:3`,
/// `announcements`, `honours`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TopicName {
    /// One learner's facts.
    User(UserId),
    /// One team's performance.
    Team(TeamId),
    /// A board.
    Board(BoardName, Period),
    /// Who is here in a team.
    Presence(TeamId),
    /// What is announced to everybody, or to one team.
    Announcements(Option<TeamId>),
    /// What those on boards unlock, for others to see.
    Honours,
}

/// Why a text names no topic, board or period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// It has none of the known forms.
    #[error("not a known name")]
    Unknown,
    /// It names a period that this node does not keep.
    #[error("not a known period")]
    UnknownPeriod,
}

/// Reads an id in its one spelling: no sign, no leading zero, so that a topic has one name only.
fn id<T: FromStr>(text: &str) -> Result<T, NameError> {
    if text.starts_with(['0', '+', '-']) {
        return Err(NameError::Unknown);
    }
    text.parse().map_err(|_| NameError::Unknown)
}

impl fmt::Display for BoardName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Teams => f.write_str("teams"),
            Self::Team(team_id) => write!(f, "team:{team_id}"),
            Self::Qualification(qualification_id) => write!(f, "qualification:{qualification_id}"),
        }
    }
}

impl FromStr for BoardName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        match text.split_once(':') {
            None if text == "all" => Ok(Self::All),
            None if text == "teams" => Ok(Self::Teams),
            Some(("team", rest)) => id(rest).map(Self::Team),
            Some(("qualification", rest)) => id(rest).map(Self::Qualification),
            _ => Err(NameError::Unknown),
        }
    }
}

impl FromStr for Period {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::parse(text).ok_or(NameError::UnknownPeriod)
    }
}

impl fmt::Display for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(user_id) => write!(f, "user:{user_id}"),
            Self::Team(team_id) => write!(f, "team:{team_id}"),
            Self::Board(board, Period::All) => write!(f, "board:{board}"),
            Self::Board(board, period) => write!(f, "board:{board}:{period}"),
            Self::Presence(team_id) => write!(f, "presence:{team_id}"),
            Self::Announcements(None) => f.write_str("announcements"),
            Self::Announcements(Some(team_id)) => write!(f, "announcements:team:{team_id}"),
            Self::Honours => f.write_str("honours"),
        }
    }
}

impl FromStr for TopicName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let Some((kind, rest)) = text.split_once(':') else {
            return match text {
                "announcements" => Ok(Self::Announcements(None)),
                "honours" => Ok(Self::Honours),
                _ => Err(NameError::Unknown),
            };
        };
        match kind {
            "user" => id(rest).map(Self::User),
            "team" => id(rest).map(Self::Team),
            "presence" => id(rest).map(Self::Presence),
            "announcements" => {
                let team_id = rest.strip_prefix("team:").ok_or(NameError::Unknown)?;
                id(team_id).map(|team_id| Self::Announcements(Some(team_id)))
            }
            "board" => match rest.rsplit_once(':') {
                // The whole ledger has no word of its own here, so that a topic has one name only.
                Some((board, period @ ("day" | "week" | "season"))) => Ok(Self::Board(board.parse()?, period.parse()?)),
                _ => Ok(Self::Board(rest.parse()?, Period::All)),
            },
            _ => Err(NameError::Unknown),
        }
    }
}
