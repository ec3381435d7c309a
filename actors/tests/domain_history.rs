//! Random histories of one learner: replay, snapshots, sums, refusals and progress hold after every step (I2, I3, I4, I6).

use homeroom_actors::domain::action::{Action, Evidence};
use homeroom_actors::domain::carried::Carried;
use homeroom_actors::domain::event::{EventMeta, LearnerEvent};
use homeroom_actors::domain::learner::Learner;
use homeroom_actors::domain::rules::NextPeriods;
use homeroom_actors::domain::{
    AwardRef, Command, Decision, Earn, Progress, Rejection, Rules, decide, evolve, invariants,
};
use homeroom_schema::{EventId, QualificationId, ReferenceId, TeamId, TimeMs, UnitId, UserId, Version};
use proptest::prelude::*;

type Kept = (LearnerEvent, EventMeta);

/// A wish as a generator makes it: awards are named by their place, because their ids are not known yet.
#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant, reason = "a few dozen at a time")]
enum Wish {
    Earn(Earn),
    Progress(Progress),
    Reverse { nth: usize, is_stale: bool },
    Reinstate { nth: usize },
}

fn reference(value: u64) -> ReferenceId {
    ReferenceId::new(value).unwrap()
}

fn evidence() -> impl Strategy<Value = Evidence> {
    let share = || prop::option::of(prop_oneof![Just(1.0), Just(0.8), 0.0..=1.0_f64]);
    (
        share(),
        share(),
        prop::option::of(any::<u64>()),
        prop::option::of(1_u8..=5),
    )
        .prop_map(|(score, quality, duration_ms, rating)| Evidence {
            score,
            duration_ms,
            quality,
            rating,
            ..Evidence::default()
        })
}

fn earn() -> impl Strategy<Value = Earn> {
    let unit = prop::option::of((1_u64..4).prop_map(|id| UnitId::new(id).unwrap()));
    let qualification = prop::option::of((1_u64..3).prop_map(|id| QualificationId::new(id).unwrap()));
    let teams = prop::collection::vec((1_u64..3).prop_map(|id| TeamId::new(id).unwrap()), 0..2);
    (
        prop::sample::select(&Action::ALL[..]),
        1_u64..6,
        unit,
        qualification,
        teams,
        evidence(),
        -200_000_i64..200_000,
    )
        .prop_map(|(action, id, unit, qualification, teams, evidence, at)| Earn {
            action,
            reference: reference(id),
            unit,
            qualification,
            teams,
            evidence,
            par_ms: None,
            occurred_at: TimeMs(at),
            day: i32::try_from(at.div_euclid(100_000)).unwrap(),
            next: NextPeriods::default(),
        })
}

fn wish() -> impl Strategy<Value = Wish> {
    let progress = (1_u64..4, 0_u8..=110, -200_000_i64..200_000).prop_map(|(unit, progress_percentage, at)| Progress {
        unit: UnitId::new(unit).unwrap(),
        progress_percentage,
        occurred_at: TimeMs(at),
    });
    prop_oneof![
        5 => earn().prop_map(Wish::Earn),
        3 => progress.prop_map(Wish::Progress),
        2 => (any::<usize>(), prop::bool::weighted(0.1)).prop_map(|(nth, is_stale)| Wish::Reverse { nth, is_stale }),
        1 => any::<usize>().prop_map(|nth| Wish::Reinstate { nth }),
    ]
}

fn command(learner: &Learner, wish: Wish) -> Command {
    let none = (EventId::MAX, (Action::ReadContent, ReferenceId::MAX));
    let pick = |nth: usize| {
        let award = learner.awards.iter().nth(nth % learner.awards.len().max(1));
        award.map_or(none, |(key, award)| (award.event_id, *key))
    };
    match wish {
        Wish::Earn(earn) => Command::Earn(earn),
        Wish::Progress(progress) => Command::Progress(progress),
        Wish::Reverse { nth, is_stale } => {
            let (award, key) = pick(nth);
            Command::Reverse(award_ref(if is_stale { EventId::MAX } else { award }, key))
        }
        Wish::Reinstate { nth } => {
            let (award, key) = pick(nth);
            Command::Reinstate(award_ref(award, key))
        }
    }
}

fn award_ref(award: EventId, key: (Action, ReferenceId)) -> AwardRef {
    AwardRef {
        award,
        key,
        teams: Vec::new(),
        evidence: Evidence::default(),
    }
}

