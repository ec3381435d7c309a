//! Golden bytes of snapshots, and that whatever is written is read back.

use super::*;
use crate::domain::{EventMeta, Evidence, LearnerEvent, evolve};
use std::collections::BTreeMap;

fn reference(id: u64) -> ReferenceId {
    ReferenceId::new(id).unwrap()
}

/// A learner with one of everything.
fn learner() -> Learner {
    let mut learner = Learner::new(UserId::new(7).unwrap());
    let occurred_at = TimeMs(1_000);
    let quiz = LearnerEvent::PointsAwarded {
        action: Action::CompleteQuiz,
        reference: reference(5),
        unit: Some(UnitId::new(3).unwrap()),
        qualification: Some(QualificationId::new(2).unwrap()),
        teams: vec![],
        evidence: Evidence {
            score: Some(0.5),
            duration_ms: Some(59_999),
            ..Evidence::default()
        },
        points: 50,
        total: 50,
        level: 1,
        qualification_total: Some(50),
        rules: 1,
        bonus_percent: None,
        par_ms: Some(60_000),
        granted_by: None,
        occurred_at,
        day: Some(-1),
    };
    let refused = LearnerEvent::PointsRefused {
        action: Action::CompleteQuiz,
        reference: reference(5),
        reason: RefusalReason::AlreadyAwarded,
        retry_at: None,
        total: 50,
        level: 1,
        rules: Some(1),
        occurred_at,
        day: -1,
    };
    let progress = LearnerEvent::ProgressMade {
        unit: UnitId::new(3).unwrap(),
        progress_percentage: 100,
        last_accessed: TimeMs(1_500),
        completed_at: Some(TimeMs(1_400)),
        occurred_at: TimeMs(1_400),
    };
    let reversed = LearnerEvent::PointsReversed {
        of: EventId::new(11).unwrap(),
        action: Action::CompleteQuiz,
        reference: reference(5),
        unit: Some(UnitId::new(3).unwrap()),
        qualification: Some(QualificationId::new(2).unwrap()),
        teams: vec![],
        evidence: Evidence::default(),
        points: 50,
        total: 0,
        level: 1,
        qualification_total: Some(0),
        rules: Some(1),
        occurred_at,
    };
    let unlocked = LearnerEvent::AchievementUnlocked {
        cause: None,
        achievement: "reader".to_owned(),
        tier: Tier::Silver,
        data: BTreeMap::from([(
            "read_content".to_owned(),
            Reached {
                value: 2.0,
                target: 1.0,
            },
        )]),
        rules: 1,
        occurred_at,
    };
    for (index, event) in (0..).zip([quiz, refused, progress, reversed, unlocked]) {
        let meta = EventMeta {
            event_id: EventId::new(11 + index).unwrap(),
            version: Version(1 + index),
        };
        evolve(&mut learner, &event, meta);
    }
    learner
}

#[test]
fn what_is_written_is_read_back() {
    let learner = learner();
    let record = write(&learner).unwrap();
    assert_eq!(record.version, Version(5));
    assert_eq!(read(learner.user_id, &record).unwrap(), learner);
}

#[test]
fn a_snapshot_of_somebody_else_or_another_version_is_none() {
    let record = write(&learner()).unwrap();
    let other = read(UserId::new(8).unwrap(), &record);
    assert!(matches!(other, Err(Unreadable::Other)));
    let moved = SnapshotRecord {
        version: Version(6),
        ..record
    };
    assert!(matches!(read(UserId::new(7).unwrap(), &moved), Err(Unreadable::Other)));
}

#[test]
fn a_newer_snapshot_is_not_guessed_at() {
    let record = SnapshotRecord {
        stream: StreamId::learner(UserId::new(7).unwrap()),
        version: Version(1),
        bytes: codec::encode(SCHEMA_VERSION + 1, &1_u8).unwrap(),
    };
    let read = read(UserId::new(7).unwrap(), &record);
    assert!(matches!(read, Err(Unreadable::SchemaVersion(3))));
}

/// The bytes of version 2 for ever: a change here means another version, not new bytes in this test.
#[test]
fn version_two_never_changes() {
    let bytes = write(&learner()).unwrap().bytes;
    let hex: String = bytes.iter().skip(16).map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, GOLDEN.concat());
}

const GOLDEN: &[&str] = &[
    // user, version, total, level, reached_at
    "0700000000000000050000000000000000000000000000000100000001e803000000000000",
    // one award
    "01000000000000000205000000000000000b00000000000000320000000100000000000000e803000000000000ffffffff",
    "01030000000000000001020000000000000001000000000000e03f01",
    // reversed
    "010000000e0000000000000032000000",
    // one receipt
    "0100000000000000020500000000000000010c000000000000000200000000000000ffffffff00",
    // one unit
    "0100000000000000030000000000000064dc050000000000000178050000000000000300000000000000",
    // one qualification
    "010000000000000002000000000000000000000000000000e803000000000000",
    // counters
    "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
    "00000000000000000000000000000000",
    // one achievement
    "0100000000000000060000000000000072656164657201e803000000000000",
    "01000000000000000c00000000000000726561645f636f6e74656e740000000000000040000000000000f03f",
];
