#![doc = include_str!("../README.md")]

pub mod cutting;
pub mod postgres;

pub use cutting::CuttingProxy;
pub use postgres::{Postgres, Stop};

use std::io::Write as _;

/// Says that tests were left out because this machine has no `what`; where `HOMEROOM_TOOLS=required`, that is a failure.
///
/// # Panics
/// When nothing may be left out.
pub fn left_out(tests: &str, what: &str) {
    let is_required = std::env::var_os("HOMEROOM_TOOLS").is_some_and(|value| value == "required");
    assert!(!is_required, "{tests}: there is no {what} on this machine");
    // Straight to the terminal: what a passing test prints is not shown.
    let _ = writeln!(
        std::io::stderr(),
        "\n!! LEFT OUT: {tests}: there is no {what} on this machine\n"
    );
}
