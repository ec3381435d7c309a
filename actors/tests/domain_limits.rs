//! Cool-downs, awards per window, caps and bonuses: no limit is ever exceeded, whatever order facts come in and whatever the
//! local clock does; caps fill exactly; a refusal names the first moment at which it would no longer be one.

use homeroom_actors::domain::learner::Award;
use homeroom_actors::domain::rules::{
    AtCap, Attempt, AwardsPerWindow, Bonus, Cap, CapSpan, NextPeriods, Refused, Season, Worth,
};
use homeroom_actors::domain::{
    Action, AwardRef, Command, Decision, Earn, EventMeta, Evidence, Learner, LearnerEvent, RefusalReason, Rules,
    decide, evolve,
};
use homeroom_schema::limits::{
    RULES_BONUSES_MAX, RULES_ENTRIES_MAX, RULES_LIMITS_MAX, RULES_PERCENT_MAX, RULES_POINTS_MAX,
    RULES_QUALIFICATIONS_MAX, RULES_SEASONS_MAX, RULES_SIGNAL_MAX, RULES_SPAN_MS_MAX,
};
use homeroom_schema::{EventId, QualificationId, ReferenceId, TimeMs, UserId};
use proptest::prelude::*;

const HOUR: i64 = 60 * 60 * 1_000;
const DAY: i64 = 24 * HOUR;

/// A zone that changes its offset once: UTC-11, UTC+14, a night of 23 or of 25 hours.
#[derive(Debug, Clone, Copy)]
struct Zone {
    before: i64,
    after: i64,
    changes_at: i64,
}

const UTC: Zone = Zone {
    before: 0,
    after: 0,
    changes_at: 0,
};

impl Zone {
    fn day(self, at: TimeMs) -> i32 {
        let hours = if at.0 < self.changes_at {
            self.before
        } else {
            self.after
        };
        i32::try_from((at.0 + hours * HOUR).div_euclid(DAY)).unwrap()
    }

    fn starts_at(self, day: i32) -> TimeMs {
        let around = i64::from(day) * DAY;
        let moments = (around / HOUR - 40..around / HOUR + 40).map(|hour| TimeMs(hour * HOUR));
        let mut begun = moments.filter(|moment| self.day(*moment) >= day);
        begun.next().unwrap()
    }

    fn next(self, rules: &Rules, day: i32) -> NextPeriods {
        let (next_day, next_week, next_season) = rules.next_periods(day);
        NextPeriods {
            day: Some(self.starts_at(next_day)),
            week: Some(self.starts_at(next_week)),
            season: next_season.map(|day| self.starts_at(day)),
        }
    }

    fn attempt(self, rules: &Rules, earn: &Earn, at: TimeMs) -> Attempt {
        Attempt {
            action: earn.action,
            qualification: earn.qualification,
            occurred_at: at,
            day: self.day(at),
            next: self.next(rules, self.day(at)),
        }
    }
}

fn earn(number: u64, action: Action, qualification: Option<u64>, at: i64, zone: Zone, rules: &Rules) -> Earn {
    let day = zone.day(TimeMs(at));
    Earn {
        action,
        reference: ReferenceId::new(number).unwrap(),
        unit: None,
        qualification: qualification.map(|id| QualificationId::new(id).unwrap()),
        teams: Vec::new(),
        evidence: Evidence::default(),
        par_ms: None,
        occurred_at: TimeMs(at),
        day,
        next: zone.next(rules, day),
    }
}

/// Decides, folds, and says what came of it.
fn keep(learner: &mut Learner, command: &Command, rules: &Rules) -> Result<u32, Option<Refused>> {
    let Decision::Keep(events) = decide(learner, command, rules) else {
        return Err(None);
    };
    for event in &events {
        let version = learner.version.plus(1);
        let event_id = EventId::new(version.0).unwrap();
        evolve(learner, event, EventMeta { event_id, version });
    }
    match &events[0] {
        LearnerEvent::PointsAwarded { points, .. } => Ok(*points),
        LearnerEvent::PointsRefused { reason, retry_at, .. } => Err(Some(Refused {
            reason: *reason,
            retry_at: *retry_at,
        })),
        _ => Err(None),
    }
}

