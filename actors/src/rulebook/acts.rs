//! Acts on the past: changed rules are applied to what was awarded before, or that is undone, learner by learner. An act that
//! a stop or a crash cuts short is finished at the next start.

use super::book::{ActState, Book, Change, NextChange};
use super::event::Past;
use super::walk::{AT_ONCE, PEOPLE, facts, side_by_side};
use super::{Origin, RuleDocuments};
use crate::domain::event::LearnerEvent;
use crate::domain::rules::replay::{Act, Replay, Undo};
use crate::domain::{Adjust, Command, Rejection, Rules};
use crate::engine::Pending;
use crate::error::EngineError;
use crate::learners::{Context, Learners};
use crate::supervision::{Tasks, monotonic};
use futures_util::stream::{self, StreamExt};
use homeroom_schema::limits::COMMAND_DEADLINE;
use homeroom_schema::records::{Append, AppendOutcome, AuditRecord};
use homeroom_schema::{StoreError, UserId, Version};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedMutexGuard, watch};

/// The shortest and the longest pause before a learner, or the end of an act, is tried again.
const PAUSE: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(2));

/// The book of rules of a running node, and who may change it.
pub(crate) struct Acts {
    pub(crate) documents: RuleDocuments,
    book: Mutex<Book>,
    // Held while the rules are changed, and as long as an act goes on.
    changing: Arc<tokio::sync::Mutex<()>>,
    progress: watch::Sender<Progress>,
}

/// How far the act of a version is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Progress {
    version: u32,
    looked_at: u64,
    adjusted: u64,
    is_done: bool,
}

/// What an act works on.
#[derive(Clone)]
struct Work {
    context: Arc<Context>,
    learners: Learners,
    change: Change,
    past: Past,
    rules: Arc<Rules>,
}

/// What is next for one learner.
enum Next {
    /// This fact, if the stream is still at this version.
    Adjust(Box<LearnerEvent>, Version),
    /// Nothing: the act means nothing for them, or they were adjusted before it was cut short.
    Nothing { is_adjusted: bool },
}

impl Acts {
    pub(crate) fn new(documents: RuleDocuments, book: Book) -> Self {
        Self {
            documents,
            book: Mutex::new(book),
            changing: Arc::default(),
            progress: watch::Sender::default(),
        }
    }

    /// The changes so far.
    pub(crate) fn book(&self) -> Book {
        self.book.lock().clone()
    }

    /// How the act of a version stands; none where it is no act.
    pub(crate) fn state(&self, version: u32) -> Option<ActState> {
        let change = self
            .book
            .lock()
            .change(version)
            .filter(|change| change.past.is_some())?;
        let progress = *self.progress.borrow();
        Some(match change.learners {
            Some(adjusted) => ActState::Done { adjusted },
            None if progress.version == version => ActState::Running {
                looked_at: progress.looked_at,
                adjusted: progress.adjusted,
            },
            None => ActState::Running {
                looked_at: 0,
                adjusted: 0,
            },
        })
    }

    /// Waits until the act of a version is done.
    pub(crate) async fn done(&self, version: u32) {
        let mut progress = self.progress.subscribe();
        let is_done = |progress: &Progress| progress.version != version || progress.is_done;
        let _ = progress.wait_for(is_done).await;
    }

    /// Applies a document to the past, too. Returns when it is in force; the past follows.
    pub(crate) async fn apply(
        self: &Arc<Self>,
        parts: (&Arc<Context>, &Learners, &Arc<Tasks>),
        (document, revoke): (String, bool),
        origin: Origin,
        audit: impl FnOnce(u32) -> AuditRecord,
    ) -> Result<Change, EngineError> {
        let guard = self.take_turn()?;
        let rules = (self.documents.read)(&document).map_err(EngineError::WrongRules)?;
        let from = self.book.lock().in_force();
        let next = NextChange {
            document,
            origin,
            past: Some(Past::Apply { from, revoke }),
            audit: Some(audit(from.saturating_add(1))),
        };
        self.begin(parts, guard, next, rules).await
    }

    /// Undoes the latest act: the rules from before it are in force again when this returns; the past follows.
    pub(crate) async fn undo(
        self: &Arc<Self>,
        parts: (&Arc<Context>, &Learners, &Arc<Tasks>),
        act: u32,
        origin: Origin,
        audit: AuditRecord,
    ) -> Result<Change, EngineError> {
        let guard = self.take_turn()?;
        let book = self.book();
        let change = book.change(act).ok_or(EngineError::UnknownAct(act))?;
        let Some(Past::Apply { from, .. }) = change.past else {
            return Err(EngineError::UnknownAct(act));
        };
        if change.is_undone {
            return Err(EngineError::UndoneAlready(act));
        }
        if let Some(latest) = book.latest_act().filter(|latest| latest.version != act) {
            return Err(EngineError::NotTheLatestAct(latest.version));
        }
        let store = &*parts.0.store;
        let unavailable = |error: &StoreError| parts.0.unavailable(error);
        let document = book.document(store, &self.documents, from).await;
        let document = document.map_err(|error| unavailable(&error))?;
        let document = document.ok_or(EngineError::UnknownAct(act))?;
        let rules = (self.documents.read)(&document).map_err(EngineError::WrongRules)?;
        let next = NextChange {
            document,
            origin,
            past: Some(Past::Undo { act }),
            audit: Some(audit),
        };
        self.begin(parts, guard, next, rules).await
    }

