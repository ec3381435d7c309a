//! Starts a node on a listener and stops it in order: the one entry that `main` and every integration test use.

use crate::app::App;
use crate::auth::Tokens;
use crate::auth::admin::{self, AdminToken};
use crate::backups;
use crate::classroom::{self, Class};
use crate::config::{Config, ConfigError};
use crate::erasure;
use crate::http;
use crate::invitation;
use crate::metrics::Metrics;
use crate::monitor;
use crate::open::open;
use crate::open_files;
use crate::rates;
use crate::rules;
use crate::secret::NodeSecret;
use crate::serve::{Front, serve};
use crate::tls::Tls;
use crate::wire;
use homeroom_actors::domain::Rules;
use homeroom_actors::sessions::EndReason;
use homeroom_actors::{Clock, Engine, EngineSettings, RuleDocuments};
use homeroom_schema::records::{Append, Row};
use homeroom_schema::{Store, StoreError, TimeMs, limits};
use sd_notify::NotifyState;
use std::future::Future;
use std::io;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Why a node could not start or had to end.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A setting cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The store could not be opened or has failed for good.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The operating system refused something.
    #[error("{what}: {cause}")]
    Io {
        /// What was tried.
        what: String,
        /// What the system said.
        cause: io::Error,
    },
    /// The file of rules cannot be used.
    #[error("the rules in {file} cannot be used:{faults}")]
    Rules {
        /// The file.
        file: String,
        /// Everything wrong with it, each on a line of its own.
        faults: String,
    },
    /// The engine cannot go on. Everything acknowledged is safe.
    #[error("the engine cannot go on: {0}")]
    Engine(String),
}

/// Runs a node until `shutdown` resolves, then stops it in order: no new connections, sessions told (close 1012 with a
/// retry hint), what is under way committed, snapshots kept, store closed.
///
/// # Errors
/// [`RunError`] when the node cannot start, or its engine or store fails for good.
pub async fn run(
    config: Config,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), RunError> {
    let address = listener.local_addr().map_err(|cause| io_error("the listener", cause))?;
    let listener = Arc::new(listener);
    let tls = Tls::open(&config)?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let connections_max = config.connections_max.min(open_files::raise());
    let mut shutdown = pin!(shutdown);
    let waiting = Waiting {
        listener: Arc::clone(&listener),
        tls: tls.clone(),
        connections_max,
    };
    let started = tokio::select! {
        started = start(config, waiting) => started,
        () = &mut shutdown => {
            tracing::info!("homeroom has stopped before it was ready");
            return Ok(());
        }
    };
    let (app, clock) = started?;
    let stop = CancellationToken::new();
    // Should this future be dropped, the server ends all the same.
    let _stop = stop.clone().drop_guard();
    let front = Front {
        router: http::router(app.clone()),
        tls: tls.clone(),
    };
    let mut serving = tokio::spawn(serve(listener, front, connections_max, stop.clone()));
    tokio::spawn(
        stop.clone()
            .run_until_cancelled_owned(backups::keep_making(app.clone())),
    );
    tracing::info!("homeroom is ready on {scheme}://{address}");
    monitor::tell_systemd(NotifyState::Ready);
    invitation::tell(&app);
    let certificate = async {
        match tls {
            Some(tls) => tls.keep_fresh(clock).await,
            None => std::future::pending().await,
        }
    };
    let ended = tokio::select! {
        // A panic in any of these ends the process: better started anew than without one of them.
        never = rates::keep_swept(app.clone()) => match never {},
        never = monitor::watch(app.clone()) => match never {},
        never = app.metrics().clone().keep_up() => match never {},
        never = certificate => match never {},
        () = &mut shutdown => Ok(()),
        cause = app.engine().fatal() => Err(RunError::Engine(cause)),
        _ = &mut serving => Err(RunError::Engine("the server has ended".into())),
    };
    if let Err(error) = &ended {
        tracing::error!(%error, "the node has to end");
    }
    tracing::info!("homeroom is stopping");
    monitor::tell_systemd(NotifyState::Stopping);
    app.begin_stopping();
    stop.cancel();
    let in_order = async {
        // Sessions are told at once; requests under way get their answers before the engine goes.
        app.engine().sessions().end_all(EndReason::Stopping);
        if !serving.is_finished() {
            let _ = serving.await;
        }
        app.engine().stop().await;
    };
    match tokio::time::timeout(limits::STOP_DEADLINE, in_order).await {
        Ok(()) => tracing::info!("homeroom has stopped"),
        // Everything acknowledged is durable; what is lost is the tidying up.
        Err(_) => tracing::warn!("homeroom has stopped before everything was put away"),
    }
    ended
}

/// What answers while a database server is waited for.
struct Waiting {
    listener: Arc<TcpListener>,
    tls: Option<Tls>,
    connections_max: usize,
}

impl Waiting {
    /// Answers that the node lives and is not ready, until `work` is done.
    async fn during<T>(self, work: impl Future<Output = T>) -> T {
        let stop = CancellationToken::new();
        let front = Front {
            router: http::waiting_router(),
            tls: self.tls,
        };
        let mut serving = pin!(serve(self.listener, front, self.connections_max, stop.clone()));
        let done = tokio::select! {
            done = work => done,
            () = &mut serving => unreachable!("it serves until it is told to stop"),
        };
        stop.cancel();
        serving.await;
        done
    }
}

async fn start(config: Config, waiting: Waiting) -> Result<(App, Arc<dyn Clock>), RunError> {
    // First of all: what is looked up before there is a recorder counts into nothing.
    let _recorder = Metrics::new();
    let clock: Arc<dyn Clock> = Arc::new(config.check()?);
    let file = config.rules.as_deref().map(rules_file).transpose()?;
    let store = match config.database_url {
        Some(_) => waiting.during(open(&config)).await?,
        None => open(&config).await?,
    };
    let app = around(config, file, store, Arc::clone(&clock)).await?;
    Ok((app, clock))
}

