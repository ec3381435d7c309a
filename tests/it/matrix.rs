//! Every route as every role: the contract's table of rights, cell by cell, and no real name where no name may be (I7).

use crate::support::{Answer, Class, Client, Events, Node, Socket, document, earn, report_row};
use reqwest::Method;
use serde_json::{Value, json};

/// The callers, in the order of the columns below. Students 1 and 2 are in team 10 of mentor 900; student 1001 is in
/// team 1010 of mentor 1900.
const CALLERS: [&str; 8] = [
    "admin",
    "service",
    "mentor 900",
    "mentor 1900",
    "student 1",
    "student 2",
    "student 1001",
    "projector",
];

/// `METHOD path body | one column a caller`: `y` is a 2xx, a number is that status with a problem; several are joined by
/// `/` where the contract leaves the choice. `#` stands for a new number in each cell. `{award}` is an award of student 1.
const MATRIX: &[&str] = &[
    //                                                              admin svc  m900 m1900 s1   s2   s1001 proj
    "GET /me                                                       | y    y    y    y    y    y    y    y",
    "GET /tokens                                                   | y    403  403  403  403  403  403  403",
    r#"POST /tokens {"role":"projector","expires_in_s":60}         | y    y    403  403  403  403  403  403"#,
    r#"POST /tokens {"role":"student","user_id":1,"expires_in_s":60} | y  y    403  403  403  403  403  403"#,
    r#"POST /tokens {"role":"service","expires_in_s":60}           | y    403  403  403  403  403  403  403"#,
    r#"POST /tokens {"role":"admin","expires_in_s":60}             | y    403  403  403  403  403  403  403"#,
    "DELETE /tokens/99999                                          | 404  403  403  403  403  403  403  403",
    "GET /users                                                    | y    y    y    y    y    y    y    403",
    "GET /users/1                                                  | y    y    y    404  y    y    404  403",
    "GET /users/900                                                | y    y    y    404  y/404 y/404 404 403",
    "GET /users/77777                                              | 404  404  404  404  404  404  404  403",
    r#"POST /users {"name":"New"}                                  | y    y    403  403  403  403  403  403"#,
    r#"PUT /users/7# {"name":"New"}                                | y    y    403  403  403  403  403  403"#,
    r#"PATCH /users/2 {"alias":"Alias 2"}                          | y    y    403  403  403  403  403  403"#,
    r#"PATCH /users/50# {"archived":true}                          | y    y    403  403  403  403  403  403"#,
    "DELETE /users/50#                                             | y    403  403  403  403  403  403  403",
    "GET /users/1/preferences                                      | y    y    403  404  y    403  404  403",
    "GET /users/77777/preferences                                  | 404  404  404  404  404  404  404  403",
    r#"PATCH /users/1/preferences {"leaderboard":"in"}             | y    y    403  404  y    403  404  403"#,
    "GET /users/1/export                                           | y    y    y    404  y    403  404  403",
    "GET /users/77777/export                                       | 404  404  404  404  404  404  404  403",
    "GET /audit                                                    | y    403  403  403  403  403  403  403",
    "GET /teams                                                    | y    y    y    y    y    y    y    403",
    "GET /teams/10                                                 | y    y    y    404  y    y    404  y/403",
    r#"POST /teams {"name":"New"}                                  | y    y    403  403  403  403  403  403"#,
    r#"PATCH /teams/10 {"name":"Team 10"}                          | y    y    403  403  403  403  403  403"#,
    r#"PUT /teams/6# {"name":"New"}                                | y    y    403  403  403  403  403  403"#,
    "DELETE /teams/66666                                           | 404  404  403  403  403  403  403  403",
    "PUT /teams/10/members/2 {}                                    | y    y    403  403  403  403  403  403",
    "DELETE /teams/10/members/3                                    | y    y    403  403  403  403  403  403",
    "GET /units                                                    | y    y    y    y    y    y    y    403",
    "GET /units/101                                                | y    y    y    y    y    y    y    403",
    r#"POST /units {"title":"New"}                                 | y    y    403  403  403  403  403  403"#,
    r#"PUT /units/6# {"title":"New"}                               | y    y    403  403  403  403  403  403"#,
    r#"PATCH /units/101 {"title":"Unit 101"}                       | y    y    403  403  403  403  403  403"#,
    "DELETE /units/66666                                           | 404  404  403  403  403  403  403  403",
    "GET /qualifications/20                                        | y    y    y    y    y    y    y    403",
    r#"PUT /qualifications/6# {"name":"New"}                       | y    y    403  403  403  403  403  403"#,
    r#"PATCH /qualifications/20 {"name":"Qualification 20"}        | y    y    403  403  403  403  403  403"#,
    "DELETE /qualifications/66666                                  | 404  404  403  403  403  403  403  403",
    "DELETE /qualifications/20/learners/3                          | y    y    403  403  403  403  403  403",
    "GET /qualifications                                           | y    y    y    y    y    y    y    403",
    r#"POST /qualifications {"name":"New"}                         | y    y    403  403  403  403  403  403"#,
    "PUT /qualifications/20/learners/2 {}                          | y    y    403  403  403  403  403  403",
    "POST /import {}                                               | y    y    403  403  403  403  403  403",
    r#"POST /points/earn {"user_id":1,"action_type":"complete_quiz","reference_id":8#} | y y y 403/404/422 403 403/404/422 403/404/422 403"#,
    r#"POST /points/earn {"user_id":1,"action_type":"read_content","reference_id":101} | y y y 403/404/422 y 403/404/422 403/404/422 403"#,
    r#"POST /progress/1 {"unit_id":101,"progress_percentage":5}    | y    y    y    404  y    403  404  403"#,
    "POST /events {\"events\":[]}                                  | y    y    y    y    y    y    y    403",
    "GET /progress/1                                               | y    y    y    404  y    403  404  403",
    "GET /achievements/1                                           | y    y    y    404  y    403  404  403",
    "GET /points/1                                                 | y    y    y    404  y    403  404  403",
    "GET /progress/77777                                           | 404  404  404  404  404  404  404  403",
    r#"POST /points/award {"user_id":1,"points":1,"reason":"r"}    | y    403  y    404  403  403  403  403"#,
    r#"POST /points/award {"user_id":77777,"points":1,"reason":"r"} | 422 403  404  404  403  403  403  403"#,
    "POST /points/{award}/reverse {\"reason\":\"r\"}               | y    403  409  403/404 403/404 403/404 403/404 403",
    "POST /points/{award}/reinstate {}                             | y    403  409  403/404 403/404 403/404 403/404 403",
    "GET /team/10/performance                                      | y    y    y    404  y    y    404  y",
    "GET /teams/10/performance                                     | y    y    y    404  y    y    404  y",
    "GET /team/10/signals                                          | y    y    y    404  403  403  404  403",
    "GET /analytics/engagement?team_id=10                          | y    y    y    404  403  403  403  403",
    "GET /analytics/outcomes                                       | y    y    422  422  403  403  403  403",
    "GET /analytics/success?team_id=10                             | y    y    y    404  403  403  403  403",
    "GET /analytics/resources?team_id=77777                        | 422  422  404  404  403  403  403  403",
    "GET /leaderboards/all                                         | y    y    y    y    y    y    y    y",
    "GET /leaderboards/teams                                       | y    y    y    y    y    y    y    y",
    "GET /leaderboards/qualification:20                            | y    y    y    y    y    y    y    y",
    "GET /leaderboards/team:10                                     | y    y    y    404  y    y    404  y",
    "POST /backups {}                                              | y    403  403  403  403  403  403  403",
    "GET /backups                                                  | y    403  403  403  403  403  403  403",
    "GET /backups/none                                             | 404  403  403  403  403  403  403  403",
    "DELETE /backups/none                                          | 404  403  403  403  403  403  403  403",
    "POST /backups/none/verify                                     | 404  403  403  403  403  403  403  403",
    "GET /rules                                                    | y    403  403  403  403  403  403  403",
    "GET /rules/history                                            | y    403  403  403  403  403  403  403",
    r#"POST /rules/check {"document":"points = 1"}                 | y    403  403  403  403  403  403  403"#,
    r#"POST /rules/preview {"document":"name = \"x\""}             | y    403  403  403  403  403  403  403"#,
    r#"POST /rules/apply {"document":"["}                          | 422  403  403  403  403  403  403  403"#,
    r#"POST /rules/undo {"act":77777}                              | 422  403  403  403  403  403  403  403"#,
    r#"POST /announcements {"text":"t"}                            | y    y    422  422  403  403  403  403"#,
    r#"POST /announcements {"text":"t","team_id":10}               | y    y    y    404  403  403  403  403"#,
    r#"POST /announcements {"text":"t","team_id":77777}            | 422  422  404  404  403  403  403  403"#,
    "GET /announcements                                            | y    y    y    y    y    y    y    y",
    "GET /announcements?team_id=10                                 | y    y    y    404  y    y    404  y",
    "GET /announcements?team_id=77777                              | 404  404  404  404  404  404  404  404",
    "DELETE /announcements/77777                                   | 404  404  404  404  403  403  403  403",
    r#"PATCH /classroom {"door":"open"}                            | 409  403  403  403  403  403  403  403"#,
    r#"POST /classroom/setup {"name":""}                           | 422  403  403  403  403  403  403  403"#,
    r#"POST /sign-ins {"role":"projector"}                         | y    403  403  403  403  403  403  403"#,
    "POST /users/1/pin {}                                          | y    y    y    404  y    403  404  403",
    "POST /users/77777/pin {}                                      | 404  404  404  404  404  404  404  403",
    r#"POST /users/77777/merge {"into_user_id":1}                  | 404  403  403  403  403  403  403  403"#,
    "GET /teams/10/presence                                        | y    y    y    404  y    y    404  403",
    "GET /teams/77777/presence                                     | 404  404  404  404  404  404  404  403",
    // What follows once topics are named, `every_topic_answers_every_role_as_the_table_says` asks.
    "GET /events/stream                                            | 422  422  422  422  422  422  422  422",
    "POST /tickets {}                                              | y    y    y    y    y    y    y    y",
];

