//! Team achievements: one fact, every member of that moment once, all durable before the answer, also across a crash.

use crate::support::{self, START_MS, School, achieve, key, reference, settings, team, user};
use homeroom_actors::domain::rules::{AtCap, Cap, CapSpan};
use homeroom_actors::domain::team::TeamEvent;
use homeroom_actors::domain::{Action, RefusalReason};
use homeroom_actors::roster::RosterCommand;
use homeroom_actors::{Clock, EngineError};
use homeroom_schema::limits::CONFLICTS_MAX;
use homeroom_schema::records::{Append, AuditedBy, KeyOutcome, NewEvent, Row, StreamAppend, StreamId, TeamAwardRecord};
use homeroom_schema::{Store, TimeMs, Version};
use std::sync::Arc;
use std::time::Duration;

/// I3: every member is awarded once, whoever reports it and how often.
#[tokio::test]
async fn every_member_of_the_moment_is_awarded_once() {
    let (school, store) = School::in_memory(5).await;
    let engine = &school.engine;
    let first = engine.earn(achieve(2, 1, 7), Some(key(1))).await.unwrap();
    let first = first.outcome().await.unwrap();
    assert_eq!((first.user_id, first.awarded, first.points), (user(2), true, 100));
    for id in 1..=5 {
        assert_eq!(school.total(id).await, 100, "all are durable before the answer");
    }
    assert!(store.unsettled_team_awards().await.unwrap().is_empty());
    let kept = engine.find_key(key(1).hash).await.unwrap().unwrap();
    assert!(matches!(kept.outcome, KeyOutcome::Event { stream, .. } if stream == StreamId::learner(user(2))));

    let again = engine
        .earn(achieve(3, 1, 7), None)
        .await
        .unwrap()
        .outcome()
        .await
        .unwrap();
    assert_eq!((again.user_id, again.awarded, again.total), (user(3), false, 100));
    assert_eq!(
        support::stream(&store, 3).await.len(),
        2,
        "the receipt of the one who asked"
    );
    assert_eq!(support::stream(&store, 4).await.len(), 1, "and nobody else's");
}

/// More members than awards under way at once: all of them are awarded all the same.
#[tokio::test]
async fn a_large_team_is_awarded_in_turns() {
    let (school, store) = School::in_memory(700).await;
    let first = school.engine.earn(achieve(1, 1, 7), None).await.unwrap();
    let second = school.engine.earn(achieve(2, 1, 8), None).await.unwrap();
    assert!(first.outcome().await.unwrap().awarded && second.outcome().await.unwrap().awarded);
    for id in 1..=700 {
        assert_eq!(school.total(id).await, 200);
    }
    assert!(store.unsettled_team_awards().await.unwrap().is_empty());
}

/// Members whom the rules refuse get a receipt; the achievement is settled all the same, and stays so.
#[tokio::test]
async fn a_member_at_the_cap_is_refused_and_the_achievement_is_settled() {
    let mut capped = settings();
    capped.rules.everywhere.caps.push(Cap {
        actions: vec![Action::TeamAchievement, Action::ReadContent],
        points: 105,
        per: CapSpan::Day,
        at_cap: AtCap::Refuse,
    });
    let (school, store) = School::in_memory_with(3, capped).await;
    assert!(school.earn(2, Action::ReadContent, 1).await.unwrap().awarded);
    let first = school.engine.earn(achieve(1, 1, 7), None).await.unwrap();
    assert!(first.outcome().await.unwrap().awarded);
    let totals = [school.total(1).await, school.total(2).await, school.total(3).await];
    assert_eq!(totals, [100, 10, 100]);
    assert!(store.unsettled_team_awards().await.unwrap().is_empty());

    let refused = school.earn(2, Action::TeamAchievement, 8).await;
    assert!(refused.is_err(), "a team achievement names its team: {refused:?}");
    let again = school.engine.earn(achieve(2, 1, 7), None).await.unwrap();
    let again = again.outcome().await.unwrap();
    assert_eq!((again.awarded, again.reason), (false, Some(RefusalReason::CapReached)));
    let midnight = school.clock.day_starts_at(school.clock.local_day(TimeMs(START_MS)) + 1);
    assert_eq!(again.retry_at, Some(midnight));
}

