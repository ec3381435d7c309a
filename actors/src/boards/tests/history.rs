//! Random histories: what was kept is delivered twice, late and out of order, and boards say what the tables say.

use super::*;

async fn check_boards(world: &World, mirrors: &mut [(BoardName, Mirror)]) {
    for board in boards() {
        let expected = world.expected(board).await;
        let page = match read(&world.hub, board).await {
            Ok(page) => page,
            Err(EngineError::UnknownTeam(_)) => continue,
            Err(error) => panic!("{board}: {error}"),
        };
        assert_eq!(standings(&page), expected, "{board}");
        assert_eq!(page.total, expected.len());
        assert!(page.version <= world.last_event_id + 400);
        for (place, row) in page.rows.iter().enumerate() {
            let above = expected
                .iter()
                .filter(|other| other.score.points > row.points.key())
                .count() as u64;
            assert_eq!(row.rank, above + 1, "{board} at {place}");
            let is_team = board == BoardName::Teams;
            let name = if is_team {
                world.roster.team(team(row.id)).unwrap().name
            } else {
                world.roster.user(user(row.id)).unwrap().name
            };
            assert_eq!(*row.name, *name);
            let alias = if is_team { name } else { format!("{name} the alias") };
            assert_eq!(*row.alias, *alias);
        }
    }
    sleep(Duration::from_millis(100)).await;
    for (board, mirror) in mirrors {
        mirror.pump();
        if let Ok(page) = read(&world.hub, *board).await {
            mirror.check(&page);
        }
    }
}

/// What was read under each version: nobody may see two states under one.
type Seen = HashMap<(BoardName, Arc<str>, u64), Vec<Standing>>;

async fn check_versions(hub: &Hub, seen: &mut Seen) {
    for board in boards() {
        if let Ok(page) = read(hub, board).await {
            let rows = standings(&page);
            let before = seen
                .entry((board, Arc::clone(&page.epoch), page.version))
                .or_insert_with(|| rows.clone());
            assert_eq!(*before, rows, "{board} at version {}", page.version);
        }
    }
}

/// Something kept and not yet delivered, or to be delivered again.
#[derive(Clone)]
enum Change {
    Learner(LearnerChange),
    Roster(RosterChange),
}

fn deliver(hub: &Hub, change: Change) {
    match change {
        Change::Learner(change) => hub.learners_changed(vec![change]),
        Change::Roster(change) => hub.roster_changed(change),
    }
}

