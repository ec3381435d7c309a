//! What one award is worth beside the awards that a learner has: bonuses, cool-downs, awards per window, caps. Pure.
//!
//! Every limit is symmetric in time: what counts is when things happened, never the order in which they were told. So a
//! clock that jumps, or a fact that comes late, pays nothing twice. A limit holds inside its scope: the rules of a
//! qualification limit and count the awards of that qualification; the rules of everywhere all others. Awards that were
//! taken back do not count, nor do manual awards.

use crate::domain::action::{Action, RefusalReason};
use crate::domain::learner::Award;
use crate::domain::period::monday_of;
use crate::domain::rules::past::{Past, days_within};
use crate::domain::rules::spacing::Spacing;
use crate::domain::rules::{AtCap, AwardRules, Cap, CapSpan, Rules};
use homeroom_schema::{QualificationId, TimeMs};
use std::ops::RangeInclusive;

/// Rounds in which several limits push the moment of the next try ahead of one another. More would need rules that refuse
/// everything; then the last moment found is told.
const ROUNDS_MAX: usize = 16;

/// An award that is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// For what.
    pub action: Action,
    /// The qualification that it counts for.
    pub qualification: Option<QualificationId>,
    /// When it happened.
    pub occurred_at: TimeMs,
    /// The local day of that.
    pub day: i32,
    /// When the local periods after that day begin.
    pub next: NextPeriods,
}

/// When the local periods that follow a day begin: what the domain cannot know by itself. Only asked for where rules have
/// calendar caps ([`Rules::has_calendar_caps`]); none means that there is none, or that nobody asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NextPeriods {
    /// The next day.
    pub day: Option<TimeMs>,
    /// The next Monday.
    pub week: Option<TimeMs>,
    /// The day after the season, or the first day of the next one.
    pub season: Option<TimeMs>,
}

/// What an award is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Worth {
    /// Points, after bonus and caps.
    pub points: u32,
    /// The bonus in percent; none for 100.
    pub bonus_percent: Option<u32>,
}

/// Why an award is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// The first limit that refuses it: cool-down, then windows, then caps.
    pub reason: RefusalReason,
    /// The first moment from which on none of the limits that refuse it now would; none means never.
    pub retry_at: Option<TimeMs>,
}

impl Rules {
    /// What an award would be worth beside those of the past.
    ///
    /// # Errors
    /// Why the rules refuse it, and until when.
    pub fn worth(&self, past: &impl Past, attempt: &Attempt) -> Result<Worth, Refused> {
        let (wanted, limited) = self.wanted(past, attempt);
        limited.map_or(Ok(wanted), |limited| {
            limited.worth(wanted).map_err(|reason| Refused {
                reason,
                retry_at: limited.retry_at(),
            })
        })
    }

    /// The same; none if the rules refuse it, whatever the reason. Much cheaper where many are refused.
    pub fn worth_at_all(&self, past: &impl Past, attempt: &Attempt) -> Option<Worth> {
        let (wanted, limited) = self.wanted(past, attempt);
        limited.map_or(Some(wanted), |limited| limited.worth(wanted).ok())
    }

    /// What an award is worth before any limit, and the limits that it is under, if there are some.
    fn wanted<'a, P: Past>(&'a self, past: &'a P, attempt: &'a Attempt) -> (Worth, Option<Limited<'a, P>>) {
        let awards = self.awards(attempt.qualification);
        let Some(of_action) = awards.action(attempt.action) else {
            let nothing = Worth {
                points: 0,
                bonus_percent: None,
            };
            return (nothing, None);
        };
        let percent = awards.bonus_percent(attempt.action, attempt.occurred_at);
        let wanted = Worth {
            points: multiplied(of_action.points, percent),
            bonus_percent: percent,
        };
        let is_free = of_action.cooldown_ms <= 0 && of_action.windows.is_empty() && awards.caps.is_empty();
        let limited = (!is_free).then_some(Limited {
            rules: self,
            awards,
            past,
            attempt,
            wanted: wanted.points,
        });
        (wanted, limited)
    }

    /// Whether any cap is counted by local days, so that [`NextPeriods`] are needed.
    #[must_use]
    pub fn has_calendar_caps(&self) -> bool {
        let all = std::iter::once(&self.everywhere).chain(self.qualifications.values());
        let mut caps = all.flat_map(|awards| &awards.caps);
        caps.any(|cap| !matches!(cap.per, CapSpan::RollingMs(_)))
    }

    /// The local days on which the day, the week and the season after `day` begin; no season where none is left.
    #[must_use]
    pub fn next_periods(&self, day: i32) -> (i32, i32, Option<i32>) {
        let season = match self.season(day) {
            Some(season) => Some(season.to_day),
            None => self
                .seasons
                .iter()
                .map(|season| season.from_day)
                .find(|from| *from > day),
        };
        (day.saturating_add(1), monday_of(day).saturating_add(7), season)
    }

    /// Which rules decide: a qualification's own, or those of everywhere (none).
    fn scope(&self, qualification: Option<QualificationId>) -> Option<QualificationId> {
        qualification.filter(|id| self.qualifications.contains_key(id))
    }

    /// Whether two local days lie in one season, or in one time between two seasons.
    fn is_one_season(&self, one: i32, other: i32) -> bool {
        let bounds = self.seasons.iter().flat_map(|season| [season.from_day, season.to_day]);
        let (first, last) = (one.min(other), one.max(other));
        !bounds.into_iter().any(|bound| first < bound && bound <= last)
    }
}