/// The awards that a limit of a scope counts.
fn counted(learner: &Learner, rules: &Rules, own: Option<QualificationId>, actions: &[Action]) -> Vec<Award> {
    let scope = |award: &Award| award.qualification.filter(|id| rules.qualifications.contains_key(id));
    let of_actions = learner
        .awards
        .iter()
        .filter(|((action, _), _)| actions.contains(action));
    let of_actions = of_actions.map(|(_, award)| *award);
    of_actions
        .filter(|award| award.counts() && scope(award) == own)
        .collect()
}

/// The most that any window of a length holds, each beginning at an award.
fn fullest(awards: &[Award], within_ms: i64, worth: impl Fn(&Award) -> u64) -> u64 {
    let window = |first: &Award| -> u64 {
        let held = awards.iter().filter(|award| {
            let after = award.occurred_at.0 - first.occurred_at.0;
            (0..within_ms).contains(&after)
        });
        held.map(&worth).sum()
    };
    awards.iter().map(window).max().unwrap_or(0)
}

fn most_of_a_period<K: PartialEq>(awards: &[Award], period: impl Fn(i32) -> K) -> u64 {
    let sum = |one: &Award| -> u64 {
        let same = awards.iter().filter(|award| period(award.day) == period(one.day));
        same.map(|award| u64::from(award.points)).sum()
    };
    awards.iter().map(sum).max().unwrap_or(0)
}

/// How many seasons have begun, and how many have ended: differs between any two seasons or gaps.
fn season_or_gap(rules: &Rules, day: i32) -> (usize, usize) {
    let begun = rules.seasons.iter().filter(|season| season.from_day <= day);
    let ended = rules.seasons.iter().filter(|season| season.to_day <= day);
    (begun.count(), ended.count())
}

/// What the fullest time of a cap holds.
fn most(learner: &Learner, rules: &Rules, own: Option<QualificationId>, cap: &Cap) -> u64 {
    let awards = counted(learner, rules, own, cap.actions());
    match cap.per {
        CapSpan::Day => most_of_a_period(&awards, |day| day),
        CapSpan::Week => most_of_a_period(&awards, |day| (day + 3).div_euclid(7)),
        CapSpan::Season => most_of_a_period(&awards, |day| season_or_gap(rules, day)),
        CapSpan::RollingMs(within_ms) => fullest(&awards, within_ms, |award| u64::from(award.points)),
    }
}

/// Names what is exceeded, anywhere.
fn exceeded(learner: &Learner, rules: &Rules) -> Vec<String> {
    let scopes = std::iter::once((None, &rules.everywhere));
    let scopes = scopes.chain(rules.qualifications.iter().map(|(id, awards)| (Some(*id), awards)));
    let mut exceeded = Vec::new();
    for (own, awards) in scopes {
        for (action, limits) in Action::ALL.iter().zip(&awards.actions) {
            let of_action = counted(learner, rules, own, &[*action]);
            if limits.cooldown_ms > 0 && fullest(&of_action, limits.cooldown_ms, |_| 1) > 1 {
                exceeded.push(format!("the cool-down of {action:?}"));
            }
            for window in &limits.windows {
                if fullest(&of_action, window.within_ms, |_| 1) > u64::from(window.awards) {
                    exceeded.push(format!("{window:?} of {action:?}"));
                }
            }
        }
        for cap in &awards.caps {
            if most(learner, rules, own, cap) > u64::from(cap.points) {
                exceeded.push(format!("{cap:?}"));
            }
        }
    }
    exceeded
}

fn a_cap() -> impl Strategy<Value = Cap> {
    let actions = prop::sample::select(vec![
        vec![],
        vec![Action::ReadContent],
        vec![Action::ReadContent, Action::CompleteQuiz],
    ]);
    let per = prop_oneof![
        Just(CapSpan::Day),
        Just(CapSpan::Week),
        Just(CapSpan::Season),
        (1_i64..72).prop_map(|hours| CapSpan::RollingMs(hours * HOUR)),
    ];
    (actions, 5_u32..180, per, any::<bool>()).prop_map(|(actions, points, per, is_partial)| Cap {
        actions,
        // A cap that refuses whole lets every action pass alone.
        points: if is_partial { points } else { points.max(100) },
        per,
        at_cap: if is_partial { AtCap::Partial } else { AtCap::Refuse },
    })
}

