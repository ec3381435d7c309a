//! Analytics and signals: figures about many learners, with everything acknowledged before the call.

use super::Engine;
use crate::domain::analytics::engagement::{Engagement, EngagementCount};
use crate::domain::analytics::outcomes::{Learners, Outcomes, OutcomesCount};
use crate::domain::analytics::resources::{Resources, ResourcesCount};
use crate::domain::analytics::signals::{Signal, SignalsCount, nearly_there};
use crate::domain::analytics::success::{Success, SuccessCount};
use crate::domain::analytics::{Buckets, Catalogue, CatalogueUnit, Scope};
use crate::error::EngineError;
use crate::insights::{BucketSize, apart, buckets, days};
use crate::roster::{Roster, RosterState};
use futures_util::{StreamExt, stream};
use homeroom_schema::records::UserRole;
use homeroom_schema::{QualificationId, TeamId, TimeMs, UserId};
use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

/// Learners looked at at once for the signals of a team.
const LEARNERS_AT_ONCE: usize = 16;

/// What is asked of analytics.
#[derive(Debug, Clone)]
pub struct AnalyticsQuery {
    /// When, and in which parts.
    pub buckets: Buckets,
    /// Only the present members of a team.
    pub team_id: Option<TeamId>,
    /// Only what counts for a qualification.
    pub qualification_id: Option<QualificationId>,
}

impl Engine {
    /// The parts of a range, in the node's time zone; none when there are more than
    /// [`ANALYTICS_BUCKETS_MAX`](homeroom_schema::limits::ANALYTICS_BUCKETS_MAX), or the range is empty.
    #[must_use]
    pub fn analytics_buckets(&self, range: &Range<TimeMs>, size: BucketSize) -> Option<Buckets> {
        let clock = &*self.inner.tree.context.clock;
        (!range.is_empty()).then(|| buckets(clock, range, size)).flatten()
    }

    /// Who was active, how long, and how many days in a row.
    ///
    /// # Errors
    /// Unknown team or qualification; not folded yet; the store is unavailable.
    pub async fn engagement(&self, query: AnalyticsQuery) -> Result<Engagement, EngineError> {
        let scope = self.scope(&query)?;
        let clock = &*self.inner.tree.context.clock;
        let days = days(clock, query.buckets.range());
        let count = EngagementCount::new(query.buckets, days, clock.now());
        let insights = &self.inner.tree.insights;
        let count = insights
            .count(&scope, since_ever(&scope), count, EngagementCount::take)
            .await?;
        apart(move || count.finish()).await
    }

    /// Scores, completion, and the time that it took.
    ///
    /// # Errors
    /// As [`Self::engagement`].
    pub async fn outcomes(&self, query: AnalyticsQuery) -> Result<Outcomes, EngineError> {
        let scope = self.scope(&query)?;
        let count = OutcomesCount::new(Scope::clone(&scope));
        let insights = &self.inner.tree.insights;
        let count = insights
            .count(&scope, since_ever(&scope), count, OutcomesCount::take)
            .await?;
        let (roster, rules) = (self.roster().clone(), self.rules());
        apart(move || {
            let of = learners(&roster, &scope);
            let courses = |user_id| courses(&roster, &scope, user_id);
            let courses = &courses;
            count.finish(&Learners { of, courses }, &rules)
        })
        .await
    }

    /// Quizzes passed, units completed, items that are hard.
    ///
    /// # Errors
    /// As [`Self::engagement`].
    pub async fn success(&self, query: AnalyticsQuery) -> Result<Success, EngineError> {
        let scope = self.scope(&query)?;
        let now = self.inner.tree.context.clock.now();
        let count = SuccessCount::new(query.buckets, self.rules().quizzes.pass_from, now);
        let insights = &self.inner.tree.insights;
        let count = insights
            .count(&scope, since_ever(&scope), count, SuccessCount::take)
            .await?;
        apart(move || count.finish()).await
    }

    /// What was read, contributed and rated.
    ///
    /// # Errors
    /// As [`Self::engagement`].
    pub async fn resource_use(&self, query: AnalyticsQuery) -> Result<Resources, EngineError> {
        let scope = self.scope(&query)?;
        let count = ResourcesCount::new(query.buckets);
        let insights = &self.inner.tree.insights;
        let count = insights
            .count(&scope, scope.range.clone(), count, ResourcesCount::take)
            .await?;
        apart(move || count.finish()).await
    }

