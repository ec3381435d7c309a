//! The flags of the load generator.

use super::producers::Way;
use super::reads::What;
use super::schedule::Loop;
use serde::Serialize;
use std::path::PathBuf;
use std::time::Duration;

/// Load a node and measure it
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// What is done.
    #[command(subcommand)]
    pub scenario: Scenario,
}

const HELP: &str = "\
Without --url a node is started for the run, on a new directory that is removed at the end. A run on a node of yours brings
in people, teams and units with ids above 4,000,000,000, named \"Load …\", and leaves them there: use a node that nobody needs.
It takes an admin or service token, and plain http.

In a closed loop the next is sent as soon as one is answered. With --rate the loop is open: so many a second are due whatever
is answered, and latency counts from when each was due. The generator is one thread and says what it used itself.

Examples:
  homeroom bench earn
  homeroom bench earn --sockets 16 --in-flight 64 --seconds 30
  homeroom bench class --sessions 1000 --team-size 30 --rate 500
  homeroom bench class --rate 500 --crowd 10 --stalled
  homeroom bench read --what around --callers 64 --etag --json
  homeroom bench storm --sessions 5000
  homeroom bench earn --url http://school:8080 --token \"$TOKEN\" --rate 100

Exit codes: 0 measured, 1 the run could not be finished, 2 wrong usage, 3 node not reached, 4 refused, 130 interrupted.";

/// What is done to a node.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Scenario {
    /// Awards, over HTTP or live sockets
    Earn {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        load: Load,
    },
    /// A class at work: everybody on their own and their team's topic, and awards
    Class {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        load: Load,
        /// Live sessions
        #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..=20_000))]
        sessions: u64,
        /// Further sessions that follow a hundred people and the board of everybody each
        #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=1_000))]
        crowd: u64,
        /// Those further sessions take nothing of what they follow
        #[arg(long, requires = "crowd")]
        stalled: bool,
    },
    /// One board that many watch, and awards
    Board {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        load: Load,
        /// Live sessions
        #[arg(long, value_name = "N", default_value_t = 3_000, value_parser = clap::value_parser!(u64).range(1..=20_000))]
        watchers: u64,
        /// Boards that each of them watches: of everybody of all time, the day, the week, the season, and of teams
        #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=5))]
        boards: u64,
    },
    /// Sessions that do nothing: memory for each
    Idle {
        #[command(flatten)]
        common: Common,
        /// Live sessions
        #[arg(long, value_name = "N", default_value_t = 8_000, value_parser = clap::value_parser!(u64).range(1..=20_000))]
        sessions: u64,
        /// Each follows its own person's topic
        #[arg(long)]
        own_topic: bool,
    },
    /// A node is killed and started again: how long until all sessions are back, each by its position
    Storm {
        #[command(flatten)]
        common: Common,
        /// Live sessions
        #[arg(long, value_name = "N", default_value_t = 5_000, value_parser = clap::value_parser!(u64).range(1..=20_000))]
        sessions: u64,
    },
    /// Hot reads over HTTP
    Read {
        #[command(flatten)]
        common: Common,
        /// What is read
        #[arg(long, value_enum, default_value = "rank")]
        what: What,
        /// Send the ETag of what was read before
        #[arg(long)]
        etag: bool,
        /// Connections
        #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=10_000))]
        callers: u64,
        /// Reads a second, steadily, whatever is answered
        #[arg(long, value_name = "N", value_parser = rate)]
        rate: Option<f64>,
    },
    /// A school day: the busiest day of real course data, as many awards at each hour, compressed into the run
    Mixed {
        #[command(flatten)]
        common: Common,
        /// Live sessions
        #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..=20_000))]
        sessions: u64,
        /// Directory with the data, as for `replay`; without it the small sample that is shipped
        #[arg(long, value_name = "DIR")]
        rhythm: Option<PathBuf>,
        /// Awards a second when the day is busiest; three times as many reads
        #[arg(long, value_name = "N", default_value_t = 500.0, value_parser = rate)]
        peak: f64,
    },
}

