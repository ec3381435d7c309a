//! Every figure of `/analytics/*` against plain SQL over the journal, for a class with every action in it.

use crate::support::{Node, database_to_read, store};
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};

/// 2026-03-29T01:00:00Z, when clocks in Berlin go forward.
const CHANGE: i64 = 1_774_746_000_000;
const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
/// 2026-03-16T00:00:00+01:00, a Monday.
const MONDAY: i64 = 1_773_615_600_000;
/// More than one stored block of facts.
const EVENTS: u64 = 9_000;

/// Numbers that are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        // Knuth's MMIX constants.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

fn rfc3339(at: i64) -> String {
    homeroom::wire::time(homeroom_schema::TimeMs(at))
}

/// Two teams with somebody in both, two qualifications, people without enrolment, a unit of no qualification.
async fn school(node: &Node) {
    let users: Vec<Value> = (1..=30)
        .map(|id| json!({"id": id, "name": format!("Person {id}")}))
        .collect();
    let member = |team: u64, user: u64| json!({"team_id": team, "user_id": user});
    let members: Vec<Value> = (1..=12)
        .map(|id| member(1, id))
        .chain((12..=20).map(|id| member(2, id)))
        .collect();
    let enrol = |qualification: u64, user: u64| json!({"qualification_id": qualification, "user_id": user});
    let enrolments: Vec<Value> = (1..=10)
        .map(|id| enrol(1, id))
        .chain((8..=15).map(|id| enrol(2, id)))
        .collect();
    let skills = [json!(["alpha", "gamma"]), json!(["alpha"]), json!(["beta"])];
    let units: Vec<Value> = (1..=9)
        .map(|id| {
            let qualification = match id {
                1..=4 => json!(1),
                5..=8 => json!(2),
                _ => Value::Null,
            };
            json!({"id": id, "title": format!("Unit {id}"), "qualification_id": qualification, "skills": skills[id as usize % 3]})
        })
        .collect();
    let import = json!({
        "qualifications": [{"id": 1, "name": "One"}, {"id": 2, "name": "Two"}],
        "units": units,
        "users": users,
        "teams": [{"id": 1, "name": "Red"}, {"id": 2, "name": "Blue"}],
        "team_members": members,
        "enrolments": enrolments,
    });
    node.admin().post("/import", import).await.ok();
}

/// Four weeks around the change of the clocks.
fn wish(numbers: &mut Numbers, place: u64) -> Value {
    // People are active in bursts, so that sessions, minutes and streaks come together.
    let user = 1 + numbers.below(26);
    let (day, hour) = (numbers.below(28).min(numbers.below(28)), 6 + numbers.below(3) * 5);
    let at = MONDAY + day.cast_signed() * DAY + hour.cast_signed() * HOUR + numbers.below(4_000_000).cast_signed();
    let mut wish = json!({"user_id": user, "occurred_at": rfc3339(at)});
    let fill = |wish: &mut Value, fields: Value| {
        for (name, value) in fields.as_object().unwrap() {
            wish[name] = value.clone();
        }
    };
    let action = numbers.below(10);
    if action < 4 {
        let progress = json!({"kind": "progress", "unit_id": 1 + numbers.below(9), "progress_percentage": numbers.below(125).min(100)});
        fill(&mut wish, progress);
        return wish;
    }
    let resource = json!({"user_id": 1 + numbers.below(5), "reference_id": 1 + numbers.below(6)});
    let score = numbers.below(101) as f64 / 100.0;
    let unit = 1 + numbers.below(9);
    let fields = match action {
        4 | 5 => {
            json!({"action_type": "complete_quiz", "reference_id": 1 + numbers.below(300), "unit_id": unit, "evidence": {"score": score}})
        }
        6 => json!({"action_type": "read_content", "reference_id": 1 + numbers.below(9)}),
        7 => {
            json!({"action_type": "read_content", "reference_id": 100 + numbers.below(900), "evidence": {"resource": resource}})
        }
        8 => {
            json!({"action_type": "contribute_resource", "reference_id": 1 + numbers.below(40), "evidence": {"quality": score}})
        }
        _ => {
            json!({"action_type": "community_feedback", "reference_id": 1 + place, "evidence": {"resource": resource, "rating": 1 + numbers.below(5)}})
        }
    };
    fill(&mut wish, fields);
    wish["kind"] = json!("points");
    wish
}

