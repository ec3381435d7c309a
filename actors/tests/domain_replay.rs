//! Random histories with changes of the rules: adjustments keep the sums, and undoing them leaves the learner as they were.

use homeroom_actors::domain::achievements::Outside;
use homeroom_actors::domain::course::Course;
use homeroom_actors::domain::rules::replay::{Act, Adjustment, Replay, Undo};
use homeroom_actors::domain::rules::{AtCap, AwardsPerWindow, Cap, CapSpan, NextPeriods};
use homeroom_actors::domain::{
    Action, AwardRef, Command, Decision, Earn, EventMeta, Evidence, Learner, LearnerEvent, Rules, decide, evolve,
    invariants,
};
use homeroom_schema::{EventId, QualificationId, ReferenceId, TimeMs, UserId};
use proptest::prelude::*;

/// One step: an award, a reversal or a reinstatement of an earlier one.
#[derive(Debug, Clone)]
enum Step {
    Earn {
        action: Action,
        id: u64,
        inside: Option<u64>,
        at: i64,
        score: f64,
    },
    Reverse(usize),
    Reinstate(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let earn = (
        prop::sample::select(&Action::ALL[..]),
        1_u64..20,
        prop::option::of(1_u64..3),
        0_i64..1_000_000,
        0.0..=1.0_f64,
    );
    prop_oneof![
        6 => earn.prop_map(|(action, id, inside, at, score)| Step::Earn { action, id, inside, at, score }),
        1 => (0_usize..30).prop_map(Step::Reverse),
        1 => (0_usize..30).prop_map(Step::Reinstate),
    ]
}

fn rules() -> impl Strategy<Value = Rules> {
    let limits = (
        0_i64..50_000,
        prop::option::of(1_u32..4),
        prop::option::of(0_u32..200),
        any::<bool>(),
    );
    (prop::array::uniform5(0_u32..120), limits).prop_map(|(points, (cooldown_ms, awards, cap, refuse))| {
        let mut rules = Rules::with_points(2, points);
        rules.everywhere.actions[1].cooldown_ms = cooldown_ms;
        rules.everywhere.actions[0].windows = awards
            .map(|awards| AwardsPerWindow {
                awards,
                within_ms: 300_000,
            })
            .into_iter()
            .collect();
        let at_cap = if refuse { AtCap::Refuse } else { AtCap::Partial };
        let cap = cap.map(|points| Cap {
            actions: vec![],
            points,
            per: CapSpan::Day,
            at_cap,
        });
        rules.everywhere.caps = cap.into_iter().collect();
        rules
    })
}

#[derive(Debug, Clone)]
struct Stream {
    learner: Learner,
    kept: Vec<(LearnerEvent, EventMeta)>,
}

impl Stream {
    fn new() -> Self {
        let learner = Learner::new(UserId::new(7).unwrap());
        Self {
            learner,
            kept: Vec::new(),
        }
    }

    fn keep(&mut self, event: LearnerEvent) {
        let place = self.kept.len() as u64 + 1;
        let meta = EventMeta {
            event_id: EventId::new(place).unwrap(),
            version: self.learner.version.plus(1),
        };
        evolve(&mut self.learner, &event, meta);
        self.kept.push((event, meta));
    }

    fn take(&mut self, step: &Step, rules: &Rules) {
        let nth = |nth: usize| {
            let awards: Vec<_> = self.learner.awards.iter().collect();
            let (key, award) = awards.get(nth % awards.len().max(1))?;
            Some(AwardRef {
                award: award.event_id,
                key: **key,
                teams: vec![],
                evidence: Evidence::default(),
            })
        };
        let command = match step {
            Step::Earn {
                action,
                id,
                inside,
                at,
                score,
            } => Some(Command::Earn(Earn {
                action: *action,
                reference: ReferenceId::new(*id).unwrap(),
                unit: None,
                qualification: inside.map(|id| QualificationId::new(id).unwrap()),
                teams: vec![],
                evidence: Evidence {
                    score: Some(*score),
                    ..Evidence::default()
                },
                par_ms: None,
                occurred_at: TimeMs(*at),
                day: i32::try_from(at / 100_000).unwrap(),
                next: NextPeriods::default(),
            })),
            Step::Reverse(place) => nth(*place).map(Command::Reverse),
            Step::Reinstate(place) => nth(*place).map(Command::Reinstate),
        };
        let Some(command) = command else { return };
        if let Decision::Keep(events) = decide(&self.learner, &command, rules) {
            events.into_iter().for_each(|event| self.keep(event));
        }
    }

