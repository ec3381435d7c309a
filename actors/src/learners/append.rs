//! One decision as the store keeps it: events, projection rows, the head, and what it means for boards and teams. Pure.

use crate::domain::Learner;
use crate::domain::achievements::{Reached, Tier};
use crate::domain::board::Score;
use crate::domain::carried::CarriedEntry;
use crate::domain::event::{EventMeta, LearnerEvent};
use crate::domain::learner::{AwardStanding, ReceiptKey};
use crate::journal::{EvidenceChange, LearnerChange, LedgerChange, Unlocked};
use homeroom_schema::records::{
    AchievementRecord, Append, AuditRecord, KeyRecord, LearnerHead, LedgerRow, NewEvent, PointPartRecord, PointsRecord,
    ProgressRecord, Row, StreamAppend, StreamId,
};
use homeroom_schema::{EventId, QualificationId, ReferenceId, TeamId, TimeMs, UnitId, UserId, Version};
use std::collections::BTreeMap;

/// What is common to the facts of one command.
pub(crate) struct Recording {
    /// When the node took it in.
    pub(crate) recorded_at: TimeMs,
    /// The reason in words, kept beside the first fact.
    pub(crate) note: Option<String>,
    /// The entry of the audit log.
    pub(crate) audit: Option<AuditRecord>,
    /// The caller's key.
    pub(crate) key: Option<KeyRecord>,
}

/// The append of facts that brought a learner from version `expected` to the state `after`.
pub(crate) fn append(after: &Learner, expected: Version, events: &[LearnerEvent], recording: Recording) -> Append {
    let Recording {
        recorded_at,
        mut note,
        audit,
        key,
    } = recording;
    let mut rows = Vec::with_capacity(events.len());
    let mut new_events = Vec::with_capacity(events.len());
    for (index, event) in events.iter().enumerate() {
        rows.extend(rows_of(after.user_id, index, event));
        new_events.push(NewEvent {
            event_type: event.event_type(),
            occurred_at: event.occurred_at(),
            recorded_at,
            body: serde_json::to_string(event).expect("a fact has string keys and finite numbers, so it is JSON"),
            note: note.take(),
        });
    }
    rows.extend(audit.map(Row::Audit));
    let head = LearnerHead {
        user_id: after.user_id,
        version: after.version,
        total: after.total,
        reached_at: after.reached_at,
    };
    Append {
        stream: Some(StreamAppend {
            stream: StreamId::learner(after.user_id),
            expected,
            // Without events the head stays as it is; only the version is checked.
            head: (!new_events.is_empty()).then_some(head),
            events: new_events,
        }),
        rows,
        key,
    }
}

/// The rows of the tables that a fact makes: its entry of the ledger first, if it is one.
pub(crate) fn rows_of(user_id: UserId, event_index: usize, event: &LearnerEvent) -> Vec<Row> {
    match event {
        LearnerEvent::ProgressMade {
            unit,
            progress_percentage,
            last_accessed,
            completed_at,
            ..
        } => vec![Row::Progress(ProgressRecord {
            user_id,
            unit_id: *unit,
            progress_percentage: *progress_percentage,
            last_accessed: *last_accessed,
            completed_at: *completed_at,
        })],
        LearnerEvent::AchievementUnlocked {
            achievement,
            tier,
            data,
            occurred_at,
            ..
        } => vec![achievement_row(user_id, achievement, *tier, *occurred_at, data)],
        LearnerEvent::PointsAdjusted {
            given, revoked, parts, ..
        } => {
            let revoked = revoked.iter().map(|(achievement, tier)| Row::AchievementRevoked {
                user_id,
                achievement_type: achievement.clone(),
                tier: tier.as_str().to_owned(),
            });
            let given = given
                .iter()
                .map(|given| achievement_row(user_id, &given.achievement, given.tier, given.earned_at, &given.data));
            let entry = ledger_row(user_id, event_index, event);
            let parts = parts.iter().enumerate().map(|(part, moved)| Row::PointPart {
                event_index,
                part,
                record: PointPartRecord {
                    occurred_at: moved.occurred_at,
                    qualification_id: moved.qualification,
                    points: moved.points,
                },
            });
            entry.into_iter().chain(parts).chain(revoked).chain(given).collect()
        }
        _ => {
            let evidence = EvidenceChange::of(event);
            let rows = evidence.iter().flat_map(|evidence| evidence.rows(user_id));
            ledger_row(user_id, event_index, event)
                .into_iter()
                .chain(rows)
                .collect()
        }
    }
}

