//! The stored form of a learner's state, frozen: version 2 never changes, a change of the state gets another version.
//!
//! A snapshot is a cache. What cannot be read here is rebuilt from the stream.

use crate::domain::achievements::{Reached, Tier};
use crate::domain::action::{Action, RefusalReason};
use crate::domain::learner::{
    Award, AwardStanding, Counters, Earned, Learner, QualificationPoints, Receipt, ReceiptKey, Streak, UnitProgress,
};
use homeroom_schema::codec::{self, SnapshotError};
use homeroom_schema::records::{SnapshotRecord, StreamId};
use homeroom_schema::{EventId, IdError, QualificationId, ReferenceId, TimeMs, UnitId, UserId, Version};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

const SCHEMA_VERSION: u16 = 2;

/// Every field in this order, for ever: the codec knows positions, not names.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct SnapshotV2 {
    user_id: u64,
    version: u64,
    total: u64,
    level: u32,
    reached_at: Option<i64>,
    awards: Vec<AwardV2>,
    receipts: Vec<ReceiptV2>,
    units: Vec<UnitV2>,
    qualifications: Vec<(u64, u64, i64)>,
    counters: CountersV2,
    achievements: Vec<EarnedV2>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct EarnedV2 {
    achievement: String,
    tier: u8,
    earned_at: i64,
    data: Vec<(String, f64, f64)>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct AwardV2 {
    action: u8,
    reference: u64,
    event_id: u64,
    points: u32,
    version: u64,
    occurred_at: i64,
    day: i32,
    unit: Option<u64>,
    qualification: Option<u64>,
    measure: Option<f64>,
    is_fast: bool,
    standing: StandingV2,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum StandingV2 {
    Counted,
    Reversed { by: u64, points: u32 },
    Reinstated,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct ReceiptV2 {
    action: u8,
    reference: u64,
    reason: u8,
    event_id: u64,
    version: u64,
    day: i32,
    retry_at: Option<i64>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct UnitV2 {
    unit: u64,
    progress_percentage: u8,
    last_accessed: i64,
    completed_at: Option<i64>,
    version: u64,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct CountersV2 {
    best_scores: Vec<(u64, f64)>,
    perfect_scores: u32,
    fast_completions: u32,
    streak_current: u32,
    streak_longest: u32,
    streak_latest: Option<(i64, u64)>,
    resources_rated: u32,
    resource_quality_sum: f64,
    resources_high_quality: u32,
    team_achievements: u32,
    awards_counted: u32,
    by_action: [u32; 5],
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
        bytes: codec::encode(SCHEMA_VERSION, &SnapshotV2::of(learner))?,
    })
}

/// Reads a snapshot of a learner back.
pub(crate) fn read(user_id: UserId, record: &SnapshotRecord) -> Result<Learner, Unreadable> {
    let envelope = codec::decode_envelope(&record.bytes)?;
    if envelope.schema_version != SCHEMA_VERSION {
        return Err(Unreadable::SchemaVersion(envelope.schema_version));
    }
    let learner = envelope.decode::<SnapshotV2>()?.into_learner()?;
    if learner.user_id == user_id && learner.version == record.version {
        Ok(learner)
    } else {
        Err(Unreadable::Other)
    }
}

impl SnapshotV2 {
    fn of(learner: &Learner) -> Self {
        let counters = &learner.counters;
        Self {
            user_id: learner.user_id.get(),
            version: learner.version.0,
            total: learner.total,
            level: learner.level,
            reached_at: learner.reached_at.map(|at| at.0),
            awards: learner.awards.iter().map(AwardV2::of).collect(),
            receipts: learner.receipts.iter().map(ReceiptV2::of).collect(),
            units: learner.units.iter().map(UnitV2::of).collect(),
            qualifications: (learner.qualifications.iter())
                .map(|(id, points)| (id.get(), points.points, points.reached_at.0))
                .collect(),
            counters: CountersV2 {
                best_scores: counters
                    .best_scores
                    .iter()
                    .map(|(id, score)| (id.get(), *score))
                    .collect(),
                perfect_scores: counters.perfect_scores,
                fast_completions: counters.fast_completions,
                streak_current: counters.streak.current,
                streak_longest: counters.streak.longest,
                streak_latest: counters.streak.latest.map(|(at, version)| (at.0, version.0)),
                resources_rated: counters.resources_rated,
                resource_quality_sum: counters.resource_quality_sum,
                resources_high_quality: counters.resources_high_quality,
                team_achievements: counters.team_achievements,
                awards_counted: counters.awards_counted,
                by_action: counters.by_action,
            },
            achievements: learner.achievements.iter().map(EarnedV2::of).collect(),
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
            awards: self.awards.iter().map(AwardV2::entry).collect::<Result<_, _>>()?,
            receipts: self.receipts.iter().map(ReceiptV2::entry).collect::<Result<_, _>>()?,
            units: self.units.iter().map(UnitV2::entry).collect::<Result<_, _>>()?,
            qualifications: (self.qualifications.into_iter())
                .map(qualification)
                .collect::<Result<_, IdError>>()?,
            counters: Counters {
                best_scores: (counters.best_scores.into_iter())
                    .map(best_score)
                    .collect::<Result<_, IdError>>()?,
                perfect_scores: counters.perfect_scores,
                fast_completions: counters.fast_completions,
                streak: Streak {
                    current: counters.streak_current,
                    longest: counters.streak_longest,
                    latest: counters
                        .streak_latest
                        .map(|(at, version)| (TimeMs(at), Version(version))),
                },
                resources_rated: counters.resources_rated,
                resource_quality_sum: counters.resource_quality_sum,
                resources_high_quality: counters.resources_high_quality,
                team_achievements: counters.team_achievements,
                awards_counted: counters.awards_counted,
                by_action: counters.by_action,
            },
            achievements: Arc::new(
                (self.achievements.into_iter())
                    .map(EarnedV2::entry)
                    .collect::<Result<_, _>>()?,
            ),
        })
    }
}

impl AwardV2 {
    fn of(((action, reference), award): (&(Action, ReferenceId), &Award)) -> Self {
        Self {
            action: action_code(*action),
            reference: reference.get(),
            event_id: award.event_id.get(),
            points: award.points,
            version: award.version.0,
            occurred_at: award.occurred_at.0,
            day: award.day,
            unit: award.unit.map(UnitId::get),
            qualification: award.qualification.map(QualificationId::get),
            measure: award.measure,
            is_fast: award.is_fast,
            standing: match award.standing {
                AwardStanding::Counted => StandingV2::Counted,
                AwardStanding::Reversed { by, points } => StandingV2::Reversed { by: by.get(), points },
                AwardStanding::Reinstated => StandingV2::Reinstated,
            },
        }
    }

    fn entry(&self) -> Result<((Action, ReferenceId), Award), Unreadable> {
        let award = Award {
            event_id: EventId::new(self.event_id)?,
            points: self.points,
            version: Version(self.version),
            occurred_at: TimeMs(self.occurred_at),
            day: self.day,
            unit: self.unit.map(UnitId::new).transpose()?,
            qualification: self.qualification.map(QualificationId::new).transpose()?,
            measure: self.measure,
            is_fast: self.is_fast,
            standing: match self.standing {
                StandingV2::Counted => AwardStanding::Counted,
                StandingV2::Reversed { by, points } => AwardStanding::Reversed {
                    by: EventId::new(by)?,
                    points,
                },
                StandingV2::Reinstated => AwardStanding::Reinstated,
            },
        };
        Ok(((action(self.action)?, ReferenceId::new(self.reference)?), award))
    }
}

impl ReceiptV2 {
    fn of((key, receipt): (&ReceiptKey, &Receipt)) -> Self {
        Self {
            action: action_code(key.action),
            reference: key.reference.get(),
            reason: reason_code(key.reason),
            event_id: receipt.event_id.get(),
            version: receipt.version.0,
            day: key.day,
            retry_at: receipt.retry_at.map(|at| at.0),
        }
    }

    fn entry(&self) -> Result<(ReceiptKey, Receipt), Unreadable> {
        let found = RefusalReason::ALL
            .into_iter()
            .find(|reason| reason_code(*reason) == self.reason);
        let reason = found.ok_or(Unreadable::Code)?;
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

impl EarnedV2 {
    fn of(((achievement, tier), earned): (&(String, Tier), &Earned)) -> Self {
        let data = earned.data.iter();
        Self {
            achievement: achievement.clone(),
            tier: *tier as u8,
            earned_at: earned.earned_at.0,
            data: data
                .map(|(key, reached)| (key.clone(), reached.value, reached.target))
                .collect(),
        }
    }

    fn entry(self) -> Result<((String, Tier), Earned), Unreadable> {
        let tier = Tier::ALL.into_iter().find(|tier| *tier as u8 == self.tier);
        let data = self.data.into_iter();
        let earned = Earned {
            earned_at: TimeMs(self.earned_at),
            data: data
                .map(|(key, value, target)| (key, Reached { value, target }))
                .collect(),
        };
        Ok(((self.achievement, tier.ok_or(Unreadable::Code)?), earned))
    }
}

impl UnitV2 {
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
        Action::ManualAward => 6,
    }
}

/// Stored: never change a number.
const fn reason_code(reason: RefusalReason) -> u8 {
    match reason {
        RefusalReason::AlreadyAwarded => 1,
        RefusalReason::Cooldown => 2,
        RefusalReason::WindowFull => 3,
        RefusalReason::CapReached => 4,
    }
}

fn action(code: u8) -> Result<Action, Unreadable> {
    let mut all = Action::ALL.into_iter().chain([Action::ManualAward]);
    let found = all.find(|action| action_code(*action) == code);
    found.ok_or(Unreadable::Code)
}

#[cfg(test)]
mod tests;
