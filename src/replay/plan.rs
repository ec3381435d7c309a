//! What a data set comes to: a roster, and every command in its order. Made by the readers, played by the lanes.

use std::fmt::Write as _;

/// Everything that a replay sends, and what reading left out.
#[derive(Debug)]
pub struct Plan {
    /// Which of the two shapes was read.
    pub shape: Shape,
    /// A digest of the contents of the files: the head of every idempotency key.
    pub digest: String,
    /// The files read, in order.
    pub files: Vec<String>,
    /// Files of the directory that are of no known shape.
    pub ignored_files: Vec<String>,
    /// Who and what there is.
    pub roster: Roster,
    /// Every command, in order.
    pub commands: Vec<Command>,
    /// Rows that could not be read.
    pub skipped: Skips,
    /// Rows that are good but give nothing, by the rules.
    pub without_effect: u64,
}

/// A known shape of data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Event logs of course runs, a file a run.
    Moodle,
    /// Courses, assessments, registrations and submissions, a file each.
    Oulad,
}

impl Shape {
    /// The name people use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Moodle => "moodle",
            Self::Oulad => "oulad",
        }
    }
}

/// People, catalogue, teams, memberships and enrolments.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Roster {
    /// Course runs.
    pub qualifications: Vec<Qualification>,
    /// What progress is made in.
    pub units: Vec<Unit>,
    /// People.
    pub users: Vec<User>,
    /// Teams.
    pub teams: Vec<Team>,
    /// (team, person)
    pub team_members: Vec<(u64, u64)>,
    /// (qualification, person)
    pub enrolments: Vec<(u64, u64)>,
}

/// A course run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Qualification {
    /// Its id: its place among the runs, from 1.
    pub id: u64,
    /// The run's name.
    pub name: String,
}

/// A unit of a course run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Its id in the data.
    pub id: u64,
    /// Its title.
    pub title: String,
    /// Its course run.
    pub qualification_id: u64,
}

/// A person. The data has no names; they get neutral ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct User {
    /// The id in the data.
    pub id: u64,
    /// What they are.
    pub role: Role,
}

/// What a person is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Learns.
    Student,
    /// Looks after at least one team.
    Mentor,
    /// Other staff.
    Staff,
}

impl Role {
    /// As on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Student => "student",
            Self::Mentor => "mentor",
            Self::Staff => "staff",
        }
    }

    /// The first word of the made-up name.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Student => "Student",
            Self::Mentor => "Mentor",
            Self::Staff => "Staff",
        }
    }
}

/// A team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Team {
    /// Its id.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// Who looks after it.
    pub mentor_id: Option<u64>,
}

/// Something a learner did, as a wish to a node.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Command {
    /// Who.
    pub user_id: u64,
    /// When, in milliseconds since 1970.
    pub occurred_at_ms: i64,
    /// The file that it comes from, by place.
    pub file: u32,
    /// The row in that file, from 0.
    pub row: u32,
    /// What.
    pub deed: Deed,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Deed {
    /// Got on in a unit.
    Progress {
        /// The unit.
        unit_id: u64,
        /// How far.
        percentage: u8,
    },
    /// Did something that earns points.
    Earn {
        /// What.
        action: Action,
        /// Which one.
        reference_id: u64,
        /// How well, 0 to 1, if known.
        score: Option<f64>,
    },
}

/// An action that the data sets know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Viewed a unit.
    ReadContent,
    /// Was graded.
    CompleteQuiz,
    /// Handed something in.
    ContributeResource,
    /// Commented.
    CommunityFeedback,
}

impl Action {
    /// All, in the order of reports.
    pub const ALL: [Self; 4] = [
        Self::ReadContent,
        Self::CompleteQuiz,
        Self::ContributeResource,
        Self::CommunityFeedback,
    ];

    /// As on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReadContent => "read_content",
            Self::CompleteQuiz => "complete_quiz",
            Self::ContributeResource => "contribute_resource",
            Self::CommunityFeedback => "community_feedback",
        }
    }
}

impl Command {
    /// Whether it is about progress, not points.
    #[must_use]
    pub const fn is_progress(&self) -> bool {
        matches!(self.deed, Deed::Progress { .. })
    }

    /// The command's idempotency key: the same for the same place of the same data, whenever and however it is sent.
    pub fn write_key(&self, digest: &str, out: &mut String) {
        let part = match self.deed {
            Deed::Progress { .. } => 'p',
            Deed::Earn { .. } => 'e',
        };
        let _ = write!(out, "replay.{digest}.{}.{}.{part}", self.file, self.row);
    }

    /// The fields of the command as JSON without braces, as batches, sockets and single requests share them. With `dated`
    /// it says when it happened; without, it happens now.
    pub fn write_fields(&self, dated: bool, out: &mut String) {
        let _ = write!(out, r#""user_id":{}"#, self.user_id);
        match self.deed {
            Deed::Progress { unit_id, percentage } => {
                let _ = write!(out, r#","unit_id":{unit_id},"progress_percentage":{percentage}"#);
            }
            Deed::Earn {
                action,
                reference_id,
                score,
            } => {
                let name = action.name();
                let _ = write!(out, r#","action_type":"{name}","reference_id":{reference_id}"#);
                if let Some(score) = score {
                    let _ = write!(out, r#","evidence":{{"score":{score}}}"#);
                }
            }
        }
        if dated {
            out.push_str(r#","occurred_at":""#);
            write_time(self.occurred_at_ms, out);
            out.push('"');
        }
    }
}

/// RFC 3339 in UTC with milliseconds.
fn write_time(ms: i64, out: &mut String) {
    // The readers made the number from a timestamp of the same range.
    if let Ok(time) = jiff::Timestamp::from_millisecond(ms) {
        let _ = write!(out, "{time:.3}");
    }
}

/// Rows that could not be read: all counted by reason, the first ones listed.
#[derive(Debug, Default)]
pub struct Skips {
    /// How many.
    pub count: u64,
    /// The first ones.
    pub listed: Vec<Skip>,
}

/// A row that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Skip {
    /// The file.
    pub file: String,
    /// The line on which the row starts, from 1.
    pub line: u64,
    /// Why.
    pub reason: String,
}

/// Skipped rows that a report lists; the rest are counted.
const SKIPS_LISTED_MAX: usize = 200;

impl Skips {
    /// Notes one more.
    pub fn push(&mut self, file: &str, line: u64, reason: String) {
        self.count += 1;
        if self.listed.len() < SKIPS_LISTED_MAX {
            self.listed.push(Skip {
                file: file.to_owned(),
                line,
                reason,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_written_as_the_contract_says() {
        let command = Command {
            user_id: 7,
            occurred_at_ms: 1_380_628_800_000,
            file: 3,
            row: 12,
            deed: Deed::Earn {
                action: Action::CompleteQuiz,
                reference_id: 1_752,
                score: Some(0.78),
            },
        };
        let (mut fields, mut key) = (String::new(), String::new());
        command.write_fields(true, &mut fields);
        command.write_key("ab12", &mut key);
        assert_eq!(
            fields,
            r#""user_id":7,"action_type":"complete_quiz","reference_id":1752,"evidence":{"score":0.78},"occurred_at":"2013-10-01T12:00:00.000Z""#
        );
        assert_eq!(key, "replay.ab12.3.12.e");
    }

    #[test]
    fn skipped_rows_are_all_counted_and_the_first_are_listed() {
        let mut skips = Skips::default();
        for line in 0..500 {
            skips.push("a.csv", line, "no day".into());
        }
        assert_eq!((skips.count, skips.listed.len()), (500, SKIPS_LISTED_MAX));
    }
}
