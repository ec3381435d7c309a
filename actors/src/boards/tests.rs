//! Boards against a naive model, and their timing under a paused clock.

use crate::domain::board::Standing;
use crate::engine::{BoardPart, Subscription, TopicSnapshot};
use crate::error::EngineError;
use crate::hub::harness::{
    IDLE, PLACES, WINDOW, World, enrolment_row, member_row, qualification, team, team_row, unit, user, user_row,
};
use crate::hub::{Hub, RosterChange};
use crate::journal::LearnerChange;
use crate::topics::{BoardChanges, BoardName, Inbox, Message, Period, Position, TopicRead};
use crate::views::{BoardPage, BoardRow};
use futures_util::FutureExt as _;
use homeroom_schema::limits::{BOARDS_MAX, PAGE_MAX, TOPIC_RING_MAX, TOPIC_TICK};
use homeroom_schema::records::{Row, UserRole};
use proptest::prelude::*;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, advance, sleep};

const PEOPLE: u64 = 9;

fn boards() -> Vec<BoardName> {
    let mut boards = vec![BoardName::All, BoardName::Teams];
    boards.extend((1..=3).map(|id| BoardName::Team(team(id))));
    boards.extend((1..=2).map(|id| BoardName::Qualification(qualification(id))));
    boards
}

async fn read(hub: &Hub, board: BoardName) -> Result<BoardPage, EngineError> {
    hub.board(board, Period::All, BoardPart::From(0), PAGE_MAX).await
}

fn standings(page: &BoardPage) -> Vec<Standing> {
    let score = |row: &BoardRow| crate::domain::board::Score {
        points: row.points,
        reached_at: row.reached_at,
    };
    let rows = page.rows.iter();
    rows.map(|row| Standing {
        id: row.id,
        score: score(row),
    })
    .collect()
}

/// A client's copy of a window, kept up by messages alone.
struct Mirror {
    inbox: Arc<Inbox>,
    hold: Subscription,
    window: Vec<BoardRow>,
    front: Vec<BoardRow>,
    version: u64,
    messages: usize,
    told: usize,
}

impl Mirror {
    async fn new(hub: &Hub, board: BoardName) -> Self {
        let inbox = Inbox::new();
        let hold = hub.subscribe_board(board, Period::All, None, &inbox, 0).await.unwrap();
        assert!(!hold.recovered);
        let mut mirror = Self {
            inbox,
            window: Vec::new(),
            front: Vec::new(),
            version: 0,
            messages: 0,
            told: 0,
            hold,
        };
        let snapshot = mirror.hold.snapshot.take().unwrap();
        mirror.take(snapshot);
        mirror
    }

    fn take(&mut self, snapshot: TopicSnapshot) {
        let TopicSnapshot::Board(page) = snapshot else {
            unreachable!()
        };
        assert_eq!(page.epoch, self.hold.position.epoch);
        assert!(page.rows.len() <= WINDOW);
        self.window.clone_from(&page.rows);
        self.front = page.rows[..page.rows.len().min(PLACES)].to_vec();
        self.version = page.version;
    }

    /// Reads on, as a session does when its inbox says so.
    fn pump(&mut self) {
        let _ = self.inbox.ready().now_or_never();
        loop {
            match self.hold.topic.read_after(&self.hold.position, 16) {
                TopicRead::Entries(entries) if entries.is_empty() => return,
                TopicRead::Entries(entries) => {
                    for entry in entries {
                        assert_eq!(entry.offset, self.hold.position.offset + 1);
                        self.hold.position.offset = entry.offset;
                        let Message::Board {
                            version, window, front, ..
                        } = &entry.message
                        else {
                            unreachable!()
                        };
                        assert!(*version > self.version, "versions rise");
                        self.version = *version;
                        apply(&mut self.window, window);
                        apply(&mut self.front, front);
                        self.messages += 1;
                    }
                }
                TopicRead::Forgotten | TopicRead::Restarted => {
                    let (position, snapshot) = self.hold.topic.snapshot().unwrap();
                    self.hold.position = position;
                    self.take(snapshot);
                    self.told += 1;
                }
            }
        }
    }

    fn check(&self, page: &BoardPage) {
        assert_eq!(
            self.window,
            page.rows[..page.rows.len().min(WINDOW)],
            "the window by messages"
        );
        assert_eq!(
            self.front,
            page.rows[..page.rows.len().min(PLACES)],
            "a projector's places by messages"
        );
    }
}

impl Drop for Mirror {
    fn drop(&mut self) {
        self.hold.topic.detach(&self.inbox, 0);
    }
}