    /// Goes on with an act that was cut short.
    pub(crate) fn resume(self: &Arc<Self>, parts: (&Arc<Context>, &Learners, &Arc<Tasks>)) {
        let open = self.book.lock().open();
        if let (Some(change), Ok(guard)) = (open, self.take_turn()) {
            tracing::info!(version = change.version, "an act on the past was cut short; it goes on");
            let rules = parts.0.rules.load_full();
            self.spawn(parts, guard, change, rules);
        }
    }

    fn take_turn(&self) -> Result<OwnedMutexGuard<()>, EngineError> {
        let turn = Arc::clone(&self.changing).try_lock_owned();
        turn.map_err(|_| EngineError::ActUnderWay)
    }

    async fn begin(
        self: &Arc<Self>,
        parts: (&Arc<Context>, &Learners, &Arc<Tasks>),
        guard: OwnedMutexGuard<()>,
        next: NextChange,
        mut rules: Rules,
    ) -> Result<Change, EngineError> {
        let context = parts.0;
        let (append, after) = self.book().changed(next, &self.documents, context.clock.now());
        if let Err(error) = keep(context, append).await {
            self.read_anew(parts, guard).await;
            return Err(error);
        }
        rules.version = after.in_force();
        let rules = Arc::new(rules);
        context.rules.store(Arc::clone(&rules));
        let change = after.change(rules.version).ok_or(EngineError::StoreUnavailable)?;
        *self.book.lock() = after;
        self.spawn(parts, guard, change, rules);
        Ok(change)
    }

    /// After a change whose outcome is unknown: what was really kept is in force.
    async fn read_anew(self: &Arc<Self>, parts: (&Arc<Context>, &Learners, &Arc<Tasks>), guard: OwnedMutexGuard<()>) {
        let context = parts.0;
        let read = async {
            context.journal.fence(monotonic() + COMMAND_DEADLINE).await?;
            let book = Book::load(&*context.store).await?;
            let rules = book.rules(&*context.store, &self.documents, book.in_force()).await?;
            Ok::<_, StoreError>((book, Arc::new(rules)))
        };
        match read.await {
            Ok((book, rules)) if book.in_force() != self.book.lock().in_force() => {
                context.rules.store(Arc::clone(&rules));
                let open = book.open();
                *self.book.lock() = book;
                if let Some(change) = open {
                    self.spawn(parts, guard, change, rules);
                }
            }
            Ok(_) => {}
            Err(error) => drop(context.unavailable(&error)),
        }
    }

    fn spawn(
        self: &Arc<Self>,
        (context, learners, tasks): (&Arc<Context>, &Learners, &Arc<Tasks>),
        guard: OwnedMutexGuard<()>,
        change: Change,
        rules: Arc<Rules>,
    ) {
        let Some(past) = change.past else { return };
        self.progress.send_replace(Progress {
            version: change.version,
            ..Progress::default()
        });
        let work = Work {
            context: Arc::clone(context),
            learners: learners.clone(),
            change,
            past,
            rules,
        };
        let acts = Arc::clone(self);
        tasks.spawn_upkeep(async move {
            if acts.run(work).await.is_ok() {
                drop(guard);
                acts.progress.send_modify(|progress| progress.is_done = true);
            }
        });
    }

