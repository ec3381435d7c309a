//! Boards of periods, of the past, of teams that score in other ways; who is on them; clocks that jump.

use crate::support::{self, DAY_MS, START_MS, School, earn, qualification, settings, team, user};
use homeroom_actors::domain::Action;
use homeroom_actors::domain::rules::{Season, TeamScoring, Transfer};
use homeroom_actors::engine::{BoardPart, Correction, EarnRequest};
use homeroom_actors::roster::{Leaderboards, RosterCommand, RosterOutcome};
use homeroom_actors::topics::{BoardName, Inbox, Period, TopicRead};
use homeroom_actors::views::BoardPage;
use homeroom_actors::{Clock, Engine, EngineError, EngineSettings, TopicName};
use homeroom_schema::records::AuditedBy;
use homeroom_schema::{MemoryStore, TimeMs};
use proptest::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

const READ: Action = Action::ReadContent;
const QUIZ: Action = Action::CompleteQuiz;

async fn page(engine: &Engine, board: BoardName, period: Period) -> BoardPage {
    engine.board(board, period, BoardPart::From(0), 100).await.unwrap()
}

/// Rows as (id, points).
fn rows(page: &BoardPage) -> Vec<(u64, f64)> {
    page.rows.iter().map(|row| (row.id, row.points.as_f64())).collect()
}

async fn shown(engine: &Engine, board: BoardName, period: Period) -> Vec<(u64, f64)> {
    rows(&page(engine, board, period).await)
}

async fn change(engine: &Engine, command: RosterCommand) -> Result<RosterOutcome, EngineError> {
    engine.change_roster(command, None, AuditedBy::default()).await
}

async fn join(engine: &Engine, id: u64, team_id: u64) {
    let command = RosterCommand::PutMember {
        team_id: team(team_id),
        user_id: user(id),
        role: None,
    };
    change(engine, command).await.unwrap();
}

async fn leave(engine: &Engine, id: u64, team_id: u64) {
    let command = RosterCommand::RemoveMember {
        team_id: team(team_id),
        user_id: user(id),
    };
    change(engine, command).await.unwrap();
}

async fn put_team(engine: &Engine, id: u64) {
    let command = RosterCommand::PutTeam {
        create: true,
        team_id: Some(team(id)),
        name: format!("Team {id}"),
        mentor_id: None,
    };
    change(engine, command).await.unwrap();
}

async fn prefer(engine: &Engine, id: u64, on_boards: bool, own: bool) -> Result<RosterOutcome, EngineError> {
    let command = RosterCommand::SetPreference {
        user_id: user(id),
        on_boards,
        own,
        lock_ms: DAY_MS,
    };
    change(engine, command).await
}

fn with(change: impl FnOnce(&mut EngineSettings)) -> EngineSettings {
    let mut settings = settings();
    change(&mut settings);
    settings
}

const fn day_of(ms: i64) -> i32 {
    ms.div_euclid(DAY_MS) as i32
}

fn season(name: &str, from_day: i32, to_day: i32) -> Season {
    Season {
        name: name.into(),
        from_day,
        to_day,
    }
}

#[tokio::test(start_paused = true)]
async fn a_day_ends_by_itself_and_whoever_listens_is_told() {
    let (school, _) = School::in_memory(3).await;
    let engine = &school.engine;
    let inbox = Inbox::new();
    let topic = TopicName::Board(BoardName::All, Period::Day);
    let hold = engine.subscribe(topic, None, &inbox, 0).await.unwrap();
    school.earn(2, QUIZ, 7).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let TopicRead::Entries(entries) = hold.topic.read_after(&hold.position, 9) else {
        panic!("a message is there")
    };
    assert_eq!(entries.len(), 1);
    // Nobody earns, nobody reads.
    school.clock.forward(DAY_MS);
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(matches!(hold.topic.read_after(&hold.position, 9), TopicRead::Restarted));
    let (_, snapshot) = hold.topic.snapshot().unwrap();
    let homeroom_actors::engine::TopicSnapshot::Board(snapshot) = snapshot else {
        panic!("a board has a board's snapshot")
    };
    assert_eq!(
        rows(&snapshot),
        [(1, 0.0), (2, 0.0), (3, 0.0)],
        "people without points are on it"
    );
    assert!(snapshot.span.range.contains(school.clock.now()));
    assert_eq!(shown(engine, BoardName::All, Period::All).await[0], (2, 50.0));
}

