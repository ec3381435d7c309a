//! Who is concerned by what was kept: marks on awake boards and teams, grouped so that each is woken once.

use crate::boards::BoardMarks;
use crate::domain::board::Score;
use crate::honours::Honour;
use crate::hub::{Calendar, Hub, RosterChange};
use crate::journal::LearnerChange;
use crate::presence::PresenceMarks;
use crate::teams::TeamMarks;
use crate::topics::{BoardName, Period};
use homeroom_schema::records::StandingsOf;
use homeroom_schema::{QualificationId, TeamId, UserId};
use std::collections::HashMap;

/// People of one change from which on everything is looked at again, in place of asking for each person which boards and
/// teams are concerned.
const USERS_ONE_BY_ONE_MAX: usize = 512;

/// Scores first, so that whoever is woken by the first mark finds all of them.
pub(super) fn learners_changed(hub: &Hub, changes: &[LearnerChange]) {
    for change in changes {
        hub.saw_event(change.event_id.get());
    }
    hub.library().apply(hub, changes);
    mark_all_board(hub, changes);
    mark_teams(hub, changes);
    mark_qualifications(hub, changes);
    count(hub, changes);
    honour(hub, changes);
}

/// Tells what those on boards have unlocked just now.
fn honour(hub: &Hub, changes: &[LearnerChange]) {
    for change in changes.iter().filter(|change| !change.unlocked.is_empty()) {
        if !hub.roster().is_ranked(change.user_id) {
            continue;
        }
        let now = hub.clock().now();
        for unlocked in &change.unlocked {
            let honour = Honour {
                user_id: change.user_id,
                unlocked: unlocked.clone(),
            };
            hub.honours().put(honour, now);
        }
    }
}

/// Looks again at the names of those who are concerned, and at whether they are on boards still.
fn honours_again(hub: &Hub, is_concerned: impl Fn(UserId) -> bool) {
    hub.honours()
        .look_again(is_concerned, |user_id| hub.roster().is_ranked(user_id));
}

/// Counts entries in the sums that boards of periods rest on, and marks the rows concerned.
fn count(hub: &Hub, changes: &[LearnerChange]) {
    for ((of, period), tally) in hub.tallies() {
        let (mut rows, mut is_whole) = (Vec::new(), true);
        for change in changes {
            let mut concerned = Vec::new();
            is_whole &= tally.apply(change, &mut concerned);
            rows.extend(concerned.into_iter().map(|id| (id, change.event_id.get())));
        }
        if !is_whole {
            hub.boards().for_each(|handle| {
                if handle.key.1 == period {
                    handle.mark(BoardMarks::reload);
                }
            });
            if of == StandingsOf::Teams {
                hub.teams().for_each(|handle| handle.mark(TeamMarks::reload));
            }
        }
        if !rows.is_empty() {
            mark_counted(hub, of, period, &rows);
        }
    }
}

fn mark_counted(hub: &Hub, of: StandingsOf, period: Period, rows: &[(u64, u64)]) {
    let scored = |marks: &mut BoardMarks| rows.iter().for_each(|(id, event_id)| marks.scored(*id, *event_id));
    match of {
        StandingsOf::LearnersIn(inside) => mark_board(hub, (BoardName::Qualification(inside), period), scored),
        StandingsOf::Teams => {
            mark_board(hub, (BoardName::Teams, period), scored);
            for (team_id, event_id) in rows.iter().filter(|_| period == Period::All) {
                if let Some(handle) = TeamId::new(*team_id).ok().and_then(|team_id| hub.teams().get(team_id)) {
                    handle.mark_lazily(|marks| marks.earned(*event_id));
                }
            }
        }
        StandingsOf::Learners => {
            mark_board(hub, (BoardName::All, period), scored);
            let mut teams: HashMap<TeamId, Vec<(u64, u64)>> = HashMap::new();
            for (id, event_id) in rows {
                for team_id in UserId::new(*id).map(|id| hub.roster().teams_of(id)).unwrap_or_default() {
                    teams.entry(team_id).or_default().push((*id, *event_id));
                }
            }
            for (team_id, rows) in &teams {
                mark_board(hub, (BoardName::Team(*team_id), period), |marks| {
                    rows.iter().for_each(|(id, event_id)| marks.scored(*id, *event_id));
                });
            }
            if !teams.is_empty() {
                mark_board(hub, (BoardName::Teams, period), |marks| {
                    for (team_id, rows) in &teams {
                        rows.iter()
                            .for_each(|(_, event_id)| marks.scored(team_id.get(), *event_id));
                    }
                });
            }
        }
    }
}

