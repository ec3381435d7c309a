//! Commands: names are looked up here, the decision is the actor's.

use super::answer::Place;
use super::{Answer, Correction, EarnRequest, Engine, KeyClaim, Pending, ProgressRequest, RenderRoster};
use crate::domain::action::{Action, Evidence};
use crate::domain::event::{LEDGER_TYPES, LearnerEvent};
use crate::domain::rules::NextPeriods;
use crate::domain::{AwardRef, Command, Earn, Progress, Rejection};
use crate::error::EngineError;
use crate::learners::{Beside, parse};
use crate::roster::{Leaderboards, RosterCommand, RosterJob, RosterOutcome, RosterState};
use crate::views::{CorrectionOutcome, EarnOutcome, ProgressOutcome};
use homeroom_schema::backup::{BackupMade, BackupWish};
use homeroom_schema::limits::COMMAND_DEADLINE;
use homeroom_schema::records::{
    Append, AppendOutcome, AuditRecord, AuditSubject, AuditedBy, KeyRecord, Row, StoredEvent, StreamKind,
};
use homeroom_schema::{EventId, ReferenceId, StoreError, TimeMs, UnitId, UserId};
use std::path::PathBuf;

impl Engine {
    /// Hands an award to its learner, in order of the calls. Team achievements too: then every member is awarded.
    ///
    /// # Errors
    /// Unknown user, unit or team; not a member; overloaded; stopping.
    pub async fn earn(&self, request: EarnRequest, key: Option<KeyClaim>) -> Result<Pending<EarnOutcome>, EngineError> {
        let permit = self.admit()?;
        let occurred_at = self.occurred_at(request.occurred_at);
        if request.action == Action::TeamAchievement {
            return self.earn_together(&request, occurred_at, key, permit);
        }
        let earn = self.looked_up(&request, occurred_at)?;
        let (answer, pending) = Pending::new(Some(Place::Command(permit)));
        let learners = &self.inner.tree.learners;
        learners
            .earn(request.user_id, Command::Earn(earn), false, key, answer)
            .await?;
        Ok(pending)
    }

    /// Hands progress to its learner, in order of the calls.
    ///
    /// # Errors
    /// Unknown user or unit; overloaded; stopping.
    pub async fn progress(
        &self,
        request: ProgressRequest,
        key: Option<KeyClaim>,
    ) -> Result<Pending<ProgressOutcome>, EngineError> {
        let permit = self.admit()?;
        {
            let roster = self.roster().read();
            known_user(&roster, request.user_id)?;
            known_unit(&roster, request.unit_id)?;
        }
        let progress = Progress {
            unit: request.unit_id,
            progress_percentage: request.progress_percentage,
            occurred_at: self.occurred_at(request.occurred_at),
        };
        let (answer, pending) = Pending::new(Some(Place::Command(permit)));
        let learners = &self.inner.tree.learners;
        learners
            .progress(request.user_id, Command::Progress(progress), key, answer)
            .await?;
        Ok(pending)
    }

    /// The ledger entry behind an event id (an award, a reversal, a receipt), if there is one.
    ///
    /// # Errors
    /// When the store is unavailable.
    pub async fn ledger_entry(&self, event_id: EventId) -> Result<Option<StoredEvent>, EngineError> {
        let found = self.reading(self.store().read_event(event_id)).await?;
        Ok(found.filter(|event| {
            event.stream.kind == StreamKind::Learner && LEDGER_TYPES.contains(&event.event_type.as_str())
        }))
    }

    /// Takes the award of `event_id` back, or undoes that. `event_id` may name the award or its reversal.
    ///
    /// # Errors
    /// Unknown event, a contradiction ([`EngineError::Rejected`]), overloaded, stopping.
    pub async fn correct(
        &self,
        event_id: EventId,
        correction: Correction,
        reason: Option<String>,
        key: Option<KeyClaim>,
        by: AuditedBy,
    ) -> Result<Pending<CorrectionOutcome>, EngineError> {
        let permit = self.admit()?;
        let entry = self.ledger_entry(event_id).await?;
        let entry = entry.ok_or(EngineError::UnknownEvent(event_id))?;
        let user_id = UserId::new(entry.stream.id).map_err(|_| EngineError::UnknownEvent(event_id))?;
        self.roster().read().refuse_erased(user_id)?;
        let (event, _) = parse(&entry).map_err(|error| self.unavailable(&error))?;
        let mut behind = award_behind(event_id, event)?;
        let award = behind.award;
        // Corrections of early versions do not say what was observed: the award itself does.
        if award != event_id
            && let Some(entry) = self.ledger_entry(award).await?
        {
            let (event, _) = parse(&entry).map_err(|error| self.unavailable(&error))?;
            behind = award_behind(award, event)?;
        }
        let command = match correction {
            Correction::Reverse => Command::Reverse(behind),
            Correction::Reinstate => Command::Reinstate(behind),
        };
        let (answer, pending) = Pending::new(Some(Place::Command(permit)));
        let beside = Beside {
            note: reason,
            audit: Some(AuditRecord {
                at: self.inner.tree.context.clock.now(),
                by,
                act: match correction {
                    Correction::Reverse => "award_reversed",
                    Correction::Reinstate => "award_reinstated",
                },
                subject: Some(AuditSubject {
                    kind: "user",
                    id: user_id.get(),
                }),
                detail: format!("{{\"event_id\":{award}}}"),
            }),
        };
        let learners = &self.inner.tree.learners;
        learners.correct(user_id, command, beside, key, answer).await?;
        Ok(pending)
    }

