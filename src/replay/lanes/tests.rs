//! Lanes against a node that is often in trouble: it loses answers, sheds load and drops sockets. Nothing may be lost or
//! counted twice.

use super::*;
use crate::replay::plan::{Action, Deed, Roster, Shape, Skips};
use crate::replay::{Report, play};
use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use parking_lot::Mutex;
use serde_json::{Value, json};

fn plan(commands: u32) -> Plan {
    let command = |row: u32| Command {
        user_id: u64::from(row * row % 97) + 1,
        occurred_at_ms: i64::from(row),
        file: 0,
        row,
        deed: match row % 3 {
            0 => Deed::Progress {
                unit_id: 1,
                percentage: 50,
            },
            _ => Deed::Earn {
                action: Action::ReadContent,
                reference_id: u64::from(row) + 1,
                score: None,
            },
        },
    };
    Plan {
        shape: Shape::Moodle,
        digest: "d".into(),
        files: vec!["a.csv".into()],
        ignored_files: vec![],
        roster: Roster::default(),
        commands: (0..commands).map(command).collect(),
        skipped: Skips::default(),
        without_effect: 0,
    }
}

#[test]
fn a_learner_has_one_lane_and_keeps_the_order_there() {
    let plan = plan(5_000);
    let lanes = split(&plan);
    assert_eq!(lanes.iter().map(Vec::len).sum::<usize>(), 5_000);
    assert_eq!(lanes, split(&plan));
    let mut seen: HashMap<u64, usize> = HashMap::new();
    for (number, lane) in lanes.iter().enumerate() {
        assert!(lane.is_sorted());
        for place in lane {
            let learner = plan.commands[*place as usize].user_id;
            assert_eq!(*seen.entry(learner).or_insert(number), number);
        }
    }
}

/// What the fake node has kept.
#[derive(Default)]
struct Kept {
    /// Key → points.
    keys: HashMap<String, u64>,
    /// Learner → times in the order they were kept.
    times: HashMap<u64, Vec<String>>,
    calls: u64,
    /// Every so many commands or batches something goes wrong; 0 means never.
    trouble_every: u64,
}

type Fake = Arc<Mutex<Kept>>;

enum Trouble {
    None,
    /// Refused before anything was kept.
    Busy,
    /// Kept, but the answer is lost.
    AnswerLost,
}

impl Kept {
    fn trouble(&mut self) -> Trouble {
        self.calls += 1;
        match self.trouble_every {
            0 => Trouble::None,
            every if self.calls.is_multiple_of(every * 2) => Trouble::AnswerLost,
            every if self.calls.is_multiple_of(every) => Trouble::Busy,
            _ => Trouble::None,
        }
    }

    fn keep(&mut self, command: &Value) -> Value {
        let key = command["key"].as_str().expect("a key").to_owned();
        let points = if command["action_type"].is_string() { 10 } else { 0 };
        if self.keys.insert(key, points).is_none() {
            let (user, time) = (&command["user_id"], &command["occurred_at"]);
            let times = self.times.entry(user.as_u64().expect("a learner")).or_default();
            times.push(time.as_str().expect("a time").to_owned());
        }
        json!({"awarded": points > 0, "points": points})
    }
}

fn busy() -> Value {
    json!({"type": "about:blank", "title": "Busy", "status": 503, "code": "overloaded", "detail": "later"})
}

async fn events(State(fake): State<Fake>, Json(body): Json<Value>) -> Response {
    let mut kept = fake.lock();
    let trouble = kept.trouble();
    if matches!(trouble, Trouble::Busy) {
        return (StatusCode::SERVICE_UNAVAILABLE, Json(busy())).into_response();
    }
    let items = body["events"].as_array().expect("a list").iter();
    let results: Vec<Value> = items
        .map(|item| json!({"status": 201, "data": kept.keep(item)}))
        .collect();
    if matches!(trouble, Trouble::AnswerLost) {
        return (StatusCode::BAD_GATEWAY, "").into_response();
    }
    Json(json!({ "results": results })).into_response()
}

async fn socket(State(fake): State<Fake>, upgrade: WebSocketUpgrade) -> Response {
    upgrade
        .protocols(["homeroom.v1"])
        .on_upgrade(|socket| converse(fake, socket))
}

async fn converse(fake: Fake, mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        let Message::Text(text) = message else { continue };
        let command: Value = serde_json::from_str(&text).expect("JSON");
        let (trouble, data) = {
            let mut kept = fake.lock();
            let trouble = kept.trouble();
            let data = (!matches!(trouble, Trouble::Busy)).then(|| kept.keep(&command));
            (trouble, data)
        };
        let id = &command["id"];
        let answer = match (trouble, data) {
            (Trouble::AnswerLost, _) => {
                let (code, reason) = (1_012, "restarting".into());
                let _ = socket.send(Message::Close(Some(CloseFrame { code, reason }))).await;
                return;
            }
            (_, Some(data)) => json!({"type": "ack", "id": id, "data": data}),
            (_, None) => json!({"type": "error", "id": id, "error": busy()}),
        };
        if socket.send(Message::text(answer.to_string())).await.is_err() {
            return;
        }
    }
}

async fn replay(plan: &Arc<Plan>, role: &'static str, trouble_every: u64) -> (Fake, Result<Report, String>) {
    let fake: Fake = Arc::new(Mutex::new(Kept {
        trouble_every,
        ..Kept::default()
    }));
    let app = Router::new()
        .route("/me", get(move || async move { Json(json!({ "role": role })) }))
        .route("/import", post(|| async { Json(json!({})) }))
        .route("/events", post(events))
        .route("/ws", get(socket))
        .with_state(Arc::clone(&fake));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let server = tokio::spawn(async move { axum::serve(listener, app).await });
    let client = Client::new(&url, "token").expect("an address");
    let (_stop, stopped) = watch::channel(false);
    let played = play(plan, &client, Pace::Fast, &Arc::default(), &stopped).await;
    server.abort();
    let report = match played {
        Ok((report, None)) => Ok(report),
        Ok((_, Some(error))) | Err(error) => Err(error.to_string()),
    };
    (fake, report)
}

#[tokio::test]
async fn everything_arrives_once_and_in_order() {
    let plan = Arc::new(plan(5_000));
    let (fake, report) = replay(&plan, "service", 0).await;
    let report = report.expect("played");
    assert_eq!(
        (report.commands_left, report.commands_failed, report.retries),
        (0, 0, 0)
    );
    assert_eq!((report.sent["progress"], report.sent["points"]), (1_667, 3_333));
    assert_eq!((report.awards, report.points), (3_333, 33_330));
    let kept = fake.lock();
    assert_eq!(kept.keys.len(), 5_000);
    assert!(kept.times.values().all(|times| times.is_sorted()));
}

#[tokio::test]
async fn trouble_loses_nothing_and_counts_nothing_twice() {
    let plan = Arc::new(plan(5_000));
    let (fake, report) = replay(&plan, "admin", 53).await;
    let report = report.expect("played");
    assert_eq!((report.commands_left, report.commands_failed), (0, 0));
    assert!(report.retries > 0);
    assert_eq!((report.awards, report.points), (3_333, 33_330));
    assert_eq!(fake.lock().keys.len(), 5_000);
}

#[tokio::test]
async fn a_role_that_may_not_date_commands_is_refused_before_anything_is_sent() {
    let (fake, report) = replay(&Arc::new(plan(10)), "student", 0).await;
    assert!(report.is_err_and(|error| error.contains("service or admin token") && error.contains("student")));
    assert_eq!(fake.lock().calls, 0);
}