/// F-T1, F-T2: the clock goes back a day, ahead ten years, and comes back.
#[tokio::test(start_paused = true)]
async fn boards_follow_a_clock_that_jumps_and_nothing_counts_twice() {
    let (school, _) = School::in_memory(3).await;
    let engine = &school.engine;
    // A Monday: with the day the week changes, too.
    school.earn(1, READ, 1).await.unwrap();
    assert_eq!(shown(engine, BoardName::All, Period::Day).await[0], (1, 10.0));
    let mut jumps = 0;
    for (jump, day, week) in [
        (-DAY_MS, 0.0, 0.0),
        (DAY_MS, 10.0, 10.0),
        (3_653 * DAY_MS, 0.0, 0.0),
        (-3_653 * DAY_MS, 10.0, 10.0),
        (DAY_MS, 0.0, 10.0),
        (-DAY_MS, 10.0, 10.0),
        (-30_000 * DAY_MS, 0.0, 0.0),
        (30_000 * DAY_MS, 10.0, 10.0),
    ] {
        school.clock.forward(jump);
        jumps += 1;
        let found = shown(engine, BoardName::All, Period::Day).await;
        let points = |rows: &[(u64, f64)]| rows.iter().find(|row| row.0 == 1).unwrap().1;
        assert_eq!(points(&found), day, "after jump {jumps}");
        let found = shown(engine, BoardName::All, Period::Week).await;
        assert_eq!(points(&found), week, "after jump {jumps}");
        // The same again is no award, whatever day it is; for another day it is not another one.
        assert!(!school.earn(1, READ, 1).await.unwrap().awarded);
        for period in Period::EVERY {
            assert_eq!(points(&shown(engine, BoardName::All, period).await) % 10.0, 0.0);
        }
    }
    assert_eq!(shown(engine, BoardName::All, Period::All).await[0], (1, 10.0));
    assert_eq!(jumps, 8);
}

/// F-T4: what happened earlier counts for then.
#[tokio::test(start_paused = true)]
async fn what_happened_on_another_day_counts_for_that_day() {
    let (school, _) = School::in_memory(3).await;
    let engine = &school.engine;
    for (id, at) in [(1, START_MS - DAY_MS), (2, START_MS), (3, 0)] {
        let request = EarnRequest {
            occurred_at: Some(TimeMs(at)),
            ..earn(id, QUIZ, 9)
        };
        engine.earn(request, None).await.unwrap().outcome().await.unwrap();
    }
    assert_eq!(
        shown(engine, BoardName::All, Period::Day).await,
        [(2, 50.0), (1, 0.0), (3, 0.0)]
    );
    assert_eq!(
        shown(engine, BoardName::All, Period::All)
            .await
            .iter()
            .map(|row| row.1)
            .sum::<f64>(),
        150.0
    );
    // And so does taking it back.
    let of = support::stream(&*school.store, 2).await[0].1;
    let undo = engine.correct(
        of,
        Correction::Reverse,
        Some("a mistake".into()),
        None,
        AuditedBy::default(),
    );
    undo.await.unwrap().outcome().await.unwrap();
    assert_eq!(shown(engine, BoardName::All, Period::Day).await[0].1, 0.0);
    school.clock.forward(-DAY_MS);
    assert_eq!(shown(engine, BoardName::All, Period::Day).await[0], (1, 50.0));
}

/// A clock in a zone that is an hour ahead of UTC, two hours from a moment on: F-T3.
struct SummerClock {
    now: AtomicI64,
    summer_from: i64,
}

impl Clock for SummerClock {
    fn now(&self) -> TimeMs {
        TimeMs(self.now.load(Ordering::SeqCst))
    }

    fn local_day(&self, at: TimeMs) -> i32 {
        let hours = if at.0 < self.summer_from { 1 } else { 2 };
        day_of(at.0 + hours * 3_600_000)
    }
}

