//! A team's performance from its members' figures. Pure.

use crate::domain::board::{Score, Standing, quotient, sum};
use crate::domain::course::{Completion, SkillMastery};
use crate::domain::rules::TeamScoring;
use crate::views::{CourseCompletion, MemberPerformance, TeamPerformance};
use homeroom_schema::{TeamId, UserId};
use std::cmp::Ordering;
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
    #[derive(Default)]
    struct Course {
        percentages: Mean,
        learners_completed: usize,
    }
    let courses = completions.map(|completion| completion.qualifications.iter().map(|one| (one.qualification_id, one)));
    let courses = by_key(courses, |course: &mut Course, one| {
        let is_completed = one.units_total > 0 && one.units_completed == one.units_total;
        course.learners_completed += usize::from(is_completed);
        course.percentages.add(one.completion_percentage);
    });
    let rows = courses.into_iter().map(|(qualification_id, course)| CourseCompletion {
        qualification_id,
        learners: course.percentages.count as usize,
        learners_completed: course.learners_completed,
        completion_percentage: course.percentages.value(),
    });
    rows.collect()
}

fn skills<'a>(completions: impl Iterator<Item = &'a Completion>) -> Vec<SkillMastery> {
    let skills = completions.map(|completion| completion.skills.iter().map(|one| (&one.skill, one.mastery)));
    let rows = by_key(skills, Mean::add)
        .into_iter()
        .map(|(skill, masteries)| SkillMastery {
            skill: Arc::clone(skill),
            mastery: masteries.value(),
        });
    rows.collect()
}

/// What lists with rising keys add up to, by key, rising. Members share most of their course: nearly always the place of a
/// key is the one behind the place of the key before it.
fn by_key<K: Ord, T, S: Default>(
    lists: impl Iterator<Item = impl Iterator<Item = (K, T)>>,
    add: impl Fn(&mut S, T),
) -> Vec<(K, S)> {
    let mut sums: Vec<(K, S)> = Vec::new();
    for list in lists {
        let mut place = 0;
        for (key, value) in list {
            let order = loop {
                match sums.get(place).map(|(known, _)| known.cmp(&key)) {
                    Some(Ordering::Less) => place += 1,
                    order => break order,
                }
            };
            if order != Some(Ordering::Equal) {
                sums.insert(place, (key, S::default()));
            }
            add(&mut sums[place].1, value);
        }
    }
    sums
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let mut mean = Mean::default();
    values.for_each(|value| mean.add(value));
    mean.value()
}

#[derive(Default)]
struct Mean {
    sum: f64,
    count: u32,
}

impl Mean {
    fn add(&mut self, value: f64) {
        self.sum += value;
        self.count += 1;
    }

    /// 0 of nothing.
    fn value(&self) -> f64 {
        if self.count == 0 {
            0.0
        } else {
            self.sum / f64::from(self.count)
        }
    }
}
