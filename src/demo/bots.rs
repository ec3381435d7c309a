//! The bots: every student with a token and a socket of their own, and a service for what students do not report themselves.

use super::class::Class;
use super::{DemoError, token};
use crate::client::{Backoff, Client, ClientError, LiveSocket};
use crate::replay::plan::{Action, Command, Deed};
use std::collections::HashMap;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// The first class fills about a minute, the later ones are gentler.
const FIRST_CLASS: Duration = Duration::from_secs(60);
const LATER_CLASS: Duration = Duration::from_secs(240);
/// Messages that wait for a bot. A bot that is that far behind drops what comes: it is only a demo.
const BOT_QUEUE_MAX: usize = 256;

/// Plays class after class, until an error or until it is stopped.
pub(super) async fn play(
    admin: &Client,
    first: Class,
    speed: f64,
    stopped: &watch::Receiver<bool>,
) -> Result<(), DemoError> {
    let service = admin.with_token(&token(admin, "service", None).await?)?;
    let (mut class, mut duration) = (first, FIRST_CLASS);
    for number in 1.. {
        play_class(admin, &service, &class, duration.div_f64(speed), stopped).await?;
        class = Class::new(number)?;
        class.bring(admin).await?;
        duration = LATER_CLASS;
    }
    Ok(())
}

async fn play_class(
    admin: &Client,
    service: &Client,
    class: &Class,
    duration: Duration,
    stopped: &watch::Receiver<bool>,
) -> Result<(), DemoError> {
    let mut tasks = JoinSet::new();
    let mut students = HashMap::new();
    for student in class.students() {
        let client = admin.with_token(&token(admin, "student", Some(student)).await?)?;
        let (send, messages) = mpsc::channel(BOT_QUEUE_MAX);
        students.insert(student, send);
        tasks.spawn(student_bot(client, messages));
    }
    let (tell_service, wishes) = mpsc::channel(BOT_QUEUE_MAX);
    tasks.spawn(service_bot(service.clone(), wishes));
    let start = Instant::now();
    let step = duration.div_f64(class.commands().len().max(1) as f64);
    for (number, command) in (0_u32..).zip(class.commands()) {
        tokio::time::sleep_until(start + step * number).await;
        if *stopped.borrow() {
            break;
        }
        let key = class.key(command);
        let mut fields = String::new();
        command.write_fields(false, &mut fields);
        // A queue that is full means a bot far behind; the others go on.
        let _ = match students.get(&command.user_id) {
            Some(student) if is_reported_by_students(command) => student.try_send(message(command, &fields, &key)),
            _ => tell_service
                .try_send((path(command), format!("{{{fields}}}"), key))
                .map_err(|_| mpsc::error::TrySendError::Closed(String::new())),
        };
    }
    drop((students, tell_service));
    while tasks.join_next().await.is_some() {}
    Ok(())
}

/// What the shipped rules let students report of themselves: progress, and what they read.
fn is_reported_by_students(command: &Command) -> bool {
    match command.deed {
        Deed::Progress { .. } => true,
        Deed::Earn { action, .. } => action == Action::ReadContent,
    }
}

fn message(command: &Command, fields: &str, key: &str) -> String {
    let kind = if command.is_progress() { "progress" } else { "earn" };
    format!(r#"{{"type":"{kind}","id":1,{fields},"key":"{key}"}}"#)
}

fn path(command: &Command) -> String {
    match command.deed {
        Deed::Progress { .. } => format!("/progress/{}", command.user_id),
        Deed::Earn { .. } => "/points/earn".into(),
    }
}

/// One student: sends what is asked over their own socket, and comes back when the socket is lost.
async fn student_bot(client: Client, mut messages: mpsc::Receiver<String>) {
    let mut backoff = Backoff::default();
    loop {
        let ended = match LiveSocket::open(&client).await {
            Ok(mut socket) => match converse(&mut socket, &mut messages).await {
                Ok(()) => return socket.close().await,
                Err(error) => error,
            },
            Err(error) => error,
        };
        if !ended.is_worth_retrying() {
            return;
        }
        let Some(wait) = backoff.next_wait(ended.retry_after()) else {
            return;
        };
        tokio::time::sleep(wait).await;
    }
}

async fn converse(socket: &mut LiveSocket, messages: &mut mpsc::Receiver<String>) -> Result<(), ClientError> {
    loop {
        tokio::select! {
            message = messages.recv() => match message {
                Some(message) => socket.send(message).await?,
                None => return Ok(()),
            },
            // Answers are not needed: the board shows them.
            incoming = socket.next() => drop(incoming?),
        }
    }
}

/// The service: one request after the other.
async fn service_bot(client: Client, mut wishes: mpsc::Receiver<(String, String, String)>) {
    while let Some((path, body, key)) = wishes.recv().await {
        // Refused or lost, the board goes on without it.
        let _ = client.post::<serde::de::IgnoredAny>(&path, body, &key).await;
    }
}
