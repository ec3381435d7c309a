//! People, teams, the catalogue, tokens and settings.

use super::sample::{qualification_id, rows, student, team, team_id, tick, unit_id, user_id};
use super::{Engine, must, some};
use crate::ids::{TimeMs, TokenId, Version};
use crate::limits::PIN_HASH_CHARS_MAX;
use crate::records::{
    EnrolmentRecord, MemberRecord, PinRecord, PreferenceRecord, QualificationRecord, RosterRecords, Row, StreamId,
    TeamRecord, TokenRecord, TokenRole, UnitRecord, UserRecord, UserRole,
};
use crate::store::{Store, StoreError};

/// One of everything, archived and not, odd names included.
fn everything() -> RosterRecords {
    let long: String = "ü".repeat(200);
    let mentor = UserRecord {
        role: UserRole::Mentor,
        alias: Some("Owl".to_owned()),
        ..student(2)
    };
    let staff = UserRecord {
        role: UserRole::Staff,
        name: long,
        archived_at: Some(TimeMs(99)),
        ..student(3)
    };
    let qualification = |number, archived_at| QualificationRecord {
        qualification_id: qualification_id(number),
        name: format!("Maths '{number}'"),
        created_at: TimeMs(1),
        archived_at,
    };
    let unit = |number, qualification: Option<u64>, skills: &[&str]| UnitRecord {
        unit_id: unit_id(number),
        title: "Fractions; DROP TABLE units".to_owned(),
        qualification_id: qualification.map(qualification_id),
        skills: skills.iter().map(|skill| (*skill).to_owned()).collect(),
        created_at: TimeMs(4),
        archived_at: (number == 2).then_some(TimeMs(8)),
    };
    RosterRecords {
        version: Version::ZERO,
        last_event_id: None,
        users: vec![student(1), mentor, staff],
        qualifications: vec![qualification(1, None), qualification(2, Some(TimeMs(5)))],
        units: vec![
            unit(1, Some(1), &["fractions", "say \"one half\"", "日本"]),
            unit(2, None, &[]),
        ],
        teams: vec![
            TeamRecord {
                mentor_id: Some(user_id(2)),
                ..team(1)
            },
            TeamRecord {
                archived_at: Some(TimeMs(6)),
                ..team(2)
            },
        ],
        members: vec![
            MemberRecord {
                team_id: team_id(1),
                user_id: user_id(1),
                role: Some("captain".into()),
                joined_at: TimeMs(3),
            },
            MemberRecord {
                team_id: team_id(2),
                user_id: user_id(1),
                role: None,
                joined_at: TimeMs(4),
            },
        ],
        enrolments: vec![EnrolmentRecord {
            qualification_id: qualification_id(1),
            user_id: user_id(1),
            enrolled_at: TimeMs(9),
        }],
        preferences: vec![
            PreferenceRecord {
                user_id: user_id(1),
                on_boards: false,
                own_change_at: Some(TimeMs(10)),
            },
            PreferenceRecord {
                user_id: user_id(2),
                on_boards: true,
                own_change_at: None,
            },
        ],
    }
}

fn as_rows(records: RosterRecords) -> Vec<Row> {
    let RosterRecords {
        users,
        qualifications,
        units,
        teams,
        members,
        enrolments,
        preferences,
        ..
    } = records;
    let mut rows: Vec<Row> = users.into_iter().map(Row::User).collect();
    rows.extend(qualifications.into_iter().map(Row::Qualification));
    rows.extend(units.into_iter().map(Row::Unit));
    rows.extend(teams.into_iter().map(Row::Team));
    rows.extend(members.into_iter().map(Row::Member));
    rows.extend(enrolments.into_iter().map(Row::Enrolment));
    rows.extend(preferences.into_iter().map(Row::Preference));
    rows
}

/// Everything as it was written, by id; and again after each of it was changed.
pub async fn the_roster_comes_back_whole(engine: &dyn Engine) {
    let store = engine.fresh().await;
    assert_eq!(must(store.load_roster().await), RosterRecords::default());
    let mut records = everything();
    must(store.commit(vec![rows(as_rows(records.clone()))]).await);
    assert_eq!(must(store.load_roster().await), records);

    records
        .users
        .iter_mut()
        .for_each(|user| user.alias = Some(format!("{} again", user.user_id)));
    records.users[2].archived_at = None;
    records.preferences[0].on_boards = true;
    records.qualifications[0].archived_at = Some(TimeMs(77));
    records.units[1].qualification_id = Some(qualification_id(2));
    records.units[0].skills.clear();
    records.teams[0].mentor_id = None;
    records.members[0].role = None;
    must(store.commit(vec![rows(as_rows(records.clone()))]).await);
    assert_eq!(must(store.load_roster().await), records);
}

/// Members, mentors, enrolments, units and tokens of nobody: the batch is refused whole.
pub async fn a_row_that_names_nobody_refuses_the_batch(engine: &dyn Engine) {
    let store = engine.fresh().await;
    let all = everything();
    let strays = [
        Row::Unit(all.units[0].clone()),
        Row::Team(all.teams[0].clone()),
        Row::Member(all.members[0].clone()),
        Row::Enrolment(all.enrolments[0].clone()),
        Row::Token(token(1, Some(4), None)),
    ];
    for stray in strays {
        let answer = store
            .commit(vec![tick(StreamId::ROSTER, 0, 1), rows(vec![stray])])
            .await;
        assert!(matches!(answer, Err(StoreError::Damaged { .. })), "{answer:?}");
        assert_eq!(must(store.load_roster().await), RosterRecords::default());
    }
    assert_eq!(
        must(store.commit(vec![tick(StreamId::ROSTER, 0, 1)]).await).len(),
        1,
        "the store goes on"
    );
}

