//! Analytics as pure counts: parts and wholes agree, order does not matter, and what is cut off is not counted.

use homeroom_actors::domain::Action;
use homeroom_actors::domain::analytics::engagement::EngagementCount;
use homeroom_actors::domain::analytics::mastery::SkillOutcome;
use homeroom_actors::domain::analytics::outcomes::{Learners, Outcomes, OutcomesCount};
use homeroom_actors::domain::analytics::resources::ResourcesCount;
use homeroom_actors::domain::analytics::success::SuccessCount;
use homeroom_actors::domain::analytics::{AwardFact, Buckets, CatalogueUnit, Fact, ProgressFact, Scope, What};
use homeroom_actors::domain::rules::Rules;
use homeroom_schema::{EventId, QualificationId, ReferenceId, TimeMs, UnitId, UserId};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
const END: i64 = 12 * DAY;

fn what() -> impl Strategy<Value = What> {
    let award = (prop::sample::select(&Action::ALL), 1..9_u64, 0..=10_u8, 1..5_u64);
    let award = award.prop_map(|(action, reference, tenths, unit)| {
        What::Award(AwardFact {
            action,
            reference: ReferenceId::new(reference).unwrap(),
            unit: UnitId::new(unit).ok(),
            qualification: QualificationId::new(1).ok(),
            score: Some(f64::from(tenths) / 10.0),
            quality: Some(0.5),
            rating: Some(1 + tenths % 5),
            resource: None,
            is_reversed: false,
        })
    });
    let progress = (1..5_u64, any::<bool>()).prop_map(|(unit, is_done)| {
        What::Progress(ProgressFact {
            unit: UnitId::new(unit).unwrap(),
            progress_percentage: if is_done { 100 } else { 50 },
            // Mended below: the moment of the fact.
            completed_at: is_done.then_some(TimeMs(0)),
        })
    });
    prop_oneof![award, progress]
}

fn facts() -> impl Strategy<Value = Vec<Fact>> {
    prop::collection::vec((1..6_u64, 0..END, what()), 0..120).prop_map(|facts| {
        let facts = (1..).zip(facts).map(|(event_id, (user, at, what))| Fact {
            event_id: EventId::new(event_id).unwrap(),
            user_id: UserId::new(user).unwrap(),
            occurred_at: TimeMs(at),
            what: match what {
                What::Progress(progress) => What::Progress(ProgressFact {
                    completed_at: progress.completed_at.map(|_| TimeMs(at)),
                    ..progress
                }),
                award @ What::Award(_) => award,
            },
        });
        facts.collect()
    })
}

fn cut(range: (i64, i64), step: i64) -> Buckets {
    let cuts = (0..).map(|place| TimeMs(place * step)).take_while(|at| at.0 < range.1);
    Buckets::new(TimeMs(range.0)..TimeMs(range.1), cuts)
}

fn outcomes(range: (i64, i64), facts: &[Fact]) -> Outcomes {
    let unit = |skill: &str| CatalogueUnit {
        qualification: QualificationId::new(1).ok(),
        skills: vec![Arc::from(skill)],
        counts: true,
    };
    let catalogue = (1..5).map(|id| (UnitId::new(id).unwrap(), unit(if id < 3 { "low" } else { "high" })));
    let mut count = OutcomesCount::new(Scope {
        range: TimeMs(range.0)..TimeMs(range.1),
        people: None,
        qualification: None,
        catalogue: Arc::new(catalogue.collect()),
    });
    facts.iter().for_each(|fact| count.take(fact));
    let courses = |_: UserId| vec![QualificationId::MIN];
    let learners = Learners {
        of: BTreeMap::from([(QualificationId::MIN, 5)]),
        courses: &courses,
    };
    count.finish(&learners, &Rules::shipped())
}

fn range() -> impl Strategy<Value = (i64, i64)> {
    (0..END - 1).prop_flat_map(|from| (Just(from), from + 1..=END))
}

