//! A team's performance, by lens.

use super::learner::skills;
use homeroom_actors::Lens;
use homeroom_actors::views::{MemberPerformance, TeamPerformance};
use serde_json::{Value, json};

/// One member, for staff by name and for peers by alias. Projectors see no members at all.
#[must_use]
pub fn member(member: &MemberPerformance, lens: Lens) -> Value {
    let name = if lens == Lens::Staff {
        &member.name
    } else {
        &member.alias
    };
    json!({
        "user_id": member.user_id,
        "name": &**name,
        "points": member.points,
        "completion_percentage": member.completion_percentage,
        "rank": member.rank,
    })
}

/// `GET /team/{team_id}/performance` and the snapshot of a team's topic. A projector sees totals only.
#[must_use]
pub fn performance(view: &TeamPerformance, lens: Lens) -> Value {
    let courses = view.course_completion.iter().map(|course| {
        json!({
            "qualification_id": course.qualification_id,
            "learners": course.learners,
            "learners_completed": course.learners_completed,
            "completion_percentage": course.completion_percentage,
        })
    });
    let mut shown = json!({
        "team_id": view.team_id,
        "name": &*view.name,
        "members_count": view.members.len(),
        "points": {"sum": view.points_sum, "mean": view.points_mean, "adjusted": view.points_adjusted},
        "progress": {
            "mean_completion_percentage": view.mean_completion_percentage,
            "units_completed": view.units_completed,
        },
        "course_completion": courses.collect::<Vec<_>>(),
        "skills": skills(&view.skills),
        "achievements": view.team_achievements,
        "rank": view.rank,
        "version": view.version,
    });
    if lens != Lens::Projector {
        let members = view.members.iter().map(|one| member(one, lens));
        shown["mentor_id"] = json!(view.mentor_id);
        shown["members"] = members.collect();
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use homeroom_schema::{TeamId, UserId};
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
    }
}
