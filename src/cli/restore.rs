//! `homeroom restore`: puts a backup in the place of a node's database.

use super::backup::{exit_of, exit_of_check, verdict};
use super::bar::Bar;
use crate::exit::Exit;
use crate::restore::{RestoreError, Wish, restore};
use homeroom_schema::{StoreError, TimeMs};
use serde_json::json;
use std::path::PathBuf;

const HELP: &str = "\
The backup is checked whole first. Whatever happens meanwhile (also kill -9 or a loss of power), the directory holds the old
database or the new one. Old files are moved to a folder replaced-… in the directory, never deleted: remove it when all is
well, since it holds the names of people. Every client reads anew, because the restored history has a new epoch.
Whoever was erased after the backup was made is erased again before it is in place: the list erasures.jsonl is looked for in
the data directory, beside the backup, and above its folder; --erasures names another one.
On another machine the first start writes a new admin token to the file admin-token, and the old one ends.

Examples:
  homeroom restore monday.sqlite3 --data /srv/homeroom
  homeroom restore monday.sqlite3 --data /srv/homeroom --force

Exit codes: 0 restored, 1 failed (or a node is running there), 2 wrong usage, 4 the directory holds a database and --force is
missing, 5 the backup is damaged, no backup, or of a newer homeroom. Without 0 nothing was changed.";

/// Put a backup in the place of a node's database
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = HELP)]
pub(super) struct Args {
    /// The backup
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The data directory that it goes into; no node may be running on it
    #[arg(long, value_name = "DIR", env = "HOMEROOM_DATA", default_value = "homeroom-data")]
    data: PathBuf,
    /// Move a database that is there already aside
    #[arg(long)]
    force: bool,
    /// A list of erased people (erasures.jsonl) of the node that made the backup
    #[arg(long, value_name = "FILE")]
    erasures: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The command, with its exit code.
pub(super) async fn run(args: Args) -> Exit {
    let now = jiff::Timestamp::now();
    let stamp = now.strftime("%Y%m%dT%H%M%S%3f").to_string();
    let wish = Wish {
        backup: args.file,
        data: args.data,
        force: args.force,
        erasures: args.erasures,
        now: TimeMs(now.as_millisecond()),
        stamp,
    };
    let bar = Bar::new("checking");
    let restored = restore(&wish, |step, share| bar.step(step, share)).await;
    drop(bar);
    match restored {
        Ok(restored) => {
            if args.json {
                super::print_json(&json!({
                    "restored": restored.check.to_value(),
                    "data": wish.data,
                    "epoch": restored.epoch,
                    "erased_people_listed": restored.erased,
                    "replaced": restored.replaced,
                }));
            } else {
                println!("{}: {}", wish.backup.display(), verdict(&restored.check));
                println!("restored into {}, epoch {}", wish.data.display(), restored.epoch);
                if restored.erased > 0 {
                    println!("{} erased people are listed, and erased from it again", restored.erased);
                }
                if let Some(replaced) = restored.replaced {
                    println!("the files that were there are in {}", replaced.display());
                }
            }
            Exit::Done
        }
        Err(error) => {
            eprintln!("homeroom restore: {error}");
            exit(&error)
        }
    }
}

fn exit(error: &RestoreError) -> Exit {
    match error {
        RestoreError::Check(error) => exit_of_check(error),
        RestoreError::Unsound { .. } => Exit::BadInput,
        RestoreError::Erasures { .. } => Exit::BadInput,
        RestoreError::HasData(_) => Exit::Refused,
        RestoreError::Store(error @ StoreError::NewerSchema { .. }) => exit_of(error),
        RestoreError::Store(_) => Exit::Failed,
    }
}
