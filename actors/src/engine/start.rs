//! The start: what is kept is loaded, the tree is woken, and what a crash cut short is finished.

use super::admission::Admission;
use super::budget::Budgets;
use super::root::{Root, RootMsg, Tree};
use super::{Engine, EngineSettings, Inner};
use crate::clock::Clock;
use crate::domain::Rules;
use crate::hub::{Hub, HubArgs};
use crate::insights::Insights;
use crate::journal::Journal;
use crate::learners::{Context, EventCounts, Learners};
use crate::roster::{AliasSecret, Roster, RosterMsg, RosterQueue, RosterState};
use crate::rulebook::{Acts, Book, NextChange, Origin, RuleDocuments};
use crate::scores::Scores;
use crate::sessions::Sessions;
use crate::supervision::Tasks;
use arc_swap::ArcSwap;
use homeroom_schema::limits::{ACTIVITY_BLOCK_FACTS, COMMANDS_IN_FLIGHT_MAX, SESSIONS_MAX};
use homeroom_schema::records::{Append, AppendOutcome, Row};
use homeroom_schema::{EventId, Store, StoreError, TimeMs};
use ractor::Actor;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::{OnceCell, Semaphore, oneshot, watch};

/// Names of settings that the engine keeps. Stored: never change one.
const EPOCH: &str = "epoch";
const ALIAS_SECRET: &str = "alias_secret";

impl Engine {
    /// Loads what is kept, wakes the tree, finishes team achievements that a crash cut short. When this returns, the
    /// state is warm.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn start(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        settings: EngineSettings,
    ) -> Result<Self, StoreError> {
        let tree = load(store, clock, settings).await?;
        let failed = |cause: String| StoreError::Fatal { cause };
        let root = Root::spawn(None, Root, tree.clone()).await;
        let (root, ended) = root.map_err(|error| failed(error.to_string()))?;
        let (fatal, is_stopping) = (tree.context.fatal.clone(), Arc::clone(&tree.is_stopping));
        // Nobody watches over the root but the process.
        tree.tasks.spawn_upkeep(async move {
            let _ = ended.await;
            if !is_stopping.load(Ordering::Acquire) {
                fatal.send_replace(Some("the root of the actor tree has ended".into()));
            }
        });
        let (reply, started) = oneshot::channel();
        let sent = root.send_message(RootMsg::Start { reply });
        sent.map_err(|error| failed(error.to_string()))?;
        let started = started.await.unwrap_or_else(|_| Err("the root failed".into()));
        started.map_err(failed)?;
        let engine = Self {
            inner: Arc::new(Inner {
                tree,
                root,
                commands: Admission::new(),
                budgets: Budgets::default(),
                reads: Arc::new(Semaphore::new(COMMANDS_IN_FLIGHT_MAX)),
                passing_on: Arc::new(Semaphore::new(super::team_award::PASSING_ON_MAX)),
                previewing: Arc::new(Semaphore::new(1)),
                checking: Arc::new(Semaphore::new(1)),
                is_stopping: AtomicBool::new(false),
                stopped: OnceCell::new(),
            }),
        };
        engine.settle_team_awards().await?;
        let tree = &engine.inner.tree;
        tree.acts.resume((&tree.context, &tree.learners, &tree.tasks));
        Ok(engine)
    }
}

async fn load(store: Arc<dyn Store>, clock: Arc<dyn Clock>, settings: EngineSettings) -> Result<Tree, StoreError> {
    let (secret, epoch) = kept_names(&*store, settings.secret).await?;
    let roster = Roster::new(settings.leaderboards);
    let loaded = RosterState::load(store.load_roster().await?, secret);
    roster.change(|state| *state = loaded);
    let scores = Scores::of_heads(store.load_heads().await?);
    let last_event_id = last_event_id(&*store).await?;
    let journal = Journal::new();
    if let Some(event_id) = last_event_id {
        journal.advance(event_id);
    }
    let (acts, rules) = rules_in_force(&*store, settings.rules, settings.documents, clock.now()).await?;
    let rules = Arc::new(ArcSwap::from_pointee(rules));
    let hub = Hub::new(HubArgs {
        store: Arc::clone(&store),
        clock: Arc::clone(&clock),
        roster: roster.clone(),
        scores,
        rules: Arc::clone(&rules),
        board_window: settings.board_window,
        projector_places: settings.projector_places,
        idle: settings.learner_idle,
        last_event_id: last_event_id.map_or(0, EventId::get),
    });
    hub.load_evidence().await?;
    hub.load_announcements().await?;
    let into_journal = journal.clone();
    hub.connect(move |submission| into_journal.submit(submission));
    let insights = Insights::new(Arc::clone(&store), journal.clone(), ACTIVITY_BLOCK_FACTS);
    let tasks = Arc::new(Tasks::new("task"));
    let context = Arc::new(Context {
        store,
        clock: Arc::clone(&clock),
        journal,
        roster,
        hub: hub.clone(),
        rules,
        epoch,
        idle: settings.learner_idle,
        counts: EventCounts::new(),
        fatal: watch::Sender::new(None),
    });
    let learners = Learners::new(Arc::clone(&context), Arc::clone(&tasks));
    hub.library().connect(learners.look_at_due());
    let sessions = Sessions::new(clock, settings.sessions_max.min(SESSIONS_MAX));
    hub.watch(Arc::clone(sessions.attendance()));
    Ok(Tree {
        learners,
        acts: Arc::new(acts),
        context,
        roster_queue: Arc::new(RosterQueue::new(|| RosterMsg::Work)),
        hub,
        insights,
        sessions,
        tasks,
        secret,
        reloads_wanted: Arc::default(),
        is_stopping: Arc::default(),
    })
}

