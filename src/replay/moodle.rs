//! Reads logs of course runs as learning. What each event gives is one table here; the rules are those of the data's readme.

use super::ReplayError;
use super::plan::{Action, Command, Deed, Qualification, Role, Roster, Skips, Team, Unit, User};
use super::source::{Source, id, optional_id, text};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// The columns of a log.
pub(super) const COLUMNS: [&str; 10] = [
    "time",
    "run",
    "actor_id",
    "affected_id",
    "module_id",
    "group_id",
    "grade_item_id",
    "component",
    "event",
    "context",
];

/// Whoever does one of these anywhere is staff everywhere.
const STAFF_EVENTS: [&str; 12] = [
    "Course module created",
    "Course module updated",
    "Course section created",
    "Course section updated",
    "Grading table viewed",
    "Grading form viewed",
    "Role assigned",
    "Log report viewed",
    "Course created",
    "Course backup created",
    "Enrolment instance created",
    "Grade item created",
];

/// The team of a run without groups is this plus the run's qualification.
const WHOLE_RUN_TEAM: u64 = 100_000;
/// A grade outside of units has this plus its grade item as its reference.
const GRADE_ITEM_REFERENCE: u64 = 10_000_000;

/// A row whose fields have been understood.
struct Row<'f> {
    at_ms: i64,
    run: &'f str,
    actor: u64,
    subject: u64,
    module: Option<u64>,
    group: Option<u64>,
    grade_item: Option<u64>,
    component: &'f str,
    event: &'f str,
    context: &'f str,
}

impl<'f> Row<'f> {
    fn read(fields: [&'f str; 10]) -> Result<Self, String> {
        let [
            time,
            run,
            actor,
            affected,
            module,
            group,
            grade_item,
            component,
            event,
            context,
        ] = fields;
        let actor = id(actor, "actor_id")?;
        Ok(Self {
            at_ms: read_time(time)?,
            run: text(run, "run")?,
            actor,
            subject: optional_id(affected, "affected_id")?.unwrap_or(actor),
            module: optional_id(module, "module_id")?,
            group: optional_id(group, "group_id")?,
            grade_item: optional_id(grade_item, "grade_item_id")?,
            component,
            event: text(event, "event")?,
            context,
        })
    }
}

fn read_time(field: &str) -> Result<i64, String> {
    let time: jiff::Timestamp = field
        .trim()
        .parse()
        .map_err(|_| format!("time {field:?} is not a moment that ever was"))?;
    match time.as_millisecond() {
        ms if ms >= 0 => Ok(ms),
        _ => Err(format!("time {field:?} is before 1970")),
    }
}

/// A row that gives something if its module is a unit.
struct Candidate {
    at_ms: i64,
    user_id: u64,
    file: u32,
    row: u32,
    gift: Gift,
}

/// What a row gives.
#[derive(Clone, Copy)]
enum Gift {
    /// Progress in a unit, then perhaps an award for it.
    OnUnit(u64, Option<u8>, Option<Action>),
    /// A grade outside of units.
    Grade(u64),
}

/// The table of events.
fn gift(row: &Row<'_>) -> Result<Option<Gift>, String> {
    let (percentage, action) = match row.event {
        "Course module viewed" => match row.component {
            "File" | "URL" | "Folder" | "Page" => (Some(100), Some(Action::ReadContent)),
            _ => (Some(50), Some(Action::ReadContent)),
        },
        "Submission created." | "A submission has been submitted." => (Some(100), Some(Action::ContributeResource)),
        "Course activity completion updated" => (Some(100), None),
        "The submission has been graded." => (None, Some(Action::CompleteQuiz)),
        "Comment created" => (None, Some(Action::CommunityFeedback)),
        "User graded" => {
            let item = row.grade_item.ok_or("User graded without grade_item_id")?;
            return Ok(Some(Gift::Grade(item)));
        }
        _ => return Ok(None),
    };
    Ok(row.module.map(|module| Gift::OnUnit(module, percentage, action)))
}

/// One course run while it is read.
#[derive(Default)]
struct Run {
    students: BTreeSet<u64>,
    groups: BTreeMap<u64, BTreeSet<u64>>,
    staff_rows: HashMap<u64, u64>,
}

#[derive(Default)]
struct Reading {
    staff: HashSet<u64>,
    runs: BTreeMap<String, Run>,
    /// Unit → run and title of its first view.
    units: BTreeMap<u64, (String, String)>,
    candidates: Vec<Candidate>,
    rows: u64,
    rows_used: u64,
}

/// Reads logs, which come in the order of their names.
///
/// # Errors
/// When a file cannot be read.
pub(super) fn read(sources: &[Source], skips: &mut Skips) -> Result<(Roster, Vec<Command>, u64), ReplayError> {
    let mut reading = Reading::default();
    // Staff show themselves in any run, so everything is read once before anyone can be called a student.
    let mut unlisted = Skips::default();
    for source in sources {
        source.each_row(COLUMNS, &mut unlisted, |_, fields| {
            let row = Row::read(fields)?;
            if STAFF_EVENTS.contains(&row.event) {
                reading.staff.insert(row.actor);
            }
            Ok(())
        })?;
    }
    for (file, source) in (0_u32..).zip(sources) {
        source.each_row(COLUMNS, skips, |row, fields| {
            reading.take(file, row, &Row::read(fields)?)
        })?;
    }
    let commands = reading.commands();
    let without_effect = reading.rows - reading.rows_used;
    Ok((reading.roster(), commands, without_effect))
}

impl Reading {
    fn take(&mut self, file: u32, place: u32, row: &Row<'_>) -> Result<(), String> {
        let gift = gift(row)?;
        self.rows += 1;
        if !self.runs.contains_key(row.run) {
            self.runs.insert(row.run.to_owned(), Run::default());
        }
        let run = self.runs.entry(row.run.to_owned()).or_default();
        if self.staff.contains(&row.actor) {
            *run.staff_rows.entry(row.actor).or_default() += 1;
        }
        let is_student = !self.staff.contains(&row.subject);
        if is_student {
            run.students.insert(row.subject);
        }
        if let ("Group member added", Some(group)) = (row.event, row.group) {
            let members = run.groups.entry(group).or_default();
            if is_student {
                members.insert(row.subject);
            }
        }
        if !is_student {
            return Ok(());
        }
        if let ("Course module viewed", Some(module)) = (row.event, row.module) {
            let first = || (row.run.to_owned(), title(row.context, module));
            self.units.entry(module).or_insert_with(first);
        }
        self.candidates.extend(gift.map(|gift| Candidate {
            at_ms: row.at_ms,
            user_id: row.subject,
            file,
            row: place,
            gift,
        }));
        Ok(())
    }

