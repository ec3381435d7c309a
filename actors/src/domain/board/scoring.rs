//! How the members' points become a team's. Pure.

use crate::domain::board::{Figure, Score};
use crate::domain::rules::TeamScoring;

/// The sum of scores; reached when the last of those with points was.
#[must_use]
pub fn sum(scores: impl Iterator<Item = Score>) -> Score {
    scores.fold(Score::default(), |sum, score| Score {
        points: sum.points + score.points,
        reached_at: if score.points > 0 {
            sum.reached_at.max(score.reached_at)
        } else {
            sum.reached_at
        },
    })
}

/// A team's sum by the size of the team: itself, ÷ members, or ÷ √members (between the sum, which favours large teams, and
/// the mean, which favours small ones). Without members 0, but for the sum.
#[must_use]
pub fn quotient(sum: u64, scoring: TeamScoring, members: usize) -> f64 {
    let (points, count) = (sum as f64, members as f64);
    match scoring {
        TeamScoring::Sum => points,
        _ if members == 0 => 0.0,
        TeamScoring::Mean => points / count,
        TeamScoring::Adjusted => points / count.sqrt(),
    }
}

/// What a team's sum is on a board: whole points, or a quotient as [`Figure::fraction`] has it.
#[must_use]
pub fn scored(sum: Score, scoring: TeamScoring, members: usize) -> Score {
    let points = match scoring {
        TeamScoring::Sum => sum.points,
        TeamScoring::Mean | TeamScoring::Adjusted => Figure::fraction(quotient(sum.points, scoring, members)).key(),
    };
    Score { points, ..sum }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::board::Scale;
    use homeroom_schema::TimeMs;

    #[test]
    fn teams_score_by_sum_mean_or_size() {
        for (points, members, mean, adjusted) in [
            (0, 0, 0.0, 0.0),
            (7, 0, 0.0, 0.0),
            (90, 1, 90.0, 90.0),
            (90, 4, 22.5, 45.0),
            (100, 2, 50.0, 100.0 / 2.0_f64.sqrt()),
            (1, 3, 1.0 / 3.0, 1.0 / 3.0_f64.sqrt()),
        ] {
            assert_eq!(quotient(points, TeamScoring::Sum, members), points as f64);
            for (scoring, expected) in [(TeamScoring::Mean, mean), (TeamScoring::Adjusted, adjusted)] {
                assert_eq!(quotient(points, scoring, members), expected, "{points} {members}");
                let score = Score {
                    points,
                    reached_at: None,
                };
                let key = scored(score, scoring, members).points;
                assert_eq!(Figure::of_key(Scale::Fraction, key).as_f64(), expected, "unrounded");
            }
        }
    }

    #[test]
    fn a_sum_is_reached_when_the_last_of_those_with_points_was() {
        let score = |points, at| Score {
            points,
            reached_at: Some(TimeMs(at)),
        };
        let whole = sum([score(5, 1), score(0, 9), score(7, 3), Score::default()].into_iter());
        assert_eq!(whole, score(12, 3));
    }
}