/// Topics a socket asks for: `y` is a subscription.
const TOPICS: &[&str] = &[
    //                            admin svc  m900 m1900 s1   s2   s1001 proj
    "user:1                      | y    y    y    404  y    403  404  403",
    "user:77777                  | 404  404  404  404  404  404  404  403",
    "team:10                     | y    y    y    404  y    y    404  y",
    "board:all                   | y    y    y    y    y    y    y    y",
    "board:teams                 | y    y    y    y    y    y    y    y",
    "board:qualification:20      | y    y    y    y    y    y    y    y",
    "board:team:10               | y    y    y    404  y    y    404  y",
    "presence:10                 | y    y    y    404  y    y    404  403",
    "presence:77777              | 404  404  404  404  404  404  404  403",
    "announcements               | y    y    y    y    y    y    y    y",
    "honours                     | y    y    y    y    y    y    y    y",
    "announcements:team:10       | y    y    y    404  y    y    404  y",
    "announcements:team:77777    | 404  404  404  404  404  404  404  404",
];

async fn school() -> Node {
    // One caller asks for every row in a second: that is more than a student may, and not what is asked here.
    let node = Node::start_with(|config| config.rates.student_writes_per_s = 0).await;
    let admin = node.admin();
    Class::import(&admin, 0, 3).await;
    Class::import(&admin, 1, 2).await;
    let spare: Vec<Value> = (1..=9_u64)
        .map(|n| json!({"id": 500_000 + n, "name": "Spare"}))
        .collect();
    admin.post("/import", json!({"users": spare})).await.ok();
    node
}

