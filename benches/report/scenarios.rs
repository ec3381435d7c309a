//! The scenarios of the load generator, each with what bounds it.

use super::Report;
use super::bounds::{fsyncs_a_second, journal_alone, send_us};
use super::runs::{Plan, Runs};
use std::time::Duration;

pub(crate) fn earn(plan: &Plan, report: &mut Report) {
    report.say(
        "\n## Durable awards\n\n| how | awards a second (all runs) | p50 ms | p99 ms | p99.9 ms | node CPU µs | generator CPU µs | \
         written KiB | fsyncs a second of the disk |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    );
    for (name, words) in [
        ("HTTP, 1 caller", "earn --callers 1"),
        ("HTTP, 16 callers", "earn --callers 16"),
        ("HTTP, 256 callers", "earn --callers 256"),
        ("HTTP, 256 callers, each with a key", "earn --callers 256 --keyed"),
        ("16 sockets, 64 under way on each", "earn --sockets 16"),
        ("open loop, 16 sockets, 5,000 a second", "earn --sockets 16 --rate 5000"),
    ] {
        let fsyncs = fsyncs_a_second(&plan.data, Duration::from_millis(500));
        let runs = Runs::of(plan, words);
        report.say(&format!(
            "| {name} | {:.0} ({}) | {:.1} | {:.1} | {:.1} | {:.0} | {:.0} | {:.1} | {fsyncs:.0} |",
            runs.figure("/operations_per_second"),
            runs.rates(),
            runs.figure("/latency_ms/p50"),
            runs.figure("/latency_ms/p99"),
            runs.figure("/latency_ms/p999"),
            runs.figure("/node/cpu_us_per_operation"),
            runs.figure("/generator_cpu_us_per_operation"),
            runs.figure("/node/written_kib_per_operation"),
        ));
    }
    let alone = journal_alone(&plan.data, Duration::from_secs(5));
    report.say(&format!(
        "\nThe journal alone, in batches of 1,024 on an otherwise idle machine: {alone:.0} appends a second."
    ));
}

pub(crate) fn class(plan: &Plan, report: &mut Report) {
    report.say(
        "\n## A class: everybody on their own and their team's topic, teams of 30\n\n| sessions, awards a second | to own message: \
         p50 ms | p99 ms | p99.9 ms | deliveries an award | node CPU µs an award | µs a delivery | node MiB |\n| --- | ---: | ---: | \
         ---: | ---: | ---: | ---: | ---: |",
    );
    let mut row = |name: &str, words: &str| {
        let runs = Runs::of(plan, words);
        let operations = runs.figure("/operations");
        report.say(&format!(
            "| {name} | {:.1} | {:.1} | {:.1} | {:.1} | {:.0} | {:.1} | {:.0} |",
            runs.figure("/deliveries/latency_ms/p50"),
            runs.figure("/deliveries/latency_ms/p99"),
            runs.figure("/deliveries/latency_ms/p999"),
            runs.figure("/deliveries/count") / operations,
            runs.figure("/node/cpu_us_per_operation"),
            runs.figure("/node/cpu_us_per_delivery"),
            runs.figure("/node/memory_mib"),
        ));
    };
    for sessions in [30, 300, 3_000] {
        for rate in [10, 100, 1_000] {
            row(
                &format!("{sessions}, {rate}"),
                &format!("class --sessions {sessions} --rate {rate}"),
            );
        }
    }
    row("1,000, 500", "class --rate 500");
    row(
        "1,000, 500; 10 more that follow 100 people each",
        "class --rate 500 --crowd 10",
    );
    row(
        "1,000, 500; 10 more that do and take nothing",
        "class --rate 500 --crowd 10 --stalled",
    );
    row("1,000, as fast as they are answered", "class");
}

pub(crate) fn board(plan: &Plan, report: &mut Report) {
    const WATCHERS: usize = 3_000;
    report.say(
        "\n## A board with 3,000 watchers\n\n| boards each, awards a second | deliveries a second | with one core's worth of CPU | \
         node CPU µs a delivery | bytes each |\n| --- | ---: | ---: | ---: | ---: |",
    );
    let mut mean_bytes = f64::NAN;
    for (boards, rate) in [(1, 10), (1, 100), (1, 1_000), (5, 10), (5, 100)] {
        let runs = Runs::of(plan, &format!("board --boards {boards} --rate {rate}"));
        let bytes = runs.figure("/deliveries/mean_bytes");
        report.say(&format!(
            "| {boards}, {rate} | {:.0} | {:.0} | {:.1} | {bytes:.0} |",
            runs.figure("/deliveries/per_second"),
            runs.figure("/deliveries_per_core_second"),
            runs.figure("/node/cpu_us_per_delivery"),
        ));
        if (boards, rate) == (1, 10) {
            mean_bytes = bytes;
        }
    }
    let plain = send_us(WATCHERS, mean_bytes.round() as usize, Duration::from_secs(5));
    report.say(&format!(
        "\nA plain `send` of {mean_bytes:.0} bytes to each of {WATCHERS} sockets, and nothing else: {plain:.1} µs of processor time each."
    ));
}

pub(crate) fn read(plan: &Plan, report: &mut Report) {
    report.say(
        "\n## Reads over HTTP, 64 connections\n\n| what | reads a second | with one core's worth of CPU | p50 ms | p99 ms |\n| --- | \
         ---: | ---: | ---: | ---: |",
    );
    for what in ["rank", "around", "board", "progress"] {
        for etag in ["", " --etag"] {
            let runs = Runs::of(plan, &format!("read --what {what}{etag}"));
            let with = if etag.is_empty() { "" } else { ", with its ETag" };
            report.say(&read_row(&format!("{what}{with}"), &runs));
        }
    }
}

/// A row of a table of reads.
pub(crate) fn read_row(name: &str, runs: &Runs) -> String {
    format!(
        "| {name} | {:.0} | {:.0} | {:.2} | {:.2} |",
        runs.figure("/operations_per_second"),
        runs.figure("/reads_per_core_second"),
        runs.figure("/latency_ms/p50"),
        runs.figure("/latency_ms/p99"),
    )
}

pub(crate) fn idle(plan: &Plan, report: &mut Report) {
    report.say("\n## Sessions that do nothing\n\n| sessions | KiB for each | node MiB |\n| --- | ---: | ---: |");
    for (name, words) in [
        ("1,000, no topic", "idle --sessions 1000"),
        ("8,000, no topic", "idle"),
        ("8,000, each on its own person's topic", "idle --own-topic"),
    ] {
        let runs = Runs::of(plan, words);
        let (each, all) = (
            runs.figure("/resident_kib_per_session"),
            runs.figure("/node/memory_mib"),
        );
        report.say(&format!("| {name} | {each:.1} | {all:.0} |"));
    }
}

pub(crate) fn storm(plan: &Plan, report: &mut Report) {
    let runs = Runs::of(plan, "storm");
    report.say(&format!(
        "\n## A storm of reconnects\n\n5,000 sessions back by position after kill -9 and a start: node ready after {:.2} s, then half \
         after {:.2} s, all after {:.2} s.",
        runs.figure("/node_ready_after_seconds"),
        runs.figure("/half_back_after_seconds"),
        runs.figure("/all_back_after_seconds")
    ));
}
