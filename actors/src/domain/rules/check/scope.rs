//! What is wrong with the amounts and limits of one scope: everywhere, or one qualification.

use crate::domain::action::Action;
use crate::domain::rules::check::Faults;
use crate::domain::rules::{ActionRules, AtCap, AwardRules, Bonus, Cap, CapSpan};
use homeroom_schema::limits::{
    RULES_BONUSES_MAX, RULES_LIMITS_MAX, RULES_PERCENT_MAX, RULES_POINTS_MAX, RULES_SPAN_MS_MAX,
};

/// Checks the rules of one scope; `path` ends where their fields begin.
pub(super) fn check(faults: &mut Faults, path: &str, awards: &AwardRules) {
    for (action, rules) in Action::ALL.iter().zip(&awards.actions) {
        check_action(faults, &format!("{path}actions.{}", action.as_str()), rules);
    }
    check_caps(faults, path, awards);
    check_bonuses(faults, path, &awards.bonuses);
}

/// The same for a qualification. What it has from everywhere is not told again, unless it contradicts what is its own.
pub(super) fn check_own(faults: &mut Faults, path: &str, awards: &AwardRules, everywhere: &AwardRules) {
    let actions = Action::ALL.iter().zip(awards.actions.iter().zip(&everywhere.actions));
    for (action, (own, general)) in actions {
        if own != general {
            check_action(faults, &format!("{path}actions.{}", action.as_str()), own);
        }
    }
    if awards != everywhere {
        check_caps(faults, path, awards);
    }
    if awards.bonuses != everywhere.bonuses {
        check_bonuses(faults, path, &awards.bonuses);
    }
}

fn check_action(faults: &mut Faults, path: &str, rules: &ActionRules) {
    if rules.points > RULES_POINTS_MAX {
        faults.add(format!("{path}.points"), format!("must be at most {RULES_POINTS_MAX}"));
    }
    let is_span = (0..=RULES_SPAN_MS_MAX).contains(&rules.cooldown_ms);
    faults.unless(is_span, &format!("{path}.cooldown"), "must be at most 366 days");
    faults.at_most(rules.windows.len(), RULES_LIMITS_MAX, &format!("{path}.windows"));
    for (index, window) in rules.windows.iter().enumerate() {
        let path = format!("{path}.windows[{index}]");
        let pays = window.awards >= 1;
        faults.unless(
            pays,
            &format!("{path}.awards"),
            "must be at least 1: with 0 nothing could ever be awarded",
        );
        span(faults, window.within_ms, &format!("{path}.within"));
    }
}

fn span(faults: &mut Faults, span_ms: i64, field: &str) {
    let is_span = (1..=RULES_SPAN_MS_MAX).contains(&span_ms);
    faults.unless(is_span, field, "must be longer than 0, and at most 366 days");
}

fn check_caps(faults: &mut Faults, path: &str, awards: &AwardRules) {
    faults.at_most(awards.caps.len(), RULES_LIMITS_MAX, &format!("{path}caps"));
    for (index, cap) in awards.caps.iter().enumerate() {
        let path = format!("{path}caps[{index}]");
        twice(faults, &cap.actions, &format!("{path}.actions"));
        if let CapSpan::RollingMs(within_ms) = cap.per {
            span(faults, within_ms, &format!("{path}.per"));
        }
        if cap.points == 0 {
            faults.add(
                format!("{path}.points"),
                "must be at least 1: with 0 nothing could ever be awarded",
            );
        } else if cap.at_cap == AtCap::Refuse {
            check_refusing(faults, &format!("{path}.points"), cap, awards);
        }
        let equal = |other: &Cap| other.per == cap.per && other.actions == cap.actions;
        if awards.caps.iter().take(index).any(equal) {
            faults.add(path, "there is a cap of the same actions over the same time already");
        }
    }
}

/// A cap that refuses whole must let a single award pass.
fn check_refusing(faults: &mut Faults, field: &str, cap: &Cap, awards: &AwardRules) {
    for action in cap.actions() {
        let points = awards.action(*action).map_or(0, |rules| rules.points);
        let name = action.as_str();
        if points > cap.points {
            let message = format!(
                "a cap of {} refuses every {name}, which is worth {points}: raise it, or set at_cap = \"partial\"",
                cap.points
            );
            faults.add(field, message);
            continue;
        }
        let bonuses = awards.bonuses.iter();
        let mut bonuses = bonuses.filter(|bonus| bonus.actions.is_empty() || bonus.actions.contains(action));
        let exceeds = |bonus: &&Bonus| u64::from(points) * u64::from(bonus.percent) / 100 > u64::from(cap.points);
        if let Some(bonus) = bonuses.find(exceeds) {
            let message = format!(
                "a cap of {} refuses every {name} while it is worth {points} × {} %: raise it, or set at_cap = \"partial\"",
                cap.points, bonus.percent
            );
            faults.add(field, message);
        }
    }
}

fn check_bonuses(faults: &mut Faults, path: &str, bonuses: &[Bonus]) {
    faults.at_most(bonuses.len(), RULES_BONUSES_MAX, &format!("{path}bonuses"));
    for (index, bonus) in bonuses.iter().enumerate() {
        let path = format!("{path}bonuses[{index}]");
        twice(faults, &bonus.actions, &format!("{path}.actions"));
        if !(1..=RULES_PERCENT_MAX).contains(&bonus.percent) {
            let message = format!("must be from 1 to {RULES_PERCENT_MAX} percent (a multiplier from 0.01 to 100)");
            faults.add(format!("{path}.percent"), message);
        }
        let ends_later = bonus.from < bonus.to;
        faults.unless(ends_later, &format!("{path}.to"), "must be later than `from`");
    }
}

fn twice(faults: &mut Faults, actions: &[Action], field: &str) {
    for (index, action) in actions.iter().enumerate() {
        if actions.iter().take(index).any(|other| other == action) {
            faults.add(field, format!("{} is named twice", action.as_str()));
        }
    }
}