    /// Every command in order of time, then file, then row; progress before the award of the same row.
    fn commands(&mut self) -> Vec<Command> {
        let mut candidates = std::mem::take(&mut self.candidates);
        candidates.sort_by_key(|candidate| (candidate.at_ms, candidate.file, candidate.row));
        let mut commands = Vec::with_capacity(candidates.len() * 2);
        for candidate in candidates {
            let deeds = self.deeds(candidate.gift);
            self.rows_used += u64::from(deeds.iter().any(Option::is_some));
            commands.extend(deeds.into_iter().flatten().map(|deed| Command {
                user_id: candidate.user_id,
                occurred_at_ms: candidate.at_ms,
                file: candidate.file,
                row: candidate.row,
                deed,
            }));
        }
        commands
    }

    /// What a row gives, now that all units are known.
    fn deeds(&self, gift: Gift) -> [Option<Deed>; 2] {
        let earn = |action, reference_id| Deed::Earn {
            action,
            reference_id,
            score: None,
        };
        match gift {
            Gift::Grade(item) => [None, Some(earn(Action::CompleteQuiz, GRADE_ITEM_REFERENCE + item))],
            Gift::OnUnit(unit_id, percentage, action) if self.units.contains_key(&unit_id) => [
                percentage.map(|percentage| Deed::Progress { unit_id, percentage }),
                action.map(|action| earn(action, unit_id)),
            ],
            Gift::OnUnit(..) => [None, None],
        }
    }

    fn roster(self) -> Roster {
        let mut roster = Roster::default();
        let mut roles: BTreeMap<u64, Role> = self.staff.iter().map(|id| (*id, Role::Staff)).collect();
        let mut numbers: HashMap<&str, u64> = HashMap::new();
        for (number, (name, run)) in (1_u64..).zip(&self.runs) {
            numbers.insert(name, number);
            roster.qualifications.push(Qualification {
                id: number,
                name: name.clone(),
            });
            let mentor_id = run.mentor();
            roles.extend(mentor_id.map(|mentor| (mentor, Role::Mentor)));
            roles.extend(run.students.iter().map(|student| (*student, Role::Student)));
            roster
                .enrolments
                .extend(run.students.iter().map(|student| (number, *student)));
            for (id, team_name, members) in run.teams(name, number) {
                roster.team_members.extend(members.iter().map(|member| (id, *member)));
                roster.teams.push(Team {
                    id,
                    name: team_name,
                    mentor_id,
                });
            }
        }
        for (id, (run, title)) in self.units {
            let qualification_id = numbers.get(run.as_str()).copied().unwrap_or_default();
            roster.units.push(Unit {
                id,
                title,
                qualification_id,
            });
        }
        roster.users = roles.into_iter().map(|(id, role)| User { id, role }).collect();
        roster
    }
}

impl Run {
    /// The staff person with the most rows; of equals the lowest id.
    fn mentor(&self) -> Option<u64> {
        let busiest = |(id, rows): &(&u64, &u64)| (**rows, Reverse(**id));
        self.staff_rows.iter().max_by_key(busiest).map(|(id, _)| *id)
    }

    fn teams(&self, name: &str, number: u64) -> Vec<(u64, String, &BTreeSet<u64>)> {
        if self.groups.is_empty() {
            let team = super::cut(&format!("Everyone in {name}"), super::TEAM_NAME_CHARS_MAX);
            return vec![(WHOLE_RUN_TEAM + number, team, &self.students)];
        }
        let team = |group: &u64| super::cut(&format!("Group {group} of {name}"), super::TEAM_NAME_CHARS_MAX);
        self.groups
            .iter()
            .map(|(group, members)| (*group, team(group), members))
            .collect()
    }
}

/// A unit's title from the context of its first view.
fn title(context: &str, unit: u64) -> String {
    match super::cut(context, super::TITLE_CHARS_MAX) {
        empty if empty.is_empty() => format!("Unit {unit}"),
        title => title,
    }
}

#[cfg(test)]
mod tests;
