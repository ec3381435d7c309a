//! A learner's progress and achievements.

use super::{optional_time, time};
use homeroom_actors::domain::achievements::{AchievementProgress, Reached};
use homeroom_actors::domain::course::SkillMastery;
use homeroom_actors::views::LearnerView;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// `GET /progress/{user_id}`.
#[must_use]
pub fn progress(view: &LearnerView) -> Value {
    let units = view.units.iter().map(|(unit_id, unit)| {
        json!({
            "unit_id": unit_id,
            "progress_percentage": unit.progress_percentage,
            "last_accessed": time(unit.last_accessed),
            "completed_at": optional_time(unit.completed_at),
        })
    });
    let qualifications = view.completion.qualifications.iter().map(|qualification| {
        json!({
            "qualification_id": qualification.qualification_id,
            "units_completed": qualification.units_completed,
            "units_total": qualification.units_total,
            "completion_percentage": qualification.completion_percentage,
            "completed_at": optional_time(qualification.completed_at),
        })
    });
    json!({
        "user_id": view.user_id,
        "version": view.version,
        "units": units.collect::<Vec<_>>(),
        "units_completed": view.completion.units_completed,
        "units_total": view.completion.units_total,
        "completion_percentage": view.completion.completion_percentage,
        "qualifications": qualifications.collect::<Vec<_>>(),
        "skills": skills(&view.completion.skills),
        "points": {"total": view.total, "level": view.level},
    })
}

/// Skills with their mastery, as learners and teams show them.
pub(super) fn skills(skills: &[SkillMastery]) -> Vec<Value> {
    let shown = skills.iter();
    let shown = shown.map(|one| json!({"skill": &*one.skill, "mastery": one.mastery}));
    shown.collect()
}

/// `GET /achievements/{user_id}`: all of them, locked ones with their progress.
#[must_use]
pub fn achievements(view: &LearnerView) -> Value {
    json!({
        "user_id": view.user_id,
        "version": view.version,
        "achievements": view.achievements.iter().map(achievement).collect::<Vec<_>>(),
    })
}

fn achievement(progress: &AchievementProgress) -> Value {
    let data = progress.earned.as_ref().map(|earned| achievement_data(&earned.data));
    let criteria = progress.criteria.iter();
    let criteria = criteria.map(|c| json!({"key": c.key, "current": c.current, "target": c.target, "met": c.met}));
    json!({
        "achievement_type": progress.achievement_type,
        "tier": progress.tier.as_str(),
        "earned_at": optional_time(progress.earned_at()),
        "achievement_data": data.unwrap_or_else(|| json!({})),
        "criteria": criteria.collect::<Vec<_>>(),
    })
}

/// Why an achievement was earned: what each criterion stood at, and what was asked.
#[must_use]
pub fn achievement_data(data: &BTreeMap<String, Reached>) -> Value {
    let reached = data.iter();
    let reached = reached.map(|(key, one)| (key.clone(), json!({"value": one.value, "target": one.target})));
    Value::Object(reached.collect::<Map<_, _>>())
}
