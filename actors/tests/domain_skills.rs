//! Bayesian knowledge tracing: worked by hand, and what holds for every history.

use homeroom_actors::domain::Rules;
use homeroom_actors::domain::course::{Course, SkillMastery};
use homeroom_actors::domain::rules::KnowledgeTracing;
use homeroom_actors::domain::skills::{Opportunity, OpportunityKind, Seen, masteries, mastery};
use homeroom_schema::{ReferenceId, TimeMs, UnitId};
use proptest::prelude::*;

const SHIPPED: KnowledgeTracing = KnowledgeTracing {
    known: 0.2,
    learn: 0.15,
    guess: 0.2,
    slip: 0.1,
};

fn unit(id: u64) -> UnitId {
    UnitId::new(id).unwrap()
}

fn quiz(unit_id: u64, reference: u64, score: f64, at: i64) -> Opportunity {
    Opportunity {
        unit: unit(unit_id),
        at: TimeMs(at),
        kind: OpportunityKind::Quiz {
            reference: ReferenceId::new(reference).unwrap(),
            score,
        },
    }
}

fn completed(unit_id: u64, at: i64) -> Opportunity {
    Opportunity {
        unit: unit(unit_id),
        at: TimeMs(at),
        kind: OpportunityKind::Completed,
    }
}

fn course() -> Course {
    Course {
        units: vec![unit(1), unit(2), unit(3)],
        qualifications: Vec::new(),
        skills: vec![
            ("algebra".into(), vec![unit(2), unit(3)]),
            ("fractions".into(), vec![unit(1), unit(2)]),
            ("sets".into(), vec![]),
        ],
    }
}

fn shown(skills: &[SkillMastery]) -> Vec<(&str, f64)> {
    skills.iter().map(|one| (&*one.skill, one.mastery)).collect()
}

#[test]
fn the_estimate_is_the_one_worked_by_hand() {
    // Before: 0.2. Right: 0.2·0.9 ÷ (0.2·0.9 + 0.8·0.2) = 0.18 ÷ 0.34 = 9/17; learned: 9/17 + 8/17·0.15 = 10.2/17 = 0.6.
    assert!((mastery(&SHIPPED, [Seen::Right]) - 0.6).abs() < 1e-12);
    // Then wrong: 0.6·0.1 ÷ (0.6·0.1 + 0.4·0.8) = 0.06 ÷ 0.38 = 3/19; learned: 3/19 + 16/19·0.15 = 5.4/19.
    assert!((mastery(&SHIPPED, [Seen::Right, Seen::Wrong]) - 5.4 / 19.0).abs() < 1e-12);
    // Without an answer: 0.2 + 0.8·0.15 = 0.32.
    assert!((mastery(&SHIPPED, [Seen::Nothing]) - 0.32).abs() < 1e-12);
    assert_eq!(mastery(&SHIPPED, []), 0.2);
}

#[test]
fn a_quiz_answers_for_every_skill_of_its_unit_and_a_pass_is_a_right_answer() {
    let rules = Rules::shipped();
    let seen = masteries(
        &course(),
        vec![quiz(2, 9, 0.6, 5), quiz(3, 8, 0.59, 4), completed(1, 7)],
        &rules,
    );
    let expected = [
        ("algebra", mastery(&SHIPPED, [Seen::Wrong, Seen::Right])),
        ("fractions", mastery(&SHIPPED, [Seen::Right, Seen::Nothing])),
        ("sets", 0.2),
    ];
    assert_eq!(shown(&seen), expected);
}

#[test]
fn a_skill_may_have_parameters_of_its_own() {
    let mut rules = Rules::shipped();
    let own = KnowledgeTracing { known: 0.5, ..SHIPPED };
    rules.skills.by_skill.insert("sets".into(), own);
    assert_eq!(shown(&masteries(&course(), vec![], &rules))[2], ("sets", 0.5));
}

#[test]
fn what_the_parameters_exclude_changes_nothing_but_learning() {
    let never = KnowledgeTracing {
        known: 0.0,
        learn: 0.0,
        guess: 0.0,
        slip: 0.0,
    };
    assert_eq!(mastery(&never, [Seen::Right, Seen::Wrong, Seen::Nothing]), 0.0);
    let always = KnowledgeTracing { known: 1.0, ..never };
    assert_eq!(mastery(&always, [Seen::Wrong]), 1.0);
}

fn tracing() -> impl Strategy<Value = KnowledgeTracing> {
    // `guess` + `slip` below 1, as the rules ask.
    (0.0..=1.0, 0.0..=1.0, 0.0..0.5, 0.0..0.5).prop_map(|(known, learn, guess, slip)| KnowledgeTracing {
        known,
        learn,
        guess,
        slip,
    })
}

fn seen() -> impl Strategy<Value = Vec<Seen>> {
    prop::collection::vec(
        prop::sample::select(vec![Seen::Right, Seen::Wrong, Seen::Nothing]),
        0..40,
    )
}

fn opportunity() -> impl Strategy<Value = Opportunity> {
    (1_u64..4, 1_u64..6, 0.0..=1.0, 0_i64..4, any::<bool>()).prop_map(|(unit, reference, score, at, is_quiz)| {
        if is_quiz {
            quiz(unit, reference, score, at)
        } else {
            completed(unit, at)
        }
    })
}

proptest! {
    #[test]
    fn mastery_stays_a_probability(tracing in tracing(), seen in seen()) {
        prop_assert!((0.0..=1.0).contains(&mastery(&tracing, seen)));
    }

    #[test]
    fn right_answers_and_completions_never_lower_it(tracing in tracing(), mut seen in seen(), right in any::<bool>()) {
        let before = mastery(&tracing, seen.iter().copied());
        seen.push(if right { Seen::Right } else { Seen::Nothing });
        prop_assert!(mastery(&tracing, seen) >= before - 1e-12);
    }

    #[test]
    fn the_order_in_which_opportunities_are_read_does_not_matter(
        mut all in prop::collection::vec(opportunity(), 0..20),
    ) {
        // Natural keys: a person has one result of a quiz, and completes a unit once.
        let mut keys = std::collections::BTreeSet::new();
        all.retain(|one| keys.insert(match one.kind {
            OpportunityKind::Quiz { reference, .. } => (0, reference.get()),
            OpportunityKind::Completed => (1, one.unit.get()),
        }));
        let rules = Rules::shipped();
        let forwards = masteries(&course(), all.clone(), &rules);
        all.reverse();
        prop_assert_eq!(forwards, masteries(&course(), all, &rules));
    }
}
