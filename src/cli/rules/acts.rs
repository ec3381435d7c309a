//! The rules of a node from the command line: shown, previewed, applied to the past, undone.

use crate::cli::common::{Common, cell};
use crate::cli::failure::{Failure, Outcome};
use crate::cli::print_json;
use crate::cli::table::Table;
use crate::client::Client;
use crate::exit::Exit;
use reqwest::Method;
use serde_json::{Value, json};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often a node is asked whether an act is done.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// People that a preview shows unless more are asked for.
const PEOPLE_DEFAULT: usize = 50;

#[derive(Debug, Clone, clap::Args)]
pub(in crate::cli) struct PreviewArgs {
    /// The file
    file: PathBuf,
    /// People shown at most
    #[arg(long, value_name = "N", default_value_t = PEOPLE_DEFAULT)]
    limit: usize,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Clone, clap::Args)]
pub(in crate::cli) struct ApplyArgs {
    /// The file
    file: PathBuf,
    /// Take back achievements that would not have been earned under these rules
    #[arg(long)]
    revoke: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Clone, clap::Args)]
pub(in crate::cli) struct UndoArgs {
    /// Number of the act, as `apply` and `history` say it
    act: u32,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    common: Common,
}

pub(super) async fn show(common: &Common) -> Outcome {
    let rules: Value = common.client()?.get("/rules").await?;
    if common.json {
        print_json(&rules);
        return Ok(());
    }
    let field = |name: &str| cell(&rules[name]);
    common.note(&format!(
        "version {} \"{}\", from {}, since {}",
        field("version"),
        field("name"),
        field("origin"),
        field("since")
    ));
    if !rules["running"].is_null() {
        common.note("an act on the past goes on");
    }
    print!("{}", rules["document"].as_str().unwrap_or_default());
    Ok(())
}

pub(super) async fn preview(args: &PreviewArgs) -> Outcome {
    let document = read(&args.file)?;
    let client = args.common.client()?;
    let mut shown = ask(&client, &document, args.limit, None).await?;
    let mut people = taken(&mut shown);
    let mut cursor = shown["next_cursor"].as_str().map(str::to_owned);
    while let Some(next) = cursor.filter(|_| people.len() < args.limit) {
        let mut page = ask(&client, &document, args.limit - people.len(), Some(&next)).await?;
        people.append(&mut taken(&mut page));
        cursor = page["next_cursor"].as_str().map(str::to_owned);
    }
    if args.common.json {
        shown["items"] = json!(people);
        print_json(&shown);
        return Ok(());
    }
    args.common.say(&sentence(&shown["totals"]));
    if people.is_empty() {
        return Ok(());
    }
    let mut table = Table::new(&["user", "name", "points", "then", "change", "level", "given", "lost"]);
    for person in &people {
        let tiers = |field: &str| {
            let tiers = person[field].as_array().into_iter().flatten();
            let names = tiers.map(|tier| format!("{} {}", cell(&tier["achievement_type"]), cell(&tier["tier"])));
            names.collect::<Vec<_>>().join(", ")
        };
        table.row(&[
            cell(&person["user_id"]),
            cell(&person["name"]),
            cell(&person["total"]),
            cell(&person["new_total"]),
            format!("{:+}", person["points"].as_i64().unwrap_or_default()),
            cell(&person["new_level"]),
            tiers("tiers_given"),
            tiers("tiers_lost"),
        ]);
    }
    table.print();
    Ok(())
}

pub(super) async fn apply(args: &ApplyArgs) -> Outcome {
    let document = read(&args.file)?;
    let client = args.common.client()?;
    if !args.yes {
        let shown = ask(&client, &document, 1, None).await?;
        eprintln!("{}", sentence(&shown["totals"]));
        confirm("Apply these rules to the past", "applies")?;
    }
    let body = json!({"document": document, "revoke": args.revoke, "origin": "cli"});
    let begun = client.request(Method::POST, "/rules/apply", Some(&body), true).await?;
    let done = finished(&client, begun).await?;
    let (version, learners) = (cell(&done["version"]), cell(&done["act"]["learners"]));
    let sentence = format!(
        "rules {version} are in force, and {learners} learners were adjusted; undo: homeroom rules undo {version}"
    );
    args.common.done(&done, &sentence);
    Ok(())
}