fn mark_board(hub: &Hub, key: (BoardName, Period), note: impl FnOnce(&mut BoardMarks)) {
    if let Some(handle) = hub.boards().get(key) {
        handle.mark(note);
    }
}

fn mark_all_board(hub: &Hub, changes: &[LearnerChange]) {
    if !changes.iter().any(|change| change.score.is_some()) {
        return;
    }
    mark_board(hub, (BoardName::All, Period::All), |marks| {
        for change in changes.iter().filter(|change| change.score.is_some()) {
            marks.scored(change.user_id.get(), change.event_id.get());
        }
    });
}

fn mark_teams(hub: &Hub, changes: &[LearnerChange]) {
    let mut teams: HashMap<TeamId, Vec<&LearnerChange>> = HashMap::new();
    for change in changes {
        if change.score.is_some() || !change.completed.is_empty() {
            for team_id in hub.roster().teams_of(change.user_id) {
                teams.entry(team_id).or_default().push(change);
            }
        }
    }
    for (team_id, changes) in &teams {
        let scored = || changes.iter().filter(|change| change.score.is_some());
        if scored().next().is_some() {
            mark_board(hub, (BoardName::Team(*team_id), Period::All), |marks| {
                for change in scored() {
                    marks.scored(change.user_id.get(), change.event_id.get());
                }
            });
        }
        if let Some(handle) = hub.teams().get(*team_id) {
            handle.mark_lazily(|marks| changes.iter().for_each(|change| marks.learner(change)));
        }
    }
    let scored = |changes: &[&LearnerChange]| {
        let ids = changes.iter().filter(|change| change.score.is_some());
        ids.map(|change| change.event_id.get()).max()
    };
    let rows: Vec<(TeamId, u64)> = teams
        .iter()
        .filter_map(|(team_id, changes)| Some((*team_id, scored(changes)?)))
        .collect();
    if !rows.is_empty() {
        mark_board(hub, (BoardName::Teams, Period::All), |marks| {
            for (team_id, event_id) in rows {
                marks.scored(team_id.get(), event_id);
            }
        });
    }
}

fn mark_qualifications(hub: &Hub, changes: &[LearnerChange]) {
    let mut boards: HashMap<QualificationId, Vec<(UserId, u64, Score)>> = HashMap::new();
    for change in changes {
        for (qualification_id, score) in &change.qualifications {
            let rows = boards.entry(*qualification_id).or_default();
            rows.push((change.user_id, change.event_id.get(), *score));
        }
    }
    for (qualification_id, rows) in boards {
        mark_board(
            hub,
            (BoardName::Qualification(qualification_id), Period::All),
            |marks| {
                for (user_id, event_id, score) in rows {
                    marks.scored_as(user_id.get(), event_id, score);
                }
            },
        );
    }
}

