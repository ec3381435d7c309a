//! What the day of now means for boards: the range of each period, the season, and how teams score. Looked at before every
//! read and once a second; when it is another one, the boards concerned begin anew.

use crate::clock::Clock;
use crate::domain::period::{Days, Period, days_of};
use crate::domain::rules::{Rules, Season, TeamRules};
use homeroom_schema::TimeMs;
use homeroom_schema::records::TimeRange;
use std::sync::Arc;

/// What boards of one period show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The moments that count.
    pub range: TimeRange,
    /// The season, of the period [`Period::Season`] alone, while there is one.
    pub season: Option<Arc<SeasonSpan>>,
}

/// A season of the rules, with the moments at which it begins and ends here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeasonSpan {
    /// Its name.
    pub name: String,
    /// Its moments.
    pub range: TimeRange,
}

impl Span {
    /// The whole ledger.
    pub const ALL: Self = Self {
        range: TimeRange::ALL,
        season: None,
    };

    /// The period that holds a local day.
    pub(crate) fn of(period: Period, day: i32, rules: &Rules, clock: &dyn Clock) -> Self {
        let season = rules.season(day).filter(|_| period == Period::Season);
        let days = season.map(|season| Days::between(season.from_day, season.to_day));
        let days = days_of(period, day, days);
        let range = TimeRange {
            from: days.from.map_or(TimeRange::ALL.from, |day| clock.day_starts_at(day)),
            to: days.to.map_or(TimeRange::ALL.to, |day| clock.day_starts_at(day)),
        };
        let name = |season: &Season| SeasonSpan {
            name: season.name.clone(),
            range,
        };
        Self {
            range,
            season: season.map(|season| Arc::new(name(season))),
        }
    }

    /// The part up to a moment, that moment too.
    pub(crate) fn until(&self, at: TimeMs) -> TimeRange {
        TimeRange {
            from: self.range.from,
            to: self.range.to.min(TimeMs(at.0.saturating_add(1))),
        }
    }
}

/// The calendar of one day under one set of rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Calendar {
    day: i32,
    spans: [Span; 4],
    /// What pseudonyms are made for: the first day of the season, or that there is none.
    pub(crate) season: Option<i32>,
    /// How teams score.
    pub(crate) teams: TeamRules,
}

impl Calendar {
    pub(crate) fn of(day: i32, rules: &Rules, clock: &dyn Clock) -> Self {
        Self {
            day,
            spans: Period::EVERY.map(|period| Span::of(period, day, rules, clock)),
            season: rules.season(day).map(|season| season.from_day),
            teams: rules.teams,
        }
    }

    /// What boards of a period show.
    pub(crate) fn span(&self, period: Period) -> &Span {
        let place = Period::EVERY.iter().position(|known| *known == period);
        &self.spans[place.unwrap_or_default()]
    }

    /// Whether this is still the calendar, as far as can be told without making it anew.
    pub(crate) fn is_of(&self, day: i32) -> bool {
        self.day == day
    }
}
