//! How many files and connections the system lets this process have: as many as it may ask for, and what follows from it.

use homeroom_schema::limits::{CONNECTIONS_MIN, OPEN_FILES_KEPT};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Below this a school's connections may not find room.
const LOW: u64 = 4_096;

/// Raises the limit of open files to the most that this process may have, and says how many connections fit into it.
#[must_use]
pub(crate) fn raise() -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum {
        let raised = Rlimit {
            current: maximum,
            maximum,
        };
        if let Err(error) = setrlimit(Resource::Nofile, raised) {
            tracing::warn!(%error, "the limit of open files cannot be raised");
        }
    }
    // None means no limit.
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let connections = room(files);
    if files < LOW {
        tracing::warn!(
            files,
            connections,
            "the limit of open files is low: raise it with `ulimit -n` or LimitNOFILE="
        );
    }
    connections
}

/// Connections that fit beside the files that the node itself needs.
fn room(files: u64) -> usize {
    let files = usize::try_from(files).unwrap_or(usize::MAX);
    files.saturating_sub(OPEN_FILES_KEPT).max(CONNECTIONS_MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nodes_own_files_come_first_and_some_connections_always_fit() {
        assert_eq!(room(1_024), 1_024 - OPEN_FILES_KEPT);
        assert_eq!(room(10), CONNECTIONS_MIN);
        assert!(raise() >= CONNECTIONS_MIN);
    }
}
