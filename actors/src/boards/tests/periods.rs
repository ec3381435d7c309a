//! Boards of a day, a week and a season: what counts, when they begin anew, clocks that jump.

use super::*;
use crate::domain::Rules;
use crate::domain::period::{Days, days_of};
use crate::domain::rules::{Season, TeamScoring, Transfer};
use crate::hub::harness::DAY_MS;
use crate::journal::LedgerChange;
use homeroom_schema::{TeamId, TimeMs, UserId};

const PERIODS: [Period; 4] = Period::EVERY;

fn seasons() -> Vec<Season> {
    let season = |name: &str, from_day, to_day| Season {
        name: name.into(),
        from_day,
        to_day,
    };
    vec![season("autumn", 2, 10), season("spring", 12, 40)]
}

fn change_rules(world: &World, change: impl FnOnce(&mut Rules)) {
    let mut rules = Rules::clone(&world.rules.load());
    change(&mut rules);
    world.rules.store(Arc::new(rules));
}

/// The days that count on a day.
fn days(world: &World, period: Period, day: i32) -> Days {
    let rules = world.rules.load();
    let season = rules
        .season(day)
        .map(|season| Days::between(season.from_day, season.to_day));
    days_of(period, day, season)
}

/// What a board has to show on a day, from nothing but the entries in the order of the journal and the roster of now.
fn expected(world: &World, board: BoardName, period: Period, day: i32) -> Vec<Standing> {
    let days = days(world, period, day);
    let is_inside = |at: TimeMs| days.contains(at.0.div_euclid(DAY_MS) as i32);
    let sum = |is_wanted: &dyn Fn(&(UserId, LedgerChange)) -> bool| {
        let entries = world.entries.iter().filter(|entry| is_inside(entry.1.occurred_at));
        let entries: Vec<_> = entries.filter(|entry| is_wanted(entry)).collect();
        let points: i64 = entries.iter().map(|entry| entry.1.points).sum();
        Score {
            points: points.max(0).unsigned_abs(),
            reached_at: entries.last().map(|entry| entry.1.occurred_at),
        }
    };
    let of = |id: UserId| sum(&|entry| entry.0 == id);
    let people = || (1..=PEOPLE).map(user).filter(|id| world.roster.is_ranked(*id));
    let teams = world.rules.load().teams;
    let mut rows: Vec<(u64, Score)> = match board {
        BoardName::All => people().map(|id| (id.get(), of(id))).collect(),
        BoardName::Team(team_id) => {
            let members = people().filter(|id| world.roster.is_member(team_id, *id));
            members.map(|id| (id.get(), of(id))).collect()
        }
        BoardName::Qualification(inside) => {
            let enrolled = world.roster.learners_of(inside);
            let row = |id: UserId| {
                let score = sum(&|entry| entry.0 == id && entry.1.qualification == Some(inside));
                (score.reached_at.is_some() || enrolled.contains(&id)).then_some((id.get(), score))
            };
            people().filter_map(row).collect()
        }
        BoardName::Teams => {
            let row = |team_id: TeamId| {
                let members = world.roster.members(team_id);
                let whole = match teams.transfer {
                    Transfer::Stay => sum(&|entry| entry.1.teams.contains(&team_id)),
                    Transfer::Follow => {
                        let scores: Vec<Score> = members.iter().map(|member| of(member.user_id)).collect();
                        let with_points = || scores.iter().filter(|score| score.points > 0);
                        Score {
                            points: with_points().map(|score| score.points).sum(),
                            reached_at: with_points().filter_map(|score| score.reached_at).max(),
                        }
                    }
                };
                let (points, count) = (whole.points as f64, members.len() as f64);
                let quotient = |by: f64| if count > 0.0 { (points / by).to_bits() } else { 0 };
                let points = match teams.scoring {
                    TeamScoring::Sum => whole.points,
                    TeamScoring::Mean => quotient(count),
                    TeamScoring::Adjusted => quotient(count.sqrt()),
                };
                (team_id.get(), Score { points, ..whole })
            };
            (1..=3).map(team).map(row).collect()
        }
    };
    rows.sort_unstable_by_key(|(id, score)| Standing { id: *id, score: *score });
    rows.into_iter().map(|(id, score)| Standing { id, score }).collect()
}

async fn check_all(world: &World, day: i32) {
    for period in PERIODS {
        for board in boards() {
            let page = world
                .hub
                .board(board, period, BoardPart::From(0), PAGE_MAX)
                .await
                .unwrap();
            let mut wanted = expected(world, board, period, day);
            if period == Period::All && board != BoardName::Teams {
                // The whole ledger is kept by other means, and its own tests know what it shows.
                wanted = world.expected(board).await;
            }
            assert_eq!(standings(&page), wanted, "{board} {period} on day {day}");
        }
    }
}

