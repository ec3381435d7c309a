//! A learner's progress and achievements.

use super::{optional_time, time};
use homeroom_actors::domain::achievements::AchievementProgress;
use homeroom_actors::roster::Roster;
use homeroom_actors::views::LearnerView;
use homeroom_schema::UnitId;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// `GET /progress/{user_id}`.
#[must_use]
pub fn progress(view: &LearnerView, roster: &Roster) -> Value {
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
    let units_of_course = roster.course(view.user_id).units.into_iter();
    let with_skills = units_of_course.filter_map(|unit_id| Some((unit_id, roster.unit(unit_id)?.skills)));
    json!({
        "user_id": view.user_id,
        "version": view.version,
        "units": units.collect::<Vec<_>>(),
        "units_completed": view.completion.units_completed,
        "units_total": view.completion.units_total,
        "completion_percentage": view.completion.completion_percentage,
        "qualifications": qualifications.collect::<Vec<_>>(),
        "skills": skills(view, with_skills),
        "points": {"total": view.total, "level": view.level},
    })
}

/// Mastery of each skill of the course, by name: the mean progress in the units that train it, 0 to 1.
fn skills(view: &LearnerView, course: impl Iterator<Item = (UnitId, Vec<String>)>) -> Vec<Value> {
    let mut sums: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for (unit_id, skills) in course {
        let touched = view.units.binary_search_by_key(&unit_id, |(id, _)| *id);
        let percentage = touched.map_or(0, |place| u64::from(view.units[place].1.progress_percentage));
        for skill in skills {
            let (sum, units) = sums.entry(skill).or_default();
            *sum += percentage;
            *units += 1;
        }
    }
    let mastery = |(sum, units): (u64, u64)| sum as f64 / (100 * units) as f64;
    sums.into_iter()
        .map(|(skill, counts)| json!({"skill": skill, "mastery": mastery(counts)}))
        .collect()
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
    let criteria = progress.criteria.iter();
    let data: Map<String, Value> = if progress.earned_at.is_some() {
        let reached = criteria.clone().map(|c| (c.key.to_owned(), json!(c.current)));
        reached.collect()
    } else {
        Map::new()
    };
    let criteria = criteria.map(|c| json!({"key": c.key, "current": c.current, "target": c.target, "met": c.met}));
    json!({
        "achievement_type": progress.achievement_type.as_str(),
        "tier": progress.tier.as_str(),
        "earned_at": optional_time(progress.earned_at),
        "achievement_data": data,
        "criteria": criteria.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use homeroom_actors::domain::course::Completion;
    use homeroom_actors::domain::learner::UnitProgress;
    use homeroom_schema::{TimeMs, UserId, Version};

    #[test]
    fn mastery_is_the_mean_progress_of_the_units_that_train_a_skill() {
        let unit = |id: u64| UnitId::new(id).expect("an id");
        let touched = |id, progress_percentage| {
            let progress = UnitProgress {
                progress_percentage,
                last_accessed: TimeMs(0),
                completed_at: None,
                version: Version(1),
            };
            (unit(id), progress)
        };
        let view = LearnerView {
            user_id: UserId::MIN,
            version: Version(2),
            units: vec![touched(1, 100), touched(3, 40), touched(9, 100)],
            completion: Completion::default(),
            total: 0,
            level: 1,
            achievements: Vec::new(),
        };
        let course = [
            (unit(1), vec!["fractions".to_owned()]),
            (unit(2), vec!["fractions".to_owned(), "algebra".to_owned()]),
            (unit(3), vec!["algebra".to_owned()]),
            (unit(4), vec![]),
        ];
        let skills = skills(&view, course.into_iter());
        let expected = json!([{"skill": "algebra", "mastery": 0.2}, {"skill": "fractions", "mastery": 0.5}]);
        assert_eq!(Value::from(skills), expected);
    }
}