/// References are checked when the batch ends.
pub async fn rows_may_come_in_any_order_within_a_batch(engine: &dyn Engine) {
    let store = engine.fresh().await;
    let records = everything();
    let mut backwards = as_rows(records.clone());
    backwards.reverse();
    must(store.commit(vec![rows(backwards)]).await);
    assert_eq!(must(store.load_roster().await), records);
}

/// Removing what is not there is no failure.
pub async fn memberships_and_enrolments_can_be_removed(engine: &dyn Engine) {
    let store = engine.fresh().await;
    must(store.commit(vec![rows(as_rows(everything()))]).await);
    let gone = vec![
        Row::MemberRemoved {
            team_id: team_id(1),
            user_id: user_id(1),
        },
        Row::MemberRemoved {
            team_id: team_id(1),
            user_id: user_id(9),
        },
        Row::EnrolmentRemoved {
            qualification_id: qualification_id(1),
            user_id: user_id(1),
        },
        Row::EnrolmentRemoved {
            qualification_id: qualification_id(2),
            user_id: user_id(1),
        },
    ];
    must(store.commit(vec![rows(gone)]).await);
    let left = must(store.load_roster().await);
    assert_eq!(left.members, everything().members[1..]);
    assert!(left.enrolments.is_empty());
}

fn token(number: u64, user: Option<u64>, expires_at: Option<i64>) -> TokenRecord {
    TokenRecord {
        token_id: must(TokenId::new(number)),
        hash: [number as u8; 32],
        role: if user.is_some() {
            TokenRole::Student
        } else {
            TokenRole::Admin
        },
        user_id: user.map(user_id),
        label: user.map(|user| format!("laptop of {user}")),
        created_at: TimeMs(1),
        expires_at: expires_at.map(TimeMs),
        revoked_at: None,
    }
}

/// Neither ended nor revoked ones.
pub async fn tokens_in_force_are_loaded(engine: &dyn Engine) {
    let store = engine.fresh().await;
    let tokens = [
        token(1, None, None),
        token(2, Some(1), Some(100)),
        token(3, Some(1), Some(50)),
        token(4, None, None),
    ];
    let mut batch = vec![Row::User(student(1))];
    batch.extend(tokens.iter().cloned().map(Row::Token));
    must(store.commit(vec![rows(batch)]).await);
    assert_eq!(must(store.load_tokens(TimeMs(10)).await), tokens);
    assert_eq!(must(store.load_tokens(TimeMs(60)).await).len(), 3);
    let revoked = TokenRecord {
        revoked_at: Some(TimeMs(61)),
        ..tokens[3].clone()
    };
    must(store.commit(vec![rows(vec![Row::Token(revoked)])]).await);
    assert_eq!(must(store.load_tokens(TimeMs(62)).await), tokens[..2]);
    assert_eq!(must(store.load_tokens(TimeMs(101)).await), tokens[..1]);
}

/// A new PIN takes the place of the old one; nobody has one whom the roster does not have.
pub async fn a_person_has_one_pin(engine: &dyn Engine) {
    let store = engine.fresh().await;
    assert_eq!(must(store.pin(user_id(1)).await), None);
    for hash in ["first", "second"] {
        let pin = PinRecord {
            user_id: user_id(1),
            hash: hash.repeat(40),
            set_at: TimeMs(7),
        };
        let written = vec![Row::User(student(1)), Row::Pin(pin.clone())];
        must(store.commit(vec![rows(written)]).await);
        assert_eq!(must(store.pin(user_id(1)).await), Some(pin));
    }
    assert_eq!(must(store.pin(user_id(2)).await), None);
    let widest = Row::Pin(PinRecord {
        user_id: user_id(1),
        hash: "x".repeat(PIN_HASH_CHARS_MAX),
        set_at: TimeMs(8),
    });
    must(store.commit(vec![rows(vec![widest])]).await);
    let nobodys = Row::Pin(PinRecord {
        user_id: user_id(9),
        hash: String::new(),
        set_at: TimeMs(9),
    });
    assert!(store.commit(vec![rows(vec![nobodys])]).await.is_err());
}

/// Every store has an epoch and a writer's number from the start.
pub async fn settings_are_kept(engine: &dyn Engine) {
    let store = engine.fresh().await;
    let epoch = some(must(store.setting("epoch").await));
    assert!(
        epoch.len() == 16 && epoch.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{epoch}"
    );
    assert!(some(must(store.setting("writer").await)).parse::<u64>().is_ok());
    assert_eq!(must(store.setting("rules").await), None);
    for value in ["{}", "{\"levels\":[1,2]}"] {
        must(store.commit(vec![rows(vec![setting("rules", value)])]).await);
        assert_eq!(must(store.setting("rules").await).as_deref(), Some(value));
    }
}

fn setting(name: &str, value: &str) -> Row {
    Row::Setting {
        name: name.to_owned(),
        value: value.to_owned(),
    }
}

/// The loaded roster says up to which event it is true.
pub async fn the_roster_stream_has_a_head(engine: &dyn Engine) {
    let store = engine.fresh().await;
    let team = StreamId::team(team_id(1));
    must(
        store
            .commit(vec![
                tick(StreamId::ROSTER, 0, 2),
                tick(team, 0, 1),
                tick(StreamId::ROSTER, 2, 1),
            ])
            .await,
    );
    must(store.commit(vec![tick(team, 1, 4)]).await);
    let roster = must(store.load_roster().await);
    assert_eq!(roster.version, Version(3));
    assert_eq!(roster.last_event_id, last_event_id(store.as_ref()).await);
}

async fn last_event_id(store: &dyn Store) -> Option<crate::ids::EventId> {
    must(store.read_stream(StreamId::ROSTER, Version::ZERO, 10).await)
        .last()
        .map(|event| event.event_id)
}
