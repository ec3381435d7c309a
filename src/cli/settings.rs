//! The settings of `serve`: flags and environment by clap, the file by serde, and the order in which they count.

use crate::config::{Config, Durability};
use serde::Deserialize;
use std::path::{Path, PathBuf};

const HELP: &str = "\
Examples:
  homeroom serve
  homeroom serve --data /srv/homeroom --listen 0.0.0.0:8080 --time-zone Europe/Berlin
  HOMEROOM_ADMIN_TOKEN=\"$(cat secret)\" homeroom serve --config /etc/homeroom.toml

A settings file has the same names with underscores:
  listen = \"0.0.0.0:8080\"
  time_zone = \"Europe/Berlin\"
  allowed_origins = [\"https://school.example\"]

Signals: SIGTERM or Ctrl-C stops in order within 10 seconds; a second one at once.
Exit codes: 0 stopped in order, 1 could not start or had to end, 2 wrong usage.";

/// Settings as given by flags and environment.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = HELP)]
pub(super) struct ServeArgs {
    /// TOML file with settings
    #[arg(long, value_name = "FILE", env = "HOMEROOM_CONFIG")]
    config: Option<PathBuf>,
    /// Directory of the data [default: ./homeroom-data]
    #[arg(long, value_name = "DIR", env = "HOMEROOM_DATA")]
    data: Option<PathBuf>,
    /// Address to listen on; port 0 takes any free one [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS", env = "HOMEROOM_LISTEN")]
    listen: Option<String>,
    /// postgres:// address of a database; without it SQLite in the data directory
    #[arg(long, value_name = "URL", env = "HOMEROOM_DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
    /// The admin token; without it the first start makes one (better in the environment than in a flag)
    #[arg(long, value_name = "TOKEN", env = "HOMEROOM_ADMIN_TOKEN", hide_env_values = true)]
    admin_token: Option<String>,
    /// Time zone in which days and weeks begin [default: UTC]
    #[arg(long, value_name = "ZONE", env = "HOMEROOM_TIME_ZONE")]
    time_zone: Option<String>,
    /// Origins besides the node's own whose pages may open sockets
    #[arg(long, value_name = "ORIGIN", env = "HOMEROOM_ALLOWED_ORIGINS", value_delimiter = ',')]
    allowed_origins: Option<Vec<String>>,
    /// Places of a board that its live topic shows [default: 200]
    #[arg(long, value_name = "N", env = "HOMEROOM_BOARD_WINDOW")]
    board_window: Option<usize>,
    /// Places of a board that a projector sees [default: 50]
    #[arg(long, value_name = "N", env = "HOMEROOM_PROJECTOR_PLACES")]
    projector_places: Option<usize>,
    /// What an acknowledged write survives: loss of power (full), or the end of the process only [default: full]
    #[arg(long, env = "HOMEROOM_DURABILITY")]
    durability: Option<Durability>,
    /// What to log, as in info or homeroom=debug [default: info]
    #[arg(long, value_name = "FILTER", env = "HOMEROOM_LOG")]
    log: Option<String>,
    /// How to log [default: text]
    #[arg(long, env = "HOMEROOM_LOG_FORMAT")]
    log_format: Option<LogFormat>,
}

/// How lines of the log look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(super) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Settings as given by a file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileSettings {
    data: Option<PathBuf>,
    listen: Option<String>,
    database_url: Option<String>,
    admin_token: Option<String>,
    time_zone: Option<String>,
    allowed_origins: Option<Vec<String>>,
    board_window: Option<usize>,
    projector_places: Option<usize>,
    durability: Option<Durability>,
    log: Option<String>,
    log_format: Option<LogFormat>,
}

/// Everything that `serve` needs.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) config: Config,
    pub(super) listen: String,
    pub(super) log: String,
    pub(super) log_format: LogFormat,
}

impl ServeArgs {
    /// The settings in force. An empty environment variable counts as absent.
    pub(super) fn settings(self) -> Result<Settings, String> {
        let file = match &self.config {
            Some(path) => read(path)?,
            None => FileSettings::default(),
        };
        Ok(self.over(file))
    }

    fn over(self, file: FileSettings) -> Settings {
        let text = |flag: Option<String>, file: Option<String>| flag.filter(|text| !text.is_empty()).or(file);
        let data = self.data.or(file.data).unwrap_or_else(|| "homeroom-data".into());
        let mut config = Config::new(data);
        config.database_url = text(self.database_url, file.database_url);
        config.admin_token = text(self.admin_token, file.admin_token);
        config.durability = self.durability.or(file.durability).unwrap_or_default();
        if let Some(time_zone) = text(self.time_zone, file.time_zone) {
            config.time_zone = time_zone;
        }
        if let Some(origins) = self.allowed_origins.or(file.allowed_origins) {
            config.allowed_origins = origins.into_iter().filter(|origin| !origin.is_empty()).collect();
        }
        if let Some(places) = self.board_window.or(file.board_window) {
            config.board_window = places;
        }
        if let Some(places) = self.projector_places.or(file.projector_places) {
            config.projector_places = places;
        }
        Settings {
            config,
            listen: text(self.listen, file.listen).unwrap_or_else(|| "127.0.0.1:8080".into()),
            log: text(self.log, file.log).unwrap_or_else(|| super::LOG_DEFAULT.into()),
            log_format: self.log_format.or(file.log_format).unwrap_or_default(),
        }
    }
}

fn read(path: &Path) -> Result<FileSettings, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    toml::from_str(&text).map_err(|error| format!("{} is not understood: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: ServeArgs,
    }

    fn settings(flags: &[&str], file: &str) -> Settings {
        let line = Line::try_parse_from(["serve"].iter().chain(flags)).unwrap();
        line.args.over(toml::from_str(file).unwrap())
    }

    #[test]
    fn a_flag_counts_more_than_the_file_and_the_file_more_than_the_default() {
        let file = "listen = '0.0.0.0:1'\ntime_zone = 'Europe/Berlin'\nboard_window = 10\ndurability = 'process'";
        let all = settings(&["--listen", "127.0.0.1:0", "--board-window", "20"], file);
        assert_eq!(all.listen, "127.0.0.1:0");
        assert_eq!(all.config.time_zone, "Europe/Berlin");
        assert_eq!(all.config.board_window, 20);
        assert_eq!(all.config.durability, Durability::Process);
        assert_eq!(all.config.data, PathBuf::from("homeroom-data"));
        assert_eq!(all.config.admin_token, None);
    }

    #[test]
    fn lists_come_separated_and_empty_texts_are_absent() {
        let all = settings(
            &[
                "--allowed-origins",
                "https://a.example,https://b.example",
                "--admin-token",
                "",
            ],
            "",
        );
        assert_eq!(all.config.allowed_origins, ["https://a.example", "https://b.example"]);
        assert_eq!(all.config.admin_token, None);
    }

    #[test]
    fn an_unknown_setting_in_a_file_is_refused() {
        let error = toml::from_str::<FileSettings>("prot = 1").unwrap_err();
        assert!(error.to_string().contains("prot"), "{error}");
    }
}
