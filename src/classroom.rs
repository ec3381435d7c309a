//! The class that this node is for: its name, its code and its door, chosen once at the set-up and changed by the teacher.
//! Kept as one setting of the database; in memory for everybody who knocks.

use crate::app::App;
use crate::audit;
use crate::config::Leaderboards;
use crate::guesses::Guesses;
use crate::problem::Problem;
use homeroom_actors::EngineError;
use homeroom_schema::limits::CODE_TRIES_MAX;
use homeroom_schema::records::{AuditedBy, Row};
use parking_lot::RwLock;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::net::IpAddr;

/// The setting that holds the class.
pub const SETTING: &str = "classroom";
/// Characters of a class code.
const CODE_CHARS: usize = 6;
/// What codes are made of: no two that look or sound alike.
const CODE_ALPHABET: &[u8; 30] = b"23456789ABCDEFGHJKMNPQRTUVWXYZ";

/// The class as it is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Class {
    /// Its name; none before the set-up.
    pub name: Option<String>,
    /// What students come in with.
    pub code: String,
    /// Whether nobody new may come in.
    #[serde(default)]
    pub is_locked: bool,
    /// Who is on boards, as the teacher chose; the stricter of this and the node's setting is in force.
    #[serde(default)]
    pub leaderboards: Leaderboards,
}

/// The class of now.
#[derive(Debug)]
pub struct Classroom {
    class: RwLock<Class>,
    /// Held while it is being changed, so that changes do not overtake one another.
    changing: tokio::sync::Mutex<()>,
    /// Held while somebody comes in, so that no name comes in twice.
    pub(crate) joining: tokio::sync::Mutex<()>,
    /// Wrong codes, by address.
    pub(crate) knocks: Guesses<IpAddr>,
}

impl Class {
    /// Reads what was kept. What cannot be read is no class: then the set-up begins anew.
    #[must_use]
    pub fn read(kept: Option<&str>) -> Self {
        let read = kept.map(serde_json::from_str).transpose();
        read.unwrap_or_else(|cause| {
            tracing::error!(%cause, "the class cannot be read from the database: it has to be set up again");
            None
        })
        .unwrap_or_default()
    }

    /// Whether there is one.
    #[must_use]
    pub const fn is_set_up(&self) -> bool {
        self.name.is_some()
    }

    /// Whether this is its code, however it is typed.
    #[must_use]
    pub fn has_code(&self, typed: &str) -> bool {
        let typed = typed.chars().filter(char::is_ascii_alphanumeric);
        self.is_set_up() && typed.map(|letter| letter.to_ascii_uppercase()).eq(self.code.chars())
    }
}

impl Classroom {
    /// This class.
    #[must_use]
    pub fn new(class: Class) -> Self {
        Self {
            class: RwLock::new(class),
            changing: tokio::sync::Mutex::default(),
            joining: tokio::sync::Mutex::default(),
            knocks: Guesses::new(CODE_TRIES_MAX),
        }
    }

    /// The class of now.
    #[must_use]
    pub fn get(&self) -> Class {
        self.class.read().clone()
    }
}

/// Who is on boards: the stricter of the node's setting and the class's choice.
#[must_use]
pub fn leaderboards(setting: Leaderboards, class: &Class) -> homeroom_actors::roster::Leaderboards {
    let setting = homeroom_actors::roster::Leaderboards::from(setting);
    setting.max(class.leaderboards.into())
}

