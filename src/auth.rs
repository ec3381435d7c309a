//! Who is calling: tokens and tickets. What they may do is in `permissions`. Only hashes of tokens are kept.

pub mod admin;
pub mod browser;
mod keep;
mod tokens;

pub use keep::{end_token, keep_token, require_present};
pub use tokens::{NewToken, Tokens};

use crate::app::App;
use crate::problem::Problem;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use homeroom_schema::records::TokenRole;
use homeroom_schema::{TimeMs, TokenId, UserId};

/// What every secret of a token begins with, so that it is recognised where it should not be.
pub const SECRET_PREFIX: &str = "hr_";

/// A caller, as their token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Principal {
    /// The token.
    pub token_id: TokenId,
    /// What it is for.
    pub role: TokenRole,
    /// Whose it is; always there for students and mentors.
    pub user_id: Option<UserId>,
    /// When it ends by itself.
    pub expires_at: Option<TimeMs>,
}

/// Whose keys, budgets and sessions they are: the person of a token, else the token itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Owner {
    /// A person, over all their tokens.
    Person(UserId),
    /// A token without a person.
    Token(TokenId),
}

impl Principal {
    /// Whose keys, budgets and sessions these are.
    #[must_use]
    pub fn owner(&self) -> Owner {
        self.user_id.map_or(Owner::Token(self.token_id), Owner::Person)
    }
}

/// The caller of a request: by its `Authorization: Bearer` header, or by the cookie of the browser's session that its
/// `Homeroom-Session` header names.
///
/// # Errors
/// 401 `unauthenticated`, whatever is wrong.
pub fn authenticate(app: &App, headers: &HeaderMap) -> Result<Principal, Problem> {
    if headers.contains_key(AUTHORIZATION) {
        return authenticate_bearer(app, headers);
    }
    let secret = browser::secret(headers).ok_or_else(Problem::unauthenticated)?;
    authenticate_token(app, &secret)
}

/// The caller of a request with an `Authorization: Bearer` header.
///
/// # Errors
/// 401 `unauthenticated`, whatever is wrong.
pub fn authenticate_bearer(app: &App, headers: &HeaderMap) -> Result<Principal, Problem> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(Problem::unauthenticated());
    };
    let (scheme, token) = value
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .ok_or_else(Problem::unauthenticated)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Problem::unauthenticated());
    }
    authenticate_token(app, token.trim())
}

/// The caller who holds a token.
///
/// # Errors
/// 401 `unauthenticated`, whatever is wrong.
pub fn authenticate_token(app: &App, token: &str) -> Result<Principal, Problem> {
    let caller = app.tokens().find(token, app.clock().now());
    caller
        .filter(|caller| is_present(app, caller))
        .ok_or_else(Problem::unauthenticated)
}

/// The caller who holds a ticket; the ticket is used up.
///
/// # Errors
/// 401 `unauthenticated`, whatever is wrong.
pub fn authenticate_ticket(app: &App, ticket: &str) -> Result<Principal, Problem> {
    let now = app.clock().now();
    let caller = app
        .tickets()
        .redeem(ticket, now)
        .and_then(|token_id| app.tokens().principal(token_id, now));
    caller
        .filter(|caller| is_present(app, caller))
        .ok_or_else(Problem::unauthenticated)
}

/// Whether the person of a token is still there: tokens of archived people are void.
fn is_present(app: &App, caller: &Principal) -> bool {
    caller.user_id.is_none_or(|user_id| {
        let user = app.engine().roster().user(user_id);
        user.is_some_and(|user| user.archived_at.is_none())
    })
}

/// 32 random bytes in letters, behind a prefix that tells what it is.
///
/// # Errors
/// 500 `internal` when the system has no randomness to give.
pub fn random_secret(prefix: &str) -> Result<String, Problem> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|cause| {
        tracing::error!(%cause, "no randomness");
        Problem::internal()
    })?;
    Ok(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes)))
}