/// Marks every awake board and team that the roster's change may concern.
pub(super) fn roster_changed(hub: &Hub, change: &RosterChange) {
    let event_id = change.event_id.get();
    hub.saw_event(event_id);
    let many = change.users.len() > USERS_ONE_BY_ONE_MAX;
    let mut teams: Vec<TeamId> = change.teams.clone();
    if !many {
        // Archived teams too: when they come back, their boards show the names of then.
        let state = hub.roster().read();
        let of = |user_id: &UserId| state.memberships_of(*user_id).map(|(team_id, _)| team_id);
        teams.extend(change.users.iter().flat_map(of));
    }
    teams.sort_unstable();
    teams.dedup();

    hub.boards().for_each(|handle| match handle.key.0 {
        BoardName::All | BoardName::Qualification(_) | BoardName::Team(_) if many => {
            handle.mark(|marks| marks.membership(event_id, true));
        }
        BoardName::All if !change.users.is_empty() => handle.mark(|marks| name_all(marks, &change.users, event_id)),
        BoardName::Teams if many => handle.mark(|marks| marks.membership(event_id, true)),
        BoardName::Teams if !teams.is_empty() => handle.mark(|marks| {
            teams.iter().for_each(|team_id| marks.named(team_id.get(), event_id));
        }),
        BoardName::Team(team_id) if teams.binary_search(&team_id).is_ok() => handle.mark(|marks| {
            name_all(marks, &change.users, event_id);
            marks.membership(event_id, false);
        }),
        BoardName::Qualification(qualification_id) => {
            let changed = change.qualifications.contains(&qualification_id);
            if changed || !change.users.is_empty() {
                handle.mark(|marks| {
                    name_all(marks, &change.users, event_id);
                    if changed {
                        marks.membership(event_id, false);
                    }
                });
            }
        }
        _ => {}
    });
    if !change.erased.is_empty() {
        // Any of them may remember a message from when the person was there.
        hub.boards().for_each(|handle| {
            if !matches!(handle.key.0, BoardName::Teams) {
                handle.mark(|marks| change.erased.iter().for_each(|id| marks.erased(id.get(), event_id)));
            }
        });
        hub.teams()
            .for_each(|handle| handle.mark(|marks| marks.erased(&change.erased, event_id)));
    }
    if !change.erased.is_empty() {
        hub.announcements().forget(&change.erased);
    }
    honours_again(hub, |user_id| {
        change.users.contains(&user_id) || change.erased.contains(&user_id)
    });
    hub.presences().for_each(|handle| {
        if many || teams.binary_search(&handle.key).is_ok() {
            handle.mark(|marks| marks.renamed(&change.users));
        }
        if !change.erased.is_empty() {
            handle.mark(|marks| marks.renamed(&change.erased));
        }
    });
    // What units there are and who is enrolled where decides how far anybody is.
    let all = !change.units.is_empty() || !change.qualifications.is_empty();
    hub.teams().for_each(|handle| {
        if many || teams.binary_search(&handle.key).is_ok() {
            handle.mark_lazily(|marks| marks.members(event_id));
        } else if all {
            handle.mark_lazily(|marks| marks.roster(event_id));
        }
    });
}

fn name_all(marks: &mut BoardMarks, users: &[UserId], event_id: u64) {
    users.iter().for_each(|user_id| marks.named(user_id.get(), event_id));
}

/// Has all boards begin anew that show something else on the new day: another period, other pseudonyms, another way in which
/// teams score.
pub(super) fn calendar_changed(hub: &Hub, before: &Calendar, now: &Calendar) {
    let (renamed, rescored) = (before.season != now.season, before.teams != now.teams);
    hub.boards().for_each(|handle| {
        let (board, period) = handle.key;
        let is_concerned = if board == BoardName::Teams { rescored } else { renamed };
        if is_concerned || before.span(period) != now.span(period) {
            handle.mark(BoardMarks::turn);
        }
    });
    if renamed {
        honours_again(hub, |_| true);
        hub.presences().for_each(|handle| handle.mark(PresenceMarks::season));
    }
    if renamed || rescored {
        let event_id = hub.last_event_id();
        hub.teams()
            .for_each(|handle| handle.mark(|marks| marks.members(event_id)));
    }
}

/// Has everything that is awake load anew.
pub(super) fn reload(hub: &Hub) {
    honours_again(hub, |_| true);
    hub.boards().for_each(|handle| handle.mark(BoardMarks::reload));
    hub.teams().for_each(|handle| handle.mark(TeamMarks::reload));
}
