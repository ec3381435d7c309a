//! Rows of the fault matrix that only a simulation can meet at the moment that matters.

use super::client::open;
use super::history::History;
use super::pipe::Weather;
use super::plan::{Deed, DiskFault, Part, Plan, Step, Wish};
use super::random::Random;
use super::report::report_row;
use super::simulate::{play, runtime};
use super::world::{ADMIN, World};
use homeroom_schema::limits::PING_EVERY;
use tokio::io::AsyncWriteExt;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

fn earn(number: u64, user: u64) -> Step {
    let wish = Wish::Earn {
        user,
        action: "read_content".into(),
        reference: 1_000 + number,
    };
    Step::Client(0, Deed::Send(number, wish))
}

fn subscribe(client: usize, topics: &[&str]) -> Step {
    let topics = topics.iter().map(|topic| (*topic).to_owned()).collect();
    Step::Client(client, Deed::Subscribe(topics))
}

/// Awards that are stored, but the node never hears so; in every second round it is gone before it can look.
#[test]
fn fx6_what_was_stored_but_not_sent_out_is_sent_once_after_a_crash() {
    let (mut unshown, mut disk_faults, mut restarts) = (0, 0, 0);
    for round in 0..12 {
        let mut steps = vec![subscribe(0, &["user:1", "user:2", "board:all", "team:1"])];
        steps.push(subscribe(4, &["user:1"]));
        steps.push(Step::Wait(50));
        for number in 1..=4 {
            let is_crash = (round + number) % 2 == 0;
            steps.push(earn(10 * number, 1));
            steps.push(Step::Wait(20));
            steps.push(Step::Disk(DiskFault::Stall(100)));
            steps.push(earn(10 * number + 1, 1 + round % 2));
            steps.push(Step::Wait(50));
            steps.push(Step::Disk(DiskFault::LoseKept));
            if is_crash {
                // It cannot look what became of it before it is gone.
                steps.push(Step::Disk(DiskFault::Unreadable(50)));
            }
            steps.push(Step::Wait(51 + round));
            if is_crash {
                steps.push(Step::Kill(100));
            }
            steps.push(Step::Wait(3_000));
        }
        let plan = Plan {
            seed: round,
            people: 2,
            clients: 5,
            steps,
        };
        let outcome = play(&plan).unwrap_or_else(|why| panic!("{why}\n{plan}"));
        unshown += outcome.judged.unshown;
        disk_faults += outcome.disk_faults;
        restarts += outcome.restarts;
    }
    assert!(disk_faults > 0 && restarts > 0);
    let outcome = "each is sent once, and boards and totals are the sums of the journal";
    report_row(
        "F-X6",
        "the node is gone between storing an event and sending it out",
        unshown,
        outcome,
    );
}

/// Changes of a board and a team for 24 people's clients, who come, go, crash and lose their right meanwhile, while the actors
/// that speak fail too.
#[test]
fn fx7_everybody_gets_a_broadcast_once_or_is_told_to_start_anew() {
    const CLIENTS: usize = 24;
    let (mut messages, mut told_anew, mut ended) = (0, 0, 0);
    for seed in 0..4 {
        let mut random = Random::new(seed);
        let mut steps: Vec<Step> = (0..CLIENTS)
            .map(|client| subscribe(client, &["board:all", "board:team:1", "team:1"]))
            .collect();
        for number in 1..=60 {
            steps.push(earn(number, random.between(1, 7)));
            let client = random.between(1, CLIENTS as u64) as usize;
            steps.push(match random.between(0, 9) {
                0 | 1 => Step::Client(client, Deed::Cut),
                2 => Step::Client(client, Deed::Away(random.between(10, 2_000))),
                3 => Step::Client(client, Deed::Unsubscribe(vec!["team:1".into(), "board:all".into()])),
                4 | 5 => subscribe(client, &["team:1", "board:all"]),
                6 => Step::Part(random.between(1, 7)),
                7 => Step::Join(random.between(1, 7)),
                _ => Step::Panic(if random.one_in(2) { Part::Team } else { Part::Board }),
            });
            steps.push(Step::Wait(random.between(0, 150)));
        }
        let plan = Plan {
            seed,
            people: 6,
            clients: CLIENTS,
            steps,
        };
        let outcome = play(&plan).unwrap_or_else(|why| panic!("{why}\n{plan}"));
        messages += outcome.judged.messages;
        told_anew += outcome.judged.told_anew;
        ended += outcome.judged.ended;
    }
    assert!(
        messages > 0 && told_anew > 0,
        "{messages} messages, {told_anew} told anew"
    );
    let what = "connections that broke or were closed while a board and a team spoke to 24 clients";
    let outcome = format!("{messages} messages, each once; {told_anew} times told to start anew");
    report_row("F-X7", what, ended, &outcome);
}

/// Nothing passes any more and nobody is told, as when a cable is pulled or a device goes out of reach.
#[test]
fn fn2_half_open_peers_are_found_and_their_sessions_freed() {
    const PEERS: usize = 30;
    runtime().block_on(async {
        let world = World::new(History::new(), 1).await.unwrap();
        let (weather, cut) = (watch::Sender::new(Weather::Fair), CancellationToken::new());
        let mut sockets = Vec::new();
        for _ in 0..PEERS {
            sockets.push(open(&world, ADMIN, weather.subscribe(), &cut).await.unwrap());
        }
        assert_eq!(world.sessions(), Some(PEERS));
        weather.send_replace(Weather::HalfOpen);
        let began = Instant::now();
        while world.sessions() != Some(0) {
            assert!(
                began.elapsed() < 2 * PING_EVERY,
                "{:?} sessions are left",
                world.sessions()
            );
            sleep(std::time::Duration::from_millis(100)).await;
        }
        let outcome = format!("all sessions gone after {:.1} s", began.elapsed().as_secs_f64());
        report_row("F-N2", "peers to whom nothing passes any more", PEERS as u64, &outcome);
    });
}

/// A frame that comes a byte a second: such a peer answers no pings either.
#[test]
fn fn9_a_frame_that_never_ends_frees_its_session() {
    runtime().block_on(async {
        let world = World::new(History::new(), 1).await.unwrap();
        let (weather, cut) = (watch::Sender::new(Weather::Fair), CancellationToken::new());
        let mut socket = open(&world, ADMIN, weather.subscribe(), &cut).await.unwrap();
        let (began, mut bytes) = (Instant::now(), 0);
        // The head of a masked text frame of 60,000 bytes, and then x after x.
        let head = [0x81, 0x80 | 126, 0xea, 0x60, 0, 0, 0, 0];
        let mut frame = head.into_iter().chain(std::iter::repeat(b'x'));
        while world.sessions() != Some(0) {
            assert!(began.elapsed() < 2 * PING_EVERY, "still there after {bytes} bytes");
            let byte = [frame.next().unwrap()];
            bytes += u64::from(socket.get_mut().write_all(&byte).await.is_ok());
            sleep(std::time::Duration::from_secs(1)).await;
        }
        let outcome = format!("closed after {:.0} s", began.elapsed().as_secs_f64());
        report_row("F-N9", "bytes of a frame, one a second", bytes, &outcome);
    });
}
