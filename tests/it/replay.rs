//! Replays that are interrupted, repeated, or refused.

use crate::support::{Node, eventually};
use homeroom::client::Client;
use homeroom::replay::plan::{Plan, Shape};
use homeroom::replay::{Pace, ReplayError, Report, play, sample};
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::watch;

fn client(node: &Node) -> Client {
    let admin = node.admin();
    Client::new(admin.base(), admin.token().unwrap()).unwrap()
}

fn plan(shape: Shape) -> Arc<Plan> {
    Arc::new(sample::plan(shape).unwrap())
}

async fn play_all(plan: &Arc<Plan>, client: &Client) -> Report {
    let (_stop, stopped) = watch::channel(false);
    let (report, error) = play(plan, client, Pace::Fast, &Arc::default(), &stopped).await.unwrap();
    assert!(error.is_none(), "{error:?}");
    assert_eq!(
        (report.commands_failed, report.commands_left),
        (0, 0),
        "{}",
        report.text()
    );
    report
}

/// Every row of the board of all, and the length of every ledger: whatever is counted twice shows here.
async fn state(node: &Node, plan: &Plan) -> (Value, Vec<usize>) {
    let admin = node.admin();
    let board = admin.get("/leaderboards/all?limit=1000").await.expect(200);
    let mut ledgers = Vec::new();
    for user in plan.roster.users.iter().take(60) {
        let page = admin.get(&format!("/points/{}?limit=1000", user.id)).await.expect(200);
        ledgers.push(page["items"].as_array().unwrap().len());
    }
    (board["entries"].clone(), ledgers)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_that_is_killed_and_started_again_counts_nothing_twice() {
    for shape in [Shape::Moodle, Shape::Oulad] {
        let plan = plan(shape);
        let whole = Node::start().await;
        let wanted = play_all(&plan, &client(&whole)).await;
        let node = Node::start().await;
        let settled = Arc::new(AtomicU64::new(0));
        let task = tokio::spawn({
            let (plan, client, settled) = (Arc::clone(&plan), client(&node), Arc::clone(&settled));
            async move {
                let (_stop, stopped) = watch::channel(false);
                // Slowly enough that the end is not near when it is killed.
                play(&plan, &client, Pace::Times(3_000_000.0), &settled, &stopped)
                    .await
                    .map(|_| ())
            }
        });
        eventually("some commands", || async {
            (settled.load(Ordering::Relaxed) > 50 || task.is_finished()).then_some(())
        })
        .await;
        assert!(!task.is_finished(), "killed in the middle");
        task.abort();
        let again = play_all(&plan, &client(&node)).await;
        assert_eq!((again.awards, again.points), (wanted.awards, wanted.points));
        assert_eq!(again.refusals, wanted.refusals);
        assert_eq!(state(&node, &plan).await, state(&whole, &plan).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_that_is_repeated_says_the_same_and_changes_nothing() {
    let plan = plan(Shape::Moodle);
    let mut node = Node::start().await;
    let first = play_all(&plan, &client(&node)).await;
    let before = state(&node, &plan).await;
    node.restart().await;
    let second = play_all(&plan, &client(&node)).await;
    assert_eq!((first.actions, first.refusals), (second.actions, second.refusals));
    assert_eq!(state(&node, &plan).await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_replay_ends_by_itself_and_says_what_is_left() {
    let plan = plan(Shape::Oulad);
    let node = Node::start().await;
    let (stop, stopped) = watch::channel(false);
    let settled = Arc::new(AtomicU64::new(0));
    let task = tokio::spawn({
        let (plan, client, settled) = (Arc::clone(&plan), client(&node), Arc::clone(&settled));
        async move { play(&plan, &client, Pace::Times(1_000_000.0), &settled, &stopped).await }
    });
    eventually("some commands", || async {
        (settled.load(Ordering::Relaxed) > 10).then_some(())
    })
    .await;
    stop.send_replace(true);
    let (report, error) = task.await.unwrap().unwrap();
    assert!(error.is_none(), "{error:?}");
    assert!(report.commands_left > 0 && report.commands_left < report.commands as u64);
    assert_eq!(
        report.commands as u64 - report.commands_left,
        settled.load(Ordering::Relaxed)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_may_not_say_when_things_happened_is_told_so_first() {
    let node = Node::start().await;
    let token = node.token("projector", None).await;
    let client = Client::new(node.admin().base(), &token).unwrap();
    let (_stop, stopped) = watch::channel(false);
    let played = play(&plan(Shape::Moodle), &client, Pace::Fast, &Arc::default(), &stopped).await;
    assert!(matches!(played, Err(ReplayError::WrongRole(role)) if role == "projector"));
}