fn rules() -> impl Strategy<Value = Rules> {
    let windows = prop::collection::vec((1_u32..4, 1_i64..60), 0..3);
    let caps = || prop::collection::vec(a_cap(), 0..3);
    (0_i64..6, windows, caps(), prop::option::of(caps())).prop_map(|(cooldown, windows, caps, own)| {
        let mut rules = Rules::shipped();
        let window = |(awards, hours): (u32, i64)| AwardsPerWindow {
            awards,
            within_ms: hours * HOUR,
        };
        rules.everywhere.actions[0].cooldown_ms = cooldown * HOUR;
        rules.everywhere.actions[0].windows = windows.into_iter().map(window).collect();
        rules.everywhere.caps = caps;
        if let Some(caps) = own {
            let mut awards = rules.everywhere.clone();
            awards.actions[0].points = 7;
            awards.caps = caps;
            rules.qualifications.insert(QualificationId::MIN, awards);
        }
        rules.seasons = vec![Season {
            name: "first".into(),
            from_day: 3,
            to_day: 9,
        }];
        rules
    })
}

fn zone() -> impl Strategy<Value = Zone> {
    prop_oneof![
        Just(UTC),
        Just((14, 14)).prop_map(fixed),
        Just((-11, -11)).prop_map(fixed),
        Just((1, 2)).prop_map(fixed),
        Just((2, 1)).prop_map(fixed),
    ]
}

fn fixed((before, after): (i64, i64)) -> Zone {
    Zone {
        before,
        after,
        changes_at: 5 * DAY + HOUR,
    }
}

/// What is tried: number of the action, qualification, hour, minute, and whether something is taken back first.
type Try = (usize, Option<u64>, i64, i64, Option<usize>);

fn tries() -> impl Strategy<Value = Vec<Try>> {
    let one = (
        0_usize..3,
        prop::option::of(1_u64..3),
        0_i64..24 * 12,
        0_i64..60,
        prop::option::weighted(0.1, any::<usize>()),
    );
    prop::collection::vec(one, 1..60)
}

fn take_back(learner: &mut Learner, nth: usize, rules: &Rules) {
    let nth = nth % learner.awards.len().max(1);
    let Some((key, award)) = learner.awards.iter().nth(nth).map(|(key, award)| (*key, *award)) else {
        return;
    };
    let reverse = Command::Reverse(AwardRef {
        award: award.event_id,
        key,
        teams: Vec::new(),
        evidence: Evidence::default(),
    });
    let _ = keep(learner, &reverse, rules);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_limit_is_exceeded_in_whatever_order_facts_come(rules in rules(), zone in zone(), tries in tries()) {
        let mut learner = Learner::new(UserId::MIN);
        for (number, (action, qualification, hour, minute, reversed)) in tries.into_iter().enumerate() {
            if let Some(nth) = reversed {
                take_back(&mut learner, nth, &rules);
            }
            let at = hour * HOUR + minute * 60_000;
            let wish = earn(number as u64 + 1, Action::ALL[action], qualification, at, zone, &rules);
            let before = learner.clone();
            let outcome = keep(&mut learner, &Command::Earn(wish.clone()), &rules);
            prop_assert_eq!(exceeded(&learner, &rules), Vec::<String>::new());

            let awards = rules.awards(wish.qualification);
            let own = wish.qualification.filter(|id| rules.qualifications.contains_key(id));
            let wanted = awards.action(wish.action).unwrap().points;
            let is_limited = awards.caps.iter().any(|cap| cap.actions().contains(&wish.action));
            match outcome {
                Ok(points) if points < wanted => {
                    // Partial: some cap that gives what is left is exactly full now.
                    let mut partial = awards.caps.iter().filter(|cap| cap.at_cap == AtCap::Partial);
                    prop_assert!(points > 0);
                    prop_assert!(partial.any(|cap| most(&learner, &rules, own, cap) == u64::from(cap.points)));
                }
                Ok(points) => prop_assert_eq!(points, wanted),
                Err(Some(refused)) => {
                    prop_assert!(refused.reason != RefusalReason::CapReached || is_limited);
                    let is_latest = before.awards.values().all(|award| award.occurred_at <= wish.occurred_at);
                    if let Some(retry_at) = refused.retry_at.filter(|_| is_latest) {
                        prop_assert!(retry_at > wish.occurred_at);
                        let then = rules.worth(&before, &zone.attempt(&rules, &wish, retry_at));
                        prop_assert!(then.is_ok(), "{:?} at {:?}", then, retry_at);
                        let sooner = zone.attempt(&rules, &wish, TimeMs(retry_at.0 - 1));
                        prop_assert!(rules.worth(&before, &sooner).is_err(), "already before {:?}", retry_at);
                    }
                }
                Err(None) => prop_assert!(false, "an award is kept or has a receipt"),
            }
        }
    }
}

