//! Reads registrations and assessment results of course runs as learning. The rules are those of the data's readme.

use super::ReplayError;
use super::detect::Kind;
use super::plan::{Action, Command, Deed, Qualification, Role, Roster, Skips, Team, Unit, User};
use super::source::{Source, id, text};
use std::collections::{BTreeMap, BTreeSet};

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// Students of one team, at the most on average.
const TEAM_SIZE: u64 = 25;
/// A team's id is this times its run's qualification, plus its number in the run.
const TEAMS_OF_RUN: u64 = 1_000;
/// A team's mentor has this plus the team's id.
const MENTORS: u64 = 90_000_000;

/// A course run: module and presentation.
type RunName = (String, String);

struct Run {
    starts_at_ms: i64,
    students: BTreeSet<u64>,
}

#[derive(Default)]
struct Reading {
    runs: BTreeMap<RunName, Run>,
    /// Assessment → its run and title.
    assessments: BTreeMap<u64, (RunName, String)>,
    /// Everybody who was registered or handed something in.
    students: BTreeSet<u64>,
    commands: Vec<Command>,
    without_effect: u64,
}

/// Reads the four kinds of files, which come in the order of their names.
///
/// # Errors
/// When a file cannot be read.
pub(super) fn read(files: &[(Kind, Source)], skips: &mut Skips) -> Result<(Roster, Vec<Command>, u64), ReplayError> {
    let mut reading = Reading::default();
    let of = |wanted: Kind| (0_u32..).zip(files).filter(move |(_, (kind, _))| *kind == wanted);
    for (_, (_, source)) in of(Kind::Courses) {
        let columns = ["code_module", "code_presentation"];
        source.each_row(columns, skips, |_, fields| reading.take_course(fields))?;
    }
    for (_, (_, source)) in of(Kind::Assessments) {
        let columns = ["code_module", "code_presentation", "id_assessment", "assessment_type"];
        source.each_row(columns, skips, |_, fields| reading.take_assessment(fields))?;
    }
    for (_, (_, source)) in of(Kind::Registrations) {
        let columns = ["code_module", "code_presentation", "id_student"];
        source.each_row(columns, skips, |_, fields| reading.take_registration(fields))?;
    }
    for (file, (_, source)) in of(Kind::Submissions) {
        let columns = ["id_assessment", "id_student", "date_submitted", "is_banked", "score"];
        source.each_row(columns, skips, |row, fields| reading.take_submission(file, row, fields))?;
    }
    // Stable: of equal times the order of the files stays.
    reading.commands.sort_by_key(|command| command.occurred_at_ms);
    let commands = std::mem::take(&mut reading.commands);
    Ok((reading.roster(), commands, reading.without_effect))
}

impl Reading {
    fn take_course(&mut self, [module, presentation]: [&str; 2]) -> Result<(), String> {
        let module = text(module, "code_module")?.to_owned();
        let presentation = text(presentation, "code_presentation")?;
        let run = Run {
            starts_at_ms: start_of(presentation)?,
            students: BTreeSet::new(),
        };
        self.runs.entry((module, presentation.to_owned())).or_insert(run);
        Ok(())
    }

    fn run(&mut self, module: &str, presentation: &str) -> Result<(RunName, &mut Run), String> {
        let name = (module.trim().to_owned(), presentation.trim().to_owned());
        match self.runs.get_mut(&name) {
            Some(run) => Ok((name, run)),
            None => Err(format!("{} {} is no course run", name.0, name.1)),
        }
    }

    fn take_assessment(&mut self, [module, presentation, assessment, kind]: [&str; 4]) -> Result<(), String> {
        let assessment = id(assessment, "id_assessment")?;
        let kind = text(kind, "assessment_type")?;
        let (name, _) = self.run(module, presentation)?;
        let title = super::cut(&format!("{kind} {assessment}"), super::TITLE_CHARS_MAX);
        self.assessments.entry(assessment).or_insert((name, title));
        Ok(())
    }

    fn take_registration(&mut self, [module, presentation, student]: [&str; 3]) -> Result<(), String> {
        let student = id(student, "id_student")?;
        let (_, run) = self.run(module, presentation)?;
        run.students.insert(student);
        self.students.insert(student);
        Ok(())
    }

