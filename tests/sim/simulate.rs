//! One simulation: a plan is played from its first line to its last, everything is healed, and what is left must settle by itself.

use super::check::{Judged, Truth, check, held_by};
use super::client::{Client, look_afresh};
use super::history::{Event, History};
use super::plan::{Plan, Role, Step, person, role};
use super::world::World;
use homeroom_doubles::randomness;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Once, mpsc};
use std::time::Duration;
use tokio::time::sleep;

/// How long, on the simulated clock, until everything has settled after the last fault.
const SETTLING: Duration = Duration::from_secs(600);
/// The name of their threads.
const THREAD: &str = "simulation";
/// Longer than any topic's tick.
const TICKS: Duration = Duration::from_secs(3);
/// How long a simulation may keep a processor busy, on the real clock. They take fractions of a second.
const REAL_PATIENCE: Duration = Duration::from_secs(120);

/// What came of a simulation in which everything held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What was judged.
    pub judged: Judged,
    /// Lives of the node after the first.
    pub restarts: u64,
    /// Faults of the disk that really happened.
    pub disk_faults: u64,
    /// What all that was seen comes to: the same for the same plan.
    pub digest: u64,
}

thread_local! {
    static PANICKED: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Panics of simulations are told by what they come to. Those of actors that a plan has panic are no news.
fn hear_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if std::thread::current().name() != Some(THREAD) {
                usual(panic);
            } else if panic.payload_as_str() != Some("poisoned") {
                PANICKED.with_borrow_mut(|panicked| *panicked = Some(panic.to_string()));
            }
        }));
    });
}

/// One thread whose clock is paused: time passes when nothing else is left to do.
pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime needs no more than memory")
}

/// Plays a plan on a thread of its own, whose randomness follows from the plan's seed. An error says what did not hold.
pub fn play(plan: &Plan) -> Result<Outcome, String> {
    hear_panics();
    let (told, outcome) = mpsc::channel();
    let plan = plan.clone();
    let thread = std::thread::Builder::new().name(THREAD.into()).spawn(move || {
        randomness::follow(plan.seed);
        let runtime = runtime();
        let outcome = catch_unwind(AssertUnwindSafe(|| runtime.block_on(simulate(&plan))));
        let outcome = outcome.unwrap_or_else(|_| Err("the simulation panicked".into()));
        // A panic inside the node may have hurt nobody, and is a mistake all the same.
        let panicked = PANICKED.take().map(|panicked| panicked.replace('\n', " "));
        let _ = told.send(panicked.map_or(outcome, Err));
        runtime.shutdown_background();
    });
    thread.map_err(|error| error.to_string())?;
    match outcome.recv_timeout(REAL_PATIENCE) {
        Ok(outcome) => outcome,
        Err(mpsc::RecvTimeoutError::Timeout) => Err(format!("it turns in circles: not done after {REAL_PATIENCE:?}")),
        Err(mpsc::RecvTimeoutError::Disconnected) => Err("the simulation is gone".into()),
    }
}

async fn simulate(plan: &Plan) -> Result<Outcome, String> {
    let history = History::new();
    let world = World::new(history.clone(), plan.people).await?;
    school(&world, plan.people).await?;
    let mut clients = Vec::new();
    for number in 0..plan.clients {
        let token = token(&world, number, plan.people).await?;
        clients.push(Client::start(number, token, world.clone(), history.clone()));
    }
    for step in &plan.steps {
        take(step, &world, &clients, &history).await?;
    }
    let truth = settle(plan, &world, &clients, &history).await?;
    let events = history.events();
    if std::env::var_os("HOMEROOM_SIM_SHOW").is_some() {
        for (at_ms, event) in &events {
            println!("{at_ms:>8} {event:?}");
        }
    }
    let judged = check(&events, &truth)?;
    Ok(Outcome {
        judged,
        restarts: world.lives() - 1,
        disk_faults: world.disk_faults(),
        digest: history.digest(),
    })
}

async fn take(step: &Step, world: &World, clients: &[Client], history: &History) -> Result<(), String> {
    match step {
        Step::Wait(ms) => sleep(Duration::from_millis(*ms)).await,
        Step::Client(client, deed) => {
            if let Some(client) = clients.get(*client) {
                client.tell(deed);
            }
        }
        Step::Disk(fault) => world.fail_disk(*fault),
        Step::Panic(part) => world.strike(*part, false).await,
        Step::Hang(part) => world.strike(*part, true).await,
        Step::Restart(ms) | Step::Kill(ms) => {
            history.note(Event::World(step.to_string()));
            let is_in_order = matches!(step, Step::Restart(_));
            world.end(None, is_in_order, Duration::from_millis(*ms)).await?;
        }
        Step::Join(user) => in_background(world, "PUT", format!("/teams/1/members/{user}"), Some(json!({}))),
        Step::Part(user) => in_background(world, "DELETE", format!("/teams/1/members/{user}"), None),
        Step::Look(user) => {
            let (world, history, user) = (world.clone(), history.clone(), *user);
            tokio::spawn(async move { look(&world, &history, user).await });
        }
        Step::Forward(hours) => world.forward(*hours),
    }
    Ok(())
}

