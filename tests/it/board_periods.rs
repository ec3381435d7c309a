//! Boards of a day, a week and a season, of the past, with and without people who want to be on them; and that a board and
//! a team are right after every kind of write, with no name where none may be.

use crate::support::{Class, Client, Node, Socket, earn, within};
use homeroom::config::Leaderboards;
use serde_json::{Value, json};

const PERIODS: [&str; 4] = ["all", "day", "week", "season"];

async fn board(client: &Client, board: &str, query: &str) -> Value {
    client.get(&format!("/leaderboards/{board}?{query}")).await.expect(200)
}

/// (id, points) of each row.
fn rows(page: &Value) -> Vec<(u64, u64)> {
    let entries = page["entries"].as_array().unwrap().iter();
    let id = |row: &Value| row["user_id"].as_u64().or(row["team_id"].as_u64()).unwrap();
    entries.map(|row| (id(row), row["points"].as_u64().unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn boards_of_periods_are_read_followed_and_say_what_they_count() {
    let node = Node::start().await;
    Class::of(&node, 3).await;
    let (admin, student, wall) = (
        node.admin(),
        node.student(1).await,
        node.caller("projector", None).await,
    );
    let mut socket = Socket::connect(&student).await;
    let results = socket
        .subscribe(&[
            "board:all:day",
            "board:team:10:week",
            "board:qualification:20:season",
            "board:teams:day",
        ])
        .await;
    for result in &results {
        assert_eq!(result["recovered"], false, "{result}");
        assert_eq!(
            result["snapshot"]["total"],
            if result["topic"] == "board:teams:day" { 1 } else { 3 }
        );
    }
    let old = json!({"occurred_at": "2020-01-01T12:00:00.000Z"});
    let mut late = earn(2, "complete_quiz", 101);
    late["occurred_at"] = old["occurred_at"].clone();
    admin.post("/points/earn", late).await.expect(201);
    admin
        .post("/points/earn", earn(1, "read_content", 101))
        .await
        .expect(201);
    for (name, row) in [
        ("all", "user_id"),
        ("team:10", "user_id"),
        ("qualification:20", "user_id"),
        ("teams", "team_id"),
    ] {
        for period in PERIODS {
            let page = board(&student, name, &format!("period={period}")).await;
            let (old_counts, own) = (matches!(period, "all" | "season"), (row == "user_id"));
            let wanted = match (own, old_counts) {
                (true, true) => vec![(2, 50), (1, 10), (3, 0)],
                (true, false) => vec![(1, 10), (2, 0), (3, 0)],
                (false, true) => vec![(10, 60)],
                (false, false) => vec![(10, 10)],
            };
            assert_eq!(rows(&page), wanted, "{name} {period}");
            assert_eq!(
                (&page["period"], page["from"].is_null()),
                (&json!(period), old_counts),
                "{page}"
            );
            assert_eq!(page.get("season").is_some(), period == "season", "{page}");
            assert!(page["entries"][0][row].is_u64());
            let seen = board(&wall, name, &format!("period={period}&limit=1")).await;
            assert_eq!(seen["entries"][0]["points"], page["entries"][0]["points"]);
        }
    }
    // Each topic tells of it, and of what it counts alone.
    let mut told = std::collections::BTreeMap::new();
    while told.len() < 4 {
        let message = within("updates of four boards", socket.recv()).await;
        if message["type"] == "leaderboard_update" {
            told.insert(message["topic"].as_str().unwrap().to_owned(), message["data"].clone());
        }
    }
    assert_eq!(told["board:all:day"]["period"], "day");
    assert_eq!(told["board:all:day"]["changes"][0]["points"], 10, "{told:?}");
    for query in ["period=year", "period=Day", "period="] {
        student
            .get(&format!("/leaderboards/all?{query}"))
            .await
            .problem(422, "validation");
    }
    let results = socket.subscribe(&["board:all:year", "board:all:all"]).await;
    assert!(
        results.iter().all(|result| result["error"]["status"].is_u64()),
        "{results:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_board_of_the_past_shows_what_was_there_then() {
    let node = Node::start().await;
    Class::of(&node, 3).await;
    let (admin, student) = (node.admin(), node.student(1).await);
    for (id, at) in [(1, "2026-03-02T10:00:00.000Z"), (2, "2026-03-03T10:00:00.000Z")] {
        let mut event = earn(id, "read_content", 101);
        event["occurred_at"] = json!(at);
        admin.post("/points/earn", event).await.expect(201);
    }
    // The people came after these moments: with what they had earned then they count, with the team that they came with,
    // and the others are on no board of then.
    for (name, wanted) in [
        ("all", vec![(1, 10)]),
        ("team:10", vec![(1, 10)]),
        ("teams", vec![(10, 10)]),
    ] {
        let page = board(&admin, name, "at=2026-03-03T00:00:00.000Z").await;
        let shown = (rows(&page), &page["at"]);
        assert_eq!(shown, (wanted, &json!("2026-03-03T00:00:00.000Z")), "{name}");
    }
    let first = board(&student, "all", "").await;
    assert_eq!(rows(&first), [(1, 10), (2, 10), (3, 0)]);
    let (then, _) = moment(&admin, 700).await;
    admin
        .post("/points/earn", earn(3, "complete_quiz", 102))
        .await
        .expect(201);
    admin.delete("/teams/10/members/1").await.ok();
    for (name, wanted) in [
        ("all", rows(&first)),
        ("team:10", rows(&first)),
        ("teams", vec![(10, 20)]),
    ] {
        for period in ["all", "season"] {
            let page = board(&admin, name, &format!("at={then}&period={period}")).await;
            assert_eq!(rows(&page), wanted, "{name} {period}");
        }
    }
    assert_eq!(rows(&board(&admin, "teams", "").await), [(10, 60)]);
    let page = board(&student, "all", &format!("at={then}&limit=2")).await;
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = board(&student, "all", &format!("at={then}&limit=2&cursor={cursor}")).await;
    assert_eq!((rows(&rest), rest["next_cursor"].is_null()), (vec![(3, 0)], true));
    assert_eq!(
        rows(&board(&student, "all", &format!("at={then}&around=2&neighbours=0")).await),
        [(2, 10)]
    );
    for at in ["2999-01-01T00:00:00.000Z", "yesterday"] {
        student
            .get(&format!("/leaderboards/all?at={at}"))
            .await
            .problem(422, "validation");
    }
    let path = format!("/leaderboards/team:77?at={then}");
    admin.get(&path).await.problem(404, "unknown_team");
}

/// A moment after everything so far and before everything later, by the node's own clock: when a person was created.
async fn moment(admin: &Client, id: u64) -> (String, Value) {
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    let user = admin
        .post("/users", json!({"id": id, "name": "Clock", "role": "staff"}))
        .await
        .expect(201);
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    (user["created_at"].as_str().unwrap().to_owned(), user)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_want_to_is_on_no_board_and_waits_before_a_change_of_mind() {
    let node = Node::start().await;
    Class::of(&node, 3).await;
    let (admin, student, mate) = (node.admin(), node.student(1).await, node.student(2).await);
    admin
        .post("/points/earn", earn(1, "complete_quiz", 101))
        .await
        .expect(201);
    let path = "/users/1/preferences";
    let before = student.get(path).await.expect(200);
    assert_eq!(before, json!({"user_id": 1, "leaderboard": "in", "locked_until": null}));
    mate.patch(path, json!({"leaderboard": "out"}))
        .await
        .problem(403, "forbidden");
    for (body, field) in [
        (json!({}), "leaderboard"),
        (json!({"leaderboard": "maybe"}), "leaderboard"),
    ] {
        let problem = student.patch(path, body).await.problem(422, "validation");
        assert_eq!(problem["errors"][0]["field"], field);
    }
    let mut socket = Socket::connect(&mate).await;
    socket.subscribe(&["board:all:day"]).await;
    let said = student.patch(path, json!({"leaderboard": "out"})).await.expect(200);
    assert!(
        said["leaderboard"] == "out" && said["locked_until"].is_string(),
        "{said}"
    );
    for period in PERIODS {
        let page = board(&mate, "all", &format!("period={period}")).await;
        assert_eq!((rows(&page), &page["total"]), (vec![(2, 0), (3, 0)], &json!(2)));
        assert_eq!(
            rows(&board(&mate, "teams", &format!("period={period}")).await),
            [(10, 50)]
        );
    }
    let message = within("the row leaves", socket.recv()).await;
    assert_eq!(message["data"]["removed"], json!([1]), "{message}");
    let problem = student
        .patch(path, json!({"leaderboard": "in"}))
        .await
        .problem(409, "preference_locked");
    assert_eq!(problem["retry_at"], said["locked_until"]);
    student.patch(path, json!({"leaderboard": "out"})).await.expect(200);
    admin.patch(path, json!({"leaderboard": "in"})).await.expect(200);
    assert_eq!(rows(&board(&mate, "all", "").await), [(1, 50), (2, 0), (3, 0)]);
    admin
        .patch("/users/77/preferences", json!({"leaderboard": "in"}))
        .await
        .problem(404, "unknown_user");
    let export = student.get("/users/1/export").await.expect(200);
    assert_eq!(export["preferences"]["leaderboard"], "in");
    let audit = admin.get("/audit?act=preference_changed").await.expect(200);
    assert_eq!(audit["items"].as_array().map(Vec::len), Some(2), "{audit}");
    admin.delete("/users/1").await.ok();
    admin.get(path).await.problem(410, "erased");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_can_ask_people_first_or_keep_no_boards() {
    let node = Node::start_with(|config| config.leaderboards = Leaderboards::OptIn).await;
    Class::of(&node, 2).await;
    let student = node.student(2).await;
    assert_eq!(rows(&board(&student, "all", "").await), []);
    assert_eq!(
        student.get("/users/2/preferences").await.expect(200)["leaderboard"],
        "out"
    );
    student
        .patch("/users/2/preferences", json!({"leaderboard": "in"}))
        .await
        .expect(200);
    assert_eq!(rows(&board(&student, "all", "period=week").await), [(2, 0)]);

    let node = Node::start_with(|config| config.leaderboards = Leaderboards::Off).await;
    Class::of(&node, 2).await;
    for client in [
        node.admin(),
        node.student(2).await,
        node.caller("projector", None).await,
    ] {
        for name in ["all", "teams", "team:10", "qualification:20"] {
            client
                .get(&format!("/leaderboards/{name}"))
                .await
                .problem(403, "leaderboards_off");
        }
        let mut socket = Socket::connect(&client).await;
        let results = socket.subscribe(&["board:all", "board:teams:day"]).await;
        for result in results {
            assert_eq!(result["error"]["code"], "leaderboards_off");
        }
    }
    assert_eq!(node.admin().get("/team/10/performance").await.status, 200);
}

/// Whatever is written, the next read of boards and teams is right, and one with the tag of before is no 304.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_every_kind_of_write_the_next_read_is_right() {
    let node = Node::start().await;
    Class::of(&node, 3).await;
    let admin = node.admin();
    let earned = admin
        .post("/points/earn", earn(1, "complete_quiz", 7))
        .await
        .expect(201);
    let award = earned["event_id"].as_u64().unwrap();
    let quiz = earn(2, "complete_quiz", 8);
    let mut event = earn(3, "read_content", 9);
    event["kind"] = json!("points");
    let mut together = earn(1, "team_achievement", 10);
    together["evidence"] = json!({"team_id": 10});
    // Method, path, body; points of students 1, 2, 3 (none: not on the board) and of the team afterwards.
    type Write = (&'static str, String, Value, [Option<u64>; 3], u64);
    let writes: Vec<Write> = vec![
        ("POST", "/points/earn".into(), quiz, [Some(50), Some(50), Some(0)], 100),
        (
            "POST",
            "/events".into(),
            json!({"events": [event]}),
            [Some(50), Some(50), Some(10)],
            110,
        ),
        (
            "POST",
            "/points/earn".into(),
            together,
            [Some(150), Some(150), Some(110)],
            410,
        ),
        (
            "POST",
            format!("/points/{award}/reverse"),
            json!({"reason": "a mistake"}),
            [Some(100), Some(150), Some(110)],
            360,
        ),
        (
            "POST",
            format!("/points/{award}/reinstate"),
            json!({}),
            [Some(150), Some(150), Some(110)],
            410,
        ),
        (
            "POST",
            "/points/award".into(),
            json!({"user_id": 3, "points": 5, "reason": "well done"}),
            [Some(150), Some(150), Some(115)],
            415,
        ),
        (
            "PATCH",
            "/users/1".into(),
            json!({"alias": "Another"}),
            [Some(150), Some(150), Some(115)],
            415,
        ),
        (
            "PATCH",
            "/users/1/preferences".into(),
            json!({"leaderboard": "out"}),
            [None, Some(150), Some(115)],
            415,
        ),
        (
            "PATCH",
            "/users/1/preferences".into(),
            json!({"leaderboard": "in"}),
            [Some(150), Some(150), Some(115)],
            415,
        ),
        (
            "PATCH",
            "/users/2".into(),
            json!({"archived": true}),
            [Some(150), None, Some(115)],
            265,
        ),
        (
            "PATCH",
            "/users/2".into(),
            json!({"archived": false}),
            [Some(150), Some(150), Some(115)],
            415,
        ),
        (
            "PATCH",
            "/users/3".into(),
            json!({"role": "staff"}),
            [Some(150), Some(150), None],
            415,
        ),
        (
            "PATCH",
            "/users/3".into(),
            json!({"role": "student"}),
            [Some(150), Some(150), Some(115)],
            415,
        ),
        (
            "DELETE",
            "/teams/10/members/1".into(),
            json!({}),
            [Some(150), Some(150), Some(115)],
            265,
        ),
        (
            "PUT",
            "/teams/10/members/1".into(),
            json!({}),
            [Some(150), Some(150), Some(115)],
            415,
        ),
        (
            "POST",
            "/import".into(),
            json!({"users": [{"id": 1, "name": "Imported", "role": "staff"}]}),
            [None, Some(150), Some(115)],
            415,
        ),
        (
            "DELETE",
            "/users/1".into(),
            json!({}),
            [None, Some(150), Some(115)],
            265,
        ),
    ];
    let paths = |period: &str| ["all", "team:10", "teams"].map(|name| format!("/leaderboards/{name}?period={period}"));
    for (method, path, body, points, sum) in writes {
        let read = |path: String, tag: Option<String>| {
            let request = admin.request(reqwest::Method::GET, &path);
            let request = match tag {
                Some(tag) => request.header("if-none-match", tag),
                None => request,
            };
            admin.send(request)
        };
        let mut tags = Vec::new();
        for period in PERIODS {
            for board_path in paths(period).into_iter().chain(["/team/10/performance".to_owned()]) {
                let answer = read(board_path.clone(), None).await;
                let tag = answer.header("etag").unwrap().to_owned();
                assert_eq!(
                    read(board_path.clone(), Some(tag.clone())).await.status,
                    304,
                    "{board_path}"
                );
                tags.push((board_path, tag, answer.expect(200)));
            }
        }
        let request = admin.request(method.parse().unwrap(), &path).json(&body);
        admin.send(request).await.ok();
        for (board_path, tag, before) in tags {
            let answer = read(board_path.clone(), Some(tag)).await;
            let is_same = answer.status == 304;
            let page = if is_same { before } else { answer.expect(200) };
            let what = format!("{board_path} after {method} {path} {body}");
            if board_path.contains("/performance") {
                assert_eq!(page["points"]["sum"], sum, "{what}");
                assert_eq!(page["rank"], 1, "{what}");
            } else if board_path.contains("teams") {
                assert_eq!(rows(&page), [(10, sum)], "{what}");
            } else {
                let found = rows(&page);
                for (id, points) in (1..=3_u64).zip(points) {
                    let is_gone = (method, path.as_str()) == ("DELETE", "/teams/10/members/1") && id == 1;
                    let is_member = !(is_gone && board_path.contains("team:10"));
                    let wanted = points.filter(|_| is_member);
                    let row = found.iter().find(|row| row.0 == id).map(|row| row.1);
                    assert_eq!(row, wanted, "{what}: student {id}");
                }
            }
        }
    }
    let metrics = node.anonymous().get("/metrics").await;
    for name in ["homeroom_board_reads_total", "homeroom_team_reads_total"] {
        for cache in ["hit", "miss"] {
            let line = metrics
                .text
                .lines()
                .find(|line| line.starts_with(name) && line.contains(cache));
            let count: f64 = line
                .and_then(|line| line.rsplit(' ').next()?.parse().ok())
                .unwrap_or_default();
            assert!(count > 0.0, "{name} {cache}");
        }
    }
}

/// I7: a whole scripted class without any alias of its own. Whatever peers, strangers and walls are told, no real name is in it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i7_a_scripted_class_shows_no_real_name_to_peers_students_and_walls() {
    let node = Node::start().await;
    let admin = node.admin();
    let real = |id: u64| Class::real_name(id);
    let users: Vec<Value> = (1..=6).map(|id| json!({"id": id, "name": real(id)})).collect();
    let mentor = json!({"id": 900, "name": real(900), "role": "mentor"});
    let members: Vec<Value> = (1..=6_u64)
        .map(|id| json!({"team_id": 10 + id % 2, "user_id": id}))
        .collect();
    let import = json!({
        "users": users.into_iter().chain([mentor]).collect::<Vec<_>>(),
        "qualifications": [{"id": 20, "name": "Maths"}],
        "units": [{"id": 101, "title": "One", "qualification_id": 20}, {"id": 102, "title": "Two", "qualification_id": 20}],
        "teams": [{"id": 10, "name": "Owls", "mentor_id": 900}, {"id": 11, "name": "Larks"}],
        "team_members": members,
        "enrolments": (1..=6_u64).map(|id| json!({"qualification_id": 20, "user_id": id})).collect::<Vec<_>>(),
    });
    admin.post("/import", import).await.ok();
    let mut topics = vec!["team:10".to_owned(), "team:11".into(), "user:1".into(), "user:2".into()];
    for period in ["", ":day", ":week", ":season"] {
        for name in ["all", "teams", "team:10", "team:11", "qualification:20"] {
            topics.push(format!("board:{name}{period}"));
        }
    }
    let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
    // Each with the names that are no secret to them: their own.
    let mut viewers = Vec::new();
    for (client, own) in [
        (node.student(2).await, Some(2)),
        (node.student(1).await, Some(1)),
        (node.caller("projector", None).await, None),
    ] {
        let mut socket = Socket::connect(&client).await;
        let results = socket.subscribe(&topics).await;
        let boards = results.iter().filter(|result| result.get("snapshot").is_some()).count();
        assert!(boards >= 16, "{boards} boards are followed");
        viewers.push((client, own, socket));
    }
    let mut together = earn(4, "team_achievement", 7);
    together["evidence"] = json!({"team_id": 10});
    let award = admin
        .post("/points/earn", earn(4, "complete_quiz", 101))
        .await
        .expect(201)["event_id"]
        .clone();
    let script: Vec<(&str, String, Value)> = vec![
        ("POST", "/points/earn".into(), together),
        (
            "POST",
            "/progress/4".into(),
            json!({"unit_id": 101, "progress_percentage": 100}),
        ),
        (
            "POST",
            format!("/points/{award}/reverse"),
            json!({"reason": "no name here"}),
        ),
        (
            "POST",
            "/points/award".into(),
            json!({"user_id": 4, "points": 5, "reason": "well done"}),
        ),
        ("PATCH", "/users/4".into(), json!({"name": real(4_000)})),
        ("PATCH", "/users/3/preferences".into(), json!({"leaderboard": "out"})),
        ("DELETE", "/teams/10/members/4".into(), json!({})),
        ("PUT", "/teams/11/members/4".into(), json!({})),
        ("PATCH", "/users/5".into(), json!({"archived": true})),
        ("PATCH", "/users/5".into(), json!({"archived": false})),
        ("POST", "/points/earn".into(), earn(5, "complete_quiz", 102)),
        ("DELETE", "/users/6".into(), json!({})),
        ("POST", "/points/earn".into(), earn(4, "read_content", 102)),
    ];
    let pages: Vec<String> = ["all", "teams", "team:10", "team:11", "qualification:20"]
        .iter()
        .flat_map(|name| PERIODS.map(|period| format!("/leaderboards/{name}?period={period}")))
        .chain(
            [
                "/leaderboards/all?around=4",
                "/team/10/performance",
                "/team/11/performance",
                "/users",
                "/teams",
                "/me",
            ]
            .map(String::from),
        )
        .chain((1..=6).flat_map(|id| {
            [
                format!("/users/{id}"),
                format!("/progress/{id}"),
                format!("/achievements/{id}"),
            ]
        }))
        .collect();
    let mut scanned = 0;
    for (method, path, body) in &script {
        admin
            .send(admin.request(method.parse().unwrap(), path).json(body))
            .await
            .ok();
        for (client, own, _) in &viewers {
            for page in &pages {
                let answer = client.get(page).await;
                check_names(&answer.text, *own, page);
                scanned += 1;
            }
        }
    }
    for (_, own, socket) in &mut viewers {
        // The last write is on every board of everybody: what came before it has come.
        let _ = socket
            .collect_until(|seen| {
                let last = |frame: &Value| {
                    let changes = frame["data"]["changes"].as_array().into_iter().flatten();
                    frame["topic"] == "board:all:season" && changes.into_iter().any(|row| row["points"] == 115)
                };
                seen.iter().any(last)
            })
            .await;
        for frame in std::mem::take(&mut socket.seen) {
            check_names(&frame, *own, "a frame");
            scanned += 1;
        }
    }
    assert!(scanned > 1_000, "{scanned} answers and frames are scanned");
}

/// No real name but the viewer's own.
fn check_names(text: &str, own: Option<u64>, what: &str) {
    let own = own.map(|id| format!("\"{}\"", Class::real_name(id)));
    let rest = own.map_or_else(|| text.to_owned(), |own| text.replace(&own, "\"\""));
    assert!(!rest.contains(Class::REAL), "a name in {what}: {text}");
}
