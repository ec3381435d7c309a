//! I5 as a property: awards, subscriptions, broken connections, positions to go on from and restarts in any order; on every topic
//! of every client there is no gap and no repeat, or the client is told. Fewer kinds of steps than a seed has, and found by
//! proptest, which makes failures short by itself.

use super::plan::{Deed, Plan, Step, Wish};
use super::simulate::play;
use proptest::prelude::*;

const PEOPLE: u64 = 2;
/// A service, a student, a mentor, a projector, and a second service.
const CLIENTS: usize = 5;

/// User topics, boards, teams.
fn topic() -> impl Strategy<Value = String> {
    let names = ["user:1", "user:2", "board:all", "board:teams", "board:team:1", "team:1"];
    prop::sample::select(names.to_vec()).prop_map(str::to_owned)
}

fn topics() -> impl Strategy<Value = Vec<String>> {
    prop::collection::btree_set(topic(), 1..4).prop_map(|topics| topics.into_iter().collect())
}

fn step() -> impl Strategy<Value = Step> {
    let deed = |deed: Deed| (0..CLIENTS).prop_map(move |client| Step::Client(client, deed.clone()));
    let publish = (1..=PEOPLE).prop_map(|user| {
        let wish = Wish::Earn {
            user,
            action: "read_content".into(),
            reference: 0,
        };
        Step::Client(0, Deed::Send(0, wish))
    });
    prop_oneof![
        10 => publish,
        5 => (0..CLIENTS, topics()).prop_map(|(client, topics)| Step::Client(client, Deed::Subscribe(topics))),
        2 => (0..CLIENTS, topics()).prop_map(|(client, topics)| Step::Client(client, Deed::Unsubscribe(topics))),
        3 => deed(Deed::Cut),
        1 => (0..CLIENTS, 1_u64..5_000).prop_map(|(client, ms)| Step::Client(client, Deed::Away(ms))),
        5 => (0_u64..1_500).prop_map(Step::Wait),
        1 => (0_u64..1_000).prop_map(Step::Restart),
        1 => (0_u64..1_000).prop_map(Step::Kill),
    ]
}

/// Gives every command a number and a reference of its own.
fn numbered(seed: u64, mut steps: Vec<Step>) -> Plan {
    let mut next = 0;
    for step in &mut steps {
        if let Step::Client(_, Deed::Send(number, Wish::Earn { reference, .. })) = step {
            next += 1;
            *number = next;
            *reference = 1_000 + next;
        }
    }
    Plan {
        seed,
        people: PEOPLE,
        clients: CLIENTS,
        steps,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn i5_every_topic_has_no_gap_and_no_repeat_or_the_client_is_told(
        seed in any::<u64>(),
        steps in prop::collection::vec(step(), 5..60),
    ) {
        let plan = numbered(seed, steps);
        if let Err(why) = play(&plan) {
            prop_assert!(false, "{}\n{}", why, plan);
        }
    }
}
