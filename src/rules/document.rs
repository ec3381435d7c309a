//! The whole document, and what awards are worth in it: everywhere and in single qualifications.

use crate::rules::read::{Fields, Node, Reader};
use crate::rules::sections;
use crate::rules::value::Span;
use homeroom_actors::domain::rules::{ActionRules, AtCap, AwardRules, AwardsPerWindow, Bonus, Cap};
use homeroom_actors::domain::{Action, Rules};
use homeroom_schema::{QualificationId, TimeMs};
use toml::de::DeTable;

const FIELDS: &[&str] = &[
    "name",
    "actions",
    "caps",
    "bonuses",
    "qualifications",
    "levels",
    "achievements",
    "quizzes",
    "skills",
    "manual",
    "teams",
    "seasons",
    "preferences",
    "signals",
];
const SCOPE_FIELDS: &[&str] = &["actions", "caps", "bonuses"];

/// The shipped rules, changed by what the document says; meaningless if the reader found faults.
pub(super) fn rules<'a>(reader: &mut Reader<'a>, document: &'a DeTable<'a>) -> Rules {
    let mut rules = Rules::shipped();
    rules.version = 0;
    let fields = reader.root(document, FIELDS);
    reader.take(&fields, "name", &mut rules.name);
    take_awards(reader, &fields, &mut rules.everywhere);
    if let Some(node) = fields.get("qualifications") {
        for (key, node) in reader.entries(node).iter() {
            let fields = reader.fields(node, SCOPE_FIELDS);
            let mut awards = rules.everywhere.clone();
            take_awards(reader, &fields, &mut awards);
            match key.parse().ok().and_then(|id| QualificationId::new(id).ok()) {
                Some(id) => {
                    rules.qualifications.insert(id, awards);
                }
                None => reader.fault(&node.path, "must be the id of a qualification"),
            }
        }
    }
    sections::take(reader, &fields, &mut rules);
    rules
}

fn take_awards<'a>(reader: &mut Reader<'a>, fields: &Fields<'a>, awards: &mut AwardRules) {
    if let Some(node) = fields.get("actions") {
        let actions = reader.fields(node, &Action::ALL.map(Action::as_str));
        for (action, rules) in Action::ALL.iter().zip(&mut awards.actions) {
            if let Some(node) = actions.get(action.as_str()) {
                take_action(reader, node, rules);
            }
        }
    }
    if let Some(node) = fields.get("caps") {
        let caps = reader.list(node);
        awards.caps = caps.iter().filter_map(|node| cap(reader, node)).collect();
    }
    if let Some(node) = fields.get("bonuses") {
        let bonuses = reader.list(node);
        awards.bonuses = bonuses.iter().filter_map(|node| bonus(reader, node)).collect();
    }
}

fn take_action<'a>(reader: &mut Reader<'a>, node: &Node<'a>, rules: &mut ActionRules) {
    let fields = reader.fields(node, &["points", "self_reportable", "cooldown", "windows"]);
    reader.take(&fields, "points", &mut rules.points);
    reader.take(&fields, "self_reportable", &mut rules.self_reportable);
    let mut cooldown = Span(rules.cooldown_ms);
    reader.take(&fields, "cooldown", &mut cooldown);
    rules.cooldown_ms = cooldown.0;
    if let Some(node) = fields.get("windows") {
        let windows = reader.list(node);
        rules.windows = windows.iter().filter_map(|node| window(reader, node)).collect();
    }
}

fn window<'a>(reader: &mut Reader<'a>, node: &Node<'a>) -> Option<AwardsPerWindow> {
    let fields = reader.fields(node, &["awards", "within"]);
    let awards = reader.need(&fields, "awards");
    let within: Option<Span> = reader.need(&fields, "within");
    Some(AwardsPerWindow {
        awards: awards?,
        within_ms: within?.0,
    })
}

fn cap<'a>(reader: &mut Reader<'a>, node: &Node<'a>) -> Option<Cap> {
    let fields = reader.fields(node, &["actions", "points", "per", "at_cap"]);
    let (mut actions, mut at_cap) = (Vec::new(), AtCap::Refuse);
    take_actions(reader, &fields, &mut actions);
    reader.take(&fields, "at_cap", &mut at_cap);
    let points = reader.need(&fields, "points");
    let per = reader.need(&fields, "per");
    Some(Cap {
        actions,
        points: points?,
        per: per?,
        at_cap,
    })
}

fn bonus<'a>(reader: &mut Reader<'a>, node: &Node<'a>) -> Option<Bonus> {
    let fields = reader.fields(node, &["actions", "percent", "multiplier", "from", "to"]);
    let mut actions = Vec::new();
    take_actions(reader, &fields, &mut actions);
    let percent = percent(reader, node, &fields);
    let from: Option<TimeMs> = reader.need(&fields, "from");
    let to: Option<TimeMs> = reader.need(&fields, "to");
    Some(Bonus {
        actions,
        percent: percent?,
        from: from?,
        to: to?,
    })
}

/// An empty list would say the same as none at all, which is rather a mistake.
fn take_actions<'a>(reader: &mut Reader<'a>, fields: &Fields<'a>, actions: &mut Vec<Action>) {
    let Some(node) = fields.get("actions") else { return };
    reader.take(fields, "actions", actions);
    if actions.is_empty() && reader.is_sound() {
        reader.fault(&node.path, "must name an action; leave it out for all of them");
    }
}

fn percent<'a>(reader: &mut Reader<'a>, node: &Node<'a>, fields: &Fields<'a>) -> Option<u32> {
    match (fields.get("percent"), fields.get("multiplier")) {
        (Some(percent), None) => reader.value(percent),
        (None, Some(multiplier)) => {
            let factor: f64 = reader.value(multiplier)?;
            let hundredths = (factor * 100.0).round();
            if !(1.0..=f64::from(u32::MAX)).contains(&hundredths) || (hundredths / 100.0 - factor).abs() > 1e-9 {
                reader.fault(&multiplier.path, "must be a number above 0 with at most two decimals");
                return None;
            }
            Some(hundredths as u32)
        }
        (Some(_), Some(multiplier)) => {
            reader.fault(
                &multiplier.path,
                "stands beside `percent`: only one of both can be said",
            );
            None
        }
        (None, None) => {
            let field = format!("{}.multiplier", node.path);
            reader.fault(&field, "is missing: either `multiplier` (1.5) or `percent` (150)");
            None
        }
    }
}