/// A node around a store and a clock of the caller's, without a listener and without what [`run`] does beside serving. For
/// simulations: they serve [`http::router`] by [`crate::serve_connection`] over connections of their own.
///
/// # Errors
/// As [`run`], at the start.
pub async fn assemble(config: Config, store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Result<App, RunError> {
    let file = config.rules.as_deref().map(rules_file).transpose()?;
    around(config, file, store, clock).await
}

async fn around(
    config: Config,
    file: Option<String>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
) -> Result<App, RunError> {
    let secret = secret(&*store).await?;
    let now = clock.now();
    let tokens = Tokens::new(store.load_tokens(now).await?);
    let fixed_before = store.setting(admin::FIXED_TOKEN_SETTING).await?;
    let was_restored = store.setting(admin::OWN_TOKEN_SETTING).await?.as_deref() == Some(admin::REPLACE);
    let class = Class::read(store.setting(classroom::SETTING).await?.as_deref());
    let settings = EngineSettings {
        board_window: config.board_window,
        projector_places: config.projector_places,
        leaderboards: classroom::leaderboards(config.leaderboards, &class),
        learner_idle: limits::LEARNER_IDLE,
        sessions_max: config.sessions_max,
        rules: shipped()?,
        documents: RuleDocuments {
            read: read_rules,
            first: rules::shipped_document().to_owned(),
            file,
        },
        secret: secret.bytes(),
    };
    let engine = Engine::start(store, Arc::clone(&clock), settings).await?;
    let again = erasure::settle(&engine, &config.data).await;
    let again = again.map_err(|cause| io_error("the list of erased people", cause))?;
    if again > 0 {
        tracing::warn!(
            again,
            "people who had been erased were in this database; they are erased again"
        );
    }
    let admin = match &config.admin_token {
        Some(secret) => admin::fixed(&tokens, secret, fixed_before.and_then(|id| id.parse().ok()), now),
        None => own_token(&tokens, &config, was_restored, now)
            .map_err(|cause| io_error("the file of the admin token", cause))?,
    };
    keep_admin_token(&engine, &tokens, admin).await?;
    let app = App::new(engine, config, clock, secret, (tokens, class));
    look_at_the_clock(&app).await;
    Ok(app)
}

/// The rules in the file that the node is started with.
fn rules_file(path: &Path) -> Result<String, RunError> {
    let wrong = |faults: String| RunError::Rules {
        file: path.display().to_string(),
        faults,
    };
    let document = std::fs::read_to_string(path).map_err(|cause| wrong(format!(" {cause}")))?;
    read_rules(&document).map_err(wrong)?;
    Ok(document)
}

/// The rules that a document says, or everything wrong with it, each on a line of its own.
fn read_rules(document: &str) -> Result<Rules, String> {
    rules::parse(document).map_err(|faults| faults.iter().map(|fault| format!("\n  {fault}")).collect())
}

/// The rules that are in force while there were never any others.
fn shipped() -> Result<Rules, RunError> {
    let mut rules = read_rules(rules::shipped_document()).map_err(|faults| RunError::Rules {
        file: "the program".into(),
        faults,
    })?;
    rules.version = 1;
    Ok(rules)
}

/// A clock before the newest event is told, and nothing more: order comes from versions.
async fn look_at_the_clock(app: &App) {
    let now = app.clock().now();
    if let Ok(Some(newest)) = app.engine().last_recorded_at().await
        && now < newest
    {
        let (now, newest) = (wire::time(now), wire::time(newest));
        tracing::warn!(
            "the clock of this machine says {now}, but the newest event was recorded at {newest}: set the clock. Until then \
             new events are dated before older ones; their order is kept all the same"
        );
    }
}

fn own_token(tokens: &Tokens, config: &Config, was_restored: bool, now: TimeMs) -> io::Result<AdminToken> {
    if was_restored {
        admin::after_restore(tokens, &config.data, now)
    } else {
        admin::in_file(tokens, &config.data, now)
    }
}

/// The node's secret, made at the first start. Nothing else writes yet: the engine starts after this.
async fn secret(store: &dyn Store) -> Result<NodeSecret, RunError> {
    if let Some(kept) = store.setting(NodeSecret::SETTING).await? {
        return NodeSecret::from_hex(&kept).ok_or_else(|| {
            let cause = format!("the setting {} is no secret", NodeSecret::SETTING);
            RunError::Store(StoreError::Damaged { cause })
        });
    }
    let secret = NodeSecret::random().map_err(|cause| io_error("the system's randomness", io::Error::other(cause)))?;
    let row = Row::Setting {
        name: NodeSecret::SETTING.into(),
        value: secret.to_hex(),
    };
    let append = Append {
        rows: vec![row],
        ..Append::default()
    };
    store.commit(vec![append]).await?;
    Ok(secret)
}

async fn keep_admin_token(engine: &Engine, tokens: &Tokens, admin: AdminToken) -> Result<(), RunError> {
    if !admin.rows.is_empty() {
        let kept = engine.keep_rows(admin.rows, None).await;
        kept.map_err(|error| RunError::Engine(format!("the admin token cannot be kept: {error}")))?;
    }
    for ended in admin.ended {
        tokens.remove(ended);
    }
    if let Some(added) = admin.added {
        tokens.insert(added);
    }
    if let Some(file) = admin.file {
        tracing::info!("the admin token is in the file {}", file.display());
    }
    Ok(())
}

fn io_error(what: &str, cause: io::Error) -> RunError {
    let what = what.to_owned();
    RunError::Io { what, cause }
}