#[tokio::test(start_paused = true)]
async fn the_night_in_which_clocks_go_forward_is_short_and_counts_once() {
    let hour = 3_600_000;
    // 1:00 in UTC of a day that began at 23:00 the day before.
    let changes = 20_000 * DAY_MS + hour;
    let clock = Arc::new(SummerClock {
        now: AtomicI64::new(changes - 3 * hour),
        summer_from: changes,
    });
    let store = Arc::new(MemoryStore::new());
    let engine = Engine::start(store, Arc::clone(&clock) as Arc<dyn Clock>, settings())
        .await
        .unwrap();
    let import = RosterCommand::Import(Box::new(support::school(1)));
    change(&engine, import).await.unwrap();
    let mut expected = 0.0;
    let mut days = std::collections::BTreeMap::new();
    for quarter in 0..30 * 4_u64 {
        let at = changes - 3 * hour + quarter.cast_signed() * hour / 4;
        clock.now.store(at, Ordering::SeqCst);
        let day = clock.local_day(TimeMs(at));
        if days.insert(day, ()).is_none() {
            expected = 0.0;
        }
        engine
            .earn(earn(1, READ, quarter + 1), None)
            .await
            .unwrap()
            .outcome()
            .await
            .unwrap();
        expected += 10.0;
        let page = page(&engine, BoardName::All, Period::Day).await;
        assert_eq!(rows(&page), [(1, expected)], "quarter {quarter}");
        let range = page.span.range;
        let hours = if day == 20_000 { 23 } else { 24 };
        assert_eq!(range.to.0 - range.from.0, hours * hour, "quarter {quarter}");
    }
    assert_eq!(
        days.len(),
        3,
        "the evening before, the short day, and a bit of the next"
    );
}

#[tokio::test(start_paused = true)]
async fn a_season_has_its_own_board_and_its_own_pseudonyms() {
    let today = day_of(START_MS);
    let settings = with(|settings| {
        settings.rules.seasons = vec![
            season("autumn", today - 9, today + 1),
            season("spring", today + 2, today + 90),
        ];
    });
    let (school, _) = School::in_memory_with(2, settings).await;
    let engine = &school.engine;
    school.earn(1, READ, 1).await.unwrap();
    let autumn = page(engine, BoardName::All, Period::Season).await;
    assert_eq!(rows(&autumn), [(1, 10.0), (2, 0.0)]);
    let name = |page: &BoardPage| page.span.season.as_ref().map(|season| season.name.clone());
    let aliases = |page: &BoardPage| page.rows.iter().map(|row| row.alias.to_string()).collect::<Vec<_>>();
    assert_eq!(name(&autumn).as_deref(), Some("autumn"));
    let inbox = Inbox::new();
    let topic = TopicName::Board(BoardName::All, Period::All);
    let hold = engine.subscribe(topic, None, &inbox, 0).await.unwrap();
    let performance = engine.team_performance(team(1)).await.unwrap();
    assert_eq!(*performance.members[0].alias, aliases(&autumn)[0]);

    school.clock.forward(DAY_MS);
    let between = page(engine, BoardName::All, Period::Season).await;
    assert_eq!(
        (name(&between), rows(&between)),
        (None, rows(&autumn)),
        "between seasons it is the whole ledger"
    );
    school.clock.forward(DAY_MS);
    let spring = page(engine, BoardName::All, Period::Season).await;
    assert_eq!(name(&spring).as_deref(), Some("spring"));
    assert_eq!(rows(&spring), [(1, 0.0), (2, 0.0)]);
    for other in [&autumn, &between] {
        assert!(
            aliases(&spring).iter().all(|alias| !aliases(other).contains(alias)),
            "{spring:?} {other:?}"
        );
    }
    assert!(
        matches!(hold.topic.read_after(&hold.position, 9), TopicRead::Restarted),
        "no board keeps the old names"
    );
    assert_eq!(
        aliases(&page(engine, BoardName::All, Period::All).await)[0],
        aliases(&spring)[0]
    );
    let performance = engine.team_performance(team(1)).await.unwrap();
    assert_eq!(*performance.members[0].alias, aliases(&spring)[0]);
}

