//! A team's performance from its members' figures. Pure.

use crate::domain::board::{Score, Standing, quotient, sum};
use crate::domain::course::{Completion, SkillMastery};
use crate::domain::rules::TeamScoring;
use crate::views::{CourseCompletion, MemberPerformance, TeamPerformance};
use homeroom_schema::{QualificationId, TeamId, UserId};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is known of a team besides its members.
pub(super) struct TeamFigures {
    pub(super) team_id: TeamId,
    pub(super) name: Arc<str>,
    pub(super) mentor_id: Option<UserId>,
    /// Points that were earned in the team; none where those of the members count.
    pub(super) earned: Option<u64>,
    pub(super) team_achievements: usize,
    /// On the board of teams.
    pub(super) rank: Option<u64>,
    pub(super) version: u64,
}

/// What is known of one member.
pub(super) struct MemberFigures<'a> {
    pub(super) user_id: UserId,
    pub(super) name: &'a Arc<str>,
    pub(super) alias: &'a Arc<str>,
    pub(super) is_ranked: bool,
    pub(super) score: Score,
    pub(super) completion: &'a Completion,
}

impl MemberFigures<'_> {
    fn standing(&self) -> Standing {
        Standing {
            id: self.user_id.get(),
            score: self.score,
        }
    }
}

/// The performance of a team with these members, in any order.
pub(super) fn performance(team: TeamFigures, mut members: Vec<MemberFigures<'_>>) -> TeamPerformance {
    members.sort_unstable_by_key(MemberFigures::standing);
    let points_sum = team
        .earned
        .unwrap_or_else(|| sum(members.iter().map(|member| member.score)).points);
    let per = |scoring| quotient(points_sum, scoring, members.len());
    let completions = || members.iter().map(|member| member.completion);
    TeamPerformance {
        team_id: team.team_id,
        name: team.name,
        mentor_id: team.mentor_id,
        points_sum,
        points_mean: per(TeamScoring::Mean),
        points_adjusted: per(TeamScoring::Adjusted),
        mean_completion_percentage: mean(completions().map(|completion| completion.completion_percentage)),
        units_completed: completions().map(|completion| completion.units_completed).sum(),
        course_completion: course_completion(completions()),
        skills: skills(completions()),
        team_achievements: team.team_achievements,
        rank: team.rank.filter(|_| !members.is_empty()),
        version: team.version,
        members: member_rows(&members),
    }
}

/// Members are in the order of boards; a rank is one more than the ranked members with more points.
fn member_rows(members: &[MemberFigures<'_>]) -> Vec<MemberPerformance> {
    let mut above = 0;
    let mut last: Option<(u64, u64)> = None;
    let rows = members.iter().map(|member| {
        let rank = member.is_ranked.then(|| {
            above += 1;
            let rank = match last {
                Some((points, rank)) if points == member.score.points => rank,
                _ => above,
            };
            last = Some((member.score.points, rank));
            rank
        });
        MemberPerformance {
            user_id: member.user_id,
            name: Arc::clone(member.name),
            alias: Arc::clone(member.alias),
            points: member.score.points,
            completion_percentage: member.completion.completion_percentage,
            rank,
        }
    });
    rows.collect()
}

fn course_completion<'a>(completions: impl Iterator<Item = &'a Completion>) -> Vec<CourseCompletion> {
    let mut courses: BTreeMap<QualificationId, Vec<(f64, bool)>> = BTreeMap::new();
    for course in completions.flat_map(|completion| &completion.qualifications) {
        let is_completed = course.units_total > 0 && course.units_completed == course.units_total;
        let learners = courses.entry(course.qualification_id).or_default();
        learners.push((course.completion_percentage, is_completed));
    }
    let rows = courses
        .into_iter()
        .map(|(qualification_id, learners)| CourseCompletion {
            qualification_id,
            learners: learners.len(),
            learners_completed: learners.iter().filter(|(_, is_completed)| *is_completed).count(),
            completion_percentage: mean(learners.iter().map(|(percentage, _)| *percentage)),
        });
    rows.collect()
}

fn skills<'a>(completions: impl Iterator<Item = &'a Completion>) -> Vec<SkillMastery> {
    let mut skills: BTreeMap<&Arc<str>, Vec<f64>> = BTreeMap::new();
    for one in completions.flat_map(|completion| &completion.skills) {
        skills.entry(&one.skill).or_default().push(one.mastery);
    }
    let rows = skills.into_iter().map(|(skill, masteries)| SkillMastery {
        skill: Arc::clone(skill),
        mastery: mean(masteries.into_iter()),
    });
    rows.collect()
}

/// 0 of nothing.
fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0_u32), |(sum, count), value| (sum + value, count + 1));
    if count == 0 { 0.0 } else { sum / f64::from(count) }
}
