//! The settings of a node: each declared once, in [`SETTINGS`]; read from file < environment < flag, remembering where each
//! value came from. What a value must be beyond its type is checked in `config`.

mod args;
mod file;
mod value;

pub(super) use args::SettingArgs;

use crate::config::{Config, ConfigError};
use args::SPELLINGS;
use std::path::{Path, PathBuf};
use value::Value;

/// Where data lies unless a setting says otherwise.
pub(super) const DATA_DEFAULT: &str = "homeroom-data";

/// Every setting. A new one is a field (here or in [`Config`]) and a line in this table: flag, environment variable, key of
/// the file, `config show` and the file that `init` writes all follow.
pub(super) const SETTINGS: &[Setting] = &[
    setting("data", "DIR", "Directory of the data", |s| &mut s.config.data),
    setting(
        "listen",
        "ADDRESS",
        "Address to listen on; port 0 takes any free one",
        |s| &mut s.listen,
    ),
    secret(
        "database_url",
        "URL",
        "postgres:// address of a database; without it SQLite in the data directory",
        |s| &mut s.config.database_url,
    ),
    secret(
        "admin_token",
        "TOKEN",
        "The admin token; without it the first start makes one (better in the environment than in a flag)",
        |s| &mut s.config.admin_token,
    ),
    setting(
        "time_zone",
        "ZONE",
        "Time zone in which days and weeks begin, such as Europe/Berlin",
        |s| &mut s.config.time_zone,
    ),
    setting(
        "rules",
        "FILE",
        "TOML file with the rules of awards; when it says something new at a start, that is in force from then on",
        |s| &mut s.config.rules,
    ),
    setting(
        "lan",
        "YES",
        "Listen on every address of this machine, so that devices reach the node; the port stays",
        |s| &mut s.lan,
    ),
    setting(
        "tls_cert",
        "FILE",
        "Certificate of the node in PEM, its own first; with tls_key",
        |s| &mut s.config.tls_cert,
    ),
    setting(
        "tls_key",
        "FILE",
        "Key of the certificate in PEM, without a passphrase",
        |s| &mut s.config.tls_key,
    ),
    setting(
        "trusted_proxies",
        "ADDRESS",
        "Proxies that are believed about who is behind them, such as 127.0.0.1 or 10.0.0.0/8",
        |s| &mut s.config.trusted_proxies,
    ),
    setting(
        "allowed_origins",
        "ORIGIN",
        "Origins besides the node's own whose pages may open sockets, such as https://school.example",
        |s| &mut s.config.allowed_origins,
    ),
    setting(
        "allowed_hosts",
        "NAME",
        "Names besides local ones that the node is reached by, such as school.example or *.school.example; * means any",
        |s| &mut s.config.allowed_hosts,
    ),
    setting(
        "board_window",
        "N",
        "Places of a board that its live topic shows",
        |s| &mut s.config.board_window,
    ),
    setting(
        "leaderboards",
        "WHO",
        "Who is on boards: everybody but those who opt out (opt_out), those who opt in (opt_in), or nobody (off)",
        |s| &mut s.config.leaderboards,
    ),
    setting(
        "projector_places",
        "N",
        "Places of a board that a projector sees",
        |s| &mut s.config.projector_places,
    ),
    setting(
        "backup_every_h",
        "HOURS",
        "Hours between two backups that the node makes by itself; 0 for none",
        |s| &mut s.config.backup_every_h,
    ),
    setting(
        "backups_kept",
        "N",
        "Backups that are kept; the oldest are removed",
        |s| &mut s.config.backups_kept,
    ),
    setting(
        "durability",
        "WHAT",
        "What an acknowledged write survives: loss of power (full), or only the end of the process (process)",
        |s| &mut s.config.durability,
    ),
    setting(
        "connections_max",
        "N",
        "Connections open at once, live sockets among them; fewer where the system allows fewer open files",
        |s| &mut s.config.connections_max,
    ),
    setting("sessions_max", "N", "Live sessions at once", |s| {
        &mut s.config.sessions_max
    }),
    setting(
        "sessions_per_address",
        "N",
        "Live sessions at once from one address; a school may sit behind one",
        |s| &mut s.config.sessions_per_address,
    ),
    setting(
        "student_writes_per_s",
        "N",
        "Writes a second of one student, in the long run; twice that at once; 0 means no limit",
        |s| &mut s.config.rates.student_writes_per_s,
    ),
    setting(
        "student_reads_per_s",
        "N",
        "Reads a second of one student; 0 means no limit",
        |s| &mut s.config.rates.student_reads_per_s,
    ),
    setting(
        "mentor_writes_per_s",
        "N",
        "Writes a second of one mentor; 0 means no limit",
        |s| &mut s.config.rates.mentor_writes_per_s,
    ),
    setting(
        "mentor_reads_per_s",
        "N",
        "Reads a second of one mentor; 0 means no limit",
        |s| &mut s.config.rates.mentor_reads_per_s,
    ),
    setting(
        "projector_reads_per_s",
        "N",
        "Reads a second on one projector token, over all its screens; 0 means no limit",
        |s| &mut s.config.rates.projector_reads_per_s,
    ),
    setting(
        "service_writes_per_s",
        "N",
        "Writes a second on one service token; 0 means no limit",
        |s| &mut s.config.rates.service_writes_per_s,
    ),
    setting(
        "service_reads_per_s",
        "N",
        "Reads a second on one service token; 0 means no limit",
        |s| &mut s.config.rates.service_reads_per_s,
    ),
    setting(
        "admin_writes_per_s",
        "N",
        "Writes a second on one admin token; 0 means no limit",
        |s| &mut s.config.rates.admin_writes_per_s,
    ),
    setting(
        "admin_reads_per_s",
        "N",
        "Reads a second on one admin token; 0 means no limit",
        |s| &mut s.config.rates.admin_reads_per_s,
    ),
    setting("log", "FILTER", "What to log, as in info or homeroom=debug", |s| {
        &mut s.log
    }),
    setting("log_format", "FORMAT", "How to log", |s| &mut s.log_format),
];