#[derive(Debug, Clone)]
enum Step {
    Points {
        user: u64,
        points: i64,
        inside: Option<u64>,
    },
    Completed {
        user: u64,
        unit: u64,
    },
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
    Unenrol {
        qualification: u64,
        user: u64,
    },
    /// Delivers one of those that wait, and perhaps lets it wait to be delivered again.
    Deliver {
        which: prop::sample::Index,
        again: bool,
    },
    Subscribe {
        board: prop::sample::Index,
    },
    Unsubscribe {
        which: prop::sample::Index,
    },
    Fail {
        board: prop::sample::Index,
    },
    Reload,
    Wait {
        ms: u64,
    },
    /// Everything is delivered, in some order, and compared.
    Settle {
        reversed: bool,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let person = 1..=PEOPLE;
    let points = prop_oneof![3 => 1_i64..=3, 1 => Just(-2_i64), 1 => Just(50_i64)];
    prop_oneof![
        20 => (person.clone(), points, prop::option::of(1_u64..=2))
            .prop_map(|(user, points, inside)| Step::Points { user, points, inside }),
        2 => (person.clone(), 1_u64..=4).prop_map(|(user, unit)| Step::Completed { user, unit }),
        3 => (person.clone(), 0_u8..3, 0_u8..4, prop::bool::weighted(0.3))
            .prop_map(|(user, name, role, archived)| Step::Person { user, name, role, archived }),
        2 => (1_u64..=3, 0_u8..3, prop::bool::weighted(0.2))
            .prop_map(|(team, name, archived)| Step::Team { team, name, archived }),
        3 => (1_u64..=3, person.clone()).prop_map(|(team, user)| Step::Join { team, user }),
        2 => (1_u64..=3, person.clone()).prop_map(|(team, user)| Step::Leave { team, user }),
        2 => (1_u64..=2, person.clone()).prop_map(|(qualification, user)| Step::Enrol { qualification, user }),
        1 => (1_u64..=2, person).prop_map(|(qualification, user)| Step::Unenrol { qualification, user }),
        12 => (any::<prop::sample::Index>(), any::<bool>()).prop_map(|(which, again)| Step::Deliver { which, again }),
        2 => any::<prop::sample::Index>().prop_map(|board| Step::Subscribe { board }),
        1 => any::<prop::sample::Index>().prop_map(|which| Step::Unsubscribe { which }),
        1 => any::<prop::sample::Index>().prop_map(|board| Step::Fail { board }),
        1 => Just(Step::Reload),
        4 => (1_u64..120).prop_map(|ms| Step::Wait { ms }),
        2 => any::<bool>().prop_map(|reversed| Step::Settle { reversed }),
    ]
}

/// Keeps what the step says; none for steps of another kind.
async fn keep(world: &mut World, step: &Step) -> Option<Change> {
    let row = match *step {
        Step::Points {
            user: id,
            points,
            inside,
        } => {
            return Some(Change::Learner(world.keep_points(user(id), points, inside).await));
        }
        Step::Completed {
            user: id,
            unit: unit_id,
        } => {
            return Some(Change::Learner(world.keep_completed(user(id), unit(unit_id)).await));
        }
        Step::Person {
            user,
            name,
            role,
            archived,
        } => {
            let role = [UserRole::Student, UserRole::Student, UserRole::Mentor, UserRole::Staff][usize::from(role)];
            user_row(user, &format!("person {user}.{name}"), role, archived)
        }
        Step::Team { team, name, archived } => team_row(team, &format!("team {team}.{name}"), archived),
        Step::Join { team, user } => member_row(team, user),
        Step::Leave {
            team: team_id,
            user: user_id,
        } => Row::MemberRemoved {
            team_id: team(team_id),
            user_id: user(user_id),
        },
        Step::Enrol { qualification, user } => enrolment_row(qualification, user),
        Step::Unenrol {
            qualification: id,
            user: user_id,
        } => Row::EnrolmentRemoved {
            qualification_id: qualification(id),
            user_id: user(user_id),
        },
        _ => return None,
    };
    Some(Change::Roster(world.keep_roster(vec![row]).await))
}

async fn run(steps: &[Step]) {
    let mut world = World::school(PEOPLE).await;
    let mut waiting: Vec<Change> = Vec::new();
    let mut mirrors: Vec<(BoardName, Mirror)> = Vec::new();
    let mut seen = Seen::new();
    for board in boards() {
        read(&world.hub, board).await.unwrap();
    }
    let settle = Step::Settle { reversed: false };
    for step in steps.iter().chain([&settle]) {
        if let Some(change) = keep(&mut world, step).await {
            waiting.push(change);
            continue;
        }
        match step {
            Step::Deliver { which, again } if !waiting.is_empty() => {
                let index = which.index(waiting.len());
                let change = if *again {
                    waiting[index].clone()
                } else {
                    waiting.remove(index)
                };
                deliver(&world.hub, change);
            }
            Step::Subscribe { board } => {
                let board = *board.get(&boards());
                let is_known = read(&world.hub, board).await.is_ok();
                if is_known {
                    mirrors.push((board, Mirror::new(&world.hub, board).await));
                }
            }
            Step::Unsubscribe { which } if !mirrors.is_empty() => {
                mirrors.swap_remove(which.index(mirrors.len()));
            }
            Step::Fail { board } => {
                let board = *board.get(&boards());
                world.fail_board(board);
            }
            Step::Reload => world.hub.reload().await.unwrap(),
            Step::Wait { ms } => {
                check_versions(&world.hub, &mut seen).await;
                sleep(Duration::from_millis(*ms)).await;
            }
            Step::Settle { reversed } => {
                if *reversed {
                    waiting.reverse();
                }
                for change in waiting.drain(..) {
                    deliver(&world.hub, change);
                }
                check_boards(&world, &mut mirrors).await;
            }
            _ => {}
        }
    }
}

fn block_on_paused<T>(future: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_time().start_paused(true).build().unwrap();
    runtime.block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, max_shrink_iters: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn boards_show_what_the_tables_say_whatever_comes_twice_late_or_out_of_order(
        steps in prop::collection::vec(step(), 1..120)
    ) {
        block_on_paused(run(&steps));
    }
}
