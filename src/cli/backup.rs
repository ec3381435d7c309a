//! `homeroom backup`: makes, lists and checks backups, of a running node or of a directory that no node is running on.

use super::bar::Bar;
use crate::backups::{self, Backup, BackupError, Backups, Check, CheckError};
use crate::client::{Client, ClientError, NodeArgs};
use crate::exit::Exit;
use crate::wire;
use homeroom_schema::{StoreError, TimeMs, files};
use serde_json::{Value, json};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

const HELP: &str = "\
A backup is one SQLite file of one moment, made while the node goes on, with its checksum beside it (FILE.sha256).
Without --data a running node is asked (it keeps the newest in its data directory's `backups`); --out fetches a copy.
With --data no node may be running on that directory.

Examples:
  homeroom backup --token \"$TOKEN\"                          into the node's own folder
  homeroom backup --token \"$TOKEN\" --out monday.sqlite3     and a copy here
  homeroom backup --data /srv/homeroom --out monday.sqlite3
  homeroom backup verify monday.sqlite3
  homeroom backup list --data /srv/homeroom

Exit codes: 0 done (verify: the backup is sound), 1 failed, 2 wrong usage, 3 no node there, 4 refused, 5 the file is damaged
or no backup.";

/// Make, list and check backups
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = HELP, args_conflicts_with_subcommands = true)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    make: MakeArgs,
}

#[derive(Debug, Clone, clap::Subcommand)]
enum Command {
    /// Check a backup: checksum, structure, version, and every stream replayed and compared
    Verify(VerifyArgs),
    /// List backups, the newest first
    List(ListArgs),
}

