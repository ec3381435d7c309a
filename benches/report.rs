//! Every figure and curve of the README in one run: `make bench` writes `target/bench/report.md` with its plots.
//!
//! The load generator drives the binary of this build in processes of their own, one run after the other; each figure is the
//! median of five. Beside it, in the same minutes, stands what bounds it: how often this disk makes
//! 4 KiB durable, the journal alone, a plain `send`, and the baseline of `benches/baseline` under the same generator. `-- --quick`
//! takes one short run of each, words choose parts (`-- earn class board`, see [`PARTS`]). `HOMEROOM_BENCH_LEARNERS` and
//! `HOMEROOM_BENCH_EVENTS` (of each of 10,000) bound the largest schools. Nothing is measured when cargo runs it as a test.

#[path = "support/awards.rs"]
mod awards;
#[path = "report/bounds.rs"]
mod bounds;
#[path = "report/compare.rs"]
mod compare;
#[path = "report/curves.rs"]
mod curves;
#[path = "report/parts.rs"]
mod parts;
#[path = "report/plot.rs"]
mod plot;
#[path = "report/ranks.rs"]
mod ranks;
#[path = "report/runs.rs"]
mod runs;
#[path = "report/scale.rs"]
mod scale;
#[path = "report/scenarios.rs"]
mod scenarios;
#[path = "support/school.rs"]
mod school;
#[path = "support/snapshots.rs"]
mod snapshots;
#[path = "report/stack.rs"]
mod stack;
#[path = "support/standings.rs"]
mod standings;
#[path = "report/stores.rs"]
mod stores;

use homeroom::bench::machine;
use runs::Plan;
use std::fs;
use std::path::PathBuf;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    // Cargo gives `--bench` when it measures, and not when it only runs the benches as tests.
    if !has("--bench") || has("--test") {
        return;
    }
    let plan = Plan::new(has("--quick"));
    let words: Vec<&String> = arguments.iter().filter(|word| !word.starts_with('-')).collect();
    if let Some(unknown) = words.iter().find(|word| PARTS.iter().all(|(part, _)| *word != part)) {
        let parts: Vec<&str> = PARTS.iter().map(|(part, _)| *part).collect();
        eprintln!("there is no part {unknown:?}; the parts are {}", parts.join(", "));
        std::process::exit(2);
    }
    let mut report = Report::new(&plan);
    for (part, measure) in PARTS {
        if words.is_empty() || words.iter().any(|word| *word == part) {
            measure(&plan, &mut report);
        }
    }
    println!("\n{}", report.path.display());
}

type Part = fn(&Plan, &mut Report);

const PARTS: [(&str, Part); 12] = [
    ("earn", scenarios::earn),
    ("class", scenarios::class),
    ("board", scenarios::board),
    ("read", scenarios::read),
    ("idle", scenarios::idle),
    ("storm", scenarios::storm),
    ("ranks", ranks::ranks),
    ("baseline", compare::baseline),
    ("stores", stores::stores),
    ("curves", curves::curves),
    ("scale", scale::scale),
    ("parts", parts::parts),
];

/// The Markdown so far: written after every row, so that nothing is lost when a long run is stopped.
struct Report {
    path: PathBuf,
    text: String,
}

impl Report {
    fn new(plan: &Plan) -> Self {
        let each = if plan.runs == 1 {
            "one run".to_owned()
        } else {
            format!("the median of {} runs", plan.runs)
        };
        Self {
            path: plan.out.join("report.md"),
            text: format!(
                "# What Homeroom does on this machine\n\n{}; node, generator and everything else share them. Optimised build, \
                 `synchronous=FULL`; each row is {each} of {} seconds.\n",
                machine(),
                plan.seconds
            ),
        }
    }

    fn say(&mut self, lines: &str) {
        println!("{lines}");
        self.text.push_str(lines);
        self.text.push('\n');
        fs::write(&self.path, &self.text).expect("the report can be written");
    }
}
