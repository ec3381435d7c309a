//! What the fault tests did, as rows of the report of `make soak`: which fault, how often it really happened, what came
//! of it. Without `HOMEROOM_SOAK_REPORT` only the checks are left.

use std::fs::OpenOptions;
use std::io::Write;

/// Notes that a fault of the row `row_id` ("F-D1") really happened `happened` times, with this outcome. Fails the test
/// when it never happened: a fault that was not there proves nothing.
#[track_caller]
pub fn report_row(row_id: &str, what: &str, happened: u64, outcome: &str) {
    assert!(happened > 0, "{row_id}: the fault never happened: {what}");
    append(row_id, what, &happened.to_string(), outcome);
}

/// Says loudly that a part of the suite cannot run on this machine: on stderr even when output is captured, and in the
/// report.
pub fn left_out(row_id: &str, what: &str, why: &str) {
    // Not `eprintln!`: the harness hides that of tests that pass.
    let _ = writeln!(std::io::stderr(), "\n!! LEFT OUT: {row_id} {what}: {why}\n");
    append(row_id, what, "0", &format!("**left out**: {why}"));
}

fn append(row_id: &str, what: &str, happened: &str, outcome: &str) {
    let cell = |text: &str| text.replace('|', "/").replace('\n', " ");
    let row = format!(
        "| {} | {} | {happened} | {} |\n",
        cell(row_id),
        cell(what),
        cell(outcome)
    );
    println!("{row}");
    let Some(path) = std::env::var_os("HOMEROOM_SOAK_REPORT") else {
        return;
    };
    // One write of one line in append mode: rows of tests that run side by side do not mix.
    let mut file = OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .expect("the report can be written");
    file.write_all(row.as_bytes()).expect("the report can be written");
}