#[derive(Debug, Clone, clap::Args)]
struct Place {
    /// Address of the node
    #[arg(long, env = "HOMEROOM_URL", default_value = "http://127.0.0.1:8080")]
    url: String,
    /// Token of role admin [default: the one in ./homeroom-data/admin-token]
    #[arg(long, env = "HOMEROOM_TOKEN", hide_env_values = true, default_value = "")]
    token: String,
    /// A data directory that no node is running on
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, clap::Args)]
struct MakeArgs {
    #[command(flatten)]
    place: Place,
    /// Where to put the backup (from a running node: a copy of it)
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Clone, clap::Args)]
struct ListArgs {
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Clone, clap::Args)]
struct VerifyArgs {
    /// The backup
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Why a command did not do what it should.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Node(#[from] ClientError),
    #[error(transparent)]
    Backup(#[from] BackupError),
    #[error("cannot write {file}: {cause}")]
    Out { file: String, cause: io::Error },
    #[error("what arrived is not what the node has made (the checksum differs); try again")]
    Garbled,
}

impl Failure {
    fn exit(&self) -> Exit {
        match self {
            Self::Node(error) => Exit::of(error),
            Self::Backup(BackupError::Store(error)) => exit_of(error),
            Self::Backup(_) | Self::Out { .. } | Self::Garbled => Exit::Failed,
        }
    }
}

/// The command, with its exit code.
pub(super) async fn run(args: Args) -> Exit {
    let done = match args.command {
        Some(Command::Verify(args)) => return verify(&args),
        Some(Command::List(args)) => list(&args.place).await,
        None => make(&args.make).await,
    };
    match done {
        Ok(()) => Exit::Done,
        Err(failure) => {
            eprintln!("homeroom backup: {failure}");
            failure.exit()
        }
    }
}

/// What an error of a store means for scripts.
pub(super) fn exit_of(error: &StoreError) -> Exit {
    match error {
        StoreError::NewerSchema { .. } | StoreError::Damaged { .. } => Exit::BadInput,
        _ => Exit::Failed,
    }
}

async fn make(args: &MakeArgs) -> Result<(), Failure> {
    let (place, made) = match &args.place.data {
        Some(data) => {
            let (path, backup) = backups::make_offline(data, args.out.as_deref(), now())?;
            (path.display().to_string(), shown(&backup))
        }
        None => {
            let client = client(&args.place)?;
            let made: Value = client.post_patiently("/backups").await?;
            let name = made["name"].as_str().unwrap_or_default().to_owned();
            match &args.out {
                None => (format!("backups/{name} in the node's data directory"), made),
                Some(out) => {
                    fetch(&client, &name, &made, out).await?;
                    (out.display().to_string(), made)
                }
            }
        }
    };
    if args.place.json {
        super::print_json(&made);
    } else {
        println!("{place}");
        println!("{}", line(&made));
    }
    Ok(())
}

/// Fetches a backup into a file that is there whole or not at all, with its checksum beside it.
async fn fetch(client: &Client, name: &str, made: &Value, out: &Path) -> Result<(), Failure> {
    let failed = |cause: io::Error| Failure::Out {
        file: out.display().to_string(),
        cause,
    };
    let aside = files::aside(out);
    let mut file = files::create_private(&aside).map_err(failed)?;
    let bar = Bar::new("fetching");
    let (all, mut done) = (made["bytes"].as_u64().unwrap_or_default(), 0_u64);
    let fetched = client
        .fetch(&format!("/backups/{name}"), |piece| {
            done += piece.len() as u64;
            bar.show(done as f64 / all.max(1) as f64);
            file.write_all(piece)
        })
        .await;
    let kept = match fetched {
        Ok(written) => written.and_then(|()| file.sync_all()).map_err(failed),
        Err(error) => Err(error.into()),
    };
    let kept = kept.and_then(|()| keep(&aside, out, made["sha256"].as_str().unwrap_or_default()));
    if kept.is_err() {
        let _ = std::fs::remove_file(&aside);
    }
    kept
}

fn keep(aside: &Path, out: &Path, sha256: &str) -> Result<(), Failure> {
    let failed = |cause: io::Error| Failure::Out {
        file: out.display().to_string(),
        cause,
    };
    if files::sha256_of(aside, |_| ()).map_err(failed)? != sha256 {
        return Err(Failure::Garbled);
    }
    let line = files::checksum_line(out, sha256);
    files::write_whole(&files::checksum_file(out), line.as_bytes())
        .and_then(|()| files::rename(aside, out))
        .map_err(failed)
}

async fn list(place: &Place) -> Result<(), Failure> {
    let items = match &place.data {
        Some(data) => {
            let backups = Backups::new(data, usize::MAX);
            let names = backups.names().map_err(BackupError::from)?;
            let read = |name| backups.read(name).map(|backup| shown(&backup));
            names.iter().map(read).collect::<Result<Vec<_>, _>>()?
        }
        None => {
            let client = client(place)?;
            let mut page: Value = client.get("/backups?limit=1000").await?;
            page["items"].as_array_mut().map(std::mem::take).unwrap_or_default()
        }
    };
    if place.json {
        super::print_json(&json!({ "items": items }));
    } else if items.is_empty() {
        println!("no backups yet");
    } else {
        for item in &items {
            println!("{}  {}", item["name"].as_str().unwrap_or_default(), line(item));
        }
    }
    Ok(())
}

fn verify(args: &VerifyArgs) -> Exit {
    let bar = Bar::new("checking");
    let checked = backups::check(&args.file, |step, share| bar.step(step, share));
    drop(bar);
    let file = args.file.display();
    match checked {
        Ok(check) => {
            if args.json {
                super::print_json(&check.to_value());
            } else {
                println!("{file}: {}", verdict(&check));
            }
            if check.is_sound() { Exit::Done } else { Exit::BadInput }
        }
        Err(error) => {
            eprintln!("homeroom backup verify: {error}");
            exit_of_check(&error)
        }
    }
}

/// What a file that cannot be checked means for scripts.
pub(super) fn exit_of_check(error: &CheckError) -> Exit {
    match error {
        CheckError::Unreadable { cause, .. } if cause.kind() == io::ErrorKind::NotFound => Exit::NotFound,
        CheckError::Unreadable { .. } => Exit::Failed,
        CheckError::NoBackup(_) | CheckError::Store(_) => Exit::BadInput,
    }
}

/// What was found, for people.
pub(super) fn verdict(check: &Check) -> String {
    let problems = check.problems();
    if !problems.is_empty() {
        return format!("damaged\n  {}", problems.join("\n  "));
    }
    let (manifest, findings) = (&check.manifest, &check.findings);
    let checksum = match check.checksum {
        backups::Checksum::Missing => "no checksum beside it",
        _ => "checksum matches",
    };
    format!(
        "sound\n  made {} by homeroom {}, schema {}, epoch {}, up to event {}\n  {checksum}; {} events of {} learners \
         replayed, {} entries of the ledger compared",
        wire::time(manifest.made_at),
        manifest.program,
        check.schema_version,
        manifest.epoch,
        manifest.last_event_id.map_or(0, |id| id.get()),
        findings.events,
        findings.learners,
        findings.entries,
    )
}

fn client(place: &Place) -> Result<Client, Failure> {
    let node = NodeArgs {
        url: Some(place.url.clone()),
        token: Some(place.token.clone()),
        data: None,
    };
    Ok(node.client()?)
}

fn now() -> TimeMs {
    TimeMs(jiff::Timestamp::now().as_millisecond())
}

fn shown(backup: &Backup) -> Value {
    wire::backup(backup)
}

fn line(made: &Value) -> String {
    let number = |field: &str| made[field].as_u64().unwrap_or_default();
    format!(
        "{:>8.1} MB  made {}  up to event {}  sha256 {}",
        number("bytes") as f64 / 1e6,
        made["made_at"].as_str().unwrap_or("?"),
        number("last_event_id"),
        made["sha256"].as_str().unwrap_or("missing"),
    )
}
