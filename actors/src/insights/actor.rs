//! The actor that folds the journal into facts: page by page, in the background and whenever somebody reads.

use super::tail::Tail;
use super::{Insights, Job};
use crate::domain::analytics::Noted;
use crate::learners::parse;
use homeroom_schema::limits::{ACTIVITY_FOLD_EVENTS, ACTIVITY_FOLD_EVERY, READ_DEADLINE};
use homeroom_schema::records::{ActivityBlock, StoredEvent, StreamKind};
use homeroom_schema::{EventId, Store, StoreError, TimeMs, UserId};
use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};
use std::future::Future;
use std::sync::Arc;
use tokio::sync::oneshot;

/// Configuration only.
pub(crate) struct InsightsActor;

/// What is folded, and who waits for it. Nothing that a restart would miss.
pub(crate) struct InsightsState {
    insights: Insights,
    tail: Arc<Tail>,
    // The last event read; none until the stored blocks have been asked for theirs, or in an empty journal.
    position: Option<EventId>,
    is_loaded: bool,
    waiting: Vec<Waiting>,
    // A message to go on is on its way.
    is_told: bool,
}

/// Somebody who waits for everything up to an event.
pub(super) struct Waiting {
    pub(super) until: Option<EventId>,
    pub(super) reply: oneshot::Sender<Result<Arc<Tail>, StoreError>>,
}

/// Messages to the actor.
pub(crate) enum InsightsMsg {
    /// From the queue, and from itself while there is more. Safe to repeat.
    Work,
    /// From its timer: fold what is new, so that nobody has to wait for long.
    FoldTick,
}

impl Actor for InsightsActor {
    type Msg = InsightsMsg;
    type State = InsightsState;
    type Arguments = Insights;

    async fn pre_start(
        &self,
        _: ActorRef<InsightsMsg>,
        insights: Insights,
    ) -> Result<InsightsState, ActorProcessingErr> {
        Ok(InsightsState {
            insights,
            tail: Arc::default(),
            position: None,
            is_loaded: false,
            waiting: Vec::new(),
            is_told: false,
        })
    }

    async fn post_start(
        &self,
        myself: ActorRef<InsightsMsg>,
        state: &mut InsightsState,
    ) -> Result<(), ActorProcessingErr> {
        drop(myself.send_interval(ACTIVITY_FOLD_EVERY, || InsightsMsg::FoldTick));
        state.insights.inner.queue.connect(myself);
        Ok(())
    }

    async fn handle(
        &self,
        myself: ActorRef<InsightsMsg>,
        message: InsightsMsg,
        state: &mut InsightsState,
    ) -> Result<(), ActorProcessingErr> {
        let has_jobs = match message {
            InsightsMsg::Work => {
                state.is_told = false;
                state.take_jobs().await
            }
            InsightsMsg::FoldTick => false,
        };
        let is_more = state.work().await;
        // One page a message, so that a drain comes between pages. After jobs once more: the queue says when it is empty.
        if (has_jobs || is_more) && !state.is_told {
            state.is_told = myself.send_message(InsightsMsg::Work).is_ok();
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<InsightsMsg>,
        _: SupervisionEvent,
        _: &mut InsightsState,
    ) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}

impl InsightsState {
    /// Returns whether there were any.
    async fn take_jobs(&mut self) -> bool {
        let jobs = self
            .insights
            .inner
            .queue
            .take(|waiting| waiting.drain(..).collect::<Vec<_>>());
        let Some((jobs, _)) = jobs else { return false };
        for job in jobs {
            match job {
                Job::Get(waiting) => self.waiting.push(waiting),
                Job::Rebuild => {
                    tracing::warn!("the facts of analytics cannot be read and are folded from the journal again");
                    let cleared = within_deadline(self.insights.inner.store.clear_activity()).await;
                    self.is_loaded = false;
                    self.answer_all(cleared.err());
                }
            }
        }
        true
    }

