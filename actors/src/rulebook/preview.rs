//! What changed rules would mean for everybody. Changes nothing.

use super::walk::{AT_ONCE, PEOPLE, facts, side_by_side};
use crate::domain::Rules;
use crate::domain::achievements::Tier;
use crate::domain::rules::replay::Replay;
use crate::learners::Context;
use futures_util::stream::{self, StreamExt};
use homeroom_schema::{StoreError, UserId};
use std::sync::Arc;

/// What changed rules would mean.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Preview {
    /// Over everybody; none where only a later page of people was asked for.
    pub totals: Option<PreviewTotals>,
    /// People for whom they mean something, by id.
    pub people: Vec<PersonChange>,
    /// Whether there are more of them.
    pub has_more: bool,
}

/// Over everybody.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PreviewTotals {
    /// People looked at.
    pub people: u64,
    /// Who would gain points, and how many together.
    pub gaining: (u64, u64),
    /// Who would lose points, and how many together.
    pub losing: (u64, u64),
    /// Who would stand on another level.
    pub levels_changed: u64,
    /// Tiers that would be given.
    pub tiers_given: u64,
    /// Tiers that would not be held any more.
    pub tiers_lost: u64,
}

/// For one person.
#[derive(Debug, Clone, PartialEq)]
pub struct PersonChange {
    /// Who.
    pub user_id: UserId,
    /// Points now and then.
    pub total: (u64, u64),
    /// Level now and then.
    pub level: (u32, u32),
    /// Tiers that would be given.
    pub given: Vec<(String, Tier)>,
    /// Tiers that would not be held any more.
    pub lost: Vec<(String, Tier)>,
}

impl PreviewTotals {
    fn note(&mut self, change: &PersonChange) {
        let (now, then) = change.total;
        let of = if then > now {
            &mut self.gaining
        } else {
            &mut self.losing
        };
        if then != now {
            of.0 += 1;
            of.1 += then.abs_diff(now);
        }
        self.levels_changed += u64::from(change.level.0 != change.level.1);
        self.tiers_given += change.given.len() as u64;
        self.tiers_lost += change.lost.len() as u64;
    }
}

/// Replays everybody's facts; from the start with totals, or only as far as a page of people needs after `after`.
pub(crate) async fn preview(
    context: &Arc<Context>,
    rules: Arc<Rules>,
    after: Option<UserId>,
    limit: usize,
) -> Result<Preview, StoreError> {
    let mut preview = Preview {
        totals: after.is_none().then(PreviewTotals::default),
        ..Preview::default()
    };
    let mut after = after;
    loop {
        let page = context.roster.users_after(after, PEOPLE, true);
        let ids: Vec<UserId> = page.iter().map(|user| user.user_id).collect();
        let (of_page, by_rules) = (Arc::clone(context), Arc::clone(&rules));
        let changes = ids
            .into_iter()
            .map(move |user_id| side_by_side(of_one(Arc::clone(&of_page), Arc::clone(&by_rules), user_id)));
        let mut changes = stream::iter(changes).buffered(AT_ONCE);
        while let Some(change) = changes.next().await {
            let change = change.map_err(|error| StoreError::Unavailable {
                cause: error.to_string(),
            })??;
            if let Some(totals) = &mut preview.totals {
                totals.people += 1;
            }
            let Some(change) = change else { continue };
            if let Some(totals) = &mut preview.totals {
                totals.note(&change);
            }
            if preview.people.len() < limit {
                preview.people.push(change);
            } else {
                preview.has_more = true;
                if preview.totals.is_none() {
                    return Ok(preview);
                }
            }
        }
        match page.last() {
            Some(last) if page.len() == PEOPLE => after = Some(last.user_id),
            _ => return Ok(preview),
        }
    }
}

async fn of_one(context: Arc<Context>, rules: Arc<Rules>, user_id: UserId) -> Result<Option<PersonChange>, StoreError> {
    // No act has this number: whatever was applied before, what is meant is the past as it stands.
    let mut replay = Replay::new(user_id, &rules, 0);
    facts(&*context.store, user_id, |event, meta| replay.take(event, meta)).await?;
    let (total, level) = (replay.actual().total, replay.actual().level);
    let course = context.roster.course(user_id);
    let adjustment = replay.adjustment((&course, &context.hub.outside(user_id)), context.clock.now(), true);
    Ok(adjustment.map(|adjustment| PersonChange {
        user_id,
        total: (total, adjustment.total),
        level: (level, adjustment.level),
        given: adjustment
            .given
            .into_iter()
            .map(|given| (given.achievement, given.tier))
            .collect(),
        lost: adjustment.lost,
    }))
}