fn multiplied(points: u32, percent: Option<u32>) -> u32 {
    let Some(percent) = percent else { return points };
    let product = u64::from(points) * u64::from(percent) / 100;
    u32::try_from(product).unwrap_or(u32::MAX)
}

/// An attempt under rules that have limits.
struct Limited<'a, P> {
    rules: &'a Rules,
    awards: &'a AwardRules,
    past: &'a P,
    attempt: &'a Attempt,
    wanted: u32,
}

/// What a cap leaves at a moment.
struct Room {
    points: u32,
    /// A later moment at which there may be more; none means never.
    then: Option<TimeMs>,
}

/// All days that there are.
const EVER: RangeInclusive<i32> = i32::MIN..=i32::MAX;

impl<'a, P: Past> Limited<'a, P> {
    fn worth(&self, wanted: Worth) -> Result<Worth, RefusalReason> {
        let mut reason = self.spacing(false).refuses(self.attempt.occurred_at);
        let mut points = wanted.points;
        for cap in self.caps() {
            let room = self.room(cap).points;
            match cap.at_cap {
                AtCap::Refuse if room < wanted.points => reason = reason.or(Some(RefusalReason::CapReached)),
                AtCap::Partial if room == 0 && wanted.points > 0 => {
                    reason = reason.or(Some(RefusalReason::CapReached));
                }
                AtCap::Refuse | AtCap::Partial => points = points.min(room),
            }
        }
        reason.map_or(Ok(Worth { points, ..wanted }), Err)
    }

