//! Counters and times for Prometheus: how they are gathered and shown. Which there are is in `names`, and nowhere else.

mod names;

use homeroom_schema::limits::METRICS_UPKEEP_EVERY;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use metrics_process::Collector;
use names::{Kind, METRICS, Metric};
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

/// Upper ends of the buckets of times, in seconds: a commit takes milliseconds, a wait of seconds is trouble.
const SECONDS: [f64; 15] = [
    0.000_1, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];
/// Upper ends of the buckets of counts, up to the largest batch.
const COUNTS: [f64; 9] = [1.0, 2.0, 4.0, 16.0, 64.0, 256.0, 1_024.0, 2_048.0, 4_096.0];

/// The process's recorder: there is one, whichever nodes run in it.
static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// Counters and times of the process.
#[derive(Clone)]
pub struct Metrics {
    handle: Option<PrometheusHandle>,
    process: Collector,
}

impl Metrics {
    /// Installs the recorder when there is none yet.
    #[must_use]
    pub fn new() -> Self {
        let process = Collector::default();
        let handle = RECORDER.get_or_init(|| {
            let handle = builder().and_then(PrometheusBuilder::install_recorder).ok()?;
            METRICS.iter().for_each(announce);
            process.describe();
            metrics::gauge!("homeroom_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
            Some(handle)
        });
        Self {
            handle: handle.clone(),
            process,
        }
    }

    /// Counts an answered request. `route` is a template, never a path that a client made up.
    pub fn request(&self, method: &'static str, route: &str, status: u16, took: Duration) {
        let labels = [("method", method.to_owned()), ("route", route.to_owned())];
        metrics::histogram!("homeroom_http_request_seconds", &labels).record(took.as_secs_f64());
        let [method, route] = labels;
        let labels = [method, route, ("status", status.to_string())];
        metrics::counter!("homeroom_http_requests_total", &labels).increment(1);
    }

    /// The text for Prometheus; with what is looked up only now, such as the size of the files in `data`.
    #[must_use]
    pub fn render(&self, data: &Path) -> String {
        self.process.collect();
        measure_disk(data);
        self.handle.as_ref().map(PrometheusHandle::render).unwrap_or_default()
    }

    /// Takes in what was recorded since the last time: without it times would be kept one by one until somebody asks. Never
    /// returns.
    pub async fn keep_up(self) -> std::convert::Infallible {
        loop {
            tokio::time::sleep(METRICS_UPKEEP_EVERY).await;
            if let Some(handle) = &self.handle {
                handle.run_upkeep();
            }
        }
    }
}

fn builder() -> Result<PrometheusBuilder, BuildError> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &SECONDS)?
        .set_buckets_for_metric(Matcher::Full("homeroom_batch_appends".into()), &COUNTS)
}

/// Describes a metric, and has it there from the start: what has not happened yet is 0, not unknown.
fn announce(metric: &Metric) {
    let Metric {
        name,
        kind,
        help,
        label,
        values,
    } = *metric;
    match kind {
        Kind::Counter => metrics::describe_counter!(name, help),
        Kind::Gauge | Kind::LateGauge => metrics::describe_gauge!(name, help),
        Kind::Histogram => metrics::describe_histogram!(name, help),
    }
    let labels = values.iter().map(|value| vec![metrics::Label::new(label, *value)]);
    let bare = label.is_empty().then(Vec::new);
    for labels in labels.chain(bare) {
        match kind {
            Kind::Counter => metrics::counter!(name, labels).increment(0),
            Kind::Gauge => metrics::gauge!(name, labels).increment(0.0),
            Kind::Histogram => drop(metrics::histogram!(name, labels)),
            Kind::LateGauge => {}
        }
    }
}

fn measure_disk(data: &Path) {
    let bytes = std::fs::metadata(data.join("homeroom.sqlite3")).map_or(0, |file| file.len());
    metrics::gauge!("homeroom_database_bytes").set(bytes as f64);
    if let Ok(disk) = rustix::fs::statvfs(data) {
        metrics::gauge!("homeroom_disk_free_bytes").set(disk.f_bavail.saturating_mul(disk.f_frsize) as f64);
    }
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