/// The declaration of one setting.
pub(super) struct Setting {
    /// Its name in the file; the flag and the environment variable are spelled after it.
    pub(super) name: &'static str,
    placeholder: &'static str,
    /// For people, in one line.
    pub(super) help: &'static str,
    /// Never shown.
    pub(super) is_secret: bool,
    slot: fn(&mut Settings) -> &mut dyn Value,
}

const fn setting(
    name: &'static str,
    placeholder: &'static str,
    help: &'static str,
    slot: fn(&mut Settings) -> &mut dyn Value,
) -> Setting {
    Setting {
        name,
        placeholder,
        help,
        is_secret: false,
        slot,
    }
}

const fn secret(
    name: &'static str,
    placeholder: &'static str,
    help: &'static str,
    slot: fn(&mut Settings) -> &mut dyn Value,
) -> Setting {
    let mut declared = setting(name, placeholder, help, slot);
    declared.is_secret = true;
    declared
}

/// How lines of the log look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(super) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Everything that `serve` needs. Its default holds every default there is.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) config: Config,
    pub(super) listen: String,
    pub(super) lan: bool,
    pub(super) log: String,
    pub(super) log_format: LogFormat,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            config: Config::new(DATA_DEFAULT),
            listen: "127.0.0.1:8080".into(),
            lan: false,
            log: super::LOG_DEFAULT.into(),
            log_format: LogFormat::default(),
        }
    }
}

impl Settings {
    /// What a setting holds; null when it holds nothing. Secrets too: what is shown to people goes through [`Loaded::shown`].
    pub(super) fn value(&mut self, setting: &Setting) -> serde_json::Value {
        (setting.slot)(self).show()
    }
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    Default,
    File { path: PathBuf, line: usize },
    Environment(&'static str),
    Flag(&'static str),
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{} line {line}", path.display()),
            Self::Environment(variable) => write!(f, "environment {variable}"),
            Self::Flag(flag) => write!(f, "flag --{flag}"),
        }
    }
}