async fn caller(node: &Node, text: &str) -> Client {
    let (role, user_id) = text
        .split_once(' ')
        .map_or((text, None), |(role, id)| (role, id.parse().ok()));
    node.caller(role, user_id).await
}

/// Whether a cell allows a status.
fn allows(cell: &str, status: u16) -> bool {
    cell.split('/').any(|choice| match choice {
        "y" => (200..300).contains(&status),
        number => number.parse() == Ok(status),
    })
}

fn cells(row: &str) -> (&str, Vec<&str>) {
    let (wish, columns) = row.rsplit_once('|').expect("a row has columns");
    let columns: Vec<_> = columns.split_whitespace().collect();
    assert_eq!(columns.len(), CALLERS.len(), "{row}");
    (wish.trim(), columns)
}

/// Method, path and body of a row, with its placeholders filled in.
fn wish_of(text: &str, number: usize, award: &Value) -> (Method, String, Option<Value>) {
    let text = text
        .replace('#', &format!("000{number}"))
        .replace("{award}", &award.to_string());
    let mut parts = text.splitn(3, ' ');
    let method = parts.next().unwrap().parse().expect("a method");
    let path = parts.next().expect("a path").to_owned();
    let body = parts
        .next()
        .map(|body| serde_json::from_str(body.trim()).unwrap_or_else(|_| panic!("JSON: {text}")));
    (method, path, body)
}