#[tokio::test(start_paused = true)]
async fn a_person_says_whether_they_are_on_boards_and_waits_before_they_change_their_mind() {
    let (school, _) = School::in_memory(3).await;
    let engine = &school.engine;
    school.earn(1, QUIZ, 1).await.unwrap();
    school.earn(2, READ, 1).await.unwrap();
    let boards = [
        BoardName::All,
        BoardName::Team(team(1)),
        BoardName::Qualification(qualification(1)),
    ];
    for board in boards {
        page(engine, board, Period::Week).await;
    }
    prefer(engine, 1, false, true).await.unwrap();
    for board in boards {
        for period in Period::EVERY {
            let rows = shown(engine, board, period).await;
            assert!(rows.iter().all(|row| row.0 != 1), "{board} {period}");
        }
    }
    let all = page(engine, BoardName::All, Period::All).await;
    assert_eq!(
        (all.rows[0].id, all.rows[0].rank, all.total),
        (2, 1, 2),
        "ranks do not know of them"
    );
    assert_eq!(
        shown(engine, BoardName::Teams, Period::Day).await,
        [(1, 60.0)],
        "their team has their points"
    );
    assert_eq!(shown(engine, BoardName::Teams, Period::All).await, [(1, 60.0)]);

    let retry_at = TimeMs(START_MS + DAY_MS);
    assert_eq!(
        prefer(engine, 1, true, true).await,
        Err(EngineError::PreferenceLocked { retry_at })
    );
    assert!(
        prefer(engine, 1, false, true).await.is_ok(),
        "the same again is no change"
    );
    school.clock.forward(DAY_MS - 1);
    assert!(prefer(engine, 1, true, true).await.is_err());
    school.clock.forward(1);
    prefer(engine, 1, true, true).await.unwrap();
    assert_eq!(page(engine, BoardName::All, Period::All).await.total, 3);
    // Others are not held, and lock nobody.
    prefer(engine, 1, false, false).await.unwrap();
    prefer(engine, 2, false, false).await.unwrap();
    prefer(engine, 2, true, true).await.unwrap();
    assert!(matches!(
        prefer(engine, 1, true, true).await,
        Err(EngineError::PreferenceLocked { .. })
    ));
    assert_eq!(
        prefer(engine, 99, true, true).await,
        Err(EngineError::UnknownUser(user(99)))
    );
}

#[tokio::test(start_paused = true)]
async fn with_opt_in_nobody_is_on_boards_who_did_not_ask() {
    let settings = with(|settings| settings.leaderboards = Leaderboards::OptIn);
    let (school, _) = School::in_memory_with(3, settings).await;
    let engine = &school.engine;
    school.earn(1, QUIZ, 1).await.unwrap();
    assert_eq!(shown(engine, BoardName::All, Period::All).await, []);
    prefer(engine, 2, true, true).await.unwrap();
    assert_eq!(shown(engine, BoardName::All, Period::All).await, [(2, 0.0)]);
    assert_eq!(shown(engine, BoardName::Teams, Period::All).await, [(1, 50.0)]);
}

/// Moves, awards and a reversal, live and after a restart, under each policy: (sum of team 1, sum of team 2).
async fn transferred(transfer: Transfer, scoring: TeamScoring) -> Vec<Vec<(u64, f64)>> {
    let store = MemoryStore::new();
    let settings = with(|settings| {
        settings.rules.teams.transfer = transfer;
        settings.rules.teams.scoring = scoring;
    });
    let school = School::open(Arc::new(store.clone()), settings.clone()).await;
    school.import(2).await;
    let engine = &school.engine;
    put_team(engine, 2).await;
    let mut seen = Vec::new();
    shown(engine, BoardName::Teams, Period::All).await;
    school.earn(1, QUIZ, 1).await.unwrap();
    school.earn(2, READ, 1).await.unwrap();
    seen.push(shown(engine, BoardName::Teams, Period::All).await);
    leave(engine, 1, 1).await;
    join(engine, 1, 2).await;
    seen.push(shown(engine, BoardName::Teams, Period::All).await);
    school.earn(1, READ, 2).await.unwrap();
    seen.push(shown(engine, BoardName::Teams, Period::Day).await);
    let of = support::stream(&*school.store, 1).await[0].1;
    let undo = engine.correct(
        of,
        Correction::Reverse,
        Some("a mistake".into()),
        None,
        AuditedBy::default(),
    );
    undo.await.unwrap().outcome().await.unwrap();
    for period in Period::EVERY {
        assert_eq!(
            shown(engine, BoardName::Teams, period).await,
            shown(engine, BoardName::Teams, Period::All).await
        );
    }
    seen.push(shown(engine, BoardName::Teams, Period::All).await);
    for id in [1, 2] {
        let performance = engine.team_performance(team(id)).await.unwrap();
        let row = seen.last().unwrap().iter().find(|row| row.0 == id).unwrap().1;
        let shown = match scoring {
            TeamScoring::Sum => performance.points_sum as f64,
            TeamScoring::Mean => performance.points_mean,
            TeamScoring::Adjusted => performance.points_adjusted,
        };
        assert_eq!(shown, row, "the page of the team agrees with the board");
    }
    let kept = store.fork();
    engine.stop().await;
    let again = School::open(Arc::new(kept), settings).await;
    for period in Period::EVERY {
        assert_eq!(
            shown(&again.engine, BoardName::Teams, period).await,
            *seen.last().unwrap(),
            "after a restart"
        );
    }
    seen
}

