//! Files for those who operate a node: `homeroom files NAME` prints them. They are part of the program, so they fit it.

use std::io::Write;
use std::process::ExitCode;

/// Print a file that helps to operate a node: monitoring, service, reverse proxy
#[derive(Debug, Clone, Copy, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// Which
    name: File,
}

const HELP: &str = "\
Examples:
  homeroom files systemd > /etc/systemd/system/homeroom.service
  homeroom files grafana > homeroom-dashboard.json      import it in Grafana
  homeroom files alerts > /etc/prometheus/homeroom.yml  name it under rule_files
  homeroom files caddy >> /etc/caddy/Caddyfile";

/// A file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum File {
    /// A Grafana dashboard over the node's metrics
    Grafana,
    /// Prometheus alert rules
    Alerts,
    /// A systemd unit
    Systemd,
    /// Caddy as a reverse proxy with TLS
    Caddy,
}

impl File {
    /// Its text.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Grafana => include_str!("operate/grafana.json"),
            Self::Alerts => include_str!("operate/alerts.yml"),
            Self::Systemd => include_str!("operate/homeroom.service"),
            Self::Caddy => include_str!("operate/Caddyfile"),
        }
    }
}

/// Prints the file.
#[must_use]
pub fn run(args: Args) -> ExitCode {
    // A reader that has seen enough (`| head`) is no failure.
    let _ = std::io::stdout().write_all(args.name.text().as_bytes());
    ExitCode::SUCCESS
}
