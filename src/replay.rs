//! `homeroom replay`: plays real course data into a running node, as its learners would have. Reads two known shapes of
//! data, brings the roster in, sends every command in order, and reports what became of them.

mod batch_lane;
pub mod detect;
mod display;
mod lanes;
mod moodle;
mod oulad;
pub mod plan;
mod report;
mod roster;
pub mod sample;
mod socket_lane;
pub mod source;
mod tally;

pub use report::Report;

use crate::client::{Client, ClientError, NodeArgs};
use crate::exit::Exit;
use detect::DataSet;
use homeroom_schema::limits;
use plan::{Plan, Shape, Skips};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use tokio::sync::watch;
use tokio::time::Instant;

const TITLE_CHARS_MAX: usize = limits::NAME_CHARS_MAX;
const TEAM_NAME_CHARS_MAX: usize = limits::TEAM_NAME_CHARS_MAX;

/// Play real course data into a running node
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// Directory with the CSV files of one data set
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
    /// Which node, and who is calling.
    #[command(flatten)]
    pub node: NodeArgs,
    /// As fast as the node takes it
    #[arg(long, conflicts_with = "speed")]
    pub fast: bool,
    /// So many times as fast as it happened
    #[arg(long, value_name = "N", default_value_t = 60.0, value_parser = speed)]
    pub speed: f64,
    /// Print the report as JSON
    #[arg(long)]
    pub json: bool,
    /// Only read the data and say what would be sent
    #[arg(long)]
    pub dry_run: bool,
}

const HELP: &str = "\
Two shapes of data are known, told by the columns of the files, whatever their names:
  moodle  logs of course runs: time,run,actor_id,affected_id,module_id,group_id,grade_item_id,component,event,context
  oulad   courses, assessments, registrations and submissions of course runs, a file each

Each data set brings its own ids, so give each its own node.

Rows that make no sense are skipped and reported with file, line and reason; nothing is invented. Every command has an
idempotency key made from the data, so an interrupted replay is started again with the same command and counts nothing
twice. The token says when things happened, so it must be a service's or an admin's.

Examples:
  homeroom replay data/moodle --token \"$TOKEN\" --fast
  homeroom replay data/oulad --url http://school:8080 --speed 100000 --json > report.json
  homeroom replay data/oulad --dry-run

Exit codes: 0 all sent, 1 something failed for good, 3 node not reached, 4 refused, 5 data that cannot be used,
130 interrupted; `homeroom exit-codes` lists all.";

fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(times) if times.is_finite() && times > 0.0 => Ok(times),
        _ => Err("a number above 0, such as 60 or 0.5".into()),
    }
}

/// Why a replay could not be played, or not to its end.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// A file or the directory cannot be read.
    #[error("cannot read {file}: {cause}")]
    Unreadable {
        /// Which.
        file: String,
        /// What the system said.
        cause: std::io::Error,
    },
    /// No CSV files at all.
    #[error("{} holds no CSV files{}", directory.display(), hint(folders))]
    NoFiles {
        /// Where.
        directory: PathBuf,
        /// What is there instead.
        folders: Vec<String>,
    },
    /// Files of no known shape.
    #[error("this is neither a moodle nor an oulad data set: {0}")]
    UnknownShape(String),
    /// Files of both shapes.
    #[error("this directory holds files of both known shapes; keep each data set in its own")]
    BothShapes,
    /// The token has the wrong role.
    #[error("replay says when things happened, which takes a service or admin token; this one is a {0}'s")]
    WrongRole(String),
    /// The node refused the roster, or could not be reached.
    #[error("the roster was not taken: {cause}{}", errors_of(cause))]
    Roster {
        /// Why.
        cause: ClientError,
    },
    /// The node could not be reached, or refused everything.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A lane ended without saying why.
    #[error("a lane ended by itself: {0}")]
    LaneFailed(String),
}

impl ReplayError {
    /// What it means for scripts.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Unreadable { .. } | Self::NoFiles { .. } | Self::UnknownShape(_) | Self::BothShapes => Exit::BadInput,
            Self::WrongRole(_) => Exit::Refused,
            Self::Roster { cause } | Self::Client(cause) => Exit::of(cause),
            Self::LaneFailed(_) => Exit::Failed,
        }
    }
}

fn hint(folders: &[String]) -> String {
    if folders.is_empty() {
        return String::new();
    }
    format!("; did you mean one of its folders: {}?", folders.join(", "))
}

/// The errors of a problem, a line each.
pub(crate) fn errors_of(error: &ClientError) -> String {
    let errors = error
        .problem()
        .map(|problem| problem.errors.as_slice())
        .unwrap_or_default();
    let line = |error: &crate::client::FieldProblem| format!("\n  {}: {}", error.field, error.message);
    errors.iter().map(line).collect()
}

/// How fast commands are sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// As fast as the node takes them.
    Fast,
    /// So many times as fast as they happened.
    Times(f64),
}

/// Reads a directory into a plan.
///
/// # Errors
/// When the files cannot be read or are of no known shape.
pub fn load(directory: &std::path::Path) -> Result<Plan, ReplayError> {
    make_plan(detect::look(directory)?)
}

