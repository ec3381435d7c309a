//! Topics that cannot be read on from memory: pages of the journal for user topics, a new start for the others.

use super::holds::Hold;
use super::subscribe::{Plan, Start, not_found, start};
use crate::app::App;
use crate::problem::Problem;
use homeroom_actors::topics::{Inbox, TopicName};
use homeroom_actors::{EngineError, Entry, Lens};
use homeroom_schema::UserId;
use homeroom_schema::limits::TOPIC_PAGE;
use std::sync::Arc;
use std::time::Duration;

/// What to fetch for a hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fetch {
    slot: u32,
    serial: u64,
    wanted: Wanted,
}

#[derive(Debug, Clone, Copy)]
enum Wanted {
    Page { user_id: UserId, offset: u64 },
    Start { name: TopicName, lens: Lens },
}

/// What was fetched, for which state of which hold.
pub(super) struct Fetched {
    pub(super) slot: u32,
    pub(super) serial: u64,
    pub(super) result: Result<Found, Problem>,
}

/// What a fetch can give.
pub(super) enum Found {
    /// Messages that follow the hold's position; none means that there are none.
    Page(Vec<Arc<Entry>>),
    /// The topic starts anew.
    Start(Box<Start>),
}

/// How often a fetch is tried before the topic is given up.
const ATTEMPTS: u32 = 5;
/// The pause before the second try; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

impl Fetch {
    /// The next page of a user topic from the journal.
    pub(super) fn page(slot: u32, hold: &Hold, user_id: UserId) -> Self {
        let offset = hold.position.offset;
        Self {
            slot,
            serial: hold.serial,
            wanted: Wanted::Page { user_id, offset },
        }
    }

    /// A snapshot with its position.
    pub(super) fn start(slot: u32, hold: &Hold) -> Self {
        Self {
            slot,
            serial: hold.serial,
            wanted: Wanted::Start {
                name: hold.name,
                lens: hold.lens,
            },
        }
    }

    /// Fetches, trying again a few times when the engine is only busy.
    pub(super) async fn run(self, app: App, inbox: Arc<Inbox>) -> Fetched {
        let mut pause = FIRST_PAUSE;
        let mut result = self.attempt(&app, &inbox).await;
        for _ in 1..ATTEMPTS {
            if !matches!(&result, Err(error) if is_passing(error)) {
                break;
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
            result = self.attempt(&app, &inbox).await;
        }
        Fetched {
            slot: self.slot,
            serial: self.serial,
            result: result.map_err(not_found),
        }
    }

    async fn attempt(&self, app: &App, inbox: &Arc<Inbox>) -> Result<Found, EngineError> {
        match self.wanted {
            Wanted::Page { user_id, offset } => {
                let page = app.engine().user_topic_page(user_id, offset, TOPIC_PAGE).await?;
                Ok(Found::Page(page))
            }
            Wanted::Start { name, lens } => {
                let plan = Plan {
                    name,
                    lens,
                    slot: self.slot,
                    position: None,
                };
                Ok(Found::Start(Box::new(start(app, inbox, plan).await?)))
            }
        }
    }
}

const fn is_passing(error: &EngineError) -> bool {
    matches!(
        error,
        EngineError::Overloaded | EngineError::TimedOut | EngineError::StoreUnavailable
    )
}
