//! What is read from the memory store: the same answers that the statements of the engines give.

use super::{Kept, event_id};
use crate::ids::{AnnouncementId, EventId, QualificationId, ReferenceId, TimeMs, UnitId, UserId, Version};
use crate::records::{
    AchievementRecord, ActivityBlock, AnnouncementFilter, AnnouncementRecord, AuditEntry, AuditFilter, CompletedUnit,
    EvidenceSums, KeyHash, KeyRecord, LearnerHead, PinRecord, ProgressRecord, QualificationStanding, QuizTimeRecord,
    ResultRecord, RosterRecords, SnapshotRecord, StandingRow, Standings, StandingsOf, StoredEvent, StreamId,
    TeamAwardRecord, TimeRange, TokenRecord,
};
use std::collections::BTreeMap;
use std::ops::Range;

impl Kept {
    pub(in crate::memory) fn roster(&self) -> RosterRecords {
        RosterRecords {
            version: self.version(StreamId::ROSTER),
            last_event_id: self
                .streams
                .get(&StreamId::ROSTER)
                .and_then(|places| places.last())
                .map(|place| event_id(*place)),
            users: self.users.values().cloned().collect(),
            qualifications: self.qualifications.values().cloned().collect(),
            units: self.units.values().cloned().collect(),
            teams: self.teams.values().cloned().collect(),
            members: self.members.values().cloned().collect(),
            enrolments: self.enrolments.values().cloned().collect(),
            preferences: self.preferences.values().copied().collect(),
        }
    }

    pub(in crate::memory) fn heads(&self) -> Vec<LearnerHead> {
        self.heads.values().copied().collect()
    }

    pub(in crate::memory) fn tokens(&self, now: TimeMs) -> Vec<TokenRecord> {
        let in_force = |token: &&TokenRecord| token.revoked_at.is_none() && token.expires_at.is_none_or(|at| at > now);
        self.tokens.values().filter(in_force).cloned().collect()
    }

    pub(in crate::memory) fn tokens_of(&self, user_id: UserId) -> Vec<TokenRecord> {
        let tokens = self.tokens.values();
        tokens.filter(|token| token.user_id == Some(user_id)).cloned().collect()
    }

    pub(in crate::memory) fn activity_head(&self) -> Option<EventId> {
        self.activity.keys().next_back().copied()
    }

    pub(in crate::memory) fn activity_blocks(
        &self,
        range: &Range<TimeMs>,
        after: Option<EventId>,
        limit: usize,
    ) -> Vec<ActivityBlock> {
        let is_asked = |block: &&ActivityBlock| {
            block.to_at >= range.start
                && block.from_at < range.end
                && after.is_none_or(|after| block.last_event_id > after)
        };
        self.activity.values().filter(is_asked).take(limit).cloned().collect()
    }

    pub(in crate::memory) fn snapshot(&self, stream: StreamId) -> Option<SnapshotRecord> {
        self.snapshots.get(&stream).cloned()
    }

    fn places(&self, stream: StreamId) -> &[usize] {
        self.streams.get(&stream).map_or(&[], Vec::as_slice)
    }

    pub(in crate::memory) fn stream(&self, stream: StreamId, after: Version, limit: usize) -> Vec<StoredEvent> {
        let places = self.places(stream);
        let from = usize::try_from(after.0).map_or(places.len(), |after| after.min(places.len()));
        places[from..]
            .iter()
            .take(limit)
            .map(|place| self.events[*place].clone())
            .collect()
    }

    pub(in crate::memory) fn stream_back(
        &self,
        stream: StreamId,
        before: Option<Version>,
        types: &[&str],
        limit: usize,
    ) -> Vec<StoredEvent> {
        let events = self.places(stream).iter().rev().map(|place| &self.events[*place]);
        let wanted = |event: &&StoredEvent| {
            before.is_none_or(|before| event.version < before) && types.contains(&event.event_type.as_str())
        };
        events.filter(wanted).take(limit).cloned().collect()
    }

    pub(in crate::memory) fn event(&self, event_id: EventId) -> Option<StoredEvent> {
        usize::try_from(event_id.get())
            .ok()
            .and_then(|number| self.events.get(number - 1))
            .cloned()
    }

    pub(in crate::memory) fn journal(&self, after: Option<EventId>, limit: usize) -> Vec<StoredEvent> {
        let after = after.map_or(0, |id| usize::try_from(id.get()).unwrap_or(usize::MAX));
        self.events.iter().skip(after).take(limit).cloned().collect()
    }

