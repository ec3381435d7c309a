//! Small appends and records to test stores with: also for the tests of other crates. Made up, but of realistic shape.

use super::must;
use crate::ids::{QualificationId, ReferenceId, TeamId, TimeMs, UnitId, UserId, Version};
use crate::records::{
    Append, KeyHash, KeyOutcome, KeyRecord, LearnerHead, NewEvent, PointsRecord, ProgressRecord, QualificationRecord,
    Row, StreamAppend, StreamId, TeamRecord, UnitRecord, UserRecord, UserRole,
};

/// The person with this id.
#[must_use]
pub fn user_id(number: u64) -> UserId {
    must(UserId::new(number))
}

/// The team with this id.
#[must_use]
pub fn team_id(number: u64) -> TeamId {
    must(TeamId::new(number))
}

/// The unit with this id.
#[must_use]
pub fn unit_id(number: u64) -> UnitId {
    must(UnitId::new(number))
}

/// The qualification with this id.
#[must_use]
pub fn qualification_id(number: u64) -> QualificationId {
    must(QualificationId::new(number))
}

/// The reference with this id.
#[must_use]
pub fn reference_id(number: u64) -> ReferenceId {
    must(ReferenceId::new(number))
}

/// A key that depends on the number alone, scattered like a real hash.
#[must_use]
pub fn key_hash(number: u64) -> KeyHash {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(number.to_le_bytes());
    let mut hash = [0; 16];
    hash.copy_from_slice(&digest[..16]);
    KeyHash(hash)
}

/// A used key whose answer is a body.
#[must_use]
pub fn key(number: u64, created_at: TimeMs) -> KeyRecord {
    let outcome = KeyOutcome::Body(format!("{{\"answer\":{number}}}"));
    KeyRecord {
        hash: key_hash(number),
        fingerprint: key_hash(number + 1_000_000).0,
        created_at,
        about: None,
        status: 201,
        outcome,
    }
}

/// An event with a body that says `number`.
#[must_use]
pub fn event(event_type: &'static str, number: u64) -> NewEvent {
    NewEvent {
        event_type,
        occurred_at: TimeMs(1_700_000_000_000 + number.cast_signed()),
        recorded_at: TimeMs(1_700_000_000_500 + number.cast_signed()),
        body: format!("{{\"number\":{number}}}"),
        note: None,
    }
}

/// Events for a stream, without rows or key. A learner's total becomes the new version.
#[must_use]
pub fn append(stream: StreamId, expected: u64, events: Vec<NewEvent>) -> Append {
    let version = Version(expected).plus(events.len() as u64);
    let head = UserId::new(stream.id)
        .ok()
        .filter(|user_id| stream == StreamId::learner(*user_id))
        .map(|user_id| {
            let reached_at = events.last().map(|event| event.occurred_at);
            LearnerHead {
                user_id,
                version,
                total: version.0,
                reached_at,
            }
        });
    let stream = StreamAppend {
        stream,
        expected: Version(expected),
        events,
        head,
    };
    Append {
        stream: Some(stream),
        rows: Vec::new(),
        key: None,
    }
}

/// A stream's next `events` events.
#[must_use]
pub fn tick(stream: StreamId, expected: u64, events: u64) -> Append {
    append(
        stream,
        expected,
        (1..=events).map(|number| event("ticked", expected + number)).collect(),
    )
}

/// Rows alone.
#[must_use]
pub fn rows(rows: Vec<Row>) -> Append {
    Append {
        stream: None,
        rows,
        key: None,
    }
}

/// One entry of a learner's ledger with its event, as the engine writes it: about 250 bytes of JSON, a row, and the head.
#[must_use]
pub fn award(user: u64, expected: u64, points: i64, total: u64, qualification: Option<u64>) -> Append {
    let user_id = user_id(user);
    let at = TimeMs(1_700_000_000_000 + (expected * 1_000 + user % 1_000).cast_signed());
    let reference = 100_000 + expected;
    let unit = expected % 20 + 1;
    let body = format!(
        "{{\"action_type\":\"complete_quiz\",\"reference_id\":{reference},\"unit_id\":{unit},\
         \"qualification_id\":{},\"points\":{points},\"total\":{total},\"level\":1,\"teams\":[{},{}],\
         \"evidence\":{{\"score\":0.875,\"duration_ms\":183000}},\"rules_version\":1,\"mastery\":[[\"fractions\",0.62]],\
         \"streak_days\":4}}",
        qualification.unwrap_or(0),
        user % 97 + 1,
        user % 31 + 200,
    );
    let event = NewEvent {
        event_type: "points_awarded",
        occurred_at: at,
        recorded_at: at,
        body,
        note: None,
    };
    let entry = PointsRecord {
        user_id,
        kind: if points < 0 { "reversed" } else { "awarded" },
        action_type: "complete_quiz",
        reference_id: reference_id(reference),
        unit_id: Some(unit_id(unit)),
        qualification_id: qualification.map(qualification_id),
        points,
        total,
        reason: None,
        occurred_at: at,
    };
    let head = LearnerHead {
        user_id,
        version: Version(expected + 1),
        total,
        reached_at: Some(at),
    };
    let stream = StreamAppend {
        stream: StreamId::learner(user_id),
        expected: Version(expected),
        events: vec![event],
        head: Some(head),
    };
    Append {
        stream: Some(stream),
        rows: vec![Row::Points {
            event_index: 0,
            points: entry,
        }],
        key: None,
    }
}

/// A small school without events: students 1 to 60, and teams, qualifications and units 1 to 20.
#[must_use]
pub fn school() -> Append {
    let mut all: Vec<Row> = (1..=60).map(|user| Row::User(student(user))).collect();
    for number in 1..=20 {
        all.push(Row::Team(team(number)));
        all.push(Row::Qualification(QualificationRecord {
            qualification_id: qualification_id(number),
            name: format!("Qualification {number}"),
            created_at: TimeMs(1),
            archived_at: None,
        }));
        all.push(Row::Unit(UnitRecord {
            unit_id: unit_id(number),
            title: format!("Unit {number}"),
            qualification_id: None,
            skills: Vec::new(),
            created_at: TimeMs(1),
            archived_at: None,
        }));
    }
    rows(all)
}

/// A student.
#[must_use]
pub fn student(number: u64) -> UserRecord {
    UserRecord {
        user_id: user_id(number),
        name: format!("Student {number}"),
        alias: None,
        role: UserRole::Student,
        created_at: TimeMs(number.cast_signed()),
        archived_at: None,
        erased_at: None,
    }
}

/// A team without a mentor.
#[must_use]
pub fn team(number: u64) -> TeamRecord {
    TeamRecord {
        team_id: team_id(number),
        name: format!("Team {number}"),
        mentor_id: None,
        created_at: TimeMs(number.cast_signed()),
        archived_at: None,
    }
}

/// Progress in one unit, completed at `completed_at` if that is given.
#[must_use]
pub fn progress(user: u64, unit: u64, percentage: u8, completed_at: Option<i64>) -> ProgressRecord {
    ProgressRecord {
        user_id: user_id(user),
        unit_id: unit_id(unit),
        progress_percentage: percentage,
        last_accessed: TimeMs(completed_at.unwrap_or(7)),
        completed_at: completed_at.map(TimeMs),
    }
}
