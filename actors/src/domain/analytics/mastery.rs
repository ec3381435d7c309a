//! How much mastery of each skill grew, by the same knowledge tracing that a learner's own page shows.

use crate::domain::analytics::Scope;
use crate::domain::analytics::numbers::Mean;
use crate::domain::analytics::units::Touches;
use crate::domain::rules::Rules;
use crate::domain::skills::{Opportunity, OpportunityKind, mastery};
use homeroom_schema::{TimeMs, UserId};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// How a skill stood before a range of time, and at its end.
#[derive(Debug, Clone, PartialEq)]
pub struct SkillOutcome {
    /// Its name.
    pub skill: Arc<str>,
    /// People who had an opportunity to show or to learn it by the end of the range.
    pub learners: usize,
    /// Their mean mastery when the range began, 0 to 1.
    pub mastery_before: f64,
    /// Their mean mastery when it ended, 0 to 1.
    pub mastery_after: f64,
}

/// The skills by name, from all quizzes and completions before the end of the range. Units of now say which skills they
/// train; archived ones train none.
pub(super) fn skills(
    scope: &Scope,
    quizzes: &[(UserId, Opportunity)],
    touches: &Touches,
    rules: &Rules,
) -> Vec<SkillOutcome> {
    let completed = touches.by_person.iter().filter_map(|((user_id, unit), touch)| {
        let opportunity = Opportunity {
            unit: *unit,
            at: touch.completed_at?,
            kind: OpportunityKind::Completed,
        };
        Some((*user_id, opportunity))
    });
    let mut histories: HashMap<(&Arc<str>, UserId), Vec<Opportunity>> = HashMap::new();
    for (user_id, opportunity) in quizzes.iter().copied().chain(completed) {
        let unit = scope.catalogue.get(&opportunity.unit).filter(|unit| unit.counts);
        for skill in unit.into_iter().flat_map(|unit| &unit.skills) {
            histories.entry((skill, user_id)).or_default().push(opportunity);
        }
    }
    let mut histories: Vec<_> = histories.into_iter().collect();
    // One order for the same figures to the last digit.
    histories.sort_unstable_by_key(|(key, _)| *key);
    let mut found: BTreeMap<&Arc<str>, (Mean, Mean)> = BTreeMap::new();
    for ((skill, _), mut history) in histories {
        history.sort_unstable_by_key(Opportunity::order);
        let parameters = rules.skills.by_skill.get(&**skill).unwrap_or(&rules.skills.default);
        let at_moment = |end: TimeMs| {
            let before = history.iter().filter(|one| one.at < end);
            mastery(parameters, before.map(|one| one.seen(rules.quizzes.pass_from)))
        };
        let (before, after) = found.entry(skill).or_default();
        before.take(at_moment(scope.range.start));
        after.take(at_moment(scope.range.end));
    }
    let rows = found.into_iter().map(|(skill, (before, after))| SkillOutcome {
        skill: Arc::clone(skill),
        learners: after.count,
        mastery_before: before.get().unwrap_or_default(),
        mastery_after: after.get().unwrap_or_default(),
    });
    rows.collect()
}
