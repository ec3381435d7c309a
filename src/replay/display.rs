//! How far a replay is, on standard error: a bar on a terminal, else a line now and then.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;

const BAR_EVERY: Duration = Duration::from_millis(100);
const LINE_EVERY: Duration = Duration::from_secs(10);

/// A display that follows a counter.
pub(super) struct Display {
    task: JoinHandle<()>,
    bar: ProgressBar,
}

/// Follows `settled` on its way to `all`.
pub(super) fn show(all: u64, settled: Arc<AtomicU64>) -> Display {
    let bar = ProgressBar::with_draw_target(Some(all), ProgressDrawTarget::hidden());
    let is_terminal = std::io::stderr().is_terminal();
    if is_terminal {
        bar.set_draw_target(ProgressDrawTarget::stderr());
        let template = "{bar:40} {human_pos}/{human_len} commands, {per_sec}, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
    }
    let task = tokio::spawn(follow(bar.clone(), all, settled, is_terminal));
    Display { task, bar }
}

async fn follow(bar: ProgressBar, all: u64, settled: Arc<AtomicU64>, is_terminal: bool) {
    let mut ticks = tokio::time::interval(if is_terminal { BAR_EVERY } else { LINE_EVERY });
    ticks.tick().await;
    loop {
        ticks.tick().await;
        let count = settled.load(Ordering::Relaxed);
        if is_terminal {
            bar.set_position(count);
        } else {
            eprintln!("{count} of {all} commands");
        }
    }
}

impl Display {
    /// Takes the bar away.
    pub(super) async fn finish(self) {
        self.task.abort();
        let _ = self.task.await;
        self.bar.finish_and_clear();
    }
}
