//! Coming into the class with its code: as somebody new, or again with a PIN.

use crate::app::App;
use crate::pins;
use crate::problem::{Problem, Unknown};
use homeroom_actors::roster::{RosterCommand, RosterOutcome};
use homeroom_schema::limits::PAGE_MAX;
use homeroom_schema::records::{AuditedBy, PinRecord, Row, UserRecord, UserRole};
use homeroom_schema::{TeamId, UserId};
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

/// What somebody at the door says.
pub struct Joining {
    /// Where they are.
    pub from: Option<IpAddr>,
    /// The class code.
    pub code: String,
    /// Their name.
    pub name: String,
    /// The name that peers see.
    pub alias: Option<String>,
    /// The team that they want to be in.
    pub team_id: Option<TeamId>,
    /// The PIN of somebody who comes back.
    pub pin: Option<String>,
    /// The PIN that somebody new will have. With it the same wish can be sent again after a lost answer: it is the same
    /// person then.
    pub new_pin: Option<String>,
}

/// Somebody who came in.
pub struct Joined {
    /// Who.
    pub user_id: UserId,
    /// Their PIN, if they are new.
    pub new_pin: Option<String>,
}

/// Nobody's: whoever comes in has no token yet.
const BY_THEMSELVES: AuditedBy = AuditedBy {
    token_id: None,
    role: None,
    user_id: None,
};

/// Whether this is the code of a class that is set up. `from` is the address that it comes from, as far as that is known.
///
/// # Errors
/// 409 `not_set_up`, 403 `wrong_code`, 429 `code_locked`.
pub fn knock(app: &App, code: &str, from: Option<IpAddr>) -> Result<(), Problem> {
    let class = app.classroom().get();
    if !class.is_set_up() {
        let detail = "The teacher has not set the class up yet.";
        return Err(Problem::new(409, "not_set_up", "No class yet", detail));
    }
    let from = from.map(network);
    if let Some(from) = from {
        let begun = app.classroom().knocks.begin(from, app.clock().now());
        begun.map_err(code_locked)?;
    }
    if !class.has_code(code) {
        let detail = "This is not the code of the class.";
        return Err(Problem::new(403, "wrong_code", "Wrong code", detail));
    }
    if let Some(from) = from {
        app.classroom().knocks.forgive(&from);
    }
    Ok(())
}

/// Whose an address is: a household has a whole /64 of IPv6 (RFC 6177), and could guess from each of its addresses.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

/// Whether somebody new may come in.
///
/// # Errors
/// 403 `door_locked`.
pub fn is_open(app: &App) -> Result<(), Problem> {
    if app.classroom().get().is_locked {
        let detail = "The teacher has locked the door: nobody new comes in now. Who has a PIN can come back.";
        return Err(Problem::new(403, "door_locked", "The door is locked", detail));
    }
    Ok(())
}

/// Lets somebody in.
///
/// # Errors
/// 403 `wrong_code`, `door_locked`, `wrong_pin`; 409 `not_set_up`, `pin_required` (the name is taken), `no_pin` (it is on
/// the roster and has no PIN yet); 422 `unknown_team`; 429 `code_locked`, `pin_locked`; 503.
pub async fn come_in(app: &App, joining: Joining) -> Result<Joined, Problem> {
    knock(app, &joining.code, joining.from)?;
    if let Some(pin) = &joining.pin {
        return come_back(app, &joining.name, pin).await;
    }
    is_open(app)?;
    let pin = joining.new_pin.clone().map_or_else(pins::new_pin, Ok)?;
    let hash = app.pins().hash(&pin).await?;
    let _joining = app.classroom().joining.lock().await;
    match &*named(app, &joining.name) {
        [] => {}
        [known] => return again(app, known, joining.new_pin.as_deref()).await,
        [..] => return Err(pin_required()),
    }
    let user_id = create(app, joining).await?;
    keep_pin(app, user_id, hash, Vec::new()).await?;
    Ok(Joined {
        user_id,
        new_pin: Some(pin),
    })
}

