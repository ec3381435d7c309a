//! What files come to, over rosters that are there.

use super::super::known::Things;
use super::super::text;
use super::*;

fn known(users: Vec<Value>, teams: Vec<Value>) -> Known {
    Known {
        users: Things::new(users, false),
        teams: Things::new(teams, true),
        qualifications: Things::new(Vec::new(), true),
        units: Things::new(Vec::new(), true),
        members: HashMap::from([(3, HashMap::from([(7, None)]))]),
    }
}

fn school() -> Known {
    let user = |id: u64, name: &str, archived: Value| json!({"id": id, "name": name, "alias": null, "role": "student", "archived_at": archived});
    known(
        vec![
            user(7, "Ada Example", Value::Null),
            user(8, "Ben Example", Value::Null),
            user(9, "Ben Example", Value::Null),
            user(20, "Old Example", "2026-01-01T00:00:00.000Z".into()),
        ],
        vec![json!({"id": 3, "name": "Blue", "mentor_id": 8, "archived_at": null})],
    )
}

fn plan(kind: Kind, file: &str) -> Result<Plan, Vec<RowError>> {
    let sheet = Sheet::read(kind, &text::read(file.as_bytes())).unwrap();
    Plan::new(kind, &sheet, school())
}

fn counts(plan: &Plan, list: &str) -> [usize; 4] {
    What::ALL.map(|what| plan.count(list, what))
}

#[test]
fn one_file_sets_up_a_class_and_comes_to_nothing_the_second_time() {
    let file = "name,alias,team,qualification\nCleo,Comet,Blue,Maths 7\nDan,,Red,Maths 7\nAda Example,,blue,\n";
    let plan = plan(Kind::Users, file).unwrap();
    assert_eq!(counts(&plan, "users"), [2, 0, 1, 0]);
    assert_eq!(counts(&plan, "teams"), [1, 0, 0, 0]);
    assert_eq!(counts(&plan, "qualifications"), [1, 0, 0, 0]);
    assert_eq!(counts(&plan, "team_members"), [2, 0, 1, 0]);
    let body = plan.body();
    // Numbers of those put away are taken too.
    assert_eq!(
        body["users"][0],
        json!({"id": 21, "name": "Cleo", "alias": "Comet", "create": true})
    );
    assert_eq!(body["users"].as_array().unwrap().len(), 2);
    assert_eq!(body["team_members"][0], json!({"team_id": 3, "user_id": 21}));
    assert_eq!(
        body["enrolments"],
        json!([{"qualification_id": 1, "user_id": 21}, {"qualification_id": 1, "user_id": 22}])
    );
    assert_eq!(plan.line_of("users[1].name"), Some((3, "name")));
}

#[test]
fn changes_are_told_apart_from_what_stays() {
    let plan = plan(Kind::Users, "id,name,alias\n7,Ada Example,Nova\n8,,\n20,Old Example,\n").unwrap();
    assert_eq!(counts(&plan, "users"), [0, 2, 1, 0]);
    let details: Vec<&str> = plan.changes.iter().map(|change| change.detail.as_str()).collect();
    assert_eq!(details, ["alias: – → Nova", "", "brought back"]);
}

#[test]
fn given_numbers_are_given_to_nobody_else() {
    let plan = plan(Kind::Users, "id,name\n,Cleo\n21,Dan\n").unwrap();
    let ids: Vec<u64> = plan.changes.iter().map(|change| change.id).collect();
    assert_eq!(ids, [22, 21]);
}

#[test]
fn each_bad_row_is_named_with_its_line_its_column_and_what_to_do() {
    let long = "x".repeat(201);
    let long_row = format!("name\n{long}\n");
    for (kind, file, line, parts) in [
        (
            Kind::Users,
            "name\nBen Example\n",
            2,
            &["column name", "(8, 9)", "column id"][..],
        ),
        (
            Kind::Users,
            "Student,Team\nCleo,Red\nCleo,Blue\n",
            3,
            &["column Student", "line 2", "Blue | Red"],
        ),
        (
            Kind::Users,
            "id,name\nseven,Cleo\n",
            2,
            &["column id", "seven is no number"],
        ),
        (
            Kind::Users,
            "id,name\n7,Ada Example\n7,Ben\n",
            3,
            &["7 is Ada Example in line 2"],
        ),
        (Kind::Users, "id,name\n99,\n", 2, &["a name is needed"]),
        (
            Kind::Users,
            "name,role\nCleo,king\n",
            2,
            &["column role", "student, mentor, staff"],
        ),
        (
            Kind::Users,
            "name,team id\nCleo,44\n",
            2,
            &["column team id", "there is no 44"],
        ),
        (Kind::Users, &long_row, 2, &["201 characters"]),
        (Kind::Users, "name,alias\n,Comet\n", 2, &["is empty"]),
        (
            Kind::Teams,
            "name,mentor\nRed,Nobody\n",
            2,
            &["column mentor", "nobody named Nobody"],
        ),
        (Kind::Teams, "name\nRed\nRED\n", 3, &["line 2"]),
        (Kind::Units, "title\nFractions\nfractions\n", 3, &["line 2"]),
    ] {
        let errors = plan(kind, file).err().unwrap_or_else(|| panic!("{file:?} was taken"));
        assert_eq!(errors[0].line, line, "{file:?}: {errors:?}");
        for part in parts {
            assert!(errors[0].to_string().contains(part), "{part:?} is not in {}", errors[0]);
        }
    }
}

#[test]
fn what_a_file_of_teams_does_not_say_stays() {
    let silent = plan(Kind::Teams, "name\nBlue\n").unwrap();
    assert_eq!(counts(&silent, "teams"), [0, 0, 1, 0]);
    let plan = plan(Kind::Teams, "name,mentor\nBlue,Ada Example\nRed,8\n").unwrap();
    assert_eq!(
        plan.body()["teams"],
        json!([{"id": 3, "name": "Blue", "mentor_id": 7}, {"id": 4, "name": "Red", "mentor_id": 8, "create": true}])
    );
}

#[test]
fn units_bring_their_qualification() {
    let plan = plan(
        Kind::Units,
        "title;qualification;skills\nFractions;Maths 7;fractions | ratio\nDecimals;maths 7;\n",
    )
    .unwrap();
    let body = plan.body();
    assert_eq!(
        body["qualifications"],
        json!([{"id": 1, "name": "Maths 7", "create": true}])
    );
    assert_eq!(body["units"][0]["skills"], json!(["fractions", "ratio"]));
    assert_eq!(body["units"][1]["qualification_id"], json!(1));
}
