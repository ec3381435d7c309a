//! Homeroom and the baseline under the same load, in turns.

use super::Report;
use super::runs::{Plan, Runs};
use super::stack::Baseline;

const RATE: &str = "/operations_per_second";
const CPU: &str = "/node/cpu_us_per_operation";

/// What is done, and which figures of it are told.
const COMPARED: [(&str, &[(&str, &str)]); 4] = [
    (
        "earn",
        &[
            ("durable awards a second, 256 callers", RATE),
            ("p99 of them, ms", "/latency_ms/p99"),
            ("processor time of each, µs", CPU),
        ],
    ),
    (
        "class --callers 64",
        &[
            ("class of 1,000, 64 callers: awards a second", RATE),
            ("processor time of each with all deliveries, µs", CPU),
        ],
    ),
    (
        "class --rate 50 --callers 64",
        &[
            ("the same class at 50 awards a second: processor time of each, µs", CPU),
            (
                "award to own message at that rate, p99, ms",
                "/deliveries/latency_ms/p99",
            ),
        ],
    ),
    ("read --what around", &[("rank and neighbours, reads a second", RATE)]),
];

pub(crate) fn baseline(plan: &Plan, report: &mut Report) {
    let baseline = match Baseline::start(&plan.data) {
        Ok(baseline) => baseline,
        Err(why) => {
            report.say(&format!("\n## Against the baseline\n\n!! LEFT OUT: {why}"));
            return;
        }
    };
    report.say(
        "\n## Against the baseline (FastAPI, PostgreSQL, Redis; `benches/baseline`)\n\n| what | baseline | Homeroom | ratio |\n| --- | \
         ---: | ---: | ---: |",
    );
    let flags = baseline.flags();
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    for (words, figures) in COMPARED {
        let (ours, theirs) = Runs::in_turns(plan, words, &flags);
        for (name, pointer) in figures {
            let (ours, theirs) = (ours.figure(pointer), theirs.figure(pointer));
            // More is better of what is done a second, less of everything else.
            let ratio = if *pointer == RATE { ours / theirs } else { theirs / ours };
            report.say(&format!("| {name} | {theirs:.1} | {ours:.1} | {ratio:.1} |"));
        }
    }
}
