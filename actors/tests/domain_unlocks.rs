//! When tiers are earned: all criteria, lower tiers first, once, and with nothing asked that does not decide.

use homeroom_actors::domain::achievements::{Measures, Occasion, Outside, Tier, newly_earned};
use homeroom_actors::domain::action::{Action, Evidence};
use homeroom_actors::domain::course::Course;
use homeroom_actors::domain::rules::{AchievementRule, CriterionRule, Measure};
use homeroom_actors::domain::{EventMeta, Learner, LearnerEvent, Rules, evolve};
use homeroom_schema::{EventId, ReferenceId, TimeMs, UserId};
use std::cell::Cell;

fn rules(criteria: &[(Measure, [f64; 3])]) -> Rules {
    let criteria = criteria.iter().map(|(measure, targets)| CriterionRule {
        key: measure.as_str().to_owned(),
        measure: *measure,
        targets: *targets,
    });
    let rule = AchievementRule {
        achievement_type: "own".to_owned(),
        criteria: criteria.collect(),
    };
    Rules {
        achievements: vec![rule],
        ..Rules::shipped()
    }
}

fn award(learner: &mut Learner, action: Action, reference: u64) -> LearnerEvent {
    let event = LearnerEvent::PointsAwarded {
        action,
        reference: ReferenceId::new(reference).unwrap(),
        unit: None,
        qualification: None,
        teams: Vec::new(),
        evidence: Evidence::default(),
        points: 10,
        total: learner.total + 10,
        level: 1,
        qualification_total: None,
        rules: 1,
        bonus_percent: None,
        par_ms: None,
        granted_by: None,
        occurred_at: TimeMs(5),
        day: Some(0),
    };
    fold(learner, &event);
    event
}

fn fold(learner: &mut Learner, event: &LearnerEvent) {
    let version = learner.version.plus(1);
    let event_id = EventId::new(version.0).unwrap();
    evolve(learner, event, EventMeta { event_id, version });
}

fn occasion(moved: Measures) -> Occasion {
    Occasion {
        moved,
        cause: None,
        occurred_at: TimeMs(7),
    }
}

fn look(learner: &Learner, outside: Outside, rules: &Rules) -> Vec<LearnerEvent> {
    newly_earned(learner, Course::default, || outside, rules, occasion(Measures::ALL))
}

fn tiers(events: &[LearnerEvent]) -> Vec<Tier> {
    let tiers = events.iter().map(|event| match event {
        LearnerEvent::AchievementUnlocked { tier, .. } => *tier,
        other => panic!("{other:?}"),
    });
    tiers.collect()
}

#[test]
fn several_tiers_are_earned_at_once_lower_ones_first_and_never_again() {
    let rules = rules(&[
        (Measure::ReadContent, [1.0, 2.0, 4.0]),
        (Measure::Points, [10.0, 20.0, 20.0]),
    ]);
    let mut learner = Learner::new(UserId::MIN);
    for reference in 1..=3 {
        award(&mut learner, Action::ReadContent, reference);
    }
    let first = look(&learner, Outside::default(), &rules);
    assert_eq!(tiers(&first), [Tier::Bronze, Tier::Silver]);
    first.iter().for_each(|event| fold(&mut learner, event));
    assert!(look(&learner, Outside::default(), &rules).is_empty());
    award(&mut learner, Action::ReadContent, 4);
    assert_eq!(tiers(&look(&learner, Outside::default(), &rules)), [Tier::Gold]);
}

#[test]
fn every_criterion_has_to_be_met() {
    let rules = rules(&[
        (Measure::ReadContent, [1.0; 3]),
        (Measure::FeedbackRating, [4.0, 4.5, 5.0]),
    ]);
    let mut learner = Learner::new(UserId::MIN);
    award(&mut learner, Action::ReadContent, 1);
    let rated = |rating_sum| Outside {
        ratings: 2,
        rating_sum,
        ..Outside::default()
    };
    assert!(look(&learner, rated(7), &rules).is_empty());
    assert_eq!(tiers(&look(&learner, rated(8), &rules)), [Tier::Bronze]);
    assert_eq!(tiers(&look(&learner, rated(9), &rules)), [Tier::Bronze, Tier::Silver]);
}

#[test]
fn nobody_is_asked_before_what_is_known_is_met() {
    let rules = rules(&[(Measure::UsageByOthers, [1.0; 3]), (Measure::ReadContent, [2.0; 3])]);
    let mut learner = Learner::new(UserId::MIN);
    let asked = Cell::new(0);
    let outside = || {
        asked.set(asked.get() + 1);
        Outside::default()
    };
    let event = award(&mut learner, Action::ReadContent, 1);
    let moved = Measures::moved_by(&event);
    assert!(newly_earned(&learner, Course::default, outside, &rules, occasion(moved)).is_empty());
    assert_eq!(asked.get(), 0, "one read is too few");
    let quiz = award(&mut learner, Action::CompleteQuiz, 1);
    award(&mut learner, Action::ReadContent, 2);
    let unmoved = Measures::moved_by(&quiz);
    assert!(newly_earned(&learner, Course::default, outside, &rules, occasion(unmoved)).is_empty());
    assert_eq!(asked.get(), 0, "a quiz moves neither");
    assert!(newly_earned(&learner, Course::default, outside, &rules, occasion(moved)).is_empty());
    assert_eq!(asked.get(), 1);
}

#[test]
fn every_measure_of_ones_own_is_moved_by_some_fact() {
    let mut learner = Learner::new(UserId::MIN);
    let events: Vec<_> = Action::ALL.map(|action| award(&mut learner, action, 9)).into();
    let completed = LearnerEvent::ProgressMade {
        unit: homeroom_schema::UnitId::MIN,
        progress_percentage: 100,
        last_accessed: TimeMs(1),
        completed_at: Some(TimeMs(1)),
        occurred_at: TimeMs(1),
    };
    let others = [Measure::UsageByOthers, Measure::FeedbackRating, Measure::TeamSuccess];
    for measure in Measure::ALL {
        let mut all = events.iter().chain([&completed]);
        let is_moved = all.any(|event| Measures::moved_by(event).has(measure));
        assert_eq!(is_moved, !others.contains(&measure), "{measure:?}");
    }
}
