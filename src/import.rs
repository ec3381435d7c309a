//! `homeroom import`: sends a roster as JSON to a running node, all or nothing.

use crate::client::{ClientError, NodeArgs};
use crate::exit::Exit;
use crate::replay::errors_of;
use bytes::Bytes;
use homeroom_schema::limits::IMPORT_BODY_BYTES_MAX;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Bring a roster into a running node, all or nothing
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// JSON file, or - for standard input
    #[arg(value_name = "FILE", default_value = "-")]
    pub file: PathBuf,
    /// Which node, and who is calling.
    #[command(flatten)]
    pub node: NodeArgs,
    /// Print the node's answer as it came
    #[arg(long)]
    pub json: bool,
}

const HELP: &str = r#"The roster is one JSON object; every list may be left out, rows with a known id are updated:
  {"qualifications": [{"id": 1, "name": "Mathematics 7"}],
   "units":          [{"id": 11, "title": "Fractions", "qualification_id": 1, "skills": ["fractions"]}],
   "users":          [{"id": 7, "name": "Ada Example", "role": "student"}, {"id": 90, "name": "Mo Mentor", "role": "mentor"}],
   "teams":          [{"id": 3, "name": "Blue", "mentor_id": 90}],
   "team_members":   [{"team_id": 3, "user_id": 7}],
   "enrolments":     [{"qualification_id": 1, "user_id": 7}]}
Up to 50,000 rows and 16 MiB a call. If one row is wrong nothing is kept, and the first wrong rows are named.

Examples:
  homeroom import school.json --token "$TOKEN"
  generate-roster | homeroom import - --url http://school:8080

Exit codes: 0 kept, 3 node not reached, 4 refused, 5 rows that cannot be used; `homeroom exit-codes` lists all."#;

/// Why a roster was not kept.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file cannot be read.
    #[error("cannot read {file}: {cause}")]
    Unreadable {
        /// Which.
        file: String,
        /// What the system said.
        cause: std::io::Error,
    },
    /// More than one call takes.
    #[error("{0} holds more than 16 MiB, which is the most that one import takes; split it in order of dependency")]
    TooLarge(String),
    /// The text is no JSON object.
    #[error("{file} is not a JSON object: {cause}")]
    NotJson {
        /// Which.
        file: String,
        /// What is wrong where.
        cause: serde_json::Error,
    },
    /// The node refused, or could not be reached.
    #[error("nothing was kept: {cause}{}", errors_of(cause))]
    Refused {
        /// Why.
        #[from]
        cause: ClientError,
    },
}

impl ImportError {
    /// What it means for scripts.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Unreadable { .. } | Self::TooLarge(_) | Self::NotJson { .. } => Exit::BadInput,
            Self::Refused { cause } => Exit::of(cause),
        }
    }
}

/// The command: prints counts, or what is wrong, and gives the exit code.
pub async fn run(args: Args) -> ExitCode {
    match import(&args).await {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("homeroom import: {error}");
            error.exit().into()
        }
    }
}

async fn import(args: &Args) -> Result<String, ImportError> {
    let name = args.file.display().to_string();
    let text = read(&args.file).map_err(|cause| ImportError::Unreadable {
        file: name.clone(),
        cause,
    })?;
    if text.len() > IMPORT_BODY_BYTES_MAX {
        return Err(ImportError::TooLarge(name));
    }
    // A syntax error is told here, where the line is known to the one who wrote it.
    serde_json::from_slice::<BTreeMap<String, &serde_json::value::RawValue>>(&text)
        .map_err(|cause| ImportError::NotJson { file: name, cause })?;
    let client = args.node.client()?;
    let answer = client.import(Bytes::from(text), None).await?;
    Ok(if args.json {
        String::from_utf8_lossy(&answer).into_owned()
    } else {
        table(&answer)
    })
}

/// The whole text, or a little more than one call takes.
fn read(file: &Path) -> std::io::Result<Vec<u8>> {
    let bytes_max = IMPORT_BODY_BYTES_MAX as u64 + 1;
    let mut text = Vec::new();
    if file == Path::new("-") {
        std::io::stdin().lock().take(bytes_max).read_to_end(&mut text)?;
    } else {
        std::fs::File::open(file)?.take(bytes_max).read_to_end(&mut text)?;
    }
    Ok(text)
}

/// The counts of an answer, a line each. What is not understood is shown as it came.
fn table(answer: &[u8]) -> String {
    let Ok(fields) = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(answer) else {
        return String::from_utf8_lossy(answer).into_owned();
    };
    let line = |(name, value): (&String, &serde_json::Value)| format!("{name:<20} {value:>9}");
    fields.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_told_a_line_each() {
        let text = table(br#"{"users":12,"teams":3}"#);
        assert_eq!(
            text.split_whitespace().collect::<Vec<_>>(),
            ["teams", "3", "users", "12"]
        );
    }
}
