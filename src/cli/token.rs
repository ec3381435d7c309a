//! `homeroom token`: tokens made, listed, ended.

use super::common::Common;
use super::failure::{Failure, Outcome};
use crate::client::Client;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

/// Make, list and end tokens
#[derive(Debug, Clone, clap::Subcommand)]
pub(super) enum Command {
    /// Make a token and print it, once
    #[command(after_help = CREATE_HELP)]
    Create {
        /// What its bearer may do
        #[arg(long, value_parser = ["admin", "service", "mentor", "student", "projector"])]
        role: String,
        /// Whose it is; students and mentors need a person
        #[arg(long, value_name = "ID")]
        user: Option<u64>,
        /// When it ends, counted from now, such as 90m, 12h or 30d [default: never]
        #[arg(long, value_name = "TIME", value_parser = duration)]
        expires: Option<Duration>,
        /// What it is for, as `token list` shows it
        #[arg(long)]
        label: Option<String>,
        #[command(flatten)]
        common: Common,
    },
    /// List the tokens in force, never their secrets
    List {
        #[command(flatten)]
        common: Common,
    },
    /// End a token; sessions on it close within a second
    Revoke {
        /// Its number, as `token list` shows it
        #[arg(value_name = "ID")]
        token_id: u64,
        #[command(flatten)]
        common: Common,
    },
}

const CREATE_HELP: &str = "\
The token alone goes to standard output, so that it can be kept in a variable:
  TOKEN=$(homeroom token create --role student --user 7 --expires 12h)
  homeroom token create --role projector --label \"screen in room 12\" --json";

pub(super) async fn run(command: Command) -> Outcome {
    match command {
        Command::Create {
            role,
            user,
            expires,
            label,
            common,
        } => {
            let made = create(&common.client()?, &role, user, expires, label.as_deref()).await?;
            if common.json {
                super::print_json(&made);
            } else {
                common.note(&described(&made));
                println!("{}", made["token"].as_str().unwrap_or_default());
            }
            Ok(())
        }
        Command::List { common } => {
            let tokens = common.client()?.all("/tokens").await?;
            common.list(
                &tokens,
                &["token_id", "role", "user_id", "label", "created_at", "expires_at"],
            );
            Ok(())
        }
        Command::Revoke { token_id, common } => {
            let path = format!("/tokens/{token_id}");
            common.client()?.request(Method::DELETE, &path, None, false).await?;
            common.done(
                &json!({"token_id": token_id, "revoked": true}),
                &format!("token {token_id} has ended"),
            );
            Ok(())
        }
    }
}

/// Makes a token. Not tried twice: a lost answer would leave a token that nobody knows.
pub(super) async fn create(
    client: &Client,
    role: &str,
    user: Option<u64>,
    expires: Option<Duration>,
    label: Option<&str>,
) -> Result<Value, Failure> {
    let mut wish = json!({ "role": role });
    if let Some(user) = user {
        wish["user_id"] = json!(user);
    }
    if let Some(expires) = expires {
        wish["expires_in_s"] = json!(expires.as_secs());
    }
    if let Some(label) = label {
        wish["label"] = json!(label);
    }
    Ok(client.post_once("/tokens", wish.to_string()).await?)
}

fn described(made: &Value) -> String {
    let whose = made["user_id"]
        .as_u64()
        .map_or_else(String::new, |user| format!(" for person {user}"));
    let until = made["expires_at"]
        .as_str()
        .map_or_else(|| ", without an end".to_owned(), |at| format!(", until {at}"));
    let role = made["role"].as_str().unwrap_or_default();
    format!(
        "token {} of role {role}{whose}{until}; it is shown this once:",
        made["token_id"]
    )
}

/// A length of time as people write it: a whole number and s, m, h, d or w.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let must = || "a whole number with a unit: 90s, 30m, 12h, 7d or 2w".to_owned();
    let unit = text.chars().last().ok_or_else(must)?;
    let seconds: u64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        'w' => 7 * 24 * 60 * 60,
        _ => return Err(must()),
    };
    let count: u64 = text[..text.len() - 1].parse().map_err(|_| must())?;
    let whole = count.checked_mul(seconds).filter(|seconds| *seconds > 0);
    whole.map(Duration::from_secs).ok_or_else(must)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        for (text, seconds) in [("90s", 90), ("30m", 1_800), ("12h", 43_200), ("2w", 1_209_600)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "h", "12", "1.5h", "-1h", "0s", "12é", "99999999999999999999w"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
