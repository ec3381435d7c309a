//! Who is here in a team: sessions, grace time, folding, pages and bounds.
#![allow(clippy::unwrap_used, reason = "helpers of tests; a panic is the report")]

use homeroom_actors::domain::presence::{Presence, PresenceChange, Seat};
use homeroom_schema::limits::{PRESENCE_GRACE_MS, PRESENCE_PEOPLE_MAX, PRESENCE_SESSIONS_MAX};
use homeroom_schema::{TimeMs, UserId};

fn user(id: u64) -> UserId {
    UserId::new(id).unwrap()
}

fn change(joined: &[u64], left: &[u64], count: usize) -> Option<PresenceChange> {
    let users = |ids: &[u64]| ids.iter().map(|id| user(*id)).collect();
    Some(PresenceChange {
        joined: users(joined),
        left: users(left),
        count,
    })
}

#[test]
fn several_sessions_of_one_person_count_once() {
    let mut here = Presence::default();
    assert!(here.open(user(7), Seat(1)) && here.open(user(7), Seat(2)) && here.open(user(7), Seat(2)));
    assert_eq!(here.fold(TimeMs(0)), change(&[7], &[], 1));
    here.close(user(7), Seat(1), TimeMs(0));
    assert_eq!(here.next_leave(), None, "one is still open");
    assert_eq!(here.fold(TimeMs(1_000_000)), None);
    here.close(user(7), Seat(2), TimeMs(1_000_000));
    assert_eq!(here.fold(TimeMs(1_000_000 + PRESENCE_GRACE_MS)), change(&[], &[7], 0));
    assert!(here.is_idle());
}

#[test]
fn a_reconnect_within_the_grace_time_shows_nothing() {
    let mut here = Presence::default();
    here.open(user(7), Seat(1));
    here.fold(TimeMs(0));
    here.close(user(7), Seat(1), TimeMs(10));
    assert_eq!(here.next_leave(), Some(TimeMs(10 + PRESENCE_GRACE_MS)));
    assert_eq!(here.fold(TimeMs(9 + PRESENCE_GRACE_MS)), None, "not yet over");
    here.open(user(7), Seat(2));
    assert_eq!(here.next_leave(), None);
    assert_eq!(here.fold(TimeMs(1_000_000)), None);
    // The first session's end, told again, ends nothing.
    here.close(user(7), Seat(1), TimeMs(1_000_000));
    assert_eq!(here.next_leave(), None);
}

#[test]
fn whoever_leaves_the_team_is_gone_at_once() {
    let mut here = Presence::default();
    here.open(user(7), Seat(1));
    here.open(user(8), Seat(2));
    here.fold(TimeMs(0));
    here.remove(user(7));
    assert_eq!(here.fold(TimeMs(0)), change(&[], &[7], 1));
    here.close(user(7), Seat(1), TimeMs(0));
    assert_eq!(
        here.next_leave(),
        None,
        "a session of somebody removed begins no grace time"
    );
    // In the grace time, too.
    here.close(user(8), Seat(2), TimeMs(0));
    here.remove(user(8));
    assert_eq!(here.fold(TimeMs(0)), change(&[], &[8], 0));
}

#[test]
fn changes_between_two_folds_are_one_and_may_cancel_out() {
    let mut here = Presence::default();
    for id in [9, 7, 8] {
        here.open(user(id), Seat(id));
    }
    here.remove(user(8));
    assert_eq!(here.fold(TimeMs(0)), change(&[7, 9], &[], 2));
    here.remove(user(7));
    here.open(user(7), Seat(70));
    assert_eq!(here.fold(TimeMs(0)), None, "out and in again");
    here.open(user(8), Seat(80));
    here.remove(user(9));
    assert_eq!(here.fold(TimeMs(0)), change(&[8], &[9], 2));
}

#[test]
fn pages_hold_those_who_were_told_and_end() {
    let mut here = Presence::default();
    for id in 1..=5 {
        here.open(user(id), Seat(id));
    }
    assert_eq!(here.page(None, 9).total, 0, "nobody was told yet");
    here.fold(TimeMs(0));
    let (mut after, mut seen) = (None, Vec::new());
    loop {
        let page = here.page(after, 2);
        assert_eq!(page.total, 5);
        seen.extend(page.people);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, (1..=5).map(user).collect::<Vec<_>>());
    assert_eq!(here.page(None, 5).next, None, "a full last page has none behind it");
}

#[test]
fn people_and_sessions_have_a_bound() {
    let mut here = Presence::default();
    for seat in 0..PRESENCE_SESSIONS_MAX as u64 {
        assert!(here.open(user(1), Seat(seat)));
    }
    assert!(!here.open(user(1), Seat(1_000_000)), "one session too many");
    assert!(here.open(user(1), Seat(0)), "a known one is no further one");
    for id in 2..=PRESENCE_PEOPLE_MAX as u64 {
        assert!(here.open(user(id), Seat(0)));
    }
    assert!(!here.open(user(1_000_000), Seat(0)), "one person too many");
    assert_eq!(here.fold(TimeMs(0)).unwrap().count, PRESENCE_PEOPLE_MAX);
}