    fn apply(&self, rules: &Rules, act: u32) -> Option<Adjustment> {
        let mut replay = Replay::new(self.learner.user_id, rules, act);
        self.kept.iter().for_each(|(event, meta)| replay.take(event, *meta));
        assert_eq!(*replay.actual(), self.learner, "I2");
        replay.adjustment((&Course::default(), &Outside::default()), TimeMs(9_000_000), true)
    }

    fn undo(&self, rules: &Rules, act: u32) -> Option<Adjustment> {
        let mut undo = Undo::new(self.learner.user_id, act);
        self.kept.iter().for_each(|(event, meta)| undo.take(event, *meta));
        undo.adjustment(rules)
    }

    fn adjust(&mut self, adjustment: Adjustment, undone: bool) {
        let sum: i64 = adjustment.parts.iter().map(|part| part.points).sum();
        assert_eq!(sum, adjustment.points);
        let act = Act {
            act: 2,
            undone,
            rules: 2,
            occurred_at: TimeMs(9_000_000),
        };
        self.keep(adjustment.into_event(act, vec![]));
        invariants::sums_equal_the_ledger(&self.learner).unwrap();
        invariants::replay_gives(&self.learner, &self.kept).unwrap();
    }
}

/// What figures are made of.
fn figures(learner: &Learner) -> impl PartialEq + std::fmt::Debug + use<> {
    let awards: Vec<_> = learner
        .awards
        .iter()
        .map(|(key, award)| (*key, award.points_counted()))
        .collect();
    (
        (learner.total, learner.level, learner.reached_at),
        awards,
        learner.qualifications.clone(),
        learner.counters.clone(),
        learner.achievements.clone(),
    )
}

proptest! {
    #[test]
    fn undoing_leaves_the_learner_as_they_were(steps in prop::collection::vec(step(), 0..40), other in rules()) {
        let shipped = Rules::shipped();
        let mut stream = Stream::new();
        steps.iter().for_each(|step| stream.take(step, &shipped));
        let before = figures(&stream.learner);
        if let Some(adjustment) = stream.apply(&other, 2) {
            stream.adjust(adjustment, false);
            prop_assert_eq!(stream.learner.level, other.levels.level_of(stream.learner.total));
            prop_assert!(stream.apply(&other, 2).is_none(), "each learner once");
            let mut again = stream.clone();
            again.kept.iter_mut().for_each(|(event, _)| {
                if let LearnerEvent::PointsAdjusted { act, .. } = event {
                    *act = 1;
                }
            });
            prop_assert!(again.apply(&other, 2).is_none(), "the same rules again mean nothing");
            let undo = stream.undo(&shipped, 2).unwrap();
            stream.adjust(undo, true);
            prop_assert!(stream.undo(&shipped, 2).is_none(), "undone once");
        } else {
            prop_assert!(stream.undo(&shipped, 2).is_none());
        }
        prop_assert_eq!(figures(&stream.learner), before);
    }

    #[test]
    fn what_happens_after_an_act_keeps_the_sums(
        steps in prop::collection::vec(step(), 0..30),
        later in prop::collection::vec(step(), 0..20),
        other in rules(),
    ) {
        let shipped = Rules::shipped();
        let mut stream = Stream::new();
        steps.iter().for_each(|step| stream.take(step, &shipped));
        if let Some(adjustment) = stream.apply(&other, 2) {
            stream.adjust(adjustment, false);
        }
        later.iter().for_each(|step| stream.take(step, &other));
        invariants::sums_equal_the_ledger(&stream.learner).unwrap();
        if let Some(undo) = stream.undo(&shipped, 2) {
            stream.adjust(undo, true);
        }
        invariants::sums_equal_the_ledger(&stream.learner).unwrap();
    }
}
