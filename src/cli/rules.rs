//! `homeroom rules`: files with rules checked before a node ever sees them.

use super::failure::{Failure, Outcome};
use crate::exit::Exit;
use crate::rules::{self, Fault};
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
}

pub(super) async fn run(command: Command) -> Outcome {
    match command {
        Command::Check { file, json } => check(&file, json),
        Command::Shipped => {
            print!("{}", rules::shipped_document());
            Ok(())
        }
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
