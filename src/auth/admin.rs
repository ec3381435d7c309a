//! The node's own admin token: fixed by a setting, or made at the first start and written to a file for its owner alone.

use super::{NewToken, SECRET_PREFIX, Tokens, random_secret};
use homeroom_schema::records::{Row, TokenRecord, TokenRole};
use homeroom_schema::{TimeMs, TokenId};
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The file in the data directory.
pub const ADMIN_TOKEN_FILE: &str = "admin-token";
/// The setting with the id of the token that a setting fixed last: another one takes its place.
pub const FIXED_TOKEN_SETTING: &str = "fixed_admin_token";
/// The setting that a restore makes: [`REPLACE`] means that the node's own token may be known to nobody here.
pub const OWN_TOKEN_SETTING: &str = "own_admin_token";
/// The value of [`OWN_TOKEN_SETTING`] after a restore.
pub const REPLACE: &str = "replace";
/// Its value once the token was looked after.
const KEPT: &str = "kept";
/// The label of a node's own token.
const OWN_LABEL: &str = "the node's own";
/// A longer file is no token of ours.
const FILE_BYTES_MAX: u64 = 4_096;

/// What has to be kept so that the node has its admin token.
#[derive(Debug, Default)]
pub struct AdminToken {
    /// Rows to keep before the token is in force.
    pub rows: Vec<Row>,
    /// The token that becomes valid with them.
    pub added: Option<TokenRecord>,
    /// The tokens that end with them.
    pub ended: Vec<TokenId>,
    /// The file that it stands in, if it was made or taken from there.
    pub file: Option<PathBuf>,
}

/// A token fixed by a setting is in force, and the one that was fixed before is not.
#[must_use]
pub fn fixed(tokens: &Tokens, secret: &str, before: Option<TokenId>, now: TimeMs) -> AdminToken {
    if tokens
        .find(secret, now)
        .is_some_and(|caller| caller.role == TokenRole::Admin)
    {
        return AdminToken::default();
    }
    let mut admin = add(tokens, secret, now);
    if let Some(added) = &admin.added {
        let value = added.token_id.to_string();
        let name = FIXED_TOKEN_SETTING.to_owned();
        admin.rows.push(Row::Setting { name, value });
    }
    if let Some(mut old) = before.and_then(|token_id| tokens.get(token_id, now)) {
        old.revoked_at = Some(now);
        admin.end(old);
    }
    admin
}

impl AdminToken {
    /// Keeps a token that was revoked.
    fn end(&mut self, token: TokenRecord) {
        self.ended.push(token.token_id);
        self.rows.push(Row::Token(token));
    }
}

/// Without a fixed one, after a restore: the token in the file stays if it is known. Otherwise the node's own tokens end,
/// since their secret may be on another machine, and the file's token (or a new one in that file) takes their place.
///
/// # Errors
/// As [`in_file`].
pub fn after_restore(tokens: &Tokens, directory: &Path, now: TimeMs) -> io::Result<AdminToken> {
    let in_file = read(&directory.join(ADMIN_TOKEN_FILE))?;
    let is_known = in_file.is_some_and(|secret| {
        let caller = tokens.find(&secret, now);
        caller.is_some_and(|caller| caller.role == TokenRole::Admin)
    });
    let mut admin = AdminToken::default();
    if !is_known {
        admin = from_file(tokens, directory, now)?;
        let own = tokens.after(None, usize::MAX, now).into_iter();
        for mut old in own.filter(|old| old.role == TokenRole::Admin && old.label.as_deref() == Some(OWN_LABEL)) {
            old.revoked_at = Some(now);
            admin.end(old);
        }
    }
    admin.rows.push(Row::Setting {
        name: OWN_TOKEN_SETTING.into(),
        value: KEPT.into(),
    });
    Ok(admin)
}

/// Without a fixed one: nothing when there is an admin token, else the one in the file, else a new one in that file.
///
/// # Errors
/// When the file cannot be written or read, or the system has no randomness.
pub fn in_file(tokens: &Tokens, directory: &Path, now: TimeMs) -> io::Result<AdminToken> {
    if tokens.has_admin_outside(&[]) {
        return Ok(AdminToken::default());
    }
    from_file(tokens, directory, now)
}

