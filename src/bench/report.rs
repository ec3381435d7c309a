//! What a run has shown: one JSON object for programs, one table for people.

use super::process::{Usage, machine};
use super::tally::Percentiles;
use super::target::Target;
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Bytes of a MiB.
const MIB: f64 = 1024.0 * 1024.0;

/// One run of one scenario.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Which.
    pub scenario: &'static str,
    /// What was asked for.
    pub settings: Value,
    /// Where it was measured.
    pub machine: String,
    /// How long was measured, in seconds.
    pub seconds: f64,
    /// What was done inside that time: awards acknowledged, reads answered, sessions opened.
    pub operations: u64,
    /// The same a second.
    pub operations_per_second: f64,
    /// From when an operation was due to its answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<Percentiles>,
    /// What live sessions received.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deliveries: Option<Deliveries>,
    /// What was not done, by status or code, warm-up included.
    pub refused: BTreeMap<String, u64>,
    /// What the node used; none where its processes are not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeUse>,
    /// Processor time of the generator for an operation, in microseconds: its own overhead.
    pub generator_cpu_us_per_operation: f64,
    /// Figures that only this scenario has, by name with their unit.
    #[serde(flatten)]
    pub further: BTreeMap<&'static str, f64>,
}

/// What live sessions received.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Deliveries {
    /// Messages.
    pub count: u64,
    /// Messages a second, over all sessions.
    pub per_second: f64,
    /// Mean bytes of a message.
    pub mean_bytes: f64,
    /// From when an award was due to its message at its own person's session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<Percentiles>,
}

/// What the node used while it was measured.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct NodeUse {
    /// Processors busy with it.
    pub cpu_cores: f64,
    /// Processor time for an operation, everything that follows from it included, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_us_per_operation: Option<f64>,
    /// Processor time for a delivery, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_us_per_delivery: Option<f64>,
    /// Bytes given to the disk for an operation, in KiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub written_kib_per_operation: Option<f64>,
    /// Memory at the end, in MiB.
    pub memory_mib: f64,
}

/// Notes what the node and the generator have used between two moments.
#[derive(Debug, Clone, Copy)]
pub(super) struct Meter {
    node: Usage,
    generator: Usage,
}

impl Meter {
    pub(super) fn read(target: &Target) -> Self {
        Self {
            node: target.usage(),
            generator: Usage::own(),
        }
    }

    pub(super) fn since(self, before: Self) -> Self {
        Self {
            node: self.node.since(before.node),
            generator: self.generator.since(before.generator),
        }
    }

    /// Processor time of the node, in seconds.
    pub(super) fn node_seconds(self) -> f64 {
        self.node.cpu.as_secs_f64()
    }
}

impl Report {
    /// A report with the figures that all scenarios have.
    pub(super) fn new(
        scenario: &'static str,
        settings: Value,
        seconds: f64,
        operations: u64,
        used: Meter,
        target: &Target,
    ) -> Self {
        let each = |what: f64| (operations > 0).then(|| what / operations as f64);
        let node = (!target.processes.is_empty()).then(|| NodeUse {
            cpu_cores: used.node_seconds() / seconds,
            cpu_us_per_operation: each(used.node_seconds() * 1e6),
            cpu_us_per_delivery: None,
            written_kib_per_operation: each(used.node.written as f64 / 1024.0),
            memory_mib: target.memory() as f64 / MIB,
        });
        Self {
            scenario,
            settings,
            machine: machine(),
            seconds,
            operations,
            operations_per_second: operations as f64 / seconds,
            latency_ms: None,
            deliveries: None,
            refused: BTreeMap::new(),
            node,
            generator_cpu_us_per_operation: each(used.generator.cpu.as_secs_f64() * 1e6).unwrap_or_default(),
            further: BTreeMap::new(),
        }
    }

    /// Adds what live sessions received.
    pub(super) fn delivered(&mut self, (count, bytes): (u64, u64), latency_ms: Option<Percentiles>) {
        self.deliveries = Some(Deliveries {
            count,
            per_second: count as f64 / self.seconds,
            mean_bytes: if count > 0 { bytes as f64 / count as f64 } else { 0.0 },
            latency_ms,
        });
        if let Some(node) = self.node.as_mut().filter(|_| count > 0) {
            node.cpu_us_per_delivery = Some(node.cpu_cores * self.seconds * 1e6 / count as f64);
        }
    }

    /// For programs, on one line.
    #[must_use]
    pub fn json(&self) -> String {
        // All keys are text.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// For people: one figure a line.
    #[must_use]
    pub fn text(&self) -> String {
        let mut rows: Vec<(String, String)> = Vec::new();
        let mut row = |name: &str, figure: String| rows.push((name.to_owned(), figure));
        row("scenario", format!("{} {}", self.scenario, self.settings));
        row("machine", self.machine.clone());
        row("measured", format!("{} s", number(self.seconds)));
        let rate = number(self.operations_per_second);
        row("operations", format!("{} ({rate} a second)", self.operations));
        if let Some(latency) = &self.latency_ms {
            row("latency", latency.text());
        }
        if let Some(deliveries) = &self.deliveries {
            let (rate, bytes) = (number(deliveries.per_second), number(deliveries.mean_bytes));
            let count = deliveries.count;
            row("deliveries", format!("{count} ({rate} a second, {bytes} bytes each)"));
            if let Some(latency) = &deliveries.latency_ms {
                row("award to own message", latency.text());
            }
        }
        for (why, count) in &self.refused {
            row(&format!("refused, {why}"), count.to_string());
        }
        if let Some(node) = &self.node {
            let each = |what: Option<f64>| what.map_or_else(|| "-".to_owned(), number);
            row("node processors busy", number(node.cpu_cores));
            row(
                "node CPU an operation",
                format!("{} us", each(node.cpu_us_per_operation)),
            );
            row("node CPU a delivery", format!("{} us", each(node.cpu_us_per_delivery)));
            row(
                "node wrote an operation",
                format!("{} KiB", each(node.written_kib_per_operation)),
            );
            row("node memory", format!("{} MiB", number(node.memory_mib)));
        }
        let overhead = number(self.generator_cpu_us_per_operation);
        row("generator CPU an operation", format!("{overhead} us"));
        for (name, figure) in &self.further {
            row(&name.replace('_', " "), number(*figure));
        }
        let mut table = Table::new();
        table.load_style(NOTHING);
        for (name, figure) in rows {
            table.add_row([name, figure]);
        }
        let lines = table.lines().map(|line| line.trim().to_owned());
        lines.collect::<Vec<_>>().join("\n")
    }
}

impl Percentiles {
    fn text(self) -> String {
        let [p50, p90, p99, p999, max] = [self.p50, self.p90, self.p99, self.p999, self.max].map(number);
        format!("p50 {p50}, p90 {p90}, p99 {p99}, p99.9 {p999}, most {max} ms")
    }
}

/// A figure with as many digits as mean something.
fn number(figure: f64) -> String {
    let digits = match figure.abs() {
        below if below < 10.0 => 2,
        below if below < 100.0 => 1,
        _ => 0,
    };
    format!("{figure:.digits$}")
}
