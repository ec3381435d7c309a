//! Directories of data for the check: the shipped samples, changed copies of them, and the real data where it is at hand.

use homeroom::replay::plan::Shape;
use homeroom::replay::sample;
use std::io::Write;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A directory that goes when it is dropped.
pub struct DataDirectory(TempDir);

/// How a copy differs from its original.
#[derive(Debug, Clone, Copy)]
pub struct Change {
    ids: bool,
    fewer_runs: bool,
    names: bool,
    order: bool,
}

impl Change {
    const NONE: Self = Self {
        ids: false,
        fewer_runs: false,
        names: false,
        order: false,
    };
    /// Every id another one and in another order; a run missing; files under other names in another order; rows of one time
    /// in another order; all of it.
    pub const EACH: [Self; 5] = [
        Self {
            ids: true,
            ..Self::NONE
        },
        Self {
            fewer_runs: true,
            ..Self::NONE
        },
        Self {
            names: true,
            ..Self::NONE
        },
        Self {
            order: true,
            ..Self::NONE
        },
        Self {
            ids: true,
            fewer_runs: true,
            names: true,
            order: true,
        },
    ];
}

impl DataDirectory {
    /// The shipped sample.
    pub fn sample(shape: Shape) -> Self {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in sample::files(shape) {
            std::fs::write(directory.path().join(name), text).unwrap();
        }
        Self(directory)
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// A changed copy.
    pub fn changed(&self, change: Change) -> Self {
        let copy = tempfile::tempdir().unwrap();
        let files = csv_files(self.path());
        let count = files.len();
        for (number, file) in files.iter().enumerate() {
            let (header, mut rows) = read(file);
            change_rows(change, &header, &mut rows);
            let name = if change.names {
                format!("{} of {count}.CSV", count - number)
            } else {
                name_of(file)
            };
            let mut writer = csv::Writer::from_path(copy.path().join(name)).unwrap();
            writer.write_record(&header).unwrap();
            for row in rows {
                writer.write_record(&row).unwrap();
            }
            writer.flush().unwrap();
        }
        Self(copy)
    }
}

/// The CSV files of a directory by name.
pub fn csv_files(directory: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

pub fn name_of(file: &Path) -> String {
    file.file_name().unwrap().to_string_lossy().into_owned()
}

/// Header and rows of a file, as text.
pub fn read(file: &Path) -> (Vec<String>, Vec<Vec<String>>) {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_path(file).unwrap();
    let texts = |record: csv::StringRecord| record.iter().map(str::to_owned).collect::<Vec<_>>();
    let mut records = reader.records().map(|record| texts(record.unwrap()));
    let header = records.next().unwrap();
    (header, records.collect())
}

fn change_rows(change: Change, header: &[String], rows: &mut Vec<Vec<String>>) {
    let column = |name: &str| header.iter().position(|column| column == name);
    if change.fewer_runs {
        if let Some(run) = column("run") {
            rows.retain(|row| row[run] != "m2-f17");
        }
        if let (Some(module), Some(presentation)) = (column("code_module"), column("code_presentation")) {
            rows.retain(|row| (row[module].as_str(), row[presentation].as_str()) != ("AAA", "2013J"));
        }
        if let (Some(assessment), Some(_)) = (column("id_assessment"), column("date_submitted")) {
            // The assessments of the run that is gone.
            rows.retain(|row| !(1_752..=1_757).contains(&row[assessment].parse::<u64>().unwrap()));
        }
    }
    if change.order {
        let time = column("time").or_else(|| column("date_submitted"));
        if let Some(time) = time {
            rows.reverse();
            rows.sort_by_key(|row| {
                if row[time].contains('T') {
                    (row[time].clone(), 0)
                } else {
                    (String::new(), 0)
                }
            });
        }
    }
    if change.ids {
        for (place, name) in header.iter().enumerate() {
            let Some((times, plus)) = other_id(name) else { continue };
            for row in rows.iter_mut().filter(|row| !row[place].is_empty()) {
                let id: i64 = row[place].parse().unwrap();
                row[place] = (id * times + plus).to_string();
            }
        }
    }
}

/// How the ids of a column change; the factor −1 turns their order round.
fn other_id(column: &str) -> Option<(i64, i64)> {
    match column {
        "actor_id" | "affected_id" | "id_student" => Some((-1, 40_000_000)),
        "module_id" | "id_assessment" => Some((3, 500_001)),
        "group_id" => Some((7, 11)),
        "grade_item_id" => Some((2, 1)),
        _ => None,
    }
}

/// The directory of the real data of a shape, or a loud note that a test was left out.
pub fn real(shape: Shape, test: &str) -> Option<PathBuf> {
    let root = std::env::var_os("HOMEROOM_REAL_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"),
        PathBuf::from,
    );
    let directory = root.join(shape.name());
    if directory.is_dir() {
        return Some(directory);
    }
    // Past the capture of the test runner: a test that was not run must not look like one that passed.
    let note = format!("\nLEFT OUT: {test}: no real data at hand; HOMEROOM_REAL_DATA names its directory\n");
    let _ = std::io::stderr().write_all(note.as_bytes());
    None
}