/// Rules with an action worth nothing, so that entries of no points are met too.
fn rules(is_shipped: bool) -> Rules {
    if is_shipped {
        Rules::shipped()
    } else {
        Rules::with_points(2, [0, 50, 25, 1, u32::MAX])
    }
}

/// The state of any prefix as one fact, in JSON and back, with the rest after it, gives the same state.
fn carried_replays_equal(stream: &[Kept], states: &[Learner], place: usize) -> Result<(), TestCaseError> {
    let place = place % stream.len().max(1);
    let Some((_, meta)) = stream.get(place) else {
        return Ok(());
    };
    let state = &states[place + 1];
    let fact = LearnerEvent::StateCarried {
        state: Box::new(Carried::of(state)),
        entries: Vec::new(),
        occurred_at: TimeMs(0),
    };
    let fact: LearnerEvent = serde_json::from_str(&serde_json::to_string(&fact).unwrap()).unwrap();
    let LearnerEvent::StateCarried { state: carried, .. } = fact else {
        unreachable!("it is one")
    };
    let mut replayed = carried.restored(state.user_id, meta.version);
    prop_assert_eq!(text(&replayed), text(state));
    for (event, meta) in &stream[place + 1..] {
        evolve(&mut replayed, event, *meta);
    }
    prop_assert_eq!(text(&replayed), text(states.last().unwrap()));
    Ok(())
}

fn new_learner() -> Learner {
    Learner::new(UserId::new(7).unwrap())
}

/// Every field, floats to the last bit that matters: equal texts are equal states.
fn text(learner: &Learner) -> String {
    format!("{learner:?}")
}

/// Plays wishes; checks every step; gives the final state, all that was kept, and the state after each kept fact.
fn play(wishes: Vec<Wish>, rules: &Rules) -> Result<(Learner, Vec<Kept>, Vec<Learner>), TestCaseError> {
    let (mut learner, mut stream, mut states) = (new_learner(), Vec::<Kept>::new(), vec![new_learner()]);
    for wish in wishes {
        let command = command(&learner, wish);
        let decision = decide(&learner, &command, rules);
        prop_assert_eq!(&decision, &decide(&learner, &command, rules), "deciding is pure");
        let Decision::Keep(events) = decision else { continue };
        prop_assert!(!events.is_empty());
        for event in events {
            let before = learner.clone();
            let version = learner.version.plus(1);
            let meta = EventMeta {
                event_id: EventId::new(10 + version.0 * 3).unwrap(),
                version,
            };
            evolve(&mut learner, &event, meta);
            check_step(&before, &event, &learner)?;
            stream.push((event, meta));
            states.push(learner.clone());
        }
    }
    Ok((learner, stream, states))
}

fn check_step(before: &Learner, event: &LearnerEvent, after: &Learner) -> Result<(), TestCaseError> {
    prop_assert_eq!(after.version, before.version.plus(1));
    prop_assert_eq!(invariants::sums_equal_the_ledger(after), Ok(()));
    prop_assert_eq!(invariants::progress_only_rises(before, after), Ok(()));
    prop_assert_eq!(after.level, Rules::shipped().levels.level_of(after.total));
    match event {
        LearnerEvent::PointsRefused { .. } => {
            let unchanged = Learner {
                version: after.version,
                receipts: after.receipts.clone(),
                ..before.clone()
            };
            prop_assert_eq!(&unchanged, after, "a refusal changes receipts and the version alone");
        }
        LearnerEvent::ProgressMade { .. } => {
            let unchanged = Learner {
                version: after.version,
                units: after.units.clone(),
                ..before.clone()
            };
            prop_assert_eq!(&unchanged, after, "progress changes its unit and the version alone");
        }
        _ if after.total != before.total => prop_assert_eq!(after.reached_at, Some(event.occurred_at())),
        _ => prop_assert_eq!(after.reached_at, before.reached_at),
    }
    Ok(())
}