/// Plays the class, and takes some awards back; some of those are given again.
async fn play(node: &Node) {
    let (admin, mut numbers) = (node.admin(), Numbers(7));
    let mut awards = Vec::new();
    for batch in 0..EVENTS / 1_000 {
        let events: Vec<Value> = (0..1_000)
            .map(|place| wish(&mut numbers, batch * 1_000 + place))
            .collect();
        let results = admin.post("/events", json!({"events": events})).await.expect(200);
        for result in results["results"].as_array().unwrap() {
            assert!(result["status"].as_u64().unwrap() < 300, "{result}");
            if result["status"] == 201 && result["data"]["awarded"] == true {
                awards.push(result["data"]["event_id"].as_u64().unwrap());
            }
        }
    }
    for (place, award) in awards.iter().step_by(17).enumerate() {
        admin
            .post(&format!("/points/{award}/reverse"), json!({"reason": "r"}))
            .await
            .ok();
        if place % 3 == 0 {
            admin.post(&format!("/points/{award}/reinstate"), json!({})).await.ok();
        }
    }
}

/// The journal, to be asked in SQL.
struct Books(
    Connection,
    #[expect(dead_code, reason = "the copy that is read goes with it")] Option<tempfile::TempDir>,
);

struct Question {
    from: i64,
    to: i64,
    bucket: &'static str,
    team: Option<u64>,
    qualification: Option<u64>,
    /// How far local time is ahead of UTC before and after [`CHANGE`].
    ahead: [i64; 2],
}

impl Question {
    fn query(&self) -> String {
        let mut query = format!(
            "from={}&to={}&bucket={}&limit=1000",
            rfc3339(self.from),
            rfc3339(self.to),
            self.bucket
        );
        for (name, id) in [("team_id", self.team), ("qualification_id", self.qualification)] {
            if let Some(id) = id {
                query.push_str(&format!("&{name}={id}"));
            }
        }
        query
    }

    /// The same moments by arithmetic.
    fn buckets(&self) -> Vec<(i64, i64)> {
        let local = |at: i64| at + self.ahead[usize::from(at >= CHANGE)];
        let number = |at: i64| match self.bucket {
            "hour" => local(at).div_euclid(HOUR),
            "day" => local(at).div_euclid(DAY),
            _ => (local(at).div_euclid(DAY) + 3).div_euclid(7),
        };
        let mut edges = vec![self.from];
        let first = self.from.div_euclid(HOUR) + 1;
        let inside = (first..).map(|hour| hour * HOUR).take_while(|at| *at < self.to);
        edges.extend(inside.filter(|at| number(*at) != number(at - 1)));
        edges.push(self.to);
        edges.windows(2).map(|edges| (edges[0], edges[1])).collect()
    }
}

impl Books {
    fn open(node: &Node) -> Self {
        let (file, copy) = database_to_read(node.directory());
        let books = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        books.execute_batch(include_str!("facts.sql")).unwrap();
        Self(books, copy)
    }

