//! What analytics know of a learner's fact, and which facts they know at all.

use crate::domain::action::{Action, ResourceRef};
use crate::domain::event::{EventMeta, LearnerEvent};
use homeroom_schema::{EventId, QualificationId, ReferenceId, TimeMs, UnitId, UserId};

/// Something that a learner did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fact {
    /// Its event.
    pub event_id: EventId,
    /// Who.
    pub user_id: UserId,
    /// When.
    pub occurred_at: TimeMs,
    /// What.
    pub what: What,
}

/// What a learner did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum What {
    /// Something that was awarded.
    Award(AwardFact),
    /// Progress in a unit, or a touch of it.
    Progress(ProgressFact),
}

/// An award with what was observed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AwardFact {
    /// For what; never by hand.
    pub action: Action,
    /// For which one.
    pub reference: ReferenceId,
    /// The unit that it is tied to.
    pub unit: Option<UnitId>,
    /// The qualification that it counted for.
    pub qualification: Option<QualificationId>,
    /// Result of an assessment, 0 to 1.
    pub score: Option<f64>,
    /// Quality of a submission, 0 to 1.
    pub quality: Option<f64>,
    /// Rating given, 1 to 5.
    pub rating: Option<u8>,
    /// The resource read or rated.
    pub resource: Option<ResourceRef>,
    /// Whether it was taken back, and not given again.
    pub is_reversed: bool,
}

/// Progress in a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProgressFact {
    /// The unit.
    pub unit: UnitId,
    /// 0 to 100.
    pub progress_percentage: u8,
    /// When the unit was completed, if it is.
    pub completed_at: Option<TimeMs>,
}

/// What an event means to analytics.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Noted {
    /// Something that a learner did.
    Fact(Fact),
    /// An award was taken back, or given again.
    Standing {
        /// The award's event.
        of: EventId,
        /// Whether it was taken back.
        is_reversed: bool,
    },
}

impl Noted {
    /// What an event means; none for what learners do not do themselves: what is given by hand, refused, adjusted by changed
    /// rules, or unlocked.
    #[must_use]
    pub fn of(user_id: UserId, event: &LearnerEvent, meta: EventMeta) -> Option<Self> {
        let fact = |what, occurred_at| {
            Self::Fact(Fact {
                event_id: meta.event_id,
                user_id,
                occurred_at,
                what,
            })
        };
        match event {
            LearnerEvent::PointsAwarded {
                action:
                    action @ (Action::ReadContent
                    | Action::CompleteQuiz
                    | Action::ContributeResource
                    | Action::CommunityFeedback
                    | Action::TeamAchievement),
                reference,
                unit,
                qualification,
                evidence,
                occurred_at,
                ..
            } => {
                let award = AwardFact {
                    action: *action,
                    reference: *reference,
                    unit: *unit,
                    qualification: *qualification,
                    score: evidence.score,
                    quality: evidence.quality,
                    rating: evidence.rating,
                    resource: evidence.resource,
                    is_reversed: false,
                };
                Some(fact(What::Award(award), *occurred_at))
            }
            LearnerEvent::PointsReversed { of, action, .. } if *action != Action::ManualAward => Some(Self::Standing {
                of: *of,
                is_reversed: true,
            }),
            LearnerEvent::PointsReinstated { of, action, .. } if *action != Action::ManualAward => {
                Some(Self::Standing {
                    of: *of,
                    is_reversed: false,
                })
            }
            LearnerEvent::ProgressMade {
                unit,
                progress_percentage,
                completed_at,
                occurred_at,
                ..
            } => {
                let progress = ProgressFact {
                    unit: *unit,
                    progress_percentage: *progress_percentage,
                    completed_at: *completed_at,
                };
                Some(fact(What::Progress(progress), *occurred_at))
            }
            _ => None,
        }
    }
}

impl Fact {
    /// Whether it counts: whatever was taken back does not.
    #[must_use]
    pub const fn counts(&self) -> bool {
        !matches!(self.what, What::Award(AwardFact { is_reversed: true, .. }))
    }

    /// The score, if this is a quiz with one.
    #[must_use]
    pub const fn quiz(&self) -> Option<(AwardFact, f64)> {
        match self.what {
            What::Award(
                award @ AwardFact {
                    action: Action::CompleteQuiz,
                    score: Some(score),
                    ..
                },
            ) => Some((award, score)),
            _ => None,
        }
    }
}
