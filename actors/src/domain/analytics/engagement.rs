//! Who was active, how long, how often, and how many days in a row.

use crate::domain::analytics::buckets::Buckets;
use crate::domain::analytics::fact::Fact;
use crate::domain::analytics::numbers::Mean;
use homeroom_schema::{TimeMs, UserId};
use std::collections::HashMap;

/// Somebody who does nothing for so long begins a new session with what comes next.
pub const SESSION_GAP_MS: i64 = 30 * 60 * 1_000;
const MINUTE_MS: i64 = 60 * 1_000;

/// Counts engagement.
#[derive(Debug)]
pub struct EngagementCount {
    buckets: Buckets,
    /// The local days of the range.
    days: Buckets,
    /// When the question is asked: a streak is current if it reaches this day or the day before.
    now: TimeMs,
    people: HashMap<UserId, Person>,
}

#[derive(Debug, Default)]
struct Person {
    was_active_before: bool,
    /// In the range, nearly in order.
    times: Vec<TimeMs>,
}

/// Engagement in a range of time.
#[derive(Debug, Clone, PartialEq)]
pub struct Engagement {
    /// The whole range.
    pub total: EngagementPart,
    /// Its buckets.
    pub buckets: Vec<EngagementPart>,
    /// Each active person's streak of active local days that is still going on.
    pub current_streaks: Streaks,
    /// Each active person's longest streak of active local days in the range.
    pub longest_streaks: Streaks,
}

/// Engagement in a part of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EngagementPart {
    /// People who did something.
    pub active: usize,
    /// Of them those who did something for the first time.
    pub new: usize,
    /// Of them those who had done something before.
    pub returning: usize,
    /// Sessions that began.
    pub sessions: usize,
    /// Minutes in which somebody did something, for each person.
    pub active_minutes: usize,
}

/// How long streaks are, in days.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Streaks {
    /// People with a streak.
    pub people: usize,
    /// The mean length; none without people.
    pub mean: Option<f64>,
    /// The longest; 0 without people.
    pub max: u32,
    /// How many people have a streak of a length in each of [`STREAK_BINS`].
    pub distribution: [usize; STREAK_BINS.len()],
}

/// Lengths of streaks that are counted together: from, to (none: no end).
pub const STREAK_BINS: [(u32, Option<u32>); 8] = [
    (1, Some(1)),
    (2, Some(2)),
    (3, Some(3)),
    (4, Some(4)),
    (5, Some(7)),
    (8, Some(14)),
    (15, Some(30)),
    (31, None),
];

impl EngagementCount {
    /// Nothing counted yet. `days` are the local days of the same range; `now` is when the question is asked.
    #[must_use]
    pub fn new(buckets: Buckets, days: Buckets, now: TimeMs) -> Self {
        Self {
            buckets,
            days,
            now,
            people: HashMap::new(),
        }
    }

    /// Takes one fact, of any time.
    pub fn take(&mut self, fact: &Fact) {
        let range = self.buckets.range();
        if fact.occurred_at >= range.end {
            return;
        }
        let person = self.people.entry(fact.user_id).or_default();
        if fact.occurred_at < range.start {
            person.was_active_before = true;
        } else {
            person.times.push(fact.occurred_at);
        }
    }

    /// The figures.
    #[must_use]
    pub fn finish(self) -> Engagement {
        let mut found = Engagement {
            total: EngagementPart::default(),
            buckets: vec![EngagementPart::default(); self.buckets.len()],
            current_streaks: Streaks::default(),
            longest_streaks: Streaks::default(),
        };
        let last_moment = TimeMs(self.buckets.range().end.0 - 1).min(self.now);
        let today = self.days.place(last_moment);
        let (mut current, mut longest) = (Vec::new(), Vec::new());
        for (_, mut person) in self.people {
            if person.times.is_empty() {
                continue;
            }
            person.times.sort_unstable();
            count_person(&mut found, &self.buckets, &person);
            let (present, best) = streaks(&self.days, &person.times, today);
            current.extend((present > 0).then_some(present));
            longest.push(best);
        }
        found.current_streaks = Streaks::of(&current);
        found.longest_streaks = Streaks::of(&longest);
        found
    }
}

fn count_person(found: &mut Engagement, buckets: &Buckets, person: &Person) {
    let mut last: Option<(TimeMs, usize)> = None;
    let mut seen_before = person.was_active_before;
    for at in &person.times {
        let Some(place) = buckets.place(*at) else { continue };
        let minute = |at: TimeMs| at.0.div_euclid(MINUTE_MS);
        let is_first_here = last.is_none_or(|(_, before)| before != place);
        let is_new_minute = last.is_none_or(|(before, _)| minute(before) != minute(*at));
        let part = &mut found.buckets[place];
        if is_first_here {
            part.active += 1;
            if seen_before {
                part.returning += 1;
            } else {
                part.new += 1;
            }
        }
        if last.is_none_or(|(before, _)| at.0 - before.0 >= SESSION_GAP_MS) {
            part.sessions += 1;
            found.total.sessions += 1;
        }
        // A minute that a boundary of buckets cuts was active on both sides, and is one minute of the whole.
        part.active_minutes += usize::from(is_first_here || is_new_minute);
        found.total.active_minutes += usize::from(is_new_minute);
        seen_before = true;
        last = Some((*at, place));
    }
    found.total.active += 1;
    if person.was_active_before {
        found.total.returning += 1;
    } else {
        found.total.new += 1;
    }
}

/// The streak that is still going on at day `today`, and the longest one.
fn streaks(days: &Buckets, times: &[TimeMs], today: Option<usize>) -> (u32, u32) {
    let (mut run, mut best, mut last) = (0, 0, None);
    for day in times.iter().filter_map(|at| days.place(*at)) {
        match last {
            Some(before) if before == day => continue,
            Some(before) if before + 1 == day => run += 1,
            _ => run = 1,
        }
        best = best.max(run);
        last = Some(day);
    }
    let goes_on = last.zip(today).is_some_and(|(last, today)| last + 1 >= today);
    (if goes_on { run } else { 0 }, best)
}

impl Streaks {
    fn of(lengths: &[u32]) -> Self {
        let mut found = Self::default();
        let mut mean = Mean::default();
        for length in lengths {
            mean.take(f64::from(*length));
            found.max = found.max.max(*length);
            let bin = STREAK_BINS
                .iter()
                .position(|(from, to)| *length >= *from && to.is_none_or(|to| *length <= to));
            if let Some(bin) = bin {
                found.distribution[bin] += 1;
            }
        }
        found.people = mean.count;
        found.mean = mean.get();
        found
    }
}