fn wishes() -> impl Strategy<Value = Vec<Wish>> {
    prop::collection::vec(wish(), 0..80)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn i2_replaying_the_stored_stream_gives_the_same_bytes(wishes in wishes(), is_shipped: bool) {
        let (learner, stream, _) = play(wishes, &rules(is_shipped))?;
        prop_assert_eq!(invariants::replay_gives(&learner, &stream), Ok(()));
        let mut replayed = new_learner();
        for (event, meta) in &stream {
            // Through the stored form, as a restart reads it.
            let stored = serde_json::to_string(event).unwrap();
            let read: LearnerEvent = serde_json::from_str(&stored).unwrap();
            prop_assert_eq!(&read, event);
            let tag = format!("\"type\":\"{}\"", event.event_type());
            prop_assert!(stored.contains(&tag), "{stored} is tagged by its type");
            evolve(&mut replayed, &read, *meta);
        }
        prop_assert_eq!(text(&replayed), text(&learner));
    }

    #[test]
    fn i2_a_state_at_any_point_and_its_tail_give_the_same_state(wishes in wishes(), split: prop::sample::Index) {
        let (learner, stream, states) = play(wishes, &Rules::shipped())?;
        let split = split.index(states.len());
        let mut woken = states[split].clone();
        for (event, meta) in &stream[split..] {
            evolve(&mut woken, event, *meta);
        }
        prop_assert_eq!(text(&woken), text(&learner));
    }

    #[test]
    fn i3_i4_keys_are_awarded_once_and_the_total_is_the_sum_of_the_ledger(wishes in wishes(), is_shipped: bool) {
        let (learner, stream, _) = play(wishes, &rules(is_shipped))?;
        prop_assert_eq!(invariants::natural_keys_are_awarded_once(stream.iter().map(|(event, _)| event)), Ok(()));
        let sum: i128 = stream.iter().map(|(event, _)| match event {
            LearnerEvent::PointsAwarded { points, .. } | LearnerEvent::PointsReinstated { points, .. } => {
                i128::from(*points)
            }
            LearnerEvent::PointsReversed { points, .. } => -i128::from(*points),
            _ => 0,
        }).sum();
        prop_assert_eq!(sum, i128::from(learner.total));
    }

    #[test]
    fn i2_a_carried_state_takes_the_place_of_any_beginning(wishes in wishes(), is_shipped: bool, place in any::<usize>()) {
        let (_, stream, states) = play(wishes, &rules(is_shipped))?;
        carried_replays_equal(&stream, &states, place)?;
    }

    #[test]
    fn i6_completion_is_set_once_and_first_arrival_at_100_sets_it(wishes in wishes()) {
        let (learner, stream, _) = play(wishes, &Rules::shipped())?;
        for (unit, progress) in &learner.units {
            let first = stream.iter().find_map(|(event, _)| match event {
                LearnerEvent::ProgressMade { unit: made, progress_percentage: 100, occurred_at, .. } if made == unit => {
                    Some(*occurred_at)
                }
                _ => None,
            });
            prop_assert_eq!(progress.completed_at, first);
        }
    }

    #[test]
    fn a_reversal_is_undone_once_and_then_the_award_stands(wishes in wishes()) {
        let (mut learner, _, _) = play(wishes, &Rules::shipped())?;
        let keys: Vec<_> = learner.awards.iter().map(|(key, award)| (*key, award.event_id)).collect();
        for (key, award) in keys {
            for command in [Command::Reverse(award_ref(award, key)), Command::Reinstate(award_ref(award, key))] {
                if let Decision::Keep(events) = decide(&learner, &command, &Rules::shipped()) {
                    let version = learner.version.plus(1);
                    evolve(&mut learner, &events[0], EventMeta { event_id: EventId::MAX, version });
                }
            }
            let rejected = Decision::Rejected(Rejection::AlreadyReinstated);
            prop_assert_eq!(decide(&learner, &Command::Reverse(award_ref(award, key)), &Rules::shipped()), rejected.clone());
            prop_assert_eq!(decide(&learner, &Command::Reinstate(award_ref(award, key)), &Rules::shipped()), rejected);
        }
        prop_assert_eq!(learner.total, learner.awards.values().map(|award| u64::from(award.points)).sum::<u64>());
        prop_assert_eq!(invariants::sums_equal_the_ledger(&learner), Ok(()));
    }
}

#[test]
fn the_version_of_a_new_learner_is_zero_and_nothing_is_reached() {
    let learner = new_learner();
    assert_eq!(
        (learner.version, learner.total, learner.level, learner.reached_at),
        (Version::ZERO, 0, 1, None)
    );
}
