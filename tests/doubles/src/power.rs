//! A disk that forgets what was not synced: an order of what SQLite did to the files below a directory, and what a machine would
//! find of them after a power cut at any of these moments.

mod vfs;

use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a disk keeps or loses as one: nothing smaller is ever torn.
const SECTOR: usize = 512;

/// One thing that happened, in order.
#[derive(Debug)]
enum Step {
    Write {
        file: usize,
        offset: usize,
        bytes: Box<[u8]>,
    },
    Truncate {
        file: usize,
        length: usize,
    },
    /// From here on everything before it survives, of this file; and if the directory was synced with it, all deletions.
    Sync {
        file: usize,
        with_directory: bool,
    },
    Delete {
        file: usize,
        is_synced: bool,
    },
    /// The test says something: somebody was told that a write is durable.
    Mark(u64),
}

/// What becomes, at the cut, of what was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// It is gone.
    Forgotten,
    /// Of each file its beginning is there in the order written, up to a sector in the middle of a write.
    Torn,
    /// Any sectors are there and any others are not: disks write in the order that suits them.
    Scattered,
    /// The files have grown, but what was written is zeros: lengths were kept before contents.
    Zeroed,
}

impl Rest {
    /// All there are.
    pub const ALL: [Self; 4] = [Self::Forgotten, Self::Torn, Self::Scattered, Self::Zeroed];
}

/// What a cut took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Loss {
    /// Writes, truncations and deletions that were not synced.
    pub unsynced: u64,
    /// Of these, writes that are there in part.
    pub torn: u64,
}

/// The files below a directory, as SQLite works on them. Recording ends with the last clone.
#[derive(Debug, Clone)]
pub struct Disk {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    root: PathBuf,
    /// What was there when recording began: durable.
    before: BTreeMap<PathBuf, Vec<u8>>,
    log: Mutex<Log>,
}

#[derive(Debug, Default)]
struct Log {
    files: Vec<PathBuf>,
    steps: Vec<Step>,
}

impl Disk {
    /// Records what is done to databases below `root` from now on; what is there already counts as synced. Databases that are
    /// open already are not seen.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn record(root: &Path) -> io::Result<Self> {
        let root = fs::canonicalize(root)?;
        let mut before = BTreeMap::new();
        for entry in fs::read_dir(&root)? {
            let path = entry?.path();
            if path.is_file() && is_durable(&path) {
                before.insert(path.clone(), fs::read(path)?);
            }
        }
        let disk = Self {
            inner: Arc::new(Inner {
                root,
                before,
                log: Mutex::default(),
            }),
        };
        vfs::watch(&disk);
        Ok(disk)
    }

    /// Notes that by now somebody was told something. Only what happened before counts for it.
    pub fn mark(&self, what: u64) {
        self.inner.log.lock().steps.push(Step::Mark(what));
    }

    /// Moments at which the power can be cut: before each step, and after the last.
    #[must_use]
    pub fn moments(&self) -> usize {
        self.inner.log.lock().steps.len()
    }

    /// What somebody had been told before a moment.
    #[must_use]
    pub fn marks_before(&self, moment: usize) -> Vec<u64> {
        let log = self.inner.log.lock();
        let marks = log.steps.iter().take(moment).filter_map(|step| match step {
            Step::Mark(what) => Some(*what),
            _ => None,
        });
        marks.collect()
    }

    /// Puts into `into`, an empty directory, what is found after a power cut at a moment. `random` decides what is torn.
    ///
    /// # Errors
    /// When the files cannot be written.
    pub fn cut(&self, moment: usize, rest: Rest, mut random: impl FnMut() -> u64, into: &Path) -> io::Result<Loss> {
        let log = self.inner.log.lock();
        let steps = &log.steps[..moment.min(log.steps.len())];
        let mut loss = Loss::default();
        let mut images = self.inner.before.clone();
        let directory = steps.iter().rposition(|step| {
            matches!(
                step,
                Step::Sync {
                    with_directory: true,
                    ..
                }
            )
        });
        for (file, path) in log.files.iter().enumerate() {
            let of_file = steps.iter().enumerate().filter(|(_, step)| step.file() == Some(file));
            let (places, of_file): (Vec<usize>, Vec<&Step>) = of_file.unzip();
            let is_durable = |place: usize| match of_file[place] {
                Step::Delete { is_synced, .. } => *is_synced || directory.is_some_and(|at| at > places[place]),
                step => matches!(step, Step::Sync { .. }),
            };
            let synced = (0..of_file.len()).rposition(is_durable).map_or(0, |last| last + 1);
            let mut image = images.remove(path);
            for step in &of_file[..synced] {
                step.apply(&mut image);
            }
            let open = &of_file[synced..];
            loss.unsynced += open.len() as u64;
            loss.torn += tear(open, rest, &mut random, &mut image);
            if let Some(image) = image {
                images.insert(path.clone(), image);
            }
        }
        for (path, image) in images {
            let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
            fs::write(into.join(name), image)?;
        }
        Ok(loss)
    }

    fn is_above(&self, path: &Path) -> bool {
        path.starts_with(&self.inner.root)
    }

    fn file(&self, path: &Path) -> usize {
        let files = &mut self.inner.log.lock().files;
        files.iter().position(|known| known == path).unwrap_or_else(|| {
            files.push(path.to_owned());
            files.len() - 1
        })
    }

    fn note(&self, step: Step) {
        self.inner.log.lock().steps.push(step);
    }
}

