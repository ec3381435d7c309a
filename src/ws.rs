//! The live protocol `homeroom.v1`: upgrade, sessions, frames. The rules of topics are the engine's, rights are `permissions`',
//! shapes shared with HTTP are `wire`'s.
//!
//! | file | is |
//! | --- | --- |
//! | `handshake` | who may open a socket, from where |
//! | `own` | how many sessions one caller may have |
//! | `session` | the loop of one session; `requests` and `topics` are what it does |
//! | `line` | one socket with its outbox, and the accounting of what waits |
//! | `pace` | pings, the token's end, how fast a client may send |
//! | `holds` | the topics of a session, how far each is read, whose turn it is |
//! | `subscribe`, `fetch` | asking the engine for topics, pages and snapshots |
//! | `request` | frames of clients |
//! | `reply`, `message` | frames of the server |
//! | `close` | the table of close codes |

mod close;
mod fetch;
mod handshake;
mod holds;
mod line;
mod message;
mod own;
mod pace;
mod reply;
mod request;
mod session;
mod subscribe;

pub use handshake::{SUBPROTOCOL, upgrade};
pub use own::OwnSessions;
