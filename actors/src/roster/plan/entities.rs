//! Plans for people, qualifications, units and teams: put, patch, archive.

use super::{Plan, Planner, Touched, locked_until};
use crate::error::EngineError;
use crate::roster::event::{EntityKind, RosterEvent, TeamPut, UnitPut, UserPut};
use crate::roster::{Entity, RosterCommand, RosterOutcome};
use homeroom_schema::records::{PreferenceRecord, QualificationRecord, Row, TeamRecord, UnitRecord, UserRecord};
use homeroom_schema::{IdError, QualificationId, TeamId, TimeMs, UnitId, UserId};

impl<'a> Planner<'a> {
    pub(super) fn user(&mut self, command: RosterCommand) -> Result<Plan, EngineError> {
        let (before, user) = match command {
            RosterCommand::PutUser {
                create,
                user_id,
                name,
                alias,
                role,
            } => {
                let user_id = match user_id {
                    Some(user_id) => user_id,
                    None => self.next_user()?,
                };
                self.state.refuse_erased(user_id)?;
                let before = self.state.users.get(&user_id);
                refuse_existing("user", user_id.get(), create && before.is_some())?;
                let user = UserRecord {
                    user_id,
                    name,
                    alias,
                    role,
                    created_at: before.map_or(self.now, |user| user.created_at),
                    archived_at: None,
                    erased_at: None,
                };
                (before, user)
            }
            RosterCommand::PatchUser {
                user_id,
                name,
                alias,
                role,
                archived,
            } => {
                let before = match archived {
                    None => self.known_user(user_id)?,
                    Some(_) => self.ever_known_user(user_id)?,
                };
                let mut user = before.clone();
                user.name = name.unwrap_or(user.name);
                user.alias = alias.unwrap_or(user.alias);
                user.role = role.unwrap_or(user.role);
                user.archived_at = match archived {
                    None | Some(true) => user.archived_at.or(archived.map(|_| self.now)),
                    Some(false) => None,
                };
                (Some(before), user)
            }
            _ => unreachable!("commands about people alone come here"),
        };
        let put = UserPut {
            id: user.user_id,
            role: user.role,
        };
        let is_changed = before != Some(&user);
        let is_archived = user.archived_at.is_some();
        let mut events = kept(is_changed, || RosterEvent::UsersPut { users: vec![put] });
        // Archived people are put again when they come back, never before.
        events.extend((is_changed && is_archived).then_some(RosterEvent::Archived {
            entity: EntityKind::User,
            id: user.user_id.get(),
        }));
        Ok(Plan {
            rows: kept(is_changed, || Row::User(user.clone())),
            events,
            outcome: RosterOutcome::User {
                created: before.is_none(),
                user,
            },
        })
    }

    /// Saying again what was said changes nothing, and locks nothing. Others than the person are never held, and what they
    /// say leaves a lock as it is.
    pub(super) fn set_preference(
        &mut self,
        user_id: UserId,
        on_boards: bool,
        own: bool,
        lock_ms: i64,
    ) -> Result<Plan, EngineError> {
        self.known_user(user_id)?;
        let before = self.state.preference(user_id).copied();
        let is_changed = before.is_none_or(|before| before.on_boards != on_boards);
        let mut own_change_at = before.and_then(|before| before.own_change_at);
        if let Some(retry_at) = own_change_at.and_then(|at| locked_until(at, lock_ms, self.now))
            && is_changed
            && own
        {
            return Err(EngineError::PreferenceLocked { retry_at });
        }
        if is_changed && own {
            own_change_at = Some(self.now);
        }
        let preference = PreferenceRecord {
            user_id,
            on_boards,
            own_change_at,
        };
        Ok(Plan {
            rows: kept(is_changed, || Row::Preference(preference)),
            events: kept(is_changed, || RosterEvent::PreferencePut { id: user_id, on_boards }),
            outcome: RosterOutcome::Preference {
                preference,
                locked_until: own_change_at.and_then(|at| locked_until(at, lock_ms, self.now)),
            },
        })
    }

