//! What mentors may still give by hand this week. Reserved before a command is handed over and given back if it is refused, so
//! that awards made at once never exceed the budget together. Counted from the store when it is first asked for in a week,
//! and again after a command whose outcome is unknown.

use crate::domain::period::monday_of;
use crate::error::EngineError;
use crate::learners::Context;
use crate::supervision::monotonic;
use homeroom_schema::limits::{COMMAND_DEADLINE, MENTORS_COUNTED_MAX};
use homeroom_schema::{TimeMs, UserId};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;

/// The budgets of all mentors. A clone is another handle to the same ones.
#[derive(Clone, Default)]
pub(crate) struct Budgets {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    accounts: Mutex<HashMap<UserId, Account>>,
    // One count at a time: nobody reserves from an account while it is counted.
    counting: tokio::sync::Mutex<()>,
}

/// What one mentor has given in one week.
#[derive(Debug, Clone, Copy)]
struct Account {
    monday: i32,
    spent: u64,
    in_flight: u32,
    // Something may have been kept, or not: to be counted anew when nothing is under way any more.
    is_doubtful: bool,
}

/// What a mentor has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Points of one award at the most.
    pub per_award: u32,
    /// Points of one local week, from Monday.
    pub per_week: u32,
    /// What is left of them.
    pub left: u32,
    /// When the next week begins.
    pub renews_at: TimeMs,
}

/// Points set aside for one award under way. Dropped without a verdict, it leaves its account to be counted anew.
pub(crate) struct Reservation {
    budgets: Budgets,
    mentor: UserId,
    monday: i32,
    points: u32,
    settled: bool,
}

impl Budgets {
    /// Sets points aside for an award of this mentor that happens at `now`.
    ///
    /// # Errors
    /// [`EngineError::BudgetExhausted`]; when the store cannot say what was given before.
    pub(crate) async fn reserve(
        &self,
        context: &Context,
        mentor: UserId,
        points: u32,
        now: TimeMs,
    ) -> Result<Reservation, EngineError> {
        self.counted(context, mentor, now).await?;
        let budget = context.rules.load().manual.per_mentor_and_week;
        let monday = monday_of(context.clock.local_day(now));
        let mut accounts = self.inner.accounts.lock();
        let account = accounts.get_mut(&mentor).filter(|account| account.monday == monday);
        // Counted a moment ago; somebody who turned the week since comes again.
        let account = account.ok_or(EngineError::Overloaded)?;
        let left = u64::from(budget).saturating_sub(account.spent);
        if u64::from(points) > left {
            return Err(EngineError::BudgetExhausted {
                left: u32::try_from(left).unwrap_or(u32::MAX),
                renews_at: context.clock.day_starts_at(monday.saturating_add(7)),
            });
        }
        account.spent += u64::from(points);
        account.in_flight += 1;
        Ok(Reservation {
            budgets: self.clone(),
            mentor,
            monday,
            points,
            settled: false,
        })
    }

    /// What a mentor has left at `now`.
    ///
    /// # Errors
    /// When the store cannot say what was given before.
    pub(crate) async fn left(&self, context: &Context, mentor: UserId, now: TimeMs) -> Result<Budget, EngineError> {
        self.counted(context, mentor, now).await?;
        let manual = context.rules.load().manual;
        let monday = monday_of(context.clock.local_day(now));
        let spent = self
            .inner
            .accounts
            .lock()
            .get(&mentor)
            .map_or(0, |account| account.spent);
        let left = u64::from(manual.per_mentor_and_week).saturating_sub(spent);
        Ok(Budget {
            per_award: manual.per_award,
            per_week: manual.per_mentor_and_week,
            left: u32::try_from(left).unwrap_or(u32::MAX),
            renews_at: context.clock.day_starts_at(monday.saturating_add(7)),
        })
    }

    /// Sees to it that the account is of this week and that nothing about it is in doubt.
    async fn counted(&self, context: &Context, mentor: UserId, now: TimeMs) -> Result<(), EngineError> {
        let monday = monday_of(context.clock.local_day(now));
        if self.is_counted(mentor, monday) {
            return Ok(());
        }
        let _turn = self.inner.counting.lock().await;
        if self.is_counted(mentor, monday) {
            return Ok(());
        }
        // What was handed to the writer before is in the store behind the fence.
        let fence = context.journal.fence(monotonic() + COMMAND_DEADLINE).await;
        fence.map_err(|error| context.unavailable(&error))?;
        let since = context.clock.day_starts_at(monday);
        let given = context.store.manual_points(mentor, since).await;
        let spent = given.map_err(|error| context.unavailable(&error))?;
        let mut accounts = self.inner.accounts.lock();
        if accounts.len() >= MENTORS_COUNTED_MAX {
            // Whoever has nothing under way can be counted again.
            accounts.retain(|_, account| account.in_flight > 0);
        }
        let account = Account {
            monday,
            spent,
            in_flight: 0,
            is_doubtful: false,
        };
        accounts.insert(mentor, account);
        Ok(())
    }

    fn is_counted(&self, mentor: UserId, monday: i32) -> bool {
        let accounts = self.inner.accounts.lock();
        let account = accounts.get(&mentor).filter(|account| account.monday == monday);
        account.is_some_and(|account| !account.is_doubtful || account.in_flight > 0)
    }
}

impl Reservation {
    /// The award was kept (`None`), or why it was not.
    pub(crate) fn settle(mut self, refused: Option<&EngineError>) {
        let is_unknown = matches!(refused, Some(EngineError::StoreUnavailable | EngineError::TimedOut));
        if !is_unknown {
            self.settled = true;
            let back = if refused.is_some() { self.points } else { 0 };
            self.give_back(back, false);
        }
    }

    fn give_back(&self, points: u32, is_doubtful: bool) {
        let mut accounts = self.budgets.inner.accounts.lock();
        // A reservation of another week is of an account that is counted anew.
        if let Some(account) = accounts
            .get_mut(&self.mentor)
            .filter(|account| account.monday == self.monday)
        {
            account.spent = account.spent.saturating_sub(u64::from(points));
            account.in_flight = account.in_flight.saturating_sub(1);
            account.is_doubtful |= is_doubtful;
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if !self.settled {
            self.give_back(0, true);
        }
    }
}