/// Whether it succeeds is the disk's affair.
fn in_background(world: &World, method: &'static str, path: String, body: Option<Value>) {
    let world = world.clone();
    tokio::spawn(async move { world.http(method, &path, body).await });
}

async fn look(world: &World, history: &History, user: u64) -> Option<()> {
    let began = history.len();
    let (status, progress) = world.http("GET", &format!("/progress/{user}"), None).await?;
    let total = progress["points"]["total"].as_u64().filter(|_| status == 200)?;
    let path = format!("/leaderboards/all?around={user}&neighbours=0");
    let board = world.http("GET", &path, None).await;
    let on_board = board.filter(|(status, _)| *status == 200).and_then(|(_, board)| {
        let rows = board["entries"].as_array()?;
        rows.iter().find(|row| row["user_id"] == user)?["points"].as_u64()
    });
    history.note(Event::Looked {
        user,
        began,
        total,
        on_board,
    });
    Some(())
}

async fn school(world: &World, people: u64) -> Result<(), String> {
    let mut users: Vec<Value> = (1..=people)
        .map(|id| json!({"id": id, "name": format!("Person {id}")}))
        .collect();
    users.push(json!({"id": 900, "name": "Mentor", "role": "mentor"}));
    let units: Vec<Value> = (101..=104)
        .map(|id| json!({"id": id, "title": format!("Unit {id}"), "qualification_id": 1}))
        .collect();
    let members: Vec<Value> = (1..=people).map(|id| json!({"team_id": 1, "user_id": id})).collect();
    let import = json!({
        "qualifications": [{"id": 1, "name": "Maths"}], "units": units, "users": users,
        "teams": [{"id": 1, "name": "Owls", "mentor_id": 900}], "team_members": members,
    });
    let answer = world.http("POST", "/import", Some(import)).await;
    match answer {
        Some((200, _)) => Ok(()),
        other => Err(format!("the school cannot be imported: {other:?}")),
    }
}

async fn token(world: &World, client: usize, people: u64) -> Result<String, String> {
    let wish = match role(client) {
        Role::Service => json!({"role": "service"}),
        Role::Student => json!({"role": "student", "user_id": person(client, people)}),
        Role::Mentor => json!({"role": "mentor", "user_id": 900}),
        Role::Projector => json!({"role": "projector"}),
    };
    let answer = world.http("POST", "/tokens", Some(wish)).await;
    let token = answer.as_ref().and_then(|(_, body)| body["token"].as_str());
    token.map(str::to_owned).ok_or_else(|| format!("no token: {answer:?}"))
}

/// Waits until everybody has everything, and reads what there is.
async fn settle(plan: &Plan, world: &World, clients: &[Client], history: &History) -> Result<Truth, String> {
    world.heal_disk();
    clients.iter().for_each(Client::clear_up);
    let began = tokio::time::Instant::now();
    loop {
        sleep(TICKS).await;
        let open: Vec<_> = clients
            .iter()
            .enumerate()
            .filter(|(_, client)| !client.state().is_settled)
            .collect();
        if open.is_empty()
            && world
                .http("GET", "/leaderboards/all", None)
                .await
                .is_some_and(|(status, _)| status == 200)
        {
            break;
        }
        if began.elapsed() > SETTLING {
            let open: Vec<_> = open
                .iter()
                .map(|(number, client)| format!("client {number}: {}", client.state().waits_for))
                .collect();
            return Err(format!("not settled {SETTLING:?} after the last fault: {open:?}"));
        }
    }
    // Whoever asks wakes what was asleep, and has boards look at the calendar; then all of it comes to rest.
    let mut truth = Truth::default();
    for _ in 0..2 {
        sleep(TICKS).await;
        for (number, client) in clients.iter().enumerate() {
            let topics = held_by(&history.events(), number);
            let afresh = look_afresh(world, &client.token, &topics).await;
            let afresh = afresh.ok_or_else(|| format!("client {number} cannot look afresh"))?;
            truth.afresh.insert(number, afresh);
        }
    }
    for user in 1..=plan.people {
        let ledger = read(world, &format!("/points/{user}?limit=1000")).await?;
        truth
            .ledgers
            .insert(user, ledger["items"].as_array().cloned().unwrap_or_default());
        truth
            .progress
            .insert(user, read(world, &format!("/progress/{user}")).await?);
        truth.journal.insert(user, world.journal(user).await?);
    }
    truth
        .boards
        .insert("all", read(world, "/leaderboards/all?limit=1000").await?);
    truth.boards.insert("teams", read(world, "/leaderboards/teams").await?);
    let team = read(world, "/team/1/performance").await?;
    let members = team["members"].as_array().into_iter().flatten();
    truth.members = members.filter_map(|member| member["user_id"].as_u64()).collect();
    truth.epoch = world.epoch().unwrap_or_default();
    Ok(truth)
}

async fn read(world: &World, path: &str) -> Result<Value, String> {
    match world.http("GET", path, None).await {
        Some((200, body)) => Ok(body),
        other => Err(format!("in the end {path} answers {other:?}")),
    }
}
