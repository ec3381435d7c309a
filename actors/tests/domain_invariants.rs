//! Every invariant of the domain notices what breaks it; teams keep each achievement once.

use homeroom_actors::domain::action::{Action, Evidence};
use homeroom_actors::domain::event::{EventMeta, LearnerEvent};
use homeroom_actors::domain::invariants::{self, Violation};
use homeroom_actors::domain::learner::Learner;
use homeroom_actors::domain::rules::NextPeriods;
use homeroom_actors::domain::team::{TeamEvent, TeamLog};
use homeroom_actors::domain::{Command, Decision, Earn, Progress, Rules, decide, evolve};
use homeroom_schema::{EventId, QualificationId, ReferenceId, TimeMs, UnitId, UserId, Version};

type Stream = Vec<(LearnerEvent, EventMeta)>;

/// A learner with an award inside a qualification and a completed unit, and the stream that made them.
fn lived() -> (Learner, Stream) {
    let commands = [
        Command::Earn(Earn {
            action: Action::CompleteQuiz,
            reference: ReferenceId::MIN,
            unit: Some(UnitId::MIN),
            qualification: Some(QualificationId::MIN),
            teams: Vec::new(),
            evidence: Evidence {
                score: Some(1.0),
                ..Evidence::default()
            },
            par_ms: None,
            occurred_at: TimeMs(1),
            day: 0,
            next: NextPeriods::default(),
        }),
        Command::Progress(Progress {
            unit: UnitId::MIN,
            progress_percentage: 100,
            occurred_at: TimeMs(2),
        }),
    ];
    let (mut learner, mut stream) = (Learner::new(UserId::MIN), Stream::new());
    for command in &commands {
        let Decision::Keep(events) = decide(&learner, command, &Rules::shipped()) else {
            panic!("{command:?}")
        };
        let version = learner.version.plus(1);
        let meta = EventMeta {
            event_id: EventId::new(version.0).unwrap(),
            version,
        };
        evolve(&mut learner, &events[0], meta);
        stream.push((events[0].clone(), meta));
    }
    (learner, stream)
}

fn changed(change: impl FnOnce(&mut Learner)) -> Learner {
    let (mut learner, _) = lived();
    change(&mut learner);
    learner
}

#[test]
fn i2_another_state_than_the_stream_gives_is_noticed() {
    let (learner, stream) = lived();
    assert_eq!(invariants::replay_gives(&learner, &stream), Ok(()));
    let other = changed(|learner| learner.reached_at = None);
    assert_eq!(invariants::replay_gives(&other, &stream), Err(Violation::ReplayDiffers));
    assert_eq!(
        invariants::replay_gives(&learner, &stream[..1]),
        Err(Violation::ReplayDiffers)
    );
}

#[test]
fn i3_a_key_awarded_twice_is_noticed() {
    let (learner, stream) = lived();
    let award = &stream[0].0;
    assert_eq!(invariants::natural_keys_are_awarded_once([award]), Ok(()));
    assert_eq!(
        invariants::natural_keys_are_awarded_once([award, award]),
        Err(Violation::NaturalKeyTwice)
    );
    assert_eq!(
        invariants::event_follows(&learner, award),
        Err(Violation::NaturalKeyTwice)
    );
}

#[test]
fn i4_sums_that_are_not_the_ledgers_are_noticed() {
    let check = |change: fn(&mut Learner)| invariants::sums_equal_the_ledger(&changed(change));
    assert_eq!(check(|_| {}), Ok(()));
    assert_eq!(check(|learner| learner.total += 1), Err(Violation::TotalDiffers));
    assert_eq!(
        check(|learner| learner.qualifications.clear()),
        Err(Violation::QualificationDiffers)
    );
    assert_eq!(
        check(|learner| learner.counters.perfect_scores = 0),
        Err(Violation::CountersDiffer)
    );
    assert_eq!(
        check(|learner| learner.counters.resource_quality_sum = 0.1),
        Err(Violation::CountersDiffer)
    );
}

#[test]
fn i6_progress_that_falls_and_completions_that_change_are_noticed() {
    let (before, _) = lived();
    let check = |change: fn(&mut Learner)| invariants::progress_only_rises(&before, &changed(change));
    let unit = |learner: &mut Learner| *learner.units.get(&UnitId::MIN).unwrap();
    assert_eq!(unit(&mut lived().0).completed_at, Some(TimeMs(2)));
    assert_eq!(check(|_| {}), Ok(()));
    assert_eq!(check(|learner| learner.units.clear()), Err(Violation::ProgressFell));
    assert_eq!(
        check(|learner| learner.units.get_mut(&UnitId::MIN).unwrap().progress_percentage = 99),
        Err(Violation::ProgressFell)
    );
    assert_eq!(
        check(|learner| learner.units.get_mut(&UnitId::MIN).unwrap().completed_at = Some(TimeMs(3))),
        Err(Violation::CompletionChanged)
    );
}

#[test]
fn a_step_that_does_not_follow_from_the_state_is_noticed() {
    let (learner, stream) = lived();
    let LearnerEvent::PointsAwarded { action, reference, .. } = stream[0].0 else {
        panic!("the first is an award")
    };
    let reversed = |points: u32, total: u64| LearnerEvent::PointsReversed {
        of: EventId::MIN,
        action,
        reference,
        unit: None,
        qualification: None,
        teams: Vec::new(),
        evidence: Evidence::default(),
        points,
        total,
        level: 1,
        qualification_total: None,
        rules: None,
        occurred_at: TimeMs(1),
    };
    let progress = |progress_percentage: u8, completed_at: i64| LearnerEvent::ProgressMade {
        unit: UnitId::MIN,
        progress_percentage,
        last_accessed: TimeMs(9),
        completed_at: Some(TimeMs(completed_at)),
        occurred_at: TimeMs(9),
    };
    let table = [
        (reversed(50, 0), Ok(())),
        (reversed(50, 1), Err(Violation::TotalDiffers)),
        (reversed(51, 0), Err(Violation::TotalDiffers)),
        (progress(100, 2), Ok(())),
        (progress(99, 2), Err(Violation::ProgressFell)),
        (progress(100, 9), Err(Violation::CompletionChanged)),
    ];
    for (event, expected) in table {
        assert_eq!(invariants::event_follows(&learner, &event), expected, "{event:?}");
    }
}

#[test]
fn a_team_keeps_each_achievement_once_with_its_first_members() {
    let achieved = |members: &[u64], at: i64| TeamEvent::TeamAchieved {
        reference: ReferenceId::MIN,
        members: members.iter().map(|id| UserId::new(*id).unwrap()).collect(),
        reported_for: UserId::MIN,
        occurred_at: TimeMs(at),
    };
    let mut log = TeamLog::default();
    log.evolve(&achieved(&[1, 2], 5), Version(1));
    log.evolve(&achieved(&[1, 2, 3], 6), Version(2));
    let fact = &log.achieved[&ReferenceId::MIN];
    assert_eq!(
        (log.version, fact.version, fact.members.len(), fact.occurred_at),
        (Version(2), Version(1), 2, TimeMs(5))
    );
}
