//! The live protocol `homeroom.v1`: sockets, streams of events, their sessions, frames. The rules of topics are the engine's, rights are `permissions`',
//! shapes shared with HTTP are `wire`'s.
//!
//! | file | is |
//! | --- | --- |
//! | `handshake`, `events` | `GET /ws` and `GET /events/stream`, up to the session |
//! | `door` | who may open a session, from where |
//! | `own` | how many sessions one caller may have |
//! | `session` | the loop of one session; `requests` and `topics` are what it does |
//! | `transport` | what a session asks of the way to its reader, and the accounting of what waits |
//! | `line`, `stream` | that way as a socket, and as server-sent events |
//! | `pace` | pings, the token's end, how fast a client may send |
//! | `holds` | the topics of a session, how far each is read, whose turn it is |
//! | `subscribe`, `fetch` | asking the engine for topics, pages and snapshots |
//! | `request` | frames of clients |
//! | `reply`, `message` | frames of the server |
//! | `close` | the table of close codes |

mod close;
mod door;
mod events;
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
mod stream;
mod subscribe;
mod transport;

#[cfg(test)]
pub(crate) use close::CLOSES;
pub use events::stream;
pub use handshake::{SUBPROTOCOL, upgrade};
pub use own::OwnSessions;
