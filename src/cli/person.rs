//! `homeroom export`, `homeroom erase`, `homeroom audit`: what the law asks of a school, and who did what.

use super::common::{Common, cell};
use super::failure::{Failure, Outcome};
use super::progress;
use super::table::Table;
use super::token::duration;
use crate::exit::Exit;
use homeroom_schema::files;
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::Value;
use std::io::{ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};

/// Write everything that is stored of a person, as JSON
#[derive(Debug, Clone, clap::Args)]
pub(super) struct ExportArgs {
    /// Number of the person
    user: u64,
    /// Write to this file, for its owner's eyes, instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

/// Erase a person for good: name, alias and links go, totals stay without a name
#[derive(Debug, Clone, clap::Args)]
pub(super) struct EraseArgs {
    /// Number of the person
    user: u64,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    common: Common,
}

/// Show who did what: administrative acts, newest first
#[derive(Debug, Clone, clap::Args)]
pub(super) struct AuditArgs {
    /// From this moment on: 2026-03-01, 2026-03-01T09:30:00Z, or so long ago, such as 24h or 7d
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<Timestamp>,
    /// Acts of this kind alone, such as user_erased
    #[arg(long)]
    act: Option<String>,
    /// Entries at the most
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
    #[command(flatten)]
    common: Common,
}

pub(super) async fn export(args: &ExportArgs) -> Outcome {
    let client = args.common.client()?;
    let path = format!("/users/{}/export", args.user);
    let Some(file) = &args.output else {
        let mut out = std::io::stdout().lock();
        let written = client.fetch(&path, |part| out.write_all(part)).await?;
        let written = written.and_then(|()| out.write_all(b"\n"));
        return match written {
            // Whoever reads, such as `head`, has what they wanted.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            written => written.map_err(|error| Failure::file("write to", Path::new("standard output"), &error)),
        };
    };
    // Written aside and moved: half of an export is none.
    let aside = files::aside(file);
    let cannot = |error: std::io::Error| Failure::file("write", file, &error);
    let mut opened = files::create_private(&aside).map_err(cannot)?;
    let spinner = progress::spinner("exporting", args.common.quiet);
    let written = client.fetch(&path, |part| opened.write_all(part)).await;
    spinner.finish_and_clear();
    let kept = match written {
        Ok(written) => written
            .and_then(|()| opened.sync_all())
            .and_then(|()| files::rename(&aside, file))
            .map_err(cannot),
        Err(error) => Err(error.into()),
    };
    if kept.is_err() {
        let _ = std::fs::remove_file(&aside);
    }
    kept?;
    let shown = file.display();
    let sentence = format!("everything stored of person {} is in {shown}", args.user);
    args.common.done(
        &serde_json::json!({"user_id": args.user, "file": shown.to_string()}),
        &sentence,
    );
    Ok(())
}

pub(super) async fn erase(args: &EraseArgs) -> Outcome {
    let client = args.common.client()?;
    let path = format!("/users/{}", args.user);
    if !args.yes {
        let found: Value = client.get(&path).await?;
        confirm(args.user, found["name"].as_str().unwrap_or_default())?;
    }
    client.request(Method::DELETE, &path, None, true).await?;
    let user = args.user;
    let sentence = format!("person {user} is erased; what they earned stays in totals, without a name");
    args.common
        .done(&serde_json::json!({"user_id": user, "erased": true}), &sentence);
    Ok(())
}

/// Asks a person at a terminal; anything but the number is a no.
fn confirm(user: u64, name: &str) -> Outcome {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::new(
            Exit::Usage,
            "nobody is there to ask: --yes erases without asking",
        ));
    }
    eprint!("Erase person {user} ({name}) for good? This cannot be undone. Type {user} to go on: ");
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    if read.is_ok() && answer.trim() == user.to_string() {
        return Ok(());
    }
    Err(Failure::new(Exit::Failed, "nothing was erased"))
}

pub(super) async fn audit(args: &AuditArgs) -> Outcome {
    let mut path = "/audit?".to_owned();
    if let Some(since) = args.since {
        path += &format!("since={since:.3}&");
    }
    if let Some(act) = &args.act {
        if !act.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return Err(Failure::input(format!(
                "{act} is no act; acts are words such as user_erased"
            )));
        }
        path += &format!("act={act}&");
    }
    let entries = args
        .common
        .client()?
        .items(path.trim_end_matches(['&', '?']), args.limit)
        .await?;
    if args.common.json {
        args.common.list(&entries, &[]);
        return Ok(());
    }
    let mut table = Table::new(&["at", "act", "subject", "by", "detail"]);
    for entry in &entries {
        let subject = match &entry["subject"] {
            Value::Null => "–".to_owned(),
            subject => format!("{} {}", cell(&subject["kind"]), cell(&subject["id"])),
        };
        table.row(&[
            cell(&entry["at"]),
            cell(&entry["act"]),
            subject,
            who(&entry["by"]),
            cell(&entry["detail"]),
        ]);
    }
    table.print();
    Ok(())
}

fn who(by: &Value) -> String {
    let person = by["user_id"]
        .as_u64()
        .map_or_else(String::new, |user| format!(" (person {user})"));
    match &by["token_id"] {
        Value::Null => cell(&by["role"]),
        token => format!("{} token {token}{person}", cell(&by["role"])),
    }
}

fn since(text: &str) -> Result<Timestamp, String> {
    if let Ok(ago) = duration(text) {
        let ago = SignedDuration::try_from(ago).map_err(|error| error.to_string())?;
        return Timestamp::now().checked_sub(ago).map_err(|error| error.to_string());
    }
    let moment = text
        .parse::<Timestamp>()
        .or_else(|_| format!("{text}T00:00:00Z").parse());
    moment.map_err(|_| "a moment such as 2026-03-01 or 2026-03-01T09:30:00Z, or a time ago such as 24h".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_people_write_them() {
        assert_eq!(since("2026-03-01"), since("2026-03-01T00:00:00Z"));
        assert!(since("24h").is_ok_and(|moment| moment < Timestamp::now()));
        assert!(since("yesterday").is_err());
    }
}
