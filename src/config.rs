//! Settings of a node: file < environment < flags (merged in `cli`). Validated here; read everywhere.

use crate::clock::SystemClock;
use crate::peer::networks;
use crate::rates::RateSettings;
use homeroom_schema::limits;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// All settings of a node.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the node keeps its files: the database, unless that is on a server, its admin token and its backups.
    pub data: PathBuf,
    /// The database; none means SQLite in `data`.
    pub database_url: Option<String>,
    /// The admin token; none means that the first start makes one and writes it to a file.
    pub admin_token: Option<String>,
    /// The node's time zone (IANA name).
    pub time_zone: String,
    /// A TOML file with the rules; none leaves those in force that were last.
    pub rules: Option<PathBuf>,
    /// Origins besides the node's own that browsers may open sockets from.
    pub allowed_origins: Vec<String>,
    /// Places of a board that its topic shows.
    pub board_window: usize,
    /// Who is on boards, or whether there are any.
    pub leaderboards: Leaderboards,
    /// Places of a board that a projector sees.
    pub projector_places: usize,
    /// Hours between two backups that the node makes by itself; 0: none.
    pub backup_every_h: usize,
    /// Backups that are kept.
    pub backups_kept: usize,
    /// Whether a commit survives power loss (`full`) or the end of the process only (`process`). A database server has
    /// settings of its own for that.
    pub durability: Durability,
    /// Names besides local ones that the node is reached by; `*.example` means everything below, `*` any name.
    pub allowed_hosts: Vec<String>,
    /// The certificate of the node, PEM, its own first; none means plain HTTP.
    pub tls_cert: Option<PathBuf>,
    /// The key of the certificate, PEM.
    pub tls_key: Option<PathBuf>,
    /// Addresses and networks of proxies that are believed about whoever is behind them.
    pub trusted_proxies: Vec<String>,
    /// Connections open at once, live sockets among them.
    pub connections_max: usize,
    /// Live sessions at once.
    pub sessions_max: usize,
    /// Live sessions at once from one address; behind a trusted proxy, from the address that it names.
    pub sessions_per_address: usize,
    /// How much one caller may ask for.
    pub rates: RateSettings,
    /// Addresses under which devices reach the node, if it is there for them: they are told once it is ready.
    pub reached_at: Vec<String>,
}

/// What a commit survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// Power loss.
    #[default]
    Full,
    /// The end of the process, but not of the machine.
    Process,
}

/// Who is on boards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum Leaderboards {
    /// Everybody but those who do not want to be.
    #[default]
    OptOut,
    /// Those who want to be.
    OptIn,
    /// There are no boards.
    Off,
}

impl Leaderboards {
    /// Reads the name that settings and the wire have.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "opt_out" => Some(Self::OptOut),
            "opt_in" => Some(Self::OptIn),
            "off" => Some(Self::Off),
            _ => None,
        }
    }
}

impl From<homeroom_actors::roster::Leaderboards> for Leaderboards {
    fn from(in_force: homeroom_actors::roster::Leaderboards) -> Self {
        use homeroom_actors::roster::Leaderboards as InForce;
        match in_force {
            InForce::OptOut => Self::OptOut,
            InForce::OptIn => Self::OptIn,
            InForce::Off => Self::Off,
        }
    }
}

impl From<Leaderboards> for homeroom_actors::roster::Leaderboards {
    fn from(setting: Leaderboards) -> Self {
        match setting {
            Leaderboards::OptOut => Self::OptOut,
            Leaderboards::OptIn => Self::OptIn,
            Leaderboards::Off => Self::Off,
        }
    }
}

/// A setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{setting}: {problem}")]
pub struct ConfigError {
    /// Its name, as in the file.
    pub setting: &'static str,
    /// What is wrong, for people.
    pub problem: String,
}