    fn ask(&self, question: &Question) {
        self.0.execute_batch("DELETE FROM asked; DELETE FROM buckets").unwrap();
        let insert = "INSERT INTO asked VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let (team, qualification) = (
            question.team.map(u64::cast_signed),
            question.qualification.map(u64::cast_signed),
        );
        let asked = (
            question.from,
            question.to,
            team,
            qualification,
            CHANGE,
            question.ahead[0],
            question.ahead[1],
        );
        self.0.execute(insert, asked).unwrap();
        for (place, (from, to)) in question.buckets().into_iter().enumerate() {
            let row = (i64::try_from(place).unwrap(), from, to);
            self.0.execute("INSERT INTO buckets VALUES (?1, ?2, ?3)", row).unwrap();
        }
        let tables = [
            ("f", "user_id, at"),
            ("placed", "place, user_id, at"),
            ("quizzes", "user_id"),
            ("opportunities", "user_id, skill, n"),
            ("traced", "user_id, skill, n"),
        ];
        for (table, order) in tables {
            let make = format!(
                "DROP TABLE IF EXISTS {table}; CREATE TEMP TABLE {table} AS SELECT * FROM asked_{table};
                 CREATE INDEX temp.{table}_order ON {table} ({order})"
            );
            self.0.execute_batch(&make).unwrap();
        }
    }

    /// One value of a statement that makes JSON.
    fn json(&self, sql: &str) -> Value {
        let text: String = self
            .0
            .query_row(sql, [], |row| row.get(0))
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
        serde_json::from_str(&text).unwrap()
    }

    fn numbers(&self, sql: &str) -> Vec<f64> {
        let mut statement = self.0.prepare(sql).unwrap();
        let numbers = statement.query_map([], |row| row.get(0)).unwrap();
        numbers.collect::<Result<_, _>>().unwrap()
    }

    /// As `percentile_cont` of SQL.
    fn spread(&self, sql: &str) -> Value {
        let mut numbers = self.numbers(sql);
        numbers.sort_by(f64::total_cmp);
        if numbers.is_empty() {
            return Value::Null;
        }
        let at = |share: f64| {
            let place = share * (numbers.len() - 1) as f64;
            let rest = place - place.floor();
            numbers[place.floor() as usize] * (1.0 - rest) + numbers[place.ceil() as usize] * rest
        };
        let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
        json!({"count": numbers.len(), "mean": mean, "lower_quartile": at(0.25), "median": at(0.5), "upper_quartile": at(0.75)})
    }
}

/// Equal but for the last digits of what is no whole number. `wanted` may leave fields out.
fn assert_same(found: &Value, wanted: &Value, at: &str) {
    match (found, wanted) {
        (Value::Object(found), Value::Object(wanted)) => {
            for (name, wanted) in wanted {
                let found = found.get(name).unwrap_or_else(|| panic!("{at}/{name} is missing"));
                assert_same(found, wanted, &format!("{at}/{name}"));
            }
        }
        (Value::Array(found), Value::Array(wanted)) => {
            assert_eq!(found.len(), wanted.len(), "{at}: {found:?} and {wanted:?}");
            for (place, (found, wanted)) in found.iter().zip(wanted).enumerate() {
                assert_same(found, wanted, &format!("{at}/{place}"));
            }
        }
        (Value::Number(found), Value::Number(wanted)) => {
            let (found, wanted) = (found.as_f64().unwrap(), wanted.as_f64().unwrap());
            let tolerance = 1e-9 * wanted.abs().max(1.0);
            assert!((found - wanted).abs() <= tolerance, "{at}: {found}, SQL says {wanted}");
        }
        _ => assert_eq!(found, wanted, "{at}"),
    }
}

fn engagement(books: &Books) -> Value {
    let part = |of: &str| {
        format!(
            "json_object(
               'active', (SELECT count(DISTINCT user_id) FROM placed WHERE {of}),
               'new', (SELECT count(*) FROM (SELECT DISTINCT p.user_id FROM placed p WHERE {of} AND p.at =
                        (SELECT min(at) FROM f WHERE f.user_id = p.user_id))),
               'sessions', (SELECT coalesce(sum(begins), 0) FROM sessions WHERE {of}),
               'active_minutes', (SELECT count(*) FROM (SELECT DISTINCT user_id, at / 60000 FROM placed WHERE {of})))"
        )
    };
    let bins = "(1, 1), (2, 2), (3, 3), (4, 4), (5, 7), (8, 14), (15, 30), (31, NULL)";
    let mut wanted = books.json(&format!("SELECT {}", part("TRUE")));
    wanted["buckets"] = books.json(&format!(
        "SELECT json_group_array({} ORDER BY place) FROM buckets b",
        part("place = b.place")
    ));
    wanted["streak_days"] = books.json(&format!(
        "WITH bins (low, high) AS (VALUES {bins}) SELECT json_group_array(json_object('days_from', low,
           'current', (SELECT count(*) FROM current WHERE days BETWEEN low AND coalesce(high, 99999)),
           'longest', (SELECT count(*) FROM longest WHERE days BETWEEN low AND coalesce(high, 99999))) ORDER BY low) FROM bins"
    ));
    wanted["streaks"] = books.json(
        "SELECT json_object(
           'current', (SELECT json_object('people', count(*), 'mean', avg(days), 'max', coalesce(max(days), 0)) FROM current),
           'longest', (SELECT json_object('people', count(*), 'mean', avg(days), 'max', coalesce(max(days), 0)) FROM longest))",
    );
    wanted
}

