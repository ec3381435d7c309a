//! What each command comes to, as tables: state in short, command, decision in short.

use homeroom_actors::domain::action::{Action, Evidence, RefusalReason};
use homeroom_actors::domain::event::{EventMeta, LearnerEvent};
use homeroom_actors::domain::learner::{AwardStanding, Learner, ReceiptKey};
use homeroom_actors::domain::level::{LEVEL_MAX, LevelCurve};
use homeroom_actors::domain::rules::NextPeriods;
use homeroom_actors::domain::{AwardRef, Command, Decision, Earn, Progress, Rejection, Rules, decide, evolve};
use homeroom_schema::limits::TOUCH_EVERY_MS;
use homeroom_schema::{EventId, QualificationId, ReferenceId, TeamId, TimeMs, UnitId, UserId, Version};

/// A learner with the shipped rules, and the number of their next event; the id of an event is ten times its version.
struct Bench(Learner, Rules);

impl Bench {
    fn new() -> Self {
        Self(Learner::new(UserId::MIN), Rules::shipped())
    }

    /// Decides and folds what is kept. The decision in one word for the tables.
    fn run(&mut self, command: &Command) -> &'static str {
        match decide(&self.0, command, &self.1) {
            Decision::Keep(events) => {
                assert_eq!(events.len(), 1);
                let version = self.0.version.plus(1);
                evolve(
                    &mut self.0,
                    &events[0],
                    EventMeta {
                        event_id: event(version.0),
                        version,
                    },
                );
                events[0].event_type()
            }
            Decision::RefusedAsBefore { .. } => "as_before",
            Decision::Unchanged { .. } => "unchanged",
            Decision::Rejected(Rejection::NotReversible) => "not_reversible",
            Decision::Rejected(Rejection::AlreadyReversed) => "already_reversed",
            Decision::Rejected(Rejection::NotReversed) => "not_reversed",
            Decision::Rejected(Rejection::AlreadyReinstated) => "already_reinstated",
            Decision::Rejected(Rejection::Moved) => "moved",
        }
    }

    fn run_all(&mut self, table: &[(Command, &str)]) {
        for (line, (command, expected)) in table.iter().enumerate() {
            assert_eq!(self.run(command), *expected, "line {line}: {command:?}");
        }
    }
}

fn event(version: u64) -> EventId {
    EventId::new(version * 10).unwrap()
}

fn reference(value: u64) -> ReferenceId {
    ReferenceId::new(value).unwrap()
}

fn earn_with(action: Action, id: u64, change: impl FnOnce(&mut Earn)) -> Command {
    let mut earn = Earn {
        action,
        reference: reference(id),
        unit: None,
        qualification: None,
        teams: Vec::new(),
        evidence: Evidence::default(),
        par_ms: None,
        occurred_at: TimeMs(1_000),
        day: 0,
        next: NextPeriods::default(),
    };
    change(&mut earn);
    Command::Earn(earn)
}

fn earn(action: Action, id: u64) -> Command {
    earn_with(action, id, |_| {})
}

fn earn_on(action: Action, id: u64, day: i32) -> Command {
    earn_with(action, id, |earn| earn.day = day)
}

fn reverse(version: u64, action: Action, id: u64) -> Command {
    Command::Reverse(award_ref(version, action, id))
}

fn reinstate(version: u64, action: Action, id: u64) -> Command {
    Command::Reinstate(award_ref(version, action, id))
}

fn award_ref(version: u64, action: Action, id: u64) -> AwardRef {
    AwardRef {
        award: event(version),
        key: (action, reference(id)),
        teams: Vec::new(),
        evidence: Evidence::default(),
    }
}

fn progress(progress_percentage: u8, at: i64) -> Command {
    Command::Progress(Progress {
        unit: UnitId::MIN,
        progress_percentage,
        occurred_at: TimeMs(at),
    })
}

#[test]
fn each_action_is_worth_the_points_of_the_specification() {
    let mut bench = Bench::new();
    let mut total = 0;
    for (action, points) in Action::ALL.into_iter().zip([10, 50, 25, 15, 100]) {
        total += points;
        assert_eq!(bench.run(&earn(action, 1)), "points_awarded");
        assert_eq!(bench.0.total, total, "{action:?}");
        assert_eq!(bench.0.awards[&(action, reference(1))].standing, AwardStanding::Counted);
    }
}

