//! An independent check of totals: what a node shows after a replay against what plain SQL makes of the same files. The SQL
//! follows the readme of the data; it shares no code with the replay or with the engine.

mod books;
mod compare;
mod data;
mod plans;

use crate::support::Node;
use books::Books;
use data::{Change, DataDirectory};
use homeroom::client::Client;
use homeroom::replay::plan::Shape;
use homeroom::replay::{Pace, Report, load, play};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use tokio::sync::watch;

/// Replays a directory into an empty node as fast as it goes, and compares everything.
async fn check(directory: &Path, shape: Shape) -> Report {
    let node = Node::start().await;
    let report = replay(&node, directory).await;
    let books = Books::open(directory, shape);
    compare::report(&books, &report);
    compare::node(&books, &node).await;
    crate::analytics::figures::compare_all(&node).await;
    report
}

async fn replay(node: &Node, directory: &Path) -> Report {
    let plan = Arc::new(load(directory).expect("a known shape"));
    let admin = node.admin();
    let client = Client::new(admin.base(), admin.token().expect("an admin")).expect("an address");
    let (_stop, stopped) = watch::channel(false);
    let settled = Arc::new(AtomicU64::new(0));
    let (report, error) = play(&plan, &client, Pace::Fast, &settled, &stopped)
        .await
        .expect("a node that takes the roster");
    assert!(error.is_none(), "{error:?}");
    assert_eq!(
        (report.commands_failed, report.commands_left),
        (0, 0),
        "{}",
        report.text()
    );
    report
}

#[test]
fn reading_follows_the_rules_whatever_ids_names_and_orders() {
    for shape in [Shape::Moodle, Shape::Oulad] {
        let sample = DataDirectory::sample(shape);
        plans::check(&Books::open(sample.path(), shape), sample.path());
        for change in Change::EACH {
            let data = sample.changed(change);
            plans::check(&Books::open(data.path(), shape), data.path());
        }
        if let Some(directory) = data::real(shape, "reading_follows_the_rules_whatever_ids_names_and_orders") {
            plans::check(&Books::open(&directory, shape), &directory);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_moodle_sample_adds_up() {
    let data = DataDirectory::sample(Shape::Moodle);
    let report = check(data.path(), Shape::Moodle).await;
    assert_eq!(report.rows_skipped, 3, "the 29th of February 2018");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_oulad_sample_adds_up() {
    let data = DataDirectory::sample(Shape::Oulad);
    check(data.path(), Shape::Oulad).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_ids_names_and_orders_of_logs_add_up_too() {
    for change in Change::EACH {
        let data = DataDirectory::sample(Shape::Moodle).changed(change);
        check(data.path(), Shape::Moodle).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_ids_names_and_orders_of_results_add_up_too() {
    for change in Change::EACH {
        let data = DataDirectory::sample(Shape::Oulad).changed(change);
        check(data.path(), Shape::Oulad).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_real_logs_add_up() {
    let Some(directory) = data::real(Shape::Moodle, "the_real_logs_add_up") else {
        return;
    };
    let report = check(&directory, Shape::Moodle).await;
    assert_eq!(report.rows_skipped, 3, "the 29th of February 2018");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_real_results_add_up() {
    let Some(directory) = data::real(Shape::Oulad, "the_real_results_add_up") else {
        return;
    };
    let report = check(&directory, Shape::Oulad).await;
    assert_eq!(report.commands, 189_389);
}