    /// Which members of a team are stuck, silent, or nearly there.
    ///
    /// # Errors
    /// As [`Self::engagement`].
    pub async fn signals(&self, team_id: TeamId) -> Result<Vec<Signal>, EngineError> {
        let context = &self.inner.tree.context;
        let (now, rules) = (context.clock.now(), self.rules());
        let ever = TimeMs(i64::MIN)..TimeMs(i64::MAX);
        let members = self.members_of(team_id)?;
        let scope = Arc::new(Scope {
            people: Some(members.keys().copied().collect()),
            qualification: None,
            catalogue: catalogue(self.roster()),
            range: ever.clone(),
        });
        let count = SignalsCount::new(Scope::clone(&scope));
        let insights = &self.inner.tree.insights;
        let count = insights.count(&scope, ever, count, SignalsCount::take).await?;
        let mut signals = count.finish(&members, &rules.signals, rules.quizzes.pass_from, now);
        let mut views = stream::iter(members.into_keys())
            .map(|user_id| self.learner(user_id))
            .buffered(LEARNERS_AT_ONCE);
        while let Some(view) = views.next().await {
            match view {
                Ok(view) => signals.extend(nearly_there(
                    view.user_id,
                    &view.completion.qualifications,
                    &view.achievements,
                    rules.signals.nearly_percent,
                )),
                // Erased since.
                Err(EngineError::Erased(_) | EngineError::UnknownUser(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(signals)
    }

    fn scope(&self, query: &AnalyticsQuery) -> Result<Arc<Scope>, EngineError> {
        let people = query.team_id.map(|team_id| self.members_of(team_id)).transpose()?;
        if let Some(qualification_id) = query.qualification_id {
            let known = self.roster().qualification(qualification_id);
            known.ok_or(EngineError::UnknownQualification(qualification_id))?;
        }
        Ok(Arc::new(Scope {
            range: query.buckets.range(),
            people: people.map(|people| people.into_keys().collect()),
            qualification: query.qualification_id,
            catalogue: catalogue(self.roster()),
        }))
    }

    /// The present members with the moment at which they joined.
    fn members_of(&self, team_id: TeamId) -> Result<BTreeMap<UserId, TimeMs>, EngineError> {
        let roster = self.roster().read();
        roster.active_team(team_id).ok_or(EngineError::UnknownTeam(team_id))?;
        let members = roster.present_members(team_id);
        Ok(members
            .map(|(user_id, membership)| (user_id, membership.joined_at))
            .collect())
    }
}

/// Up to the scope's end: how something stands then depends on all that went before.
fn since_ever(scope: &Scope) -> Range<TimeMs> {
    TimeMs(i64::MIN)..scope.range.end
}

fn catalogue(roster: &Roster) -> Arc<Catalogue> {
    let roster = roster.read();
    let units = roster.units.values().map(|unit| {
        let known = CatalogueUnit {
            qualification: unit.qualification_id,
            skills: unit.skills.iter().map(|skill| Arc::from(skill.as_str())).collect(),
            counts: unit.archived_at.is_none(),
        };
        (unit.unit_id, known)
    });
    Arc::new(units.collect())
}

/// How many people of a scope each qualification counts for: those enrolled, and those who are enrolled in none.
fn learners(roster: &Roster, scope: &Scope) -> BTreeMap<QualificationId, usize> {
    let roster = roster.read();
    let qualifications = roster.qualifications.values().filter(|row| row.archived_at.is_none());
    let mut enrolled: HashSet<UserId> = HashSet::new();
    let mut of: BTreeMap<QualificationId, usize> = BTreeMap::new();
    for qualification_id in qualifications.map(|row| row.qualification_id) {
        let learners = roster.learners_of(qualification_id);
        let learners = learners.filter(|user_id| is_learner(&roster, scope, *user_id));
        let learners: Vec<_> = learners.collect();
        let count = learners.len();
        enrolled.extend(learners);
        of.insert(qualification_id, count);
    }
    let people = match &scope.people {
        Some(people) => people.len(),
        None => {
            let users = roster.users.values();
            users
                .filter(|user| user.archived_at.is_none() && user.role == UserRole::Student)
                .count()
        }
    };
    let in_none = people.saturating_sub(enrolled.len());
    of.values_mut().for_each(|count| *count += in_none);
    of
}

/// Whether somebody is asked about: the members of the team, else all students who are not archived.
fn is_learner(roster: &RosterState, scope: &Scope, user_id: UserId) -> bool {
    let user = roster.active_user(user_id);
    user.is_some_and(|user| scope.has_person(user_id) && (scope.people.is_some() || user.role == UserRole::Student))
}

fn courses(roster: &Roster, scope: &Scope, user_id: UserId) -> Vec<QualificationId> {
    let roster = roster.read();
    if !is_learner(&roster, scope, user_id) {
        return Vec::new();
    }
    let active = |id: &QualificationId| roster.active_qualification(*id).is_some();
    let enrolled: Vec<_> = roster.enrolments_of(user_id).map(|(id, _)| id).filter(active).collect();
    if enrolled.is_empty() {
        return roster.qualifications.keys().copied().filter(active).collect();
    }
    enrolled
}
