//! The command line: reads settings (file < environment < flag), sets up the log, runs a command.

mod settings;

use crate::{demo, import, replay, run};
use clap::{Parser, Subcommand};
use settings::ServeArgs;
use std::future::Future;
use std::io::IsTerminal;
use std::process::ExitCode;
use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// Connections that the system may keep waiting: a class that comes back at once must not be turned away.
const BACKLOG: u32 = 4_096;
/// What is logged unless something else is asked for.
const LOG_DEFAULT: &str = "info";
/// Ractor opens spans around every actor at info: too much for any log.
const LOG_ALWAYS: &str = "ractor=warn";
/// The exit code after a second signal, as shells have it for Ctrl-C.
const EXIT_SIGNALLED: i32 = 130;

const HELP: &str = "\
Examples:
  homeroom demo                                    a class of bots on a throw-away node
  homeroom serve                                   a node on http://127.0.0.1:8080, data in ./homeroom-data
  homeroom serve --listen 0.0.0.0:80 --data /srv/homeroom
  homeroom import school.json --token \"$TOKEN\"     bring a roster into a running node

The first start writes the admin token to the file admin-token in the data directory, for its owner's eyes only.
Every setting of `serve` can stand in a TOML file (--config), in the environment (HOMEROOM_…) or in a flag; the later wins.";

/// A self-hosted real-time classroom engine
#[derive(Debug, Parser)]
#[command(name = "homeroom", version, after_help = HELP, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a node
    Serve(ServeArgs),
    Demo(demo::Args),
    Replay(replay::Args),
    Import(import::Args),
}

/// The whole program.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(command(cli.command)),
        Err(error) => fail(&format!("the runtime cannot start: {error}")),
    }
}

async fn command(command: Command) -> ExitCode {
    match command {
        Command::Serve(args) => serve(args).await,
        Command::Demo(args) => {
            log_of_tools();
            demo::run(args).await
        }
        Command::Replay(args) => {
            log_of_tools();
            replay::run(args).await
        }
        Command::Import(args) => {
            log_of_tools();
            import::run(args).await
        }
    }
}

/// Tools speak through what they print: their log says only what went wrong, unless the environment asks for more.
fn log_of_tools() {
    let filter = std::env::var("HOMEROOM_LOG").unwrap_or_else(|_| "warn".into());
    log(&filter, settings::LogFormat::Text);
}

async fn serve(args: ServeArgs) -> ExitCode {
    let settings = match args.settings() {
        Ok(settings) => settings,
        Err(error) => return fail(&error),
    };
    log(&settings.log, settings.log_format);
    let listener = match listen(&settings.listen).await {
        Ok(listener) => listener,
        Err(error) => return fail(&format!("cannot listen on {}: {error}", settings.listen)),
    };
    let shutdown = match stop_signal() {
        Ok(shutdown) => shutdown,
        Err(error) => return fail(&format!("cannot wait for signals: {error}")),
    };
    match run(settings.config, listener, shutdown).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error.to_string()),
    }
}

/// Binds the first address that the text names.
async fn listen(text: &str) -> std::io::Result<TcpListener> {
    let mut last = std::io::Error::other("no such address");
    for address in tokio::net::lookup_host(text).await? {
        let socket = if address.is_ipv4() {
            TcpSocket::new_v4()?
        } else {
            TcpSocket::new_v6()?
        };
        // Without it a restart has to wait until the system has forgotten the old connections.
        socket.set_reuseaddr(true)?;
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
    let filter = EnvFilter::try_new(format!("{LOG_ALWAYS},{filter}")).unwrap_or_else(|error| {
        eprintln!("homeroom: the log filter is not understood ({error}); logging {LOG_DEFAULT}");
        EnvFilter::new(format!("{LOG_ALWAYS},{LOG_DEFAULT}"))
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

fn fail(message: &str) -> ExitCode {
    eprintln!("homeroom: {message}");
    ExitCode::FAILURE
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
