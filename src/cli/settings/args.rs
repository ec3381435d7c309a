//! Settings as flags: one for each declared setting, made from its declaration.

use super::value::Shape;
use super::{SETTINGS, Settings};
use clap::{Arg, ArgAction, ArgMatches, Command};
use std::path::PathBuf;
use std::sync::LazyLock;

/// The name of a setting as it is spelled in the two other places.
pub(super) struct Spelling {
    /// `board-window`
    pub(super) flag: String,
    /// `HOMEROOM_BOARD_WINDOW`
    pub(super) variable: String,
}

/// The spellings of all settings, in their order.
pub(super) static SPELLINGS: LazyLock<Vec<Spelling>> = LazyLock::new(|| {
    let spelling = |name: &str| Spelling {
        flag: name.replace('_', "-"),
        variable: format!("HOMEROOM_{}", name.to_uppercase()),
    };
    SETTINGS.iter().map(|setting| spelling(setting.name)).collect()
});

/// What the command line says about settings.
#[derive(Debug, Clone, Default)]
pub(in crate::cli) struct SettingArgs {
    /// The settings file, by flag or environment.
    pub(super) config: Option<PathBuf>,
    /// For each setting what its flag says.
    pub(super) flags: Vec<Option<String>>,
}

impl clap::Args for SettingArgs {
    fn augment_args(command: Command) -> Command {
        let config = Arg::new("config")
            .long("config")
            .value_name("FILE")
            .value_parser(clap::value_parser!(PathBuf))
            .help("TOML file with settings [env: HOMEROOM_CONFIG]");
        let mut defaults = Settings::default();
        SETTINGS
            .iter()
            .zip(SPELLINGS.iter())
            .fold(command.arg(config), |command, (setting, spelling)| {
                let value = (setting.slot)(&mut defaults);
                let mut notes = String::new();
                let choices = value.choices();
                if !choices.is_empty() {
                    notes += &format!(" [possible values: {}]", choices.join(", "));
                }
                match value.show() {
                    serde_json::Value::String(text) => notes += &format!(" [default: {text}]"),
                    serde_json::Value::Number(number) => notes += &format!(" [default: {number}]"),
                    _ => {}
                }
                let argument = Arg::new(setting.name)
                    .long(spelling.flag.as_str())
                    .value_name(setting.placeholder)
                    .help(format!("{}{notes} [env: {}]", setting.help, spelling.variable));
                command.arg(match value.shape() {
                    Shape::One => argument.action(ArgAction::Set),
                    Shape::List => argument.action(ArgAction::Append),
                    Shape::Switch => argument
                        .action(ArgAction::Set)
                        .num_args(0..=1)
                        .require_equals(true)
                        .default_missing_value("true"),
                })
            })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for SettingArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = |name: &str| {
            let texts: Vec<&str> = matches.get_many::<String>(name)?.map(String::as_str).collect();
            // An empty flag counts as absent, so that `--flag "$VARIABLE"` may be empty.
            Some(texts.join(",")).filter(|text| !text.is_empty())
        };
        Ok(Self {
            config: matches.get_one::<PathBuf>("config").cloned(),
            flags: SETTINGS.iter().map(|setting| given(setting.name)).collect(),
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
