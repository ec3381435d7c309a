//! CSV files into the roster: read forgivingly, compared with what is there, previewed, and sent all or nothing.

mod columns;
mod known;
mod plan;
mod report;
mod sheet;
mod text;
mod tokens;

use crate::cli::common::Common;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::progress;
use crate::cli::token::duration;
use crate::client::{Client, ClientError, random_key};
use crate::exit::Exit;
use bytes::Bytes;
use homeroom_schema::limits::{IMPORT_BODY_BYTES_MAX, IMPORT_ROWS_MAX};
use known::Known;
use plan::Plan;
use serde_json::Value;
use sheet::{RowError, Sheet};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokens::TokenFile;

/// Bad rows that are named; the rest are counted.
const ERRORS_SHOWN_MAX: usize = 50;
/// How often a plan is made anew when somebody else took a number in between.
const PLANS_MAX: u32 = 3;

/// What a file is a list of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Kind {
    Users,
    Teams,
    Units,
    Qualifications,
}

impl Kind {
    const fn list(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Teams => "teams",
            Self::Units => "units",
            Self::Qualifications => "qualifications",
        }
    }

    const fn name_header(self) -> &'static str {
        match self {
            Self::Users => "name (or first name and last name, or student, pupil, Schüler …)",
            Self::Teams => "name (or team, class, group, Klasse …)",
            Self::Units => "title (or unit, lesson, Einheit …)",
            Self::Qualifications => "name (or course, subject, Fach …)",
        }
    }
}

/// A file, and what to do with it.
#[derive(Debug, Clone, clap::Args)]
pub(in crate::cli) struct ImportArgs {
    /// CSV file, or - for standard input
    file: PathBuf,
    /// Only show what would be made, changed and left
    #[arg(long)]
    dry_run: bool,
    /// People only: make a token for each student and mentor of the file, and write them to this new file, for its owner's eyes
    #[arg(long, value_name = "OUT.csv")]
    tokens: Option<PathBuf>,
    /// When those tokens end, counted from now, such as 12h or 90d [default: never]
    #[arg(long, value_name = "TIME", value_parser = duration, requires = "tokens")]
    expires: Option<Duration>,
    #[command(flatten)]
    common: Common,
}

/// Help of `user import`.
pub(super) const HELP_USERS: &str = "\
Columns: name (or first name and last name), and if you like id, alias, role (student, mentor, staff), team and qualification
(names; made if there are none yet; several as Blue | Red), team role. One file sets up a class:
  name,alias,team,qualification
  Ada Example,Comet,Blue,Mathematics 7

Known people are found by id, else by their exact name if only one has it. An empty cell leaves what is there; e-mail
addresses and the like are left out. Headers may be in English or German, in any case; the separator may be a comma, a
semicolon, a tab or a bar; the file may be UTF-8, UTF-16 or Latin-1.

All rows are kept or none, and each bad one is named with its line and column. Up to 50,000 rows.

Examples:
  homeroom user import class.csv --dry-run
  homeroom user import class.csv --tokens class-tokens.csv --expires 365d";
/// Help of `team import`.
pub(super) const HELP_TEAMS: &str = "\
Columns: name, and if you like id, mentor (number or name of a person). Known teams are found by id, else by name.

Headers may be in English or German, in any case; the separator may be a comma, a semicolon, a tab or a bar.
All rows are kept or none.";
/// Help of `unit import`.
pub(super) const HELP_UNITS: &str = "\
Columns: title, and if you like id, qualification (a name; made if there is none yet), skills (separated by |).

Headers may be in English or German, in any case; the separator may be a comma, a semicolon, a tab or a bar.
All rows are kept or none.";
/// Help of `qualification import`.
pub(super) const HELP_QUALIFICATIONS: &str = "\
Columns: name, and if you like id. Known ones are found by id, else by name.

Headers may be in English or German, in any case; the separator may be a comma, a semicolon, a tab or a bar.
All rows are kept or none.";

/// A file that was read: its rows, and what should be said about them.
struct Input {
    name: String,
    sheet: Sheet,
}

pub(super) async fn import(kind: Kind, args: &ImportArgs) -> Outcome {
    if args.tokens.is_some() && kind != Kind::Users {
        return Err(Failure::new(
            Exit::Usage,
            "--tokens is for people: homeroom user import FILE --tokens OUT.csv",
        ));
    }
    let input = read(kind, &args.file)?;
    let client = args.common.client()?;
    let mut tries = 1;
    let mut taken = Vec::new();
    loop {
        let plan = plan(kind, &input, &client, &taken).await?;
        if args.dry_run {
            report::preview(&args.common, &input.name, &input.sheet, &plan);
            return Ok(());
        }
        let tokens = args.tokens.as_deref().map(TokenFile::create).transpose()?;
        let sent = send(&client, &plan, &args.common).await;
        match sent {
            Ok(answer) => {
                report::done(&args.common, &input.name, &input.sheet, &plan, &answer);
                return match tokens {
                    Some(file) => file.fill(&client, &plan.people, args.expires, &args.common).await,
                    None => Ok(()),
                };
            }
            Err(error) => {
                if let Some(file) = tokens {
                    file.discard();
                }
                if !is_taken(&error) || tries >= PLANS_MAX {
                    return Err(refused(&input.name, &plan, error));
                }
                // Somebody was quicker, or a number belongs to somebody erased, whom no list shows: look further up.
                taken = plan.given_out();
                tries += 1;
            }
        }
    }
}

