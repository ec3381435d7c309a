//! `homeroom rules`: files with rules checked before a node ever sees them; the rules of a node shown, changed and undone.

mod acts;

use super::common::Common;
use super::failure::{Failure, Outcome};
use crate::exit::Exit;
use crate::rules::{self, Fault};
use acts::{ApplyArgs, PreviewArgs, UndoArgs};
use serde_json::json;
use std::path::{Path, PathBuf};

/// What awards are worth, and what limits them
#[derive(Debug, Clone, clap::Subcommand)]
pub(super) enum Command {
    /// Check a file with rules: every fault with its line and field
    Check {
        /// The file
        file: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the rules that a node has at first, as a file to begin with
    Shipped,
    /// Print the rules that are in force on a node
    Show {
        #[command(flatten)]
        common: Common,
    },
    /// Say what a file with rules would mean for everybody; changes nothing
    Preview(PreviewArgs),
    /// Put a file with rules in force, for what was awarded before, too
    Apply(ApplyArgs),
    /// Undo the latest act: points, achievements and rules are as before it
    Undo(UndoArgs),
    /// List all changes of the rules
    History {
        #[command(flatten)]
        common: Common,
    },
}

pub(super) async fn run(command: Command) -> Outcome {
    match command {
        Command::Check { file, json } => check(&file, json),
        Command::Shipped => {
            print!("{}", rules::shipped_document());
            Ok(())
        }
        Command::Show { common } => acts::show(&common).await,
        Command::Preview(args) => acts::preview(&args).await,
        Command::Apply(args) => acts::apply(&args).await,
        Command::Undo(args) => acts::undo(&args).await,
        Command::History { common } => acts::history(&common).await,
    }
}

fn check(file: &Path, is_json: bool) -> Outcome {
    let document = std::fs::read_to_string(file).map_err(|error| Failure::file("read", file, &error))?;
    let checked = rules::parse(&document);
    if is_json {
        let faults = checked.as_ref().err().map(Vec::as_slice).unwrap_or_default();
        let fault = |fault: &Fault| json!({"line": fault.line, "field": fault.field, "message": fault.message});
        let faults: Vec<_> = faults.iter().map(fault).collect();
        super::print_json(&json!({"sound": checked.is_ok(), "faults": faults}));
    }
    match checked {
        Ok(sound) => {
            if !is_json {
                println!("{}: the rules \"{}\" are sound", file.display(), sound.name);
            }
            Ok(())
        }
        Err(faults) => {
            let place = file.display();
            let lines: String = faults.iter().map(|fault| format!("\n  {fault}")).collect();
            let message = format!("{place} cannot be used, {} in it:{lines}", count(faults.len()));
            Err(Failure::new(Exit::BadInput, message))
        }
    }
}

fn count(faults: usize) -> String {
    match faults {
        1 => "one fault".into(),
        more => format!("{more} faults"),
    }
}
