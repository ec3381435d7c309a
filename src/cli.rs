//! The command line: reads settings (file < environment < flag), sets up the log, runs a command.

mod backup;
mod bar;
mod common;
mod config;
mod doctor;
mod documents;
mod failure;
mod health;
mod lan;
mod ledger;
mod person;
mod port;
mod privacy;
mod progress;
mod restore;
mod roster;
mod rules;
mod settings;
mod store;
mod table;
mod token;

use crate::exit::{self, Exit};
use crate::run::RunError;
use crate::{bench, client, demo, import, operate, replay, run};
pub(crate) use bar::Bar;
use clap::{Parser, Subcommand};
use failure::Outcome;
use settings::{SettingArgs, Settings};
use std::future::Future;
use std::io::IsTerminal;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::panic::PanicHookInfo;
use std::path::PathBuf;
use std::process::ExitCode;
use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// Connections that the system may keep waiting: a class that comes back at once must not be turned away.
const BACKLOG: u32 = 4_096;
/// What is logged unless something else is asked for.
const LOG_DEFAULT: &str = "info";
/// Ractor opens spans around every actor at info: too much for any log. The others write what is on the wire when they are
/// asked for more: tokens and names. Stands after what is asked for, so that `trace` does not mean them.
const LOG_ALWAYS: &str = "ractor=warn,axum=info,hyper=info,hyper_util=info,mio=info,reqwest=info,rustls=info,\
     tokio_postgres=warn,tokio_tungstenite=info,tower=info,tower_http=info,tungstenite=info";
/// The exit code after a second signal, as shells have it for Ctrl-C.
const EXIT_SIGNALLED: i32 = 130;

const HELP: &str = "\
Examples:
  homeroom demo                                    a class of bots on a throw-away node
  homeroom serve                                   a node on http://127.0.0.1:8080, data in ./homeroom-data
  homeroom serve --listen 0.0.0.0:80 --data /srv/homeroom
  homeroom user import class.csv --dry-run         what a class list would come to on a running node
  homeroom import school.json --token \"$TOKEN\"     bring a roster as JSON into a running node
  homeroom doctor                                  what an operator should know about machine, disk and settings

The first start writes the admin token to the file admin-token in the data directory, for its owner's eyes only.
Every setting of `serve` can stand in a TOML file (--config), in the environment (HOMEROOM_…) or in a flag; the later wins.
`homeroom help exit-codes` lists what scripts learn from the exit code.";

const SERVE_HELP: &str = "\
Examples:
  homeroom serve
  homeroom serve --data /srv/homeroom --listen 0.0.0.0:8080 --time-zone Europe/Berlin
  HOMEROOM_ADMIN_TOKEN=\"$(cat secret)\" homeroom serve --config /etc/homeroom.toml

A settings file has the same names with underscores (`homeroom init` writes one with all of them):
  listen = \"0.0.0.0:8080\"
  time_zone = \"Europe/Berlin\"
  allowed_origins = [\"https://school.example\"]

Signals: SIGTERM or Ctrl-C stops in order within 10 seconds; a second one at once.
Exit codes: 0 stopped in order, 1 could not start or had to end, 2 wrong usage or a setting that cannot be used.";

/// A self-hosted real-time classroom engine
#[derive(Debug, Parser)]
#[command(name = "homeroom", version, after_help = HELP, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Certificate authority of the node to call, PEM, in place of the system's
    #[arg(long, global = true, value_name = "FILE", env = "HOMEROOM_CA")]
    ca: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a node
    #[command(after_help = SERVE_HELP)]
    Serve(SettingArgs),
    Init(config::InitArgs),
    /// Show and check settings
    #[command(subcommand)]
    Config(config::Command),
    Backup(backup::Args),
    Restore(restore::Args),
    Demo(demo::Args),
    Replay(replay::Args),
    Bench(bench::Args),
    Import(import::Args),
    /// Make, list and end tokens
    #[command(subcommand)]
    Token(token::Command),
    /// People
    #[command(subcommand)]
    User(roster::UserCommand),
    /// Teams and their members
    #[command(subcommand)]
    Team(roster::TeamCommand),
    /// Units: what is learned
    #[command(subcommand)]
    Unit(roster::UnitCommand),
    /// Qualifications: what units lead to
    #[command(subcommand)]
    Qualification(roster::QualificationCommand),
    Enrol(roster::EnrolArgs),
    /// Why a person has the points that they have
    #[command(subcommand)]
    Ledger(ledger::Command),
    /// What awards are worth, and what limits them
    #[command(subcommand)]
    Rules(rules::Command),
    /// Keep less: what is old becomes one fact for each learner
    #[command(subcommand)]
    Privacy(privacy::Command),
    /// Where the data lies
    #[command(subcommand)]
    Store(store::Command),
    Export(person::ExportArgs),
    Erase(person::EraseArgs),
    Audit(person::AuditArgs),
    Doctor(doctor::Args),
    Openapi(documents::OpenapiArgs),
    Completions(documents::CompletionsArgs),
    Files(operate::Args),
    Health(health::Args),
    /// List the exit codes, for scripts
    #[command(after_help = exit::TABLE)]
    ExitCodes,
}

