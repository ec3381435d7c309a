//! Tokens and tickets: who is who, for how long, and what ends with a token.

use crate::support::{Class, Node, NodeProcess, Socket, eventually, shape};
use reqwest::Method;
use serde_json::json;
use std::path::Path;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_is_shown_once_and_says_who_one_is() {
    let mut node = Node::start().await;
    Class::of(&node, 1).await;
    let admin = node.admin();
    let wish = json!({"role": "student", "user_id": 1, "label": "phone", "expires_in_s": 3600});
    let made = admin.post("/tokens", wish).await.expect(201);
    shape(&made, "token_id:id token:text");
    let secret = made["token"].as_str().unwrap().to_owned();
    let me = node.with_token(&secret).get("/me").await.expect(200);
    shape(&me, "role:text user_id:id");
    assert_eq!((&me["role"], &me["user_id"]), (&json!("student"), &json!(1)));
    let listed = admin.get("/tokens").await;
    assert!(!listed.text.contains(&secret), "a list never shows secrets");
    let items = listed.expect(200)["items"].as_array().unwrap().clone();
    assert!(
        items
            .iter()
            .any(|token| token["token_id"] == made["token_id"] && token["label"] == "phone")
    );
    node.restart().await;
    node.with_token(&secret).get("/me").await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_or_bad_token_is_401() {
    let node = Node::start().await;
    let anyone = node.anonymous();
    for path in ["/me", "/users", "/leaderboards/all", "/progress/1", "/tokens"] {
        anyone.get(path).await.problem(401, "unauthenticated");
        node.with_token("wrong").get(path).await.problem(401, "unauthenticated");
    }
    for header in [
        "",
        "Bearer",
        "Bearer ",
        "Basic YWRtaW46YWRtaW4=",
        "bearer",
        "Token x",
        "Bearer a b",
    ] {
        let request = anyone.request(Method::GET, "/me").header("Authorization", header);
        anyone.send(request).await.problem(401, "unauthenticated");
    }
    // The body of a stranger is not looked at.
    let request = anyone
        .request(Method::POST, "/points/earn")
        .header("Content-Type", "application/json")
        .body("{");
    anyone.send(request).await.problem(401, "unauthenticated");
    let refused = Socket::try_connect(&anyone, &[])
        .await
        .err()
        .expect("no upgrade without a token");
    assert_eq!(refused.status, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_token_ends_and_so_do_its_sockets() {
    let mut node = Node::start().await;
    Class::of(&node, 1).await;
    let admin = node.admin();
    let made = admin
        .post("/tokens", json!({"role": "student", "user_id": 1}))
        .await
        .expect(201);
    let student = node.with_token(made["token"].as_str().unwrap());
    let mut socket = Socket::connect(&student).await;
    let mut other = Socket::connect(&node.student(1).await).await;
    socket.subscribe(&["user:1"]).await;
    admin.delete(&format!("/tokens/{}", made["token_id"])).await.ok();
    student.get("/me").await.problem(401, "unauthenticated");
    let closed = socket.closed().await;
    let code = closed.code.unwrap_or_else(|| panic!("{closed:?}"));
    assert!(
        (4500..5000).contains(&code),
        "a code that says not to come back: {closed:?}"
    );
    other.request_reply(json!({"type": "ping"})).await;
    node.restart().await;
    node.with_token(student.token().unwrap())
        .get("/me")
        .await
        .problem(401, "unauthenticated");
    node.admin().delete("/tokens/777777").await.any_problem(404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_ends_by_itself_and_so_do_its_sockets() {
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let wish = json!({"role": "student", "user_id": 1, "expires_in_s": 2});
    let made = node.admin().post("/tokens", wish).await.expect(201);
    let student = node.with_token(made["token"].as_str().unwrap());
    let mut socket = Socket::connect(&student).await;
    student.get("/me").await.expect(200);
    let closed = socket.closed().await;
    assert!(
        closed.code.is_some_and(|code| (4500..5000).contains(&code)),
        "{closed:?}"
    );
    let ended = eventually("the token's end", || async {
        Some(student.get("/me").await).filter(|me| me.status == 401)
    });
    ended.await.problem(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_are_checked_before_they_are_made() {
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let admin = node.admin();
    let bad = [
        (json!({}), None),
        (json!({"role": "king"}), None),
        (json!({"role": 7}), None),
        (json!({"role": "student"}), None),
        (json!({"role": "mentor"}), None),
        (json!({"role": "student", "user_id": 777}), Some("unknown_user")),
        (json!({"role": "student", "user_id": "1"}), None),
        (json!({"role": "projector", "expires_in_s": 0}), None),
        (json!({"role": "projector", "expires_in_s": -5}), None),
        (json!({"role": "projector", "expires_in_s": 1.5}), None),
        (json!({"role": "projector", "label": "x".repeat(201)}), None),
    ];
    let before = admin.get("/tokens").await.expect(200);
    for (wish, code) in bad {
        let answer = admin.post("/tokens", wish.clone()).await;
        assert_eq!(answer.status, 422, "{wish}: {}", answer.text);
        let problem = answer.any_problem(422);
        if let Some(code) = code {
            assert_eq!(problem["code"], code, "{wish}");
        }
    }
    assert_eq!(admin.get("/tokens").await.expect(200), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_makes_only_short_tokens_for_lesser_roles() {
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let service = node.caller("service", None).await;
    let person =
        |role: &str| json!({"role": role, "user_id": if role == "mentor" { 900 } else { 1 }, "expires_in_s": 600});
    service.post("/tokens", person("student")).await.expect(201);
    service.post("/tokens", person("mentor")).await.expect(201);
    service
        .post("/tokens", json!({"role": "projector", "expires_in_s": 86_400}))
        .await
        .expect(201);
    for role in ["admin", "service"] {
        service
            .post("/tokens", json!({"role": role, "expires_in_s": 600}))
            .await
            .problem(403, "forbidden");
    }
    let long = service
        .post("/tokens", json!({"role": "projector", "expires_in_s": 86_401}))
        .await;
    assert!([403, 422].contains(&long.status), "{}", long.text);
    // Without a life of its own the token is bounded all the same, or refused.
    let endless = service.post("/tokens", json!({"role": "projector"})).await;
    if endless.status == 201 {
        shape(&endless.body, "expires_at:time");
    } else {
        assert!([403, 422].contains(&endless.status), "{}", endless.text);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_opens_one_socket() {
    let node = Node::start().await;
    Class::of(&node, 1).await;
    let student = node.student(1).await;
    let made = student.post("/tickets", json!({})).await.expect(201);
    shape(&made, "ticket:text expires_at:time");
    let path = format!("/ws?ticket={}", made["ticket"].as_str().unwrap());
    let anyone = node.anonymous();
    let Ok(mut socket) = Socket::try_connect_path(&anyone, &path, &[]).await else {
        panic!("the ticket is good");
    };
    assert!(socket.subscribe(&["user:1"]).await[0].get("error").is_none());
    let again = Socket::try_connect_path(&anyone, &path, &[])
        .await
        .err()
        .expect("one use");
    assert_eq!(again.status, 401);
    let bad = Socket::try_connect_path(&anyone, "/ws?ticket=wrong", &[])
        .await
        .err()
        .expect("a bad ticket");
    assert_eq!(bad.status, 401);
    anyone.post("/tickets", json!({})).await.problem(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_start_makes_an_admin_token_that_only_its_owner_can_read() {
    let directory = tempfile::tempdir().unwrap();
    let start = async || {
        let mut command = NodeProcess::command();
        command
            .arg("serve")
            .arg("--data")
            .arg(directory.path())
            .args(["--listen", "127.0.0.1:0"]);
        let mut node = NodeProcess::run(command);
        node.ready().await;
        node
    };
    let mut node = start().await;
    let (file, secret) = token_file(directory.path()).expect("a file with the token");
    assert!(node.stderr_with(&file).await.contains(&file));
    assert!(!node.stderr().contains(&secret), "the log never holds the token");
    node.with_token(&secret).get("/tokens").await.expect(200);
    node.kill9().await;
    let node = start().await;
    assert_eq!(
        token_file(directory.path()).expect("the file").1,
        secret,
        "the first start only"
    );
    node.with_token(&secret).get("/tokens").await.expect(200);
}

/// The file beside the database that holds the token: its name and what is in it. Requires its mode.
fn token_file(directory: &Path) -> Option<(String, String)> {
    use std::os::unix::fs::PermissionsExt;
    for entry in std::fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.contains("token") {
            let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{name}");
            let secret = std::fs::read_to_string(entry.path()).unwrap().trim().to_owned();
            return Some((name, secret));
        }
    }
    None
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_kept_in_the_clear() {
    let mut node = Node::start().await;
    Class::of(&node, 1).await;
    let secret = node.token("student", Some(1)).await;
    node.stop().await;
    for entry in std::fs::read_dir(node.directory()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(
                !found,
                "a token stands in {}",
                path.file_name().unwrap().to_string_lossy()
            );
        }
    }
}
