//! The synthetic class: what a node shows of it against the published figures of an independent script (`tests/data/class`).

mod analytics;
pub mod compare;
pub mod play;

use crate::support::Node;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the class and its oracle are.
pub fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/class")
}

/// Runs one of the class's scripts and gives what it printed.
fn run(script: &str, arguments: &[&str]) -> String {
    let mut command = Command::new("python3");
    let output = command.arg(directory().join(script)).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The figures of a class that begins on `first_day`.
pub fn figures(first_day: &str) -> Value {
    serde_json::from_str(&run("oracle.py", &["--first-day", first_day])).unwrap()
}

#[test]
fn the_published_figures_are_those_of_the_script() {
    let published = std::fs::read_to_string(directory().join("published.json")).unwrap();
    assert!(run("oracle.py", &[]) == published, "run oracle.py again");
    let made = tempfile::tempdir().unwrap();
    run("make.py", &[made.path().to_str().unwrap()]);
    for file in ["roster.json", "steps.jsonl"] {
        let made = std::fs::read(made.path().join(file)).unwrap();
        assert!(
            made == std::fs::read(directory().join(file)).unwrap(),
            "run make.py again"
        );
    }
}

#[test]
fn the_class_has_every_achievement_at_every_tier() {
    let figures = figures("2026-03-02");
    for achievement in ["content_master", "quiz_champion", "resource_contributor", "team_player"] {
        for tier in ["bronze", "silver", "gold"] {
            let learners = figures["learners"].as_object().unwrap().values();
            let earned = learners.filter(|learner| learner["earned"][achievement][tier].is_string());
            assert!(earned.count() > 0, "{achievement} {tier}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_class_adds_up_before_and_after_a_restart() {
    let mut node = Node::start().await;
    let first_day = play::first_day();
    let figures = figures(&first_day);
    play::class(&node, &directory(), &first_day).await;
    compare::everything(&node, &figures).await;
    node.restart().await;
    compare::everything(&node, &figures).await;
}