    pub(in crate::memory) fn qualification_standings(
        &self,
        qualification_id: QualificationId,
    ) -> Vec<QualificationStanding> {
        let mut standings: BTreeMap<UserId, (i64, TimeMs, EventId)> = BTreeMap::new();
        // Entries without points, so that a part has a moment to keep to.
        let mut without: BTreeMap<UserId, TimeMs> = BTreeMap::new();
        for (event_id, entry) in &self.points {
            if entry.qualification_id == Some(qualification_id) && entry.points != 0 {
                // Entries come in the order of the journal: the last one stands.
                let sum = standings.get(&entry.user_id).map_or(0, |(sum, ..)| *sum);
                standings.insert(entry.user_id, (sum + entry.points, entry.occurred_at, *event_id));
            } else if entry.qualification_id == Some(qualification_id) {
                without.entry(entry.user_id).or_insert(entry.occurred_at);
            }
        }
        let parts = self
            .parts
            .iter()
            .filter(|(_, part)| part.qualification_id == Some(qualification_id));
        for ((event_id, _), part) in parts {
            let Some(user_id) = self.points.get(event_id).map(|entry| entry.user_id) else {
                continue;
            };
            if let Some(moment) = without.get(&user_id) {
                standings.entry(user_id).or_insert((0, *moment, *event_id));
            }
            if let Some((sum, _, latest)) = standings.get_mut(&user_id) {
                *sum += part.points;
                *latest = (*latest).max(*event_id);
            }
        }
        let standing =
            |(user_id, (points, reached_at, event_id)): (UserId, (i64, TimeMs, EventId))| QualificationStanding {
                user_id,
                points: points.max(0).unsigned_abs(),
                reached_at,
                event_id,
            };
        standings.into_iter().map(standing).collect()
    }

    pub(in crate::memory) fn standings(&self, of: StandingsOf, range: TimeRange) -> Standings {
        let mut rows: BTreeMap<u64, StandingRow> = BTreeMap::new();
        let entries = self.points.iter();
        for (event_id, entry) in entries
            .filter(|(_, entry)| entry.kind != "adjusted" && entry.points != 0 && range.contains(entry.occurred_at))
        {
            let ids = match of {
                StandingsOf::Learners => vec![entry.user_id.get()],
                StandingsOf::LearnersIn(inside) if entry.qualification_id == Some(inside) => vec![entry.user_id.get()],
                StandingsOf::LearnersIn(_) => Vec::new(),
                StandingsOf::Teams => self.teams_at(*event_id),
            };
            for id in ids {
                // Entries come in the order of the journal: the last one stands.
                let sum = rows.get(&id).map_or(0, |row| row.points);
                let row = StandingRow {
                    id,
                    points: sum + entry.points,
                    reached_at: Some(entry.occurred_at),
                };
                rows.insert(id, row);
            }
        }
        let parts = self.parts.iter();
        for ((event_id, _), part) in parts.filter(|(_, part)| part.points != 0 && range.contains(part.occurred_at)) {
            let ids = match of {
                StandingsOf::LearnersIn(inside) if part.qualification_id != Some(inside) => Vec::new(),
                StandingsOf::Learners | StandingsOf::LearnersIn(_) => {
                    let entry = self.points.get(event_id);
                    entry.map(|entry| entry.user_id.get()).into_iter().collect()
                }
                StandingsOf::Teams => self.teams_at(*event_id),
            };
            for id in ids {
                let nothing = StandingRow {
                    id,
                    points: 0,
                    reached_at: None,
                };
                rows.entry(id).or_insert(nothing).points += part.points;
            }
        }
        Standings {
            rows: rows.into_values().collect(),
            last_event_id: self.events.len().checked_sub(1).map(event_id),
        }
    }

    /// The teams that the award behind an entry names.
    fn teams_at(&self, event_id: EventId) -> Vec<u64> {
        let body = |event_id| -> Option<serde_json::Value> { serde_json::from_str(&self.event(event_id)?.body).ok() };
        let Some(fact) = body(event_id) else {
            return Vec::new();
        };
        let of = fact["of"].as_u64().and_then(|of| EventId::new(of).ok());
        let award = of.and_then(body).unwrap_or(fact);
        let teams = award["teams"].as_array().into_iter().flatten();
        teams.filter_map(serde_json::Value::as_u64).collect()
    }

    pub(in crate::memory) fn manual_points(&self, granted_by: UserId, since: TimeMs) -> u64 {
        let given = self.points.iter().filter(|(event_id, entry)| {
            entry.action_type == "manual_award"
                && entry.kind == "awarded"
                && entry.occurred_at >= since
                && self.event(**event_id).is_some_and(|event| {
                    let body: Option<serde_json::Value> = serde_json::from_str(&event.body).ok();
                    body.is_some_and(|body| body["granted_by"] == granted_by.get())
                })
        });
        given.map(|(_, entry)| entry.points.max(0).unsigned_abs()).sum()
    }

