//! Teams against a naive model, their facts under faults, and their timing under a paused clock.

#![allow(clippy::disallowed_methods, reason = "a test awaits the tasks that it spawns")]

use super::performance::{MemberFigures, TeamFigures, performance};
use crate::domain::board::Score;
use crate::domain::course::{Completion, QualificationCompletion};
use crate::domain::team::TeamFact;
use crate::engine::{Subscription, TopicSnapshot};
use crate::error::EngineError;
use crate::hub::Hub;
use crate::hub::harness::{
    IDLE, World, enrolment_row, member_row, qualification, team, team_row, unit, unit_row, user, user_row,
};
use crate::topics::{BoardName, Inbox, Message, TopicRead};
use crate::views::TeamPerformance;
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use homeroom_schema::limits::{TEAM_FACTS_BATCH_MAX, TEAM_MARKS_MAX, TEAMS_AWAKE_MAX};
use homeroom_schema::memory::LostAnswer;
use homeroom_schema::records::{Row, StreamId, UserRole};
use homeroom_schema::{ReferenceId, Store as _, TeamId, TimeMs, UserId, Version};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};

const PEOPLE: u64 = 9;

async fn read(hub: &Hub, id: u64) -> Arc<TeamPerformance> {
    hub.team_performance(team(id)).await.unwrap()
}

async fn achieve(hub: &Hub, team_id: u64, reference: u64, reported_for: u64) -> Result<TeamFact, EngineError> {
    let reference = ReferenceId::new(reference).unwrap();
    hub.achieve(team(team_id), reference, user(reported_for), TimeMs(5))
        .await
}

/// A team's performance from nothing but the tables; none for one that is not there.
async fn expected(world: &World, team_id: TeamId) -> Option<TeamPerformance> {
    let records = world.store.load_roster().await.unwrap();
    let record = records.teams.iter().find(|team| team.team_id == team_id)?;
    if record.archived_at.is_some() {
        return None;
    }
    let members = records.members.iter().filter(|member| member.team_id == team_id);
    let ids: BTreeSet<UserId> = members.map(|member| member.user_id).collect();
    let people: Vec<_> = records
        .users
        .iter()
        .filter(|user| ids.contains(&user.user_id) && user.archived_at.is_none())
        .collect();
    let names: BTreeMap<UserId, (Arc<str>, Arc<str>)> = people
        .iter()
        .map(|user| {
            let alias = user.alias.clone().unwrap();
            (user.user_id, (user.name.as_str().into(), alias.into()))
        })
        .collect();
    let completions: BTreeMap<UserId, Completion> = names.keys().map(|id| (*id, completion(world, *id))).collect();
    let figures = people.iter().map(|user| MemberFigures {
        user_id: user.user_id,
        name: &names[&user.user_id].0,
        alias: &names[&user.user_id].1,
        is_ranked: user.role == UserRole::Student,
        score: world.standing(user.user_id).score,
        completion: &completions[&user.user_id],
    });
    let board = world.expected(BoardName::Teams).await;
    let own = board.iter().find(|row| row.id == team_id.get())?;
    let above = board.iter().filter(|row| row.score.points > own.score.points).count() as u64;
    let facts = world
        .store
        .read_stream(StreamId::team(team_id), Version::ZERO, 500)
        .await
        .unwrap();
    Some(performance(
        TeamFigures {
            team_id,
            name: record.name.as_str().into(),
            mentor_id: record.mentor_id,
            team_achievements: facts.len(),
            rank: Some(above + 1),
            version: 0,
        },
        figures.collect(),
    ))
}

fn completion(world: &World, user_id: UserId) -> Completion {
    let course = world.roster.course(user_id);
    let completed = world
        .learners
        .get(&user_id)
        .map(|sums| sums.completed.clone())
        .unwrap_or_default();
    crate::domain::course::completion_by(&course, |id| completed.contains(&id).then(TimeMs::default))
}

fn without_version(performance: &TeamPerformance) -> TeamPerformance {
    TeamPerformance {
        version: 0,
        ..performance.clone()
    }
}

/// A client's copy of a team, kept up by messages alone.
struct Mirror {
    inbox: Arc<Inbox>,
    hold: Subscription,
    now: Arc<TeamPerformance>,
    messages: usize,
}

impl Mirror {
    async fn new(hub: &Hub, id: u64) -> Self {
        let inbox = Inbox::new();
        let mut hold = hub.subscribe_team(team(id), None, &inbox, 0).await.unwrap();
        let Some(TopicSnapshot::Team(now)) = hold.snapshot.take() else {
            unreachable!()
        };
        Self {
            inbox,
            hold,
            now,
            messages: 0,
        }
    }

