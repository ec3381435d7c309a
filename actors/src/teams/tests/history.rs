//! Random histories: what was kept is delivered twice, late and out of order, and teams say what the tables say.

use super::*;

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
            Step::Fail { team: id } => world.fail_team(team(*id)),
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