    /// Changes roster or catalogue, and keeps in the audit log who did. `render` makes the answer that a keyed repeat gets.
    /// After an erasure no board and no team shows or remembers the name any more when this returns.
    ///
    /// # Errors
    /// As the command says.
    pub async fn change_roster(
        &self,
        command: RosterCommand,
        key: Option<(KeyClaim, RenderRoster)>,
        by: AuditedBy,
    ) -> Result<RosterOutcome, EngineError> {
        let erased = match command {
            RosterCommand::EraseUser { user_id, .. } => Some(user_id),
            _ => None,
        };
        let (answer, pending) = Pending::new(Some(Place::Command(self.admit()?)));
        let job = RosterJob {
            command,
            by,
            key,
            answer,
        };
        let queued = self.inner.tree.roster_queue.push(job);
        queued.map_err(|_| EngineError::Stopping)?;
        let outcome = pending.outcome().await?;
        if let Some(user_id) = erased {
            self.inner.tree.learners.forget(user_id);
            self.inner.tree.hub.settled().await;
        }
        Ok(outcome)
    }

    /// Keeps rows that belong to no stream (tokens, settings).
    ///
    /// # Errors
    /// When the store is unavailable.
    pub async fn keep_rows(&self, rows: Vec<Row>, key: Option<KeyRecord>) -> Result<(), EngineError> {
        let _permit = self.admit()?;
        let append = Append {
            stream: None,
            rows,
            key,
        };
        let kept = self.inner.tree.context.journal.keep(append);
        let kept = tokio::time::timeout(COMMAND_DEADLINE, kept).await;
        match kept.map_err(|_| EngineError::TimedOut)? {
            Ok(AppendOutcome::Kept { .. }) => Ok(()),
            Ok(AppendOutcome::KeyTaken) => Err(EngineError::KeyTaken),
            Ok(AppendOutcome::Conflict { .. }) => Err(EngineError::StoreUnavailable),
            Err(error) => Err(self.unavailable(&error)),
        }
    }

    /// Says who is on boards from now on; all boards and teams are read anew. What is said here lasts as long as the engine.
    ///
    /// # Errors
    /// The store is unavailable; then the old rule goes on.
    pub async fn set_leaderboards(&self, leaderboards: Leaderboards) -> Result<(), EngineError> {
        let roster = self.roster();
        let before = roster.leaderboards();
        if before == leaderboards {
            return Ok(());
        }
        roster.set_leaderboards(leaderboards);
        if let Err(error) = self.inner.tree.context.hub.reload().await {
            roster.set_leaderboards(before);
            return Err(self.unavailable(&error));
        }
        Ok(())
    }

    /// Makes a backup; see [`Store::backup`](homeroom_schema::Store::backup).
    ///
    /// # Errors
    /// As the store says.
    pub async fn backup(&self, into: PathBuf, wish: BackupWish) -> Result<BackupMade, StoreError> {
        self.inner.tree.context.store.backup(into, wish).await
    }

    /// When the first event of the journal was taken in; none while there is no event.
    ///
    /// # Errors
    /// When the store cannot say.
    pub async fn began_at(&self) -> Result<Option<TimeMs>, StoreError> {
        let first = self.inner.tree.context.store.read_journal(None, 1).await?;
        Ok(first.first().map(|stored| stored.recorded_at))
    }

    pub(super) fn occurred_at(&self, claimed: Option<TimeMs>) -> TimeMs {
        claimed.unwrap_or_else(|| self.inner.tree.context.clock.now())
    }