    pub(super) fn qualification(&mut self, command: RosterCommand) -> Result<Plan, EngineError> {
        let (before, qualification) = match command {
            RosterCommand::PutQualification {
                create,
                qualification_id,
                name,
            } => {
                let qualification_id = match qualification_id {
                    Some(qualification_id) => qualification_id,
                    None => self.next_qualification()?,
                };
                let before = self.state.qualifications.get(&qualification_id);
                refuse_existing("qualification", qualification_id.get(), create && before.is_some())?;
                let qualification = QualificationRecord {
                    qualification_id,
                    name,
                    created_at: before.map_or(self.now, |row| row.created_at),
                    archived_at: None,
                };
                (before, qualification)
            }
            RosterCommand::PatchQualification { qualification_id, name } => {
                let before = self.known_qualification(qualification_id)?;
                let mut qualification = before.clone();
                qualification.name = name.unwrap_or(qualification.name);
                (Some(before), qualification)
            }
            _ => unreachable!("commands about qualifications alone come here"),
        };
        let put = vec![qualification.qualification_id];
        let is_changed = before != Some(&qualification);
        Ok(Plan {
            rows: kept(is_changed, || Row::Qualification(qualification.clone())),
            events: kept(is_changed, || RosterEvent::QualificationsPut { qualifications: put }),
            outcome: RosterOutcome::Qualification {
                created: before.is_none(),
                qualification,
            },
        })
    }

    pub(super) fn unit(&mut self, command: RosterCommand) -> Result<Plan, EngineError> {
        let (before, unit, named) = match command {
            RosterCommand::PutUnit {
                create,
                unit_id,
                title,
                qualification_id,
                skills,
            } => {
                let unit_id = match unit_id {
                    Some(unit_id) => unit_id,
                    None => self.next_unit()?,
                };
                let before = self.state.units.get(&unit_id);
                refuse_existing("unit", unit_id.get(), create && before.is_some())?;
                let unit = UnitRecord {
                    unit_id,
                    title,
                    qualification_id,
                    skills,
                    created_at: before.map_or(self.now, |unit| unit.created_at),
                    archived_at: None,
                };
                (before, unit, qualification_id)
            }
            RosterCommand::PatchUnit {
                unit_id,
                title,
                qualification_id,
                skills,
            } => {
                let before = self.known_unit(unit_id)?;
                let mut unit = before.clone();
                unit.title = title.unwrap_or(unit.title);
                unit.qualification_id = qualification_id.unwrap_or(unit.qualification_id);
                unit.skills = skills.unwrap_or(unit.skills);
                (Some(before), unit, qualification_id.flatten())
            }
            _ => unreachable!("commands about units alone come here"),
        };
        if let Some(qualification_id) = named {
            self.known_qualification(qualification_id)?;
        }
        let put = UnitPut {
            id: unit.unit_id,
            qualification_id: unit.qualification_id,
            skills: unit.skills.clone(),
        };
        let is_changed = before != Some(&unit);
        Ok(Plan {
            rows: kept(is_changed, || Row::Unit(unit.clone())),
            events: kept(is_changed, || RosterEvent::UnitsPut { units: vec![put] }),
            outcome: RosterOutcome::Unit {
                created: before.is_none(),
                unit,
            },
        })
    }

    pub(super) fn team(&mut self, command: RosterCommand) -> Result<Plan, EngineError> {
        let (before, team, named) = match command {
            RosterCommand::PutTeam {
                create,
                team_id,
                name,
                mentor_id,
            } => {
                let team_id = match team_id {
                    Some(team_id) => team_id,
                    None => self.next_team()?,
                };
                let before = self.state.teams.get(&team_id);
                refuse_existing("team", team_id.get(), create && before.is_some())?;
                let team = TeamRecord {
                    team_id,
                    name,
                    mentor_id,
                    created_at: before.map_or(self.now, |team| team.created_at),
                    archived_at: None,
                };
                (before, team, mentor_id)
            }
            RosterCommand::PatchTeam {
                team_id,
                name,
                mentor_id,
            } => {
                let before = self.known_team(team_id)?;
                let mut team = before.clone();
                team.name = name.unwrap_or(team.name);
                team.mentor_id = mentor_id.unwrap_or(team.mentor_id);
                (Some(before), team, mentor_id.flatten())
            }
            _ => unreachable!("commands about teams alone come here"),
        };
        if let Some(mentor_id) = named {
            self.known_user(mentor_id)?;
        }
        let put = TeamPut {
            id: team.team_id,
            mentor_id: team.mentor_id,
        };
        let is_changed = before != Some(&team);
        Ok(Plan {
            rows: kept(is_changed, || Row::Team(team.clone())),
            events: kept(is_changed, || RosterEvent::TeamsPut { teams: vec![put] }),
            outcome: RosterOutcome::Team {
                created: before.is_none(),
                team,
            },
        })
    }