#[test]
fn an_award_carries_all_that_replay_needs() {
    let qualification = QualificationId::new(3).ok();
    let command = earn_with(Action::CompleteQuiz, 5, |earn| {
        earn.unit = UnitId::new(5).ok();
        earn.qualification = qualification;
        earn.teams = vec![TeamId::MIN];
        earn.evidence.score = Some(0.25);
    });
    let mut bench = Bench::new();
    bench.run(&earn(Action::TeamAchievement, 1));
    bench.run(&earn(Action::TeamAchievement, 2));
    let Decision::Keep(events) = decide(&bench.0, &command, &bench.1) else {
        panic!("nothing is kept")
    };
    let expected = LearnerEvent::PointsAwarded {
        action: Action::CompleteQuiz,
        reference: reference(5),
        unit: UnitId::new(5).ok(),
        qualification,
        teams: vec![TeamId::MIN],
        evidence: Evidence {
            score: Some(0.25),
            ..Evidence::default()
        },
        points: 50,
        total: 250,
        level: 2,
        qualification_total: Some(50),
        rules: 1,
        bonus_percent: None,
        par_ms: None,
        granted_by: None,
        occurred_at: TimeMs(1_000),
        day: Some(0),
    };
    assert_eq!(events, [expected]);
}

#[test]
fn a_natural_key_is_awarded_once_and_refused_once_a_day() {
    let quiz = Action::CompleteQuiz;
    let mut bench = Bench::new();
    bench.run_all(&[
        (earn(quiz, 1), "points_awarded"),
        (earn(quiz, 1), "points_refused"),
        (earn(quiz, 1), "as_before"),
        (earn_on(quiz, 1, 1), "points_refused"),
        (earn_on(quiz, 1, 1), "as_before"),
        (earn(quiz, 1), "as_before"),
        (earn(quiz, 2), "points_awarded"),
        (earn_on(quiz, 2, 1), "points_refused"),
        (earn(Action::ReadContent, 1), "points_awarded"),
    ]);
    let receipt = bench.0.receipts[&ReceiptKey {
        action: quiz,
        reference: reference(1),
        reason: RefusalReason::AlreadyAwarded,
        day: 1,
    }];
    assert_eq!(
        (receipt.event_id, receipt.version, receipt.retry_at),
        (event(3), Version(3), None)
    );
    assert_eq!(bench.0.total, 110);
}

#[test]
fn a_reversal_happens_once_is_undone_once_and_keeps_the_key_used() {
    let quiz = Action::CompleteQuiz;
    let mut bench = Bench::new();
    bench.run_all(&[
        (reverse(1, quiz, 1), "not_reversible"),
        (reinstate(1, quiz, 1), "not_reversible"),
        (earn(quiz, 1), "points_awarded"),
        (earn(quiz, 2), "points_awarded"),
        (reverse(2, quiz, 1), "not_reversible"),
        (reinstate(1, quiz, 1), "not_reversed"),
        (reverse(1, quiz, 1), "points_reversed"),
        (reverse(1, quiz, 1), "already_reversed"),
        (earn(quiz, 1), "points_refused"),
        (reverse(3, quiz, 1), "not_reversible"),
        (reinstate(1, quiz, 1), "points_reinstated"),
        (reinstate(1, quiz, 1), "already_reinstated"),
        (reverse(1, quiz, 1), "already_reinstated"),
    ]);
    assert_eq!(bench.0.total, 100);
}

#[test]
fn a_reversal_stands_at_the_moment_of_its_award_and_lowers_total_level_and_qualification() {
    let qualification = QualificationId::MIN;
    let at = |at: i64| {
        move |earn: &mut Earn| {
            earn.occurred_at = TimeMs(at);
            earn.qualification = Some(qualification);
        }
    };
    let team = Action::TeamAchievement;
    let mut bench = Bench::new();
    for (id, moment) in [(1, 10), (2, 20), (3, 30)] {
        bench.run(&earn_with(team, id, at(moment)));
    }
    assert_eq!(
        (bench.0.total, bench.0.level, bench.0.reached_at),
        (300, 2, Some(TimeMs(30)))
    );
    bench.run(&reverse(1, team, 1));
    assert_eq!(
        (bench.0.total, bench.0.level, bench.0.reached_at),
        (200, 1, Some(TimeMs(10)))
    );
    let standing = bench.0.qualifications[&qualification];
    assert_eq!((standing.points, standing.reached_at), (200, TimeMs(10)));
    let award = bench.0.awards[&(team, reference(1))];
    assert_eq!(
        award.standing,
        AwardStanding::Reversed {
            by: event(4),
            points: 100
        }
    );
    bench.run(&reinstate(1, team, 1));
    assert_eq!(
        (
            bench.0.total,
            bench.0.level,
            bench.0.qualification_points(qualification)
        ),
        (300, 2, 300)
    );
}

