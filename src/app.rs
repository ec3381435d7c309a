//! What every handler shares: the engine and the edge's own registries.

use crate::config::Config;
use homeroom_actors::{Clock, Engine};
use std::sync::Arc;

/// The node, as handlers see it. A clone is another handle to the same one.
#[derive(Clone)]
pub struct App {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Engine,
    config: Config,
    clock: Arc<dyn Clock>,
}

impl App {
    /// The engine.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.inner.engine
    }

    /// The settings.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.inner.config
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &dyn Clock {
        &*self.inner.clock
    }
}
