//! What one award is worth beside the awards that a learner has: bonuses, cool-downs, awards per window, caps. Pure.
//!
//! Every limit is symmetric in time: what counts is when things happened, never the order in which they were told. So a
//! clock that jumps, or a fact that comes late, pays nothing twice. A limit holds inside its scope: the rules of a
//! qualification limit and count the awards of that qualification; the rules of everywhere all others. Awards that were
//! taken back do not count, nor do manual awards.

use crate::domain::action::{Action, RefusalReason};
use crate::domain::learner::{Award, Learner};
use crate::domain::period::monday_of;
use crate::domain::rules::spacing::Spacing;
use crate::domain::rules::{AtCap, AwardRules, Cap, CapSpan, Rules};
use homeroom_schema::{QualificationId, ReferenceId, TimeMs};

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
    /// What an award would be worth beside those that the learner has.
    ///
    /// # Errors
    /// Why the rules refuse it.
    pub fn worth(&self, learner: &Learner, attempt: &Attempt) -> Result<Worth, Refused> {
        let awards = self.awards(attempt.qualification);
        let Some(of_action) = awards.action(attempt.action) else {
            return Ok(Worth {
                points: 0,
                bonus_percent: None,
            });
        };
        let percent = awards.bonus_percent(attempt.action, attempt.occurred_at);
        let wanted = Worth {
            points: multiplied(of_action.points, percent),
            bonus_percent: percent,
        };
        if of_action.cooldown_ms <= 0 && of_action.windows.is_empty() && awards.caps.is_empty() {
            return Ok(wanted);
        }
        Limited {
            rules: self,
            awards,
            learner,
            attempt,
            wanted: wanted.points,
        }
        .worth(wanted)
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

impl AwardRules {
    /// The bonus of an action at a moment, in percent; none for 100. Of several the largest counts.
    #[must_use]
    pub fn bonus_percent(&self, action: Action, at: TimeMs) -> Option<u32> {
        let holds = self.bonuses.iter().filter(|bonus| {
            let of_action = bonus.actions.is_empty() || bonus.actions.contains(&action);
            of_action && bonus.from <= at && at < bonus.to
        });
        holds.map(|bonus| bonus.percent).max().filter(|percent| *percent != 100)
    }
}

impl Cap {
    /// The actions that count towards it and are held by it.
    #[must_use]
    pub fn actions(&self) -> &[Action] {
        if self.actions.is_empty() {
            &Action::ALL
        } else {
            &self.actions
        }
    }
}

fn multiplied(points: u32, percent: Option<u32>) -> u32 {
    let Some(percent) = percent else { return points };
    let product = u64::from(points) * u64::from(percent) / 100;
    u32::try_from(product).unwrap_or(u32::MAX)
}

/// An attempt under rules that have limits.
struct Limited<'a> {
    rules: &'a Rules,
    awards: &'a AwardRules,
    learner: &'a Learner,
    attempt: &'a Attempt,
    wanted: u32,
}

/// What a cap leaves at a moment.
struct Room {
    points: u32,
    /// A later moment at which there may be more; none means never.
    then: Option<TimeMs>,
}

impl<'a> Limited<'a> {
    fn worth(&self, wanted: Worth) -> Result<Worth, Refused> {
        let at = self.attempt.occurred_at;
        let spacing = self.spacing();
        let mut reason = spacing.refuses(at);
        let mut points = wanted.points;
        for cap in self.caps() {
            let room = self.room(cap, at).points;
            match cap.at_cap {
                AtCap::Refuse if room < wanted.points => reason = reason.or(Some(RefusalReason::CapReached)),
                AtCap::Partial if room == 0 && wanted.points > 0 => {
                    reason = reason.or(Some(RefusalReason::CapReached));
                }
                AtCap::Refuse | AtCap::Partial => points = points.min(room),
            }
        }
        match reason {
            None => Ok(Worth { points, ..wanted }),
            Some(reason) => Err(Refused {
                reason,
                retry_at: self.retry_at(&spacing),
            }),
        }
    }

    /// The caps that hold this action.
    fn caps(&self) -> impl Iterator<Item = &'a Cap> {
        let action = self.attempt.action;
        self.awards
            .caps
            .iter()
            .filter(move |cap| cap.actions().contains(&action))
    }

    /// The awards of these actions in this scope that count.
    fn counted<'b>(&self, actions: &'b [Action]) -> impl Iterator<Item = &'a Award> + use<'a, 'b> {
        let scope = self.rules.scope(self.attempt.qualification);
        let (rules, learner) = (self.rules, self.learner);
        let of_actions = actions.iter().flat_map(move |action| {
            learner
                .awards
                .range((*action, ReferenceId::MIN)..=(*action, ReferenceId::MAX))
        });
        of_actions
            .map(|(_, award)| award)
            .filter(move |award| award.counts() && rules.scope(award.qualification) == scope)
    }

    /// The limits of how close awards of the action may come, with the moments that they look at.
    fn spacing(&self) -> Spacing {
        let Some(of_action) = self.awards.action(self.attempt.action) else {
            return Spacing::default();
        };
        let mut spacing = Spacing::of(of_action);
        if let Some(widest_ms) = spacing.widest_ms() {
            let from = TimeMs(self.attempt.occurred_at.0.saturating_sub(widest_ms));
            let action = [self.attempt.action];
            let moments = self.counted(&action).map(|award| award.occurred_at);
            spacing.look_at(moments.filter(|at| *at > from).collect());
        }
        spacing
    }

    /// The points that a cap leaves at a moment, which lies on the day of the attempt unless the cap is rolling.
    fn room(&self, cap: &'a Cap, at: TimeMs) -> Room {
        let (day, next) = (self.attempt.day, &self.attempt.next);
        let counted = self.counted(cap.actions());
        let sum = |same: &dyn Fn(i32) -> bool| -> u64 {
            let of_period = counted.filter(|award| same(award.day));
            of_period.map(|award| u64::from(award.points)).sum()
        };
        let (used, then) = match cap.per {
            CapSpan::Day => (sum(&|other| other == day), next.day),
            CapSpan::Week => (sum(&|other| monday_of(other) == monday_of(day)), next.week),
            CapSpan::Season => (sum(&|other| self.rules.is_one_season(other, day)), next.season),
            CapSpan::RollingMs(within_ms) => (self.fullest(cap, within_ms, at).0, None),
        };
        Room {
            points: left(cap.points, used),
            then,
        }
    }

    /// The window of that length around a moment with the most points: those points, and its awards in their order.
    fn fullest(&self, cap: &'a Cap, within_ms: i64, at: TimeMs) -> (u64, Vec<(TimeMs, u64)>) {
        let mut near: Vec<(TimeMs, u64)> = self
            .counted(cap.actions())
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
    fn retry_at(&self, spacing: &Spacing) -> Option<TimeMs> {
        let mut at = self.attempt.occurred_at;
        for cap in self.caps().filter(|cap| !matches!(cap.per, CapSpan::RollingMs(_))) {
            let room = self.room(cap, self.attempt.occurred_at);
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
            let (mut used, fullest) = self.fullest(cap, within_ms, at);
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

fn left(cap: u32, used: u64) -> u32 {
    cap.saturating_sub(u32::try_from(used).unwrap_or(u32::MAX))
}
