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