    fn progress_of(&self, user_id: UserId) -> impl Iterator<Item = &ProgressRecord> {
        self.progress
            .range((user_id, UnitId::MIN)..=(user_id, UnitId::MAX))
            .map(|(_, row)| row)
    }

    pub(in crate::memory) fn completed_units(&self, user_ids: &[UserId]) -> Vec<CompletedUnit> {
        let completed = |row: &ProgressRecord| {
            row.completed_at.map(|at| CompletedUnit {
                user_id: row.user_id,
                unit_id: row.unit_id,
                completed_at: at,
            })
        };
        user_ids
            .iter()
            .flat_map(|user_id| self.progress_of(*user_id))
            .filter_map(completed)
            .collect()
    }

    pub(in crate::memory) fn evidence_sums(&self) -> EvidenceSums {
        let times = self.quiz_times.iter();
        EvidenceSums {
            resources: self.resources.values().copied().collect(),
            quiz_times: times
                .map(|((reference_id, bucket_ms), n)| QuizTimeRecord {
                    reference_id: *reference_id,
                    bucket_ms: *bucket_ms,
                    n: *n,
                })
                .collect(),
            last_event_id: self.events.last().map(|event| event.event_id),
        }
    }

    pub(in crate::memory) fn results(&self, user_ids: &[UserId]) -> Vec<ResultRecord> {
        let of = |user_id: &UserId| {
            self.results
                .range((*user_id, ReferenceId::MIN)..=(*user_id, ReferenceId::MAX))
        };
        user_ids.iter().flat_map(of).map(|(_, row)| *row).collect()
    }

    pub(in crate::memory) fn progress_rows(&self, user_id: UserId) -> Vec<ProgressRecord> {
        self.progress_of(user_id).copied().collect()
    }

    pub(in crate::memory) fn achievement_rows(&self, user_id: UserId) -> Vec<AchievementRecord> {
        let from = (user_id, String::new(), String::new());
        self.achievements
            .range(from..)
            .take_while(|(key, _)| key.0 == user_id)
            .map(|(_, row)| row.clone())
            .collect()
    }

    pub(in crate::memory) fn unsettled_team_awards(&self) -> Vec<TeamAwardRecord> {
        let mut unsettled: Vec<_> = self
            .awards
            .iter()
            .filter(|(_, (_, settled))| !settled)
            .map(|((team_id, version), (reference_id, _))| {
                let record = TeamAwardRecord {
                    team_id: *team_id,
                    version: *version,
                    reference_id: *reference_id,
                };
                let place = usize::try_from(version.0.saturating_sub(1)).ok();
                (
                    place.and_then(|place| self.places(StreamId::team(*team_id)).get(place)),
                    record,
                )
            })
            .collect();
        unsettled.sort_by_key(|(place, record)| (*place, record.team_id, record.version));
        unsettled.into_iter().map(|(_, record)| record).collect()
    }

    pub(in crate::memory) fn key(&self, hash: KeyHash) -> Option<KeyRecord> {
        self.keys.get(&hash).cloned()
    }

    pub(in crate::memory) fn announcements(
        &self,
        filter: &AnnouncementFilter,
        limit: usize,
    ) -> Vec<AnnouncementRecord> {
        let wanted = |record: &&AnnouncementRecord| {
            filter.before.is_none_or(|before| record.announcement_id < before)
                && filter.team_id.is_none_or(|team_id| record.team_id == Some(team_id))
                && filter.user_id.is_none_or(|user_id| record.user_id == Some(user_id))
        };
        let newest_first = self.announcements.values().rev().flatten();
        newest_first.filter(wanted).take(limit).cloned().collect()
    }

    pub(in crate::memory) fn last_announcement(&self) -> Option<AnnouncementId> {
        self.announcements.keys().next_back().copied()
    }

    pub(in crate::memory) fn audit(&self, filter: &AuditFilter, limit: usize) -> Vec<AuditEntry> {
        let concerns = |entry: &AuditEntry, person: UserId| {
            let subject = entry.subject.as_ref();
            entry.by.user_id == Some(person) || subject.is_some_and(|(kind, id)| kind == "user" && *id == person.get())
        };
        let wanted = |entry: &&AuditEntry| {
            filter.before.is_none_or(|before| entry.audit_id < before)
                && filter.act.as_ref().is_none_or(|act| entry.act == *act)
                && filter.since.is_none_or(|since| entry.at >= since)
                && filter.person.is_none_or(|person| concerns(entry, person))
        };
        self.audit.iter().rev().filter(wanted).take(limit).cloned().collect()
    }

    pub(in crate::memory) fn pin(&self, user_id: UserId) -> Option<PinRecord> {
        self.pins.get(&user_id).cloned()
    }

    pub(in crate::memory) fn setting(&self, name: &str) -> Option<String> {
        self.settings.get(name).cloned()
    }
}
