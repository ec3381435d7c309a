//! `homeroom demo`: a class at work on a throw-away node. Bots play a small part of real course data through real HTTP and
//! real sockets, and a board in the terminal follows them live. Nothing is left behind.

mod board;
mod bots;
mod course;
mod follow;
mod node;
mod screen;

use crate::client::{Client, ClientError};
use crate::replay::ReplayError;
use node::ThrowAway;
use screen::Screen;
use serde::Deserialize;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

/// Show a live class on a throw-away node
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// End after so many seconds (else with Ctrl-C)
    #[arg(long, value_name = "N")]
    pub seconds: Option<u64>,
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// So many times as lively; at 1 the first course takes about a minute
    #[arg(long, value_name = "N", default_value_t = 1.0, value_parser = speed)]
    pub speed: f64,
    /// Do not start a node: show the live board of one that runs
    #[arg(long, value_name = "URL", requires = "token")]
    pub follow: Option<String>,
    /// Token for --follow, of any role that may see boards
    #[arg(long, env = "HOMEROOM_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
}

const HELP: &str = "\
The class comes from the sample of real course data that is shipped with homeroom. Every student has a token and a live
socket of their own and reports what they read; a service reports quizzes, hand-ins and comments over HTTP. When a course is
through, the same class takes the next one, more gently. The node keeps its data in a temporary directory that is removed at the end.

Examples:
  homeroom demo
  homeroom demo --listen 127.0.0.1:8080 --speed 4
  homeroom demo --seconds 30 > board.txt
  homeroom demo --follow http://127.0.0.1:8080 --token \"$TOKEN\"";

fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(times) if (0.01..=1_000.0).contains(&times) => Ok(times),
        _ => Err("a number between 0.01 and 1000".into()),
    }
}

/// Why a demo could not go on.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// No temporary directory, or the address is taken.
    #[error("{what}: {cause}")]
    Io {
        /// What was tried.
        what: String,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The node ended by itself.
    #[error("the node ended: {0}")]
    Node(String),
    /// The sample could not be brought in.
    #[error(transparent)]
    Seed(#[from] ReplayError),
    /// The node refused something.
    #[error(transparent)]
    Client(#[from] ClientError),
}

/// The command: runs until it is stopped, and gives the exit code.
pub async fn run(args: Args) -> ExitCode {
    let shown = match args.follow.clone().zip(args.token.clone()) {
        Some((url, token)) => follow_only(&args, &url, &token).await,
        None => show(&args).await,
    };
    match shown {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("homeroom demo: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Only the board, of a node that runs.
async fn follow_only(args: &Args, url: &str, token: &str) -> Result<(), DemoError> {
    let client = Client::new(url, token)?;
    client.me().await?;
    let mut screen = Screen::new();
    tokio::select! {
        ended = follow::follow(&client, &mut screen) => Err(ended.into()),
        () = over(args.seconds) => Ok(()),
    }
}

/// Node, class, bots and board, until it is over. Whatever happens, the node is stopped and its directory removed.
async fn show(args: &Args) -> Result<(), DemoError> {
    let mut node = ThrowAway::start(args.listen).await?;
    let admin = Client::new(&node.url, &node.admin_token)?;
    let shown = tokio::select! {
        shown = play(&admin, args.speed) => shown,
        ended = node.ended() => Err(DemoError::Node(ended)),
        () = over(args.seconds) => Ok(()),
    };
    eprintln!("\nstopping");
    let end = node.stop().await;
    shown.and(end)
}

#[derive(Deserialize)]
struct NewToken {
    token: String,
}

/// Makes a token with an admin's.
async fn token(admin: &Client, role: &str, user_id: Option<u64>) -> Result<String, ClientError> {
    let user = user_id.map_or(String::new(), |id| format!(r#","user_id":{id}"#));
    let wish = format!(r#"{{"role":"{role}"{user},"label":"demo"}}"#);
    admin
        .post_once::<NewToken>("/tokens", wish)
        .await
        .map(|made| made.token)
}

#[derive(Deserialize)]
struct SignIn {
    path: String,
}

/// Makes a link that opens a page of the node, once.
async fn link(admin: &Client, role: &str) -> Result<String, ClientError> {
    let wish = format!(r#"{{"role":"{role}"}}"#);
    let made = admin.post_once::<SignIn>("/sign-ins", wish).await?;
    Ok(format!("{}{}", admin.url(), made.path))
}

/// Seeds the node, then lets bots play and the board follow.
async fn play(admin: &Client, speed: f64) -> Result<(), DemoError> {
    let first = course::Course::new(0)?;
    first.bring(admin).await?;
    let projector = token(admin, "projector", None).await?;
    let pages = [link(admin, "projector").await?, link(admin, "admin").await?];
    println!("{}", instructions(admin, &projector, &pages));
    let mut screen = Screen::new();
    let viewer = admin.with_token(&projector)?;
    tokio::select! {
        ended = bots::play(admin, first, speed) => ended,
        ended = follow::follow(&viewer, &mut screen) => Err(ended.into()),
    }
}

/// How to look at the node from elsewhere.
fn instructions(admin: &Client, projector: &str, [wall, teacher]: &[String; 2]) -> String {
    let url = admin.url();
    let socket = url.replacen("http", "ws", 1);
    let admin_token = admin.token();
    format!(
        r#"A class at work on {url}, until Ctrl-C. In a browser (each link is good once):

  {wall}    the wall
  {teacher}    the teacher; after it {url}/mentor

From another terminal:

  TOKEN={projector}    # a projector's: aliases only
  curl -s  -H "Authorization: Bearer $TOKEN" {url}/leaderboards/all
  homeroom demo --follow {url} --token $TOKEN
  websocat -H "Authorization: Bearer $TOKEN" --protocol homeroom.v1 {socket}/ws
    and there: {{"type":"subscribe","id":1,"topics":[{{"topic":"board:all"}}]}}

  ADMIN={admin_token}    # may do everything on this node
  curl -s  -H "Authorization: Bearer $ADMIN" '{url}/users?limit=5'
"#
    )
}

/// Ctrl-C, the end of the process asked for, or the time that was given.
async fn over(seconds: Option<u64>) {
    let timer = async {
        match seconds {
            Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = timer => {}
        () = crate::replay::stop_asked() => {}
    }
}