/// The rules that were in force last, or those of the file if what it says is new. While an act on the past is to be
/// finished first, the file waits for the next start.
async fn rules_in_force(
    store: &dyn Store,
    first: Rules,
    documents: RuleDocuments,
    now: TimeMs,
) -> Result<(Acts, Rules), StoreError> {
    let mut book = Book::load(store).await?;
    let new_file = documents.file.clone().filter(|file| book.is_new_file(file));
    if new_file.is_some() && book.open().is_some() {
        tracing::warn!("an act on the past is finished first: the changed file of rules is taken in at the next start");
    } else if let Some(document) = new_file {
        let next = NextChange {
            document,
            origin: Origin::File,
            past: None,
            audit: None,
        };
        let (append, after) = book.changed(next, &documents, now);
        after_commit(&store.commit(vec![append]).await?)?;
        book = after;
        tracing::info!(
            version = book.in_force(),
            "the file of rules says something new: it is in force"
        );
    }
    let rules = match book.in_force() {
        1 => first,
        version => book.rules(store, &documents, version).await?,
    };
    Ok((Acts::new(documents, book), rules))
}

fn after_commit(outcomes: &[AppendOutcome]) -> Result<(), StoreError> {
    let is_kept = outcomes
        .iter()
        .all(|outcome| matches!(outcome, AppendOutcome::Kept { .. }));
    is_kept.then_some(()).ok_or_else(|| StoreError::Unavailable {
        cause: "the file of rules was not taken in".into(),
    })
}

/// The secret behind pseudonyms and the epoch of user topics: made once, then kept with the data.
async fn kept_names(store: &dyn Store, fresh: [u8; 32]) -> Result<(AliasSecret, Arc<str>), StoreError> {
    let fresh = AliasSecret::new(fresh);
    let kept = store.setting(ALIAS_SECRET).await?;
    let secret = kept.as_deref().and_then(AliasSecret::parse);
    let epoch = store.setting(EPOCH).await?;
    let mut rows = Vec::new();
    if secret.is_none() {
        rows.push(setting(ALIAS_SECRET, fresh.to_text()));
    }
    let epoch = epoch.unwrap_or_else(|| {
        let made = format!("{:016x}", fresh.hash(1, 0));
        rows.push(setting(EPOCH, made.clone()));
        made
    });
    if !rows.is_empty() {
        let append = Append {
            rows,
            ..Append::default()
        };
        store.commit(vec![append]).await?;
    }
    Ok((secret.unwrap_or(fresh), Arc::from(epoch)))
}

fn setting(name: &str, value: String) -> Row {
    Row::Setting {
        name: name.to_owned(),
        value,
    }
}

/// The last event of the journal, found by halving: ids have gaps, and the store reads forwards alone.
async fn last_event_id(store: &dyn Store) -> Result<Option<EventId>, StoreError> {
    let Some(first) = store.read_journal(None, 1).await?.pop() else {
        return Ok(None);
    };
    // An event has the id `low`; none has one above `high`.
    let (mut low, mut high) = (first.event_id, EventId::MAX);
    while low < high {
        let middle = EventId::new(low.get() + (high.get() - low.get()) / 2).unwrap_or(low);
        match store.read_journal(Some(middle), 1).await?.pop() {
            Some(later) => low = later.event_id,
            None => high = middle,
        }
    }
    Ok(Some(low))
}