#[tokio::test]
async fn whoever_is_no_member_has_no_part_in_it() {
    let (school, store) = School::in_memory(3).await;
    let engine = &school.engine;
    let stranger = RosterCommand::PutUser {
        create: true,
        user_id: Some(user(9)),
        name: "Nine".into(),
        alias: None,
        role: homeroom_schema::records::UserRole::Student,
    };
    engine
        .change_roster(stranger, None, AuditedBy::default())
        .await
        .unwrap();
    let not_a_member = EngineError::NotAMember {
        team_id: team(1),
        user_id: user(9),
    };
    assert_eq!(
        engine.earn(achieve(9, 1, 7), None).await.err(),
        Some(not_a_member.clone())
    );
    let unknown = engine.earn(achieve(1, 8, 7), None).await.err();
    assert_eq!(unknown, Some(EngineError::UnknownTeam(team(8))));
    assert!(
        store
            .read_stream(StreamId::team(team(1)), Version::ZERO, 10)
            .await
            .unwrap()
            .is_empty()
    );
    // Who joins later was not there.
    engine
        .earn(achieve(1, 1, 7), None)
        .await
        .unwrap()
        .outcome()
        .await
        .unwrap();
    let join = RosterCommand::PutMember {
        team_id: team(1),
        user_id: user(9),
        role: None,
    };
    engine.change_roster(join, None, AuditedBy::default()).await.unwrap();
    let late = engine.earn(achieve(9, 1, 7), None).await.unwrap().outcome().await;
    assert_eq!(late, Err(not_a_member));
    assert_eq!(school.total(9).await, 0);
}

/// A crash between the fact and the awards: the next start gives what is missing before it serves anybody.
#[tokio::test]
async fn what_a_crash_cut_short_is_finished_at_the_start() {
    let (school, store) = School::in_memory(4).await;
    school.engine.stop().await;
    let crashed = store.fork();
    let event = TeamEvent::TeamAchieved {
        reference: reference(7),
        members: vec![user(1), user(2), user(4)],
        reported_for: user(1),
        occurred_at: TimeMs(START_MS),
    };
    let fact = Append {
        stream: Some(StreamAppend {
            stream: StreamId::team(team(1)),
            expected: Version::ZERO,
            events: vec![NewEvent {
                event_type: event.event_type(),
                occurred_at: TimeMs(START_MS),
                recorded_at: TimeMs(START_MS),
                body: serde_json::to_string(&event).unwrap(),
                note: None,
            }],
            head: None,
        }),
        rows: vec![Row::TeamAward(TeamAwardRecord {
            team_id: team(1),
            version: Version(1),
            reference_id: reference(7),
        })],
        key: None,
    };
    crashed.commit(vec![fact]).await.unwrap();
    assert_eq!(crashed.unsettled_team_awards().await.unwrap().len(), 1);
    let school = School::open(Arc::new(crashed.clone()), settings()).await;
    let totals = [
        school.total(1).await,
        school.total(2).await,
        school.total(3).await,
        school.total(4).await,
    ];
    assert_eq!(totals, [100, 100, 0, 100]);
    assert!(crashed.unsettled_team_awards().await.unwrap().is_empty());
    let again = school
        .engine
        .earn(achieve(1, 1, 7), None)
        .await
        .unwrap()
        .outcome()
        .await
        .unwrap();
    assert!(!again.awarded);
}

/// An award that fails is told to the caller, and given later without anybody asking.
#[tokio::test(start_paused = true)]
async fn an_award_that_failed_is_given_later() {
    let (school, store) = School::in_memory(4).await;
    // Once more than it is decided anew.
    for _ in 0..=CONFLICTS_MAX {
        store.conflict_next(StreamId::learner(user(3)));
    }
    let pending = school.engine.earn(achieve(1, 1, 7), None).await.unwrap();
    assert_eq!(pending.outcome().await, Err(EngineError::StoreUnavailable));
    assert_eq!(store.faults_happened(), u64::from(CONFLICTS_MAX) + 1);
    assert_eq!(store.unsettled_team_awards().await.unwrap().len(), 1);
    assert_eq!(school.total(3).await, 0);
    tokio::time::timeout(Duration::from_secs(600), async {
        while !store.unsettled_team_awards().await.unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    })
    .await
    .unwrap();
    for id in 1..=4 {
        assert_eq!(school.total(id).await, 100);
        assert_eq!(support::stream(&store, id).await.len(), 1);
    }
}
