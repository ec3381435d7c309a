//! Completion and the criteria of achievements: what counts, what is taken out again, and where tiers begin.

use homeroom_actors::domain::achievements::{Outside, Tier, achievements};
use homeroom_actors::domain::action::{Action, Evidence};
use homeroom_actors::domain::course::{Course, completion};
use homeroom_actors::domain::event::EventMeta;
use homeroom_actors::domain::learner::{Counters, Learner};
use homeroom_actors::domain::rules::NextPeriods;
use homeroom_actors::domain::{AwardRef, Command, Decision, Earn, Progress, Rules, decide, evolve};
use homeroom_schema::{EventId, QualificationId, ReferenceId, TimeMs, UnitId, UserId};

fn unit(id: u64) -> UnitId {
    UnitId::new(id).unwrap()
}

fn course(qualifications: &[(u64, &[u64])]) -> Course {
    let qualifications: Vec<_> = qualifications
        .iter()
        .map(|(id, units)| {
            (
                QualificationId::new(*id).unwrap(),
                units.iter().map(|id| unit(*id)).collect::<Vec<_>>(),
            )
        })
        .collect();
    let units = qualifications.iter().flat_map(|(_, units)| units.clone()).collect();
    Course {
        units,
        qualifications,
        ..Course::default()
    }
}

fn keep(learner: &mut Learner, command: &Command) {
    let Decision::Keep(events) = decide(learner, command, &Rules::shipped()) else {
        panic!("{command:?} is kept")
    };
    let version = learner.version.plus(1);
    evolve(
        learner,
        &events[0],
        EventMeta {
            event_id: EventId::new(version.0).unwrap(),
            version,
        },
    );
}

fn complete(learner: &mut Learner, id: u64, at: i64) {
    let progress = Progress {
        unit: unit(id),
        progress_percentage: 100,
        occurred_at: TimeMs(at),
    };
    keep(learner, &Command::Progress(progress));
}

/// Awards an action with one observation, which is the score of a quiz and the quality of a resource.
fn earn(learner: &mut Learner, action: Action, id: u64, observed: Option<f64>) {
    let evidence = Evidence {
        score: observed,
        quality: observed,
        ..Evidence::default()
    };
    let reference = ReferenceId::new(id).unwrap();
    let occurred_at = TimeMs(0);
    let earn = Earn {
        action,
        reference,
        unit: None,
        qualification: None,
        teams: Vec::new(),
        evidence,
        par_ms: None,
        occurred_at,
        day: 0,
        next: NextPeriods::default(),
    };
    keep(learner, &Command::Earn(earn));
}

fn new_learner() -> Learner {
    Learner::new(UserId::MIN)
}

/// `(current, target, met)` of one criterion.
fn criterion(learner: &Learner, course: &Course, key: &str, tier: Tier) -> (f64, f64, bool) {
    let all = achievements(learner, course, &Outside::default(), &Rules::shipped());
    let of_tier = all
        .iter()
        .filter(|entry| entry.tier == tier)
        .flat_map(|entry| &entry.criteria);
    let found = of_tier
        .clone()
        .find(|criterion| criterion.key == key)
        .expect("the criterion exists");
    (found.current, found.target, found.met)
}

#[test]
fn completion_counts_units_of_the_course_unrounded() {
    let mut learner = new_learner();
    complete(&mut learner, 1, 50);
    complete(&mut learner, 4, 30);
    complete(&mut learner, 9, 99);
    keep(
        &mut learner,
        &Command::Progress(Progress {
            unit: unit(2),
            progress_percentage: 99,
            occurred_at: TimeMs(1),
        }),
    );
    let seen = completion(
        &learner,
        &course(&[(1, &[1, 2, 3]), (2, &[4]), (3, &[])]),
        &Rules::shipped(),
    );
    assert_eq!((seen.units_completed, seen.units_total), (2, 4));
    assert_eq!(seen.completion_percentage, 50.0);
    let qualifications: Vec<_> = seen
        .qualifications
        .iter()
        .map(|one| {
            (
                one.qualification_id.get(),
                one.units_completed,
                one.units_total,
                one.completion_percentage,
            )
        })
        .collect();
    assert_eq!(
        qualifications,
        [(1, 1, 3, 100.0 / 3.0), (2, 1, 1, 100.0), (3, 0, 0, 0.0)]
    );
}

#[test]
fn a_qualification_is_completed_with_its_last_unit_and_an_empty_one_never() {
    let mut learner = new_learner();
    let course = course(&[(1, &[1, 2]), (2, &[])]);
    complete(&mut learner, 2, 70);
    assert_eq!(
        completion(&learner, &course, &Rules::shipped()).qualifications[0].completed_at,
        None
    );
    complete(&mut learner, 1, 40);
    let seen = completion(&learner, &course, &Rules::shipped()).qualifications;
    assert_eq!((seen[0].completed_at, seen[1].completed_at), (Some(TimeMs(70)), None));
}

