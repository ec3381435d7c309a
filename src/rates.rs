//! How much one caller may ask for: a budget of reads and one of writes for each person (or token without a person), by
//! role. A budget refills steadily and holds two seconds' worth, so that a page may open at once. Never says who may do what.

mod headers;
#[cfg(test)]
mod tests;

pub use headers::{RateCell, Standing};

use crate::app::App;
use crate::auth::{Owner, Principal};
use crate::problem::Problem;
use axum::http::HeaderValue;
use governor::clock::{Clock, MonotonicClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use homeroom_schema::limits::{RATE_BURST_SECONDS, RATE_SWEEP_EVERY, STRANGERS_BURST, STRANGERS_PER_SECOND};
use homeroom_schema::records::TokenRole;
use std::convert::Infallible;
use std::num::NonZeroU32;
use std::time::Duration;

/// What those without a token may ask for, all together: a class that comes in at once fits many times over, and nobody
/// tries all codes.
#[derive(Debug)]
pub struct Strangers(DefaultDirectRateLimiter);

impl Default for Strangers {
    fn default() -> Self {
        let quota = Quota::per_second(STRANGERS_PER_SECOND).allow_burst(STRANGERS_BURST);
        Self(RateLimiter::direct(quota))
    }
}

impl Strangers {
    /// Takes one request in.
    ///
    /// # Errors
    /// 429 `rate_limited`.
    pub fn admit(&self) -> Result<(), Problem> {
        self.0.check().map_err(|_| {
            let detail = "Too many requests without a token; try again shortly.";
            Problem::new(429, "rate_limited", "Too many requests", detail).retry_after(1)
        })
    }
}

/// Requests a second in the long run, by role and kind; 0 means no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateSettings {
    /// Writes of one student.
    pub student_writes_per_s: u32,
    /// Reads of one student.
    pub student_reads_per_s: u32,
    /// Writes of one mentor.
    pub mentor_writes_per_s: u32,
    /// Reads of one mentor.
    pub mentor_reads_per_s: u32,
    /// Reads on one projector token, which serves all wall screens of a mentor. It writes nothing.
    pub projector_reads_per_s: u32,
    /// Writes on one service token.
    pub service_writes_per_s: u32,
    /// Reads on one service token.
    pub service_reads_per_s: u32,
    /// Writes on one admin token.
    pub admin_writes_per_s: u32,
    /// Reads on one admin token.
    pub admin_reads_per_s: u32,
}

impl Default for RateSettings {
    fn default() -> Self {
        Self {
            student_writes_per_s: 20,
            student_reads_per_s: 50,
            mentor_writes_per_s: 100,
            mentor_reads_per_s: 250,
            projector_reads_per_s: 250,
            service_writes_per_s: 0,
            service_reads_per_s: 0,
            admin_writes_per_s: 0,
            admin_reads_per_s: 0,
        }
    }
}

impl RateSettings {
    /// Every rate with the name of its setting.
    pub(crate) const fn named(&self) -> [(&'static str, u32); 9] {
        [
            ("student_writes_per_s", self.student_writes_per_s),
            ("student_reads_per_s", self.student_reads_per_s),
            ("mentor_writes_per_s", self.mentor_writes_per_s),
            ("mentor_reads_per_s", self.mentor_reads_per_s),
            ("projector_reads_per_s", self.projector_reads_per_s),
            ("service_writes_per_s", self.service_writes_per_s),
            ("service_reads_per_s", self.service_reads_per_s),
            ("admin_writes_per_s", self.admin_writes_per_s),
            ("admin_reads_per_s", self.admin_reads_per_s),
        ]
    }
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Something is shown: a request, the start of a session, a topic taken up.
    Read,
    /// Something is to be kept: a request, an item of a batch, a command on a socket.
    Write,
}

/// More than the budget holds.
#[derive(Debug, Clone)]
pub struct OverLimit {
    /// What the caller is told: 429 `rate_limited`.
    pub problem: Problem,
    /// The budget as it stands.
    pub standing: Standing,
}

/// The budgets of all callers. Callers who have not asked for anything lately are not in it.
pub struct Rates<C: Clock = MonotonicClock> {
    clock: C,
    student: Budgets<C>,
    mentor: Budgets<C>,
    projector: Budgets<C>,
    service: Budgets<C>,
    admin: Budgets<C>,
}

/// The budgets of one role.
struct Budgets<C: Clock> {
    role: &'static str,
    reads: Option<Budget<C>>,
    writes: Option<Budget<C>>,
}

/// One kind of budget, for every caller of a role.
struct Budget<C: Clock> {
    name: &'static str,
    per_second: u32,
    burst: u32,
    policy: HeaderValue,
    limiter: RateLimiter<Owner, DashMapStateStore<Owner>, C, StateInformationMiddleware>,
}

impl Rates {
    /// Fresh budgets, on the monotonic clock: setting the wall clock gives nobody more.
    #[must_use]
    pub fn new(settings: &RateSettings) -> Self {
        Self::with_clock(settings, MonotonicClock)
    }
}

impl<C: Clock + Clone> Rates<C> {
    /// The same on another clock.
    pub fn with_clock(settings: &RateSettings, clock: C) -> Self {
        let budgets = |role, reads, writes| Budgets {
            role,
            reads: Budget::new("reads", reads, &clock),
            writes: Budget::new("writes", writes, &clock),
        };
        Self {
            student: budgets("student", settings.student_reads_per_s, settings.student_writes_per_s),
            mentor: budgets("mentor", settings.mentor_reads_per_s, settings.mentor_writes_per_s),
            projector: budgets("projector", settings.projector_reads_per_s, 0),
            service: budgets("service", settings.service_reads_per_s, settings.service_writes_per_s),
            admin: budgets("admin", settings.admin_reads_per_s, settings.admin_writes_per_s),
            clock,
        }
    }

