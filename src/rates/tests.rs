//! Budgets on a clock that stands still: what they hold, how they refill, who shares one.

use super::*;
use axum::http::HeaderMap;
use governor::clock::FakeRelativeClock;
use homeroom_schema::{TokenId, UserId};

fn rates() -> (Rates<FakeRelativeClock>, FakeRelativeClock) {
    let clock = FakeRelativeClock::default();
    (Rates::with_clock(&RateSettings::default(), clock.clone()), clock)
}

fn caller(role: TokenRole, token: u64, person: Option<u64>) -> Principal {
    Principal {
        token_id: TokenId::new(token).unwrap(),
        role,
        user_id: person.map(|id| UserId::new(id).unwrap()),
        expires_at: None,
    }
}

/// How many go through until one is refused.
fn taken(rates: &Rates<FakeRelativeClock>, caller: &Principal, work: Work) -> usize {
    (0..5_000).take_while(|_| rates.take(caller, work).is_ok()).count()
}

#[test]
fn each_role_has_the_budgets_of_its_settings() {
    let (rates, _) = rates();
    for (role, person, reads, writes) in [
        (TokenRole::Student, Some(1), 100, 40),
        (TokenRole::Mentor, Some(2), 500, 200),
        (TokenRole::Projector, None, 500, 0),
        (TokenRole::Service, None, 5_000, 5_000),
        (TokenRole::Admin, None, 5_000, 5_000),
    ] {
        let caller = caller(role, 1, person);
        assert_eq!(taken(&rates, &caller, Work::Read), reads, "{role:?}");
        assert_eq!(taken(&rates, &caller, Work::Write), writes, "{role:?}");
    }
}

#[test]
fn one_person_has_one_budget_and_tokens_without_a_person_one_each() {
    let (rates, _) = rates();
    let (one, other) = (
        caller(TokenRole::Student, 1, Some(7)),
        caller(TokenRole::Student, 2, Some(7)),
    );
    assert_eq!(taken(&rates, &one, Work::Write), 40);
    assert_eq!(
        taken(&rates, &other, Work::Write),
        0,
        "another token of the same person"
    );
    assert_eq!(taken(&rates, &caller(TokenRole::Student, 1, Some(8)), Work::Write), 40);
    let screens = [
        caller(TokenRole::Projector, 1, None),
        caller(TokenRole::Projector, 2, None),
    ];
    assert_eq!(taken(&rates, &screens[0], Work::Read), 500);
    assert_eq!(taken(&rates, &screens[1], Work::Read), 500);
}

#[test]
fn a_budget_refills_steadily_and_says_how_it_stands() {
    let (rates, clock) = rates();
    let student = caller(TokenRole::Student, 1, Some(7));
    let first = rates.take(&student, Work::Write).unwrap().unwrap();
    assert_eq!((first.remaining, first.full_in_s), (39, 1));
    assert_eq!(taken(&rates, &student, Work::Write), 39);
    let over = rates.take(&student, Work::Write).unwrap_err();
    assert_eq!((over.problem.status, over.problem.code), (429, "rate_limited"));
    assert_eq!(over.problem.retry_after, Some(1));
    let mut headers = HeaderMap::new();
    over.standing.put(&mut headers);
    assert_eq!(headers["ratelimit-policy"], "\"writes\";q=40;w=2");
    assert_eq!(headers["ratelimit"], "\"writes\";r=0;t=2");
    clock.advance(Duration::from_secs(1));
    assert_eq!(taken(&rates, &student, Work::Write), 20, "what a second brings");
    clock.advance(Duration::from_secs(60));
    assert_eq!(taken(&rates, &student, Work::Write), 40, "no more than the burst");
}

#[test]
fn idle_callers_are_forgotten_and_busy_ones_are_not() {
    let (rates, clock) = rates();
    for person in 1..=1_000 {
        rates
            .take(&caller(TokenRole::Student, 1, Some(person)), Work::Write)
            .unwrap();
    }
    assert_eq!(rates.callers(), 1_000);
    clock.advance(RATE_SWEEP_EVERY);
    let busy = caller(TokenRole::Student, 1, Some(7));
    assert_eq!(taken(&rates, &busy, Work::Write), 40);
    rates.sweep();
    assert_eq!(rates.callers(), 1, "only the busy one is kept");
    assert_eq!(taken(&rates, &busy, Work::Write), 0, "and is still over the limit");
}