/// Makes a plan of a data set by the rules of its shape.
///
/// # Errors
/// When a file cannot be read.
pub fn make_plan(set: DataSet) -> Result<Plan, ReplayError> {
    let mut skipped = Skips::default();
    let sources: Vec<_> = set.files.iter().map(|(_, source)| source.clone()).collect();
    let (roster, commands, without_effect) = match set.shape {
        Shape::Moodle => moodle::read(&sources, &mut skipped)?,
        Shape::Oulad => oulad::read(&set.files, &mut skipped)?,
    };
    Ok(Plan {
        shape: set.shape,
        digest: source::digest(&sources)?,
        files: sources.into_iter().map(|source| source.name).collect(),
        ignored_files: set.ignored,
        roster,
        commands,
        skipped,
        without_effect,
    })
}

/// Brings the roster of a plan into a node. Safe to repeat.
///
/// # Errors
/// When the node cannot be reached or refuses.
pub async fn bring_roster(plan: &Plan, client: &Client) -> Result<(), ReplayError> {
    for call in roster::calls(plan) {
        let sent = client.import(call.body, Some(&call.key)).await;
        sent.map_err(|cause| ReplayError::Roster { cause })?;
    }
    Ok(())
}

/// Plays a plan into a node: roster first, then every command. `settled` counts along; `stop` ends it early, with what is
/// under way answered. The second part of the answer is why it did not come to its end, if so; the report is right in any case.
///
/// # Errors
/// When nothing could be sent: the token has no right to it, the node is not there, or it refuses the roster.
pub async fn play(
    plan: &Arc<Plan>,
    client: &Client,
    pace: Pace,
    settled: &Arc<AtomicU64>,
    stop: &watch::Receiver<bool>,
) -> Result<(Report, Option<ReplayError>), ReplayError> {
    let me = client.me().await?;
    if !matches!(me.role.as_str(), "service" | "admin") {
        return Err(ReplayError::WrongRole(me.role));
    }
    bring_roster(plan, client).await?;
    let started = Instant::now();
    let end = lanes::run(plan, client, pace, settled, stop).await;
    Ok((Report::new(plan, &end.tally, started.elapsed()), end.error))
}

/// The command: prints the report, or what went wrong, and gives the exit code.
pub async fn run(args: Args) -> ExitCode {
    match replay(&args).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("homeroom replay: {error}");
            error.exit().into()
        }
    }
}

async fn replay(args: &Args) -> Result<ExitCode, ReplayError> {
    let plan = Arc::new(load(&args.directory)?);
    eprintln!("{}", report::plan_text(&plan));
    if args.dry_run {
        println!("{}", report::dry_run(&plan, args.json));
        return Ok(ExitCode::SUCCESS);
    }
    let client = args.node.client()?;
    let pace = if args.fast { Pace::Fast } else { Pace::Times(args.speed) };
    if let Some(text) = report::duration_text(&plan, pace) {
        eprintln!("{text}");
    }
    let settled = Arc::new(AtomicU64::new(0));
    let (stop, stopped) = watch::channel(false);
    let display = display::show(plan.commands.len() as u64, Arc::clone(&settled));
    let interrupt = tokio::spawn(async move {
        stop_asked().await;
        eprintln!("\nstopping: waiting for what is under way");
        stop.send_replace(true);
        stop_asked().await;
        // Whoever asks twice does not want to wait; the keys make that safe.
        std::process::exit(Exit::Interrupted.code().into());
    });
    let played = play(&plan, &client, pace, &settled, &stopped).await;
    interrupt.abort();
    display.finish().await;
    let (report, error) = played?;
    println!("{}", if args.json { report.json() } else { report.text() });
    Ok(exit_code(&report, error.as_ref(), *stopped.borrow()))
}

fn exit_code(report: &Report, error: Option<&ReplayError>, is_stopped: bool) -> ExitCode {
    if let Some(error) = error {
        eprintln!("homeroom replay: {error}");
    }
    if report.commands_left > 0 {
        let left = report.commands_left;
        eprintln!("{left} commands were not sent. Start the same command again to go on: nothing is counted twice.");
    }
    if is_stopped && report.commands_left > 0 {
        Exit::Interrupted.into()
    } else if let Some(error) = error {
        error.exit().into()
    } else if report.commands_failed > 0 || report.commands_left > 0 {
        Exit::Failed.into()
    } else {
        Exit::Done.into()
    }
}

/// Resolves when the process is asked to stop: Ctrl-C, or SIGTERM where there is one.
pub(crate) async fn stop_asked() {
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            // Nobody can ask, then.
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let Ok(mut terminate) = signal(SignalKind::terminate()) else {
            return interrupt.await;
        };
        tokio::select! {
            () = interrupt => {}
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    interrupt.await;
}

/// A text as a name: control characters and line breaks become spaces, at most so many characters.
fn cut(text: &str, chars_max: usize) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    plain
        .trim()
        .chars()
        .take(chars_max)
        .collect::<String>()
        .trim_end()
        .to_owned()
}
