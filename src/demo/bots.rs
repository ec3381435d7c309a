//! The bots: every student with a token and a socket of their own, and a service for what students do not report themselves.

use super::course::Course;
use super::{DemoError, token};
use crate::client::{Backoff, Client, ClientError, LiveSocket};
use crate::replay::plan::{Action, Command, Deed};
use std::collections::HashMap;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// The first course fills about a minute, the later ones are gentler.
const FIRST_COURSE: Duration = Duration::from_secs(60);
const LATER_COURSE: Duration = Duration::from_secs(180);
/// Messages that wait for a bot. A bot that is that far behind drops what comes: it is only a demo.
const BOT_QUEUE_MAX: usize = 256;

/// All bots. Dropping them ends them.
struct Bots {
    students: HashMap<u64, mpsc::Sender<String>>,
    service: mpsc::Sender<(String, String)>,
    _tasks: JoinSet<()>,
}

/// Plays course after course, until an error.
pub(super) async fn play(admin: &Client, first: Course, speed: f64) -> Result<(), DemoError> {
    let bots = Bots::wake(admin, &first).await?;
    let (mut course, mut duration) = (first, FIRST_COURSE);
    for number in 1.. {
        bots.play(&course, duration.div_f64(speed)).await;
        course = Course::new(number)?;
        course.bring(admin).await?;
        duration = LATER_COURSE;
    }
    Ok(())
}

impl Bots {
    async fn wake(admin: &Client, course: &Course) -> Result<Self, DemoError> {
        let mut tasks = JoinSet::new();
        let mut students = HashMap::new();
        for student in course.students() {
            let client = admin.with_token(&token(admin, "student", Some(student)).await?)?;
            let (send, messages) = mpsc::channel(BOT_QUEUE_MAX);
            students.insert(student, send);
            tasks.spawn(student_bot(client, messages));
        }
        let client = admin.with_token(&token(admin, "service", None).await?)?;
        let (service, wishes) = mpsc::channel(BOT_QUEUE_MAX);
        tasks.spawn(service_bot(client, wishes));
        Ok(Self {
            students,
            service,
            _tasks: tasks,
        })
    }

    async fn play(&self, course: &Course, duration: Duration) {
        let start = Instant::now();
        let step = duration.div_f64(course.commands().len().max(1) as f64);
        for (number, command) in (0_u32..).zip(course.commands()) {
            tokio::time::sleep_until(start + step * number).await;
            self.send(command, &course.key(command));
        }
    }

    /// Gives a command to the bot that reports it. A queue that is full means a bot far behind; the others go on.
    fn send(&self, command: &Command, key: &str) {
        let mut fields = String::new();
        command.write_fields(false, &mut fields);
        if is_reported_by_students(command) {
            if let Some(student) = self.students.get(&command.user_id) {
                let _ = student.try_send(message(command, &fields, key));
            }
        } else {
            let wish = (format!("{{{fields}}}"), key.to_owned());
            let _ = self.service.try_send(wish);
        }
    }
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
async fn service_bot(client: Client, mut wishes: mpsc::Receiver<(String, String)>) {
    while let Some((body, key)) = wishes.recv().await {
        // Refused or lost, the board goes on without it.
        let _ = client.post::<serde::de::IgnoredAny>("/points/earn", body, &key).await;
    }
}
