//! Who is calling: tokens, and the table of who may do what. Only hashes of tokens are kept.

use homeroom_schema::records::TokenRole;
use homeroom_schema::{TimeMs, TokenId, UserId};

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
