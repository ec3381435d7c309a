//! The sections of a document besides awards: levels, achievements, quizzes, skills, and what else a school decides.

use crate::rules::read::{Fields, Node, Reader};
use crate::rules::value::{Day, Span};
use homeroom_actors::domain::Rules;
use homeroom_actors::domain::rules::{AchievementRule, CriterionRule, KnowledgeTracing, Measure, Season};
use homeroom_schema::ReferenceId;

/// Takes what the document says into the rules.
pub(super) fn take<'a>(reader: &mut Reader<'a>, fields: &Fields<'a>, rules: &mut Rules) {
    take_levels(reader, fields, rules);
    if let Some(node) = fields.get("achievements") {
        let achievements = reader.list(node);
        let achievements = achievements.iter().filter_map(|node| achievement(reader, node));
        rules.achievements = achievements.collect();
    }
    take_quizzes(reader, fields, rules);
    take_skills(reader, fields, rules);
    if let Some(node) = fields.get("manual") {
        let fields = reader.fields(node, &["per_award", "per_mentor_and_week"]);
        reader.take(&fields, "per_award", &mut rules.manual.per_award);
        reader.take(&fields, "per_mentor_and_week", &mut rules.manual.per_mentor_and_week);
    }
    if let Some(node) = fields.get("teams") {
        let fields = reader.fields(node, &["scoring", "transfer"]);
        reader.take(&fields, "scoring", &mut rules.teams.scoring);
        reader.take(&fields, "transfer", &mut rules.teams.transfer);
    }
    if let Some(node) = fields.get("seasons") {
        let seasons = reader.list(node);
        rules.seasons = seasons.iter().filter_map(|node| season(reader, node)).collect();
    }
    if let Some(node) = fields.get("preferences") {
        let fields = reader.fields(node, &["locked_for"]);
        let mut locked_for = Span(rules.preferences.locked_for_ms);
        reader.take(&fields, "locked_for", &mut locked_for);
        rules.preferences.locked_for_ms = locked_for.0;
    }
    take_signals(reader, fields, rules);
}

fn take_levels<'a>(reader: &mut Reader<'a>, fields: &Fields<'a>, rules: &mut Rules) {
    let Some(node) = fields.get("levels") else { return };
    let fields = reader.fields(node, &["starts_at", "names"]);
    reader.take(&fields, "starts_at", &mut rules.levels.starts_at);
    reader.take(&fields, "names", &mut rules.levels.names);
}

fn achievement<'a>(reader: &mut Reader<'a>, node: &Node<'a>) -> Option<AchievementRule> {
    let fields = reader.fields(node, &["achievement_type", "criteria"]);
    let achievement_type = reader.need(&fields, "achievement_type");
    let criteria = match fields.get("criteria") {
        Some(node) => reader.list(node),
        None => Vec::new(),
    };
    let criteria = criteria.iter().filter_map(|node| criterion(reader, node)).collect();
    Some(AchievementRule {
        achievement_type: achievement_type?,
        criteria,
    })
}

fn criterion<'a>(reader: &mut Reader<'a>, node: &Node<'a>) -> Option<CriterionRule> {
    let fields = reader.fields(node, &["key", "measure", "targets"]);
    let measure = reader.need(&fields, "measure");
    let targets: Option<Vec<f64>> = reader.need(&fields, "targets");
    let key: Option<String> = fields.get("key").and_then(|node| reader.value(node));
    let measure: Measure = measure?;
    let Ok(targets) = targets?.try_into() else {
        let field = format!("{}.targets", node.path);
        reader.fault(&field, "must be three numbers: bronze, silver, gold");
        return None;
    };
    Some(CriterionRule {
        key: key.unwrap_or_else(|| measure.as_str().to_owned()),
        measure,
        targets,
    })
}

fn take_quizzes<'a>(reader: &mut Reader<'a>, fields: &Fields<'a>, rules: &mut Rules) {
    let Some(node) = fields.get("quizzes") else { return };
    let fields = reader.fields(node, &["pass_from", "par_from_completions", "par"]);
    reader.take(&fields, "pass_from", &mut rules.quizzes.pass_from);
    reader.take(&fields, "par_from_completions", &mut rules.quizzes.par_from_completions);
    let Some(node) = fields.get("par") else { return };
    for (key, node) in reader.entries(node).iter() {
        let par: Option<Span> = reader.value(node);
        match key.parse().ok().and_then(|id| ReferenceId::new(id).ok()) {
            Some(reference) => {
                let par_ms = par.map_or(0, |par| par.0.unsigned_abs());
                rules.quizzes.par_ms.insert(reference, par_ms);
            }
            None => reader.fault(&node.path, "must be the reference of a quiz: a whole number from 1"),
        }
    }
}

fn take_skills<'a>(reader: &mut Reader<'a>, fields: &Fields<'a>, rules: &mut Rules) {
    let Some(node) = fields.get("skills") else { return };
    let fields = reader.fields(node, &["default", "by_skill"]);
    if let Some(node) = fields.get("default") {
        take_tracing(reader, node, &mut rules.skills.default);
    }
    let Some(node) = fields.get("by_skill") else { return };
    for (skill, node) in reader.entries(node).iter() {
        let mut parameters = rules.skills.default;
        take_tracing(reader, node, &mut parameters);
        rules.skills.by_skill.insert((*skill).to_owned(), parameters);
    }
}

fn take_tracing<'a>(reader: &mut Reader<'a>, node: &Node<'a>, parameters: &mut KnowledgeTracing) {
    let fields = reader.fields(node, &["known", "learn", "guess", "slip"]);
    reader.take(&fields, "known", &mut parameters.known);
    reader.take(&fields, "learn", &mut parameters.learn);
    reader.take(&fields, "guess", &mut parameters.guess);
    reader.take(&fields, "slip", &mut parameters.slip);
}

fn season<'a>(reader: &mut Reader<'a>, node: &Node<'a>) -> Option<Season> {
    let fields = reader.fields(node, &["name", "from", "to"]);
    let name = reader.need(&fields, "name");
    let from: Option<Day> = reader.need(&fields, "from");
    let to: Option<Day> = reader.need(&fields, "to");
    Some(Season {
        name: name?,
        from_day: from?.0,
        to_day: to?.0,
    })
}

fn take_signals<'a>(reader: &mut Reader<'a>, fields: &Fields<'a>, rules: &mut Rules) {
    let Some(node) = fields.get("signals") else { return };
    let known = ["stuck_days", "stuck_failures", "silent_days", "nearly_percent"];
    let fields = reader.fields(node, &known);
    reader.take(&fields, "stuck_days", &mut rules.signals.stuck_days);
    reader.take(&fields, "stuck_failures", &mut rules.signals.stuck_failures);
    reader.take(&fields, "silent_days", &mut rules.signals.silent_days);
    reader.take(&fields, "nearly_percent", &mut rules.signals.nearly_percent);
}