/// What a client does with changes: rows by id, order and ranks from points.
fn apply(rows: &mut Vec<BoardRow>, BoardChanges { changes, removed }: &BoardChanges) {
    rows.retain(|row| !removed.contains(&row.id) && !changes.iter().any(|change| change.id == row.id));
    rows.extend(changes.iter().cloned());
    rows.sort_by_key(|row| {
        (
            std::cmp::Reverse(row.points),
            row.reached_at.is_none(),
            row.reached_at,
            row.id,
        )
    });
    for place in 0..rows.len() {
        rows[place].rank = match place.checked_sub(1).map(|above| &rows[above]) {
            Some(above) if above.points == rows[place].points => above.rank,
            _ => place as u64 + 1,
        };
    }
}

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
            let above = expected.iter().filter(|other| other.score.points > row.points).count() as u64;
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
                world.hub.poison_board(board, Period::All);
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

#[tokio::test(start_paused = true)]
async fn a_read_shows_everything_told_before_it_without_waiting_for_a_tick() {
    let mut world = World::school(PEOPLE).await;
    read(&world.hub, BoardName::All).await.unwrap();
    let begin = Instant::now();
    for round in 1..=100 {
        let id = 1 + round % 4;
        world.award(id, 10).await;
        for board in [BoardName::All, BoardName::Teams, BoardName::Team(team(1 + id % 3))] {
            let page = read(&world.hub, board).await.unwrap();
            assert_eq!(standings(&page), world.expected(board).await);
        }
    }
    assert_eq!(begin.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn people_without_points_are_ranked_and_staff_are_not() {
    let world = World::school(PEOPLE).await;
    let page = read(&world.hub, BoardName::All).await.unwrap();
    let ids: Vec<u64> = page.rows.iter().map(|row| row.id).collect();
    assert_eq!(ids, [1, 2, 3, 4, 6, 7, 8, 9]);
    assert!(
        page.rows
            .iter()
            .all(|row| row.rank == 1 && row.points == 0 && row.reached_at.is_none())
    );
}

#[tokio::test(start_paused = true)]
async fn the_first_change_is_published_at_once_and_then_one_message_a_tick() {
    let mut world = World::school(PEOPLE).await;
    let mut mirror = Mirror::new(&world.hub, BoardName::All).await;
    sleep(Duration::from_secs(1)).await;
    mirror.pump();
    world.award(1, 1).await;
    let begin = Instant::now();
    mirror.inbox.ready().await;
    assert_eq!(begin.elapsed(), Duration::ZERO, "after a quiet spell nothing waits");
    mirror.pump();
    assert_eq!(mirror.messages, 1);
    // One second of an award every millisecond: at most 20 messages more, and nothing waits longer than 100 ms.
    let mut told_at = Instant::now();
    let mut longest = Duration::ZERO;
    for turn in 0..1_000 {
        world.award(1 + turn % 4, 1).await;
        advance(Duration::from_millis(1)).await;
        tokio::task::yield_now().await;
        let before = mirror.messages;
        mirror.pump();
        if mirror.messages > before {
            longest = longest.max(told_at.elapsed());
            told_at = Instant::now();
        }
    }
    assert!(mirror.messages <= 22, "{} messages in a second", mirror.messages);
    assert!(mirror.messages >= 15, "{} messages in a second", mirror.messages);
    assert!(longest <= Duration::from_millis(100), "{longest:?} without a message");
    sleep(Duration::from_millis(100)).await;
    mirror.pump();
    let page = read(&world.hub, BoardName::All).await.unwrap();
    mirror.check(&page);
}

#[tokio::test(start_paused = true)]
async fn a_change_below_the_window_says_nothing() {
    let mut world = World::school(PEOPLE).await;
    for id in [1, 2, 3, 4] {
        world.award(id, 100).await;
    }
    let mut mirror = Mirror::new(&world.hub, BoardName::All).await;
    world.award(6, 1).await;
    sleep(Duration::from_millis(200)).await;
    mirror.pump();
    assert_eq!(mirror.messages, 0);
    let (_, TopicSnapshot::Board(page)) = mirror.hold.topic.snapshot().unwrap() else {
        unreachable!()
    };
    assert_eq!(
        page.version, world.last_event_id,
        "whoever comes later gets the version of now"
    );
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_starts_with_everything_told_before() {
    let mut world = World::school(PEOPLE).await;
    let watching = Mirror::new(&world.hub, BoardName::All).await;
    for id in 1..=4 {
        world.award(id, 10).await;
        let mirror = Mirror::new(&world.hub, BoardName::All).await;
        let page = read(&world.hub, BoardName::All).await.unwrap();
        mirror.check(&page);
        assert_eq!(mirror.version, world.last_event_id);
    }
    drop(watching);
}

#[tokio::test(start_paused = true)]
async fn a_class_that_subscribes_while_points_flow_gets_no_more_than_a_message_a_tick() {
    let mut world = World::school(PEOPLE).await;
    let mut mirror = Mirror::new(&world.hub, BoardName::All).await;
    let begin = Instant::now();
    let mut others = Vec::new();
    for turn in 0..100 {
        world.award(1 + turn % 4, 1).await;
        let asked = Instant::now();
        others.push(Mirror::new(&world.hub, BoardName::All).await);
        assert!(
            asked.elapsed() <= TOPIC_TICK,
            "an answer waits for no more than the tick"
        );
    }
    mirror.pump();
    let ticks = begin.elapsed().as_millis() / TOPIC_TICK.as_millis() + 1;
    assert!(
        mirror.messages as u128 <= ticks,
        "{} messages in {ticks} ticks",
        mirror.messages
    );
}

#[tokio::test(start_paused = true)]
async fn a_remembered_position_is_recovered_and_an_old_one_gets_a_snapshot() {
    let mut world = World::school(PEOPLE).await;
    let mut mirror = Mirror::new(&world.hub, BoardName::All).await;
    let start = mirror.hold.position.clone();
    for turn in 0..10 {
        world.award(1 + turn % 4, 1).await;
        sleep(TOPIC_TICK).await;
    }
    let inbox = Inbox::new();
    let hub = world.hub.clone();
    let again = async |position: Position| {
        hub.subscribe_board(BoardName::All, Period::All, Some(position), &inbox, 1)
            .await
            .unwrap()
    };
    let back = again(start.clone()).await;
    assert!(back.recovered && back.snapshot.is_none());
    assert_eq!(back.position, start);
    mirror.pump();
    mirror.hold.position = start.clone();
    let TopicRead::Entries(missed) = back.topic.read_after(&back.position, 100) else {
        unreachable!()
    };
    assert_eq!(missed.len(), mirror.messages);
    let ahead = Position {
        offset: 1_000,
        ..start.clone()
    };
    let elsewhere = Position {
        epoch: "elsewhere".into(),
        offset: 1,
    };
    for position in [ahead, elsewhere] {
        let back = again(position).await;
        assert!(!back.recovered && back.snapshot.is_some());
    }
    for turn in 0..=TOPIC_RING_MAX as u64 {
        world.award(1 + turn % 4, 1).await;
        sleep(TOPIC_TICK).await;
    }
    assert!(!again(start).await.recovered, "too old");
}

#[tokio::test(start_paused = true)]
async fn a_failed_board_comes_back_from_what_is_durable_and_its_readers_are_told() {
    let mut world = World::school(PEOPLE).await;
    let mut mirror = Mirror::new(&world.hub, BoardName::All).await;
    let other = Mirror::new(&world.hub, BoardName::Teams).await;
    world.award(1, 10).await;
    let before = read(&world.hub, BoardName::All).await.unwrap();
    world.hub.poison_board(BoardName::All, Period::All);
    world.award(2, 20).await;
    sleep(Duration::from_millis(50)).await;
    let page = read(&world.hub, BoardName::All).await.unwrap();
    assert_eq!(standings(&page), world.expected(BoardName::All).await);
    assert_ne!(page.epoch, before.epoch);
    mirror.pump();
    assert_eq!(mirror.told, 1);
    mirror.check(&page);
    assert_eq!(
        other.hold.topic.position().epoch,
        other.hold.position.epoch,
        "nobody else noticed"
    );
}

#[tokio::test(start_paused = true)]
async fn a_board_that_fails_again_and_again_is_left_alone_for_a_while() {
    let world = World::school(PEOPLE).await;
    read(&world.hub, BoardName::All).await.unwrap();
    for _ in 0..20 {
        world.hub.poison_board(BoardName::All, Period::All);
        sleep(Duration::from_millis(500)).await;
    }
    assert_eq!(read(&world.hub, BoardName::All).await, Err(EngineError::Overloaded));
    assert!(read(&world.hub, BoardName::Teams).await.is_ok());
    sleep(Duration::from_secs(61)).await;
    assert!(read(&world.hub, BoardName::All).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_store_that_cannot_be_read_costs_time_but_no_board() {
    let mut world = World::school(PEOPLE).await;
    let change = world.keep_points(user(1), 5, Some(1)).await;
    world.hub.learners_changed(vec![change]);
    world.store.fail_reads(2);
    let board = BoardName::Qualification(qualification(1));
    let page = read(&world.hub, board).await.unwrap();
    assert_eq!(standings(&page), world.expected(board).await);
    assert_eq!(world.store.faults_happened(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_idle_board_is_put_away_unless_somebody_listens() {
    let mut world = World::school(PEOPLE).await;
    let before = read(&world.hub, BoardName::All).await.unwrap();
    let watched = Mirror::new(&world.hub, BoardName::Team(team(1))).await;
    sleep(IDLE * 2).await;
    assert!(world.hub.boards().get((BoardName::All, Period::All)).is_none());
    assert!(
        world
            .hub
            .boards()
            .get((BoardName::Team(team(1)), Period::All))
            .is_some()
    );
    world.award(1, 10).await;
    let page = read(&world.hub, BoardName::All).await.unwrap();
    assert_ne!(page.epoch, before.epoch);
    assert_eq!(standings(&page), world.expected(BoardName::All).await);
    drop(watched);
    sleep(IDLE * 2).await;
    assert!(
        world
            .hub
            .boards()
            .get((BoardName::Team(team(1)), Period::All))
            .is_none()
    );
}

#[tokio::test(start_paused = true)]
async fn no_more_boards_than_the_bound_are_awake() {
    let mut world = World::school(PEOPLE).await;
    let teams = 4..=BOARDS_MAX as u64 + 4;
    let rows = teams.clone().map(|id| team_row(id, "a team", false)).collect();
    let change = world.keep_roster(rows).await;
    world.hub.roster_changed(change);
    for id in teams {
        let outcome = read(&world.hub, BoardName::Team(team(id))).await;
        let is_within = id < BOARDS_MAX as u64 + 4;
        assert_eq!(outcome.is_ok(), is_within, "{id}");
        if !is_within {
            assert_eq!(outcome, Err(EngineError::Overloaded));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn pages_do_not_overlap_while_rows_move() {
    let mut world = World::school(40).await;
    for id in 1..=40 {
        world.award(id, i64::try_from(id).unwrap()).await;
    }
    let first = world
        .hub
        .board(BoardName::All, Period::All, BoardPart::From(0), 10)
        .await
        .unwrap();
    let last = standings(&first)[9];
    // The last row of the page moves up: what follows its old place is what the next page shows.
    world.award(last.id, 1_000).await;
    let next = world
        .hub
        .board(BoardName::All, Period::All, BoardPart::After(last), 100)
        .await
        .unwrap();
    assert_eq!(first.rows.len() + next.rows.len(), first.total);
    assert!(
        next.rows
            .iter()
            .all(|row| first.rows.iter().all(|shown| shown.id != row.id))
    );
    assert_eq!(next.from, 10);
}

#[tokio::test(start_paused = true)]
async fn around_somebody_are_their_neighbours() {
    let mut world = World::school(PEOPLE).await;
    for id in [1, 2, 3, 4, 6, 7, 8, 9] {
        world.award(id, 100 - i64::try_from(id).unwrap()).await;
    }
    let around = |id, neighbours| {
        world
            .hub
            .board(BoardName::All, Period::All, BoardPart::Around { id, neighbours }, 50)
    };
    let ids = |page: BoardPage| page.rows.iter().map(|row| row.id).collect::<Vec<_>>();
    assert_eq!(ids(around(4, 1).await.unwrap()), [3, 4, 6]);
    assert_eq!(around(4, 1).await.unwrap().from, 2);
    assert_eq!(ids(around(1, 2).await.unwrap()), [1, 2, 3]);
    assert_eq!(ids(around(5, 2).await.unwrap()), [0; 0], "staff are not on it");
}

#[tokio::test(start_paused = true)]
async fn unknown_teams_and_qualifications_have_no_board() {
    let mut world = World::school(PEOPLE).await;
    let unknown = read(&world.hub, BoardName::Team(team(9))).await;
    assert_eq!(unknown, Err(EngineError::UnknownTeam(team(9))));
    let unknown = read(&world.hub, BoardName::Qualification(qualification(9))).await;
    assert_eq!(unknown, Err(EngineError::UnknownQualification(qualification(9))));
    let change = world.keep_roster(vec![team_row(1, "gone", true)]).await;
    world.hub.roster_changed(change);
    assert_eq!(
        read(&world.hub, BoardName::Team(team(1))).await,
        Err(EngineError::UnknownTeam(team(1)))
    );
}

#[tokio::test(start_paused = true)]
async fn after_the_stop_nothing_runs_and_nothing_is_answered() {
    let world = World::school(PEOPLE).await;
    for board in boards() {
        read(&world.hub, board).await.unwrap();
    }
    world.hub.stop().await;
    assert_eq!(read(&world.hub, BoardName::All).await, Err(EngineError::Stopping));
    sleep(Duration::from_millis(10)).await;
    assert!(world.root.get_children().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_subscription_that_is_given_up_leaves_nothing_behind() {
    let world = World::school(PEOPLE).await;
    let inbox = Inbox::new();
    let asked = world.hub.subscribe_board(BoardName::All, Period::All, None, &inbox, 0);
    assert!(asked.now_or_never().is_none(), "it was not answered at once");
    let handle = world.hub.boards().get((BoardName::All, Period::All)).unwrap();
    assert!(!handle.topic.has_subscribers());
    assert_eq!(Arc::strong_count(&inbox), 1);
}