/// Tries of `read_content`, each at an hour: what came of them in short.
fn table(rules: &Rules, zone: Zone, hours: &[i64]) -> Vec<String> {
    let mut learner = Learner::new(UserId::MIN);
    let tries = hours.iter().zip(1_u64..);
    let outcome = tries.map(|(hour, number)| {
        let wish = earn(number, Action::ReadContent, None, hour * HOUR, zone, rules);
        match keep(&mut learner, &Command::Earn(wish), rules) {
            Ok(points) => points.to_string(),
            Err(Some(Refused { reason, retry_at })) => {
                let retry = retry_at.map_or_else(|| "never".to_owned(), |at| (at.0 / HOUR).to_string());
                format!("{} until {retry}", reason.as_str())
            }
            Err(None) => "again".to_owned(),
        }
    });
    outcome.collect()
}

fn capped(points: u32, per: CapSpan, at_cap: AtCap) -> Rules {
    let mut rules = Rules::shipped();
    rules.everywhere.caps.push(Cap {
        actions: Vec::new(),
        points,
        per,
        at_cap,
    });
    rules
}

#[test]
fn each_limit_refuses_with_its_reason_and_says_until_when() {
    let mut cooldown = Rules::shipped();
    cooldown.everywhere.actions[0].cooldown_ms = 2 * HOUR;
    assert_eq!(
        table(&cooldown, UTC, &[10, 11, 12, 9]),
        ["10", "cooldown until 12", "10", "cooldown until 14"]
    );

    let mut window = Rules::shipped();
    window.everywhere.actions[0].windows.push(AwardsPerWindow {
        awards: 2,
        within_ms: 10 * HOUR,
    });
    let outcome = table(&window, UTC, &[10, 12, 15, 20, 3, 21]);
    assert_eq!(
        outcome,
        [
            "10",
            "10",
            "window_full until 20",
            "10",
            "window_full until 22",
            "window_full until 22"
        ]
    );

    let whole = capped(25, CapSpan::Day, AtCap::Refuse);
    assert_eq!(
        table(&whole, UTC, &[1, 2, 3, 24]),
        ["10", "10", "cap_reached until 24", "10"]
    );
    let partial = capped(25, CapSpan::Day, AtCap::Partial);
    assert_eq!(
        table(&partial, UTC, &[1, 2, 3, 4, 24]),
        ["10", "10", "5", "cap_reached until 24", "10"]
    );
    // 1970-01-01 was a Thursday: the next Monday begins after 96 hours.
    let week = capped(10, CapSpan::Week, AtCap::Refuse);
    assert_eq!(
        table(&week, UTC, &[1, 95, 96, -73]),
        ["10", "cap_reached until 96", "10", "10"]
    );
    let rolling = capped(20, CapSpan::RollingMs(24 * HOUR), AtCap::Refuse);
    assert_eq!(
        table(&rolling, UTC, &[1, 23, 24, 25]),
        ["10", "10", "cap_reached until 25", "10"]
    );
}