/// Something that cannot be used, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) place: String,
    pub(super) problem: String,
}

impl Wrong {
    fn new(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            problem: problem.into(),
        }
    }
}

impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.place, self.problem)
    }
}

/// The settings in force, and where each came from.
#[derive(Debug, Clone)]
pub(super) struct Loaded {
    pub(super) settings: Settings,
    /// In the order of [`SETTINGS`].
    pub(super) origins: Vec<Origin>,
}

impl Loaded {
    /// What may be shown of a setting: a secret only as being there.
    pub(super) fn shown(&mut self, setting: &Setting) -> serde_json::Value {
        match self.settings.value(setting) {
            serde_json::Value::Null => serde_json::Value::Null,
            _ if setting.is_secret => "(secret)".into(),
            value => value,
        }
    }

    /// Checks what can be checked without opening anything. The first thing wrong, with where it stands.
    fn check(&self) -> Result<(), Wrong> {
        let named = |name: &str, problem: &str| {
            let place = SETTINGS.iter().position(|setting| setting.name == name);
            let origin = place.map(|place| self.origins[place].to_string());
            Wrong::new(
                origin.unwrap_or_else(|| "settings".into()),
                format!("{name}: {problem}"),
            )
        };
        let ConfigError { setting, problem } = match self.settings.config.check() {
            Ok(_) => return Ok(()),
            Err(error) => error,
        };
        Err(named(setting, &problem))
    }
}

impl SettingArgs {
    /// The settings in force. An empty environment variable counts as absent.
    ///
    /// # Errors
    /// Everything that cannot be used, with where it stands.
    pub(super) fn load(&self) -> Result<Loaded, Vec<Wrong>> {
        self.load_with(|variable| std::env::var(variable).ok())
    }

    /// The same with another settings file.
    pub(super) fn with_file(mut self, file: Option<PathBuf>) -> Self {
        self.config = file.or(self.config);
        self
    }

    /// The file that settings are read from, if there is one.
    pub(super) fn file(&self) -> Option<PathBuf> {
        let variable = || std::env::var_os("HOMEROOM_CONFIG").filter(|path| !path.is_empty());
        self.config.clone().or_else(|| variable().map(PathBuf::from))
    }

    fn load_with(&self, environment: impl Fn(&str) -> Option<String>) -> Result<Loaded, Vec<Wrong>> {
        let mut settings = Settings::default();
        let mut origins = vec![Origin::Default; SETTINGS.len()];
        let mut wrong = Vec::new();
        if let Some(path) = self.file() {
            let (lines, errors) = file::take(&mut settings, &path);
            wrong = errors;
            note(&mut origins, &path, &lines);
        }
        for (place, (setting, spelling)) in SETTINGS.iter().zip(SPELLINGS.iter()).enumerate() {
            let variable = environment(&spelling.variable).filter(|text| !text.is_empty());
            let flag = self.flags.get(place).cloned().flatten();
            let given = [
                (variable, Origin::Environment(&spelling.variable)),
                (flag, Origin::Flag(&spelling.flag)),
            ];
            for (text, origin) in given {
                let Some(text) = text else { continue };
                if let Err(problem) = (setting.slot)(&mut settings).take_text(&text) {
                    wrong.push(Wrong::new(origin.to_string(), format!("{} {problem}", setting.name)));
                }
                origins[place] = origin;
            }
        }
        let loaded = Loaded { settings, origins };
        if wrong.is_empty() {
            wrong.extend(loaded.check().err());
        }
        if wrong.is_empty() { Ok(loaded) } else { Err(wrong) }
    }
}

fn note(origins: &mut [Origin], path: &Path, lines: &[(&'static str, usize)]) {
    for (setting, origin) in SETTINGS.iter().zip(origins) {
        if let Some((_, line)) = lines.iter().find(|(name, _)| *name == setting.name) {
            *origin = Origin::File {
                path: path.to_owned(),
                line: *line,
            };
        }
    }
}

#[cfg(test)]
mod tests;
