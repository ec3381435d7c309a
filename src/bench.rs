//! `homeroom bench`: a load generator for nodes, for whoever builds on one, sizes one or works on this engine. Its scenarios
//! are what classes do; its figures are latencies without coordinated omission, and what the node used for them.

mod args;
mod node;
mod process;
mod producers;
mod reads;
mod report;
mod rhythm;
mod scenarios;
mod schedule;
mod school;
mod swarm;
mod tally;
mod target;
mod wire;

pub use args::Args;
pub use node::{ADMIN_TOKEN, Node};
pub use process::machine;
pub use report::Report;

use crate::cli::Bar;
use crate::client::ClientError;
use crate::exit::Exit;
use crate::open_files;
use crate::replay::{ReplayError, stop_asked};
use args::Scenario;
use scenarios::{Progress, Run};
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;
use target::Target;
use tokio::sync::oneshot;
use tokio::task::LocalSet;
use tokio_tungstenite::tungstenite;

/// Why a run could not be made, or not to its end.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The system refused something.
    #[error("{what}: {cause}")]
    Io {
        /// What was tried.
        what: String,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The address is none that this can load.
    #[error("--url: {0:?} is not a plain http address such as http://127.0.0.1:8080")]
    Url(String),
    /// Nobody is calling.
    #[error("--token: a token of an admin or service is needed (or HOMEROOM_TOKEN)")]
    NoToken,
    /// There is no such process.
    #[error("--pid: there is no process {0}")]
    NoProcess(u32),
    /// The scenario kills its node.
    #[error("--url: this scenario kills its node, so it takes only one that is started for the run")]
    OwnOnly,
    /// The data has no day on which anything happened.
    #[error("--rhythm: the data has no day with times of day")]
    NoRhythm,
    /// The node, or a part of the run, ended.
    #[error("the node or the run ended; it said last: {0}")]
    NodeEnded(String),
    /// No answer in time.
    #[error("no answer within a minute: {0}")]
    Silent(&'static str),
    /// A session was closed.
    #[error("a live session was closed by the node: {0}")]
    Closed(String),
    /// A topic was refused.
    #[error("a topic was refused: {0}")]
    Topic(String),
    /// Somebody asked to stop.
    #[error("interrupted")]
    Interrupted,
    /// The node could not be prepared.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The data for a rhythm cannot be used.
    #[error(transparent)]
    Data(#[from] ReplayError),
    /// A connection for requests failed.
    #[error("a connection failed: {0}")]
    Http(#[from] hyper::Error),
    /// A live socket failed.
    #[error("a live socket failed: {0}")]
    Socket(Box<tungstenite::Error>),
}

impl From<tungstenite::Error> for BenchError {
    fn from(error: tungstenite::Error) -> Self {
        Self::Socket(Box::new(error))
    }
}

impl BenchError {
    fn exit(&self) -> Exit {
        match self {
            Self::Client(error) => Exit::of(error),
            Self::Data(error) => error.exit(),
            Self::Url(_) | Self::NoProcess(_) | Self::OwnOnly | Self::NoRhythm => Exit::Usage,
            Self::Interrupted => Exit::Interrupted,
            Self::NoToken | Self::Topic(_) => Exit::Refused,
            _ => Exit::Failed,
        }
    }
}

/// The command: prints the report, or what went wrong, and gives the exit code.
pub async fn run(args: Args) -> ExitCode {
    // As many connections as the system allows; the node says what it cannot take.
    let _ = open_files::raise();
    let is_json = args.scenario.common().json;
    let (done, mut waiting) = oneshot::channel();
    let (stop, stopped) = oneshot::channel();
    // One thread of its own: all sessions share it without locks, and its processor time is the generator's.
    let thread = std::thread::Builder::new().name("bench".into());
    let started = thread.spawn(move || {
        // Whoever waited has been interrupted, if nobody takes it.
        let _ = done.send(measure(&args.scenario, stopped));
    });
    if let Err(error) = started {
        eprintln!("homeroom bench: {error}");
        return Exit::Failed.into();
    }
    let measured = tokio::select! {
        measured = &mut waiting => measured,
        () = stop_asked() => {
            // The run ends the node that it has started, and removes its directory. It may have ended by itself by now.
            let _ = stop.send(());
            waiting.await
        }
    };
    match measured {
        Ok(Ok(report)) => {
            println!("{}", if is_json { report.json() } else { report.text() });
            Exit::Done.into()
        }
        Ok(Err(error)) => {
            eprintln!("homeroom bench: {error}");
            error.exit().into()
        }
        Err(_) => Exit::Failed.into(),
    }
}

/// Makes one run in this thread.
fn measure(scenario: &Scenario, stopped: oneshot::Receiver<()>) -> Result<Report, BenchError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|cause| BenchError::Io {
        what: "the runtime cannot start".into(),
        cause,
    })?;
    LocalSet::new().block_on(&runtime, async {
        let common = scenario.common();
        let mut target = Target::of(common).await?;
        let (progress, bar) = (Progress::default(), Bar::new("measuring"));
        let shown = Rc::clone(&progress);
        let showing = tokio::task::spawn_local(async move {
            loop {
                bar.show(shown.get());
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        });
        let mut run = Run {
            target: &mut target,
            common,
            progress,
        };
        let report = tokio::select! {
            report = run.scenario(scenario) => report,
            _ = stopped => Err(BenchError::Interrupted),
        };
        showing.abort();
        report
    })
}
