//! `homeroom user|team|unit|qualification|enrol`: one thing at a time. Many at once are in `csv`.

pub(super) mod csv;

use super::common::Common;
use super::failure::{Failure, Outcome};
use super::table::Table;
use clap::Subcommand;
use reqwest::Method;
use serde_json::{Map, Value, json};

/// People
#[derive(Debug, Clone, Subcommand)]
pub(super) enum UserCommand {
    /// Add a person
    Add {
        /// Full name, for staff alone
        name: String,
        /// Number [default: the node gives the next one]
        #[arg(long)]
        id: Option<u64>,
        /// What peers see
        #[arg(long)]
        alias: Option<String>,
        /// What they are
        #[arg(long, value_parser = ["student", "mentor", "staff"])]
        role: Option<String>,
        #[command(flatten)]
        common: Common,
    },
    /// List people
    List(ListArgs),
    /// Show a person
    Show(OneArgs),
    /// Change a person; what is not given stays
    Set {
        /// Number
        id: u64,
        /// Full name
        #[arg(long)]
        name: Option<String>,
        /// What peers see; "" takes it away
        #[arg(long)]
        alias: Option<String>,
        /// What they are
        #[arg(long, value_parser = ["student", "mentor", "staff"])]
        role: Option<String>,
        #[command(flatten)]
        common: Common,
    },
    /// Put a person away: gone from boards and lists, with everything kept
    Archive {
        /// Number
        id: u64,
        /// Bring them back instead
        #[arg(long)]
        undo: bool,
        #[command(flatten)]
        common: Common,
    },
    /// Bring people in from a CSV file, with their teams and qualifications
    #[command(after_help = csv::HELP_USERS)]
    Import(csv::ImportArgs),
}

/// Teams and their members
#[derive(Debug, Clone, Subcommand)]
pub(super) enum TeamCommand {
    /// Add a team
    Add {
        /// Name
        name: String,
        /// Number [default: the node gives the next one]
        #[arg(long)]
        id: Option<u64>,
        /// Number of its mentor
        #[arg(long, value_name = "ID")]
        mentor: Option<u64>,
        #[command(flatten)]
        common: Common,
    },
    /// List teams
    List(ListArgs),
    /// Show a team and its members
    Show(OneArgs),
    /// Change a team; what is not given stays
    Set {
        /// Number
        id: u64,
        /// Name
        #[arg(long)]
        name: Option<String>,
        /// Number of its mentor; 0 for none
        #[arg(long, value_name = "ID")]
        mentor: Option<u64>,
        #[command(flatten)]
        common: Common,
    },
    /// Put a team away; its history stays
    Archive(OneArgs),
    /// Who is in a team
    #[command(subcommand)]
    Member(MemberCommand),
    /// Bring teams in from a CSV file
    #[command(after_help = csv::HELP_TEAMS)]
    Import(csv::ImportArgs),
}

/// Who is in a team
#[derive(Debug, Clone, Subcommand)]
pub(super) enum MemberCommand {
    /// Put people into a team
    Add {
        /// Number of the team
        team: u64,
        /// Numbers of the people
        #[arg(required = true)]
        users: Vec<u64>,
        /// What they are in it, such as captain
        #[arg(long)]
        role: Option<String>,
        #[command(flatten)]
        common: Common,
    },
    /// Take people out of a team; what they earned in it stays
    Remove {
        /// Number of the team
        team: u64,
        /// Numbers of the people
        #[arg(required = true)]
        users: Vec<u64>,
        #[command(flatten)]
        common: Common,
    },
}

/// Units: what is learned
#[derive(Debug, Clone, Subcommand)]
pub(super) enum UnitCommand {
    /// Add a unit
    Add {
        /// Title
        title: String,
        /// Number [default: the node gives the next one]
        #[arg(long)]
        id: Option<u64>,
        /// Number of the qualification it belongs to
        #[arg(long, value_name = "ID")]
        qualification: Option<u64>,
        /// A skill that it trains; may be repeated
        #[arg(long = "skill")]
        skills: Vec<String>,
        #[command(flatten)]
        common: Common,
    },
    /// List units
    List(ListArgs),
    /// Show a unit
    Show(OneArgs),
    /// Change a unit; what is not given stays
    Set {
        /// Number
        id: u64,
        /// Title
        #[arg(long)]
        title: Option<String>,
        /// Number of the qualification it belongs to; 0 for none
        #[arg(long, value_name = "ID")]
        qualification: Option<u64>,
        /// All the skills that it trains; may be repeated
        #[arg(long = "skill")]
        skills: Vec<String>,
        #[command(flatten)]
        common: Common,
    },
    /// Put a unit away; its history stays
    Archive(OneArgs),
    /// Bring units in from a CSV file
    #[command(after_help = csv::HELP_UNITS)]
    Import(csv::ImportArgs),
}