    fn pump(&mut self) {
        let _ = self.inbox.ready().now_or_never();
        loop {
            match self.hold.topic.read_after(&self.hold.position, 16) {
                TopicRead::Entries(entries) if entries.is_empty() => return,
                TopicRead::Entries(entries) => {
                    for entry in entries {
                        assert_eq!(entry.offset, self.hold.position.offset + 1);
                        self.hold.position.offset = entry.offset;
                        let Message::Team { before, now } = &entry.message else {
                            unreachable!()
                        };
                        assert_eq!(
                            without_version(before),
                            without_version(&self.now),
                            "each builds on the one before"
                        );
                        assert_ne!(without_version(before), without_version(now));
                        assert!(now.version > before.version);
                        self.now = Arc::clone(now);
                        self.messages += 1;
                    }
                }
                TopicRead::Forgotten | TopicRead::Restarted => {
                    let (position, TopicSnapshot::Team(now)) = self.hold.topic.snapshot().unwrap() else {
                        unreachable!()
                    };
                    self.hold.position = position;
                    self.now = now;
                }
            }
        }
    }
}

impl Drop for Mirror {
    fn drop(&mut self) {
        self.hold.topic.detach(&self.inbox, 0);
    }
}

async fn check_teams(world: &World, mirrors: &mut [(u64, Mirror)]) {
    for id in 1..=3 {
        match (
            expected(world, team(id)).await,
            world.hub.team_performance(team(id)).await,
        ) {
            (Some(expected), Ok(shown)) => assert_eq!(without_version(&shown), expected),
            (None, Err(EngineError::UnknownTeam(_))) => {}
            (expected, shown) => panic!("{expected:?} but {shown:?}"),
        }
    }
    sleep(Duration::from_millis(100)).await;
    for (id, mirror) in mirrors {
        mirror.pump();
        if let Some(expected) = expected(world, team(*id)).await {
            assert_eq!(without_version(&mirror.now), expected, "by messages");
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    Points { user: u64, points: i64 },
    Completed { user: u64, unit: u64 },
    Roster(RosterStep),
    Achieve { team: u64, reference: u64, user: u64 },
    Deliver { which: prop::sample::Index, again: bool },
    Subscribe { team: u64 },
    Unsubscribe { which: prop::sample::Index },
    Fail { team: u64 },
    Reload,
    Wait { ms: u64 },
    Settle { reversed: bool },
}

#[derive(Debug, Clone)]
enum RosterStep {
    Person {
        user: u64,
        name: u8,
        role: u8,
        archived: bool,
    },
    Team {
        team: u64,
        name: u8,
        archived: bool,
    },
    Unit {
        unit: u64,
        qualification: Option<u64>,
    },
    Join {
        team: u64,
        user: u64,
    },
    Leave {
        team: u64,
        user: u64,
    },
    Enrol {
        qualification: u64,
        user: u64,
    },
}

fn roster_step() -> impl Strategy<Value = RosterStep> {
    let person = 1..=PEOPLE;
    prop_oneof![
        (person.clone(), 0_u8..3, 0_u8..4, prop::bool::weighted(0.3)).prop_map(|(user, name, role, archived)| {
            RosterStep::Person {
                user,
                name,
                role,
                archived,
            }
        }),
        (1_u64..=3, 0_u8..3, prop::bool::weighted(0.2)).prop_map(|(team, name, archived)| RosterStep::Team {
            team,
            name,
            archived
        }),
        (1_u64..=5, prop::option::of(1_u64..=2))
            .prop_map(|(unit, qualification)| RosterStep::Unit { unit, qualification }),
        (1_u64..=3, person.clone()).prop_map(|(team, user)| RosterStep::Join { team, user }),
        (1_u64..=3, person.clone()).prop_map(|(team, user)| RosterStep::Leave { team, user }),
        (1_u64..=2, person).prop_map(|(qualification, user)| RosterStep::Enrol { qualification, user }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let person = 1..=PEOPLE;
    prop_oneof![
        12 => (person.clone(), -2_i64..=5).prop_map(|(user, points)| Step::Points { user, points }),
        8 => (person.clone(), 1_u64..=4).prop_map(|(user, unit)| Step::Completed { user, unit }),
        8 => roster_step().prop_map(Step::Roster),
        3 => (1_u64..=3, 1_u64..=4, person).prop_map(|(team, reference, user)| Step::Achieve { team, reference, user }),
        10 => (any::<prop::sample::Index>(), any::<bool>()).prop_map(|(which, again)| Step::Deliver { which, again }),
        2 => (1_u64..=3).prop_map(|team| Step::Subscribe { team }),
        1 => any::<prop::sample::Index>().prop_map(|which| Step::Unsubscribe { which }),
        1 => (1_u64..=3).prop_map(|team| Step::Fail { team }),
        1 => Just(Step::Reload),
        4 => (1_u64..120).prop_map(|ms| Step::Wait { ms }),
        2 => any::<bool>().prop_map(|reversed| Step::Settle { reversed }),
    ]
}

fn roster_row(step: &RosterStep) -> Row {
    match *step {
        RosterStep::Person {
            user,
            name,
            role,
            archived,
        } => {
            let role = [UserRole::Student, UserRole::Student, UserRole::Mentor, UserRole::Staff][usize::from(role)];
            user_row(user, &format!("person {user}.{name}"), role, archived)
        }
        RosterStep::Team { team, name, archived } => team_row(team, &format!("team {team}.{name}"), archived),
        RosterStep::Unit { unit, qualification } => unit_row(unit, qualification),
        RosterStep::Join { team, user } => member_row(team, user),
        RosterStep::Leave {
            team: team_id,
            user: user_id,
        } => Row::MemberRemoved {
            team_id: team(team_id),
            user_id: user(user_id),
        },
        RosterStep::Enrol { qualification, user } => enrolment_row(qualification, user),
    }
}

type Late = Box<dyn Fn(&Hub)>;

/// Keeps what the step says, with how it is delivered; none for steps of another kind.
async fn keep(world: &mut World, step: &Step) -> Option<Late> {
    let change = match step {
        Step::Points { user: id, points } => world.keep_points(user(*id), *points, None).await,
        Step::Completed {
            user: id,
            unit: unit_id,
        } => world.keep_completed(user(*id), unit(*unit_id)).await,
        Step::Roster(step) => {
            let change = world.keep_roster(vec![roster_row(step)]).await;
            return Some(Box::new(move |hub| hub.roster_changed(change.clone())));
        }
        _ => return None,
    };
    Some(Box::new(move |hub| hub.learners_changed(vec![change.clone()])))
}

async fn run(steps: &[Step]) {
    let mut world = World::school(PEOPLE).await;
    let mut waiting: Vec<Late> = Vec::new();
    let mut mirrors: Vec<(u64, Mirror)> = Vec::new();
    for step in steps.iter().chain([&Step::Settle { reversed: false }]) {
        if let Some(late) = keep(&mut world, step).await {
            waiting.push(late);
            continue;
        }
        match step {
            Step::Deliver { which, again } if !waiting.is_empty() => {
                let index = which.index(waiting.len());
                waiting[index](&world.hub);
                if !again {
                    drop(waiting.remove(index));
                }
            }
            Step::Achieve {
                team: id,
                reference,
                user: reported_for,
            } => match achieve(&world.hub, *id, *reference, *reported_for).await {
                Ok(fact) => assert!(!fact.members.is_empty()),
                Err(EngineError::NotAMember { .. } | EngineError::UnknownTeam(_)) => {}
                Err(error) => panic!("{error}"),
            },
            Step::Subscribe { team: id } if world.hub.team_performance(team(*id)).await.is_ok() => {
                mirrors.push((*id, Mirror::new(&world.hub, *id).await));
            }
            Step::Unsubscribe { which } if !mirrors.is_empty() => {
                mirrors.swap_remove(which.index(mirrors.len()));
            }
            Step::Fail { team: id } => world.hub.poison_team(team(*id)),
            Step::Reload => world.hub.reload().await.unwrap(),
            Step::Wait { ms } => sleep(Duration::from_millis(*ms)).await,
            Step::Settle { reversed } => {
                if *reversed {
                    waiting.reverse();
                }
                for late in waiting.drain(..) {
                    late(&world.hub);
                }
                check_teams(&world, &mut mirrors).await;
            }
            _ => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, max_shrink_iters: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn teams_show_what_the_tables_say_whatever_comes_twice_late_or_out_of_order(
        steps in prop::collection::vec(step(), 1..100)
    ) {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_time().start_paused(true).build().unwrap();
        runtime.block_on(run(&steps));
    }
}

/// A qualification with units completed, of units.
type Course = (u64, usize, usize);

/// Members with points, whether they are ranked, and their courses, from user 1 on.
fn check_performance(
    members: &[(u64, bool, &[Course])],
    ranks: &[Option<u64>],
    courses: &[(u64, usize, usize, f64)],
) {
    let name: Arc<str> = "somebody".into();
    let completions: Vec<Completion> = members
        .iter()
        .map(|(_, _, courses)| Completion {
            units_completed: courses.iter().map(|course| course.1).sum(),
            units_total: courses.iter().map(|course| course.2).sum(),
            completion_percentage: 50.0,
            qualifications: courses
                .iter()
                .map(|(id, completed, total)| QualificationCompletion {
                    qualification_id: qualification(*id),
                    units_completed: *completed,
                    units_total: *total,
                    completion_percentage: crate::domain::course::percentage(*completed, *total),
                    completed_at: None,
                })
                .collect(),
        })
        .collect();
    let figures = members
        .iter()
        .zip(&completions)
        .zip(1..)
        .map(|((member, completion), id)| MemberFigures {
            user_id: user(id),
            name: &name,
            alias: &name,
            is_ranked: member.1,
            score: Score {
                points: member.0,
                reached_at: None,
            },
            completion,
        });
    let mut figures: Vec<_> = figures.collect();
    figures.reverse();
    let team = TeamFigures {
        team_id: team(1),
        name: Arc::clone(&name),
        mentor_id: None,
        team_achievements: 0,
        rank: Some(1),
        version: 0,
    };
    let shown = performance(team, figures);
    assert_eq!(
        shown.members.iter().map(|member| member.rank).collect::<Vec<_>>(),
        ranks
    );
    let shown_courses = shown.course_completion.iter();
    let shown_courses: Vec<_> = shown_courses
        .map(|course| {
            let id = course.qualification_id.get();
            (
                id,
                course.learners,
                course.learners_completed,
                course.completion_percentage,
            )
        })
        .collect();
    assert_eq!(shown_courses, courses);
    assert_eq!(shown.rank.is_some(), !members.is_empty());
}

#[test]
fn members_are_ranked_among_those_who_are_ranked() {
    check_performance(&[], &[], &[]);
    check_performance(
        &[
            (50, true, &[]),
            (40, false, &[]),
            (40, true, &[]),
            (40, true, &[]),
            (10, true, &[]),
        ],
        &[Some(1), None, Some(2), Some(2), Some(4)],
        &[],
    );
    check_performance(&[(50, false, &[]), (40, true, &[])], &[None, Some(1)], &[]);
}

#[test]
fn courses_are_the_means_of_those_who_take_them() {
    check_performance(
        &[
            (3, true, &[(1, 2, 2), (2, 1, 4)]),
            (2, true, &[(1, 1, 2)]),
            (1, true, &[(3, 0, 0)]),
        ],
        &[Some(1), Some(2), Some(3)],
        &[(1, 2, 1, 75.0), (2, 1, 0, 25.0), (3, 1, 0, 0.0)],
    );
}

#[tokio::test(start_paused = true)]
async fn points_are_summed_over_all_members_and_adjusted_between_sum_and_mean() {
    let mut world = World::school(PEOPLE).await;
    // Team 3 has members 2, 5 and 8; 5 is staff and counts, too.
    for (id, points) in [(2, 10), (5, 20), (8, 60)] {
        world.award(id, points).await;
    }
    let shown = read(&world.hub, 3).await;
    assert_eq!((shown.points_sum, shown.points_mean), (90, 30.0));
    assert!((shown.points_adjusted - 90.0 / 3_f64.sqrt()).abs() < 1e-12);
    assert_eq!(shown.rank, Some(1));
    let ranks: Vec<_> = shown
        .members
        .iter()
        .map(|member| (member.user_id.get(), member.rank))
        .collect();
    assert_eq!(ranks, [(8, Some(1)), (5, None), (2, Some(2))]);
}

#[tokio::test(start_paused = true)]
async fn a_read_shows_everything_told_before_it_without_waiting_for_a_tick() {
    let mut world = World::school(PEOPLE).await;
    for id in 1..=3 {
        read(&world.hub, id).await;
    }
    let begin = Instant::now();
    for round in 1..=60 {
        world.award(1 + round % PEOPLE, 7).await;
        for id in 1..=3 {
            assert_eq!(
                without_version(&*read(&world.hub, id).await),
                expected(&world, team(id)).await.unwrap()
            );
        }
    }
    assert_eq!(begin.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_change_elsewhere_moves_a_teams_rank_within_a_tenth_of_a_second() {
    let mut world = World::school(PEOPLE).await;
    world.award(1, 5).await;
    let mut mirror = Mirror::new(&world.hub, 2).await;
    assert_eq!(mirror.now.rank, Some(1));
    mirror.pump();
    for round in 1..=30 {
        // Team 1 (with 3) overtakes team 2 (with 1), and the other way round, in the middle of everything.
        let id = if round % 2 == 1 { 3 } else { 1 };
        world.award(id, 10).await;
        sleep(Duration::from_millis(13)).await;
        world.award(6, 0).await;
        sleep(Duration::from_millis(87)).await;
        mirror.pump();
        assert_eq!(
            without_version(&mirror.now),
            expected(&world, team(2)).await.unwrap(),
            "in round {round}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_busy_team_says_no_more_than_a_message_a_tick() {
    let mut world = World::school(PEOPLE).await;
    let mut mirror = Mirror::new(&world.hub, 2).await;
    sleep(Duration::from_millis(500)).await;
    for _ in 0..500 {
        world.award(1, 1).await;
        sleep(Duration::from_millis(2)).await;
        mirror.pump();
    }
    assert!(
        (15..=22).contains(&mirror.messages),
        "{} messages in a second",
        mirror.messages
    );
    sleep(Duration::from_millis(100)).await;
    mirror.pump();
    assert_eq!(without_version(&mirror.now), expected(&world, team(2)).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn one_reference_is_one_fact_whoever_reports_it_at_the_same_time() {
    let world = World::school(PEOPLE).await;
    let reports = (0..50).map(|turn| achieve(&world.hub, 3, 1 + turn % 5, [2, 5, 8][turn as usize % 3]));
    let facts: Vec<TeamFact> = join_all(reports).await.into_iter().map(Result::unwrap).collect();
    for (turn, fact) in facts.iter().enumerate() {
        assert_eq!(*fact, facts[turn % 5], "all who ask for one reference get one fact");
        assert_eq!(fact.members, [user(2), user(5), user(8)]);
    }
    let versions: BTreeSet<Version> = facts.iter().map(|fact| fact.version).collect();
    assert_eq!(versions, (1..=5).map(Version).collect());
    assert_eq!(world.store.unsettled_team_awards().await.unwrap().len(), 5);
    assert_eq!(read(&world.hub, 3).await.team_achievements, 5);
}

#[tokio::test(start_paused = true)]
async fn a_fact_is_answered_when_it_is_durable_and_shown_by_then() {
    let world = World::school(PEOPLE).await;
    read(&world.hub, 3).await;
    world.store.hold_commits();
    let hub = world.hub.clone();
    let mut asked = tokio::spawn(async move { achieve(&hub, 3, 7, 2).await });
    let early = tokio::time::timeout(Duration::from_secs(1), &mut asked).await;
    assert!(early.is_err(), "nothing is answered before it is durable");
    assert_eq!(read(&world.hub, 3).await.team_achievements, 0);
    world.store.release_commits();
    asked.await.unwrap().unwrap();
    let shown = world.hub.team_performance(team(3)).now_or_never().unwrap().unwrap();
    assert_eq!(shown.team_achievements, 1);
}

#[tokio::test(start_paused = true)]
async fn the_members_of_a_fact_are_those_of_its_moment() {
    let mut world = World::school(PEOPLE).await;
    let first = achieve(&world.hub, 3, 1, 2).await.unwrap();
    let change = world.keep_roster(vec![member_row(3, 9)]).await;
    world.hub.roster_changed(change);
    assert_eq!(achieve(&world.hub, 3, 1, 9).await.unwrap(), first);
    let second = achieve(&world.hub, 3, 2, 9).await.unwrap();
    assert_eq!(second.members, [user(2), user(5), user(8), user(9)]);
    let stranger = EngineError::NotAMember {
        team_id: team(3),
        user_id: user(1),
    };
    assert_eq!(achieve(&world.hub, 3, 3, 1).await, Err(stranger));
}

#[tokio::test(start_paused = true)]
async fn a_conflict_is_settled_by_reading_the_stream_again() {
    let world = World::school(PEOPLE).await;
    achieve(&world.hub, 3, 1, 2).await.unwrap();
    world.store.conflict_next(StreamId::team(team(3)));
    let fact = achieve(&world.hub, 3, 2, 2).await.unwrap();
    assert_eq!(fact.version, Version(2));
    assert_eq!(world.store.faults_happened(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_failed_commit_is_answered_and_can_be_repeated() {
    let world = World::school(PEOPLE).await;
    world.store.fail_commits(1);
    assert_eq!(achieve(&world.hub, 3, 1, 2).await, Err(EngineError::StoreUnavailable));
    assert_eq!(read(&world.hub, 3).await.team_achievements, 0);
    assert_eq!(achieve(&world.hub, 3, 1, 2).await.unwrap().version, Version(1));
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_looked_up() {
    for (answer, kept) in [(LostAnswer::Kept, true), (LostAnswer::Lost, false)] {
        let world = World::school(PEOPLE).await;
        world.store.lose_next_answer(answer);
        let outcome = achieve(&world.hub, 3, 1, 2).await;
        assert_eq!(outcome.is_ok(), kept, "{outcome:?}");
        let fact = achieve(&world.hub, 3, 1, 2).await.unwrap();
        assert_eq!(fact.version, Version(1));
        assert_eq!(read(&world.hub, 3).await.team_achievements, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn more_facts_than_one_append_takes_are_all_kept() {
    let world = World::school(PEOPLE).await;
    let count = TEAM_FACTS_BATCH_MAX as u64 * 2 + 3;
    let before = world.store.batches_kept();
    let facts = join_all((1..=count).map(|reference| achieve(&world.hub, 3, reference, 2))).await;
    assert!(facts.iter().all(Result::is_ok));
    assert_eq!(read(&world.hub, 3).await.team_achievements as u64, count);
    let batches = world.store.batches_kept() - before;
    assert!((3..=4).contains(&batches), "{batches} appends");
}

#[tokio::test(start_paused = true)]
async fn a_team_that_fails_with_a_question_is_asked_again() {
    let world = World::school(PEOPLE).await;
    achieve(&world.hub, 3, 1, 2).await.unwrap();
    world.hub.poison_team(team(3));
    let fact = achieve(&world.hub, 3, 2, 2).await.unwrap();
    assert_eq!(fact.version, Version(2));
    assert_eq!(read(&world.hub, 3).await.team_achievements, 2);
}

#[tokio::test(start_paused = true)]
async fn an_idle_team_is_put_away_and_the_board_that_ranks_it_stays_as_long_as_somebody_listens() {
    let world = World::school(PEOPLE).await;
    let mirror = Mirror::new(&world.hub, 1).await;
    read(&world.hub, 2).await;
    sleep(IDLE * 2).await;
    assert!(world.hub.teams().get(team(1)).is_some());
    assert!(world.hub.teams().get(team(2)).is_none());
    let board = (BoardName::Teams, crate::topics::Period::All);
    assert!(world.hub.boards().get(board).is_some());
    drop(mirror);
    sleep(IDLE * 3).await;
    assert!(world.hub.teams().get(team(1)).is_none());
    assert!(world.hub.boards().get(board).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_team_nobody_looks_at_gathers_no_more_than_the_bound() {
    let mut world = World::school(PEOPLE).await;
    read(&world.hub, 3).await;
    let mut change = world.keep_completed(user(2), unit(1)).await;
    change.completed = (1..=TEAM_MARKS_MAX as u64 + 10).map(unit).collect();
    world.hub.learners_changed(vec![change]);
    let handle = world.hub.teams().get(team(3)).unwrap();
    let mut gathered = 0;
    handle.gate.mark(|marks| gathered = marks.completed.len());
    assert!(gathered <= TEAM_MARKS_MAX);
    assert_eq!(
        without_version(&*read(&world.hub, 3).await),
        expected(&world, team(3)).await.unwrap()
    );
}

#[tokio::test(start_paused = true)]
async fn no_more_teams_than_the_bound_are_awake() {
    let mut world = World::school(PEOPLE).await;
    let last = TEAMS_AWAKE_MAX as u64 + 4;
    let rows = (4..=last).map(|id| team_row(id, "a team", false)).collect();
    let change = world.keep_roster(rows).await;
    world.hub.roster_changed(change);
    for id in 4..last {
        read(&world.hub, id).await;
    }
    assert_eq!(
        world.hub.team_performance(team(last)).await,
        Err(EngineError::Overloaded)
    );
}

#[tokio::test(start_paused = true)]
async fn an_unknown_team_has_no_performance() {
    let world = World::school(PEOPLE).await;
    let unknown = EngineError::UnknownTeam(team(9));
    assert_eq!(world.hub.team_performance(team(9)).await, Err(unknown.clone()));
    assert_eq!(achieve(&world.hub, 9, 1, 1).await, Err(unknown));
}
