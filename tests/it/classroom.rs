//! The class and its door: set up once, joined with a code, come back to with a PIN, kept in order by its teacher.

use crate::support::{Answer, Class, Client, Node, Socket, earn};
use homeroom_schema::limits;
use reqwest::Method;
use serde_json::{Value, json};

const CODE: &str = "code";

fn wish() -> Value {
    json!({
        "name": "7b 🎉", "teams": ["Red", "Blue"], "course": "Mathematics 7", "units": ["Fractions", "Decimals"],
        "rules": "calm", "leaderboards": "opt_out",
    })
}

/// Sets the class up; gives its code.
async fn set_up(node: &Node) -> String {
    let class = node.admin().post("/classroom/setup", wish()).await.expect(201);
    class[CODE].as_str().expect("a code").to_owned()
}

async fn join(node: &Node, code: &str, name: &str) -> (Client, Value) {
    node.anonymous().sign_in(json!({"code": code, "name": name})).await
}

async fn try_in(node: &Node, wish: Value) -> Answer {
    node.anonymous().post("/sessions", wish).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_class_is_set_up_once_and_outlives_a_restart() {
    let mut node = Node::start_on_a_file().await;
    let before = node.anonymous().get("/classroom").await.expect(200);
    assert_eq!((&before["is_set_up"], &before["name"]), (&json!(false), &Value::Null));
    try_in(&node, json!({"code": "", "name": "Ada"}))
        .await
        .problem(409, "not_set_up");
    node.admin()
        .patch("/classroom", json!({"door": "locked"}))
        .await
        .problem(409, "not_set_up");

    let code = set_up(&node).await;
    assert_eq!(code.len(), 6, "{code}");
    node.admin()
        .post("/classroom/setup", wish())
        .await
        .problem(409, "already_set_up");
    let titles = |list: Value, field: &str| -> Vec<Value> {
        list["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one[field].clone())
            .collect()
    };
    let (teams, units) = (
        node.admin().get("/teams").await.expect(200),
        node.admin().get("/units").await.expect(200),
    );
    assert_eq!(titles(teams, "name"), ["Red", "Blue"]);
    assert_eq!(titles(units, "title"), ["Fractions", "Decimals"]);
    assert_eq!(node.admin().get("/rules").await.expect(200)["name"], "calm");

    node.restart().await;
    let outside = node.anonymous().get("/classroom").await.expect(200);
    assert_eq!(outside["name"], "7b 🎉");
    assert!(
        outside.get(CODE).is_none(),
        "the code is for those who let others in: {outside}"
    );
    assert_eq!(node.admin().get("/classroom").await.expect(200)[CODE], code.as_str());
    let door = node
        .anonymous()
        .post("/classroom/knock", json!({"code": code.to_lowercase()}))
        .await
        .expect(200);
    assert_eq!(titles(json!({"items": door["teams"]}), "name"), ["Red", "Blue"]);
    node.anonymous()
        .post("/classroom/knock", json!({"code": "AAAAAA"}))
        .await
        .problem(403, "wrong_code");
    join(&node, &code, "Ada").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_fields_of_the_set_up_are_named_and_nothing_is_made() {
    let node = Node::start().await;
    let admin = node.admin();
    for (field, value, named) in [
        ("name", json!(""), "name"),
        ("teams", json!(["x".repeat(101)]), "teams[0]"),
        ("teams", json!(vec!["x"; 101]), "teams"),
        ("units", json!(["fine", "bad\u{7}"]), "units[1]"),
        ("rules", json!("wild"), "rules"),
        ("leaderboards", json!("some"), "leaderboards"),
    ] {
        let mut bad = wish();
        bad[field] = value;
        let problem = admin.post("/classroom/setup", bad).await.problem(422, "validation");
        assert_eq!(problem["errors"][0]["field"], named, "{problem}");
    }
    assert_eq!(admin.get("/teams").await.expect(200)["items"], json!([]));
    assert_eq!(admin.get("/classroom").await.expect(200)["is_set_up"], false);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn students_join_with_the_code_and_come_back_with_their_pin() {
    let node = Node::start().await;
    let code = set_up(&node).await;
    let wish = json!({"code": code, "name": "Ada Example", "alias": "Comet", "team_id": 1});
    let (ada, session) = node.anonymous().sign_in(wish).await;
    let (user_id, pin) = (&session["user"]["user_id"], session["pin"].as_str().unwrap());
    assert_eq!(
        (&session["role"], &session["teams"], pin.len()),
        (&json!("student"), &json!([1]), 4)
    );
    let read = json!({"user_id": user_id, "action_type": "read_content", "reference_id": 1});
    ada.post("/points/earn", read).await.expect(201);

    // On another device: the same person, with everything.
    let back = json!({"code": code, "name": " ada  EXAMPLE", "pin": pin});
    let (again, session) = node.anonymous().sign_in(back.clone()).await;
    assert_eq!((&session["user"]["user_id"], session.get("pin")), (user_id, None));
    let total = again.get(&format!("/points/{user_id}")).await.expect(200)["items"][0]["total"].clone();
    assert_eq!(total, 10);

    // The name is taken for everybody else, and a lost answer is answered again.
    let same = json!({"code": code, "name": "Ada example"});
    try_in(&node, same).await.problem(409, "pin_required");
    let with = |new_pin: &str| json!({"code": code, "name": "Ben", "new_pin": new_pin});
    let (_, ben) = node.anonymous().sign_in(with("482193")).await;
    assert_eq!(ben["pin"], "482193");
    let (_, repeated) = node.anonymous().sign_in(with("482193")).await;
    assert_eq!(repeated["user"], ben["user"]);
    try_in(&node, with("482194")).await.problem(409, "pin_required");
    try_in(&node, with("48x")).await.problem(422, "validation");
    let unknown_team = json!({"code": code, "name": "Cleo", "team_id": 77});
    try_in(&node, unknown_team).await.problem(422, "unknown_team");

    // The door: nobody new, but everybody with a PIN.
    node.admin()
        .patch("/classroom", json!({"door": "locked"}))
        .await
        .expect(200);
    try_in(&node, json!({"code": code, "name": "Dee"}))
        .await
        .problem(403, "door_locked");
    node.anonymous().sign_in(back.clone()).await;
    let changed = node
        .admin()
        .patch("/classroom", json!({"door": "open", "new_code": true}))
        .await
        .expect(200);
    assert_ne!(changed[CODE], code.as_str());
    try_in(&node, back).await.problem(403, "wrong_code");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guessing_a_pin_ends_in_waiting_and_a_new_one_ends_the_wait() {
    let node = Node::start().await;
    let code = set_up(&node).await;
    let (ada, session) = join(&node, &code, "Ada").await;
    let user_id = session["user"]["user_id"].clone();
    let right = session["pin"].as_str().unwrap();
    let wrong = if right == "0000" { "1111" } else { "0000" };
    let come = |name: &str, pin: &str| json!({"code": code, "name": name, "pin": pin});
    for _ in 0..5 {
        try_in(&node, come("Ada", wrong)).await.problem(403, "wrong_pin");
    }
    try_in(&node, come("Nobody", wrong)).await.problem(403, "wrong_pin");
    let locked = try_in(&node, come("Ada", right)).await;
    assert!(locked.header("retry-after").is_some());
    locked.problem(429, "pin_locked");
    // Sessions that are open do not care, and the teacher helps.
    ada.get("/me").await.expect(200);
    let path = format!("/users/{user_id}/pin");
    let new = node.admin().post(&path, json!({})).await.expect(201)["pin"].clone();
    let (_, back) = node.anonymous().sign_in(come("Ada", new.as_str().unwrap())).await;
    assert_eq!(back["user"]["user_id"], user_id);
    node.admin()
        .post(&path, json!({"pin": "12"}))
        .await
        .problem(422, "validation");
    // Somebody from a class list has no PIN until a card is printed.
    node.admin()
        .put("/users/500", json!({"name": "Cleo"}))
        .await
        .expect(201);
    try_in(&node, json!({"code": code, "name": "Cleo"}))
        .await
        .problem(409, "no_pin");
    node.admin()
        .post("/users/500/pin", json!({"pin": "24680"}))
        .await
        .expect(201);
    node.anonymous().sign_in(come("Cleo", "24680")).await;
    // What is kept of it is gone with the person, and an export says that there is one.
    let export = node.admin().get("/users/500/export").await.expect(200);
    assert!(
        export["pin"]["set_at"].is_string() && !export.to_string().contains("argon2"),
        "{export}"
    );
    node.admin().delete("/users/500").await.expect(204);
    try_in(&node, come("Cleo", "24680")).await.problem(403, "wrong_pin");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guessing_the_code_ends_in_waiting_for_that_address_alone() {
    let node = Node::start_with(|config| config.trusted_proxies = vec!["127.0.0.1".into()]).await;
    let code = set_up(&node).await;
    let knock = async |from: &str, code: &str| {
        let guest = node.anonymous();
        let request = guest
            .request(Method::POST, "/classroom/knock")
            .header("X-Forwarded-For", from);
        guest.send(request.json(&json!({CODE: code}))).await
    };
    for _ in 1..limits::CODE_TRIES_MAX {
        knock("192.0.2.7", "AAAAAA").await.problem(403, "wrong_code");
    }
    // The right one from a class behind one address forgives what its own mistyped.
    knock("192.0.2.7", &code).await.expect(200);
    for _ in 0..limits::CODE_TRIES_MAX {
        knock("192.0.2.7", "AAAAAA").await.problem(403, "wrong_code");
    }
    let locked = knock("192.0.2.7", &code).await;
    assert!(locked.header("retry-after").is_some());
    locked.problem(429, "code_locked");
    knock("192.0.2.8", &code).await.expect(200);
    // With IPv6 whoever has one address has all of its network.
    for host in 0..limits::CODE_TRIES_MAX {
        let from = format!("2001:db8:7::{host:x}");
        knock(&from, "AAAAAA").await.problem(403, "wrong_code");
    }
    knock("2001:db8:7::ffff", &code).await.problem(429, "code_locked");
    knock("2001:db8:8::1", &code).await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_a_cookie_that_counts_only_with_its_header() {
    let node = Node::start().await;
    let code = set_up(&node).await;
    let answer = try_in(&node, json!({"code": code, "name": "Ada"})).await;
    let cookie = answer.header("set-cookie").unwrap().to_owned();
    for part in [
        "homeroom_student=hr_",
        "HttpOnly",
        "SameSite=Strict",
        "Path=/",
        "Max-Age=",
    ] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(
        !answer.text.contains("hr_"),
        "the secret is in the cookie alone: {}",
        answer.text
    );
    let cookie = cookie.split(';').next().unwrap();
    node.anonymous()
        .in_session("student", cookie)
        .get("/me")
        .await
        .expect(200);
    node.anonymous()
        .in_session("admin", cookie)
        .get("/me")
        .await
        .problem(401, "unauthenticated");
    // As a form or a picture of another site would send it: with the cookie at the most.
    let bare = node.anonymous();
    let forged = |method, path: &str| bare.request(method, path).header("Cookie", cookie);
    bare.send(forged(Method::GET, "/me"))
        .await
        .problem(401, "unauthenticated");
    bare.send(forged(Method::DELETE, "/sessions/student"))
        .await
        .problem(401, "unauthenticated");
    let earn = forged(Method::POST, "/points/earn").json(&earn(1, "read_content", 1));
    bare.send(earn).await.problem(401, "unauthenticated");
    let plain = bare
        .request(Method::POST, "/sessions")
        .header("Content-Type", "text/plain")
        .body("{}");
    bare.send(plain).await.problem(415, "unsupported_media_type");

    let listed = bare.send(forged(Method::GET, "/sessions")).await.expect(200);
    assert_eq!(listed["sessions"][0]["user"]["name"], "Ada");
    let browser = bare.in_session("student", cookie);
    let stream = bare
        .request(Method::GET, "/events/stream?topics=board:all")
        .header("Cookie", cookie);
    assert_eq!(stream.try_clone().unwrap().send().await.unwrap().status(), 401);
    let stream = stream.header("Homeroom-Session", "student").send().await.unwrap();
    assert_eq!(stream.status(), 200, "where no socket gets through");
    drop(stream);
    let ticket = browser.post("/tickets", json!({})).await.expect(201)["ticket"].clone();
    let path = format!("/ws?ticket={}", ticket.as_str().unwrap());
    let mut socket = Socket::try_connect_path(&bare, &path, &[]).await.unwrap();
    let gone = browser.delete("/sessions/student").await;
    assert!(gone.header("set-cookie").unwrap().contains("Max-Age=0"));
    gone.expect(204);
    let closed = socket.closed().await;
    let code = closed.code.unwrap_or_default();
    assert!(
        (4_500..5_000).contains(&code),
        "the session on it ends for good: {closed:?}"
    );
    browser.get("/me").await.problem(401, "unauthenticated");
    browser.delete("/sessions/student").await.expect(204);
    browser.delete("/sessions/service").await.problem(404, "unknown_token");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_signs_in_once() {
    let node = Node::start().await;
    Class::of(&node, 2).await;
    let link = |wish: Value| {
        let admin = node.admin();
        async move { admin.post("/sign-ins", wish).await }
    };
    let made = link(json!({"role": "mentor", "user_id": 900})).await.expect(201);
    assert_eq!(made["path"], format!("/mentor#key={}", made["key"].as_str().unwrap()));
    let (mentor, session) = node.anonymous().sign_in(json!({"key": made["key"]})).await;
    assert_eq!((&session["role"], &session["teams"]), (&json!("mentor"), &json!([10])));
    mentor.get("/team/10/performance").await.expect(200);
    try_in(&node, json!({"key": made["key"]}))
        .await
        .problem(401, "wrong_key");
    try_in(&node, json!({"key": "hk_nonsense"}))
        .await
        .problem(401, "wrong_key");
    link(json!({"role": "student"})).await.problem(422, "validation");
    link(json!({"role": "service"})).await.problem(422, "validation");
    link(json!({"role": "student", "user_id": 77}))
        .await
        .problem(422, "unknown_user");
    // A token signs in as well: with a session of its own.
    let token = node.caller("projector", None).await;
    let (screen, _) = node.anonymous().sign_in(json!({"token": token.token().unwrap()})).await;
    screen.get("/leaderboards/all").await.expect(200);
    screen.delete("/sessions/projector").await.expect(204);
    token.get("/me").await.expect(200);
    try_in(&node, json!({"token": "hr_nonsense"}))
        .await
        .problem(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_double_is_merged_without_counting_anything_twice() {
    let node = Node::start().await;
    let class = Class::of(&node, 2).await;
    let admin = node.admin();
    admin
        .post(
            "/import",
            json!({"users": [{"id": 7, "name": "Ada"}, {"id": 8, "name": "Ada again"}]}),
        )
        .await
        .ok();
    for wish in [
        earn(7, "complete_quiz", 101),
        earn(8, "complete_quiz", 101),
        earn(8, "read_content", 102),
    ] {
        admin.post("/points/earn", wish).await.expect(201);
    }
    let reversed = admin
        .post("/points/earn", earn(8, "read_content", 103))
        .await
        .expect(201)["event_id"]
        .clone();
    admin
        .post(&format!("/points/{reversed}/reverse"), json!({"reason": "by mistake"}))
        .await
        .expect(201);
    admin
        .post("/points/award", json!({"user_id": 8, "points": 5, "reason": "helped"}))
        .await
        .expect(201);
    admin
        .post(
            "/progress/8",
            json!({"unit_id": class.units[0], "progress_percentage": 80}),
        )
        .await
        .expect(200);
    admin.put("/teams/10/members/8", json!({})).await.ok();

    let merged = admin
        .post("/users/8/merge", json!({"into_user_id": 7}))
        .await
        .expect(200);
    assert_eq!(
        (&merged["awards"], &merged["refused"], &merged["units"]),
        (&json!(2), &json!(1), &json!(1))
    );
    let progress = admin.get("/progress/7").await.expect(200);
    assert_eq!(progress["points"]["total"], 50 + 10 + 5);
    assert_eq!(progress["units"][0]["progress_percentage"], 80);
    let board = admin.get("/leaderboards/team:10").await.expect(200);
    let ids: Vec<&Value> = board["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["user_id"])
        .collect();
    assert!(ids.contains(&&json!(7)) && !ids.contains(&&json!(8)), "{board}");
    // Again: the double is not there any more; brought back, nothing counts twice.
    admin
        .post("/users/8/merge", json!({"into_user_id": 7}))
        .await
        .problem(404, "unknown_user");
    admin.patch("/users/8", json!({"archived": false})).await.expect(200);
    let again = admin
        .post("/users/8/merge", json!({"into_user_id": 7}))
        .await
        .expect(200);
    assert_eq!(again["awards"], 0);
    assert_eq!(admin.get("/progress/7").await.expect(200)["points"]["total"], 65);
    admin
        .post("/users/7/merge", json!({"into_user_id": 7}))
        .await
        .problem(422, "validation");
    admin
        .post("/users/7/merge", json!({"into_user_id": 900}))
        .await
        .problem(422, "not_a_learner");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_class_chooses_who_is_on_boards_and_everybody_sees_it_at_once() {
    let mut node = Node::start_on_a_file().await;
    let code = set_up(&node).await;
    let (ada, session) = join(&node, &code, "Ada").await;
    let rows = |board: Value| board["entries"].as_array().unwrap().len();
    assert_eq!(rows(ada.get("/leaderboards/all").await.expect(200)), 1);
    let choose = |who: &str| {
        let (admin, wish) = (node.admin(), json!({"leaderboards": who}));
        async move { admin.patch("/classroom", wish).await.expect(200) }
    };
    assert_eq!(choose("opt_in").await["leaderboards"], "opt_in");
    assert_eq!(rows(ada.get("/leaderboards/all").await.expect(200)), 0);
    let path = format!("/users/{}/preferences", session["user"]["user_id"]);
    ada.patch(&path, json!({"leaderboard": "in"})).await.expect(200);
    assert_eq!(rows(ada.get("/leaderboards/all").await.expect(200)), 1);
    choose("off").await;
    ada.get("/leaderboards/all").await.problem(403, "leaderboards_off");
    node.restart().await;
    let ada = node.anonymous().in_session("student", ada.cookie());
    ada.get("/leaderboards/all").await.problem(403, "leaderboards_off");
}
