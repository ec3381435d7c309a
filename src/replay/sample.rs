//! Small parts of the real data sets that come with the program, for the demo and for tests. See the readme beside them.

use super::detect::{self, DataSet};
use super::plan::{Plan, Shape};
use super::source::Source;
use super::{ReplayError, make_plan};

const MOODLE: [(&str, &str); 3] = [
    ("m1-f20.csv", include_str!("sample/moodle/m1-f20.csv")),
    ("m2-f17.csv", include_str!("sample/moodle/m2-f17.csv")),
    ("m5-sp18.csv", include_str!("sample/moodle/m5-sp18.csv")),
];

const OULAD: [(&str, &str); 4] = [
    ("assessments.csv", include_str!("sample/oulad/assessments.csv")),
    ("courses.csv", include_str!("sample/oulad/courses.csv")),
    ("registrations.csv", include_str!("sample/oulad/registrations.csv")),
    ("submissions.csv", include_str!("sample/oulad/submissions.csv")),
];

/// The files of a sample, with their names.
#[must_use]
pub const fn files(shape: Shape) -> &'static [(&'static str, &'static str)] {
    match shape {
        Shape::Moodle => &MOODLE,
        Shape::Oulad => &OULAD,
    }
}

/// A sample as a data set.
///
/// # Errors
/// Never, as long as the sample is whole; a test holds that.
pub fn data_set(shape: Shape) -> Result<DataSet, ReplayError> {
    let source = |(name, text): &(&str, &'static str)| Source::shipped(name, text);
    detect::sort_out(files(shape).iter().map(source).collect())
}

/// A sample as a plan.
///
/// # Errors
/// Never, as long as the sample is whole; a test holds that.
pub fn plan(shape: Shape) -> Result<Plan, ReplayError> {
    make_plan(data_set(shape)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_samples_are_small_and_hold_every_kind_of_row() {
        for (shape, skipped) in [(Shape::Moodle, 3), (Shape::Oulad, 0)] {
            let plan = plan(shape).expect("a whole sample");
            assert_eq!(plan.shape, shape);
            assert_eq!(plan.skipped.count, skipped, "{:?}", plan.skipped.listed);
            assert!(files(shape).iter().map(|(_, text)| text.len()).sum::<usize>() < 80_000);
            assert!(plan.roster.teams.iter().any(|team| team.mentor_id.is_some()));
            assert!(plan.commands.iter().any(|command| command.is_progress()));
            assert!(plan.commands.len() > 500, "{}", plan.commands.len());
        }
    }
}