fn outcomes(books: &Books) -> Value {
    let mut wanted = books.json("SELECT json_object('quizzes', count(*)) FROM quizzes");
    wanted["scores"] = books.spread("SELECT score FROM quizzes");
    wanted["score_distribution"] = books.json(
        "WITH RECURSIVE bins (bin) AS (SELECT 0 UNION ALL SELECT bin + 1 FROM bins WHERE bin < 9)
         SELECT json_group_array(json_object('score_from', bin / 10.0, 'quizzes', (SELECT count(*) FROM quizzes
           WHERE min(CAST(score * 10 AS INTEGER), 9) = bin)) ORDER BY bin) FROM bins",
    );
    wanted["units"] = books.json(
        "SELECT json_group_array(json_object('unit_id', unit, 'title', (SELECT title FROM units u WHERE u.unit_id = unit), 'begun', begun, 'completed', completed,
           'completion_rate', 1.0 * completed / begun, 'completed_in_range', inside) ORDER BY unit)
         FROM (SELECT unit, count(*) AS begun, count(completed_at) AS completed,
                 coalesce(sum(completed_at >= from_at AND completed_at < to_at), 0) AS inside
               FROM touches, asked GROUP BY unit)",
    );
    for unit in wanted["units"].as_array_mut().unwrap() {
        let sql = "SELECT CAST(completed_at - begun_at AS REAL) FROM touches, asked
                   WHERE completed_at >= from_at AND completed_at < to_at AND unit = ";
        unit["time_to_completion_ms"] = books.spread(&format!("{sql}{}", unit["unit_id"]));
    }
    wanted["qualifications"] = books.json(
        "SELECT json_group_array(json_object('qualification_id', q.qualification_id, 'learners', learners, 'begun', begun,
           'completed', completed, 'completion_rate', CASE WHEN learners > 0 THEN 1.0 * completed / learners END)
           ORDER BY q.qualification_id)
         FROM (SELECT qualification_id,
                 (SELECT count(*) FROM courses c WHERE c.qualification_id = q.qualification_id) AS learners,
                 (SELECT count(*) FROM ways w WHERE w.qualification_id = q.qualification_id) AS begun,
                 (SELECT count(*) FROM ways w WHERE w.qualification_id = q.qualification_id AND is_complete) AS completed
               FROM qualifications q) q, asked
         WHERE asked.qualification_id IS NULL OR q.qualification_id = asked.qualification_id",
    );
    for course in wanted["qualifications"].as_array_mut().unwrap() {
        let sql = "SELECT CAST(completed_at - begun_at AS REAL) FROM ways w, asked WHERE is_complete
                   AND completed_at >= from_at AND completed_at < to_at AND w.qualification_id = ";
        course["time_to_completion_ms"] = books.spread(&format!("{sql}{}", course["qualification_id"]));
    }
    wanted["skills"] = books.json(
        "SELECT json_group_array(json_object('skill', skill, 'learners', learners, 'mastery_before', before,
           'mastery_after', after, 'mastery_gained', after - before) ORDER BY skill)
         FROM (SELECT skill, count(*) AS learners, avg(before) AS before, avg(after) AS after
               FROM (SELECT t.skill,
                       (SELECT known FROM traced b, asked WHERE b.user_id = t.user_id AND b.skill = t.skill
                          AND (b.n = 0 OR b.at < from_at) ORDER BY b.n DESC LIMIT 1) AS before,
                       (SELECT known FROM traced a WHERE a.user_id = t.user_id AND a.skill = t.skill
                          ORDER BY a.n DESC LIMIT 1) AS after
                     FROM traced t WHERE t.n = 0) GROUP BY skill)",
    );
    wanted
}

