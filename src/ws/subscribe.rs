//! Taking up topics: which of those asked for a session may have, and asking the engine for them. Replies are made elsewhere.

use super::holds::{Attachment, Holds};
use super::request::TopicWish;
use crate::app::App;
use crate::auth::Principal;
use crate::permissions;
use crate::problem::{Problem, Unknown};
use futures_util::{StreamExt, stream};
use homeroom_actors::engine::TopicSnapshot;
use homeroom_actors::topics::{Inbox, Position, TopicName};
use homeroom_actors::{EngineError, Lens};
use homeroom_schema::limits::{SESSION_FETCHES_MAX, SESSION_TOPICS_MAX};
use std::collections::HashMap;
use std::sync::Arc;

/// One topic of a request after its rights were checked.
pub(super) struct Ask {
    /// The name as it came.
    pub(super) topic: String,
    /// What to ask the engine for, or why not.
    pub(super) plan: Result<Plan, Problem>,
}

/// What to ask the engine for.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) name: TopicName,
    pub(super) lens: Lens,
    pub(super) slot: u32,
    pub(super) position: Option<Position>,
}

/// One topic as the engine gave it.
pub(super) struct Given {
    /// The name as it came.
    pub(super) topic: String,
    /// The topic, if it was understood.
    pub(super) name: Option<TopicName>,
    /// The topic with its start, or why not.
    pub(super) outcome: Result<Start, Problem>,
}

/// Where a topic starts for a session.
pub(super) struct Start {
    pub(super) slot: u32,
    pub(super) attachment: Attachment,
    pub(super) lens: Lens,
    pub(super) position: Position,
    pub(super) recovered: bool,
    pub(super) snapshot: Option<TopicSnapshot>,
}

/// Reads names and checks rights and the bound. A topic that is held keeps its slot: there is one hold on it at any time.
pub(super) fn plan(app: &App, caller: &Principal, holds: &mut Holds, wishes: Vec<TopicWish>) -> Vec<Ask> {
    let mut new_slots = HashMap::new();
    let mut ask = |wish: TopicWish| {
        let plan = allowed(app, caller, &wish.topic).and_then(|(name, lens)| {
            let slot = match holds.slot(name).or_else(|| new_slots.get(&name).copied()) {
                Some(slot) => slot,
                None if holds.len() + new_slots.len() >= SESSION_TOPICS_MAX => return Err(too_many_topics()),
                None => holds.new_slot(),
            };
            if holds.slot(name).is_none() {
                new_slots.insert(name, slot);
            }
            let position = wish.position.map(|(epoch, offset)| Position {
                epoch: epoch.into(),
                offset,
            });
            Ok(Plan {
                name,
                lens,
                slot,
                position,
            })
        });
        Ask {
            topic: wish.topic,
            plan,
        }
    };
    wishes.into_iter().map(&mut ask).collect()
}

/// The topic of this name and how the caller sees it.
fn allowed(app: &App, caller: &Principal, topic: &str) -> Result<(TopicName, Lens), Problem> {
    let name: TopicName = topic.parse().map_err(|_| Problem::unknown(Unknown::Topic))?;
    let lens = permissions::topic_lens(caller, name, app.engine().roster())?;
    Ok((name, lens))
}

/// Asks the engine, a few at a time, and answers in order.
pub(super) async fn subscribe(app: App, inbox: Arc<Inbox>, asks: Vec<Ask>) -> Vec<Given> {
    let given = stream::iter(asks).map(|ask| async {
        let name = ask.plan.as_ref().ok().map(|plan| plan.name);
        let outcome = match ask.plan {
            Ok(plan) => start(&app, &inbox, plan).await.map_err(not_found),
            Err(problem) => Err(problem),
        };
        Given {
            topic: ask.topic,
            name,
            outcome,
        }
    });
    given.buffered(SESSION_FETCHES_MAX).collect().await
}

/// Asks the engine for one topic.
pub(super) async fn start(app: &App, inbox: &Arc<Inbox>, plan: Plan) -> Result<Start, EngineError> {
    let Plan {
        name,
        lens,
        slot,
        position,
    } = plan;
    let subscription = app.engine().subscribe(name, position, inbox, slot).await?;
    Ok(Start {
        slot,
        attachment: Attachment::new(subscription.topic, inbox, slot),
        lens,
        position: subscription.position,
        recovered: subscription.recovered,
        snapshot: subscription.snapshot,
    })
}

/// The topic's name is the path here: what it names and is not there is 404.
pub(super) fn not_found(error: EngineError) -> Problem {
    Problem::from(error).with_path(&[Unknown::User, Unknown::Team, Unknown::Qualification])
}

fn too_many_topics() -> Problem {
    let detail = format!("a session holds at most {SESSION_TOPICS_MAX} topics; unsubscribe from others first");
    Problem::new(422, "too_many_topics", "Too many topics", detail)
}

/// The snapshots of one reply have grown too large.
pub(super) fn reply_too_large() -> Problem {
    let detail = "the snapshots asked for at once are too large together; ask for this topic in a request of its own";
    Problem::new(422, "reply_too_large", "Too much at once", detail)
}
