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
/// A longer file is no token of ours.
const FILE_BYTES_MAX: u64 = 4_096;

/// What has to be kept so that the node has its admin token.
#[derive(Debug, Default)]
pub struct AdminToken {
    /// Rows to keep before the token is in force.
    pub rows: Vec<Row>,
    /// The token that becomes valid with them.
    pub added: Option<TokenRecord>,
    /// The token that ends with them.
    pub ended: Option<TokenId>,
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
        admin.ended = Some(old.token_id);
        admin.rows.push(Row::Token(old));
    }
    admin
}

/// Without a fixed one: nothing when there is an admin token, else the one in the file, else a new one in that file.
///
/// # Errors
/// When the file cannot be written or read, or the system has no randomness.
pub fn in_file(tokens: &Tokens, directory: &Path, now: TimeMs) -> io::Result<AdminToken> {
    if tokens.has_admin_outside(&[], now) {
        return Ok(AdminToken::default());
    }
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
        label: Some("the node's own".into()),
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
        if let Some(ended) = admin.ended {
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