/// The whole program.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Some(file) = cli.ca.filter(|file| !file.as_os_str().is_empty()) {
        client::trust(file);
    }
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(command(cli.command)),
        Err(error) => fail(&format!("the runtime cannot start: {error}")),
    }
}

async fn command(command: Command) -> ExitCode {
    match command {
        Command::Serve(args) => serve(&args).await,
        Command::Token(command) => tool(token::run(command)).await,
        Command::User(command) => tool(roster::user(command)).await,
        Command::Team(command) => tool(roster::team(command)).await,
        Command::Unit(command) => tool(roster::unit(command)).await,
        Command::Qualification(command) => tool(roster::qualification(command)).await,
        Command::Enrol(args) => tool(roster::enrol(args)).await,
        Command::Ledger(command) => tool(ledger::run(command)).await,
        Command::Rules(command) => tool(rules::run(command)).await,
        Command::Privacy(command) => tool(privacy::run(command)).await,
        Command::Store(command) => tool(store::run(command)).await,
        Command::Export(args) => tool(person::export(&args)).await,
        Command::Erase(args) => tool(person::erase(&args)).await,
        Command::Audit(args) => tool(person::audit(&args)).await,
        Command::Doctor(args) => doctor::run(&args).into(),
        Command::Openapi(args) => tool(std::future::ready(documents::openapi(&args))).await,
        Command::Completions(args) => {
            documents::completions(&args);
            Exit::Done.into()
        }
        Command::ExitCodes => {
            println!("{}", exit::TABLE);
            Exit::Done.into()
        }
        Command::Init(args) => config::init(&args).into(),
        Command::Config(command) => config::run(command).into(),
        Command::Backup(args) => {
            log_of_tools();
            backup::run(args).await.into()
        }
        Command::Restore(args) => {
            log_of_tools();
            restore::run(args).await.into()
        }
        Command::Files(args) => operate::run(args),
        Command::Health(args) => health::run(args).await.into(),
        Command::Demo(args) => {
            log_of_tools();
            demo::run(args).await
        }
        Command::Replay(args) => {
            log_of_tools();
            replay::run(args).await
        }
        Command::Bench(args) => {
            log_of_tools();
            bench::run(args).await
        }
        Command::Import(args) => {
            log_of_tools();
            import::run(args).await
        }
    }
}

/// Runs a command that talks to a node.
async fn tool(command: impl Future<Output = Outcome>) -> ExitCode {
    log_of_tools();
    match command.await {
        Ok(()) => Exit::Done.into(),
        Err(failure) => {
            eprintln!("homeroom: {}", failure.message);
            failure.exit.into()
        }
    }
}

/// Tools speak through what they print: their log says only what went wrong, unless the environment asks for more.
fn log_of_tools() {
    let filter = std::env::var("HOMEROOM_LOG").unwrap_or_else(|_| "warn".into());
    log(&filter, settings::LogFormat::Text);
}

