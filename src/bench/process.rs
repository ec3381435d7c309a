//! What the system says of processes: processor time, memory, bytes written; and of the machine itself.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

/// A clock tick of `/proc/*/stat` as every Linux of today has it (`USER_HZ` is 100).
const TICK: Duration = Duration::from_millis(10);

/// What processes have used so far, all of them together. All nought where the system does not tell it in `/proc`.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Usage {
    /// Processor time, user and system, in ticks of 10 ms.
    pub(super) cpu: Duration,
    /// Bytes that were handed to the disk.
    pub(super) written: u64,
}

impl Usage {
    /// Of processes and all that they have started.
    pub(super) fn of(roots: &[u32]) -> Self {
        let family = family(roots);
        Self {
            cpu: family.iter().map(|id| cpu(&id.to_string())).sum(),
            written: family
                .iter()
                .filter_map(|id| field(&format!("/proc/{id}/io"), "write_bytes:"))
                .sum(),
        }
    }

    /// Of this process.
    pub(super) fn own() -> Self {
        Self {
            cpu: cpu("self"),
            written: 0,
        }
    }

    pub(super) fn since(self, before: Self) -> Self {
        Self {
            cpu: self.cpu.saturating_sub(before.cpu),
            written: self.written.saturating_sub(before.written),
        }
    }
}

/// Bytes of memory that processes and all that they have started hold: of one process what is resident, of several the
/// proportional set size, so that memory they share counts once.
pub(super) fn memory(roots: &[u32]) -> u64 {
    let family = family(roots);
    let in_bytes = |kib: u64| kib * 1024;
    match family.as_slice() {
        [one] => resident(*one),
        several => several
            .iter()
            .filter_map(|id| field(&format!("/proc/{id}/smaps_rollup"), "Pss:").map(in_bytes))
            .sum(),
    }
}

/// Bytes of memory of one process that are resident now.
pub(super) fn resident(id: u32) -> u64 {
    field(&format!("/proc/{id}/status"), "VmRSS:").unwrap_or_default() * 1024
}

/// The most bytes of memory that one process ever had resident.
pub(super) fn most_resident(id: u32) -> u64 {
    field(&format!("/proc/{id}/status"), "VmHWM:").unwrap_or_default() * 1024
}

/// Whether the system tells of this process.
pub(super) fn exists(id: u32) -> bool {
    fs::metadata(format!("/proc/{id}/stat")).is_ok()
}

/// A line on where something was measured.
#[must_use]
pub fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processors
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("a processor without a name", |(_, model)| model);
    let memory_gib = field("/proc/meminfo", "MemTotal:").unwrap_or_default() as f64 / (1024.0 * 1024.0);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let os = std::env::consts::OS;
    format!("{cores} cores of {model}, {memory_gib:.0} GiB, {os} {}", kernel.trim())
}

/// The number after a name at the beginning of a line.
fn field(path: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix(name))?;
    value.split_whitespace().next()?.parse().ok()
}

/// The words of `stat` after the name, which stands in parentheses and may have spaces in it: the state is the first.
fn stat(process: &str) -> Option<Vec<u64>> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    let words = after_name.split_whitespace();
    Some(words.map(|word| word.parse().unwrap_or_default()).collect())
}

/// Processor time of a process and of those of its children that have ended: words 14 to 17 of proc_pid_stat(5).
fn cpu(process: &str) -> Duration {
    let words = stat(process).unwrap_or_default();
    let ticks: u64 = words.iter().skip(11).take(4).sum();
    TICK * u32::try_from(ticks).unwrap_or(u32::MAX)
}

/// Processes with all that they have started, directly or not, as they are now.
fn family(roots: &[u32]) -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return roots.to_vec();
    };
    let ids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let parents: Vec<(u32, u32)> = ids
        .filter_map(|id| Some((id, u32::try_from(*stat(&id.to_string())?.get(1)?).ok()?)))
        .collect();
    let mut family: BTreeSet<u32> = roots.iter().copied().collect();
    loop {
        let before = family.len();
        let children = parents.iter().filter(|(_, parent)| family.contains(parent));
        let children: Vec<u32> = children.map(|(id, _)| *id).collect();
        family.extend(children);
        if family.len() == before {
            return family.into_iter().collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn what_a_process_has_started_belongs_to_it() {
        let mut child = Command::new("sleep")
            .arg("60")
            .stdout(Stdio::null())
            .spawn()
            .expect("a child");
        let whole = family(&[std::process::id()]);
        assert!(whole.contains(&child.id()) && whole.contains(&std::process::id()));
        assert_eq!(family(&[child.id()]), [child.id()]);
        child.kill().expect("the child ends");
        child.wait().expect("the child ends");
    }

    #[test]
    fn used_time_and_memory_are_told() {
        let before = Usage::own();
        let mut sum = 0_u64;
        while Usage::own().since(before).cpu < 2 * TICK {
            sum = sum.wrapping_add(std::hint::black_box(1));
        }
        assert!(sum > 0);
        assert!(memory(&[std::process::id()]) > 1024 * 1024);
        assert!(machine().contains("cores of"));
    }
}