#[tokio::test(start_paused = true)]
async fn points_follow_the_person_or_stay_with_the_team() {
    let follow = transferred(Transfer::Follow, TeamScoring::Sum).await;
    assert_eq!(follow[0], [(1, 60.0), (2, 0.0)]);
    assert_eq!(follow[1], [(2, 50.0), (1, 10.0)]);
    assert_eq!(follow[2], [(2, 60.0), (1, 10.0)]);
    assert_eq!(follow[3].iter().map(|row| row.1).collect::<Vec<_>>(), [10.0, 10.0]);
    let stay = transferred(Transfer::Stay, TeamScoring::Sum).await;
    assert_eq!(stay[0], [(1, 60.0), (2, 0.0)]);
    assert_eq!(stay[1], [(1, 60.0), (2, 0.0)]);
    assert_eq!(stay[2], [(1, 60.0), (2, 10.0)]);
    assert_eq!(
        stay[3].iter().map(|row| row.1).collect::<Vec<_>>(),
        [10.0, 10.0],
        "taken from where it was earned"
    );
}

#[tokio::test(start_paused = true)]
async fn teams_score_by_mean_or_size() {
    let mean = transferred(Transfer::Follow, TeamScoring::Mean).await;
    assert_eq!(mean[0], [(1, 30.0), (2, 0.0)]);
    assert_eq!(mean[1], [(2, 50.0), (1, 10.0)]);
    let adjusted = transferred(Transfer::Stay, TeamScoring::Adjusted).await;
    assert_eq!(adjusted[0], [(1, 60.0 / 2.0_f64.sqrt()), (2, 0.0)]);
    assert_eq!(
        adjusted[1],
        [(1, 60.0), (2, 0.0)],
        "divided by those who are members now"
    );
}

