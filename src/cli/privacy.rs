//! `homeroom privacy purge`: old facts become one fact for each learner, on a directory that no node is running on.

use super::backup::exit_of;
use super::bar::Bar;
use super::failure::{Failure, Outcome};
use super::token::duration;
use crate::exit::Exit;
use homeroom_actors::purge::{PurgeWish, purge};
use homeroom_schema::{Durability, SqliteOptions, SqliteStore, Store, StoreError, TimeMs};
use serde_json::json;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;

/// What is younger stays: kept answers to keys, weekly budgets, and lessons under way rest on it.
const YOUNGEST: Duration = Duration::from_secs(31 * 24 * 60 * 60);

const HELP: &str = "\
For each learner the facts recorded before then become one: the state that they made. Totals, boards of all time, progress,
achievements and skills stay as they are, and whatever was awarded once stays awarded once. What is gone for good: single
entries of the ledger with their reasons and refusals, what was observed with them, and their part in boards of past days and
in analytics. Entries that are gone can't be taken back or given again. A reader who was away since before then gets a snapshot.
No node may be running on the directory. It can be cut short at any moment and begun again. Make a backup first
(`homeroom backup --data DIR --out FILE`), and mind that older backups still hold what is purged.

Examples:
  homeroom privacy purge --older-than 400d --dry-run
  homeroom privacy purge --older-than 400d --data /srv/homeroom --yes

Exit codes: 0 done, 1 failed (or a node is running there), 2 wrong usage.";

/// Keep less: what is old becomes one fact for each learner
#[derive(Debug, Clone, clap::Subcommand)]
pub(super) enum Command {
    /// Replace what is older than so long by one fact for each learner
    #[command(after_help = HELP)]
    Purge(PurgeArgs),
}

#[derive(Debug, Clone, clap::Args)]
pub(super) struct PurgeArgs {
    /// How long ago something was recorded, such as 400d or 60w; at least 31d
    #[arg(long, value_name = "TIME", value_parser = age)]
    older_than: Duration,
    /// The data directory; no node may be running on it
    #[arg(long, value_name = "DIR", env = "HOMEROOM_DATA", default_value = "homeroom-data")]
    data: PathBuf,
    /// Count alone, change nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn age(text: &str) -> Result<Duration, String> {
    let age = duration(text)?;
    if age < YOUNGEST {
        return Err("at least 31d: younger facts are still needed".to_owned());
    }
    Ok(age)
}

pub(super) async fn run(command: Command) -> Outcome {
    let Command::Purge(args) = command;
    let now = jiff::Timestamp::now().as_millisecond();
    let age_ms = i64::try_from(args.older_than.as_millis()).unwrap_or(i64::MAX);
    let wish = PurgeWish {
        before: TimeMs(now.saturating_sub(age_ms)),
        now: TimeMs(now),
        is_trial: args.dry_run,
    };
    let failed = |error: StoreError| Failure::new(exit_of(&error), error.to_string());
    if homeroom_schema::sqlite::inspect(&args.data).map_err(failed)?.is_none() {
        let shown = args.data.display();
        return Err(Failure::input(format!(
            "there is no database in {shown}; --data names the directory"
        )));
    }
    if !args.dry_run && !args.yes {
        confirm(&args)?;
    }
    let store = SqliteStore::open(SqliteOptions {
        directory: args.data.clone(),
        durability: Durability::Full,
        readers: 1,
    });
    let store = store.map_err(failed)?;
    let bar = Bar::new("purging");
    let purged = purge(&store, wish, |done, all| bar.show(done as f64 / all.max(1) as f64)).await;
    drop(bar);
    let closed = store.close().await;
    let purged = purged.map_err(failed)?;
    closed.map_err(failed)?;
    let before = crate::wire::time(wish.before);
    if args.json {
        super::print_json(&json!({
            "before": before, "learners": purged.learners, "events": purged.events, "dry_run": args.dry_run,
        }));
    } else {
        let would = if args.dry_run { " would become" } else { " became" };
        println!(
            "{} facts from before {before}{would} one for each of {} learners",
            purged.events, purged.learners
        );
    }
    Ok(())
}

/// Asks a person at a terminal; anything but the word is a no.
fn confirm(args: &PurgeArgs) -> Outcome {
    if !std::io::stdin().is_terminal() {
        let message = "nobody is there to ask: --yes purges without asking, --dry-run counts";
        return Err(Failure::new(Exit::Usage, message));
    }
    eprint!(
        "Purge old facts in {} for good? Make a backup first. Type purge to go on: ",
        args.data.display()
    );
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    if read.is_ok() && answer.trim() == "purge" {
        return Ok(());
    }
    Err(Failure::new(Exit::Failed, "nothing was purged"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_young_is_not_purged() {
        assert!(age("30d").is_err() && age("1h").is_err() && age("never").is_err());
        assert_eq!(age("400d"), Ok(Duration::from_secs(400 * 86_400)));
    }
}
