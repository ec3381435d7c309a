//! `homeroom store copy`: everything from one store into another, for a school that moves; no node may be running on either.

use super::backup::exit_of;
use super::bar::Bar;
use super::failure::{Failure, Outcome};
use crate::exit::Exit;
use homeroom_actors::verify::same_learners;
use homeroom_schema::limits::READERS_MAX;
use homeroom_schema::transfer::{self, Rows, TransferError};
use homeroom_schema::{Durability, PostgresOptions, PostgresStore, SqliteOptions, SqliteStore, StoreError};
use serde_json::json;
use std::path::PathBuf;
use std::str::FromStr;

const HELP: &str = "\
A place is sqlite:DIR, a data directory, or postgres://USER:PASSWORD@HOST/NAME. The target is new: a directory without a database
(it is made), or an empty database. No node may be running on either. Everything is copied as it is, so that a node on the copy
goes on where the other one stopped: its clients keep their positions, its tokens stay good. Then both are read whole and
compared: rows and checksum of each table, and every learner folded from the journal. A copy that was cut short goes on when the
same command is given again; until it has ended, no node starts on the target. The source stays as it is.

Examples:
  homeroom store copy --from sqlite:homeroom-data --to postgres://homeroom:secret@db.school.example/homeroom
  homeroom store copy --from postgres://homeroom@localhost/homeroom --to sqlite:/srv/homeroom

Exit codes: 0 done, 1 failed (or a node is running there), 2 wrong usage, 5 a place that cannot be used.";

/// Where the data lies
#[derive(Debug, Clone, clap::Subcommand)]
pub(super) enum Command {
    /// Copy everything into another store, and compare the two
    #[command(after_help = HELP)]
    Copy(CopyArgs),
}

#[derive(Debug, Clone, clap::Args)]
pub(super) struct CopyArgs {
    /// What is copied
    #[arg(long, value_name = "PLACE", env = "HOMEROOM_COPY_FROM", hide_env_values = true)]
    from: Place,
    /// Where to
    #[arg(long, value_name = "PLACE", env = "HOMEROOM_COPY_TO", hide_env_values = true)]
    to: Place,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A store, as somebody names it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Directory(PathBuf),
    Server(String),
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("sqlite", directory)) if !directory.is_empty() => Ok(Self::Directory(directory.into())),
            Some(("postgres" | "postgresql", _)) => Ok(Self::Server(text.to_owned())),
            _ => Err("is neither sqlite:DIR nor postgres://…".to_owned()),
        }
    }
}

impl Place {
    async fn open(&self, is_source: bool) -> Result<Box<dyn Rows>, Failure> {
        let failed = |error: StoreError| Failure::new(exit_of(&error), error.to_string());
        match self {
            Self::Server(url) => {
                let store = PostgresStore::connect(PostgresOptions::new(url)).await;
                Ok(Box::new(store.map_err(failed)?))
            }
            Self::Directory(directory) => {
                if is_source && homeroom_schema::sqlite::inspect(directory).map_err(failed)?.is_none() {
                    let shown = directory.display();
                    return Err(Failure::input(format!("there is no database in {shown}")));
                }
                let store = SqliteStore::open(SqliteOptions {
                    directory: directory.clone(),
                    durability: Durability::Full,
                    readers: READERS_MAX,
                });
                Ok(Box::new(store.map_err(failed)?))
            }
        }
    }

    /// How to start a node on it.
    fn serve(&self) -> String {
        match self {
            Self::Directory(directory) => format!("homeroom serve --data {}", directory.display()),
            // The address may hold a password, which has no business in a terminal's history.
            Self::Server(_) => "homeroom serve --database-url postgres://…".to_owned(),
        }
    }
}

impl From<TransferError> for Failure {
    fn from(error: TransferError) -> Self {
        let exit = match &error {
            TransferError::Store(error) => exit_of(error),
            TransferError::Differs(_) => Exit::Failed,
            TransferError::NotEmpty | TransferError::OfAnother | TransferError::Unfinished => Exit::BadInput,
        };
        Self::new(exit, error.to_string())
    }
}

pub(super) async fn run(command: Command) -> Outcome {
    let Command::Copy(args) = command;
    if args.from == args.to {
        return Err(Failure::input("--from and --to are the same place"));
    }
    let from = args.from.open(true).await?;
    let to = args.to.open(false).await?;
    let copied = copy(&args, &*from, &*to).await;
    // Both are closed whatever has become of it; what was copied is there all the same.
    let (from, to) = (from.close().await, to.close().await);
    copied?;
    for closed in [from, to] {
        closed.map_err(|error| Failure::new(exit_of(&error), error.to_string()))?;
    }
    Ok(())
}

async fn copy(args: &CopyArgs, from: &dyn Rows, to: &dyn Rows) -> Outcome {
    let share = |done: u64, all: u64| done as f64 / all.max(1) as f64;
    let bar = Bar::new("copying");
    let moved = transfer::copy(from, to, |done, all| bar.show(share(done, all))).await?;
    drop(bar);
    let bar = Bar::new("comparing");
    let sums = transfer::compare(from, to, |done, all| bar.show(share(done, all))).await?;
    drop(bar);
    let bar = Bar::new("replaying");
    let learners = same_learners(from, to, |done, all| bar.show(share(done, all))).await;
    drop(bar);
    let learners = learners.map_err(|error| Failure::new(exit_of(&error), error.to_string()))?;
    let learners = learners.map_err(TransferError::Differs)?;
    if args.json {
        let table = |sum: &transfer::TableSum| json!({"table": sum.table, "rows": sum.rows, "sha256": sum.sha256});
        super::print_json(&json!({
            "rows": moved.rows,
            "rows_from_before": moved.before,
            "learners_replayed": learners,
            "tables": sums.iter().map(table).collect::<Vec<_>>(),
        }));
    } else {
        let before = match moved.before {
            0 => String::new(),
            before => format!(" ({before} of them by an earlier copy)"),
        };
        println!(
            "{} rows copied{before}; {} tables have the same checksums, {learners} learners replay to the same state\n\
             start the node with: {}",
            moved.rows,
            sums.len(),
            args.to.serve()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_directories_and_servers() {
        assert_eq!("sqlite:/srv/x".parse(), Ok(Place::Directory("/srv/x".into())));
        assert_eq!("postgres://a@b/c".parse(), Ok(Place::Server("postgres://a@b/c".into())));
        for wrong in ["", "/srv/x", "sqlite:", "mysql://a@b/c"] {
            assert!(wrong.parse::<Place>().is_err(), "{wrong}");
        }
    }
}