fn read(kind: Kind, file: &Path) -> Result<Input, Failure> {
    let name = if file == Path::new("-") {
        "standard input".to_owned()
    } else {
        file.display().to_string()
    };
    let bytes = bytes(file).map_err(|error| Failure::file("read", file, &error))?;
    if bytes.len() > IMPORT_BODY_BYTES_MAX {
        return Err(Failure::input(format!("{name} holds more than 16 MiB; split it")));
    }
    let text = text::read(&bytes);
    let mut sheet = Sheet::read(kind, &text).map_err(|errors| bad_rows(&name, &errors))?;
    sheet.notes.extend(text.note);
    if sheet.rows.is_empty() {
        return Err(Failure::input(format!("{name} has a header and no rows")));
    }
    if sheet.rows.len() > IMPORT_ROWS_MAX {
        return Err(too_many(&name));
    }
    Ok(Input { name, sheet })
}

/// The whole file, or a little more than one import takes.
fn bytes(file: &Path) -> std::io::Result<Vec<u8>> {
    let bytes_max = IMPORT_BODY_BYTES_MAX as u64 + 1;
    let mut bytes = Vec::new();
    if file == Path::new("-") {
        std::io::stdin().lock().take(bytes_max).read_to_end(&mut bytes)?;
    } else {
        std::fs::File::open(file)?.take(bytes_max).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

async fn plan(kind: Kind, input: &Input, client: &Client, taken: &[(&str, u64)]) -> Result<Plan, Failure> {
    let mut known = Known::load(client, kind).await?;
    for (list, id) in taken {
        known.list(list).take(*id);
    }
    let teams = plan::teams_named(&input.sheet, &known);
    known.load_members(client, &teams).await?;
    let plan = Plan::new(kind, &input.sheet, known).map_err(|errors| bad_rows(&input.name, &errors))?;
    if plan.fits() {
        Ok(plan)
    } else {
        Err(too_many(&input.name))
    }
}

async fn send(client: &Client, plan: &Plan, common: &Common) -> Result<Value, ClientError> {
    if plan.sent().next().is_none() {
        return Ok(Value::Null);
    }
    let waiting = progress::spinner("the node keeps the rows", common.quiet);
    let body = Bytes::from(plan.body().to_string());
    // With a key: were the answer lost, another try without one would find the new numbers taken, by itself.
    let answer = client.import(body, Some(&random_key())).await;
    waiting.finish_and_clear();
    Ok(serde_json::from_slice(&answer?).unwrap_or_default())
}

/// Whether a number that was free when the plan was made has been taken since.
fn is_taken(error: &ClientError) -> bool {
    let errors = error
        .problem()
        .map(|problem| problem.errors.as_slice())
        .unwrap_or_default();
    errors
        .iter()
        .any(|error| error.field.ends_with("].id") && error.message.starts_with("is taken"))
}

/// What the node said, in lines of the file.
fn refused(name: &str, plan: &Plan, error: ClientError) -> Failure {
    let errors = error
        .problem()
        .map(|problem| problem.errors.clone())
        .unwrap_or_default();
    if errors.is_empty() {
        let failure = Failure::from(error);
        return Failure::new(failure.exit, format!("nothing was kept: {}", failure.message));
    }
    let line = |error: &crate::client::FieldProblem| match plan.line_of(&error.field) {
        Some((line, field)) => format!("\n  line {line}: {field} {}", error.message),
        None => format!("\n  {}: {}", error.field, error.message),
    };
    let lines: String = errors.iter().map(line).collect();
    Failure::input(format!("nothing was kept; the node refused rows of {name}:{lines}"))
}

fn bad_rows(name: &str, errors: &[RowError]) -> Failure {
    let lines: String = errors
        .iter()
        .take(ERRORS_SHOWN_MAX)
        .map(|error| format!("\n  {error}"))
        .collect();
    let more = match errors.len().saturating_sub(ERRORS_SHOWN_MAX) {
        0 => String::new(),
        more => format!("\n  … and {more} more"),
    };
    Failure::input(format!(
        "nothing was kept: {} of {name} cannot be used:{lines}{more}",
        count(errors.len())
    ))
}

fn count(errors: usize) -> String {
    if errors == 1 {
        "one place".into()
    } else {
        format!("{errors} places")
    }
}

fn too_many(name: &str) -> Failure {
    Failure::input(format!(
        "{name} comes to more than 50,000 rows, which is the most that one import takes; split it, people before teams"
    ))
}