    /// Folds a page. Returns whether there is more to do.
    async fn work(&mut self) -> bool {
        match self.fold_page().await {
            Ok(is_more) => {
                if is_more {
                    self.answer(|until, position| until <= position);
                } else {
                    self.answer(|_, _| true);
                }
                is_more
            }
            Err(error) => {
                self.answer_all(Some(error));
                false
            }
        }
    }

    async fn fold_page(&mut self) -> Result<bool, StoreError> {
        let inner = Arc::clone(&self.insights.inner);
        if !self.is_loaded {
            let head = within_deadline(inner.store.activity_head()).await?;
            self.tail = Arc::new(Tail {
                head,
                ..Tail::default()
            });
            self.position = head;
            self.is_loaded = true;
        }
        // First what waits, so that it never grows by more than a page.
        while self.tail.is_due(inner.block_facts) {
            self.store_block().await?;
        }
        let page = within_deadline(inner.store.read_journal(self.position, ACTIVITY_FOLD_EVENTS)).await?;
        let noted = page.iter().filter_map(|stored| noted(stored).transpose());
        let noted = noted.collect::<Result<Vec<_>, _>>()?;
        let tail = Arc::make_mut(&mut self.tail);
        noted.into_iter().for_each(|noted| tail.take(noted));
        self.position = page.last().map_or(self.position, |event| Some(event.event_id));
        Ok(page.len() == ACTIVITY_FOLD_EVENTS || self.tail.is_due(inner.block_facts))
    }

    /// Stores one block with what changed in others.
    async fn store_block(&mut self) -> Result<(), StoreError> {
        let (store, tail) = (&self.insights.inner.store, &self.tail);
        let next = tail.next_block(self.insights.inner.block_facts);
        let mut blocks = amended(&**store, tail).await?;
        blocks.extend(next.clone());
        within_deadline(store.save_activity(blocks)).await?;
        Arc::make_mut(&mut self.tail).stored(next.as_ref());
        Ok(())
    }

    fn answer(&mut self, is_due: impl Fn(Option<EventId>, Option<EventId>) -> bool) {
        let position = self.position;
        for waiting in self.waiting.extract_if(.., |waiting| is_due(waiting.until, position)) {
            let _ = waiting.reply.send(Ok(Arc::clone(&self.tail)));
        }
    }

    /// Tells everybody that it failed, if it did.
    fn answer_all(&mut self, error: Option<StoreError>) {
        let Some(error) = error else { return };
        for waiting in self.waiting.drain(..) {
            let _ = waiting.reply.send(Err(error.clone()));
        }
    }
}

/// The stored blocks in which something changed, each once.
async fn amended(store: &dyn Store, tail: &Tail) -> Result<Vec<ActivityBlock>, StoreError> {
    let always = TimeMs(i64::MIN)..TimeMs(i64::MAX);
    let mut changed: Vec<EventId> = tail.standings.keys().copied().collect();
    changed.sort_unstable();
    let mut blocks: Vec<ActivityBlock> = Vec::new();
    for event_id in changed {
        if blocks.last().is_some_and(|block| block.last_event_id >= event_id) {
            continue;
        }
        let before = EventId::new(event_id.get() - 1).ok();
        let page = within_deadline(store.activity_blocks(always.clone(), before, 1)).await?;
        for block in page {
            blocks.extend(tail.amended(&block)?);
        }
    }
    Ok(blocks)
}

fn noted(stored: &StoredEvent) -> Result<Option<Noted>, StoreError> {
    if stored.stream.kind != StreamKind::Learner {
        return Ok(None);
    }
    let user_id = UserId::new(stored.stream.id).map_err(|_| StoreError::Damaged {
        cause: format!("event {} is of nobody", stored.event_id),
    })?;
    let (event, meta) = parse(stored)?;
    Ok(Noted::of(user_id, &event, meta))
}

async fn within_deadline<T>(call: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    let answer = tokio::time::timeout(READ_DEADLINE, call).await;
    answer.unwrap_or_else(|_| {
        Err(StoreError::Unavailable {
            cause: "no answer in time".to_owned(),
        })
    })
}