impl Scenario {
    /// The flags that every scenario has.
    #[must_use]
    pub fn common(&self) -> &Common {
        match self {
            Self::Earn { common, .. }
            | Self::Class { common, .. }
            | Self::Board { common, .. }
            | Self::Idle { common, .. }
            | Self::Storm { common, .. }
            | Self::Read { common, .. }
            | Self::Mixed { common, .. } => common,
        }
    }
}

/// What every scenario can be told.
#[derive(Debug, Clone, clap::Args)]
pub struct Common {
    /// Node to load, http only; without it one is started for this run
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// Token of an admin or service, for --url
    #[arg(long, value_name = "TOKEN", env = "HOMEROOM_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// A process of that node on this machine, with all that it has started: what it uses is measured
    #[arg(long = "pid", value_name = "PID", requires = "url")]
    pub pids: Vec<u32>,
    /// Where the node that is started keeps its data [default: the system's directory for temporary files]
    #[arg(long, value_name = "DIR", conflicts_with = "url")]
    pub data: Option<PathBuf>,
    /// Start the node on this database server, with what is in it: an empty database for a run like the others
    #[arg(long, value_name = "URL", conflicts_with = "url", hide_env_values = true)]
    pub database_url: Option<String>,
    /// Start the node on this data directory, as it is; what the run adds stays there
    #[arg(long, value_name = "DIR", conflicts_with_all = ["url", "data"])]
    pub on: Option<PathBuf>,
    /// How long is measured
    #[arg(long, value_name = "N", default_value_t = 10.0, value_parser = seconds)]
    pub seconds: f64,
    /// How long the load runs before it is measured
    #[arg(long, value_name = "N", default_value_t = 2.0, value_parser = seconds)]
    pub warm_up: f64,
    /// Students who get the awards
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub students: u64,
    /// Students of a team
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=5_000))]
    pub team_size: u64,
    /// Print the report as JSON
    #[arg(long)]
    pub json: bool,
}

impl Common {
    pub(super) fn warm_up(&self) -> Duration {
        Duration::from_secs_f64(self.warm_up)
    }

    pub(super) fn lasting(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }
}

/// How awards come.
#[derive(Debug, Clone, clap::Args, Serialize)]
pub struct Load {
    /// Connections over HTTP, with one award under way on each [default of earn: 256]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub callers: Option<u64>,
    /// Give each award over HTTP an idempotency key
    #[arg(long, conflicts_with = "sockets")]
    pub keyed: bool,
    /// Live sockets instead of HTTP [default of class and board: 16]
    #[arg(long, value_name = "N", conflicts_with = "callers", value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub sockets: Option<u64>,
    /// Awards under way on each socket, in a closed loop
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=256))]
    pub in_flight: u64,
    /// Awards a second, steadily, whatever is answered
    #[arg(long, value_name = "N", value_parser = rate)]
    pub rate: Option<f64>,
}

impl Load {
    /// What was asked for, or else `usual`.
    pub(super) fn way(&self, usual: Way) -> Way {
        match (self.sockets, self.callers, usual) {
            (Some(sessions), ..) => Way::Socket {
                sessions,
                in_flight: self.in_flight,
            },
            (None, Some(callers), _) | (None, None, Way::Http { callers, .. }) => Way::Http {
                callers,
                keyed: self.keyed,
            },
            (None, None, Way::Socket { sessions, .. }) => Way::Socket {
                sessions,
                in_flight: self.in_flight,
            },
        }
    }

    pub(super) fn when(&self) -> Loop {
        steadily(self.rate)
    }
}

/// At a rate, if there is one.
pub(super) fn steadily(rate: Option<f64>) -> Loop {
    rate.map_or(Loop::Closed, |rate| Loop::Open(vec![rate]))
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.1..=86_400.0).contains(&seconds) => Ok(seconds),
        _ => Err("seconds, from 0.1 to 86400".into()),
    }
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if (0.01..=1_000_000.0).contains(&rate) => Ok(rate),
        _ => Err("so many a second, from 0.01 to 1000000".into()),
    }
}