#[test]
fn what_is_taken_is_never_more_than_the_total_and_exactly_that_is_given_back() {
    let mut bench = Bench::new();
    bench.run(&earn(Action::CompleteQuiz, 1));
    // As if rules changed later had lowered the total below the award.
    bench.0.total = 30;
    let Decision::Keep(events) = decide(&bench.0, &reverse(1, Action::CompleteQuiz, 1), &bench.1) else {
        panic!("nothing is kept");
    };
    assert!(matches!(
        events[0],
        LearnerEvent::PointsReversed {
            points: 30,
            total: 0,
            level: 1,
            ..
        }
    ));
    bench.run(&reverse(1, Action::CompleteQuiz, 1));
    bench.run(&reinstate(1, Action::CompleteQuiz, 1));
    assert_eq!(bench.0.total, 30);
}

#[test]
fn progress_rises_touches_once_a_minute_and_never_falls() {
    let minute = TOUCH_EVERY_MS;
    // (command, decision, percentage, last access, completion)
    let table = [
        (progress(0, 1_000), "progress_made", 0, 1_000, None),
        (progress(0, 1_000 + minute - 1), "unchanged", 0, 1_000, None),
        (progress(0, 1_000 + minute), "progress_made", 0, 1_000 + minute, None),
        (progress(40, 1_001 + minute), "progress_made", 40, 1_001 + minute, None),
        (progress(39, 1_002 + minute), "unchanged", 40, 1_001 + minute, None),
        (
            progress(39, 1_001 + 2 * minute),
            "progress_made",
            40,
            1_001 + 2 * minute,
            None,
        ),
        (progress(60, 5), "progress_made", 60, 1_001 + 2 * minute, None),
        (progress(60, 4), "unchanged", 60, 1_001 + 2 * minute, None),
        (progress(100, 7), "progress_made", 100, 1_001 + 2 * minute, Some(7)),
        (progress(100, 6), "unchanged", 100, 1_001 + 2 * minute, Some(7)),
        (progress(100, 9 * minute), "progress_made", 100, 9 * minute, Some(7)),
        (progress(20, 99 * minute), "progress_made", 100, 99 * minute, Some(7)),
    ];
    let mut bench = Bench::new();
    for (line, (command, expected, percentage, last_accessed, completed_at)) in table.into_iter().enumerate() {
        assert_eq!(bench.run(&command), expected, "line {line}");
        let unit = bench.0.units[&UnitId::MIN];
        let seen = (
            unit.progress_percentage,
            unit.last_accessed.0,
            unit.completed_at.map(|at| at.0),
        );
        assert_eq!(seen, (percentage, last_accessed, completed_at), "line {line}");
    }
}

#[test]
fn a_unit_completed_at_once_is_completed_then() {
    let mut bench = Bench::new();
    bench.run(&progress(100, 77));
    let unit = bench.0.units[&UnitId::MIN];
    assert_eq!((unit.completed_at, unit.version), (Some(TimeMs(77)), Version(1)));
}

#[test]
fn the_ends_of_time_and_of_sums_are_survived() {
    let mut bench = Bench::new();
    bench.run(&progress(10, i64::MAX));
    assert_eq!(bench.run(&progress(10, i64::MIN)), "unchanged");
    bench.0.total = u64::MAX;
    assert_eq!(bench.run(&earn(Action::ReadContent, 1)), "points_awarded");
    assert_eq!((bench.0.total, bench.0.level), (u64::MAX, LEVEL_MAX));
}

#[test]
fn a_level_starts_where_the_curve_says_and_ends_at_the_highest() {
    let table = [
        (0, 1),
        (120, 1),
        (249, 1),
        (250, 2),
        (749, 2),
        (750, 3),
        (1_500, 4),
        (2_500, 5),
    ];
    let curve = LevelCurve::shipped();
    for (total, level) in table {
        assert_eq!(curve.level_of(total), level, "{total} points");
    }
    let highest = curve.starts_at[LEVEL_MAX as usize - 1];
    assert_eq!(curve.level_of(highest - 1), LEVEL_MAX - 1);
    assert_eq!(curve.level_of(u64::MAX), LEVEL_MAX);
}

#[test]
fn the_names_of_actions_are_read_as_they_are_written() {
    for action in Action::ALL {
        assert_eq!(Action::parse(action.as_str()), Some(action));
        assert_eq!(serde_json::to_value(action).unwrap(), action.as_str());
    }
    assert_eq!(Action::parse("READ_CONTENT"), None);
    let reason = RefusalReason::AlreadyAwarded;
    assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
}
