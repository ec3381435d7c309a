//! Sessions under their shards: admission, ends, panics, and the stop.

use homeroom_actors::sessions::{EndReason, SessionControl, SessionInfo, Sessions, SessionsSupervisor};
use homeroom_actors::supervision::Fault;
use homeroom_actors::{Clock, EngineError};
use homeroom_schema::limits::{SESSION_SHARDS, SESSIONS_MAX};
use homeroom_schema::{TimeMs, TokenId};
use ractor::{Actor, ActorRef};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

#[derive(Default)]
struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> TimeMs {
        TimeMs(self.0.load(Ordering::Relaxed))
    }

    fn local_day(&self, _: TimeMs) -> i32 {
        0
    }
}

/// A supervisor above, as the root is: it only has to live on when the sessions' supervisor ends.
struct Root;

impl Actor for Root {
    type Msg = ();
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<()>, (): ()) -> Result<(), ractor::ActorProcessingErr> {
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<()>,
        _: ractor::SupervisionEvent,
        (): &mut (),
    ) -> Result<(), ractor::ActorProcessingErr> {
        Ok(())
    }
}

struct World {
    sessions: Sessions,
    clock: Arc<TestClock>,
    root: ActorRef<()>,
    ends: mpsc::UnboundedReceiver<(u64, EndReason)>,
    ended: mpsc::UnboundedSender<(u64, EndReason)>,
}

impl World {
    async fn new(max: usize) -> Self {
        let clock = Arc::new(TestClock::default());
        let sessions = Sessions::new(clock.clone(), max);
        let (root, _) = Actor::spawn(None, Root, ()).await.unwrap();
        Actor::spawn_linked(None, SessionsSupervisor, sessions.clone(), root.get_cell())
            .await
            .unwrap();
        let (ended, ends) = mpsc::unbounded_channel();
        Self {
            sessions,
            clock,
            root,
            ends,
            ended,
        }
    }

    /// Opens a session that lives until it is told to end, and tells so.
    fn open(&self, token: u64, expires_at: Option<i64>) -> Result<(), EngineError> {
        let ended = self.ended.clone();
        let run = move |mut control: SessionControl| async move {
            let reason = control.ended().await;
            ended.send((token, reason)).unwrap();
        };
        self.sessions.open(info(token, expires_at), run)
    }

    async fn next_end(&mut self) -> (u64, EndReason) {
        self.ends.recv().await.unwrap()
    }