/// The index of the log is memory of the machine, and never survives it.
fn is_durable(path: &Path) -> bool {
    let name = path.to_string_lossy();
    name.ends_with(".sqlite3") || name.ends_with("-wal") || name.ends_with("-journal")
}

impl Step {
    const fn file(&self) -> Option<usize> {
        match self {
            Self::Write { file, .. }
            | Self::Truncate { file, .. }
            | Self::Sync { file, .. }
            | Self::Delete { file, .. } => Some(*file),
            Self::Mark(_) => None,
        }
    }

    fn apply(&self, image: &mut Option<Vec<u8>>) {
        match self {
            Self::Write { offset, bytes, .. } => put(image.get_or_insert_default(), *offset, bytes),
            Self::Truncate { length, .. } => image.get_or_insert_default().resize(*length, 0),
            Self::Sync { .. } => {
                image.get_or_insert_default();
            }
            Self::Delete { .. } => *image = None,
            Self::Mark(_) => {}
        }
    }
}

fn put(image: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if image.len() < end {
        image.resize(end, 0);
    }
    image[offset..end].copy_from_slice(bytes);
}

/// Decides about what was not synced. Returns how many writes are there in part.
fn tear(open: &[&Step], rest: Rest, random: &mut impl FnMut() -> u64, image: &mut Option<Vec<u8>>) -> u64 {
    match rest {
        Rest::Forgotten => 0,
        Rest::Torn => {
            if open.is_empty() {
                return 0;
            }
            let whole = (random() % open.len() as u64) as usize;
            open[..whole].iter().for_each(|step| step.apply(image));
            let Step::Write { offset, bytes, .. } = open[whole] else {
                return 0;
            };
            let sectors = sectors(*offset, bytes.len());
            let kept = (random() % (sectors.len() as u64 + 1)) as usize;
            let end = sectors[..kept].last().map_or(0, |(_, to)| *to);
            if end > 0 {
                put(image.get_or_insert_default(), *offset, &bytes[..end]);
            }
            u64::from(kept > 0 && kept < sectors.len())
        }
        Rest::Scattered => {
            let mut torn = 0;
            for step in open {
                match step {
                    Step::Write { offset, bytes, .. } => {
                        let sectors = sectors(*offset, bytes.len());
                        let kept: Vec<_> = sectors.iter().filter(|_| random().is_multiple_of(2)).collect();
                        torn += u64::from(!kept.is_empty() && kept.len() < sectors.len());
                        for (from, to) in kept {
                            put(image.get_or_insert_default(), offset + from, &bytes[*from..*to]);
                        }
                    }
                    other if random().is_multiple_of(2) => other.apply(image),
                    _ => {}
                }
            }
            torn
        }
        Rest::Zeroed => {
            let mut torn = 0;
            for step in open {
                if let Step::Write { offset, bytes, .. } = step
                    && let Some(image) = image
                    && image.len() < offset + bytes.len()
                {
                    image.resize(offset + bytes.len(), 0);
                    torn += 1;
                }
            }
            torn
        }
    }
}

/// The sectors that a write touches, as parts of it.
fn sectors(offset: usize, length: usize) -> Vec<(usize, usize)> {
    let mut parts = Vec::new();
    let mut from = 0;
    while from < length {
        let to = (SECTOR - (offset + from) % SECTOR + from).min(length);
        parts.push((from, to));
        from = to;
    }
    parts
}

#[cfg(test)]
mod tests;
