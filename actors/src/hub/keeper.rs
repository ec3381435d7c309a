//! What a supervisor of boards or teams does: starts actors that are wanted, restarts those that fail, ends idle ones.

use crate::hub::Hub;
use crate::hub::family::Kind;
use crate::supervision::{Restarts, STALLED, Verdict, Watch, monotonic, report_failure, report_quarantine};
use homeroom_schema::limits::WATCH_EVERY;
use ractor::{ActorId, ActorProcessingErr, ActorRef, RpcReplyPort, SupervisionEvent};
use std::collections::HashMap;
use std::time::Duration;

/// What a keeper is told.
pub(crate) enum KeeperMsg<K: Kind> {
    /// From the directory: this one was added and has no actor yet.
    Wake(K::Key),
    /// The pause after a failure is over.
    RestartTick(K::Key),
    /// Time to end those that hang.
    WatchTick,
    /// Time to put idle ones away.
    SweepTick,
    /// Let all finish what they have, end them, answer, and end.
    Stop {
        /// Answered when all have ended.
        reply: RpcReplyPort<()>,
    },
}

/// A keeper's state.
pub(crate) struct Keeper<K: Kind> {
    hub: Hub,
    myself: ActorRef<K::Keep>,
    children: HashMap<ActorId, K::Key>,
    restarts: HashMap<K::Key, Restarts>,
    watch: Watch<ActorId>,
    stopping: Option<RpcReplyPort<()>>,
}

impl<K: Kind> Keeper<K> {
    /// A new keeper, or the next life of one: then it wakes everything that the directory holds.
    pub(crate) async fn start(myself: ActorRef<K::Keep>, hub: Hub) -> Self {
        let mut keeper = Self {
            hub,
            myself: myself.clone(),
            children: HashMap::new(),
            restarts: HashMap::new(),
            watch: Watch::default(),
            stopping: None,
        };
        let family = K::family(&keeper.hub);
        family.set_keeper(myself);
        for key in family.keys() {
            if let Some(handle) = K::family(&keeper.hub).get(key) {
                handle.gate.lose();
            }
            keeper.spawn(key).await;
        }
        keeper.sweep_later();
        drop(keeper.myself.send_interval(WATCH_EVERY, || KeeperMsg::WatchTick.into()));
        keeper
    }

    pub(crate) async fn handle(&mut self, message: KeeperMsg<K>) {
        match message {
            KeeperMsg::Wake(key) | KeeperMsg::RestartTick(key) => self.spawn(key).await,
            KeeperMsg::WatchTick => self.end_stalled(),
            KeeperMsg::SweepTick => self.sweep(),
            KeeperMsg::Stop { reply } => self.stop(reply),
        }
    }

    /// A child started, ended or failed. Never ends the keeper.
    pub(crate) fn child_event(&mut self, event: SupervisionEvent) {
        match event {
            SupervisionEvent::ActorFailed(child, cause) => self.child_ended(child.get_id(), &cause.to_string()),
            SupervisionEvent::ActorTerminated(child, _, reason) => {
                self.child_ended(child.get_id(), reason.as_deref().unwrap_or("it ended"));
            }
            SupervisionEvent::ActorStarted(_) | SupervisionEvent::ProcessGroupChanged(_) => {}
        }
    }

    async fn spawn(&mut self, key: K::Key) {
        let Some(handle) = K::family(&self.hub).get(key) else {
            return;
        };
        // A wake may come twice: from the directory, and from the next life of this keeper.
        if self.stopping.is_some()
            || handle
                .actor()
                .is_some_and(|actor| self.children.contains_key(&actor.get_id()))
        {
            return;
        }
        handle.set_quarantined(false);
        match K::spawn(self.hub.clone(), handle.clone(), self.myself.get_cell()).await {
            Ok(actor) => {
                self.children.insert(actor.get_id(), key);
                handle.set_actor(Some(actor));
                // Marks that came before the actor could be reached have woken nobody.
                handle.look();
            }
            Err(error) => self.failed(key, &error.to_string()),
        }
    }

    fn child_ended(&mut self, child: ActorId, cause: &str) {
        let Some(key) = self.children.remove(&child) else {
            return;
        };
        if self.stopping.is_some() {
            return self.end_if_done();
        }
        let current = K::family(&self.hub)
            .get(key)
            .is_some_and(|handle| handle.actor().is_some_and(|actor| actor.get_id() == child));
        // Otherwise it was put away, and that is its end.
        if current {
            self.failed(key, cause);
        }
    }

    fn failed(&mut self, key: K::Key, cause: &str) {
        let Some(handle) = K::family(&self.hub).get(key) else {
            return;
        };
        handle.set_actor(None);
        handle.pulse.end();
        handle.gate.lose();
        report_failure(K::NAME, cause);
        let now = monotonic();
        let pause = match self.restarts.entry(key).or_default().failed(now) {
            Verdict::RestartAfter(pause) => pause,
            Verdict::Quarantined { until } => {
                report_quarantine(K::NAME, &K::topic(key), cause);
                handle.set_quarantined(true);
                until.duration_since(now)
            }
        };
        self.myself
            .send_after(pause, move || KeeperMsg::RestartTick(key).into());
    }

    /// Ends who hangs; it is restarted like one that failed.
    fn end_stalled(&mut self) {
        let family = K::family(&self.hub);
        let handles = self
            .children
            .iter()
            .filter_map(|(id, key)| Some((*id, family.get(*key)?)));
        let handles: Vec<_> = handles.collect();
        let stalled = self.watch.look(handles.iter().map(|(id, handle)| (*id, &handle.pulse)));
        if stalled.is_empty() || self.stopping.is_some() {
            return;
        }
        drop(handles);
        for child in self.myself.get_children() {
            if stalled.contains(&child.get_id()) {
                child.kill();
                self.child_ended(child.get_id(), STALLED);
            }
        }
    }

    fn sweep(&mut self) {
        if self.stopping.is_some() {
            return;
        }
        let now = monotonic();
        let family = K::family(&self.hub);
        for key in family.keys() {
            if let Some(handle) = family.put_away(key, now, self.hub.idle())
                && let Some(actor) = handle.actor()
            {
                // It finishes what it was told; nobody can tell it anything more.
                let _ = actor.drain();
            }
        }
        self.restarts.retain(|_, restarts| !restarts.is_clean(now));
        self.sweep_later();
    }

    fn sweep_later(&self) {
        let pause = (self.hub.idle() / 4).max(Duration::from_secs(1));
        self.myself.send_after(pause, || KeeperMsg::SweepTick.into());
    }

    fn stop(&mut self, reply: RpcReplyPort<()>) {
        self.stopping = Some(reply);
        for child in self.myself.get_children() {
            let _ = child.drain();
        }
        self.end_if_done();
    }

    fn end_if_done(&mut self) {
        if !self.children.is_empty() {
            return;
        }
        if let Some(reply) = self.stopping.take() {
            let _ = reply.send(());
            let _ = self.myself.drain();
        }
    }
}

/// The `Err` that an actor ends itself with: restart me.
pub(crate) fn restart_me(cause: impl std::fmt::Display) -> ActorProcessingErr {
    cause.to_string().into()
}