fn success(books: &Books) -> Value {
    let part = "'quizzes', count(score), 'passed', coalesce(sum(score >= 0.6), 0), 'pass_rate', avg(score >= 0.6),
                'mean_score', avg(score)";
    let mut wanted = books.json(&format!("SELECT json_object({part}) FROM quizzes"));
    wanted["buckets"] = books.json(&format!(
        "SELECT json_group_array(json(part) ORDER BY place) FROM (SELECT b.place, json_object({part}) AS part
         FROM buckets b LEFT JOIN quizzes q ON q.place = b.place GROUP BY b.place)"
    ));
    wanted["units"] = books.json(
        "SELECT json_group_array(json_object('unit_id', unit, 'begun', begun, 'completed', completed, 'dropped', dropped,
           'completion_rate', 1.0 * completed / begun, 'drop_off_rate', 1.0 * dropped / begun) ORDER BY unit)
         FROM (SELECT unit, count(*) AS begun, count(completed_at) AS completed,
                 sum(completed_at IS NULL AND last_at < to_at - 7 * 86400000) AS dropped
               FROM touches, asked GROUP BY unit)",
    );
    wanted["items"] = books.json(&format!(
        "SELECT json_group_array(json(part) ORDER BY reference) FROM (SELECT reference,
           json_object('reference_id', reference, 'difficulty', 1 - avg(score), {part}) AS part FROM quizzes GROUP BY reference)"
    ));
    for item in wanted["items"].as_array_mut().unwrap() {
        // Sums of squares in place of the node's differences from the mean: the same by algebra.
        let sql = format!(
            "WITH pairs AS (SELECT q.score AS x, (SELECT avg(o.score) FROM quizzes o
               WHERE o.user_id = q.user_id AND o.event_id <> q.event_id) AS y FROM quizzes q WHERE reference = {}),
             sums AS (SELECT count(*) AS n, sum(x) AS sx, sum(y) AS sy, sum(x * y) AS xy, sum(x * x) AS xx, sum(y * y) AS yy
               FROM pairs WHERE y IS NOT NULL)
             SELECT json_array(n > 2, n * xy - sx * sy, n * xx - sx * sx, n * yy - sy * sy) FROM sums",
            item["reference_id"]
        );
        let sums = books.json(&sql);
        let number = |place: usize| sums[place].as_f64().unwrap_or_default();
        let is_known = sums[0] == 1 && number(2) > 1e-9 && number(3) > 1e-9;
        item["discrimination"] = json!(is_known.then(|| number(1) / (number(2) * number(3)).sqrt()));
    }
    wanted
}

fn resources(books: &Books) -> Value {
    let part = "'reads', coalesce(sum(action = 'read_content'), 0),
                'readers', count(DISTINCT CASE WHEN action = 'read_content' THEN user_id END),
                'contributions', coalesce(sum(action = 'contribute_resource'), 0),
                'mean_quality', avg(CASE WHEN action = 'contribute_resource' THEN quality END),
                'ratings', count(CASE WHEN action = 'community_feedback' THEN rating END),
                'mean_rating', avg(CASE WHEN action = 'community_feedback' THEN rating END)";
    let mut wanted = books.json(&format!("SELECT json_object({part}) FROM placed"));
    wanted["buckets"] = books.json(&format!(
        "SELECT json_group_array(json(part) ORDER BY place) FROM (SELECT b.place, json_object({part}) AS part
         FROM buckets b LEFT JOIN placed p ON p.place = b.place GROUP BY b.place)"
    ));
    wanted["resources"] = books.json(
        "SELECT json_group_array(json_object('contributor_id', contributor, 'reference_id', resource, 'quality', quality,
           'reads', reads, 'readers', readers, 'ratings', ratings, 'mean_rating', rating)
           ORDER BY reads DESC, contributor NULLS FIRST, resource)
         FROM (SELECT contributor, resource, max(CASE WHEN action = 'contribute_resource' THEN quality END) AS quality,
                 sum(action = 'read_content') AS reads,
                 count(DISTINCT CASE WHEN action = 'read_content' AND contributor IS NOT user_id THEN user_id END) AS readers,
                 count(CASE WHEN action = 'community_feedback' THEN rating END) AS ratings,
                 avg(CASE WHEN action = 'community_feedback' THEN rating END) AS rating
               FROM used WHERE action IN ('read_content', 'contribute_resource', 'community_feedback')
               GROUP BY contributor, resource)",
    );
    wanted
}