async fn serve(args: &SettingArgs) -> ExitCode {
    let mut settings = match args.load() {
        Ok(loaded) => loaded.settings,
        Err(wrong) => return config::refuse(&wrong).into(),
    };
    log(&settings.log, settings.log_format);
    std::panic::set_hook(Box::new(log_panic));
    let listener = match bound(&settings).await {
        Ok(listener) => listener,
        Err(error) => return fail(&port::sentence(&settings.listen, &error)),
    };
    let shutdown = match stop_signal() {
        Ok(shutdown) => shutdown,
        Err(error) => return fail(&format!("cannot wait for signals: {error}")),
    };
    if settings.lan {
        settings.config.reached_at = tell_devices(&settings, &listener);
    }
    match run(settings.config, listener, shutdown).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error @ RunError::Rules { .. }) => {
            eprintln!("homeroom: {error}");
            Exit::Usage.into()
        }
        Err(error) => fail(&error.to_string()),
    }
}

/// The listener that the settings ask for.
async fn bound(settings: &Settings) -> std::io::Result<TcpListener> {
    if !settings.lan {
        return listen(tokio::net::lookup_host(&settings.listen).await?);
    }
    let port = port::port_of(&settings.listen).ok_or_else(|| std::io::Error::other("the port is missing"))?;
    listen(lan::everywhere(port).into_iter())
}

/// Under which addresses devices reach the node, once it is ready.
fn tell_devices(settings: &Settings, listener: &TcpListener) -> Vec<String> {
    let is_tls = settings.config.tls_cert.is_some();
    let scheme = if is_tls { "https" } else { "http" };
    let port = listener.local_addr().map_or(0, |address| address.port());
    let urls = lan::urls(scheme, port);
    for url in &urls {
        tracing::info!("devices reach this node at {url}");
    }
    if urls.is_empty() {
        tracing::warn!("this machine has no address that devices could reach: is it connected to a network?");
    }
    if !is_tls {
        tracing::warn!(
            "without TLS everybody on this network can read tokens and names on their way: set tls_cert and tls_key, or put \
             a proxy with TLS in front"
        );
    }
    urls
}

/// Binds the first address that can be.
fn listen(addresses: impl Iterator<Item = SocketAddr>) -> std::io::Result<TcpListener> {
    let mut last = std::io::Error::other("no such address");
    for address in addresses {
        let socket = if address.is_ipv4() {
            TcpSocket::new_v4()?
        } else {
            TcpSocket::new_v6()?
        };
        // Without it a restart has to wait until the system has forgotten the old connections.
        socket.set_reuseaddr(true)?;
        if address.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED) {
            // Everywhere means IPv4 too, whatever the system's habit.
            socket2::SockRef::from(&socket).set_only_v6(false)?;
        }
        match socket.bind(address).and_then(|()| socket.listen(BACKLOG)) {
            Ok(listener) => return Ok(listener),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Resolves at the first SIGTERM or Ctrl-C. The second one ends the process at once, whatever is still open.
fn stop_signal() -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            std::process::exit(EXIT_SIGNALLED);
        });
    })
}

/// Logs go to stderr; stdout belongs to what commands print.
fn log(filter: &str, format: settings::LogFormat) {
    let filter = EnvFilter::try_new(format!("{filter},{LOG_ALWAYS}")).unwrap_or_else(|error| {
        eprintln!("homeroom: the log filter is not understood ({error}); logging {LOG_DEFAULT}");
        EnvFilter::new(format!("{LOG_DEFAULT},{LOG_ALWAYS}"))
    });
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    // A recorder that is there already (a test's) stays.
    let _ = match format {
        settings::LogFormat::Text => lines.try_init(),
        settings::LogFormat::Json => lines.json().try_init(),
    };
}

/// A panic in the log: where it was, and what it said if that was written in the source. Other texts may hold what somebody
/// sent.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let said = panic.payload().downcast_ref::<&'static str>().copied();
    let thread = std::thread::current().name().unwrap_or("unnamed").to_owned();
    tracing::error!(place, said, thread, "a panic; please report it");
}

fn fail(message: &str) -> ExitCode {
    eprintln!("homeroom: {message}");
    Exit::Failed.into()
}

/// Prints an answer for programs.
fn print_json(value: &serde_json::Value) {
    println!("{value:#}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