    async fn wait_for_count(&self, count: usize) {
        while self.sessions.count() != count {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

fn info(token: u64, expires_at: Option<i64>) -> SessionInfo {
    SessionInfo {
        token_id: TokenId::new(token).unwrap(),
        user_id: None,
        expires_at: expires_at.map(TimeMs),
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_sessions_than_the_bound_are_let_in() {
    let mut world = World::new(3).await;
    for token in 1..=3 {
        world.open(token, None).unwrap();
    }
    let refused = world
        .sessions
        .open(info(4, None), |_| async { unreachable!("it was refused") });
    assert_eq!(refused, Err(EngineError::TooManySessions));
    assert_eq!(world.sessions.count(), 3);
    world.sessions.end_token(TokenId::new(2).unwrap());
    assert_eq!(world.next_end().await, (2, EndReason::TokenEnded));
    world.wait_for_count(2).await;
    world.open(5, None).unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_bound_is_the_one_of_the_limits() {
    let world = World::new(SESSIONS_MAX).await;
    for token in 1..=SESSIONS_MAX as u64 {
        world.open(token, None).unwrap();
    }
    assert_eq!(world.open(1, None), Err(EngineError::TooManySessions));
    world.sessions.stop(Duration::from_secs(5)).await;
    assert_eq!(world.sessions.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_panic_ends_its_own_session_alone() {
    let mut world = World::new(100).await;
    for token in 1..=40 {
        world.open(token, None).unwrap();
        world
            .sessions
            .open(info(99, None), |_| async { panic!("a session's own fault") })
            .unwrap();
        let fault = |_| -> std::future::Ready<()> { panic!("a fault while it is made") };
        world.sessions.open(info(99, None), fault).unwrap();
        world.wait_for_count(token as usize).await;
    }
    world.sessions.end_all(EndReason::Restarting);
    for _ in 1..=40 {
        assert_eq!(
            world.next_end().await.1,
            EndReason::Restarting,
            "everybody else was there"
        );
    }
    world.wait_for_count(0).await;
}

#[tokio::test(start_paused = true)]
async fn ending_a_token_ends_its_sessions_and_no_others() {
    let mut world = World::new(100).await;
    for token in [1, 2, 1, 2, 1] {
        world.open(token, None).unwrap();
    }
    world.sessions.end_token(TokenId::new(1).unwrap());
    for _ in 0..3 {
        assert_eq!(world.next_end().await, (1, EndReason::TokenEnded));
    }
    world.wait_for_count(2).await;
    // One that was on its way in when its token ended.
    world.open(1, None).unwrap();
    assert_eq!(world.next_end().await, (1, EndReason::TokenEnded));
    assert_eq!(world.sessions.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_session_ends_within_a_second_of_its_token() {
    let mut world = World::new(100).await;
    world.open(1, Some(10_000)).unwrap();
    world.open(2, Some(20_000)).unwrap();
    world.open(3, None).unwrap();
    world.clock.0.store(9_999, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(world.sessions.count(), 3);
    world.clock.0.store(10_000, Ordering::Relaxed);
    let end = tokio::time::timeout(Duration::from_secs(1), world.next_end()).await;
    assert_eq!(end.unwrap(), (1, EndReason::TokenEnded));
}

#[tokio::test(start_paused = true)]
async fn the_stop_tells_everybody_and_waits_for_them() {
    let mut world = World::new(100).await;
    for token in 1..=50 {
        world.open(token, None).unwrap();
    }
    let (slow_ended, slow) = oneshot::channel();
    let run = |mut control: SessionControl| async move {
        assert_eq!(control.ended().await, EndReason::Stopping);
        tokio::time::sleep(Duration::from_secs(3)).await;
        slow_ended.send(()).unwrap();
    };
    world.sessions.open(info(51, None), run).unwrap();
    world.sessions.stop(Duration::from_secs(5)).await;
    slow.await.unwrap();
    for _ in 1..=50 {
        assert_eq!(world.next_end().await.1, EndReason::Stopping);
    }
    assert_eq!(world.sessions.count(), 0);
    assert_eq!(world.open(1, None), Err(EngineError::Stopping));
    assert!(world.root.get_children().is_empty(), "the whole tree has ended");
}

#[tokio::test(start_paused = true)]
async fn whoever_does_not_end_in_time_is_cut_off() {
    let world = World::new(100).await;
    world.sessions.open(info(1, None), |_| std::future::pending()).unwrap();
    let begin = tokio::time::Instant::now();
    world.sessions.stop(Duration::from_secs(2)).await;
    assert!(begin.elapsed() < Duration::from_secs(4));
    assert_eq!(world.sessions.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_failed_shard_sends_its_sessions_away_and_comes_back() {
    let mut world = World::new(1_000).await;
    for token in 1..=SESSION_SHARDS as u64 * 2 {
        world.open(token, None).unwrap();
    }
    world.sessions.strike_shard(3, Fault::Panic);
    for _ in 0..2 {
        assert_eq!(world.next_end().await.1, EndReason::Restarting);
    }
    let left = SESSION_SHARDS * 2 - 2;
    world.wait_for_count(left).await;
    // While it is away others take its sessions, and then it takes its share again.
    for token in 100..100 + SESSION_SHARDS as u64 {
        world.open(token, None).unwrap();
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    for token in 200..200 + SESSION_SHARDS as u64 {
        world.open(token, None).unwrap();
    }
    assert_eq!(world.sessions.count(), left + 2 * SESSION_SHARDS);
    world.sessions.strike_shard(3, Fault::Panic);
    assert_eq!(world.next_end().await.1, EndReason::Restarting, "it had one again");
}

#[tokio::test(start_paused = true)]
async fn a_shard_that_fails_again_and_again_is_left_alone_and_nobody_else_notices() {
    let mut world = World::new(1_000).await;
    for _ in 0..20 {
        world.sessions.strike_shard(0, Fault::Panic);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    for token in 1..=100 {
        world.open(token, None).unwrap();
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(world.sessions.count(), 100);
    world.sessions.stop(Duration::from_secs(2)).await;
    for _ in 1..=100 {
        assert_eq!(world.next_end().await.1, EndReason::Stopping);
    }
}