impl Config {
    /// The defaults, with data in `data`.
    #[must_use]
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            database_url: None,
            admin_token: None,
            time_zone: "UTC".into(),
            rules: None,
            allowed_origins: Vec::new(),
            board_window: limits::BOARD_WINDOW_DEFAULT,
            leaderboards: Leaderboards::OptOut,
            projector_places: limits::PROJECTOR_PLACES_DEFAULT,
            backup_every_h: limits::BACKUP_EVERY_H_DEFAULT,
            backups_kept: limits::BACKUPS_KEPT_DEFAULT,
            durability: Durability::Full,
            allowed_hosts: Vec::new(),
            tls_cert: None,
            tls_key: None,
            trusted_proxies: Vec::new(),
            connections_max: limits::CONNECTIONS_MAX,
            sessions_max: limits::SESSIONS_MAX,
            sessions_per_address: limits::SESSIONS_PER_ADDRESS_DEFAULT,
            rates: RateSettings::default(),
            reached_at: Vec::new(),
        }
    }

    /// Checks what can be checked without opening anything, and gives the clock in the node's zone.
    ///
    /// # Errors
    /// The first setting that cannot be used.
    pub fn check(&self) -> Result<SystemClock, ConfigError> {
        let wrong = |setting, problem: String| Err(ConfigError { setting, problem });
        match self.database_url.as_deref() {
            Some(url) if url.starts_with("postgres://") || url.starts_with("postgresql://") => {}
            Some(_) => {
                return wrong(
                    "database_url",
                    "is no postgres:// address; without it SQLite is used".into(),
                );
            }
            None => {}
        }
        for (setting, places) in [
            ("board_window", self.board_window),
            ("projector_places", self.projector_places),
        ] {
            if !(1..=limits::BOARD_WINDOW_MAX).contains(&places) {
                return wrong(setting, format!("must be from 1 to {}", limits::BOARD_WINDOW_MAX));
            }
        }
        for (setting, most, bound) in [
            ("connections_max", self.connections_max, limits::CONNECTIONS_MAX),
            ("sessions_max", self.sessions_max, limits::SESSIONS_MAX),
            ("sessions_per_address", self.sessions_per_address, limits::SESSIONS_MAX),
        ] {
            if !(1..=bound).contains(&most) {
                return wrong(setting, format!("must be from 1 to {bound}"));
            }
        }
        if self.tls_cert.is_some() != self.tls_key.is_some() {
            let (missing, given) = match self.tls_key {
                Some(_) => ("tls_cert", "tls_key"),
                None => ("tls_key", "tls_cert"),
            };
            return wrong(
                missing,
                format!("is needed with {given}: TLS takes a certificate and its key"),
            );
        }
        if let Err(text) = networks(&self.trusted_proxies) {
            let problem = format!("{text} is neither an address like 10.0.0.1 nor a network like 10.0.0.0/8");
            return wrong("trusted_proxies", problem);
        }
        if let Some(host) = self.allowed_hosts.iter().find(|host| !is_host(host)) {
            return wrong(
                "allowed_hosts",
                format!("{host} is no name like school.example or *.school.example"),
            );
        }
        if let Some((setting, _)) = self
            .rates
            .named()
            .into_iter()
            .find(|(_, rate)| *rate > limits::RATE_PER_SECOND_MAX)
        {
            return wrong(
                setting,
                format!("must be at most {}; 0 means no limit", limits::RATE_PER_SECOND_MAX),
            );
        }
        if self.backup_every_h > limits::BACKUP_EVERY_H_MAX {
            return wrong(
                "backup_every_h",
                format!("must be from 0 to {}", limits::BACKUP_EVERY_H_MAX),
            );
        }
        if !(1..=limits::BACKUPS_KEPT_MAX).contains(&self.backups_kept) {
            return wrong(
                "backups_kept",
                format!("must be from 1 to {}", limits::BACKUPS_KEPT_MAX),
            );
        }
        if let Some(token) = &self.admin_token
            && (token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()))
        {
            return wrong("admin_token", "must be visible ASCII characters".into());
        }
        if let Some(origin) = self.allowed_origins.iter().find(|origin| !is_origin(origin)) {
            return wrong(
                "allowed_origins",
                format!("{origin} is no origin like https://school.example"),
            );
        }
        match SystemClock::new(&self.time_zone) {
            Some(clock) => Ok(clock),
            None => wrong("time_zone", format!("there is no time zone named {}", self.time_zone)),
        }
    }
}

fn is_origin(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|host| !host.is_empty() && !host.contains(['/', '?', '#', '@', ' ']))
}

fn is_host(text: &str) -> bool {
    let name = text.strip_prefix("*.").unwrap_or(text);
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    text == "*" || (!name.is_empty() && name.bytes().all(is_plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_cannot_be_used_are_named() {
        type Row = (&'static str, fn(&mut Config));
        let rows: [Row; 23] = [
            ("", |_| ()),
            ("", |c| c.time_zone = "Europe/Berlin".into()),
            ("", |c| c.allowed_origins = vec!["https://school.example:8443".into()]),
            ("time_zone", |c| c.time_zone = "Mars/Olympus".into()),
            ("", |c| c.database_url = Some("postgres://x".into())),
            ("database_url", |c| c.database_url = Some("mysql://x".into())),
            ("board_window", |c| c.board_window = 1_001),
            ("projector_places", |c| c.projector_places = 0),
            ("", |c| c.allowed_hosts = vec!["*.school.example".into(), "*".into()]),
            ("allowed_hosts", |c| {
                c.allowed_hosts = vec!["https://school.example".into()];
            }),
            ("connections_max", |c| c.connections_max = 0),
            ("sessions_max", |c| c.sessions_max = 20_001),
            ("sessions_per_address", |c| c.sessions_per_address = 0),
            ("mentor_reads_per_s", |c| c.rates.mentor_reads_per_s = 1_000_001),
            ("", |c| c.backup_every_h = 0),
            ("backup_every_h", |c| c.backup_every_h = 10_000),
            ("backups_kept", |c| c.backups_kept = 0),
            ("tls_key", |c| c.tls_cert = Some("c.pem".into())),
            ("tls_cert", |c| c.tls_key = Some("k.pem".into())),
            ("", |c| c.trusted_proxies = vec!["::1".into(), "10.0.0.0/8".into()]),
            ("trusted_proxies", |c| c.trusted_proxies = vec!["proxy".into()]),
            ("admin_token", |c| c.admin_token = Some("a b".into())),
            ("allowed_origins", |c| {
                c.allowed_origins = vec!["https://school.example/".into()];
            }),
        ];
        for (setting, change) in rows {
            let mut config = Config::new("x");
            change(&mut config);
            assert_eq!(
                config.check().err().map_or("", |error| error.setting),
                setting,
                "{config:?}"
            );
        }
    }
}
