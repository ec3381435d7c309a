//! A team's performance, by lens: as a whole, or what of it has changed.

use homeroom_actors::Lens;
use homeroom_actors::views::{MemberPerformance, TeamPerformance};
use homeroom_schema::{QualificationId, TeamId, UserId};
use serde::Serialize;
use serde_json::Value;

/// `GET /team/{team_id}/performance` and the snapshot of a team's topic. A projector sees totals only.
#[must_use]
pub fn performance(view: &TeamPerformance, lens: Lens) -> Value {
    // Only maps with keys that are not text could fail here, and there are none.
    serde_json::to_value(Shown::of(view, lens)).unwrap_or_default()
}

/// The fields of a performance that are not what they were, whole, as this lens sees them.
#[must_use]
pub fn performance_changes<'a>(
    before: &'a TeamPerformance,
    now: &'a TeamPerformance,
    lens: Lens,
) -> impl Serialize + 'a {
    Shown::of(now, lens).since(&Shown::of(before, lens))
}

/// The fields that are shown; of some of them null is a value too.
#[derive(Serialize)]
struct Shown<'a> {
    team_id: TeamId,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    members_count: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    points: Option<Points>,
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<Progress>,
    #[serde(skip_serializing_if = "Option::is_none")]
    course_completion: Option<Vec<Course>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    skills: Option<Vec<Skill<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    achievements: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rank: Option<Option<u64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mentor_id: Option<Option<UserId>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    members: Option<Vec<Member<'a>>>,
}

#[derive(Serialize, PartialEq)]
struct Points {
    sum: u64,
    mean: f64,
    adjusted: f64,
}

#[derive(Serialize, PartialEq)]
struct Progress {
    mean_completion_percentage: f64,
    units_completed: usize,
}

#[derive(Serialize, PartialEq)]
struct Course {
    qualification_id: QualificationId,
    learners: usize,
    learners_completed: usize,
    completion_percentage: f64,
}

#[derive(Serialize, PartialEq)]
struct Skill<'a> {
    skill: &'a str,
    mastery: f64,
}

/// One member, for staff by name and for peers by alias.
#[derive(Serialize, PartialEq)]
struct Member<'a> {
    user_id: UserId,
    name: &'a str,
    points: u64,
    completion_percentage: f64,
    rank: Option<u64>,
}

impl<'a> Shown<'a> {
    fn of(view: &'a TeamPerformance, lens: Lens) -> Self {
        let courses = view.course_completion.iter().map(|course| Course {
            qualification_id: course.qualification_id,
            learners: course.learners,
            learners_completed: course.learners_completed,
            completion_percentage: course.completion_percentage,
        });
        let skills = view.skills.iter().map(|one| Skill {
            skill: &one.skill,
            mastery: one.mastery,
        });
        let shows_members = lens != Lens::Projector;
        let members = || view.members.iter().map(|one| Member::of(one, lens)).collect();
        Self {
            team_id: view.team_id,
            name: Some(&view.name),
            members_count: Some(view.members.len()),
            points: Some(Points {
                sum: view.points_sum,
                mean: view.points_mean,
                adjusted: view.points_adjusted,
            }),
            progress: Some(Progress {
                mean_completion_percentage: view.mean_completion_percentage,
                units_completed: view.units_completed,
            }),
            course_completion: Some(courses.collect()),
            skills: Some(skills.collect()),
            achievements: Some(view.team_achievements),
            rank: Some(view.rank),
            version: Some(view.version),
            mentor_id: shows_members.then_some(view.mentor_id),
            members: shows_members.then(members),
        }
    }

    /// Without what is as it was.
    fn since(mut self, before: &Self) -> Self {
        fn keep_news<T: PartialEq>(now: &mut Option<T>, before: &Option<T>) {
            if now == before {
                *now = None;
            }
        }
        keep_news(&mut self.name, &before.name);
        keep_news(&mut self.members_count, &before.members_count);
        keep_news(&mut self.points, &before.points);
        keep_news(&mut self.progress, &before.progress);
        keep_news(&mut self.course_completion, &before.course_completion);
        keep_news(&mut self.skills, &before.skills);
        keep_news(&mut self.achievements, &before.achievements);
        keep_news(&mut self.rank, &before.rank);
        keep_news(&mut self.version, &before.version);
        keep_news(&mut self.mentor_id, &before.mentor_id);
        keep_news(&mut self.members, &before.members);
        self
    }
}

impl<'a> Member<'a> {
    fn of(member: &'a MemberPerformance, lens: Lens) -> Self {
        Self {
            user_id: member.user_id,
            name: match lens {
                Lens::Staff => &member.name,
                _ => &member.alias,
            },
            points: member.points,
            completion_percentage: member.completion_percentage,
            rank: member.rank,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::sync::Arc;

    #[test]
    fn staff_see_names_and_peers_aliases_and_projectors_totals() {
        let member = MemberPerformance {
            user_id: UserId::MIN,
            name: Arc::from("Real Name"),
            alias: Arc::from("Comet"),
            points: 60,
            completion_percentage: 50.0,
            rank: Some(1),
        };
        let view = TeamPerformance {
            team_id: TeamId::MIN,
            name: Arc::from("Blue"),
            mentor_id: Some(UserId::MAX),
            members: vec![member],
            points_sum: 60,
            points_mean: 60.0,
            points_adjusted: 60.0,
            mean_completion_percentage: 50.0,
            units_completed: 2,
            course_completion: Vec::new(),
            skills: Vec::new(),
            team_achievements: 0,
            rank: Some(1),
            version: 4,
        };
        assert_eq!(performance(&view, Lens::Staff)["members"][0]["name"], "Real Name");
        assert_eq!(performance(&view, Lens::Peer)["members"][0]["name"], "Comet");
        let projected = performance(&view, Lens::Projector);
        assert!(projected.get("members").is_none() && projected.get("mentor_id").is_none());
        assert_eq!(projected["points"]["sum"], 60);
        // What is as it was is not among the changes; null is a change like any other.
        let mut now = view.clone();
        (now.version, now.rank, now.members[0].name) = (5, None, Arc::from("New Name"));
        let changes = |lens| serde_json::to_value(performance_changes(&view, &now, lens)).unwrap_or_default();
        let same_for_all = json!({"team_id": 1, "version": 5, "rank": null});
        assert_eq!(changes(Lens::Peer), same_for_all);
        assert_eq!(changes(Lens::Projector), same_for_all);
        assert_eq!(changes(Lens::Staff)["members"][0]["name"], "New Name");
    }
}