/// Qualifications: what units lead to
#[derive(Debug, Clone, Subcommand)]
pub(super) enum QualificationCommand {
    /// Add a qualification
    Add {
        /// Name
        name: String,
        /// Number [default: the node gives the next one]
        #[arg(long)]
        id: Option<u64>,
        #[command(flatten)]
        common: Common,
    },
    /// List qualifications
    List(ListArgs),
    /// Show a qualification
    Show(OneArgs),
    /// Change a qualification
    Set {
        /// Number
        id: u64,
        /// Name
        #[arg(long)]
        name: String,
        #[command(flatten)]
        common: Common,
    },
    /// Put a qualification away; its history stays
    Archive(OneArgs),
    /// Bring qualifications in from a CSV file
    #[command(after_help = csv::HELP_QUALIFICATIONS)]
    Import(csv::ImportArgs),
}

/// Which of a list to show.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct ListArgs {
    /// Those that were put away too
    #[arg(long)]
    archived: bool,
    #[command(flatten)]
    common: Common,
}

/// One thing by its number.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct OneArgs {
    /// Number
    id: u64,
    #[command(flatten)]
    common: Common,
}

/// Enrol people in a qualification
#[derive(Debug, Clone, clap::Args)]
pub(super) struct EnrolArgs {
    /// Number of the qualification
    qualification: u64,
    /// Numbers of the people
    #[arg(required = true)]
    users: Vec<u64>,
    /// Take them out of it instead
    #[arg(long)]
    remove: bool,
    #[command(flatten)]
    common: Common,
}

pub(super) async fn user(command: UserCommand) -> Outcome {
    match command {
        UserCommand::Add {
            name,
            id,
            alias,
            role,
            common,
        } => {
            let fields = [("id", id.map(Value::from)), ("name", Some(name.into()))];
            let more = [("alias", alias.map(Value::from)), ("role", role.map(Value::from))];
            add(&common, "/users", &given(fields.into_iter().chain(more))).await
        }
        UserCommand::List(args) => list(&args, "/users", &["id", "name", "alias", "role", "archived_at"]).await,
        UserCommand::Show(args) => show(&args, "/users").await,
        UserCommand::Set {
            id,
            name,
            alias,
            role,
            common,
        } => {
            let alias = alias.map(|alias| if alias.is_empty() { Value::Null } else { alias.into() });
            let fields = [
                ("name", name.map(Value::from)),
                ("alias", alias),
                ("role", role.map(Value::from)),
            ];
            set(&common, "/users", id, &given(fields)).await
        }
        UserCommand::Archive { id, undo, common } => set(&common, "/users", id, &json!({ "archived": !undo })).await,
        UserCommand::Import(args) => csv::import(csv::Kind::Users, &args).await,
    }
}

pub(super) async fn team(command: TeamCommand) -> Outcome {
    match command {
        TeamCommand::Add {
            name,
            id,
            mentor,
            common,
        } => {
            let fields = [
                ("id", id.map(Value::from)),
                ("name", Some(name.into())),
                ("mentor_id", mentor.map(Value::from)),
            ];
            add(&common, "/teams", &given(fields)).await
        }
        TeamCommand::List(args) => list(&args, "/teams", &["id", "name", "mentor_id", "archived_at"]).await,
        TeamCommand::Show(args) => show(&args, "/teams").await,
        TeamCommand::Set {
            id,
            name,
            mentor,
            common,
        } => {
            let fields = [
                ("name", name.map(Value::from)),
                ("mentor_id", mentor.map(number_or_none)),
            ];
            set(&common, "/teams", id, &given(fields)).await
        }
        TeamCommand::Archive(args) => archive(&args, "/teams").await,
        TeamCommand::Member(command) => member(command).await,
        TeamCommand::Import(args) => csv::import(csv::Kind::Teams, &args).await,
    }
}

pub(super) async fn unit(command: UnitCommand) -> Outcome {
    let some = |skills: Vec<String>| (!skills.is_empty()).then(|| json!(skills));
    match command {
        UnitCommand::Add {
            title,
            id,
            qualification,
            skills,
            common,
        } => {
            let fields = [("id", id.map(Value::from)), ("title", Some(title.into()))];
            let more = [
                ("qualification_id", qualification.map(Value::from)),
                ("skills", some(skills)),
            ];
            add(&common, "/units", &given(fields.into_iter().chain(more))).await
        }
        UnitCommand::List(args) => {
            list(
                &args,
                "/units",
                &["id", "title", "qualification_id", "skills", "archived_at"],
            )
            .await
        }
        UnitCommand::Show(args) => show(&args, "/units").await,
        UnitCommand::Set {
            id,
            title,
            qualification,
            skills,
            common,
        } => {
            let qualification = qualification.map(number_or_none);
            let fields = [
                ("title", title.map(Value::from)),
                ("qualification_id", qualification),
                ("skills", some(skills)),
            ];
            set(&common, "/units", id, &given(fields)).await
        }
        UnitCommand::Archive(args) => archive(&args, "/units").await,
        UnitCommand::Import(args) => csv::import(csv::Kind::Units, &args).await,
    }
}