    /// Takes one piece of work out of the caller's budget, and says how that stands; none when there is no limit.
    ///
    /// # Errors
    /// [`OverLimit`] when the budget holds none: then nothing is taken.
    pub fn take(&self, caller: &Principal, work: Work) -> Result<Option<Standing>, Box<OverLimit>> {
        let budgets = match caller.role {
            TokenRole::Student => &self.student,
            TokenRole::Mentor => &self.mentor,
            TokenRole::Projector => &self.projector,
            TokenRole::Service => &self.service,
            TokenRole::Admin => &self.admin,
        };
        let budget = match work {
            Work::Write if caller.role != TokenRole::Projector => &budgets.writes,
            // What a projector writes is refused anyway; it costs as a read does.
            Work::Read | Work::Write => &budgets.reads,
        };
        let Some(budget) = budget else { return Ok(None) };
        match budget.limiter.check_key(&caller.owner()) {
            Ok(state) => Ok(Some(budget.standing(state.remaining_burst_capacity()))),
            Err(until) => {
                metrics::counter!("homeroom_rate_limited_total", "role" => budgets.role, "kind" => budget.name)
                    .increment(1);
                Err(Box::new(budget.over(until.wait_time_from(self.clock.now()))))
            }
        }
    }

    /// Forgets callers whose budgets are full again: they are as good as new.
    pub fn sweep(&self) {
        for budget in self.all() {
            budget.limiter.retain_recent();
            budget.limiter.shrink_to_fit();
        }
    }

    /// Callers in memory, over all budgets.
    pub fn callers(&self) -> usize {
        self.all().map(|budget| budget.limiter.len()).sum()
    }

    fn all(&self) -> impl Iterator<Item = &Budget<C>> {
        let roles = [&self.student, &self.mentor, &self.projector, &self.service, &self.admin];
        roles
            .into_iter()
            .flat_map(|budgets| [&budgets.reads, &budgets.writes])
            .flatten()
    }
}

impl<C: Clock + Clone> Budget<C> {
    /// None when there is no limit.
    fn new(name: &'static str, per_second: u32, clock: &C) -> Option<Self> {
        let rate = NonZeroU32::new(per_second)?;
        let burst = rate.saturating_mul(RATE_BURST_SECONDS);
        let quota = Quota::per_second(rate).allow_burst(burst);
        let limiter = RateLimiter::new(quota, DashMapStateStore::default(), clock.clone());
        Some(Self {
            name,
            per_second,
            burst: burst.get(),
            policy: headers::policy(name, burst.get()),
            limiter,
        })
    }

    fn standing(&self, remaining: u32) -> Standing {
        Standing {
            name: self.name,
            policy: self.policy.clone(),
            remaining,
            full_in_s: (self.burst - remaining.min(self.burst)).div_ceil(self.per_second),
        }
    }

    fn over(&self, wait: Duration) -> OverLimit {
        let detail = format!(
            "{} {} a second are yours, and {} at once; wait, then go on.",
            self.per_second, self.name, self.burst
        );
        let seconds = wait.as_nanos().div_ceil(1_000_000_000).max(1);
        let problem = Problem::new(429, "rate_limited", "Too many requests", detail);
        OverLimit {
            problem: problem.retry_after(u64::try_from(seconds).unwrap_or(u64::MAX)),
            standing: self.standing(0),
        }
    }
}

/// Takes one piece of work out of the caller's budget, and notes how that stands.
///
/// # Errors
/// 429 `rate_limited`.
pub(crate) fn charge(app: &App, caller: &Principal, rates: &RateCell, work: Work) -> Result<(), Problem> {
    match app.rates().take(caller, work) {
        Ok(standing) => {
            rates.note(standing);
            Ok(())
        }
        Err(over) => {
            rates.note(Some(over.standing));
            Err(over.problem)
        }
    }
}

/// Sweeps now and then, for as long as it is polled.
pub(crate) async fn keep_swept(app: App) -> Infallible {
    let mut ticks = tokio::time::interval(RATE_SWEEP_EVERY);
    loop {
        ticks.tick().await;
        app.rates().sweep();
    }
}