/// Changes the class: kept first, with an entry of the audit log, then in force.
///
/// # Errors
/// What `change` refuses; 503 when it cannot be kept.
pub async fn change(
    app: &App,
    by: AuditedBy,
    act: &'static str,
    change: impl FnOnce(&mut Class) -> Result<(), Problem>,
) -> Result<Class, Problem> {
    let classroom = app.classroom();
    let _changing = classroom.changing.lock().await;
    let mut class = classroom.get();
    let before = class.clone();
    change(&mut class)?;
    if class == before {
        return Ok(class);
    }
    let value = serde_json::to_string(&class).map_err(|_| Problem::internal())?;
    let setting = Row::Setting {
        name: SETTING.to_owned(),
        value,
    };
    let detail = json!({
        "is_locked": class.is_locked,
        "leaderboards": class.leaderboards,
        "new_code": class.code != before.code,
    });
    let audited = audit::row(app.clock().now(), by, act, None, &detail);
    app.engine().keep_rows(vec![setting, audited], None).await?;
    *classroom.class.write() = class.clone();
    let who = leaderboards(app.config().leaderboards, &class);
    app.engine().set_leaderboards(who).await.map_err(|error: EngineError| {
        tracing::warn!(%error, "who is on boards is kept and in force after the next start");
        Problem::from(error)
    })?;
    Ok(class)
}

/// A new code: about 29 bits.
///
/// # Errors
/// 500 `internal` when the system has no randomness to give.
pub fn new_code() -> Result<String, Problem> {
    let letter = |place: u32| char::from(CODE_ALPHABET[place as usize]);
    (0..CODE_CHARS)
        .map(|_| below(CODE_ALPHABET.len() as u32).map(letter))
        .collect()
}

/// A random number below `bound`, each as likely as the other.
///
/// # Errors
/// 500 `internal` when the system has no randomness to give.
pub fn below(bound: u32) -> Result<u32, Problem> {
    // Numbers at the end would make the first ones likelier.
    let fair = u32::MAX - u32::MAX % bound;
    loop {
        let number = getrandom::u32().map_err(|cause| {
            tracing::error!(%cause, "no randomness");
            Problem::internal()
        })?;
        if number < fair {
            return Ok(number % bound);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_known_however_it_is_typed() {
        let class = Class {
            name: Some("7b".into()),
            code: "7KQ2MX".into(),
            ..Class::default()
        };
        for (typed, is_known) in [
            ("7KQ2MX", true),
            (" 7kq-2mx ", true),
            ("7KQ2M", false),
            ("7KQ2MXX", false),
            ("", false),
        ] {
            assert_eq!(class.has_code(typed), is_known, "{typed}");
        }
        assert!(!Class::default().has_code(""), "a class that is not set up has no code");
    }

    #[test]
    fn codes_have_letters_that_nobody_takes_for_others() {
        let code = new_code().expect("randomness");
        assert_eq!(code.len(), CODE_CHARS);
        assert!(code.bytes().all(|letter| CODE_ALPHABET.contains(&letter)), "{code}");
        assert!("01ILOS".bytes().all(|letter| !CODE_ALPHABET.contains(&letter)));
    }

    #[test]
    fn what_was_kept_is_read_again_and_nonsense_is_no_class() {
        let class = Class {
            name: Some("7b \u{1f389}".into()),
            code: "7KQ2MX".into(),
            is_locked: true,
            leaderboards: Leaderboards::OptIn,
        };
        let kept = serde_json::to_string(&class).expect("JSON");
        assert_eq!(Class::read(Some(&kept)), class);
        assert!(!Class::read(Some("nonsense")).is_set_up());
        assert!(!Class::read(None).is_set_up());
    }

    #[test]
    fn the_stricter_rule_is_in_force() {
        use homeroom_actors::roster::Leaderboards as InForce;
        let chosen = |leaderboards| Class {
            leaderboards,
            ..Class::default()
        };
        for (setting, choice, expected) in [
            (Leaderboards::OptOut, Leaderboards::OptOut, InForce::OptOut),
            (Leaderboards::OptOut, Leaderboards::OptIn, InForce::OptIn),
            (Leaderboards::Off, Leaderboards::OptIn, InForce::Off),
            (Leaderboards::OptIn, Leaderboards::Off, InForce::Off),
        ] {
            assert_eq!(leaderboards(setting, &chosen(choice)), expected);
        }
    }
}