pub(super) async fn qualification(command: QualificationCommand) -> Outcome {
    match command {
        QualificationCommand::Add { name, id, common } => {
            let fields = [("id", id.map(Value::from)), ("name", Some(name.into()))];
            add(&common, "/qualifications", &given(fields)).await
        }
        QualificationCommand::List(args) => list(&args, "/qualifications", &["id", "name", "archived_at"]).await,
        QualificationCommand::Show(args) => show(&args, "/qualifications").await,
        QualificationCommand::Set { id, name, common } => {
            set(&common, "/qualifications", id, &given([("name", Some(name.into()))])).await
        }
        QualificationCommand::Archive(args) => archive(&args, "/qualifications").await,
        QualificationCommand::Import(args) => csv::import(csv::Kind::Qualifications, &args).await,
    }
}

async fn member(command: MemberCommand) -> Outcome {
    match command {
        MemberCommand::Add {
            team,
            users,
            role,
            common,
        } => {
            let body = given([("role", role.map(Value::from))]);
            let path = |user| format!("/teams/{team}/members/{user}");
            each(&common, &users, Method::PUT, path, Some(&body)).await?;
            common.say(&format!("team {team} has {} as members", numbers(&users)));
        }
        MemberCommand::Remove { team, users, common } => {
            let path = |user| format!("/teams/{team}/members/{user}");
            each(&common, &users, Method::DELETE, path, None).await?;
            common.say(&format!("{} are not in team {team} any more", numbers(&users)));
        }
    }
    Ok(())
}

pub(super) async fn enrol(args: EnrolArgs) -> Outcome {
    let EnrolArgs {
        qualification,
        users,
        remove,
        common,
    } = args;
    let path = |user| format!("/qualifications/{qualification}/learners/{user}");
    let method = if remove { Method::DELETE } else { Method::PUT };
    each(&common, &users, method, path, None).await?;
    let verb = if remove { "not enrolled any more" } else { "enrolled" };
    common.say(&format!(
        "{} are {verb} in qualification {qualification}",
        numbers(&users)
    ));
    Ok(())
}

/// The same for several people, one after another; the first that fails ends it, and is named.
async fn each(
    common: &Common,
    users: &[u64],
    method: Method,
    path: impl Fn(u64) -> String,
    body: Option<&Value>,
) -> Outcome {
    let client = common.client()?;
    for (done, user) in users.iter().enumerate() {
        let sent = client.request(method.clone(), &path(*user), body, true).await;
        if let Err(error) = sent {
            let failure = Failure::from(error);
            let before = if done > 0 {
                format!("; done before: {}", numbers(&users[..done]))
            } else {
                String::new()
            };
            return Err(Failure::new(
                failure.exit,
                format!("person {user}: {}{before}", failure.message),
            ));
        }
    }
    if common.json {
        super::print_json(&json!({"users": users}));
    }
    Ok(())
}

async fn add(common: &Common, path: &str, body: &Value) -> Outcome {
    let made = common.client()?.request(Method::POST, path, Some(body), true).await?;
    common.show(&made);
    Ok(())
}

async fn list(args: &ListArgs, path: &str, columns: &[&str]) -> Outcome {
    let path = if args.archived {
        format!("{path}?archived=true")
    } else {
        path.to_owned()
    };
    let items = args.common.client()?.all(&path).await?;
    let shown = if args.archived {
        columns
    } else {
        &columns[..columns.len() - 1]
    };
    args.common.list(&items, shown);
    Ok(())
}

async fn show(args: &OneArgs, path: &str) -> Outcome {
    let found: Value = args.common.client()?.get(&format!("{path}/{}", args.id)).await?;
    args.common.show(&found);
    if let Some(members) = found["members"].as_array().filter(|_| !args.common.json) {
        println!();
        let mut table = Table::new(&["user_id", "name", "role", "joined_at"]);
        for member in members {
            let cell = |field: &str| super::common::cell(&member[field]);
            table.row(&["user_id", "name", "role", "joined_at"].map(cell));
        }
        table.print();
    }
    Ok(())
}

async fn set(common: &Common, path: &str, id: u64, body: &Value) -> Outcome {
    if body.as_object().is_none_or(Map::is_empty) {
        return Err(Failure::new(
            crate::exit::Exit::Usage,
            "nothing to change was given; see --help",
        ));
    }
    let path = format!("{path}/{id}");
    let changed = common.client()?.request(Method::PATCH, &path, Some(body), true).await?;
    common.show(&changed);
    Ok(())
}

async fn archive(args: &OneArgs, path: &str) -> Outcome {
    let one = format!("{path}/{}", args.id);
    args.common.client()?.request(Method::DELETE, &one, None, true).await?;
    let sentence = format!("{} is put away; its history stays", &one[1..]);
    args.common.done(&json!({"id": args.id, "archived": true}), &sentence);
    Ok(())
}

/// The fields that were given.
fn given<'f>(fields: impl IntoIterator<Item = (&'f str, Option<Value>)>) -> Value {
    let some = fields
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(some.collect())
}

fn number_or_none(id: u64) -> Value {
    if id == 0 { Value::Null } else { id.into() }
}

fn numbers(users: &[u64]) -> String {
    users.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")
}