#[test]
fn a_season_cap_counts_each_season_and_each_time_between_two() {
    let mut rules = capped(10, CapSpan::Season, AtCap::Refuse);
    rules.seasons.push(Season {
        name: "one".into(),
        from_day: 2,
        to_day: 4,
    });
    let outcome = table(&rules, UTC, &[0, 1, 48, 95, 96, 97]);
    let expected = [
        "10",
        "cap_reached until 48",
        "10",
        "cap_reached until 96",
        "10",
        "cap_reached until never",
    ];
    assert_eq!(outcome, expected);
}

/// F-T1, F-T3: a clock that goes back a day, a night of 25 hours, and zones at either end of the world pay nothing twice.
#[test]
fn a_daily_cap_pays_once_a_local_day_whatever_clocks_do() {
    let rules = capped(10, CapSpan::Day, AtCap::Refuse);
    let back = table(&rules, UTC, &[30, 31, 6, 7, 31, 54]);
    assert_eq!(
        back,
        [
            "10",
            "cap_reached until 48",
            "10",
            "cap_reached until 24",
            "cap_reached until 48",
            "10"
        ]
    );
    // Clocks go from UTC+2 to UTC+1 after five days and an hour: the sixth local day has 25 hours.
    let night = table(&rules, fixed((2, 1)), &[118, 119, 142, 143]);
    assert_eq!(night, ["10", "cap_reached until 143", "cap_reached until 143", "10"]);
    for (zone, begins) in [(fixed((14, 14)), 10), (fixed((-11, -11)), 11)] {
        let outcome = table(&rules, zone, &[begins, begins + 23, begins + 24]);
        assert_eq!(
            outcome,
            [
                "10".to_owned(),
                format!("cap_reached until {}", begins + 24),
                "10".to_owned()
            ]
        );
    }
}

#[test]
fn of_several_bonuses_the_largest_counts_and_points_are_rounded_down() {
    let bonus = |percent, from, to| Bonus {
        actions: vec![Action::CommunityFeedback],
        percent,
        from: TimeMs(from),
        to: TimeMs(to),
    };
    let mut rules = Rules::shipped();
    rules.everywhere.bonuses = vec![
        bonus(150, 10, 20),
        bonus(210, 15, 20),
        bonus(50, 30, 40),
        bonus(100, 50, 60),
    ];
    let worth = |action, at| {
        let attempt = Attempt {
            action,
            qualification: None,
            occurred_at: TimeMs(at),
            day: 0,
            next: NextPeriods::default(),
        };
        rules.worth(&Learner::new(UserId::MIN), &attempt).unwrap()
    };
    let of = |points, bonus_percent| Worth { points, bonus_percent };
    let feedback = Action::CommunityFeedback;
    assert_eq!(worth(feedback, 9), of(15, None));
    assert_eq!(worth(feedback, 10), of(22, Some(150)));
    assert_eq!(worth(feedback, 15), of(31, Some(210)));
    assert_eq!(worth(feedback, 20), of(15, None));
    assert_eq!(worth(feedback, 30), of(7, Some(50)));
    assert_eq!(worth(feedback, 50), of(15, None));
    assert_eq!(worth(Action::ReadContent, 15), of(10, None));
}

#[test]
fn the_shipped_rules_have_no_faults_and_no_limits() {
    assert_eq!(Rules::shipped().faults(), []);
    assert!(!Rules::shipped().has_calendar_caps());
}