fn achievement_row(
    user_id: UserId,
    achievement: &str,
    tier: Tier,
    earned_at: TimeMs,
    data: &BTreeMap<String, Reached>,
) -> Row {
    Row::Achievement(AchievementRecord {
        user_id,
        achievement_type: achievement.to_owned(),
        tier: tier.as_str().to_owned(),
        earned_at,
        achievement_data: serde_json::to_string(data).expect("finite numbers under text keys are JSON"),
    })
}

/// The entry of the ledger that a fact makes.
fn ledger_row(user_id: UserId, event_index: usize, event: &LearnerEvent) -> Option<Row> {
    let entry = Entry::of(event)?;
    let points = PointsRecord {
        user_id,
        kind: entry.kind,
        action_type: entry.action_type,
        reference_id: entry.reference,
        unit_id: entry.unit,
        qualification_id: entry.qualification,
        points: entry.points,
        total: entry.total,
        reason: entry.reason,
        occurred_at: event.occurred_at(),
    };
    Some(Row::Points { event_index, points })
}

/// The entries of the ledger that a carried state has, in places of entries that were purged.
pub(crate) fn carried_rows(user_id: UserId, event: &LearnerEvent) -> Vec<LedgerRow> {
    let LearnerEvent::StateCarried { state, entries, .. } = event else {
        return Vec::new();
    };
    let row = |entry: &CarriedEntry| LedgerRow {
        event_id: entry.event_id,
        user_id,
        kind: "carried".to_owned(),
        action_type: "carried".to_owned(),
        reference_id: ReferenceId::MIN,
        unit_id: None,
        qualification_id: entry.qualification,
        points: entry.points,
        total: state.total,
        reason: None,
        occurred_at: entry.occurred_at,
    };
    entries.iter().map(row).collect()
}

/// What all entries of the ledger have.
struct Entry {
    kind: &'static str,
    action_type: &'static str,
    reference: ReferenceId,
    unit: Option<UnitId>,
    qualification: Option<QualificationId>,
    points: i64,
    total: u64,
    reason: Option<&'static str>,
}

impl Entry {
    fn of(event: &LearnerEvent) -> Option<Self> {
        let (kind, sign) = match event {
            LearnerEvent::PointsReversed { .. } => ("reversed", -1),
            LearnerEvent::PointsReinstated { .. } => ("reinstated", 1),
            _ => ("awarded", 1),
        };
        match event {
            LearnerEvent::PointsRefused {
                action,
                reference,
                reason,
                total,
                ..
            } => Some(Self {
                kind: "refused",
                action_type: action.as_str(),
                reference: *reference,
                unit: None,
                qualification: None,
                points: 0,
                total: *total,
                reason: Some(reason.as_str()),
            }),
            LearnerEvent::PointsAwarded {
                action,
                reference,
                unit,
                qualification,
                points,
                total,
                ..
            }
            | LearnerEvent::PointsReversed {
                action,
                reference,
                unit,
                qualification,
                points,
                total,
                ..
            }
            | LearnerEvent::PointsReinstated {
                action,
                reference,
                unit,
                qualification,
                points,
                total,
                ..
            } => Some(Self {
                kind,
                action_type: action.as_str(),
                reference: *reference,
                unit: *unit,
                qualification: *qualification,
                points: sign * i64::from(*points),
                total: *total,
                reason: None,
            }),
            // What it is about is the act, by its number.
            LearnerEvent::PointsAdjusted { act, points, total, .. } => Some(Self {
                kind: "adjusted",
                action_type: "rules_applied",
                reference: ReferenceId::new(u64::from(*act)).unwrap_or(ReferenceId::MIN),
                unit: None,
                qualification: None,
                points: *points,
                total: *total,
                reason: None,
            }),
            LearnerEvent::StateCarried { .. }
            | LearnerEvent::AchievementUnlocked { .. }
            | LearnerEvent::ProgressMade { .. } => None,
        }
    }
}

/// Gathers what facts mean for boards and teams: absolute values of the state after the last of them.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    score_changed: bool,
    qualifications: Vec<QualificationId>,
    completed: Vec<(UnitId, TimeMs)>,
    evidence: Vec<EvidenceChange>,
    entries: Vec<LedgerChange>,
    unlocked: Vec<Unlocked>,
}

