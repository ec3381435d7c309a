//! `homeroom config` and `homeroom init`: settings shown with where they came from, checked, and written down.

use super::settings::{SETTINGS, SettingArgs, Settings, Wrong};
use super::table::Table;
use crate::exit::Exit;
use serde_json::json;
use std::fmt::Write;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Show and check settings
#[derive(Debug, Clone, clap::Subcommand)]
pub(super) enum Command {
    /// Show every setting with its value and where it came from
    Show {
        #[command(flatten)]
        settings: SettingArgs,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Check a settings file, together with the environment, as `serve` would read it
    Check {
        /// The file [default: the one that HOMEROOM_CONFIG names]
        file: Option<PathBuf>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// Write a settings file with every default in it as a comment
#[derive(Debug, Clone, clap::Args)]
pub(super) struct InitArgs {
    /// Where to
    #[arg(default_value = "homeroom.toml")]
    file: PathBuf,
    /// Write over a file that is there
    #[arg(long)]
    force: bool,
}

pub(super) fn run(command: Command) -> Exit {
    match command {
        Command::Show { settings, json } => show(&settings, json),
        Command::Check { file, json } => check(file, json),
    }
}

fn show(args: &SettingArgs, json: bool) -> Exit {
    let mut loaded = match args.load() {
        Ok(loaded) => loaded,
        Err(wrong) => return refuse(&wrong),
    };
    let rows: Vec<_> = SETTINGS
        .iter()
        .enumerate()
        .map(|(place, setting)| (setting.name, loaded.shown(setting), loaded.origins[place].to_string()))
        .collect();
    if json {
        let item = |(name, value, from): &(&str, serde_json::Value, String)| json!({"name": name, "value": value, "from": from});
        super::print_json(&json!({"settings": rows.iter().map(item).collect::<Vec<_>>()}));
    } else {
        let mut table = Table::new(&["setting", "value", "from"]);
        for (name, value, from) in &rows {
            table.row(&[(*name).to_owned(), plain(value), from.clone()]);
        }
        table.print();
    }
    Exit::Done
}

/// A value for people: texts without quotes, nothing as a dash.
fn plain(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Null => "–".into(),
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn check(file: Option<PathBuf>, json: bool) -> Exit {
    let args = SettingArgs::default().with_file(file);
    let checked = args.file().map(|file| file.display().to_string());
    let wrong = args.load().err().unwrap_or_default();
    if json {
        let errors = wrong
            .iter()
            .map(|wrong| json!({"place": wrong.place, "problem": wrong.problem}));
        super::print_json(&json!({
            "file": checked, "ok": wrong.is_empty(), "errors": errors.collect::<Vec<_>>(),
        }));
    } else if wrong.is_empty() {
        println!(
            "{}: every setting can be used",
            checked.as_deref().unwrap_or("environment")
        );
    }
    if wrong.is_empty() { Exit::Done } else { refuse(&wrong) }
}

/// Says everything that is wrong, a line each.
pub(super) fn refuse(wrong: &[Wrong]) -> Exit {
    for wrong in wrong {
        eprintln!("homeroom: {wrong}");
    }
    Exit::Usage
}

pub(super) fn init(args: &InitArgs) -> Exit {
    match write(&args.file, args.force) {
        Ok(()) => {
            let file = args.file.display();
            println!("{file} is written. Change what you need, then: homeroom serve --config {file}");
            Exit::Done
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            eprintln!(
                "homeroom: {} is there already; --force writes over it",
                args.file.display()
            );
            Exit::BadInput
        }
        Err(error) => {
            eprintln!("homeroom: {} cannot be written: {error}", args.file.display());
            Exit::Failed
        }
    }
}

fn write(path: &Path, force: bool) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    // The file may come to hold the admin token.
    options
        .write(true)
        .mode(0o600)
        .create(true)
        .truncate(true)
        .create_new(!force);
    let mut file = options.open(path)?;
    file.write_all(template().as_bytes())?;
    file.sync_all()
}

/// The settings file that `init` writes: every setting with what it is and its default, as comments.
fn template() -> String {
    let mut text = String::from(
        "# Settings of a Homeroom node. Every line shows a default; take the # away to change it.\n\
         # The environment counts more than this file, and a flag more than the environment:\n\
         # board_window is HOMEROOM_BOARD_WINDOW and --board-window. Empty texts count as absent.\n\
         # `homeroom config check FILE` finds mistakes, `homeroom config show` tells what is in force.\n",
    );
    let mut defaults = Settings::default();
    for setting in SETTINGS {
        let value = match defaults.value(setting) {
            serde_json::Value::Null => "\"\"".to_owned(),
            value => value.to_string(),
        };
        let _ = write!(text, "\n# {}.\n#{} = {value}\n", setting.help, setting.name);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn the_written_file_holds_every_default() {
        let template = template();
        let uncommented: Vec<&str> = template
            .lines()
            .map(|line| match line.strip_prefix('#') {
                Some(rest) if rest.starts_with(char::is_alphabetic) => rest,
                _ => line,
            })
            .collect();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(uncommented.join("\n").as_bytes()).unwrap();
        let args = SettingArgs::default().with_file(Some(file.path().to_owned()));
        let mut loaded = args.load().unwrap();
        let mut defaults = Settings::default();
        for (setting, origin) in SETTINGS.iter().zip(loaded.origins.clone()) {
            assert_eq!(
                loaded.settings.value(setting),
                defaults.value(setting),
                "{}",
                setting.name
            );
            assert!(
                origin.to_string().contains(" line "),
                "{} is not in the file",
                setting.name
            );
        }
    }
}
