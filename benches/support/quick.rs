//! Settings of criterion for parts that take microseconds: a second of each is enough.

use criterion::Criterion;
use std::time::Duration;

pub(crate) fn quick() -> Criterion {
    Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
}
