//! A token for each person of a class, in a file for its owner's eyes.

use super::plan::Named;
use crate::cli::common::Common;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::progress;
use crate::cli::token;
use crate::client::Client;
use futures_util::{StreamExt, stream};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Tokens asked for at once: they share the commits of the node.
const TOKENS_AT_ONCE: usize = 16;

/// The file, made before anything is sent: a place that cannot be written to is told in time.
pub(super) struct TokenFile {
    path: PathBuf,
    file: File,
}

impl TokenFile {
    pub(super) fn create(path: &Path) -> Result<Self, Failure> {
        let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let file = opened.map_err(|error| Failure::file("write the tokens to the new file", path, &error))?;
        let path = path.to_owned();
        Ok(Self { path, file })
    }

    /// Takes the empty file away again.
    pub(super) fn discard(self) {
        let _ = std::fs::remove_file(&self.path);
    }

    /// Makes the tokens and writes them as they come, so that none is lost when something fails on the way.
    pub(super) async fn fill(
        self,
        client: &Client,
        people: &[Named],
        expires: Option<Duration>,
        common: &Common,
    ) -> Outcome {
        let with_token: Vec<&Named> = people.iter().filter(|person| person.role != "staff").collect();
        let bar = progress::bar(with_token.len() as u64, "tokens", common.quiet);
        let mut writer = csv::Writer::from_writer(&self.file);
        let cannot = |error: csv::Error| Failure::file("write", &self.path, &std::io::Error::other(error));
        writer.write_record(["id", "name", "team", "token"]).map_err(cannot)?;
        let made = with_token.iter().map(|person| async move {
            let made = token::create(client, &person.role, Some(person.id), expires, None).await?;
            Ok::<_, Failure>((*person, made["token"].as_str().unwrap_or_default().to_owned()))
        });
        let mut made = stream::iter(made).buffered(TOKENS_AT_ONCE);
        while let Some(next) = made.next().await {
            let (person, token) = next?;
            let id = person.id.to_string();
            let record = [
                id.as_str(),
                &neutral(&person.name),
                &neutral(&person.team),
                &neutral(&token),
            ];
            writer.write_record(record).map_err(cannot)?;
            writer
                .flush()
                .map_err(|error| Failure::file("write", &self.path, &error))?;
            bar.inc(1);
        }
        bar.finish_and_clear();
        drop(writer);
        self.file
            .sync_all()
            .map_err(|error| Failure::file("write", &self.path, &error))?;
        let path = self.path.display();
        common.note(&format!(
            "{} tokens are in {path}; whoever has the file can be any of these people",
            with_token.len()
        ));
        Ok(())
    }
}

/// A cell that no spreadsheet takes for a formula.
fn neutral(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_cell_begins_as_a_formula(cell in "[=+\\-@\t\r]?\\PC*") {
            let written = neutral(&cell);
            prop_assert!(!written.starts_with(['=', '+', '-', '@', '\t', '\r']));
            prop_assert!(written.ends_with(&cell));
        }
    }
}