#[tokio::test(start_paused = true)]
async fn a_board_of_the_past_is_what_was_shown_then() {
    for transfer in [Transfer::Follow, Transfer::Stay] {
        let settings = with(|settings| {
            settings.rules.teams.transfer = transfer;
            settings.rules.seasons = vec![season("first", day_of(START_MS) - 1, day_of(START_MS) + 2)];
        });
        let (school, _) = School::in_memory_with(3, settings).await;
        let engine = &school.engine;
        put_team(engine, 2).await;
        let boards = [
            BoardName::All,
            BoardName::Teams,
            BoardName::Team(team(1)),
            BoardName::Team(team(2)),
            BoardName::Qualification(qualification(1)),
        ];
        let mut then = Vec::new();
        for step in 0..8_u64 {
            match step {
                1 => drop(school.earn(1, READ, 101).await.unwrap()),
                2 => {
                    leave(engine, 1, 1).await;
                    join(engine, 1, 2).await;
                }
                3 => drop(school.earn(1, QUIZ, 102).await.unwrap()),
                4 => {
                    let command = RosterCommand::Enrol {
                        qualification_id: qualification(1),
                        user_id: user(3),
                    };
                    change(engine, command).await.unwrap();
                }
                5 => drop(school.earn(2, READ, 103).await.unwrap()),
                6 => drop(school.earn(3, READ, 101).await.unwrap()),
                _ => {}
            }
            let mut all = Vec::new();
            for board in boards {
                for period in Period::EVERY {
                    all.push(((board, period), shown(engine, board, period).await));
                }
            }
            then.push((school.clock.now(), all));
            school.clock.forward(DAY_MS / 3);
        }
        for (at, all) in then {
            for ((board, period), expected) in all {
                let part = BoardPart::From(0);
                let page = engine.board_at(board, period, at, part, 100).await.unwrap();
                assert_eq!(rows(&page), expected, "{board} {period} {at:?} {transfer:?}");
            }
        }
        let gone = RosterCommand::EraseUser {
            user_id: user(1),
            erased_at: None,
        };
        change(engine, gone).await.unwrap();
        let page = engine
            .board_at(BoardName::All, Period::All, school.clock.now(), BoardPart::From(0), 100)
            .await;
        assert!(page.unwrap().rows.iter().all(|row| row.id != 1));
        let unknown = BoardName::Team(team(9));
        let error = engine
            .board_at(unknown, Period::All, TimeMs(0), BoardPart::From(0), 1)
            .await;
        assert_eq!(error, Err(EngineError::UnknownTeam(team(9))));
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_about_ids_follows_from_the_rows_that_a_projector_sees() {
    let settings = with(|settings| settings.projector_places = 10);
    let (school, _) = School::in_memory_with(200, settings).await;
    let engine = &school.engine;
    let front = async || {
        let page = engine
            .board(BoardName::All, Period::Day, BoardPart::Front, 1)
            .await
            .unwrap();
        page.front.iter().map(|row| row.id).collect::<Vec<_>>()
    };
    let equal = front().await;
    assert_eq!(equal.len(), 10);
    assert!(
        equal.iter().any(|id| *id > 50),
        "not the lowest ids of 200 equal ones: {equal:?}"
    );
    assert_eq!(equal, front().await, "and the same each time");
    school.earn(123, READ, 1).await.unwrap();
    let with_one = front().await;
    assert_eq!(with_one[0], 123);
    assert!(with_one[1..].iter().all(|id| equal.contains(id)), "the others stay");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Whatever the offset of the zone and wherever the clock jumps: a day's board is the sum of what happened on that day.
    #[test]
    fn days_are_those_of_the_zone(
        offset_min in prop_oneof![Just(14 * 60_i64), Just(-11 * 60), -11 * 60..14 * 60_i64],
        hours in prop::collection::vec(-100..100_i64, 1..12),
    ) {
        struct Zone { now: AtomicI64, offset_min: i64 }
        impl Clock for Zone {
            fn now(&self) -> TimeMs {
                TimeMs(self.now.load(Ordering::SeqCst))
            }
            fn local_day(&self, at: TimeMs) -> i32 {
                day_of(at.0 + self.offset_min * 60_000)
            }
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let clock = Arc::new(Zone { now: AtomicI64::new(START_MS), offset_min });
            let store = Arc::new(MemoryStore::new());
            let engine = Engine::start(store, Arc::clone(&clock) as Arc<dyn Clock>, settings()).await.unwrap();
            change(&engine, RosterCommand::Import(Box::new(support::school(1)))).await.unwrap();
            let mut earned: Vec<i32> = Vec::new();
            for (number, hours) in (1..).zip(hours) {
                clock.now.fetch_add(hours * 3_600_000, Ordering::SeqCst);
                let today = clock.local_day(clock.now());
                engine.earn(earn(1, READ, number), None).await.unwrap().outcome().await.unwrap();
                earned.push(today);
                let on = |wanted: &dyn Fn(i32) -> bool| earned.iter().filter(|day| wanted(**day)).count() as f64 * 10.0;
                assert_eq!(shown(&engine, BoardName::All, Period::Day).await, [(1, on(&|day| day == today))]);
                // Days since a Monday.
                let week = |day: i32| (day - 4).div_euclid(7);
                assert_eq!(shown(&engine, BoardName::All, Period::Week).await, [(1, on(&|day| week(day) == week(today)))]);
            }
        });
    }
}
