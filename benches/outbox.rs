//! From a message published to every session holding its frame: wake, read, share the encoding. No sockets.

#[path = "support/quick.rs"]
mod quick;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use futures_util::task::noop_waker;
use homeroom_actors::topics::{Inbox, Position, TopicRead};
use homeroom_actors::{Entry, Lens, Message, Topic, TopicName};
use homeroom_schema::TeamId;
use std::hint::black_box;
use std::sync::Arc;
use std::task::{Context, Poll};

/// Messages that a session takes at once.
const PAGE: usize = 64;

/// A session without a socket: an ear and how far it has read.
struct Session {
    inbox: Arc<Inbox>,
    position: Position,
}

impl Session {
    /// Takes all that is there; the bytes of the frames.
    fn take(&mut self, topic: &Topic) -> usize {
        let waker = noop_waker();
        let Poll::Ready(slots) = self.inbox.poll_ready(&mut Context::from_waker(&waker)) else {
            return 0;
        };
        let mut bytes = 0;
        for _ in slots {
            let TopicRead::Entries(entries) = topic.read_after(&self.position, PAGE) else {
                panic!("the ring holds what was just published");
            };
            for entry in entries {
                let frame: Arc<str> = entry.encoded(Lens::Peer, |_| "x".repeat(220).into());
                bytes += frame.len();
                self.position.offset = entry.offset;
            }
        }
        bytes
    }
}

fn fan_out(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("outbox");
    let team_id = TeamId::MIN;
    let name = TopicName::Presence(team_id);
    for sessions in [30_u64, 1_000] {
        for burst in [1_u64, 16] {
            let epoch: Arc<str> = "1f0c2a".into();
            let topic = Topic::new(name, Arc::clone(&epoch), 0);
            let mut listeners: Vec<Session> = (0..sessions)
                .map(|_| Session {
                    inbox: Inbox::new(),
                    position: Position {
                        epoch: Arc::clone(&epoch),
                        offset: 0,
                    },
                })
                .collect();
            for session in &listeners {
                topic.attach(&session.inbox, 0);
            }
            let mut head = 0;
            group.throughput(Throughput::Elements(sessions * burst));
            group.bench_function(BenchmarkId::new(format!("{sessions}_sessions"), burst), |bencher| {
                bencher.iter(|| {
                    for _ in 0..burst {
                        head += 1;
                        let message = Message::Presence {
                            team_id,
                            joined: Vec::new(),
                            left: Vec::new(),
                            count: 1,
                        };
                        topic.publish(Arc::new(Entry::new(head, message)));
                    }
                    let bytes: usize = listeners.iter_mut().map(|session| session.take(&topic)).sum();
                    assert!(bytes > 0, "everybody heard of it");
                    black_box(bytes)
                });
            });
        }
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = quick::quick();
    targets = fan_out
}
criterion_main!(benches);
