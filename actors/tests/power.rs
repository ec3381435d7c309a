//! Power cuts: the engine on the real SQLite store, on a disk that forgets what was not synced. Whatever was acknowledged before a
//! cut is there after it, at whichever moment it comes, and the database agrees with itself.
#![allow(clippy::disallowed_methods, reason = "a test awaits the tasks that it spawns")]

use crate::support::report::report_row;
use crate::support::{School, TestClock, earn, progress, settings, user};
use homeroom_actors::domain::Action;
use homeroom_actors::verify::verify;
use homeroom_actors::{Clock, Engine};
use homeroom_doubles::power::{Disk, Loss, Rest};
use homeroom_schema::records::StreamId;
use homeroom_schema::sqlite::DatabaseFile;
use homeroom_schema::{Durability, SqliteOptions, SqliteStore, Store, Version};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

const PEOPLE: u64 = 12;

/// The long version was asked for.
fn is_soak() -> bool {
    std::env::var_os("HOMEROOM_SOAK").is_some_and(|value| value != "0")
}

/// SplitMix64: the same seed cuts at the same moments.
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// A school on a directory, through several power cuts.
struct Cuts {
    directory: TempDir,
    durability: Durability,
    state: u64,
    /// References are used once, over all rounds.
    next: u64,
    /// What was acknowledged and has to be there.
    told: BTreeSet<u64>,
    found: Found,
}

#[derive(Debug, Default)]
struct Found {
    cuts: u64,
    losses: Loss,
    acknowledged: u64,
    lost: u64,
    unsound: Vec<String>,
}

impl Cuts {
    async fn new(durability: Durability, seed: u64) -> Self {
        let cuts = Self {
            directory: tempfile::tempdir().unwrap(),
            durability,
            state: seed,
            next: 1,
            told: BTreeSet::new(),
            found: Found::default(),
        };
        let school = cuts.open().await;
        school.import(PEOPLE).await;
        school.engine.stop().await;
        cuts
    }

    async fn open(&self) -> School {
        let store = Arc::new(SqliteStore::open(options(self.directory.path(), self.durability)).unwrap());
        let clock = TestClock::new();
        let engine = Engine::start(
            Arc::clone(&store) as _,
            Arc::clone(&clock) as Arc<dyn Clock>,
            settings(),
        );
        School {
            engine: engine.await.unwrap(),
            clock,
            store,
        }
    }

    fn random(&mut self) -> u64 {
        random(&mut self.state)
    }

    /// Works on the disk for a while, cuts the power at some moments of that, looks at what is found after each, and goes on
    /// from the last of them.
    async fn round(&mut self, awards: u64, cuts: usize) {
        let disk = Disk::record(self.directory.path()).unwrap();
        let school = self.open().await;
        let mut under_way = Vec::new();
        for _ in 0..awards {
            let reference = self.next;
            self.next += 1;
            let person = 1 + self.random() % PEOPLE;
            if self.random().is_multiple_of(4) {
                let percentage = (self.random() % 101) as u8;
                let _ = school
                    .engine
                    .progress(progress(person, 101, percentage), None)
                    .await
                    .unwrap()
                    .outcome()
                    .await;
            }
            let pending = school
                .engine
                .earn(earn(person, Action::ReadContent, reference), None)
                .await
                .unwrap();
            let disk = disk.clone();
            under_way.push(tokio::spawn(async move {
                pending.outcome().await.unwrap();
                disk.mark(reference);
            }));
            // Batches of all sizes: mostly some are under way together.
            if self.random().is_multiple_of(3) {
                for told in under_way.drain(..) {
                    told.await.unwrap();
                }
            }
        }
        for told in under_way {
            told.await.unwrap();
        }
        if self.random().is_multiple_of(2) {
            school.engine.stop().await;
        }
        let moments = disk.moments();
        let mut last = None;
        for _ in 0..cuts {
            let moment = (self.random() % (moments as u64 + 1)) as usize;
            let rest = Rest::ALL[(self.random() % Rest::ALL.len() as u64) as usize];
            last = Some(self.cut(&disk, moment, rest).await);
        }
        school.engine.stop().await;
        drop(disk);
        if let Some((directory, told)) = last {
            self.directory = directory;
            self.told = told;
        }
    }

