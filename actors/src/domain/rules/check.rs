//! What is wrong with rules that can be read: contradictions and what lies out of range. Pure; all of it at once.

mod scope;

use crate::domain::level::LEVEL_MAX;
use crate::domain::rules::{AchievementRule, KnowledgeTracing, Rules};
use homeroom_schema::limits::{
    ACHIEVEMENTS_MAX, CRITERIA_MAX, MANUAL_POINTS_MAX, NAME_CHARS_MAX, RULES_ENTRIES_MAX, RULES_QUALIFICATIONS_MAX,
    RULES_SEASONS_MAX, RULES_SIGNAL_MAX, RULES_SPAN_MS_MAX, SKILL_CHARS_MAX,
};
use std::collections::BTreeSet;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleFault {
    /// The field as a path of the file form, places in lists from 0: `caps[0].points`.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

/// Gathers faults under a path.
struct Faults(Vec<RuleFault>);

impl Faults {
    fn add(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.0.push(RuleFault {
            field: field.into(),
            message: message.into(),
        });
    }

    fn unless(&mut self, is_right: bool, field: &str, message: &str) {
        if !is_right {
            self.add(field, message);
        }
    }

    fn at_most(&mut self, count: usize, most: usize, field: &str) {
        if count > most {
            self.add(field, format!("{count} are too many: at most {most}"));
        }
    }

    fn probability(&mut self, value: f64, field: &str) {
        self.unless((0.0..=1.0).contains(&value), field, "must be from 0 to 1");
    }

    fn name(&mut self, name: &str, field: &str) {
        if name.trim().is_empty() {
            self.add(field, "must not be empty");
        } else if name.chars().count() > NAME_CHARS_MAX {
            self.add(field, format!("must not be longer than {NAME_CHARS_MAX} characters"));
        }
    }

    fn snake_case(&mut self, name: &str, field: &str) {
        let begins = name.starts_with(|first: char| first.is_ascii_lowercase());
        let rest = name.chars();
        let mut rest = rest.map(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if !begins || !rest.all(|is_allowed| is_allowed) || name.len() > SKILL_CHARS_MAX {
            let message = format!(
                "must be in snake_case: a to z, 0 to 9 and _, a letter first, at most {SKILL_CHARS_MAX} characters"
            );
            self.add(field, message);
        }
    }
}

impl Rules {
    /// Everything that contradicts itself or is out of range; empty for rules that can be put in force.
    #[must_use]
    pub fn faults(&self) -> Vec<RuleFault> {
        let mut faults = Faults(Vec::new());
        faults.name(&self.name, "name");
        scope::check(&mut faults, "", &self.everywhere);
        faults.at_most(self.qualifications.len(), RULES_QUALIFICATIONS_MAX, "qualifications");
        for (id, awards) in &self.qualifications {
            scope::check_own(&mut faults, &format!("qualifications.{id}."), awards, &self.everywhere);
        }
        self.check_levels(&mut faults);
        self.check_achievements(&mut faults);
        self.check_quizzes(&mut faults);
        self.check_skills(&mut faults);
        self.check_seasons(&mut faults);
        self.check_school(&mut faults);
        faults.0
    }

    fn check_levels(&self, faults: &mut Faults) {
        let starts = &self.levels.starts_at;
        let (field, most) = ("levels.starts_at", LEVEL_MAX as usize);
        match starts.first() {
            None => faults.add(field, "must have at least one level"),
            Some(first) if *first != 0 => faults.add(field, format!("level 1 must start at 0, not at {first}")),
            Some(_) => {}
        }
        faults.at_most(starts.len(), most, field);
        for (index, pair) in starts.windows(2).enumerate() {
            if let [before, after] = pair
                && after <= before
            {
                let message = format!(
                    "level {} starts at {after}, not above level {} at {before}",
                    index + 2,
                    index + 1
                );
                faults.add(field, message);
            }
        }
        let names = &self.levels.names;
        if names.len() > starts.len() {
            let message = format!("{} names for {} levels", names.len(), starts.len());
            faults.add("levels.names", message);
        }
        for name in names {
            faults.name(name, "levels.names");
        }
    }

    fn check_achievements(&self, faults: &mut Faults) {
        faults.at_most(self.achievements.len(), ACHIEVEMENTS_MAX, "achievements");
        let mut types = BTreeSet::new();
        for (index, rule) in self.achievements.iter().enumerate() {
            let path = format!("achievements[{index}]");
            let field = format!("{path}.achievement_type");
            faults.snake_case(&rule.achievement_type, &field);
            if !types.insert(&rule.achievement_type) {
                faults.add(field, format!("{} is defined twice", rule.achievement_type));
            }
            check_criteria(faults, &path, rule);
        }
    }

    fn check_quizzes(&self, faults: &mut Faults) {
        faults.probability(self.quizzes.pass_from, "quizzes.pass_from");
        let least = self.quizzes.par_from_completions;
        faults.unless(least >= 1, "quizzes.par_from_completions", "must be at least 1");
        faults.at_most(self.quizzes.par_ms.len(), RULES_ENTRIES_MAX, "quizzes.par");
        for (reference, par_ms) in &self.quizzes.par_ms {
            let field = format!("quizzes.par.{reference}");
            let is_possible = (1..=RULES_SPAN_MS_MAX.unsigned_abs()).contains(par_ms);
            faults.unless(is_possible, &field, "must be longer than 0, and at most 366 days");
        }
    }

    fn check_skills(&self, faults: &mut Faults) {
        check_knowledge(faults, "skills.default", &self.skills.default);
        faults.at_most(self.skills.by_skill.len(), RULES_ENTRIES_MAX, "skills.by_skill");
        for (skill, parameters) in &self.skills.by_skill {
            let field = format!("skills.by_skill.{skill}");
            let characters = skill.chars().count();
            let fits = (1..=SKILL_CHARS_MAX).contains(&characters);
            faults.unless(fits, &field, "a skill's name has 1 to 64 characters");
            check_knowledge(faults, &field, parameters);
        }
    }

    fn check_seasons(&self, faults: &mut Faults) {
        faults.at_most(self.seasons.len(), RULES_SEASONS_MAX, "seasons");
        let mut names = BTreeSet::new();
        for (index, season) in self.seasons.iter().enumerate() {
            let path = format!("seasons[{index}]");
            faults.name(&season.name, &format!("{path}.name"));
            if !names.insert(&season.name) {
                faults.add(format!("{path}.name"), format!("{} is defined twice", season.name));
            }
            if season.to_day <= season.from_day {
                faults.add(
                    format!("{path}.to"),
                    "must be later than `from`: it is the day after the last",
                );
            }
        }
        for (index, pair) in self.seasons.windows(2).enumerate() {
            let [before, after] = pair else { continue };
            let field = format!("seasons[{}].from", index + 1);
            if after.from_day < before.from_day {
                faults.add(
                    field,
                    format!("seasons must be in the order of their dates: {} is earlier", after.name),
                );
            } else if after.from_day < before.to_day {
                faults.add(field, format!("{} begins before {} ends", after.name, before.name));
            }
        }
    }

    fn check_school(&self, faults: &mut Faults) {
        let manual = &self.manual;
        let most = MANUAL_POINTS_MAX;
        if !(1..=most).contains(&manual.per_award) {
            faults.add("manual.per_award", format!("must be from 1 to {most}"));
        }
        if manual.per_mentor_and_week > most {
            faults.add("manual.per_mentor_and_week", format!("must be at most {most}"));
        }
        let locked = (0..=RULES_SPAN_MS_MAX).contains(&self.preferences.locked_for_ms);
        faults.unless(locked, "preferences.locked_for", "must be at most 366 days");
        let signals = &self.signals;
        for (field, value) in [
            ("signals.stuck_days", signals.stuck_days),
            ("signals.stuck_failures", signals.stuck_failures),
            ("signals.silent_days", signals.silent_days),
        ] {
            if !(1..=RULES_SIGNAL_MAX).contains(&value) {
                faults.add(field, format!("must be from 1 to {RULES_SIGNAL_MAX}"));
            }
        }
        let nearly = signals.nearly_percent;
        let is_percent = nearly > 0.0 && nearly <= 100.0;
        faults.unless(is_percent, "signals.nearly_percent", "must be above 0, and at most 100");
    }
}

fn check_criteria(faults: &mut Faults, path: &str, rule: &AchievementRule) {
    let field = format!("{path}.criteria");
    faults.unless(!rule.criteria.is_empty(), &field, "must have at least one criterion");
    faults.at_most(rule.criteria.len(), CRITERIA_MAX, &field);
    let mut keys = BTreeSet::new();
    for (index, criterion) in rule.criteria.iter().enumerate() {
        let path = format!("{field}[{index}]");
        let key = format!("{path}.key");
        faults.snake_case(&criterion.key, &key);
        if !keys.insert(&criterion.key) {
            faults.add(key, format!("{} is defined twice", criterion.key));
        }
        let targets = format!("{path}.targets");
        let [bronze, silver, gold] = criterion.targets;
        if !criterion
            .targets
            .iter()
            .all(|target| target.is_finite() && *target >= 0.0)
        {
            faults.add(targets, "must be numbers from 0");
        } else if !(bronze <= silver && silver <= gold) {
            let message = format!("must not fall from bronze to gold: {bronze}, {silver}, {gold}");
            faults.add(targets, message);
        }
    }
}

/// Guessing right without knowing and slipping in spite of it must leave an answer that tells something: a model with
/// guess + slip from 1 on learns from wrong answers (Beck and Chang, "Identifiability: A fundamental problem of student
/// modeling", User Modeling 2007).
fn check_knowledge(faults: &mut Faults, path: &str, parameters: &KnowledgeTracing) {
    let KnowledgeTracing {
        known,
        learn,
        guess,
        slip,
    } = *parameters;
    for (name, value) in [("known", known), ("learn", learn), ("guess", guess), ("slip", slip)] {
        faults.probability(value, &format!("{path}.{name}"));
    }
    if guess + slip >= 1.0 {
        faults.add(
            format!("{path}.guess"),
            format!("guess ({guess}) + slip ({slip}) must be below 1"),
        );
    }
}
