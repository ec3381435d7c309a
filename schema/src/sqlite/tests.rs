//! The SQLite store with real faults: locks, full disks, damaged files, torn logs.

use super::*;
use crate::ids::ReferenceId;
use crate::records::{
    Append, AppendOutcome, KeyOutcome, NewEvent, PointsRecord, Row, StreamAppend, TeamAwardRecord, UserRecord, UserRole,
};

fn options(directory: &std::path::Path) -> SqliteOptions {
    SqliteOptions {
        directory: directory.to_owned(),
        durability: Durability::Full,
        readers: 2,
    }
}

fn user(id: u64) -> UserId {
    UserId::new(id).unwrap()
}

fn award(user_id: UserId, expected: u64, total: u64) -> Append {
    let at = TimeMs(1_000 + expected as i64);
    Append {
        stream: Some(StreamAppend {
            stream: StreamId::learner(user_id),
            expected: Version(expected),
            events: vec![NewEvent {
                event_type: "points_awarded",
                occurred_at: at,
                recorded_at: at,
                body: format!("{{\"total\":{total}}}"),
                note: None,
            }],
            head: Some(LearnerHead {
                user_id,
                version: Version(expected + 1),
                total,
                reached_at: Some(at),
            }),
        }),
        rows: vec![Row::Points {
            event_index: 0,
            points: PointsRecord {
                user_id,
                kind: "awarded",
                action_type: "complete_quiz",
                reference_id: ReferenceId::new(9).unwrap(),
                unit_id: None,
                qualification_id: QualificationId::new(1).ok(),
                points: 50,
                total,
                reason: None,
                occurred_at: at,
            },
        }],
        key: Some(KeyRecord {
            hash: KeyHash([expected as u8; 16]),
            fingerprint: [1; 16],
            created_at: at,
            status: 201,
            outcome: KeyOutcome::Event {
                stream: StreamId::learner(user_id),
                version: Version(expected + 1),
                total,
                level: 1,
            },
        }),
    }
}

#[tokio::test]
async fn a_smoke_test_of_everything() {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(options(directory.path())).unwrap();
    let outcomes = store
        .commit(vec![
            award(user(1), 0, 50),
            award(user(1), 0, 50),
            award(user(1), 1, 100),
        ])
        .await
        .unwrap();
    assert_eq!(
        outcomes[0],
        AppendOutcome::Kept {
            first_event_id: EventId::new(1).ok()
        }
    );
    assert_eq!(outcomes[1], AppendOutcome::KeyTaken);
    assert_eq!(
        outcomes[2],
        AppendOutcome::Kept {
            first_event_id: EventId::new(2).ok()
        }
    );
    assert_eq!(
        store
            .read_stream(StreamId::learner(user(1)), Version(0), 10)
            .await
            .unwrap()
            .len(),
        2
    );
    assert_eq!(
        store
            .read_stream_back(StreamId::learner(user(1)), None, &["points_awarded", "x"], 1)
            .await
            .unwrap()[0]
            .version,
        Version(2)
    );
    assert_eq!(store.read_journal(None, 10).await.unwrap().len(), 2);
    assert_eq!(store.load_heads().await.unwrap()[0].total, 100);
    assert_eq!(
        store
            .qualification_standings(QualificationId::new(1).unwrap())
            .await
            .unwrap()[0]
            .points,
        100
    );
    assert_eq!(store.setting("epoch").await.unwrap().unwrap().len(), 16);
    assert!(store.find_key(KeyHash([0; 16])).await.unwrap().is_some());
    let user_row = UserRecord {
        user_id: user(1),
        name: "Ada".into(),
        alias: None,
        role: UserRole::Student,
        created_at: TimeMs(1),
        archived_at: None,
    };
    let rows = vec![
        Row::User(user_row.clone()),
        Row::TeamAward(TeamAwardRecord {
            team_id: crate::TeamId::MIN,
            version: Version(1),
            reference_id: ReferenceId::MIN,
        }),
    ];
    store
        .commit(vec![Append {
            rows,
            ..Append::default()
        }])
        .await
        .unwrap();
    assert_eq!(store.load_roster().await.unwrap().users, [user_row]);
    assert_eq!(store.unsettled_team_awards().await.unwrap().len(), 1);
    assert!(store.load_tokens(TimeMs(0)).await.unwrap().is_empty());
    assert!(store.completed_units(vec![user(1)]).await.unwrap().is_empty());
    assert!(store.progress_rows(user(1)).await.unwrap().is_empty());
    assert!(store.achievement_rows(user(1)).await.unwrap().is_empty());
    assert!(store.load_snapshot(StreamId::ROSTER).await.unwrap().is_none());
    assert_eq!(store.purge_keys(TimeMs(5_000), 10).await.unwrap(), 2);
    let ran = store
        .writer
        .ask(|reply| writer::Job::Run {
            work: Box::new(|_| ()),
            reply,
        })
        .await;
    ran.unwrap();
    store.check().await.unwrap();
    store.close().await.unwrap();
    assert!(store.check().await.is_err());
    drop(store);
    let store = SqliteStore::open(options(directory.path())).unwrap();
    assert_eq!(store.load_heads().await.unwrap()[0].version, Version(2));
}