fn from_file(tokens: &Tokens, directory: &Path, now: TimeMs) -> io::Result<AdminToken> {
    let file = directory.join(ADMIN_TOKEN_FILE);
    // A start that ended between the file and the store has left a token that nobody knows of but the file.
    let secret = match read(&file)? {
        Some(secret) => secret,
        None => make(&file)?,
    };
    let mut admin = add(tokens, &secret, now);
    admin.file = Some(file);
    Ok(admin)
}

fn add(tokens: &Tokens, secret: &str, now: TimeMs) -> AdminToken {
    let new = NewToken {
        role: TokenRole::Admin,
        user_id: None,
        label: Some(OWN_LABEL.into()),
        expires_at: None,
    };
    let record = tokens.record(new, secret, now);
    AdminToken {
        rows: vec![Row::Token(record.clone())],
        added: Some(record),
        ..AdminToken::default()
    }
}

fn read(file: &Path) -> io::Result<Option<String>> {
    let opened = match fs::File::open(file) {
        Ok(opened) => opened,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut text = String::new();
    opened.take(FILE_BYTES_MAX).read_to_string(&mut text)?;
    let secret = text.trim();
    let is_ours = secret.starts_with(SECRET_PREFIX) && secret.bytes().all(|byte| byte.is_ascii_graphic());
    Ok(is_ours.then(|| secret.to_owned()))
}

fn make(file: &Path) -> io::Result<String> {
    let secret = random_secret(SECRET_PREFIX).map_err(|problem| io::Error::other(problem.detail))?;
    // Written aside and moved: a start that ends half-way leaves no half of a token.
    let aside = file.with_extension("new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut opened = options.open(&aside)?;
    writeln!(opened, "{secret}")?;
    opened.sync_all()?;
    fs::rename(&aside, file)?;
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    const NOW: TimeMs = TimeMs(1_000);

    fn put_in_force(tokens: &Tokens, admin: AdminToken) {
        for ended in admin.ended {
            tokens.remove(ended);
        }
        if let Some(added) = admin.added {
            tokens.insert(added);
        }
    }

    #[test]
    fn the_first_start_writes_a_token_that_only_its_owner_can_read_and_later_ones_leave_it() {
        let directory = tempfile::tempdir().unwrap();
        let tokens = Tokens::default();
        let admin = in_file(&tokens, directory.path(), NOW).unwrap();
        let file = admin.file.clone().unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let secret = fs::read_to_string(&file).unwrap();
        put_in_force(&tokens, admin);
        assert_eq!(tokens.find(secret.trim(), NOW).unwrap().role, TokenRole::Admin);
        assert!(in_file(&tokens, directory.path(), NOW).unwrap().rows.is_empty());
        // The store was lost, or never had it: the file's token is taken.
        let again = in_file(&Tokens::default(), directory.path(), NOW).unwrap();
        assert_eq!(again.added.unwrap().hash, Tokens::hash(secret.trim()));
    }

    #[test]
    fn after_a_restore_only_a_token_that_somebody_here_knows_is_in_force() {
        let here = tempfile::tempdir().unwrap();
        let tokens = Tokens::default();
        put_in_force(&tokens, in_file(&tokens, here.path(), NOW).unwrap());
        let secret = fs::read_to_string(here.path().join(ADMIN_TOKEN_FILE)).unwrap();
        // On the same machine the file's token stays.
        put_in_force(&tokens, after_restore(&tokens, here.path(), NOW).unwrap());
        assert!(tokens.find(secret.trim(), NOW).is_some());
        // On another one there is no such file.
        let elsewhere = tempfile::tempdir().unwrap();
        let admin = after_restore(&tokens, elsewhere.path(), NOW).unwrap();
        assert_eq!((admin.ended.len(), admin.added.is_some()), (1, true));
        put_in_force(&tokens, admin);
        assert!(tokens.find(secret.trim(), NOW).is_none());
        let secret = fs::read_to_string(elsewhere.path().join(ADMIN_TOKEN_FILE)).unwrap();
        assert!(tokens.find(secret.trim(), NOW).is_some());
    }

    #[test]
    fn a_fixed_token_takes_the_place_of_the_one_fixed_before() {
        let tokens = Tokens::default();
        let first = fixed(&tokens, "one", None, NOW);
        let first_id = first.added.as_ref().unwrap().token_id;
        put_in_force(&tokens, first);
        assert!(fixed(&tokens, "one", Some(first_id), NOW).rows.is_empty());
        put_in_force(&tokens, fixed(&tokens, "two", Some(first_id), NOW));
        assert!(tokens.find("one", NOW).is_none());
        assert!(tokens.find("two", NOW).is_some());
    }
}