/// The name is taken. By the same wish, whose answer was lost: then it is answered again.
async fn again(app: &App, known: &UserRecord, new_pin: Option<&str>) -> Result<Joined, Problem> {
    let Some(kept) = app.engine().pin(known.user_id).await? else {
        let detail = "The name is on the roster without a PIN. The teacher can make one.";
        return Err(Problem::new(409, "no_pin", "No PIN yet", detail));
    };
    let Some(pin) = new_pin else { return Err(pin_required()) };
    let is_same = app
        .pins()
        .is_right(known.user_id, pin, &kept.hash, app.clock().now())
        .await?;
    if !is_same {
        return Err(pin_required());
    }
    Ok(Joined {
        user_id: known.user_id,
        new_pin: Some(pin.to_owned()),
    })
}

async fn come_back(app: &App, name: &str, pin: &str) -> Result<Joined, Problem> {
    let now = app.clock().now();
    for known in named(app, name) {
        let Some(kept) = app.engine().pin(known.user_id).await? else {
            continue;
        };
        if app.pins().is_right(known.user_id, pin, &kept.hash, now).await? {
            return Ok(Joined {
                user_id: known.user_id,
                new_pin: None,
            });
        }
    }
    let detail = "Nobody of this name has this PIN.";
    Err(Problem::new(403, "wrong_pin", "Wrong PIN", detail))
}

/// Creates the person, and puts them into the team that they want.
async fn create(app: &App, joining: Joining) -> Result<UserId, Problem> {
    let roster = app.engine().roster();
    if let Some(team_id) = joining.team_id
        && roster.team(team_id).is_none_or(|team| team.archived_at.is_some())
    {
        return Err(Problem::unknown(Unknown::Team).with_path(&[]));
    }
    let command = RosterCommand::PutUser {
        create: true,
        user_id: None,
        name: joining.name,
        alias: joining.alias,
        role: UserRole::Student,
    };
    let outcome = app.engine().change_roster(command, None, BY_THEMSELVES).await?;
    let RosterOutcome::User { user, .. } = outcome else {
        return Err(Problem::internal());
    };
    if let Some(team_id) = joining.team_id {
        let command = RosterCommand::PutMember {
            team_id,
            user_id: user.user_id,
            role: None,
        };
        app.engine().change_roster(command, None, BY_THEMSELVES).await?;
    }
    Ok(user.user_id)
}

/// Keeps a PIN in place of the one before, with further rows in the same commit. Wrong guesses are forgiven.
///
/// # Errors
/// 503 when it cannot be kept.
pub async fn keep_pin(app: &App, user_id: UserId, hash: String, mut rows: Vec<Row>) -> Result<(), Problem> {
    rows.push(Row::Pin(PinRecord {
        user_id,
        hash,
        set_at: app.clock().now(),
    }));
    app.engine().keep_rows(rows, None).await?;
    app.pins().forgive(user_id);
    Ok(())
}

/// Present students of this name, as far as capitals and spaces at its ends go.
fn named(app: &App, name: &str) -> Vec<UserRecord> {
    let roster = app.engine().roster();
    let wanted = folded(name);
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = roster.users_after(after, PAGE_MAX, false);
        let Some(last) = page.last() else { return found };
        after = Some(last.user_id);
        let same = |user: &UserRecord| user.role == UserRole::Student && folded(&user.name) == wanted;
        found.extend(page.into_iter().filter(same));
    }
}

fn folded(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

fn code_locked(wait: Duration) -> Problem {
    let detail = "There were too many wrong class codes from this address.";
    Problem::new(429, "code_locked", "Too many wrong codes", detail)
        .retry_after(wait.as_millis().div_ceil(1_000) as u64)
}

fn pin_required() -> Problem {
    let detail = "Somebody of this name is in the class already: give their PIN, or another name.";
    Problem::new(409, "pin_required", "The name is taken", detail)
}
