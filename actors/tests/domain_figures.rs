//! How teams score, and how fractions are ordered.

use homeroom_actors::domain::board::{Figure, Scale, Score, quotient, scored, sum};
use homeroom_actors::domain::rules::TeamScoring;
use homeroom_schema::TimeMs;
use proptest::prelude::*;

proptest! {
    #[test]
    fn fractions_are_ordered_as_their_keys_and_come_back(
        one in 0.0..1e12_f64, other in prop_oneof![0.0..1e12_f64, Just(-0.0), Just(0.0), Just(0.1 + 0.2)],
    ) {
        let (left, right) = (Figure::fraction(one), Figure::fraction(other));
        prop_assert_eq!(left.key().cmp(&right.key()), one.partial_cmp(&other).unwrap());
        prop_assert_eq!(Figure::of_key(Scale::Fraction, left.key()).as_f64(), one);
    }
}

#[test]
fn what_is_no_number_is_nothing() {
    for odd in [f64::NAN, -1.0, -0.0, f64::NEG_INFINITY] {
        assert_eq!(Figure::fraction(odd), Figure::fraction(0.0));
    }
    assert_eq!(Figure::whole(7).as_whole(), Some(7));
}

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
