//! What a performance is made of, case by case.

use super::*;

/// A qualification with units completed, of units.
type Course = (u64, usize, usize);

/// Members with points, whether they are ranked, and their courses, from user 1 on.
fn check_performance(members: &[(u64, bool, &[Course])], ranks: &[Option<u64>], courses: &[(u64, usize, usize, f64)]) {
    let name: Arc<str> = "somebody".into();
    let completions: Vec<Completion> = members
        .iter()
        .map(|(_, _, courses)| Completion {
            units_completed: courses.iter().map(|course| course.1).sum(),
            units_total: courses.iter().map(|course| course.2).sum(),
            completion_percentage: 50.0,
            skills: Vec::new(),
            qualifications: courses
                .iter()
                .map(|(id, completed, total)| QualificationCompletion {
                    qualification_id: qualification(*id),
                    units_completed: *completed,
                    units_total: *total,
                    completion_percentage: crate::domain::course::percentage(*completed, *total),
                    completed_at: None,
                })
                .collect(),
        })
        .collect();
    let figures = members
        .iter()
        .zip(&completions)
        .zip(1..)
        .map(|((member, completion), id)| MemberFigures {
            user_id: user(id),
            name: &name,
            alias: &name,
            is_ranked: member.1,
            score: Score {
                points: member.0,
                reached_at: None,
            },
            completion,
        });
    let mut figures: Vec<_> = figures.collect();
    figures.reverse();
    let team = TeamFigures {
        earned: None,
        team_id: team(1),
        name: Arc::clone(&name),
        mentor_id: None,
        team_achievements: 0,
        rank: Some(1),
        version: 0,
    };
    let shown = performance(team, figures);
    assert_eq!(
        shown.members.iter().map(|member| member.rank).collect::<Vec<_>>(),
        ranks
    );
    let shown_courses = shown.course_completion.iter();
    let shown_courses: Vec<_> = shown_courses
        .map(|course| {
            let id = course.qualification_id.get();
            (
                id,
                course.learners,
                course.learners_completed,
                course.completion_percentage,
            )
        })
        .collect();
    assert_eq!(shown_courses, courses);
    assert_eq!(shown.rank.is_some(), !members.is_empty());
}

#[test]
fn members_are_ranked_among_those_who_are_ranked() {
    check_performance(&[], &[], &[]);
    check_performance(
        &[
            (50, true, &[]),
            (40, false, &[]),
            (40, true, &[]),
            (40, true, &[]),
            (10, true, &[]),
        ],
        &[Some(1), None, Some(2), Some(2), Some(4)],
        &[],
    );
    check_performance(&[(50, false, &[]), (40, true, &[])], &[None, Some(1)], &[]);
}

#[test]
fn courses_are_the_means_of_those_who_take_them() {
    check_performance(
        &[
            (3, true, &[(1, 2, 2), (2, 1, 4)]),
            (2, true, &[(1, 1, 2)]),
            (1, true, &[(3, 0, 0)]),
        ],
        &[Some(1), Some(2), Some(3)],
        &[(1, 2, 1, 75.0), (2, 1, 0, 25.0), (3, 1, 0, 0.0)],
    );
}
