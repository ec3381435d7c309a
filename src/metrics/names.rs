//! Every metric of the node, with its help. A test checks that the sources name no other. Labels have few values, never ids or
//! names of anybody; those whose values are known here are 0 from the start.

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Only rises.
    Counter,
    /// Rises and falls.
    Gauge,
    /// A gauge that is only there when there is something to measure.
    LateGauge,
    /// How often how much.
    Histogram,
}

/// One metric.
#[derive(Debug, Clone, Copy)]
pub(super) struct Metric {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) help: &'static str,
    /// Its label, or nothing.
    pub(super) label: &'static str,
    /// The label's values that are known beforehand.
    pub(super) values: &'static [&'static str],
}

use Kind::{Counter, Gauge, Histogram, LateGauge};

const ACTORS: &[&str] = &[
    "learner",
    "board",
    "team",
    "presence",
    "journal",
    "roster",
    "insights",
    "session",
    "session_shard",
    "task",
];
const FAMILIES: &[&str] = &["board", "team", "presence"];
const TOPICS: &[&str] = &["user", "board", "team", "presence", "announcements"];
const ROLES: &[&str] = &["admin", "service", "mentor", "student", "projector"];

/// All metrics, by what they are about.
pub(super) const METRICS: &[Metric] = &[
    // The process.
    labelled(
        "homeroom_build_info",
        LateGauge,
        "1, with the version of the program",
        "version",
        &[],
    ),
    bare(
        "homeroom_ready",
        Gauge,
        "1 while the node is ready, else 0; measured by the node itself",
    ),
    bare(
        "homeroom_database_bytes",
        Gauge,
        "Bytes of the database file, without its log",
    ),
    bare(
        "homeroom_disk_free_bytes",
        Gauge,
        "Bytes free for the node on the disk of its data",
    ),
    bare(
        "homeroom_tls_certificate_expires_seconds",
        LateGauge,
        "Seconds until the certificate expires; negative afterwards",
    ),
    labelled(
        "homeroom_tls_reloads_total",
        Counter,
        "New certificates found, taken or refused",
        "outcome",
        &["taken", "refused"],
    ),
    // HTTP.
    labelled(
        "homeroom_http_requests_total",
        Counter,
        "HTTP requests answered, by method, route and status",
        "route",
        &[],
    ),
    labelled(
        "homeroom_http_request_seconds",
        Histogram,
        "Seconds from a request to its answer, by method and route",
        "route",
        &[],
    ),
    bare(
        "homeroom_connections_refused_total",
        Counter,
        "Connections refused because there were too many",
    ),
    bare(
        "homeroom_connections_stalled_total",
        Counter,
        "Connections given up because their client took nothing",
    ),
    labelled(
        "homeroom_tls_handshakes_total",
        Counter,
        "TLS handshakes, by outcome",
        "outcome",
        &["done", "failed", "plain_http"],
    ),
    labelled(
        "homeroom_etags_total",
        Counter,
        "Tagged reads: known to the caller (304) or new",
        "outcome",
        &["known", "new"],
    ),
    bare(
        "homeroom_idempotency_replays_total",
        Counter,
        "First answers given again for a repeated idempotency key",
    ),
    labelled(
        "homeroom_rate_limited_total",
        Counter,
        "Requests and commands refused with 429, by role and kind",
        "role",
        &[],
    ),
    bare(
        "homeroom_commands_shed_total",
        Counter,
        "Commands refused with 503 because too much was under way",
    ),
    bare(
        "homeroom_commands_in_flight_limit",
        Gauge,
        "Commands that may be under way now",
    ),
    bare(
        "homeroom_refusals_not_audited_total",
        Counter,
        "Refusals that were not written into the audit log",
    ),
    // Facts.
    labelled(
        "homeroom_events_total",
        Counter,
        "Facts kept, by type",
        "type",
        &[
            "points_awarded",
            "points_refused",
            "points_reversed",
            "points_reinstated",
            "progress_made",
        ],
    ),
    labelled(
        "homeroom_refusals_total",
        Counter,
        "Awards refused by the rules, by reason",
        "reason",
        &["already_awarded"],
    ),
    // Journal and store.
    bare(
        "homeroom_journal_queue",
        Gauge,
        "Appends waiting for a batch when the last one was taken",
    ),
    bare(
        "homeroom_journal_wait_seconds",
        Histogram,
        "Seconds that the oldest append of a batch had waited",
    ),
    bare(
        "homeroom_batch_appends",
        Histogram,
        "Appends of one batch, which is one transaction",
    ),
    bare("homeroom_batches_failed_total", Counter, "Batches that were not kept"),
    bare(
        "homeroom_conflicts_total",
        Counter,
        "Times that commands of a learner were decided anew because another node had written first",
    ),
    bare(
        "homeroom_database_wrong_guesses_total",
        Counter,
        "Batches that a database server refused because another node writes too, and which were done again by asking first",
    ),
    bare(
        "homeroom_database_retries_total",
        Counter,
        "Batches that lost against others on a database server (SQLSTATE 40001, 40P01) and were tried again",
    ),
    bare(
        "homeroom_writer_queue",
        Gauge,
        "Jobs at the writer of the store, the present one among them",
    ),
    bare(
        "homeroom_commit_seconds",
        Histogram,
        "Seconds of one transaction, syncing the disk included",
    ),
    bare(
        "homeroom_checkpoint_seconds",
        Histogram,
        "Seconds of writing the log back into the database",
    ),
    bare("homeroom_wal_bytes", Gauge, "Bytes of the log that are in use"),
    bare(
        "homeroom_clock_set_back_total",
        Counter,
        "Times that the wall clock was set back by seconds or more while the node ran",
    ),
    // Backups.
    labelled(
        "homeroom_backups_total",
        Counter,
        "Backups tried, by outcome",
        "outcome",
        &[],
    ),
    bare(
        "homeroom_backup_last_ok",
        LateGauge,
        "Whether the last backup tried was made (1) or failed (0)",
    ),
    bare(
        "homeroom_backup_age_seconds",
        LateGauge,
        "Seconds since the newest backup was made",
    ),
    bare(
        "homeroom_backup_made_timestamp_seconds",
        LateGauge,
        "When the newest backup was made, in seconds since 1970",
    ),
    bare(
        "homeroom_backup_seconds",
        Histogram,
        "Seconds that making a backup took",
    ),
    // Actors.
    bare(
        "homeroom_learners_awake",
        Gauge,
        "Learners in memory, at the last sweep",
    ),
    labelled(
        "homeroom_awake",
        Gauge,
        "Boards, teams and presences in memory",
        "kind",
        FAMILIES,
    ),
    labelled(
        "homeroom_wakes_total",
        Counter,
        "Learners woken from a snapshot or by replay alone",
        "kind",
        &["snapshot", "replay"],
    ),
    bare("homeroom_wake_seconds", Histogram, "Seconds to wake a learner"),
    bare(
        "homeroom_snapshots_unreadable_total",
        Counter,
        "Snapshots that could not be read, so that a stream was replayed",
    ),
    labelled(
        "homeroom_view_reads_total",
        Counter,
        "Reads of a learner's view, made already or made anew",
        "cache",
        &["hit", "miss"],
    ),
    labelled(
        "homeroom_board_reads_total",
        Counter,
        "Reads of a board, made already or waiting until it shows what came before them",
        "cache",
        &["hit", "miss"],
    ),
    labelled(
        "homeroom_team_reads_total",
        Counter,
        "Reads of a team's performance, likewise",
        "cache",
        &["hit", "miss"],
    ),
    labelled(
        "homeroom_presence_reads_total",
        Counter,
        "Reads of who is here in a team, likewise",
        "cache",
        &["hit", "miss"],
    ),
    labelled(
        "homeroom_actor_failures_total",
        Counter,
        "Actors that failed or hung, and were started again",
        "kind",
        ACTORS,
    ),
    labelled(
        "homeroom_actor_quarantines_total",
        Counter,
        "Actors left alone for a while, having failed again and again",
        "kind",
        ACTORS,
    ),
    // Live.
    labelled("homeroom_sessions", Gauge, "Live sessions, by role", "role", ROLES),
    labelled(
        "homeroom_topic_changes_total",
        Counter,
        "Changes told to boards and teams, before folding",
        "kind",
        FAMILIES,
    ),
    labelled(
        "homeroom_topic_messages_total",
        Counter,
        "Messages published, by kind of topic",
        "kind",
        TOPICS,
    ),
    bare("homeroom_frames_sent_total", Counter, "Text frames written to sockets"),
    bare("homeroom_outbox_bytes", Gauge, "Bytes waiting for sockets to take them"),
    bare(
        "homeroom_catch_up_pages_total",
        Counter,
        "Pages of the journal read for subscribers that were behind",
    ),
    labelled(
        "homeroom_snapshots_sent_total",
        Counter,
        "Snapshots sent to subscribers, by reason",
        "why",
        &["subscribe", "restart"],
    ),
    labelled(
        "homeroom_closes_total",
        Counter,
        "Sessions ended, by close code: 1000 the client went away, 4008 it was too slow",
        "code",
        &["1000", "1012", "4008"],
    ),
];

const fn bare(name: &'static str, kind: Kind, help: &'static str) -> Metric {
    labelled(name, kind, help, "", &[])
}

const fn labelled(
    name: &'static str,
    kind: Kind,
    help: &'static str,
    label: &'static str,
    values: &'static [&'static str],
) -> Metric {
    Metric {
        name,
        kind,
        help,
        label,
        values,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    fn named_in(directory: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(directory).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                named_in(&path, found);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                for call in ["counter!(\"", "gauge!(\"", "histogram!(\""] {
                    let names = text.split(call).skip(1).filter_map(|rest| rest.split('"').next());
                    found.extend(names.map(str::to_owned));
                }
            }
        }
    }

    #[test]
    fn every_metric_is_described_and_every_description_is_used() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut used = BTreeSet::new();
        for source in ["src", "actors/src", "schema/src"] {
            named_in(&root.join(source), &mut used);
        }
        let described: BTreeSet<String> = METRICS.iter().map(|metric| metric.name.to_owned()).collect();
        let used: BTreeSet<String> = used.into_iter().filter(|name| name.starts_with("homeroom_")).collect();
        assert_eq!(used, described);
        assert_eq!(described.len(), METRICS.len(), "one line each");
    }
}
