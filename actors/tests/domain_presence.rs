//! Who is here in a team: grace time, folding and pages.

use homeroom_actors::domain::presence::{Presence, PresenceChange};
use homeroom_schema::UserId;
use homeroom_schema::limits::PRESENCE_GRACE_MS;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

fn user(id: u64) -> UserId {
    UserId::new(id).unwrap()
}

fn change(joined: &[u64], left: &[u64]) -> Option<PresenceChange> {
    let users = |ids: &[u64]| ids.iter().map(|id| user(*id)).collect();
    Some(PresenceChange {
        joined: users(joined),
        left: users(left),
    })
}

#[test]
fn a_return_within_the_grace_time_shows_nothing() {
    let mut here = Presence::default();
    here.see(user(7), true, 0);
    assert_eq!(here.fold(0), change(&[7], &[]));
    here.see(user(7), false, 10);
    here.see(user(7), false, 20);
    assert_eq!(
        here.next_leave_ms(),
        Some(10 + PRESENCE_GRACE_MS),
        "the first word counts"
    );
    assert_eq!(here.fold(9 + PRESENCE_GRACE_MS), None);
    here.see(user(7), true, 9 + PRESENCE_GRACE_MS);
    assert_eq!(here.next_leave_ms(), None);
    assert_eq!(here.fold(u64::MAX), None);
    here.see(user(7), false, 100_000);
    assert_eq!(here.fold(100_000 + PRESENCE_GRACE_MS), change(&[], &[7]));
    assert_eq!(here.count(), 0);
}

#[test]
fn who_is_no_member_any_more_is_gone_at_once() {
    let mut here = Presence::default();
    for id in 1..=4 {
        here.see(user(id), true, 0);
    }
    here.fold(0);
    here.see(user(2), false, 0);
    here.keep_only(&[user(1), user(4)]);
    assert_eq!(here.fold(0), change(&[], &[2, 3]));
    assert_eq!(here.next_leave_ms(), None);
    here.remove(user(9));
    assert_eq!(here.fold(0), None);
}

#[test]
fn whoever_came_and_went_between_two_messages_was_never_there() {
    let mut here = Presence::default();
    here.see(user(1), true, 0);
    here.remove(user(1));
    here.see(user(2), true, 0);
    assert_eq!(here.fold(0), change(&[2], &[]));
}

#[test]
fn pages_go_through_all_in_order() {
    let mut here = Presence::default();
    (1..=7).for_each(|id| here.see(user(id), true, 0));
    assert_eq!(here.page(None, 10).count, 0, "nobody was told yet");
    here.fold(0);
    let (mut after, mut seen) = (None, Vec::new());
    loop {
        let page = here.page(after, 3);
        assert_eq!(page.count, 7);
        seen.extend(page.people.iter().map(|id| id.get()));
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    assert_eq!(seen, [1, 2, 3, 4, 5, 6, 7]);
}

/// What may happen to one of a few people.
#[derive(Debug, Clone)]
enum Step {
    See(u64, bool),
    Remove(u64),
    Fold,
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1..6_u64, any::<bool>()).prop_map(|(id, is_here)| Step::See(id, is_here)),
        1 => (1..6_u64).prop_map(Step::Remove),
        3 => Just(Step::Fold),
        3 => (0..2 * PRESENCE_GRACE_MS).prop_map(Step::Pass),
    ]
}

proptest! {
    /// Against a naive model: here is who has a session, or had one less than the grace time ago; what is told adds up to it.
    #[test]
    fn what_is_told_adds_up_to_who_is_here(steps in prop::collection::vec(step(), 1..80)) {
        let (mut here, mut now) = (Presence::default(), 0);
        // By person: no end yet, or when the last session ended.
        let mut model: BTreeMap<u64, Option<u64>> = BTreeMap::new();
        let mut told = BTreeSet::new();
        for step in steps.into_iter().chain([Step::Fold]) {
            match step {
                Step::See(id, true) => {
                    here.see(user(id), true, now);
                    model.insert(id, None);
                }
                Step::See(id, false) => {
                    here.see(user(id), false, now);
                    if let Some(end @ None) = model.get_mut(&id) {
                        *end = Some(now);
                    }
                }
                Step::Remove(id) => {
                    here.remove(user(id));
                    model.remove(&id);
                }
                Step::Pass(ms) => now += ms,
                Step::Fold => {
                    if let Some(change) = here.fold(now) {
                        for id in change.joined {
                            prop_assert!(told.insert(id.get()), "{id} joined twice");
                        }
                        for id in change.left {
                            prop_assert!(told.remove(&id.get()), "{id} left without having been there");
                        }
                    }
                    model.retain(|_, end| end.is_none_or(|end| now < end + PRESENCE_GRACE_MS));
                    prop_assert_eq!(&told, &model.keys().copied().collect::<BTreeSet<_>>());
                    prop_assert_eq!(here.count(), told.len());
                    let soonest = model.values().flatten().min().map(|end| end + PRESENCE_GRACE_MS);
                    prop_assert_eq!(here.next_leave_ms(), soonest);
                }
            }
        }
    }
}
