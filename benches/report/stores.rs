//! The same node on its own file and on a PostgreSQL server, in turns.

use super::Report;
use super::runs::{Plan, Runs};
use homeroom_servers::Postgres;

const RATE: &str = "/operations_per_second";
const FIGURES: [(&str, &str); 4] = [
    ("awards a second", RATE),
    ("p50, ms", "/latency_ms/p50"),
    ("p99, ms", "/latency_ms/p99"),
    ("processor time of the node for each, µs", "/node/cpu_us_per_operation"),
];
const LOADS: [(&str, &str); 4] = [
    ("one caller", "earn --callers 1"),
    ("256 callers", "earn"),
    ("256 callers with keys", "earn --keyed"),
    ("16 sockets, 64 under way on each", "earn --sockets 16"),
];

pub(crate) fn stores(plan: &Plan, report: &mut Report) {
    report.say("\n## On a database server\n");
    let Some(server) = Postgres::start_with(true, Some(&plan.data), &["shared_buffers=256MB"]) else {
        report.say("!! LEFT OUT: there is no PostgreSQL on this machine");
        return;
    };
    report.say(&format!(
        "PostgreSQL {} on the same disk and the same two cores, `fsync` and `synchronous_commit` on; each run on a new database.\n\n| \
         load | figure | SQLite | PostgreSQL | ratio |\n| --- | --- | ---: | ---: | ---: |",
        server.version()
    ));
    for (load, words) in LOADS {
        let (file, database) =
            Runs::in_turns_with(plan, words, || vec!["--database-url".to_owned(), server.database()]);
        for (name, pointer) in FIGURES {
            let (file, database) = (file.figure(pointer), database.figure(pointer));
            report.say(&format!(
                "| {load} | {name} | {file:.1} | {database:.1} | {:.2} |",
                database / file
            ));
        }
    }
}
