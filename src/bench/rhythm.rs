//! The rhythm of a school day: how much real learners did at each time of their busiest day.

use super::BenchError;
use crate::replay::plan::{Plan, Shape};
use crate::replay::{load, sample};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::path::Path;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// Parts of a day that are told apart: five minutes each.
const SLOTS: usize = 288;
/// No part of a day has less than this share of the busiest: the data has one course, a school has many.
const QUIETEST: f64 = 0.02;

/// One day, in parts of five minutes.
#[derive(Debug)]
pub(super) struct Day {
    /// Its date.
    pub(super) name: String,
    /// What was done on it.
    pub(super) deeds: u64,
    slots: [u32; SLOTS],
}

/// The day with the most deeds, of data as `replay` reads it, or of the sample that is shipped.
pub(super) fn busiest_day(data: Option<&Path>) -> Result<Day, BenchError> {
    let plan = match data {
        Some(directory) => load(directory)?,
        None => sample::plan(Shape::Moodle)?,
    };
    busiest(&plan).ok_or(BenchError::NoRhythm)
}

fn busiest(plan: &Plan) -> Option<Day> {
    let mut days: BTreeMap<i64, [u32; SLOTS]> = BTreeMap::new();
    for command in &plan.commands {
        let slots = days
            .entry(command.occurred_at_ms.div_euclid(DAY_MS))
            .or_insert([0; SLOTS]);
        let slot = command.occurred_at_ms.rem_euclid(DAY_MS) * SLOTS as i64 / DAY_MS;
        slots[slot as usize] += 1;
    }
    let deeds = |slots: &[u32; SLOTS]| slots.iter().map(|count| u64::from(*count)).sum::<u64>();
    // Data that knows only days, all at midnight, has no rhythm.
    let rhythmic = days
        .into_iter()
        .filter(|(_, slots)| slots.iter().filter(|count| **count > 0).count() > 1);
    let (day, slots) = rhythmic.max_by_key(|(_, slots)| deeds(slots))?;
    let at = Timestamp::from_millisecond(day * DAY_MS).ok()?;
    Some(Day {
        name: at.to_zoned(TimeZone::UTC).date().to_string(),
        deeds: deeds(&slots),
        slots,
    })
}

impl Day {
    /// Operations a second for each of so many seconds, the busiest at `peak`.
    pub(super) fn rates(&self, peak: f64, seconds: usize) -> Vec<f64> {
        // What happens in a second of the run is the mean of the part of the day that it stands for.
        let part = |second: usize| {
            let from = second * SLOTS / seconds;
            let until = ((second + 1) * SLOTS / seconds).max(from + 1);
            let slots = &self.slots[from..until];
            slots.iter().sum::<u32>() as f64 / slots.len() as f64
        };
        let parts: Vec<f64> = (0..seconds).map(part).collect();
        let most = parts.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        parts.iter().map(|part| peak * (part / most).max(QUIETEST)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_of_the_sample_has_a_rhythm_with_its_peak() {
        let day = busiest_day(None).expect("the sample has days");
        for seconds in [1, 60, 600] {
            let rates = day.rates(500.0, seconds);
            assert_eq!(rates.len(), seconds);
            assert!(rates.iter().all(|rate| (10.0..=500.0).contains(rate)));
            assert!(rates.contains(&500.0), "{rates:?}");
        }
    }
}
