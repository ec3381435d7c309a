//! Counters and times for Prometheus: what is measured and under which names. Labels have few values, never ids or names.

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::sync::OnceLock;
use std::time::Duration;

/// Requests by route and status.
const REQUESTS: &str = "homeroom_http_requests_total";
/// Seconds that requests took, by route.
const REQUEST_SECONDS: &str = "homeroom_http_request_seconds";
/// Live sessions now.
const SESSIONS: &str = "homeroom_sessions";
/// Upper ends of the histogram's buckets, in seconds.
const BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// The process's recorder: there is one, whichever nodes run in it.
static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// Counters and times of the process.
#[derive(Clone)]
pub struct Metrics {
    handle: Option<PrometheusHandle>,
}

impl Metrics {
    /// Installs the recorder when there is none yet.
    #[must_use]
    pub fn new() -> Self {
        let handle = RECORDER.get_or_init(|| {
            let builder = PrometheusBuilder::new();
            let builder = builder.set_buckets_for_metric(Matcher::Full(REQUEST_SECONDS.into()), &BUCKETS);
            let handle = builder.and_then(|builder| builder.install_recorder()).ok()?;
            metrics::describe_counter!(REQUESTS, "HTTP requests answered, by method, route and status");
            metrics::describe_histogram!(
                REQUEST_SECONDS,
                "Seconds from a request to its answer, by method and route"
            );
            metrics::describe_gauge!(SESSIONS, "Live sessions");
            describe_backups();
            Some(handle)
        });
        Self { handle: handle.clone() }
    }

    /// Counts an answered request. `route` is a template, never a path that a client made up.
    pub fn request(&self, method: &'static str, route: &str, status: u16, took: Duration) {
        let labels = [("method", method.to_owned()), ("route", route.to_owned())];
        metrics::histogram!(REQUEST_SECONDS, &labels).record(took.as_secs_f64());
        let [method, route] = labels;
        metrics::counter!(REQUESTS, &[method, route, ("status", status.to_string())]).increment(1);
    }

    /// The text for Prometheus.
    #[must_use]
    pub fn render(&self, sessions: usize) -> String {
        metrics::gauge!(SESSIONS).set(sessions as f64);
        self.handle.as_ref().map(PrometheusHandle::render).unwrap_or_default()
    }
}

/// What `backups` measures.
fn describe_backups() {
    metrics::describe_counter!("homeroom_backups_total", "Backups tried, by outcome");
    metrics::describe_gauge!(
        "homeroom_backup_last_ok",
        "Whether the last backup tried was made (1) or failed (0)"
    );
    metrics::describe_gauge!(
        "homeroom_backup_age_seconds",
        "Seconds since the newest backup was made"
    );
    metrics::describe_gauge!(
        "homeroom_backup_made_timestamp_seconds",
        "When the newest backup was made, in seconds since 1970"
    );
    metrics::describe_histogram!("homeroom_backup_seconds", "Seconds that making a backup took");
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}