async fn send(client: &Client, (method, path, body): &(Method, String, Option<Value>)) -> Answer {
    let request = client.request(method.clone(), path);
    client
        .send(match body {
            Some(body) => request.json(body),
            None => request,
        })
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_answers_every_role_as_the_table_says() {
    let node = school().await;
    let award = node
        .admin()
        .post("/points/earn", earn(1, "complete_quiz", 101))
        .await
        .expect(201)["event_id"]
        .clone();
    let wish = json!({"role": "projector", "expires_in_s": 1});
    let short = node.admin().post("/tokens", wish).await.expect(201)["token"].clone();
    let mut callers = Vec::new();
    for text in CALLERS {
        callers.push(caller(&node, text).await);
    }
    let mut wrong = Vec::new();
    for row in MATRIX {
        let (text, columns) = cells(row);
        for (place, (client, cell)) in callers.iter().zip(columns).enumerate() {
            let wish = wish_of(text, place + 1, &award);
            let answer = send(client, &wish).await;
            let status = answer.status;
            // On a database server there is nothing to copy.
            let is_elsewhere = status == 409 && answer.text.contains("\"code\":\"backup_elsewhere\"");
            if !allows(cell, status) && !is_elsewhere {
                let caller = CALLERS[place];
                wrong.push(format!(
                    "{text} as {caller}: {status}, the table says {cell}: {}",
                    answer.text
                ));
            } else if status >= 400 {
                answer.any_problem(status);
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} cells are wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    // No token, a bad one, and one whose time is over: always 401, whatever the route.
    let expired = node.with_token(short.as_str().unwrap());
    crate::support::eventually("the token's end", || async {
        (expired.get("/me").await.status == 401).then_some(())
    })
    .await;
    for client in [node.anonymous(), node.with_token("not-a-token"), expired] {
        for row in MATRIX {
            let wish = wish_of(cells(row).0, 1, &award);
            let answer = send(&client, &wish).await;
            assert_eq!(answer.status, 401, "{row}: {}", answer.text);
            answer.problem(401, "unauthenticated");
        }
    }
    let cells = (MATRIX.len() * (CALLERS.len() + 3)) as u64;
    report_row(
        "F-S1",
        "routes as every role and relation (cells)",
        cells,
        "as the table of rights says, 0 leaks",
    );
}

/// The method and path template of the API document that a row is about.
fn route_of(row: &str) -> Option<(&'static str, &'static str)> {
    let (method, path) = cells(row).0.split_once(' ')?;
    let path = path.split([' ', '?']).next()?;
    let parts: Vec<&str> = path.split('/').collect();
    let fitting = document::operations().into_iter().filter(|(known, template, _)| {
        let wanted: Vec<&str> = template.split('/').collect();
        let fits = |(wanted, part): (&&str, &&str)| wanted == part || wanted.starts_with('{');
        method.eq_ignore_ascii_case(known) && wanted.len() == parts.len() && wanted.iter().zip(&parts).all(fits)
    });
    let route = fitting.min_by_key(|(_, template, _)| template.matches('{').count())?;
    Some((route.0, route.1))
}

#[test]
fn fs1_every_route_that_needs_a_token_has_a_row() {
    let rows: Vec<_> = MATRIX.iter().filter_map(|row| route_of(row)).collect();
    let missing: Vec<String> = document::operations()
        .into_iter()
        .filter(|(_, _, operation)| operation["security"] != json!([]))
        .filter(|(method, path, _)| !rows.contains(&(*method, *path)) && *path != "/ws")
        .map(|(method, path, _)| format!("{method} {path}"))
        .collect();
    assert!(missing.is_empty(), "no row in the matrix for {missing:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_topic_answers_every_role_as_the_table_says() {
    let node = school().await;
    for (place, text) in CALLERS.into_iter().enumerate() {
        let mut socket = Socket::connect(&caller(&node, text).await).await;
        for row in TOPICS {
            let (topic, columns) = cells(row);
            let result = socket.subscribe(&[topic]).await.remove(0);
            let status = match result.get("error") {
                Some(problem) => {
                    crate::support::check_problem(problem);
                    problem["status"].as_u64().unwrap() as u16
                }
                None => 200,
            };
            let cell = columns[place];
            assert!(
                allows(cell, status),
                "{topic} as {text}: {status}, the table says {cell}: {result}"
            );
        }
    }
    let topics: Vec<&str> = TOPICS.iter().map(|row| cells(row).0).collect();
    for (place, text) in CALLERS.into_iter().enumerate() {
        let mut events = Events::open(&caller(&node, text).await, &topics.join(",")).await;
        for (row, result) in TOPICS.iter().zip(events.subscribed().await) {
            let status = result["error"]["status"].as_u64().unwrap_or(200) as u16;
            let cell = cells(row).1[place];
            assert!(allows(cell, status), "{row} as {text} by events: {result}");
        }
    }
    let cells = 2 * (TOPICS.len() * CALLERS.len()) as u64;
    report_row(
        "F-S1",
        "topics as every role and relation, by socket and by events (cells)",
        cells,
        "as the table of rights says, 0 leaks",
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_on_a_socket_have_the_rights_of_http() {
    let node = school().await;
    for text in CALLERS {
        let client = caller(&node, text).await;
        let mut socket = Socket::connect(&client).await;
        for (unit, user_id) in [(101, 1), (102, 2), (103, 1001)] {
            let progress = json!({"unit_id": unit, "progress_percentage": 1});
            let http = client.post(&format!("/progress/{user_id}"), progress.clone()).await;
            let mut frame = progress;
            frame["type"] = json!("progress");
            frame["user_id"] = json!(user_id);
            let reply = socket.request_reply(frame).await;
            let is_same = (reply["type"] == "ack") == (http.status == 200);
            assert!(is_same, "{text} about {user_id}: {} and {reply}", http.text);
            let mut frame = earn(user_id, "complete_quiz", 4_000 + unit);
            let http = client.post("/points/earn", frame.clone()).await;
            frame["type"] = json!("earn");
            let reply = socket.request_reply(frame).await;
            let is_same = (reply["type"] == "ack") == (http.status < 300);
            assert!(is_same, "{text} about {user_id}: {} and {reply}", http.text);
        }
    }
    let cells = (CALLERS.len() * 3 * 2) as u64;
    report_row(
        "F-S1",
        "commands on sockets as every role and relation (cells)",
        cells,
        "the rights of HTTP, 0 leaks",
    );
}

/// Real names in a text, as ids of the people they belong to.
fn real_names(text: &str) -> Vec<&str> {
    let parts = text.split(Class::REAL).skip(1);
    parts
        .map(|rest| {
            rest.trim_start()
                .split(|c: char| !c.is_ascii_digit())
                .next()
                .unwrap_or_default()
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i7_no_real_name_reaches_a_peer_a_stranger_or_a_wall() {
    let node = school().await;
    let admin = node.admin();
    let award = admin
        .post("/points/earn", earn(1, "complete_quiz", 101))
        .await
        .expect(201)["event_id"]
        .clone();
    let topics = [
        "user:1",
        "user:2",
        "team:10",
        "board:all",
        "board:teams",
        "board:team:10",
        "board:qualification:20",
    ];
    let mut scanned = 0;
    for text in [
        "student 1",
        "student 2",
        "student 1001",
        "mentor 1900",
        "mentor 900",
        "projector",
    ] {
        let client = caller(&node, text).await;
        // One's own name is no secret to oneself; a mentor knows the own team's members, and nobody else.
        let known: &[&str] = match text {
            "student 1" => &["1"],
            "student 2" => &["2"],
            "student 1001" => &["1001"],
            "mentor 1900" => &["1900", "1001", "1002"],
            "mentor 900" => &["900", "1", "2", "3"],
            _ => &[],
        };
        let mut socket = Socket::connect(&client).await;
        let mut seen = Vec::new();
        let results = socket.subscribe(&topics).await;
        for row in MATRIX {
            let wish = wish_of(cells(row).0, 1, &award);
            if wish.0 != Method::GET {
                continue;
            }
            let answer = send(&client, &wish).await;
            let is_board = wish.1.starts_with("/leaderboards");
            if is_board && !(text == "mentor 900" && wish.1.ends_with("team:10")) {
                assert_eq!(
                    real_names(&answer.text),
                    [""; 0],
                    "{} as {text}: {}",
                    wish.1,
                    answer.text
                );
            }
            if text == "projector" && wish.1.contains("leaderboards") && !wish.1.ends_with("/teams") {
                assert!(
                    !answer.text.contains("user_id"),
                    "an id reached a wall: {}",
                    answer.text
                );
            }
            seen.push(answer.text);
        }
        // Something happens on every topic, and a renaming: boards tell of it.
        for (user_id, reference) in [(1, 300), (2, 301), (1001, 302)] {
            let reference = reference + scanned as u64;
            admin
                .post("/points/earn", earn(user_id, "complete_quiz", reference))
                .await
                .expect(201);
        }
        admin
            .patch(
                "/users/1",
                json!({"name": Class::real_name(1), "alias": format!("Alias 1 {text}")}),
            )
            .await
            .ok();
        let boards = results.iter().filter(|result| result["topic"] == "board:all").count();
        assert_eq!(boards, 1, "{results:?}");
        let mut changes = 0;
        while changes < 3 {
            let message = socket.recv().await;
            if message["topic"] == "board:all" {
                let rows = message["data"]["changes"].as_array().map_or(0, Vec::len);
                changes += rows.max(1);
            }
        }
        seen.append(&mut socket.seen);
        for text_seen in &seen {
            scanned += 1;
            for id in real_names(text_seen) {
                assert!(known.contains(&id), "the name of {id} reached {text}: {text_seen}");
            }
        }
    }
    assert!(scanned > 100, "only {scanned} texts were looked at");
    let names = real_names(&admin.get("/leaderboards/all").await.text).len();
    assert!(names >= 5, "an admin sees the names, so the scan would have found them");
}