    /// Archiving what is archived changes nothing; what never was is unknown.
    pub(super) fn archive(&self, entity: Entity) -> Result<Plan, EngineError> {
        let at = Some(self.now);
        let (kind, id, row) = match entity {
            Entity::Qualification(id) => {
                let found = self.state.qualifications.get(&id);
                let found = found.ok_or(EngineError::UnknownQualification(id))?;
                let row = found.archived_at.is_none().then(|| QualificationRecord {
                    archived_at: at,
                    ..found.clone()
                });
                (EntityKind::Qualification, id.get(), row.map(Row::Qualification))
            }
            Entity::Unit(id) => {
                let unit = self.state.units.get(&id).ok_or(EngineError::UnknownUnit(id))?;
                let row = unit.archived_at.is_none().then(|| UnitRecord {
                    archived_at: at,
                    ..unit.clone()
                });
                (EntityKind::Unit, id.get(), row.map(Row::Unit))
            }
            Entity::Team(id) => {
                let team = self.state.teams.get(&id).ok_or(EngineError::UnknownTeam(id))?;
                let row = team.archived_at.is_none().then(|| TeamRecord {
                    archived_at: at,
                    ..team.clone()
                });
                (EntityKind::Team, id.get(), row.map(Row::Team))
            }
        };
        let changed = row.is_some();
        Ok(Plan {
            rows: row.into_iter().collect(),
            events: kept(changed, || RosterEvent::Archived { entity: kind, id }),
            outcome: RosterOutcome::Done { changed },
        })
    }

    /// Whoever was erased is refused: the first time counts.
    pub(super) fn erase(&self, user_id: UserId, erased_at: Option<TimeMs>) -> Result<Plan, EngineError> {
        self.state.refuse_erased(user_id)?;
        if erased_at.is_none() {
            self.ever_known_user(user_id)?;
        }
        let erased_at = erased_at.unwrap_or(self.now);
        Ok(Plan {
            rows: vec![Row::Erased { user_id, erased_at }],
            events: vec![RosterEvent::UserErased { id: user_id }],
            outcome: RosterOutcome::Done { changed: true },
        })
    }

    /// A person, archived ones too.
    pub(super) fn ever_known_user(&self, id: UserId) -> Result<&'a UserRecord, EngineError> {
        self.state.refuse_erased(id)?;
        self.state.users.get(&id).ok_or(EngineError::UnknownUser(id))
    }

    pub(super) fn known_user(&self, id: UserId) -> Result<&'a UserRecord, EngineError> {
        self.state.refuse_erased(id)?;
        self.state.active_user(id).ok_or(EngineError::UnknownUser(id))
    }

    pub(super) fn known_team(&self, id: TeamId) -> Result<&'a TeamRecord, EngineError> {
        self.state.active_team(id).ok_or(EngineError::UnknownTeam(id))
    }

    fn known_unit(&self, id: UnitId) -> Result<&'a UnitRecord, EngineError> {
        self.state.active_unit(id).ok_or(EngineError::UnknownUnit(id))
    }

    pub(super) fn known_qualification(&self, id: QualificationId) -> Result<&'a QualificationRecord, EngineError> {
        let found = self.state.active_qualification(id);
        found.ok_or(EngineError::UnknownQualification(id))
    }

    fn next_user(&mut self) -> Result<UserId, EngineError> {
        loop {
            let id = id(UserId::new(self.next.user))?;
            self.next.user += 1;
            if !self.state.users.contains_key(&id) && self.batch.gives(Touched::User(id)) {
                return Ok(id);
            }
        }
    }

    fn next_qualification(&mut self) -> Result<QualificationId, EngineError> {
        loop {
            let id = id(QualificationId::new(self.next.qualification))?;
            self.next.qualification += 1;
            if !self.state.qualifications.contains_key(&id)
                && self.batch.gives(Touched::Entity(Entity::Qualification(id)))
            {
                return Ok(id);
            }
        }
    }

    fn next_unit(&mut self) -> Result<UnitId, EngineError> {
        loop {
            let id = id(UnitId::new(self.next.unit))?;
            self.next.unit += 1;
            if !self.state.units.contains_key(&id) && self.batch.gives(Touched::Entity(Entity::Unit(id))) {
                return Ok(id);
            }
        }
    }

    fn next_team(&mut self) -> Result<TeamId, EngineError> {
        loop {
            let id = id(TeamId::new(self.next.team))?;
            self.next.team += 1;
            if !self.state.teams.contains_key(&id) && self.batch.gives(Touched::Entity(Entity::Team(id))) {
                return Ok(id);
            }
        }
    }
}

/// No node has 2^53 - 1 of anything, so the range is never at its end.
fn id<T>(id: Result<T, IdError>) -> Result<T, EngineError> {
    id.map_err(|_| EngineError::Overloaded)
}

fn refuse_existing(kind: &'static str, id: u64, exists: bool) -> Result<(), EngineError> {
    if exists {
        Err(EngineError::AlreadyExists { kind, id })
    } else {
        Ok(())
    }
}

fn kept<T>(is_changed: bool, make: impl FnOnce() -> T) -> Vec<T> {
    is_changed.then(make).into_iter().collect()
}