proptest! {
    #[test]
    fn engagement_of_the_parts_adds_up(facts in facts(), range in range()) {
        let count = || EngagementCount::new(cut(range, DAY), cut(range, DAY), TimeMs(END));
        let mut forwards = count();
        facts.iter().for_each(|fact| forwards.take(fact));
        let found = forwards.finish();
        let mut backwards = count();
        facts.iter().rev().for_each(|fact| backwards.take(fact));
        prop_assert_eq!(&backwards.finish(), &found, "the order in which facts were kept does not matter");
        let sum = |of: fn(&homeroom_actors::domain::analytics::engagement::EngagementPart) -> usize| found.buckets.iter().map(of).sum::<usize>();
        prop_assert_eq!(sum(|part| part.new), found.total.new);
        prop_assert_eq!(sum(|part| part.sessions), found.total.sessions);
        prop_assert!(sum(|part| part.active_minutes) >= found.total.active_minutes);
        prop_assert!(sum(|part| part.active) >= found.total.active);
        for part in found.buckets.iter().chain([&found.total]) {
            prop_assert_eq!(part.new + part.returning, part.active);
        }
        prop_assert_eq!(found.longest_streaks.people, found.total.active, "whoever was active has a longest streak");
        prop_assert!(found.current_streaks.people <= found.longest_streaks.people);
        prop_assert!(found.current_streaks.max <= found.longest_streaks.max);
        prop_assert!(found.longest_streaks.max as usize <= found.buckets.len());
    }

    #[test]
    fn outcomes_only_know_what_was_before_their_end(facts in facts(), range in range()) {
        let known: Vec<Fact> = facts.iter().filter(|fact| fact.occurred_at.0 < range.1).copied().collect();
        let found = outcomes(range, &facts);
        prop_assert_eq!(&found, &outcomes(range, &known));
        prop_assert_eq!(found.score_bins.iter().sum::<usize>(), found.scores.map_or(0, |scores| scores.count));
        for unit in &found.units {
            prop_assert!(unit.completed_in_range <= unit.completed && unit.completed <= unit.begun);
        }
        let course = &found.qualifications[0];
        prop_assert!(course.completed <= course.begun && course.begun <= course.learners);
        for SkillOutcome { learners, mastery_before, mastery_after, .. } in &found.skills {
            prop_assert!(*learners > 0 && (0.0..=1.0).contains(mastery_before) && (0.0..=1.0).contains(mastery_after));
        }
        // A range that begins where it ends for learning has nothing before it.
        let from_the_start = outcomes((-1, range.1), &facts);
        for skill in &from_the_start.skills {
            prop_assert!((skill.mastery_before - 0.2).abs() < 1e-12, "nobody has shown anything yet");
        }
    }

    #[test]
    fn success_and_use_of_the_parts_add_up(facts in facts(), range in range()) {
        let mut success = SuccessCount::new(cut(range, DAY), 0.6, TimeMs(END));
        let mut resources = ResourcesCount::new(cut(range, HOUR));
        for fact in &facts {
            success.take(fact);
            resources.take(fact);
        }
        let (success, resources) = (success.finish(), resources.finish());
        prop_assert_eq!(success.buckets.iter().map(|part| part.quizzes).sum::<usize>(), success.total.quizzes);
        prop_assert_eq!(success.items.iter().map(|item| item.results.passed).sum::<usize>(), success.total.passed);
        for item in &success.items {
            prop_assert!(item.discrimination.is_none_or(|number| (-1.0..=1.0).contains(&number)));
        }
        for unit in &success.units {
            prop_assert!(unit.completed + unit.dropped <= unit.begun);
        }
        prop_assert_eq!(resources.buckets.iter().map(|part| part.reads).sum::<usize>(), resources.total.reads);
        prop_assert_eq!(resources.resources.iter().map(|(_, used)| used.reads).sum::<usize>(), resources.total.reads);
        prop_assert!(resources.resources.iter().all(|(_, used)| used.readers <= used.reads));
    }
}
