//! A lane over HTTP: batches of `POST /events`, one under way at a time. What the node could not take is sent again with
//! the same keys.

use super::lanes::{LaneEnd, Shared, fatal, wait_until};
use super::tally::{Tally, Way};
use crate::client::{Backoff, ClientError, ItemAnswer, Problem};
use bytes::Bytes;
use std::sync::Arc;
use tokio::time::Instant;

/// Commands of one batch.
const BATCH_MAX: usize = 200;
/// Bytes of one command in a batch, about.
const ITEM_BYTES: usize = 224;

/// Plays a lane to its end, or until the replay is stopped.
pub(super) async fn run(shared: Arc<Shared>, lane: Vec<u32>) -> LaneEnd {
    let mut tally = Tally::default();
    let error = play(&shared, &lane, &mut tally).await.err();
    LaneEnd {
        tally,
        error: error.map(fatal),
    }
}

async fn play(shared: &Shared, lane: &[u32], tally: &mut Tally) -> Result<(), ClientError> {
    let mut stop = shared.stop.clone();
    let mut rest = lane;
    while let Some(first) = rest.first() {
        wait_until(shared.due(*first), &mut stop).await;
        if shared.is_stopped() {
            break;
        }
        let now = Instant::now();
        let is_due = |place: &&u32| shared.is_due(**place, now);
        let count = rest.iter().take(BATCH_MAX).take_while(is_due).count().max(1);
        let (batch, later) = rest.split_at(count);
        send(shared, batch.to_vec(), tally).await?;
        rest = later;
    }
    Ok(())
}

/// Sends a batch until every command in it has its final answer.
async fn send(shared: &Shared, mut batch: Vec<u32>, tally: &mut Tally) -> Result<(), ClientError> {
    let mut backoff = Backoff::default();
    let mut stop = shared.stop.clone();
    while !batch.is_empty() {
        let started = Instant::now();
        let (again, error) = match shared.client.events(body(shared, &batch)).await {
            Ok(answers) => {
                tally.took(Way::Batch, started.elapsed());
                let (again, problem) = settle(shared, &batch, answers, tally)?;
                if again.len() < batch.len() {
                    backoff.reset();
                }
                (again, problem.map(|problem| ClientError::Refused(Box::new(problem))))
            }
            Err(error) if error.is_worth_retrying() => (batch, Some(error)),
            Err(error) => return Err(error),
        };
        batch = again;
        if let Some(error) = error {
            tally.retries += batch.len() as u64;
            let Some(wait) = backoff.next_wait(error.retry_after()) else {
                return Err(gave_up(&backoff, error));
            };
            wait_until(Some(Instant::now() + wait), &mut stop).await;
            if shared.is_stopped() {
                break;
            }
        }
    }
    Ok(())
}

fn gave_up(backoff: &Backoff, last: ClientError) -> ClientError {
    ClientError::GaveUp {
        tries: backoff.tries(),
        last: Box::new(last),
    }
}

/// Counts what is settled; gives what is to be sent again, in order, and the problem that says why.
fn settle(
    shared: &Shared,
    batch: &[u32],
    answers: Vec<ItemAnswer>,
    tally: &mut Tally,
) -> Result<(Vec<u32>, Option<Problem>), ClientError> {
    if answers.len() != batch.len() {
        return Err(ClientError::Unintelligible {
            what: "/events".into(),
            cause: format!("{} results for {} items", answers.len(), batch.len()),
        });
    }
    let (mut again, mut why) = (Vec::new(), None);
    for (place, answer) in batch.iter().zip(answers) {
        let command = shared.command(*place);
        match (answer.data, answer.error) {
            (Some(data), None) => tally.answered(command, &data),
            (_, problem) => {
                let mut problem = problem.unwrap_or_default();
                problem.status = answer.status;
                if problem.is_worth_retrying() {
                    again.push(*place);
                    why = Some(problem);
                    continue;
                }
                tally.failed(&shared.plan, command, &problem);
            }
        }
        shared.settle(1);
    }
    Ok((again, why))
}

fn body(shared: &Shared, batch: &[u32]) -> Bytes {
    let mut body = String::with_capacity(batch.len() * ITEM_BYTES + 16);
    body.push_str(r#"{"events":["#);
    for (number, place) in batch.iter().enumerate() {
        let command = shared.command(*place);
        body.push_str(if number == 0 { r#"{"kind":""# } else { r#",{"kind":""# });
        body.push_str(if command.is_progress() { "progress" } else { "points" });
        body.push_str(r#"","#);
        command.write_fields(true, &mut body);
        body.push_str(r#","key":""#);
        command.write_key(&shared.plan.digest, &mut body);
        body.push_str(r#""}"#);
    }
    body.push_str("]}");
    Bytes::from(body)
}

const _: () = assert!(BATCH_MAX <= homeroom_schema::limits::EVENTS_ITEMS_MAX);
const _: () = assert!(BATCH_MAX * ITEM_BYTES * 2 <= homeroom_schema::limits::EVENTS_BODY_BYTES_MAX);
