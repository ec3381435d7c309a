//! The roster: commands share commits, conflicts wait, imports are all or nothing, ids and pseudonyms are stable.

use crate::support::{self, School, key, qualification, team, unit, user};
use homeroom_actors::EngineError;
use homeroom_actors::engine::{KeyClaim, RenderRoster};
use homeroom_actors::roster::{Entity, Import, RosterCommand, RosterOutcome};
use homeroom_schema::limits::{PROBLEM_ERRORS_MAX, TEAM_MEMBERS_MAX};
use homeroom_schema::records::{AuditedBy, KeyOutcome, StreamId, UserRecord, UserRole};
use homeroom_schema::{Store, Version};
use std::collections::BTreeSet;

fn put_user(id: Option<u64>, name: &str, create: bool) -> RosterCommand {
    RosterCommand::PutUser {
        create,
        user_id: id.map(user),
        name: name.into(),
        alias: None,
        role: UserRole::Student,
    }
}

fn archive_user(id: u64) -> RosterCommand {
    RosterCommand::PatchUser {
        user_id: user(id),
        name: None,
        alias: None,
        role: None,
        archived: Some(true),
    }
}

fn put_member(team_id: u64, user_id: u64) -> RosterCommand {
    RosterCommand::PutMember {
        team_id: team(team_id),
        user_id: user(user_id),
        role: None,
    }
}

async fn change(school: &School, command: RosterCommand) -> Result<RosterOutcome, EngineError> {
    school.engine.change_roster(command, None, AuditedBy::default()).await
}

