//! What every handler shares: the engine and the edge's own registries.

use crate::audit::Refusals;
use crate::auth::Tokens;
use crate::backups::Backups;
use crate::classroom::{Class, Classroom};
use crate::config::Config;
use crate::idempotency::Keys;
use crate::metrics::Metrics;
use crate::peer::{Peer, Way, networks};
use crate::pins::Pins;
use crate::rates::{Rates, Strangers};
use crate::secret::NodeSecret;
use crate::sign_ins::SignIns;
use crate::tickets::Tickets;
use crate::ws::OwnSessions;
use axum::http::HeaderMap;
use homeroom_actors::{Clock, Engine};
use ipnet::IpNet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The node, as handlers see it. A clone is another handle to the same one.
#[derive(Clone)]
pub struct App {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Engine,
    config: Config,
    clock: Arc<dyn Clock>,
    secret: NodeSecret,
    tokens: Tokens,
    tickets: Tickets,
    classroom: Classroom,
    sign_ins: SignIns,
    pins: Pins,
    keys: Keys,
    rates: Rates,
    strangers: Strangers,
    metrics: Metrics,
    trusted_proxies: Vec<IpNet>,
    own_sessions: OwnSessions,
    refusals: Refusals,
    backups: Backups,
    stopping: AtomicBool,
}

impl App {
    /// A node around a started engine, with the tokens and the class that its store has.
    #[must_use]
    pub fn new(
        engine: Engine,
        config: Config,
        clock: Arc<dyn Clock>,
        secret: NodeSecret,
        (tokens, class): (Tokens, Class),
    ) -> Self {
        let backups = Backups::new(&config.data, config.backups_kept);
        Self {
            inner: Arc::new(Inner {
                backups: match config.database_url {
                    Some(_) => backups.elsewhere(),
                    None => backups,
                },
                engine,
                rates: Rates::new(&config.rates),
                strangers: Strangers::default(),
                classroom: Classroom::new(class),
                sign_ins: SignIns::default(),
                pins: Pins::default(),
                trusted_proxies: networks(&config.trusted_proxies).unwrap_or_default(),
                own_sessions: OwnSessions::new(config.sessions_per_address),
                config,
                clock,
                secret,
                tokens,
                tickets: Tickets::default(),
                keys: Keys::default(),
                metrics: Metrics::new(),
                refusals: Refusals::default(),
                stopping: AtomicBool::new(false),
            }),
        }
    }

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

    /// What row handles and cursors are keyed with.
    #[must_use]
    pub fn secret(&self) -> &NodeSecret {
        &self.inner.secret
    }

    /// The tokens in force.
    #[must_use]
    pub fn tokens(&self) -> &Tokens {
        &self.inner.tokens
    }

    /// The tickets not yet used.
    #[must_use]
    pub fn tickets(&self) -> &Tickets {
        &self.inner.tickets
    }

    /// The class that the node is for.
    #[must_use]
    pub fn classroom(&self) -> &Classroom {
        &self.inner.classroom
    }

    /// The sign-in links not yet used.
    #[must_use]
    pub fn sign_ins(&self) -> &SignIns {
        &self.inner.sign_ins
    }

    /// What is needed to know people by their PINs.
    #[must_use]
    pub fn pins(&self) -> &Pins {
        &self.inner.pins
    }

    /// How much those without a token may ask for.
    #[must_use]
    pub fn strangers(&self) -> &Strangers {
        &self.inner.strangers
    }

    /// The idempotency keys that are under way.
    #[must_use]
    pub fn keys(&self) -> &Keys {
        &self.inner.keys
    }

    /// How much each caller may still ask for.
    #[must_use]
    pub fn rates(&self) -> &Rates {
        &self.inner.rates
    }

    /// How many live sessions each caller and each address has.
    #[must_use]
    pub fn own_sessions(&self) -> &OwnSessions {
        &self.inner.own_sessions
    }

    /// Refusals of this hour, counted for the audit log.
    #[must_use]
    pub fn refusals(&self) -> &Refusals {
        &self.inner.refusals
    }

    /// The backups.
    #[must_use]
    pub fn backups(&self) -> &Backups {
        &self.inner.backups
    }

    /// Counters and times.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }

    /// How a request came here, as far as that can be believed.
    #[must_use]
    pub fn way(&self, peer: Option<Peer>, headers: &HeaderMap) -> Way {
        Way::of(peer, headers, &self.inner.trusted_proxies)
    }

    /// Whether the node is on its way down.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.inner.stopping.load(Ordering::Relaxed)
    }

    /// Says that the node is on its way down: readiness ends at once.
    pub fn begin_stopping(&self) {
        self.inner.stopping.store(true, Ordering::Relaxed);
    }
}