fn put_day(world: &mut World, day: i32) {
    world.now = i64::from(day) * DAY_MS + world.now.rem_euclid(DAY_MS);
    world.clock.put(TimeMs(world.now));
}

#[derive(Debug, Clone)]
enum Step {
    Award(u64, i64, Option<u64>),
    /// For an earlier day.
    Late(u64, i64, i32),
    Move(u64, u64),
    /// The clock jumps, either way.
    Day(i32),
    Rules(TeamScoring, Transfer),
    Fail(usize, usize),
    /// What was kept is told to the hub only later.
    Held(u64, i64),
    Deliver,
    Reload,
    Read,
}

fn step() -> impl Strategy<Value = Step> {
    let person = || 1..=PEOPLE;
    prop_oneof![
        6 => (person(), -40..60_i64, prop::option::of(1..=2_u64)).prop_map(|(id, points, of)| Step::Award(id, points, of)),
        2 => (person(), 1..60_i64, 1..9).prop_map(|(id, points, ago)| Step::Late(id, points, ago)),
        2 => (person(), 1..=3_u64).prop_map(|(id, to)| Step::Move(id, to)),
        3 => (0..45).prop_map(Step::Day),
        1 => (
            prop_oneof![Just(TeamScoring::Sum), Just(TeamScoring::Mean), Just(TeamScoring::Adjusted)],
            prop_oneof![Just(Transfer::Follow), Just(Transfer::Stay)],
        ).prop_map(|(scoring, transfer)| Step::Rules(scoring, transfer)),
        1 => (0..6_usize, 0..4_usize).prop_map(|(board, period)| Step::Fail(board, period)),
        3 => (person(), 1..60_i64).prop_map(|(id, points)| Step::Held(id, points)),
        2 => Just(Step::Deliver),
        1 => Just(Step::Reload),
        4 => Just(Step::Read),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// I4 for periods: whatever happens in whichever order, a row is the sum of its person's entries in the period.
    #[test]
    fn boards_of_periods_are_sums_of_the_ledger(steps in prop::collection::vec(step(), 1..40)) {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap()
            .block_on(history(steps));
    }
}

async fn history(steps: Vec<Step>) {
    let mut world = World::school(PEOPLE).await;
    change_rules(&world, |rules| rules.seasons = seasons());
    let mut rows = Vec::new();
    for id in 1..=PEOPLE {
        rows.push(enrolment_row(1 + id % 2, id));
    }
    let change = world.keep_roster(rows).await;
    world.hub.roster_changed(change);
    let mut day = 0;
    put_day(&mut world, day);
    let mut held = Vec::new();
    for step in steps {
        match step {
            Step::Award(id, points, of) => {
                let change = world.keep_points(user(id), points, of).await;
                world.hub.learners_changed(held.drain(..).chain([change]).collect());
            }
            Step::Late(id, points, ago) => {
                let now = world.now;
                world.now -= i64::from(ago) * DAY_MS;
                let change = world.keep_points(user(id), points, None).await;
                world.now = now + 1;
                world.hub.learners_changed(held.drain(..).chain([change]).collect());
            }
            Step::Held(id, points) => held.push(world.keep_points(user(id), points, Some(1)).await),
            Step::Deliver => world.hub.learners_changed(std::mem::take(&mut held)),
            Step::Move(id, to) => {
                let mut rows: Vec<Row> = world
                    .roster
                    .teams_of(user(id))
                    .into_iter()
                    .map(|team_id| Row::MemberRemoved {
                        team_id,
                        user_id: user(id),
                    })
                    .collect();
                rows.push(member_row(to, id));
                let change = world.keep_roster(rows).await;
                world.hub.roster_changed(change);
            }
            Step::Day(to) => {
                day = to;
                put_day(&mut world, day);
            }
            Step::Rules(scoring, transfer) => change_rules(&world, |rules| {
                rules.teams.scoring = scoring;
                rules.teams.transfer = transfer;
            }),
            Step::Fail(board, period) => world.fail_board_of(boards()[board], PERIODS[period]),
            Step::Reload => world.hub.reload().await.unwrap(),
            Step::Read => {
                world.hub.learners_changed(std::mem::take(&mut held));
                check_all(&world, day).await;
            }
        }
    }
    world.hub.learners_changed(held);
    check_all(&world, day).await;
}