async fn compare(node: &Node, question: &Question) {
    let books = Books::open(node);
    books.ask(question);
    for (kind, wanted) in [
        ("engagement", engagement as fn(&Books) -> Value),
        ("outcomes", outcomes),
        ("success", success),
        ("resources", resources),
    ] {
        let path = format!("/analytics/{kind}?{}", question.query());
        let found = node.admin().get(&path).await.expect(200);
        assert_same(&found, &wanted(&books), &path);
        if let Some(buckets) = found["buckets"].as_array() {
            let moments = |row: &Value| (row["from"].clone(), row["to"].clone());
            let shown: Vec<_> = buckets.iter().map(moments).collect();
            let wanted = question
                .buckets()
                .into_iter()
                .map(|(from, to)| (json!(rfc3339(from)), json!(rfc3339(to))));
            assert_eq!(shown, wanted.collect::<Vec<_>>(), "{path}");
        }
    }
}

/// Compares a node in UTC that has anything at all in its journal: everything, one team, one qualification.
pub async fn compare_all(node: &Node) {
    let ids = |sql: &str| {
        Books::open(node)
            .0
            .query_row(sql, [], |row| row.get::<_, Option<i64>>(0))
            .unwrap()
    };
    let from = ids("SELECT min(at) / 86400000 * 86400000 FROM facts").unwrap();
    let to = ids("SELECT max(at) + 1 FROM facts").unwrap();
    let team = ids("SELECT max(team_id) FROM team_members").map(i64::cast_unsigned);
    let qualification = ids("SELECT max(qualification_id) FROM enrolments").map(i64::cast_unsigned);
    for (team, qualification) in [(None, None), (team, None), (None, qualification)] {
        let question = Question {
            from,
            to,
            bucket: "week",
            team,
            qualification,
            ahead: [0, 0],
        };
        compare(node, &question).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_figure_equals_sql_over_the_journal() {
    let mut node = Node::start_with(|config| config.time_zone = "Europe/Berlin".into()).await;
    school(&node).await;
    play(&node).await;
    let all = MONDAY..MONDAY + 30 * DAY;
    let questions = [
        (all.clone(), "day", None, None),
        (all.clone(), "week", None, Some(1)),
        (all.clone(), "week", Some(1), None),
        (all, "hour", Some(2), Some(2)),
        // Over the change of the clocks, from and to the middle of something.
        (CHANGE - 3 * DAY + 1_234_567..CHANGE + 2 * DAY + 89, "hour", None, None),
        (CHANGE - 9 * DAY..CHANGE + 5 * DAY + 12_345, "day", Some(1), Some(2)),
        (MONDAY + 12 * DAY..MONDAY + 13 * DAY, "week", Some(2), None),
    ];
    let questions = questions.map(|(range, bucket, team, qualification)| Question {
        from: range.start,
        to: range.end,
        bucket,
        team,
        qualification,
        ahead: [HOUR, 2 * HOUR],
    });
    for question in &questions {
        compare(&node, question).await;
    }
    node.restart().await;
    for question in &questions[..2] {
        compare(&node, question).await;
    }
    // Folded again from nothing it is the same.
    node.stop().await;
    let (file, copy) = database_to_read(node.directory());
    let database = Connection::open(file).unwrap();
    let blocks: i64 = database
        .query_row("SELECT count(*) FROM activity_blocks", [], |row| row.get(0))
        .unwrap();
    assert!(blocks >= 1, "stored blocks were read");
    drop((database, copy));
    store::execute(node.directory(), "DELETE FROM activity_blocks");
    node.start_again().await;
    compare(&node, &questions[0]).await;
}