    /// Cuts the power at a moment and looks at what is found. Gives the directory, with what had been acknowledged by then.
    async fn cut(&mut self, disk: &Disk, moment: usize, rest: Rest) -> (TempDir, BTreeSet<u64>) {
        let directory = tempfile::tempdir().unwrap();
        let mut state = self.random();
        let loss = disk.cut(moment, rest, || random(&mut state), directory.path()).unwrap();
        self.found.cuts += 1;
        self.found.losses.unsynced += loss.unsynced;
        self.found.losses.torn += loss.torn;
        let mut told = self.told.clone();
        told.extend(disk.marks_before(moment));
        self.found.acknowledged += told.len() as u64;
        let what = format!("{rest:?} at {moment} of {}", disk.moments());
        match there(directory.path(), self.durability).await {
            Ok(there) => {
                let lost: Vec<_> = told.difference(&there).collect();
                self.found.lost += lost.len() as u64;
                // From here on those that were lost are not missed again.
                told = there;
            }
            Err(why) => self.found.unsound.push(format!("{what}: {why}")),
        }
        (directory, told)
    }
}

fn options(directory: &Path, durability: Durability) -> SqliteOptions {
    SqliteOptions {
        directory: directory.to_owned(),
        durability,
        readers: 1,
    }
}

/// References awarded in what is found after a cut, once it was opened as a node opens it; or what is wrong with it.
async fn there(directory: &Path, durability: Durability) -> Result<BTreeSet<u64>, String> {
    let store = SqliteStore::open(options(directory, durability)).map_err(|error| error.to_string())?;
    let mut references = BTreeSet::new();
    for person in 1..=PEOPLE {
        let stream = StreamId::learner(user(person));
        let events = store.read_stream(stream, Version::ZERO, 100_000).await;
        for event in events.map_err(|error| error.to_string())? {
            let body: serde_json::Value = serde_json::from_str(&event.body).map_err(|error| error.to_string())?;
            if event.event_type == "points_awarded" {
                let reference = body["reference"]
                    .as_u64()
                    .ok_or_else(|| format!("no reference in {body}"))?;
                if !references.insert(reference) {
                    return Err(format!("{reference} was awarded twice"));
                }
            }
        }
    }
    store.close().await.map_err(|error| error.to_string())?;
    let file = DatabaseFile::open(store.file()).map_err(|error| error.to_string())?;
    let damage = file.structure().map_err(|error| error.to_string())?;
    if !damage.is_empty() {
        return Err(format!("damaged: {damage:?}"));
    }
    let findings = verify(&file, |_, _| ()).map_err(|error| error.to_string())?;
    if findings.is_sound() {
        Ok(references)
    } else {
        Err(format!("contradictions: {:?}", findings.named))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fd2_a_power_cut_takes_nothing_that_was_acknowledged() {
    let (rounds, awards, cuts) = if is_soak() { (30, 120, 20) } else { (4, 60, 6) };
    let mut world = Cuts::new(Durability::Full, 2).await;
    for _ in 0..rounds {
        world.round(awards, cuts).await;
    }
    let Found {
        cuts,
        losses,
        acknowledged,
        lost,
        unsound,
    } = world.found;
    assert_eq!((lost, unsound), (0, Vec::new()));
    assert!(losses.unsynced > 0 && acknowledged > 0);
    let what = "power cut: what was not synced is gone or torn (own disk below SQLite, full)";
    let outcome = format!("{acknowledged} acknowledged looked for, 0 lost, every database sound");
    report_row("F-D2", what, cuts, &outcome);
    report_row(
        "F-D3",
        "writes torn between sectors by a power cut",
        losses.torn,
        "every database sound",
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fd2_without_syncing_a_power_cut_takes_what_was_acknowledged() {
    // The double works: the setting that does not wait for the disk loses, and loses the newest only.
    let mut world = Cuts::new(Durability::Process, 2).await;
    for _ in 0..2 {
        world.round(60, 6).await;
    }
    let Found {
        cuts, lost, unsound, ..
    } = world.found;
    assert!(lost > 0, "what was not synced was there after a cut");
    assert_eq!(unsound, Vec::<String>::new(), "less, but sound");
    let outcome = format!("{lost} acknowledged awards lost: why `full` is the default");
    report_row("F-D2", "power cut with durability `process`", cuts, &outcome);
}