/// One change of the shipped rules, and the field that is then at fault.
type Change = (fn(&mut Rules), Option<&'static str>);

#[test]
fn each_bound_of_the_rules_holds_what_it_says() {
    fn cap(points: u32, per: CapSpan) -> Cap {
        Cap {
            actions: Vec::new(),
            points,
            per,
            at_cap: AtCap::Partial,
        }
    }
    fn windows(rules: &mut Rules, count: usize) {
        let window = AwardsPerWindow {
            awards: 1,
            within_ms: RULES_SPAN_MS_MAX,
        };
        rules.everywhere.actions[2].windows = vec![window; count];
    }
    fn seasons(rules: &mut Rules, count: usize) {
        let season = |number: usize| Season {
            name: number.to_string(),
            from_day: i32::try_from(number).unwrap(),
            to_day: i32::try_from(number).unwrap() + 1,
        };
        rules.seasons = (0..count).map(season).collect();
    }
    fn bonuses(rules: &mut Rules, count: usize) {
        let bonus = Bonus {
            actions: Vec::new(),
            percent: RULES_PERCENT_MAX,
            from: TimeMs(0),
            to: TimeMs(1),
        };
        rules.everywhere.bonuses = vec![bonus; count];
    }
    fn qualifications(rules: &mut Rules, count: u64) {
        let own = |id| (QualificationId::new(id).unwrap(), rules.everywhere.clone());
        rules.qualifications = (1..=count).map(own).collect();
    }
    fn par_times(rules: &mut Rules, count: u64) {
        let par = |id| (ReferenceId::new(id).unwrap(), 1);
        rules.quizzes.par_ms = (1..=count).map(par).collect();
    }
    let changes: &[Change] = &[
        (|rules| rules.everywhere.actions[1].points = RULES_POINTS_MAX, None),
        (
            |rules| rules.everywhere.actions[1].points = RULES_POINTS_MAX + 1,
            Some("actions.complete_quiz.points"),
        ),
        (
            |rules| rules.everywhere.actions[1].cooldown_ms = RULES_SPAN_MS_MAX,
            None,
        ),
        (
            |rules| rules.everywhere.actions[1].cooldown_ms = RULES_SPAN_MS_MAX + 1,
            Some("actions.complete_quiz.cooldown"),
        ),
        (|rules| windows(rules, RULES_LIMITS_MAX), None),
        (
            |rules| windows(rules, RULES_LIMITS_MAX + 1),
            Some("actions.contribute_resource.windows"),
        ),
        (
            |rules| rules.everywhere.caps = vec![cap(1, CapSpan::RollingMs(RULES_SPAN_MS_MAX))],
            None,
        ),
        (
            |rules| rules.everywhere.caps = vec![cap(1, CapSpan::RollingMs(RULES_SPAN_MS_MAX + 1))],
            Some("caps[0].per"),
        ),
        (
            |rules| rules.everywhere.caps = vec![cap(0, CapSpan::Day)],
            Some("caps[0].points"),
        ),
        (
            |rules| rules.everywhere.caps = vec![cap(1, CapSpan::Day), cap(2, CapSpan::Day)],
            Some("caps[1]"),
        ),
        (|rules| bonuses(rules, RULES_BONUSES_MAX), None),
        (|rules| bonuses(rules, RULES_BONUSES_MAX + 1), Some("bonuses")),
        (|rules| seasons(rules, RULES_SEASONS_MAX), None),
        (|rules| seasons(rules, RULES_SEASONS_MAX + 1), Some("seasons")),
        (|rules| qualifications(rules, RULES_QUALIFICATIONS_MAX as u64), None),
        (
            |rules| qualifications(rules, RULES_QUALIFICATIONS_MAX as u64 + 1),
            Some("qualifications"),
        ),
        (|rules| par_times(rules, RULES_ENTRIES_MAX as u64), None),
        (
            |rules| par_times(rules, RULES_ENTRIES_MAX as u64 + 1),
            Some("quizzes.par"),
        ),
        (|rules| rules.signals.silent_days = RULES_SIGNAL_MAX, None),
        (
            |rules| rules.signals.silent_days = RULES_SIGNAL_MAX + 1,
            Some("signals.silent_days"),
        ),
        (
            |rules| rules.signals.nearly_percent = f64::NAN,
            Some("signals.nearly_percent"),
        ),
        (|rules| rules.quizzes.pass_from = f64::NAN, Some("quizzes.pass_from")),
        (
            |rules| rules.achievements[0].criteria[0].targets[0] = f64::NAN,
            Some("achievements[0].criteria[0].targets"),
        ),
        (|rules| rules.levels.starts_at.clear(), Some("levels.starts_at")),
        (|rules| rules.levels.starts_at.push(u64::MAX), Some("levels.starts_at")),
        (|rules| rules.manual.per_award = 0, Some("manual.per_award")),
    ];
    for (place, (change, field)) in changes.iter().enumerate() {
        let mut rules = Rules::shipped();
        change(&mut rules);
        let faults = rules.faults();
        let fields: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(
            fields,
            field.iter().copied().collect::<Vec<_>>(),
            "change {place}: {faults:?}"
        );
    }
}