impl Changes {
    /// Notes a fact, given the state before it.
    pub(crate) fn note(&mut self, before: &Learner, event: &LearnerEvent) {
        self.evidence.extend(EvidenceChange::of(event));
        match event {
            LearnerEvent::PointsAwarded {
                qualification,
                teams,
                points,
                occurred_at,
                ..
            }
            | LearnerEvent::PointsReinstated {
                qualification,
                teams,
                points,
                occurred_at,
                ..
            } => self.entry(*occurred_at, i64::from(*points), *qualification, teams, true),
            LearnerEvent::PointsReversed {
                qualification,
                teams,
                points,
                occurred_at,
                ..
            } => self.entry(*occurred_at, -i64::from(*points), *qualification, teams, true),
            LearnerEvent::PointsAdjusted { parts, teams, .. } => {
                for part in parts {
                    self.entry(part.occurred_at, part.points, part.qualification, teams, false);
                }
            }
            LearnerEvent::ProgressMade { unit, completed_at, .. } => {
                let was = before.units.get(unit).and_then(|unit| unit.completed_at);
                let now = completed_at.filter(|_| was.is_none());
                self.completed.extend(now.map(|at| (*unit, at)));
            }
            LearnerEvent::AchievementUnlocked {
                achievement,
                tier,
                occurred_at,
                ..
            } => self.unlocked.push(Unlocked {
                achievement: achievement.clone(),
                tier: *tier,
                earned_at: *occurred_at,
            }),
            LearnerEvent::PointsRefused { .. } | LearnerEvent::StateCarried { .. } => {}
        }
    }

    fn entry(
        &mut self,
        occurred_at: TimeMs,
        points: i64,
        qualification: Option<QualificationId>,
        teams: &[TeamId],
        moves_reached_at: bool,
    ) {
        self.score_changed = true;
        let new = qualification.filter(|id| !self.qualifications.contains(id));
        self.qualifications.extend(new);
        if points != 0 {
            self.entries.push(LedgerChange {
                occurred_at,
                points,
                qualification,
                teams: teams.to_vec(),
                moves_reached_at,
            });
        }
    }

    /// The change, given the state after the last fact; none if it means nothing to boards and teams.
    pub(crate) fn into_change(self, after: &Learner, event_id: EventId) -> Option<LearnerChange> {
        if !self.score_changed && self.completed.is_empty() && self.unlocked.is_empty() {
            return None;
        }
        let qualification = |id: QualificationId| {
            let score = after.qualifications.get(&id).map(|points| Score {
                points: points.points,
                reached_at: Some(points.reached_at),
            });
            (id, score.unwrap_or_default())
        };
        Some(LearnerChange {
            user_id: after.user_id,
            version: after.version,
            event_id,
            score: self.score_changed.then_some(Score {
                points: after.total,
                reached_at: after.reached_at,
            }),
            qualifications: self.qualifications.into_iter().map(qualification).collect(),
            completed: self.completed,
            evidence: self.evidence,
            entries: self.entries,
            unlocked: self.unlocked,
        })
    }
}

/// Gives a state that folded a fact while it was pending the id under which it was kept.
pub(crate) fn confirm(decided: &mut Learner, event: &LearnerEvent, meta: EventMeta) {
    match event {
        LearnerEvent::PointsAwarded { action, reference, .. } => {
            if let Some(award) = decided.awards.get_mut(&(*action, *reference)) {
                award.event_id = meta.event_id;
            }
        }
        LearnerEvent::PointsRefused {
            action,
            reference,
            reason,
            day,
            ..
        } => {
            let key = ReceiptKey {
                action: *action,
                reference: *reference,
                reason: *reason,
                day: *day,
            };
            if let Some(receipt) = decided.receipts.get_mut(&key) {
                receipt.event_id = meta.event_id;
            }
        }
        LearnerEvent::PointsReversed { action, reference, .. } => {
            let award = decided.awards.get_mut(&(*action, *reference));
            if let Some(AwardStanding::Reversed { by, .. }) = award.map(|award| &mut award.standing) {
                *by = meta.event_id;
            }
        }
        LearnerEvent::PointsReinstated { .. }
        | LearnerEvent::PointsAdjusted { .. }
        | LearnerEvent::AchievementUnlocked { .. }
        | LearnerEvent::StateCarried { .. }
        | LearnerEvent::ProgressMade { .. } => {}
    }
}
