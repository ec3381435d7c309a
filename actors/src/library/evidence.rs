//! What one piece of evidence adds to, or takes from, what is kept of resources, quizzes and results. Pure.

use crate::domain::LearnerEvent;
use crate::domain::action::Action;
use crate::domain::skills::{Opportunity, OpportunityKind};
use crate::journal::EvidenceChange;
use homeroom_schema::UserId;
use homeroom_schema::records::{QuizTimeRecord, ResourceRecord, ResultRecord, Row};

impl EvidenceChange {
    /// The change that a fact makes; none if it makes none. A contribution is evidence by itself.
    pub(crate) fn of(event: &LearnerEvent) -> Option<Self> {
        let (LearnerEvent::PointsAwarded {
            action,
            reference,
            unit,
            evidence,
            occurred_at,
            ..
        }
        | LearnerEvent::PointsReversed {
            action,
            reference,
            unit,
            evidence,
            occurred_at,
            ..
        }
        | LearnerEvent::PointsReinstated {
            action,
            reference,
            unit,
            evidence,
            occurred_at,
            ..
        }) = event
        else {
            return None;
        };
        let matters = match action {
            Action::ReadContent | Action::CommunityFeedback => evidence.resource.is_some(),
            Action::CompleteQuiz => evidence.score.is_some() || evidence.duration_ms.is_some(),
            Action::ContributeResource => true,
            Action::TeamAchievement | Action::ManualAward => false,
        };
        matters.then_some(Self {
            counts: !matches!(event, LearnerEvent::PointsReversed { .. }),
            action: *action,
            reference: *reference,
            unit: *unit,
            evidence: *evidence,
            occurred_at: *occurred_at,
        })
    }

    /// What it adds to a resource. Reading or rating one's own counts for nothing.
    pub(crate) fn resource(&self, user_id: UserId) -> Option<ResourceRecord> {
        let sign = self.sign();
        if self.action == Action::ContributeResource {
            return Some(ResourceRecord {
                contributed: sign,
                ..ResourceRecord::none(user_id, self.reference)
            });
        }
        let resource = self.evidence.resource.filter(|resource| resource.user_id != user_id)?;
        let none = ResourceRecord::none(resource.user_id, resource.reference_id);
        match (self.action, self.evidence.rating) {
            (Action::ReadContent, _) => Some(ResourceRecord { uses: sign, ..none }),
            (Action::CommunityFeedback, Some(rating)) => Some(ResourceRecord {
                ratings: sign,
                rating_sum: sign * i64::from(rating),
                ..none
            }),
            _ => None,
        }
    }

    /// What it adds to the times of a quiz.
    pub(crate) fn quiz_time(&self) -> Option<QuizTimeRecord> {
        let duration_ms = self
            .evidence
            .duration_ms
            .filter(|_| self.action == Action::CompleteQuiz)?;
        Some(QuizTimeRecord {
            reference_id: self.reference,
            bucket_ms: QuizTimeRecord::bucket(duration_ms),
            n: self.sign(),
        })
    }

    /// What it shows of skills, whether it counts or not.
    pub(crate) fn opportunity(&self) -> Option<Opportunity> {
        let score = self.evidence.score.filter(|score| score.is_finite());
        let score = score.filter(|_| self.action == Action::CompleteQuiz)?;
        Some(Opportunity {
            unit: self.unit?,
            at: self.occurred_at,
            kind: OpportunityKind::Quiz {
                reference: self.reference,
                score,
            },
        })
    }

    /// The rows that it changes.
    pub(crate) fn rows(&self, user_id: UserId) -> impl Iterator<Item = Row> {
        let result = self.result(user_id).map(|record| {
            if self.counts {
                Row::Result(record)
            } else {
                Row::ResultRemoved {
                    user_id,
                    reference_id: record.reference_id,
                }
            }
        });
        let resource = self.resource(user_id).map(Row::Resource);
        let quiz_time = self.quiz_time().map(Row::QuizTime);
        [resource, quiz_time, result].into_iter().flatten()
    }

    /// The result in it, whether it counts or not.
    pub(crate) fn result(&self, user_id: UserId) -> Option<ResultRecord> {
        let opportunity = self.opportunity()?;
        let OpportunityKind::Quiz { reference, score } = opportunity.kind else {
            return None;
        };
        Some(ResultRecord {
            user_id,
            reference_id: reference,
            unit_id: opportunity.unit,
            score,
            occurred_at: opportunity.at,
        })
    }

    const fn sign(&self) -> i64 {
        if self.counts { 1 } else { -1 }
    }
}
