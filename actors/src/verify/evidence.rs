//! What evidence comes to, made from the streams alone, beside what is kept: resources, times of quizzes, results and
//! achievements. Memory: one entry for each resource and each time of a quiz.

use super::Findings;
use crate::domain::LearnerEvent;
use crate::domain::action::Action;
use crate::domain::learner::Learner;
use crate::domain::skills::{OpportunityKind, opportunities};
use crate::journal::EvidenceChange;
use homeroom_schema::records::{QuizTimeRecord, ResourceRecord, ResultRecord};
use homeroom_schema::sqlite::DatabaseFile;
use homeroom_schema::{ReferenceId, StoreError, UserId};
use std::collections::BTreeMap;

/// Sums over all streams looked at so far.
#[derive(Default)]
pub(super) struct Sums {
    resources: BTreeMap<(UserId, ReferenceId), ResourceRecord>,
    times: BTreeMap<(ReferenceId, u64), i64>,
    // Awards with evidence of the stream that is being folded.
    awards: Vec<EvidenceChange>,
    // A history was purged: what its awards came to is kept in the sums alone.
    is_purged: bool,
}

impl Sums {
    /// Remembers what an award of the present stream was given for.
    pub(super) fn note(&mut self, event: &LearnerEvent) {
        self.is_purged |= matches!(event, LearnerEvent::StateCarried { .. });
        if matches!(event, LearnerEvent::PointsAwarded { .. }) {
            self.awards.extend(EvidenceChange::of(event));
        }
    }

    /// The present stream is folded, or given up: counts the evidence of those of its awards that count in the end.
    pub(super) fn fold(&mut self, learner: Option<&Learner>) {
        for award in std::mem::take(&mut self.awards) {
            let Some(learner) = learner.filter(|learner| counts(learner, award.action, award.reference)) else {
                continue;
            };
            if let Some(added) = award.resource(learner.user_id) {
                let key = (added.contributor_id, added.reference_id);
                let none = ResourceRecord::none(key.0, key.1);
                self.resources.entry(key).or_insert(none).add(&added);
            }
            if let Some(time) = award.quiz_time() {
                *self.times.entry((time.reference_id, time.bucket_ms)).or_default() += time.n;
            }
        }
    }

    /// Compares with what is kept. Sums that are all 0 are as good as none. After a purge there may be more than the journal
    /// says, never less.
    pub(super) fn compare(mut self, file: &DatabaseFile, findings: &mut Findings) -> Result<(), StoreError> {
        let kept = file.evidence_sums()?;
        for row in kept.resources {
            let key = (row.contributor_id, row.reference_id);
            let made = self
                .resources
                .remove(&key)
                .unwrap_or(ResourceRecord::none(key.0, key.1));
            if made != row && !(self.is_purged && is_part(&made, &row)) {
                let (person, reference) = key;
                findings.note(format!(
                    "resource {reference} of person {person} differs from the journal"
                ));
            }
        }
        for (person, reference) in self.resources.keys() {
            findings.note(format!("resource {reference} of person {person} is not kept"));
        }
        for QuizTimeRecord {
            reference_id,
            bucket_ms,
            n,
        } in kept.quiz_times
        {
            let made = self.times.remove(&(reference_id, bucket_ms)).unwrap_or(0);
            if made != n && !(self.is_purged && made < n) {
                findings.note(format!("the times of quiz {reference_id} differ from the journal"));
            }
        }
        for (reference, _) in self.times.keys() {
            findings.note(format!("times of quiz {reference} are not kept"));
        }
        Ok(())
    }
}

/// The results and achievements that a learner's stream makes are those that are kept.
pub(super) fn compare(file: &DatabaseFile, learner: &Learner, findings: &mut Findings) -> Result<(), StoreError> {
    let user_id = learner.user_id;
    let made = opportunities(learner).into_iter().filter_map(|one| match one.kind {
        OpportunityKind::Quiz { reference, score } => Some(ResultRecord {
            user_id,
            reference_id: reference,
            unit_id: one.unit,
            score,
            occurred_at: one.at,
        }),
        OpportunityKind::Completed => None,
    });
    if file.results(user_id)? != made.collect::<Vec<_>>() {
        findings.note(format!("the results of person {user_id} differ from their stream"));
    }
    let kept = file.achievements(user_id)?;
    let made = &learner.achievements;
    let agrees = kept.len() == made.len()
        && kept.iter().all(|row| {
            let mut same = made
                .iter()
                .filter(|((kind, tier), _)| *kind == row.achievement_type && tier.as_str() == row.tier);
            same.next().is_some_and(|(_, earned)| {
                earned.earned_at == row.earned_at
                    && serde_json::to_string(&earned.data).is_ok_and(|data| data == row.achievement_data)
            })
        });
    if !agrees {
        findings.note(format!("the achievements of person {user_id} differ from their stream"));
    }
    Ok(())
}

/// Whether none of the sums is larger.
fn is_part(one: &ResourceRecord, whole: &ResourceRecord) -> bool {
    let sums = |of: &ResourceRecord| [of.contributed, of.uses, of.ratings, of.rating_sum];
    sums(one).iter().zip(sums(whole)).all(|(part, whole)| *part <= whole)
}

fn counts(learner: &Learner, action: Action, reference: ReferenceId) -> bool {
    learner
        .awards
        .get(&(action, reference))
        .is_some_and(|award| award.counts())
}