    /// The award with everything looked up that its decision needs, under one lock: all of one moment.
    fn looked_up(&self, request: &EarnRequest, occurred_at: TimeMs) -> Result<Earn, EngineError> {
        let roster = self.roster().read();
        known_user(&roster, request.user_id)?;
        let unit = match request.unit_id {
            Some(unit_id) => Some(known_unit(&roster, unit_id)?),
            None => unit_of_reference(&roster, request.action, request.reference),
        };
        let qualification = unit.and_then(|unit_id| roster.active_unit(unit_id)?.qualification_id);
        let context = &self.inner.tree.context;
        let par_ms = (request.action == Action::CompleteQuiz)
            .then(|| context.hub.library().par_ms(request.reference, &context.rules.load()))
            .flatten();
        let day = self.inner.tree.context.clock.local_day(occurred_at);
        Ok(Earn {
            action: request.action,
            reference: request.reference,
            unit,
            qualification,
            teams: roster.teams_of(request.user_id).collect(),
            evidence: self.with_resource(request),
            par_ms,
            occurred_at,
            day,
            next: self.next_periods(day),
        })
    }

    /// Reading under a reference that one other person alone has contributed is reading that resource. It stands in the
    /// fact, so that replay never asks.
    fn with_resource(&self, request: &EarnRequest) -> Evidence {
        let mut evidence = request.evidence;
        if request.action == Action::ReadContent && evidence.resource.is_none() {
            let library = self.inner.tree.context.hub.library();
            evidence.resource = library.only_resource(request.reference, request.user_id);
        }
        evidence
    }

    /// When the local periods after a day begin, if the rules ask.
    fn next_periods(&self, day: i32) -> NextPeriods {
        let context = &self.inner.tree.context;
        let rules = context.rules.load();
        if !rules.has_calendar_caps() {
            return NextPeriods::default();
        }
        let (next_day, next_week, next_season) = rules.next_periods(day);
        let clock = &context.clock;
        NextPeriods {
            day: Some(clock.day_starts_at(next_day)),
            week: Some(clock.day_starts_at(next_week)),
            season: next_season.map(|day| clock.day_starts_at(day)),
        }
    }

    /// The award of a team's achievement as one member's command.
    pub(super) fn as_member(
        &self,
        user_id: UserId,
        reference: ReferenceId,
        evidence: Evidence,
        occurred_at: TimeMs,
    ) -> Command {
        let day = self.inner.tree.context.clock.local_day(occurred_at);
        Command::Earn(Earn {
            action: Action::TeamAchievement,
            reference,
            unit: None,
            qualification: None,
            teams: self.roster().teams_of(user_id),
            evidence,
            par_ms: None,
            occurred_at,
            day,
            next: self.next_periods(day),
        })
    }

    pub(super) async fn hand_over(
        &self,
        user_id: UserId,
        command: Command,
        is_passed_on: bool,
        key: Option<KeyClaim>,
        answer: Answer<EarnOutcome>,
    ) -> Result<(), EngineError> {
        let learners = &self.inner.tree.learners;
        learners.earn(user_id, command, is_passed_on, key, answer).await
    }
}

pub(super) fn known_user(roster: &RosterState, user_id: UserId) -> Result<(), EngineError> {
    roster.refuse_erased(user_id)?;
    let user = roster.active_user(user_id);
    user.map(|_| ()).ok_or(EngineError::UnknownUser(user_id))
}

fn known_unit(roster: &RosterState, unit_id: UnitId) -> Result<UnitId, EngineError> {
    let unit = roster.active_unit(unit_id);
    unit.map(|_| unit_id).ok_or(EngineError::UnknownUnit(unit_id))
}

/// For reading, quizzes and resources a reference that is a unit's id is that unit.
fn unit_of_reference(roster: &RosterState, action: Action, reference: ReferenceId) -> Option<UnitId> {
    match action {
        Action::ReadContent | Action::CompleteQuiz | Action::ContributeResource => {
            let unit_id = UnitId::new(reference.get()).ok()?;
            roster.active_unit(unit_id).map(|_| unit_id)
        }
        Action::CommunityFeedback | Action::TeamAchievement | Action::ManualAward => None,
    }
}

/// The award that an entry of the ledger is about.
fn award_behind(event_id: EventId, event: LearnerEvent) -> Result<AwardRef, EngineError> {
    match event {
        LearnerEvent::PointsAwarded {
            action,
            reference,
            teams,
            evidence,
            ..
        } => Ok(AwardRef {
            award: event_id,
            key: (action, reference),
            teams,
            evidence,
        }),
        LearnerEvent::PointsReversed {
            of,
            action,
            reference,
            teams,
            evidence,
            ..
        }
        | LearnerEvent::PointsReinstated {
            of,
            action,
            reference,
            teams,
            evidence,
            ..
        } => Ok(AwardRef {
            award: of,
            key: (action, reference),
            teams,
            evidence,
        }),
        LearnerEvent::PointsRefused { .. }
        | LearnerEvent::PointsAdjusted { .. }
        | LearnerEvent::StateCarried { .. } => Err(Rejection::NotReversible.into()),
        LearnerEvent::AchievementUnlocked { .. } | LearnerEvent::ProgressMade { .. } => {
            Err(EngineError::UnknownEvent(event_id))
        }
    }
}
