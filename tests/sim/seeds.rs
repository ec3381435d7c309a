//! Seeds and saved plans.

use super::plan::{Plan, Step};
use super::report::report_row;
use super::shrink::shrink;
use super::simulate::{Outcome, play};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Seeds of every run, and of `make soak`.
const SEEDS: u64 = 40;
const SEEDS_SOAK: u64 = 3_000;

fn plans() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sim/plans")
}

/// Plays a plan; if something does not hold, shows a shorter plan with which that is so, and where it was put.
fn hold(name: &str, plan: &Plan) -> Outcome {
    let why = match play(plan) {
        Ok(outcome) => return outcome,
        Err(why) => why,
    };
    println!("{name} does not hold: {why}\nlooking for a shorter plan");
    let short = shrink(plan, |plan| play(plan).is_err());
    let why_short = play(&short)
        .err()
        .unwrap_or_else(|| "it holds when it is played again".into());
    let text = format!("# {}\n{short}", why_short.lines().next().unwrap_or_default());
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let file = directory.join(format!("{}.plan", name.replace(' ', "-")));
    let _ = std::fs::write(&file, &text);
    panic!(
        "{name}: {why}\n\nThe shortest plan found ({}), to be kept in tests/sim/plans:\n\n{text}\n\
         Again: HOMEROOM_SIM_SEED={} or HOMEROOM_SIM_PLAN={} cargo test --test sim again",
        file.display(),
        plan.seed,
        file.display()
    );
}

#[derive(Default)]
struct Sum {
    plans: u64,
    messages: u64,
    recovered: u64,
    told_anew: u64,
    compared: u64,
    acknowledged: u64,
    refused_for_now: u64,
    unshown: u64,
    ended: u64,
    restarts: u64,
    disk_faults: u64,
}

impl Sum {
    fn add(&mut self, outcome: &Outcome) {
        let Outcome {
            judged,
            restarts,
            disk_faults,
            ..
        } = outcome;
        self.plans += 1;
        self.messages += judged.messages;
        self.recovered += judged.recovered;
        self.told_anew += judged.told_anew;
        self.compared += judged.compared;
        self.acknowledged += judged.acknowledged;
        self.refused_for_now += judged.refused_for_now;
        self.unshown += judged.unshown;
        self.ended += judged.ended;
        self.restarts += restarts;
        self.disk_faults += disk_faults;
    }
}

#[test]
fn what_holds_holds_for_every_seed() {
    let is_soak = std::env::var_os("HOMEROOM_SOAK").is_some_and(|value| value != "0");
    let seeds = if is_soak { SEEDS_SOAK } else { SEEDS };
    let mut sum = Sum::default();
    for seed in 0..seeds {
        sum.add(&hold(&format!("seed {seed}"), &Plan::of_seed(seed)));
    }
    let outcome = format!(
        "{} messages, {} positions recovered, {} told anew, {} topics compared, {} acknowledged, {} refused for now, \
         {} connections broken, {} lives, {} faults of the disk: no gap, no repeat, nothing lost",
        sum.messages,
        sum.recovered,
        sum.told_anew,
        sum.compared,
        sum.acknowledged,
        sum.refused_for_now,
        sum.ended,
        sum.restarts,
        sum.disk_faults
    );
    for (what, count) in [
        ("messages", sum.messages),
        ("recovered", sum.recovered),
        ("told anew", sum.told_anew),
        ("compared", sum.compared),
        ("acknowledged", sum.acknowledged),
        ("refused for now", sum.refused_for_now),
        ("kept but not shown when the node was gone", sum.unshown),
        ("broken connections", sum.ended),
        ("lives", sum.restarts),
        ("faults of the disk", sum.disk_faults),
    ] {
        assert!(count > 0, "no seed had any: {what}");
    }
    report_row(
        "simulation",
        "seeds of clients, commands and faults on a paused clock",
        seeds,
        &outcome,
    );
}

#[test]
fn plans_that_failed_once_hold() {
    let mut played = 0;
    for entry in std::fs::read_dir(plans()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "plan") {
            let text = std::fs::read_to_string(&path).unwrap();
            let plan = text.parse().unwrap_or_else(|why| panic!("{}: {why}", path.display()));
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            hold(&name, &plan);
            played += 1;
        }
    }
    println!("{played} plans");
}

/// In processes of their own, as somebody plays a seed again: counters of a process go on from one simulation to the next.
#[test]
fn a_seed_goes_the_same_way_twice() {
    let played = |seed: u64| {
        let mut again = Command::new(std::env::current_exe().unwrap());
        again.args(["--exact", "seeds::again", "--nocapture"]);
        again
            .env("HOMEROOM_SIM_SEED", seed.to_string())
            .env_remove("HOMEROOM_SIM_PLAN");
        let said = again.output().unwrap();
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        let outcome = said.lines().find(|line| line.starts_with("Outcome"));
        outcome.unwrap_or_else(|| panic!("seed {seed}: {said}")).to_owned()
    };
    // A node that begins again reads its list of erased people on a thread of its own, which may be late by a turn.
    let is_one_life = |step: &Step| !matches!(step, Step::Restart(_) | Step::Kill(_));
    let seeds = (0..1_000).filter(|seed| Plan::of_seed(*seed).steps.iter().all(is_one_life));
    for seed in seeds.take(3) {
        let (first, second) = (played(seed), played(seed));
        assert!(
            first.contains("digest: ") && first == second,
            "seed {seed}: {first}, and then {second}"
        );
    }
}

/// `HOMEROOM_SIM_SEED=…` or `HOMEROOM_SIM_PLAN=…` plays one again; `HOMEROOM_SIM_SHOW=1` prints all that was seen.
#[test]
fn again() {
    if let Ok(seed) = std::env::var("HOMEROOM_SIM_SEED") {
        let plan = Plan::of_seed(seed.parse().unwrap());
        println!("{plan}");
        println!("{:?}", hold(&format!("seed {seed}"), &plan));
    }
    if let Ok(path) = std::env::var("HOMEROOM_SIM_PLAN") {
        let plan = std::fs::read_to_string(&path).unwrap().parse().unwrap();
        println!("{:?}", hold("plan", &plan));
    }
}