fn user_of(outcome: RosterOutcome) -> UserRecord {
    match outcome {
        RosterOutcome::User { user, .. } => user,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn creations_share_commits_and_get_the_lowest_ids_never_used() {
    let (school, store) = School::in_memory(3).await;
    change(&school, put_user(Some(6), "Six", true)).await.unwrap();
    let batches = store.batches_kept();
    store.hold_commits();
    let engine = &school.engine;
    let created = (0..100).map(|number| {
        let name = format!("New {number}");
        async move {
            engine
                .change_roster(put_user(None, &name, true), None, AuditedBy::default())
                .await
        }
    });
    let created = futures_util::future::join_all(created);
    let release = async {
        store.until_held(1).await;
        store.release_commits();
    };
    let (created, ()) = tokio::join!(created, release);
    let ids: BTreeSet<u64> = created
        .into_iter()
        .map(|outcome| user_of(outcome.unwrap()).user_id.get())
        .collect();
    let expected: BTreeSet<u64> = [4, 5].into_iter().chain(7..=104).collect();
    assert_eq!(ids, expected, "an id in use is skipped");
    assert!(
        store.batches_kept() - batches <= 3,
        "{} batches",
        store.batches_kept() - batches
    );
}

/// Ids of what was not kept are given again, so that an unlucky batch leaves no hole.
#[tokio::test]
async fn ids_of_a_failed_batch_are_given_again() {
    let (school, store) = School::in_memory(3).await;
    store.fail_commits(1);
    let refused = change(&school, put_user(None, "Ann", true)).await;
    assert_eq!(refused, Err(EngineError::StoreUnavailable));
    let created = user_of(change(&school, put_user(None, "Ann", true)).await.unwrap());
    assert_eq!(created.user_id, user(4));
    assert_eq!(store.faults_happened(), 1);
}

/// A command that rests on another one's change waits for it, and sees it.
#[tokio::test]
async fn commands_that_rest_on_one_another_keep_their_order() {
    let (school, store) = School::in_memory(1).await;
    store.hold_commits();
    let engine = &school.engine;
    let first = engine.change_roster(put_user(Some(9), "Nine", true), None, AuditedBy::default());
    let second = engine.change_roster(put_member(1, 9), None, AuditedBy::default());
    let third = engine.change_roster(put_user(Some(9), "Again", true), None, AuditedBy::default());
    let fourth = engine.change_roster(archive_user(9), None, AuditedBy::default());
    let fifth = engine.change_roster(put_member(1, 9), None, AuditedBy::default());
    let release = async {
        store.until_held(1).await;
        store.release_commits();
    };
    let (first, second, third, fourth, fifth, ()) = tokio::join!(first, second, third, fourth, fifth, release);
    assert!(matches!(first, Ok(RosterOutcome::User { created: true, .. })));
    assert_eq!(second, Ok(RosterOutcome::Done { changed: true }));
    assert_eq!(third, Err(EngineError::AlreadyExists { kind: "user", id: 9 }));
    assert!(matches!(fourth, Ok(RosterOutcome::User { created: false, .. })));
    assert_eq!(fifth, Err(EngineError::UnknownUser(user(9))));
    assert!(!engine.roster().is_member(team(1), user(9)));
}

#[tokio::test]
async fn an_upsert_changes_brings_back_and_does_nothing_twice() {
    let (school, store) = School::in_memory(2).await;
    let renamed = change(&school, put_user(Some(1), "Renamed", false)).await.unwrap();
    assert!(matches!(renamed, RosterOutcome::User { created: false, .. }));
    let batches = store.batches_kept();
    let same = change(&school, put_user(Some(1), "Renamed", false)).await.unwrap();
    assert_eq!(same, renamed);
    assert_eq!(store.batches_kept(), batches, "nothing new is nothing to keep");
    for kept in [1, 0] {
        let batches = store.batches_kept();
        let archived = user_of(change(&school, archive_user(1)).await.unwrap());
        assert!(archived.archived_at.is_some());
        assert_eq!(store.batches_kept(), batches + kept);
    }
    assert_eq!(school.engine.roster().members(team(1)).len(), 1);
    let back = user_of(change(&school, put_user(Some(1), "Renamed", false)).await.unwrap());
    assert_eq!(back.archived_at, None);
    assert_eq!(
        school.engine.roster().members(team(1)).len(),
        2,
        "with their memberships"
    );
}

#[tokio::test]
async fn what_a_command_names_must_be_there() {
    let (school, _) = School::in_memory(1).await;
    let put_unit = RosterCommand::PutUnit {
        create: true,
        unit_id: None,
        title: "U".into(),
        qualification_id: Some(qualification(9)),
        skills: vec![],
    };
    let put_team = RosterCommand::PutTeam {
        create: true,
        team_id: None,
        name: "T".into(),
        mentor_id: Some(user(9)),
    };
    let unenrol = RosterCommand::Unenrol {
        qualification_id: qualification(9),
        user_id: user(1),
    };
    for (command, error) in [
        (put_unit, EngineError::UnknownQualification(qualification(9))),
        (put_team, EngineError::UnknownUser(user(9))),
        (put_member(9, 1), EngineError::UnknownTeam(team(9))),
        (put_member(1, 9), EngineError::UnknownUser(user(9))),
        (unenrol, EngineError::UnknownQualification(qualification(9))),
        (
            RosterCommand::Archive(Entity::Unit(unit(9))),
            EngineError::UnknownUnit(unit(9)),
        ),
    ] {
        assert_eq!(change(&school, command).await, Err(error));
    }
}

#[tokio::test]
async fn a_key_keeps_the_answer_as_it_was_rendered() {
    let (school, _) = School::in_memory(1).await;
    let render: RenderRoster = |outcome| match outcome {
        RosterOutcome::User { user, .. } => (201, format!(r#"{{"user_id":{}}}"#, user.user_id)),
        _ => (200, "{}".into()),
    };
    let claim: KeyClaim = key(1);
    let engine = &school.engine;
    engine
        .change_roster(put_user(None, "A", true), Some((claim, render)), AuditedBy::default())
        .await
        .unwrap();
    let kept = engine.find_key(claim.hash).await.unwrap().unwrap();
    assert_eq!(
        (kept.status, kept.outcome),
        (201, KeyOutcome::Body(r#"{"user_id":2}"#.into()))
    );
    let taken = engine
        .change_roster(put_user(None, "B", true), Some((claim, render)), AuditedBy::default())
        .await;
    assert_eq!(taken, Err(EngineError::KeyTaken));
    assert!(engine.roster().user(user(3)).is_none());
    let next = user_of(change(&school, put_user(None, "B", true)).await.unwrap());
    assert_eq!(next.user_id, user(3));
}

/// All or nothing: the first bad rows are named by list and place, and nothing is kept.
#[tokio::test]
async fn an_import_with_bad_rows_keeps_nothing_and_names_them() {
    let (school, store) = School::in_memory(2).await;
    let batches = store.batches_kept();
    let mut import = support::school(2);
    import.users.push((user(50), "New".into(), None, None));
    import
        .units
        .push((unit(200), "U".into(), Some(qualification(77)), vec![]));
    import.teams.push((team(2), "T".into(), Some(user(78))));
    import.team_members.push((team(2), user(50), None));
    import.team_members.push((team(79), user(80), None));
    import.enrolments.push((qualification(81), user(1)));
    let outcome = change(&school, RosterCommand::Import(Box::new(import))).await.unwrap();
    let RosterOutcome::ImportRefused(errors) = outcome else {
        panic!("{outcome:?}")
    };
    let named: Vec<_> = errors
        .iter()
        .map(|error| (error.list, error.index, error.field))
        .collect();
    let expected = [
        ("units", 4, "qualification_id"),
        ("teams", 1, "mentor_id"),
        ("team_members", 3, "team_id"),
        ("team_members", 3, "user_id"),
        ("enrolments", 0, "qualification_id"),
    ];
    assert_eq!(named, expected);
    assert!(school.engine.roster().user(user(50)).is_none());
    assert_eq!(store.batches_kept(), batches);
}

#[tokio::test]
async fn a_daily_import_of_the_same_school_writes_nothing_and_counts_all() {
    let (school, store) = School::in_memory(40).await;
    let alias = RosterCommand::PatchUser {
        user_id: user(1),
        name: None,
        alias: Some(Some("Comet".into())),
        role: Some(UserRole::Mentor),
        archived: None,
    };
    change(&school, alias).await.unwrap();
    let batches = store.batches_kept();
    let mut again = support::school(40);
    for row in &mut again.users {
        row.3 = None;
    }
    let outcome = change(&school, RosterCommand::Import(Box::new(again))).await.unwrap();
    let counts = RosterOutcome::Imported {
        qualifications: 2,
        units: 4,
        users: 40,
        teams: 1,
        team_members: 40,
        enrolments: 0,
        skipped_erased: vec![],
    };
    assert_eq!(outcome, counts);
    assert_eq!(store.batches_kept(), batches);
    let kept = school.engine.roster().user(user(1)).unwrap();
    assert_eq!((kept.alias.as_deref(), kept.role), (Some("Comet"), UserRole::Mentor));
}

/// I9: a team has a bound, and so has the list of errors.
#[tokio::test]
async fn a_team_takes_as_many_members_as_it_may() {
    let (school, _) = School::in_memory(1).await;
    let full = TEAM_MEMBERS_MAX as u64;
    let people = |count: u64| Import {
        users: (1..=count)
            .map(|id| (user(id), format!("S {id}"), None, None))
            .collect(),
        team_members: (1..=count).map(|id| (team(1), user(id), None)).collect(),
        ..Import::default()
    };
    let beyond = people(full + 2 + PROBLEM_ERRORS_MAX as u64);
    let refused = change(&school, RosterCommand::Import(Box::new(beyond))).await.unwrap();
    let RosterOutcome::ImportRefused(errors) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(errors.len(), PROBLEM_ERRORS_MAX);
    assert_eq!((errors[0].index, errors[0].field), (TEAM_MEMBERS_MAX, "team_id"));
    let fits = change(&school, RosterCommand::Import(Box::new(people(full))))
        .await
        .unwrap();
    assert!(matches!(fits, RosterOutcome::Imported { .. }));
    change(&school, put_user(Some(full + 1), "One more", true))
        .await
        .unwrap();
    let refused = change(&school, put_member(1, full + 1)).await;
    assert_eq!(refused, Err(EngineError::TeamFull(team(1))));
}

/// The journal tells of ids, never of people's names or words.
#[tokio::test]
async fn no_event_of_the_roster_holds_a_name() {
    let (school, store) = School::in_memory(3).await;
    change(&school, put_user(Some(9), "Zebulon", true)).await.unwrap();
    let events = store.read_stream(StreamId::ROSTER, Version::ZERO, 100).await.unwrap();
    let types: Vec<_> = events.iter().map(|event| event.event_type.as_str()).collect();
    assert_eq!(
        types,
        [
            "qualifications_put",
            "units_put",
            "users_put",
            "teams_put",
            "members_put",
            "users_put"
        ]
    );
    for event in events {
        for word in ["Zebulon", "Student", "Owls", "Maths"] {
            assert!(!event.body.contains(word), "{}", event.body);
        }
    }
}

#[tokio::test]
async fn reads_of_the_roster_are_the_same_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let seen = |school: &School| {
        let roster = school.engine.roster();
        let course = roster.course(user(1));
        let mentored = roster.mentored_by(user(5));
        (
            (
                roster.users_after(None, 100, true),
                roster.members(team(1)),
                course,
                mentored,
            ),
            (
                roster.alias(user(2)),
                roster.teams_of(user(2)),
                roster.learners_of(qualification(2)),
            ),
        )
    };
    let school = School::on_disk(directory.path()).await;
    school.import(5).await;
    let enrol = RosterCommand::Enrol {
        qualification_id: qualification(2),
        user_id: user(1),
    };
    let mentor = RosterCommand::PatchTeam {
        team_id: team(1),
        name: None,
        mentor_id: Some(Some(user(5))),
    };
    for command in [enrol, mentor, archive_user(3)] {
        change(&school, command).await.unwrap();
    }
    let before = seen(&school);
    assert_eq!(before.0.2.units, [unit(103), unit(104)]);
    assert_eq!(before.0.3, [team(1)]);
    assert!(school.engine.roster().mentors_person(user(5), user(1)));
    assert!(!school.engine.roster().mentors_person(user(5), user(3)), "archived");
    school.engine.stop().await;
    drop(school);
    let school = School::on_disk(directory.path()).await;
    assert_eq!(seen(&school), before, "pseudonyms too");
    school.engine.stop().await;
}
