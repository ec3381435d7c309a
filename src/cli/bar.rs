//! A progress bar on stderr, for people only: a script or a file sees nothing of it.

use crate::backups::Step;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;

/// Steps of the bar.
const STEPS: u64 = 1_000;

/// A bar that goes away when it is dropped.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    pub(crate) fn new(what: &'static str) -> Self {
        let bar = if std::io::stderr().is_terminal() {
            ProgressBar::new(STEPS)
        } else {
            ProgressBar::hidden()
        };
        if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {percent}% {eta}") {
            bar.set_style(style);
        }
        bar.set_message(what);
        Self(bar)
    }

    /// Shows a share from 0 to 1.
    pub(crate) fn show(&self, share: f64) {
        self.0.set_position((share * STEPS as f64) as u64);
    }

    /// Shows how far the check of a backup has come.
    pub(super) fn step(&self, step: Step, share: f64) {
        self.0.set_message(match step {
            Step::Checksum => "reading",
            Step::Replay => "replaying",
        });
        self.show(share);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
