//! The set-up: class, teams, course and units, rules and privacy, from one short form.

use crate::app::App;
use crate::classroom::{self, Class};
use crate::config::Leaderboards;
use crate::problem::{FieldError, Problem};
use crate::rules::Preset;
use homeroom_actors::roster::{Import, MustBeNew, Roster, RosterCommand, RosterOutcome};
use homeroom_actors::rulebook::Origin;
use homeroom_schema::records::AuditedBy;
use homeroom_schema::{QualificationId, TeamId, UnitId};

/// What the form says.
pub struct SetUp {
    /// The name of the class.
    pub name: String,
    /// Names of its teams.
    pub teams: Vec<String>,
    /// The name of the course; none: units of no course.
    pub course: Option<String>,
    /// Titles of the units.
    pub units: Vec<String>,
    /// What awards are worth.
    pub rules: Preset,
    /// Who is on boards.
    pub leaderboards: Leaderboards,
}

/// Sets the class up. What can fail comes first and is all or nothing; the class is there with the last step, so that a
/// set-up that broke off can be sent again. It then finds its teams and units by name.
///
/// # Errors
/// 409 `already_set_up`; 503.
pub async fn set_up(app: &App, by: AuditedBy, wish: SetUp) -> Result<Class, Problem> {
    refuse_second(&app.classroom().get())?;
    let import = import(app.engine().roster(), &wish);
    let outcome = app
        .engine()
        .change_roster(RosterCommand::Import(Box::new(import)), None, by)
        .await?;
    if let RosterOutcome::ImportRefused(errors) = outcome {
        let named = errors
            .into_iter()
            .map(|error| FieldError::new(error.field, error.message));
        return Err(Problem::validation(named.collect()));
    }
    if let Some(document) = wish.rules.document()
        && app.engine().rules().name != wish.rules.as_str()
    {
        let origin = (Origin::Api, by);
        app.engine().apply_rules(document.to_owned(), false, origin).await?;
    }
    let SetUp { name, leaderboards, .. } = wish;
    classroom::change(app, by, "classroom_set_up", |class| {
        refuse_second(class)?;
        class.name = Some(name);
        class.code = classroom::new_code()?;
        class.leaderboards = leaderboards;
        Ok(())
    })
    .await
}

fn refuse_second(class: &Class) -> Result<(), Problem> {
    if class.is_set_up() {
        let detail = "The class is set up already; change it on the page of the class.";
        return Err(Problem::new(409, "already_set_up", "Already set up", detail));
    }
    Ok(())
}

/// Whatever is not there yet by its name, under ids that nobody has.
fn import(roster: &Roster, wish: &SetUp) -> Import {
    let qualifications = roster.qualifications_after(None, usize::MAX, true);
    let (units, teams) = (
        roster.units_after(None, usize::MAX, true),
        roster.teams_after(None, usize::MAX, true),
    );
    let mut import = Import::default();
    let mut must_be_new = MustBeNew::default();
    let mut course = None;
    if let Some(name) = &wish.course {
        let known = qualifications
            .iter()
            .find(|one| one.name == *name && one.archived_at.is_none());
        let next = qualifications.last().map_or(0, |last| last.qualification_id.get());
        course = known
            .map(|one| one.qualification_id)
            .or(QualificationId::new(next + 1).ok());
        if let (None, Some(id)) = (known, course) {
            import.qualifications.push((id, name.clone()));
            must_be_new.qualifications.insert(id);
        }
    }
    let is_known = |title: &String| {
        units
            .iter()
            .any(|unit| unit.title == *title && unit.qualification_id == course)
    };
    let next = units.last().map_or(0, |last| last.unit_id.get());
    for (title, id) in wish.units.iter().filter(|title| !is_known(title)).zip(next + 1..) {
        if let Ok(id) = UnitId::new(id) {
            import.units.push((id, title.clone(), course, Vec::new()));
            must_be_new.units.insert(id);
        }
    }
    let is_known = |name: &String| teams.iter().any(|team| team.name == *name);
    let next = teams.last().map_or(0, |last| last.team_id.get());
    for (name, id) in wish.teams.iter().filter(|name| !is_known(name)).zip(next + 1..) {
        if let Ok(id) = TeamId::new(id) {
            import.teams.push((id, name.clone(), None));
            must_be_new.teams.insert(id);
        }
    }
    import.must_be_new = must_be_new;
    import
}
