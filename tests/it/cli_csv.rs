//! A class from a CSV file: previewed, kept all or nothing, repeated without effect, with tokens for everybody.

use crate::support::{Homeroom, Node};
use serde_json::json;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

const CLASS: &str = "Name;Alias;E-Mail;Klasse;Kurs\n\
    Ada Example;Comet;ada@school.example;Blue;Mathematics 7\n\
    Ben Example;;ben@school.example;Blue | Chess;Mathematics 7\n\
    \n\
    =SUM(1);;;Red;\n";

fn write(directory: &Path, name: &str, content: impl AsRef<[u8]>) {
    std::fs::write(directory.join(name), content).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_file_sets_up_a_class_and_does_nothing_the_second_time() {
    let node = Node::start().await;
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    let homeroom = Homeroom::calling(here, &node.anonymous());
    // A number that was put away is not given again.
    homeroom
        .run(&["qualification", "add", "Old", "--id", "4"])
        .await
        .expect(0);
    homeroom.run(&["qualification", "archive", "4"]).await.expect(0);
    write(here, "class.csv", format!("\u{feff}{CLASS}"));

    let preview = homeroom.json(&["user", "import", "class.csv", "--dry-run"]).await;
    assert_eq!(
        preview["counts"]["users"],
        json!({"created": 3, "changed": 0, "same": 0, "ensured": 0})
    );
    assert_eq!(preview["counts"]["teams"]["created"], 3);
    assert!(
        preview["notes"][0].as_str().unwrap().contains("E-Mail"),
        "{}",
        preview["notes"]
    );
    assert_eq!(
        node.admin().get("/users").await.expect(200)["items"],
        json!([]),
        "a dry run keeps nothing"
    );

    let arguments = [
        "user",
        "import",
        "class.csv",
        "--tokens",
        "tokens.csv",
        "--expires",
        "1d",
    ];
    let said = homeroom.run(&arguments).await.expect(0);
    assert!(said.stdout.contains("All of it is kept"), "{}", said.stdout);
    let admin = node.admin();
    let users = admin.get("/users").await.expect(200)["items"].clone();
    let names: Vec<&str> = users
        .as_array()
        .unwrap()
        .iter()
        .map(|user| user["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["Ada Example", "Ben Example", "=SUM(1)"]);
    let teams = admin.get("/teams").await.expect(200)["items"].clone();
    let sizes = teams.as_array().unwrap().iter().map(|team| team["id"].clone());
    let mut members = 0;
    for team in sizes {
        let shown = admin.get(&format!("/teams/{team}")).await.expect(200);
        members += shown["members"].as_array().unwrap().len();
    }
    assert_eq!(members, 4);

    // Everybody has a token that works, in a file for its owner alone, without formulas.
    let file = here.join("tokens.csv");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let rows: Vec<String> = std::fs::read_to_string(&file)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect();
    assert_eq!(rows.len(), 4, "{rows:?}");
    assert!(rows[3].contains(",'=SUM(1),"), "{}", rows[3]);
    for row in &rows[1..] {
        let cells: Vec<&str> = row.split(',').collect();
        let me = node.with_token(cells[3]).get("/me").await.expect(200);
        assert_eq!(
            (&me["role"], me["user_id"].to_string().as_str()),
            (&json!("student"), cells[0])
        );
    }

    let again = homeroom.json(&["user", "import", "class.csv", "--dry-run"]).await;
    for list in ["users", "teams", "team_members", "qualifications"] {
        assert_eq!(
            (&again["counts"][list]["created"], &again["counts"][list]["changed"]),
            (&json!(0), &json!(0)),
            "{list}"
        );
    }
    // A file of tokens that is there is never written over.
    homeroom.run(&arguments).await.expect(5).with_error("tokens.csv");
    assert_eq!(admin.get("/users").await.expect(200)["items"], users);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_rows_are_named_and_nothing_is_kept() {
    let node = Node::start().await;
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    let homeroom = Homeroom::calling(here, &node.anonymous());
    write(here, "bad.csv", "name,role\nAda,student\nBen,king\nAda,student\n");
    let said = homeroom.run(&["user", "import", "bad.csv"]).await.expect(5);
    for part in ["line 3, column role", "line 4, column name", "2 places of bad.csv"] {
        assert!(said.stderr.contains(part), "{part:?} is not in {}", said.stderr);
    }
    write(here, "no-header.csv", "Ada,Blue\n");
    homeroom
        .run(&["user", "import", "no-header.csv"])
        .await
        .expect(5)
        .with_error("must name the columns");
    homeroom
        .run(&["user", "import", "nowhere.csv"])
        .await
        .expect(5)
        .with_error("nowhere.csv");
    let many = (0..=50_000).fold(String::from("name\n"), |text, n| text + &format!("Pupil {n}\n"));
    write(here, "many.csv", many);
    homeroom
        .run(&["user", "import", "many.csv"])
        .await
        .expect(5)
        .with_error("50,000");
    assert_eq!(node.admin().get("/users").await.expect(200)["items"], json!([]));
    // A name that several have.
    for _ in 0..2 {
        homeroom.run(&["user", "add", "Kim Example"]).await.expect(0);
    }
    write(here, "kim.csv", "name,alias\nKim Example,Nova\n");
    homeroom
        .run(&["user", "import", "kim.csv"])
        .await
        .expect(5)
        .with_error("(1, 2)");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn teams_units_and_courses_come_from_files_too_whatever_wrote_them() {
    let node = Node::start().await;
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    let homeroom = Homeroom::calling(here, &node.anonymous());
    homeroom
        .run(&["user", "add", "Jörg Müller", "--role", "mentor", "--id", "90"])
        .await
        .expect(0);
    // As an old spreadsheet writes it: Latin-1.
    write(here, "teams.csv", b"Klasse;Lehrer\r\nGr\xfcn;J\xf6rg M\xfcller\r\n");
    let said = homeroom.run(&["team", "import", "teams.csv"]).await.expect(0);
    assert!(said.stderr.contains("Latin-1"), "{}", said.stderr);
    let teams = node.admin().get("/teams").await.expect(200)["items"].clone();
    assert_eq!(
        (&teams[0]["name"], &teams[0]["mentor_id"]),
        (&json!("Grün"), &json!(90))
    );
    write(here, "courses.csv", "Fach\nMathematik\n");
    homeroom
        .run(&["qualification", "import", "courses.csv"])
        .await
        .expect(0);
    write(
        here,
        "units.csv",
        "Titel\tKurs\tSkills\nBrüche\tmathematik\tBrüche | Teilen\n",
    );
    homeroom.run(&["unit", "import", "units.csv"]).await.expect(0);
    let units = node.admin().get("/units").await.expect(200)["items"].clone();
    assert_eq!(units[0]["skills"], json!(["Brüche", "Teilen"]));
    assert_eq!(units[0]["qualification_id"], 1);
    // A file that does not say who the mentor is leaves them.
    write(here, "names.csv", "id,name\n1,Grün 7\n");
    homeroom.run(&["team", "import", "names.csv"]).await.expect(0);
    let teams = node.admin().get("/teams").await.expect(200)["items"].clone();
    assert_eq!(
        (&teams[0]["name"], &teams[0]["mentor_id"]),
        (&json!("Grün 7"), &json!(90))
    );
    homeroom
        .run(&["team", "import", "names.csv", "--tokens", "x.csv"])
        .await
        .expect(2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_that_is_taken_meanwhile_renames_nobody() {
    let node = Node::start().await;
    let admin = node.admin();
    let ada = json!({"id": 7, "name": "Ada Example"});
    admin.post("/users", ada).await.expect(201);
    let late = json!({"users": [{"id": 6, "name": "Cleo"}, {"id": 7, "name": "Ben", "create": true}]});
    let problem = admin.post("/import", late).await.problem(422, "validation");
    assert_eq!(
        problem["errors"],
        json!([{"field": "users[1].id", "message": "is taken already"}])
    );
    assert_eq!(admin.get("/users/7").await.expect(200)["name"], "Ada Example");
    admin.get("/users/6").await.problem(404, "unknown_user");
    let new = json!({"users": [{"id": 8, "name": "Ben", "create": true}, {"id": 7, "name": "Ada", "create": false}]});
    admin.post("/import", new).await.expect(200);
    let wrong = json!({"users": [{"id": 9, "name": "Dan", "create": "yes"}]});
    admin.post("/import", wrong).await.problem(422, "validation");
}