#[test]
fn of_no_units_nothing_is_completed() {
    let seen = completion(&new_learner(), &Course::default(), &Rules::shipped());
    assert_eq!(
        (seen.completion_percentage, seen.units_total, seen.qualifications.len()),
        (0.0, 0, 0)
    );
}

#[test]
fn all_twelve_achievements_are_listed_locked_in_the_order_of_the_specification() {
    let all = achievements(
        &new_learner(),
        &Course::default(),
        &Outside::default(),
        &Rules::shipped(),
    );
    let types = ["content_master", "quiz_champion", "resource_contributor", "team_player"];
    let expected = types.into_iter().flat_map(|kind| Tier::ALL.map(|tier| (kind, tier)));
    let seen = all.iter().map(|entry| (entry.achievement_type.as_str(), entry.tier));
    assert!(seen.eq(expected));
    assert!(all.iter().all(|entry| entry.earned_at().is_none()));
    assert!(
        all.iter()
            .flat_map(|entry| &entry.criteria)
            .all(|one| one.current == 0.0 && !one.met && one.target > 0.0)
    );
    assert_eq!(Tier::ALL.map(Tier::as_str), ["bronze", "silver", "gold"]);
}

#[test]
fn criteria_rise_from_tier_to_tier_under_distinct_names() {
    let all = achievements(
        &new_learner(),
        &Course::default(),
        &Outside::default(),
        &Rules::shipped(),
    );
    let mut names = std::collections::BTreeSet::new();
    for tiers in all.chunks(3) {
        for place in 0..3 {
            let targets: Vec<f64> = tiers.iter().map(|entry| entry.criteria[place].target).collect();
            assert!(targets.is_sorted(), "{targets:?}");
            assert!(names.insert(tiers[0].criteria[place].key.clone()));
        }
    }
    assert_eq!(names.len(), 12);
}

#[test]
fn criteria_say_how_far_the_learner_is() {
    let mut learner = new_learner();
    let course = course(&[(1, &[1, 2, 3, 4]), (2, &[5])]);
    for id in 1..=3 {
        complete(&mut learner, id, 1);
    }
    for (id, score) in [(1, Some(1.0)), (2, Some(0.8)), (3, Some(0.45)), (4, None)] {
        earn(&mut learner, Action::CompleteQuiz, id, score);
    }
    for (id, quality) in [(1, Some(0.8)), (2, Some(0.4)), (3, None)] {
        earn(&mut learner, Action::ContributeResource, id, quality);
    }
    earn(&mut learner, Action::TeamAchievement, 1, Some(1.0));
    let table = [
        ("qualification_completion", Tier::Silver, (75.0, 75.0, true)),
        ("qualification_completion", Tier::Gold, (75.0, 100.0, false)),
        ("mean_best_score", Tier::Silver, (0.75, 0.75, true)),
        ("resource_quality", Tier::Silver, (0.6, 0.7, false)),
        ("perfect_scores", Tier::Bronze, (1.0, 1.0, true)),
        ("consistent_results", Tier::Bronze, (2.0, 3.0, false)),
        ("high_quality_submissions", Tier::Bronze, (1.0, 1.0, true)),
        ("participation", Tier::Bronze, (8.0, 5.0, true)),
        ("team_achievements", Tier::Bronze, (1.0, 1.0, true)),
        ("fast_completions", Tier::Bronze, (0.0, 1.0, false)),
    ];
    for (key, tier, (current, target, met)) in table {
        let seen = criterion(&learner, &course, key, tier);
        assert!(
            (seen.0 - current).abs() < 1e-12 && (seen.1, seen.2) == (target, met),
            "{key}: {seen:?}"
        );
    }
}

#[test]
fn a_reversal_takes_its_contribution_out_and_a_reinstatement_puts_it_back() {
    for action in [
        Action::CompleteQuiz,
        Action::ContributeResource,
        Action::TeamAchievement,
        Action::ReadContent,
    ] {
        let mut learner = new_learner();
        earn(&mut learner, action, 1, Some(0.1));
        let key = (action, ReferenceId::new(2).unwrap());
        let before = learner.counters.clone();
        earn(&mut learner, action, 2, Some(1.0));
        let with_both = learner.counters.clone();
        assert_ne!(before, with_both);
        let award = learner.awards[&key].event_id;
        let award = AwardRef {
            award,
            key,
            teams: Vec::new(),
            evidence: Evidence::default(),
        };
        keep(&mut learner, &Command::Reverse(award.clone()));
        assert_eq!(learner.counters, before, "{action:?}");
        keep(&mut learner, &Command::Reinstate(award));
        assert_eq!(learner.counters, with_both, "{action:?}");
    }
}

#[test]
fn observations_that_json_cannot_hold_are_not_counted() {
    let mut learner = new_learner();
    earn(&mut learner, Action::CompleteQuiz, 1, Some(f64::NAN));
    earn(&mut learner, Action::ContributeResource, 1, Some(f64::INFINITY));
    assert_eq!(
        learner.counters,
        Counters {
            awards_counted: 2,
            by_action: [0, 1, 1, 0, 0],
            ..Counters::default()
        }
    );
}