    fn take_submission(&mut self, file: u32, row: u32, fields: [&str; 5]) -> Result<(), String> {
        let [assessment, student, day, banked, score] = fields;
        let (unit_id, user_id) = (id(assessment, "id_assessment")?, id(student, "id_student")?);
        let Some((name, _)) = self.assessments.get(&unit_id) else {
            return Err(format!("assessment {unit_id} is unknown"));
        };
        if is_true(banked)? {
            self.without_effect += 1;
            return Ok(());
        }
        let starts_at_ms = self.runs.get(name).map_or(0, |run| run.starts_at_ms);
        let day: i32 = day
            .trim()
            .parse()
            .map_err(|_| format!("date_submitted {day:?} is not a number of days"))?;
        let occurred_at_ms = starts_at_ms + i64::from(day) * DAY_MS;
        if occurred_at_ms < 0 {
            return Err(format!("date_submitted {day} is before 1970"));
        }
        let score = read_score(score)?;
        self.students.insert(user_id);
        let mut push = |deed| {
            self.commands.push(Command {
                user_id,
                occurred_at_ms,
                file,
                row,
                deed,
            });
        };
        push(Deed::Progress {
            unit_id,
            percentage: 100,
        });
        if score.is_some() {
            push(Deed::Earn {
                action: Action::CompleteQuiz,
                reference_id: unit_id,
                score,
            });
        }
        Ok(())
    }

    fn roster(&self) -> Roster {
        let mut roster = Roster::default();
        let mut numbers: BTreeMap<&RunName, u64> = BTreeMap::new();
        let mut roles: BTreeMap<u64, Role> = BTreeMap::new();
        for (number, (name, run)) in (1_u64..).zip(&self.runs) {
            numbers.insert(name, number);
            let run_name = format!("{} {}", name.0, name.1);
            let teams = (run.students.len() as u64).div_ceil(TEAM_SIZE);
            for place in 0..teams {
                let id = TEAMS_OF_RUN * number + place;
                roles.insert(MENTORS + id, Role::Mentor);
                roster.teams.push(Team {
                    id,
                    name: super::cut(&format!("{run_name} team {}", place + 1), super::TEAM_NAME_CHARS_MAX),
                    mentor_id: Some(MENTORS + id),
                });
            }
            for student in &run.students {
                roster.enrolments.push((number, *student));
                roster
                    .team_members
                    .push((TEAMS_OF_RUN * number + student % teams, *student));
            }
            roster.qualifications.push(Qualification {
                id: number,
                name: super::cut(&run_name, super::TITLE_CHARS_MAX),
            });
        }
        roles.extend(self.students.iter().map(|student| (*student, Role::Student)));
        roster.users = roles.into_iter().map(|(id, role)| User { id, role }).collect();
        for (id, (run, title)) in &self.assessments {
            roster.units.push(Unit {
                id: *id,
                title: title.clone(),
                qualification_id: numbers.get(run).copied().unwrap_or_default(),
            });
        }
        roster
    }
}

/// When a presentation starts: `2013J` on the first of October, `2013B` on the first of February, at noon UTC.
fn start_of(presentation: &str) -> Result<i64, String> {
    let unknown = || format!("code_presentation {presentation:?} is no year with B (February) or J (October)");
    let (year, month) = match presentation.strip_suffix('B') {
        Some(year) => (year, 2),
        None => (presentation.strip_suffix('J').ok_or_else(unknown)?, 10),
    };
    let year: i16 = year.parse().map_err(|_| unknown())?;
    let noon = jiff::civil::DateTime::new(year, month, 1, 12, 0, 0, 0).map_err(|_| unknown())?;
    let start = noon.to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| unknown())?;
    Ok(start.timestamp().as_millisecond())
}

fn is_true(field: &str) -> Result<bool, String> {
    match field.trim() {
        "True" | "true" | "1" => Ok(true),
        "False" | "false" | "0" => Ok(false),
        other => Err(format!("is_banked {other:?} is neither True nor False")),
    }
}

/// The score as a part of 1, if there is one.
fn read_score(field: &str) -> Result<Option<f64>, String> {
    let field = field.trim();
    if field.is_empty() {
        return Ok(None);
    }
    match field.parse::<f64>() {
        Ok(score) if (0.0..=100.0).contains(&score) => Ok(Some(score / 100.0)),
        _ => Err(format!("score {field:?} is not between 0 and 100")),
    }
}

#[cfg(test)]
mod tests;