    /// Looks at everybody. Ends early only when the node stops.
    async fn run(&self, work: Work) -> Result<(), EngineError> {
        // Whatever was decided by the rules of before is durable after this, so that nobody slips through.
        work.learners.turn_over().await;
        let mut pause = PAUSE.0;
        while work
            .context
            .journal
            .fence(monotonic() + COMMAND_DEADLINE)
            .await
            .is_err()
        {
            wait(&mut pause).await;
        }
        let mut after = None;
        loop {
            let page = work.context.roster.users_after(after, PEOPLE, true);
            let ids: Vec<UserId> = page.iter().map(|user| user.user_id).collect();
            let of_page = work.clone();
            let all = ids.into_iter().map(move |user_id| {
                let work = of_page.clone();
                side_by_side(async move { work.one(user_id).await })
            });
            let mut all = stream::iter(all).buffer_unordered(AT_ONCE);
            while let Some(is_adjusted) = all.next().await {
                let is_adjusted = is_adjusted.map_err(|_| EngineError::Stopping)??;
                self.progress.send_modify(|progress| {
                    progress.looked_at += 1;
                    progress.adjusted += u64::from(is_adjusted);
                });
            }
            match page.last() {
                Some(last) if page.len() == PEOPLE => after = Some(last.user_id),
                _ => break,
            }
        }
        let adjusted = self.progress.borrow().adjusted;
        let mut pause = PAUSE.0;
        loop {
            let done = self.book().done(&work.change, adjusted, work.context.clock.now());
            let Some((append, after)) = done else { return Ok(()) };
            match keep(&work.context, append).await {
                Ok(()) => {
                    *self.book.lock() = after;
                    return Ok(());
                }
                Err(EngineError::Stopping) => return Err(EngineError::Stopping),
                Err(_) => {
                    wait(&mut pause).await;
                    // It may have been kept after all.
                    if let Ok(book) = Book::load(&*work.context.store).await {
                        *self.book.lock() = book;
                    }
                    if self.book.lock().open().is_none() {
                        return Ok(());
                    }
                }
            }
        }
    }
}

impl Work {
    /// Adjusts one learner, if the act means anything for them; says whether it has, now or before it was cut short.
    async fn one(&self, user_id: UserId) -> Result<bool, EngineError> {
        let mut pause = PAUSE.0;
        loop {
            let (event, at) = match self.adjustment(user_id).await {
                Ok(Next::Adjust(event, at)) => (*event, at),
                Ok(Next::Nothing { is_adjusted }) => return Ok(is_adjusted),
                Err(StoreError::Damaged { cause }) => {
                    tracing::error!(%user_id, cause, "a learner cannot be adjusted");
                    return Ok(false);
                }
                Err(_) => {
                    wait(&mut pause).await;
                    continue;
                }
            };
            let command = Command::Adjust(Box::new(Adjust { at, event }));
            let (answer, pending) = Pending::new(None);
            let sent = self.learners.adjust(user_id, command, answer).await;
            let outcome = match sent {
                Ok(()) => pending.outcome().await,
                Err(error) => Err(error),
            };
            match outcome {
                Ok(()) => return Ok(true),
                Err(EngineError::Stopping) => return Err(EngineError::Stopping),
                // Something was kept meanwhile: what this means is computed anew.
                Err(EngineError::Rejected(Rejection::Moved)) => {}
                Err(_) => wait(&mut pause).await,
            }
        }
    }

    /// What the act means for a learner.
    async fn adjustment(&self, user_id: UserId) -> Result<Next, StoreError> {
        let (context, rules) = (&self.context, &*self.rules);
        let now = context.clock.now();
        let (adjustment, at, is_adjusted, act, undone) = match self.past {
            Past::Apply { revoke, .. } => {
                let mut replay = Replay::new(user_id, rules, self.change.version);
                facts(&*context.store, user_id, |event, meta| replay.take(event, meta)).await?;
                let (at, is_adjusted) = (replay.actual().version, replay.is_adjusted());
                let course = context.roster.course(user_id);
                let adjustment = replay.adjustment((&course, &context.hub.outside(user_id)), now, revoke);
                let adjustment = adjustment.map(|mut adjustment| {
                    if !revoke {
                        adjustment.lost.clear();
                    }
                    adjustment
                });
                (adjustment, at, is_adjusted, self.change.version, false)
            }
            Past::Undo { act } => {
                let mut undo = Undo::new(user_id, act);
                facts(&*context.store, user_id, |event, meta| undo.take(event, meta)).await?;
                let (at, is_undone) = (undo.actual().version, undo.is_undone());
                (undo.adjustment(rules), at, is_undone, act, true)
            }
        };
        let act = Act {
            act,
            undone,
            rules: rules.version,
            occurred_at: now,
        };
        Ok(match adjustment {
            Some(adjustment) => {
                let event = adjustment.into_event(act, context.roster.teams_of(user_id));
                Next::Adjust(Box::new(event), at)
            }
            None => Next::Nothing { is_adjusted },
        })
    }
}

async fn keep(context: &Context, append: Append) -> Result<(), EngineError> {
    let kept = tokio::time::timeout(COMMAND_DEADLINE, context.journal.keep(append)).await;
    match kept.map_err(|_| EngineError::TimedOut)? {
        Ok(AppendOutcome::Kept { .. }) => Ok(()),
        Ok(AppendOutcome::KeyTaken | AppendOutcome::Conflict { .. }) => Err(EngineError::StoreUnavailable),
        Err(error) => Err(context.unavailable(&error)),
    }
}

async fn wait(pause: &mut Duration) {
    tokio::time::sleep(*pause).await;
    *pause = (*pause * 2).min(PAUSE.1);
}