pub(super) async fn undo(args: &UndoArgs) -> Outcome {
    let client = args.common.client()?;
    let act = args.act;
    if !args.yes {
        confirm(&format!("Undo act {act}"), "undoes")?;
    }
    let body = json!({"act": act, "origin": "cli"});
    let begun = client.request(Method::POST, "/rules/undo", Some(&body), true).await?;
    let done = finished(&client, begun).await?;
    let (version, learners) = (cell(&done["version"]), cell(&done["act"]["learners"]));
    let sentence = format!(
        "act {act} is undone: {learners} learners were adjusted, and the rules from before are in force as version {version}"
    );
    args.common.done(&done, &sentence);
    Ok(())
}

pub(super) async fn history(common: &Common) -> Outcome {
    let changes = common.client()?.all("/rules/history").await?;
    if common.json {
        print_json(&json!({ "items": changes }));
        return Ok(());
    }
    let mut table = Table::new(&["version", "since", "from", "past", "state", "learners"]);
    for change in &changes {
        let act = &change["act"];
        let past = match act["kind"].as_str() {
            Some("apply") if act["undone"] == true => "applied, undone".into(),
            Some("apply") if act["revoke"] == true => "applied, taking back".into(),
            Some("apply") => "applied".into(),
            Some(_) => format!("undid {}", cell(&act["act"])),
            None => "new awards alone".into(),
        };
        table.row(&[
            cell(&change["version"]),
            cell(&change["since"]),
            cell(&change["origin"]),
            past,
            cell(&act["state"]),
            cell(&act["learners"]),
        ]);
    }
    table.print();
    Ok(())
}

fn read(file: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(file).map_err(|error| Failure::file("read", file, &error))
}

async fn ask(client: &Client, document: &str, limit: usize, cursor: Option<&str>) -> Result<Value, Failure> {
    let body =
        json!({"document": document, "limit": limit.clamp(1, homeroom_schema::limits::PAGE_MAX), "cursor": cursor});
    Ok(client
        .request(Method::POST, "/rules/preview", Some(&body), false)
        .await?)
}

fn taken(page: &mut Value) -> Vec<Value> {
    match page["items"].take() {
        Value::Array(items) => items,
        _ => Vec::new(),
    }
}

/// Waits until the act is done.
async fn finished(client: &Client, mut change: Value) -> Result<Value, Failure> {
    while change["act"]["state"] == "running" {
        tokio::time::sleep(LOOK_EVERY).await;
        let newest = client.items("/rules/history", 1).await?;
        let Some(newest) = newest.into_iter().next() else { break };
        if newest["version"] != change["version"] {
            break;
        }
        change = newest;
    }
    Ok(change)
}

fn sentence(totals: &Value) -> String {
    let of = |side: &str, field: &str| cell(&totals[side][field]);
    format!(
        "of {} people {} would gain {} points and {} would lose {}; {} would change their level; {} tiers would be given and {} \
         would not have been earned",
        cell(&totals["people"]),
        of("gaining", "people"),
        of("gaining", "points"),
        of("losing", "people"),
        of("losing", "points"),
        cell(&totals["levels_changed"]),
        cell(&totals["tiers_given"]),
        cell(&totals["tiers_lost"]),
    )
}

/// Asks a person at a terminal; anything but yes is a no.
fn confirm(what: &str, does: &str) -> Outcome {
    if !std::io::stdin().is_terminal() {
        let message = format!("nobody is there to ask: --yes {does} without asking");
        return Err(Failure::new(Exit::Usage, message));
    }
    eprint!("{what}? Type yes to go on: ");
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    if read.is_ok() && answer.trim() == "yes" {
        return Ok(());
    }
    Err(Failure::new(Exit::Failed, "nothing was changed"))
}
