//! The stored form of a learner's state, frozen: version 1 never changes, a change of the state gets a version 2 beside it.
//!
//! A snapshot is a cache. What cannot be read here is rebuilt from the stream.

use crate::domain::action::{Action, RefusalReason};
use crate::domain::learner::{
    Award, AwardStanding, Counters, Learner, QualificationPoints, Receipt, ReceiptKey, UnitProgress,
};
use homeroom_schema::codec::{self, SnapshotError};
use homeroom_schema::records::{SnapshotRecord, StreamId};
use homeroom_schema::{EventId, IdError, QualificationId, ReferenceId, TimeMs, UnitId, UserId, Version};
use serde::{Deserialize, Serialize};

const SCHEMA_VERSION: u16 = 1;

/// Every field in this order, for ever: the codec knows positions, not names.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct SnapshotV1 {
    user_id: u64,
    version: u64,
    total: u64,
    level: u32,
    reached_at: Option<i64>,
    awards: Vec<AwardV1>,
    receipts: Vec<ReceiptV1>,
    units: Vec<UnitV1>,
    qualifications: Vec<(u64, u64, i64)>,
    counters: CountersV1,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct AwardV1 {
    action: u8,
    reference: u64,
    event_id: u64,
    points: u32,
    occurred_at: i64,
    unit: Option<u64>,
    qualification: Option<u64>,
    measure: Option<f64>,
    standing: StandingV1,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum StandingV1 {
    Counted,
    Reversed { by: u64, points: u32 },
    Reinstated,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct ReceiptV1 {
    action: u8,
    reference: u64,
    reason: u8,
    event_id: u64,
    version: u64,
    day: i32,
    retry_at: Option<i64>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct UnitV1 {
    unit: u64,
    progress_percentage: u8,
    last_accessed: i64,
    completed_at: Option<i64>,
    version: u64,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct CountersV1 {
    best_scores: Vec<(u64, f64)>,
    perfect_scores: u32,
    resources_rated: u32,
    resource_quality_sum: f64,
    resources_high_quality: u32,
    team_achievements: u32,
    awards_counted: u32,
}

/// Why a snapshot is of no use.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error(transparent)]
    Envelope(#[from] SnapshotError),
    #[error("schema version {0} is not known")]
    SchemaVersion(u16),
    #[error("it holds an impossible id")]
    Id(#[from] IdError),
    #[error("it holds an unknown number where a name should be")]
    Code,
    #[error("it is of another learner or version")]
    Other,
}

/// Puts a state into a snapshot.
pub(crate) fn write(learner: &Learner) -> Result<SnapshotRecord, SnapshotError> {
    Ok(SnapshotRecord {
        stream: StreamId::learner(learner.user_id),
        version: learner.version,
        bytes: codec::encode(SCHEMA_VERSION, &SnapshotV1::of(learner))?,
    })
}

/// Reads a snapshot of a learner back.
pub(crate) fn read(user_id: UserId, record: &SnapshotRecord) -> Result<Learner, Unreadable> {
    let envelope = codec::decode_envelope(&record.bytes)?;
    if envelope.schema_version != SCHEMA_VERSION {
        return Err(Unreadable::SchemaVersion(envelope.schema_version));
    }
    let learner = envelope.decode::<SnapshotV1>()?.into_learner()?;
    if learner.user_id == user_id && learner.version == record.version {
        Ok(learner)
    } else {
        Err(Unreadable::Other)
    }
}

impl SnapshotV1 {
    fn of(learner: &Learner) -> Self {
        let counters = &learner.counters;
        Self {
            user_id: learner.user_id.get(),
            version: learner.version.0,
            total: learner.total,
            level: learner.level,
            reached_at: learner.reached_at.map(|at| at.0),
            awards: learner.awards.iter().map(AwardV1::of).collect(),
            receipts: learner.receipts.iter().map(ReceiptV1::of).collect(),
            units: learner.units.iter().map(UnitV1::of).collect(),
            qualifications: (learner.qualifications.iter())
                .map(|(id, points)| (id.get(), points.points, points.reached_at.0))
                .collect(),
            counters: CountersV1 {
                best_scores: counters
                    .best_scores
                    .iter()
                    .map(|(id, score)| (id.get(), *score))
                    .collect(),
                perfect_scores: counters.perfect_scores,
                resources_rated: counters.resources_rated,
                resource_quality_sum: counters.resource_quality_sum,
                resources_high_quality: counters.resources_high_quality,
                team_achievements: counters.team_achievements,
                awards_counted: counters.awards_counted,
            },
        }
    }

    fn into_learner(self) -> Result<Learner, Unreadable> {
        let counters = self.counters;
        let qualification = |(id, points, reached_at)| {
            let points = QualificationPoints {
                points,
                reached_at: TimeMs(reached_at),
            };
            Ok((QualificationId::new(id)?, points))
        };
        let best_score = |(id, score)| Ok((ReferenceId::new(id)?, score));
        Ok(Learner {
            user_id: UserId::new(self.user_id)?,
            version: Version(self.version),
            total: self.total,
            level: self.level,
            reached_at: self.reached_at.map(TimeMs),
            awards: self.awards.iter().map(AwardV1::entry).collect::<Result<_, _>>()?,
            receipts: self.receipts.iter().map(ReceiptV1::entry).collect::<Result<_, _>>()?,
            units: self.units.iter().map(UnitV1::entry).collect::<Result<_, _>>()?,
            qualifications: (self.qualifications.into_iter())
                .map(qualification)
                .collect::<Result<_, IdError>>()?,
            counters: Counters {
                best_scores: (counters.best_scores.into_iter())
                    .map(best_score)
                    .collect::<Result<_, IdError>>()?,
                perfect_scores: counters.perfect_scores,
                resources_rated: counters.resources_rated,
                resource_quality_sum: counters.resource_quality_sum,
                resources_high_quality: counters.resources_high_quality,
                team_achievements: counters.team_achievements,
                awards_counted: counters.awards_counted,
            },
        })
    }
}

impl AwardV1 {
    fn of(((action, reference), award): (&(Action, ReferenceId), &Award)) -> Self {
        Self {
            action: action_code(*action),
            reference: reference.get(),
            event_id: award.event_id.get(),
            points: award.points,
            occurred_at: award.occurred_at.0,
            unit: award.unit.map(UnitId::get),
            qualification: award.qualification.map(QualificationId::get),
            measure: award.measure,
            standing: match award.standing {
                AwardStanding::Counted => StandingV1::Counted,
                AwardStanding::Reversed { by, points } => StandingV1::Reversed { by: by.get(), points },
                AwardStanding::Reinstated => StandingV1::Reinstated,
            },
        }
    }

    fn entry(&self) -> Result<((Action, ReferenceId), Award), Unreadable> {
        let award = Award {
            event_id: EventId::new(self.event_id)?,
            points: self.points,
            occurred_at: TimeMs(self.occurred_at),
            unit: self.unit.map(UnitId::new).transpose()?,
            qualification: self.qualification.map(QualificationId::new).transpose()?,
            measure: self.measure,
            standing: match self.standing {
                StandingV1::Counted => AwardStanding::Counted,
                StandingV1::Reversed { by, points } => AwardStanding::Reversed {
                    by: EventId::new(by)?,
                    points,
                },
                StandingV1::Reinstated => AwardStanding::Reinstated,
            },
        };
        Ok(((action(self.action)?, ReferenceId::new(self.reference)?), award))
    }
}

impl ReceiptV1 {
    fn of((key, receipt): (&ReceiptKey, &Receipt)) -> Self {
        Self {
            action: action_code(key.action),
            reference: key.reference.get(),
            reason: match key.reason {
                RefusalReason::AlreadyAwarded => 1,
            },
            event_id: receipt.event_id.get(),
            version: receipt.version.0,
            day: key.day,
            retry_at: receipt.retry_at.map(|at| at.0),
        }
    }

    fn entry(&self) -> Result<(ReceiptKey, Receipt), Unreadable> {
        let reason = match self.reason {
            1 => RefusalReason::AlreadyAwarded,
            _ => return Err(Unreadable::Code),
        };
        let receipt = Receipt {
            event_id: EventId::new(self.event_id)?,
            version: Version(self.version),
            retry_at: self.retry_at.map(TimeMs),
        };
        let key = ReceiptKey {
            action: action(self.action)?,
            reference: ReferenceId::new(self.reference)?,
            reason,
            day: self.day,
        };
        Ok((key, receipt))
    }
}

impl UnitV1 {
    fn of((unit, progress): (&UnitId, &UnitProgress)) -> Self {
        Self {
            unit: unit.get(),
            progress_percentage: progress.progress_percentage,
            last_accessed: progress.last_accessed.0,
            completed_at: progress.completed_at.map(|at| at.0),
            version: progress.version.0,
        }
    }

    fn entry(&self) -> Result<(UnitId, UnitProgress), Unreadable> {
        let progress = UnitProgress {
            progress_percentage: self.progress_percentage,
            last_accessed: TimeMs(self.last_accessed),
            completed_at: self.completed_at.map(TimeMs),
            version: Version(self.version),
        };
        Ok((UnitId::new(self.unit)?, progress))
    }
}

/// Stored: never change a number.
const fn action_code(action: Action) -> u8 {
    match action {
        Action::ReadContent => 1,
        Action::CompleteQuiz => 2,
        Action::ContributeResource => 3,
        Action::CommunityFeedback => 4,
        Action::TeamAchievement => 5,
    }
}

fn action(code: u8) -> Result<Action, Unreadable> {
    let found = Action::ALL.into_iter().find(|action| action_code(*action) == code);
    found.ok_or(Unreadable::Code)
}

#[cfg(test)]
mod tests;