    /// The caps that hold this action.
    fn caps(&self) -> impl Iterator<Item = &'a Cap> {
        let action = self.attempt.action;
        self.awards
            .caps
            .iter()
            .filter(move |cap| cap.actions().contains(&action))
    }

    /// The awards of these actions in this scope that count: at least those of these days.
    fn counted<'b>(
        &self,
        actions: &'b [Action],
        days: RangeInclusive<i32>,
    ) -> impl Iterator<Item = &'a Award> + use<'a, 'b, P> {
        let (rules, scope) = (self.rules, self.rules.scope(self.attempt.qualification));
        let awards = self.past.awards(actions, days);
        awards.filter(move |award| award.counts() && rules.scope(award.qualification) == scope)
    }

    /// The days on which something may have happened within a time before or after the attempt.
    fn days_around(&self, within_ms: i64) -> RangeInclusive<i32> {
        let (day, reach) = (self.attempt.day, days_within(within_ms));
        day.saturating_sub(reach)..=day.saturating_add(reach)
    }

    /// The limits of how close awards of the action may come, with the moments that they look at; also those of whatever came
    /// later, if the next free moment is looked for.
    fn spacing(&self, and_later: bool) -> Spacing {
        let Some(of_action) = self.awards.action(self.attempt.action) else {
            return Spacing::default();
        };
        let mut spacing = Spacing::of(of_action);
        if let Some(widest_ms) = spacing.widest_ms() {
            let from = TimeMs(self.attempt.occurred_at.0.saturating_sub(widest_ms));
            let around = self.days_around(widest_ms);
            let last = if and_later { i32::MAX } else { *around.end() };
            let action = [self.attempt.action];
            let moments = self
                .counted(&action, *around.start()..=last)
                .map(|award| award.occurred_at);
            spacing.look_at(moments.filter(|at| *at > from).collect());
        }
        spacing
    }

    /// The points that a cap leaves when the attempt happened.
    fn room(&self, cap: &'a Cap) -> Room {
        let (day, next) = (self.attempt.day, &self.attempt.next);
        let sum = |days, same: &dyn Fn(i32) -> bool| -> u64 {
            let of_period = self.counted(cap.actions(), days).filter(|award| same(award.day));
            of_period.map(|award| u64::from(award.points)).sum()
        };
        let monday = monday_of(day);
        let (used, then) = match cap.per {
            CapSpan::Day => (sum(day..=day, &|other| other == day), next.day),
            CapSpan::Week => {
                let of_week = sum(monday..=monday.saturating_add(6), &|other| monday_of(other) == monday);
                (of_week, next.week)
            }
            CapSpan::Season => (sum(EVER, &|other| self.rules.is_one_season(other, day)), next.season),
            CapSpan::RollingMs(within_ms) => {
                let fullest = self.fullest(cap, within_ms, self.attempt.occurred_at, self.days_around(within_ms));
                (fullest.0, None)
            }
        };
        Room {
            points: cap.points.saturating_sub(u32::try_from(used).unwrap_or(u32::MAX)),
            then,
        }
    }

    /// The window of that length around a moment, which lies on these days, with the most points: those points, and its awards
    /// in their order.
    fn fullest(
        &self,
        cap: &'a Cap,
        within_ms: i64,
        at: TimeMs,
        days: RangeInclusive<i32>,
    ) -> (u64, Vec<(TimeMs, u64)>) {
        let mut near: Vec<(TimeMs, u64)> = self
            .counted(cap.actions(), days)
            .map(|award| (award.occurred_at, u64::from(award.points)))
            .filter(|(moment, _)| moment.0.saturating_sub(at.0).saturating_abs() < within_ms)
            .collect();
        near.sort_unstable();
        let (mut used, mut begins) = (0_u64, 0_usize);
        let (mut most, mut fullest) = (0_u64, 0..0);
        for (index, (moment, points)) in near.iter().enumerate() {
            used = used.saturating_add(*points);
            // The window holds this award and the new one: it begins less than its length before the later of both.
            let ends = moment.0.max(at.0);
            while let Some((first, points)) = near.get(begins)
                && ends.saturating_sub(first.0) >= within_ms
            {
                used = used.saturating_sub(*points);
                begins += 1;
            }
            if used > most {
                (most, fullest) = (used, begins..index + 1);
            }
        }
        (most, near.get(fullest).unwrap_or_default().to_vec())
    }

    /// The first moment from the attempt's on that none of the limits refuses.
    fn retry_at(&self) -> Option<TimeMs> {
        let spacing = self.spacing(true);
        let mut at = self.attempt.occurred_at;
        for cap in self.caps().filter(|cap| !matches!(cap.per, CapSpan::RollingMs(_))) {
            let room = self.room(cap);
            if room.points < self.needed(cap) {
                at = at.max(room.then?);
            }
        }
        for _ in 0..ROUNDS_MAX {
            let before = at;
            at = spacing.first_free(at);
            for cap in self.caps() {
                if let CapSpan::RollingMs(within_ms) = cap.per {
                    at = self.rolling_free(cap, within_ms, at)?;
                }
            }
            if at == before {
                break;
            }
        }
        Some(at)
    }

    /// The first moment from `at` on at which a rolling cap leaves enough; none when it never does.
    fn rolling_free(&self, cap: &'a Cap, within_ms: i64, mut at: TimeMs) -> Option<TimeMs> {
        let needed = u64::from(self.needed(cap));
        let most_used = u64::from(cap.points).checked_sub(needed)?;
        for _ in 0..ROUNDS_MAX {
            let (mut used, fullest) = self.fullest(cap, within_ms, at, EVER);
            let mut leaving = fullest.iter();
            // Until enough of this window's first awards are out of reach, it is too full.
            while used > most_used
                && let Some((moment, points)) = leaving.next()
            {
                used = used.saturating_sub(*points);
                at = TimeMs(moment.0.saturating_add(within_ms));
            }
            if leaving.len() == fullest.len() {
                return Some(at);
            }
        }
        Some(at)
    }

    /// Points that have to be left for the award not to be refused.
    fn needed(&self, cap: &Cap) -> u32 {
        match cap.at_cap {
            AtCap::Refuse => self.wanted,
            AtCap::Partial => self.wanted.min(1),
        }
    }
}
