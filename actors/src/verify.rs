//! Whether a database agrees with itself: every stream is folded from nothing and compared with the heads, the ledger, the
//! progress and the roster that are kept beside it (I2, I3, I4, I6). For backups, and for files that somebody else has touched.

mod evidence;
mod replayed;
mod roster;

pub use replayed::same_learners;

use crate::domain::event::LearnerEvent;
use crate::domain::{Learner, evolve, invariants};
use crate::learners::{carried_rows, parse, rows_of};
use homeroom_schema::limits::{CONTRADICTIONS_NAMED_MAX, STREAM_PAGE_MAX};
use homeroom_schema::records::{LearnerHead, LedgerRow, Row, StoredEvent, StreamId, StreamKind};
use homeroom_schema::sqlite::DatabaseFile;
use homeroom_schema::{EventId, StoreError, UserId, Version};
use std::collections::{BTreeMap, VecDeque};

/// What was looked at, and what does not agree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// Events of all streams.
    pub events: u64,
    /// Learners whose streams were folded.
    pub learners: u64,
    /// Entries of the ledger compared.
    pub entries: u64,
    /// The first contradictions, for people. They hold ids, never names.
    pub named: Vec<String>,
    /// Contradictions in all.
    pub contradictions: u64,
}

impl Findings {
    /// Whether everything agrees.
    #[must_use]
    pub const fn is_sound(&self) -> bool {
        self.contradictions == 0
    }

    fn note(&mut self, what: impl Into<String>) {
        self.contradictions += 1;
        if self.named.len() < CONTRADICTIONS_NAMED_MAX {
            self.named.push(what.into());
        }
    }
}

/// Folds everything and compares; blocks. `show` is told how many of how many steps are done. Memory: one learner at a time.
///
/// # Errors
/// When the file cannot be read to its end; a record that cannot be read is a finding.
pub fn verify(file: &DatabaseFile, mut show: impl FnMut(u64, u64)) -> Result<Findings, StoreError> {
    let mut findings = Findings::default();
    let counts = file.counts()?;
    let steps = counts.events + counts.learner_events;
    let mut done = 0;
    let mut step = |events: u64| {
        done += events;
        show(done, steps);
    };
    let journal = journal(file, &mut findings, &mut step).and_then(|()| roster::compare(file, &mut findings));
    match journal.and_then(|()| streams(file, &mut findings, &mut step)) {
        Ok(progress_rows) => {
            if progress_rows != counts.progress_rows {
                findings.note(format!(
                    "{} rows of progress are stored, the streams make {progress_rows}",
                    counts.progress_rows
                ));
            }
        }
        // A row that is no row of ours, or a page that cannot be read: that is what was asked.
        Err(StoreError::Damaged { cause } | StoreError::Fatal { cause }) => findings.note(cause),
        Err(error) => return Err(error),
    }
    Ok(findings)
}

/// Every entry of the ledger is the one that its event makes, and there are no others.
fn journal(file: &DatabaseFile, findings: &mut Findings, step: &mut impl FnMut(u64)) -> Result<(), StoreError> {
    let mut ledger = Ledger::new(file);
    let mut after = None;
    loop {
        let page = file.journal(after, STREAM_PAGE_MAX)?;
        for stored in &page {
            findings.events += 1;
            if stored.stream.kind == StreamKind::Learner {
                entry(stored, &mut ledger, findings)?;
            }
        }
        step(page.len() as u64);
        after = page.last().map(|stored| stored.event_id);
        if page.len() < STREAM_PAGE_MAX {
            break;
        }
    }
    ledger.pass(EventId::MAX, findings)?;
    for event_id in ledger.waiting.keys() {
        findings.note(format!("entry {event_id} of the ledger has no event"));
    }
    Ok(())
}

fn entry(stored: &StoredEvent, ledger: &mut Ledger<'_>, findings: &mut Findings) -> Result<(), StoreError> {
    let Ok((event, _)) = parse(stored) else {
        findings.note(format!("event {} is no fact of a learner", stored.event_id));
        return Ok(());
    };
    if event.occurred_at() != stored.occurred_at || event.event_type() != stored.event_type {
        findings.note(format!(
            "event {} says another time or type than its row",
            stored.event_id
        ));
    }
    let Ok(user_id) = UserId::new(stored.stream.id) else {
        findings.note(format!("event {} belongs to nobody", stored.event_id));
        return Ok(());
    };
    if matches!(event, LearnerEvent::StateCarried { .. }) {
        return carried(stored.event_id, &carried_rows(user_id, &event), ledger, findings);
    }
    let mut rows = rows_of(user_id, 0, &event).into_iter();
    let Some(Row::Points { points, .. }) = rows.next() else {
        return Ok(());
    };
    if matches!(event, LearnerEvent::PointsAdjusted { .. }) {
        let parts = rows.filter_map(|row| match row {
            Row::PointPart { record, .. } => Some(record),
            _ => None,
        });
        if !ledger.file.point_parts(stored.event_id)?.into_iter().eq(parts) {
            findings.note(format!("the parts of entry {} differ from its event", stored.event_id));
        }
    }
    findings.entries += 1;
    ledger.pass(stored.event_id, findings)?;
    match ledger.next_at(stored.event_id)? {
        None => findings.note(format!("event {} has no entry in the ledger", stored.event_id)),
        Some(kept) if kept != LedgerRow::of(stored.event_id, &points) => {
            findings.note(format!(
                "entry {} of the ledger differs from its event",
                stored.event_id
            ));
        }
        Some(_) => {}
    }
    Ok(())
}

/// The entries that a carried state has stand before it, or in its own place.
fn carried(
    event_id: EventId,
    rows: &[LedgerRow],
    ledger: &mut Ledger<'_>,
    findings: &mut Findings,
) -> Result<(), StoreError> {
    ledger.pass(event_id, findings)?;
    if rows.last().is_some_and(|row| row.event_id == event_id) {
        let own = ledger.next_at(event_id)?;
        own.into_iter().for_each(|row| ledger.wait(row));
    }
    findings.entries += rows.len() as u64;
    for row in rows {
        if ledger.waiting.remove(&row.event_id).as_ref() != Some(row) {
            findings.note(format!(
                "entry {} of the ledger differs from the state that carries it",
                row.event_id
            ));
        }
    }
    Ok(())
}

/// Every learner's stream gives their head and their rows of progress. Returns how many rows of progress there should be.
fn streams(file: &DatabaseFile, findings: &mut Findings, step: &mut impl FnMut(u64)) -> Result<u64, StoreError> {
    let (mut events, mut progress_rows) = (0, 0);
    let mut sums = evidence::Sums::default();
    let mut last = None;
    for head in file.heads()? {
        findings.learners += 1;
        let folded = fold(file, &head, &mut sums, findings)?;
        sums.fold(folded.as_ref().map(|(learner, _)| learner));
        let Some((learner, folded)) = folded else { continue };
        events += folded;
        progress_rows += learner.units.len() as u64;
        compare(file, &head, &learner, findings)?;
        evidence::compare(file, &learner, findings)?;
        step(folded);
        last = Some(head.user_id);
    }
    sums.compare(file, findings)?;
    let counted = file.counts()?.learner_events;
    if findings.is_sound() && events != counted {
        let after = last.map_or(0, UserId::get);
        findings.note(format!(
            "{counted} events of learners are stored, the heads up to person {after} account for {events}"
        ));
    }
    Ok(progress_rows)
}

/// The learner that the stream makes, and of how many facts; none when a fact cannot follow the one before, which is then noted.
fn fold(
    file: &DatabaseFile,
    head: &LearnerHead,
    sums: &mut evidence::Sums,
    findings: &mut Findings,
) -> Result<Option<(Learner, u64)>, StoreError> {
    let (mut learner, mut folded) = (Learner::new(head.user_id), 0);
    let stream = StreamId::learner(head.user_id);
    loop {
        let page = file.stream(stream, learner.version, STREAM_PAGE_MAX)?;
        for stored in &page {
            let (event, meta) = match parse(stored) {
                Ok(parsed) => parsed,
                Err(_) => return Ok(None),
            };
            if let Err(cause) = follows(&learner, stored, &event) {
                findings.note(format!("event {}: {cause}", stored.event_id));
                return Ok(None);
            }
            sums.note(&event);
            evolve(&mut learner, &event, meta);
            folded += 1;
        }
        if page.len() < STREAM_PAGE_MAX {
            return Ok(Some((learner, folded)));
        }
    }
}

fn follows(learner: &Learner, stored: &StoredEvent, event: &LearnerEvent) -> Result<(), String> {
    let is_beginning = learner.version == Version::ZERO && matches!(event, LearnerEvent::StateCarried { .. });
    if stored.version != learner.version.plus(1) && !is_beginning {
        return Err(format!("version {} after {}", stored.version, learner.version));
    }
    if let LearnerEvent::PointsAwarded { action, reference, .. } = event
        && learner.awards.contains_key(&(*action, *reference))
    {
        return Err(invariants::Violation::NaturalKeyTwice.to_string());
    }
    invariants::event_follows(learner, event).map_err(|violation| violation.to_string())
}

fn compare(
    file: &DatabaseFile,
    head: &LearnerHead,
    learner: &Learner,
    findings: &mut Findings,
) -> Result<(), StoreError> {
    let user_id = head.user_id;
    if (head.version, head.total, head.reached_at) != (learner.version, learner.total, learner.reached_at) {
        findings.note(format!("the head of person {user_id} differs from their stream"));
    }
    if let Err(violation) = invariants::sums_equal_the_ledger(learner) {
        findings.note(format!("person {user_id}: {violation}"));
    }
    let rows = file.progress(user_id)?;
    let agrees = rows.len() == learner.units.len()
        && rows.iter().all(|row| {
            learner.units.get(&row.unit_id).is_some_and(|unit| {
                (unit.progress_percentage, unit.last_accessed, unit.completed_at)
                    == (row.progress_percentage, row.last_accessed, row.completed_at)
            })
        });
    if !agrees {
        findings.note(format!("the progress of person {user_id} differs from their stream"));
    }
    Ok(())
}

/// The ledger in the order of the journal, page by page.
struct Ledger<'f> {
    file: &'f DatabaseFile,
    after: Option<EventId>,
    page: VecDeque<LedgerRow>,
    is_read: bool,
    // Entries that a carried state has, until it comes: a few for each learner whose history was purged.
    waiting: BTreeMap<EventId, LedgerRow>,
}

impl<'f> Ledger<'f> {
    fn new(file: &'f DatabaseFile) -> Self {
        Self {
            file,
            after: None,
            page: VecDeque::new(),
            is_read: false,
            waiting: BTreeMap::new(),
        }
    }

    /// Passes over entries before a place in the journal: those of a carried state wait for it, others have no event.
    fn pass(&mut self, event_id: EventId, findings: &mut Findings) -> Result<(), StoreError> {
        while let Some(stray) = self.next_before(event_id)? {
            if stray.kind == "carried" {
                self.wait(stray);
            } else {
                findings.note(format!("entry {} of the ledger has no event", stray.event_id));
            }
        }
        Ok(())
    }

    fn wait(&mut self, row: LedgerRow) {
        self.waiting.insert(row.event_id, row);
    }

    fn next_before(&mut self, event_id: EventId) -> Result<Option<LedgerRow>, StoreError> {
        let is_before = self.peek()?.is_some_and(|next| next < event_id);
        Ok(if is_before { self.page.pop_front() } else { None })
    }

    fn next_at(&mut self, event_id: EventId) -> Result<Option<LedgerRow>, StoreError> {
        let is_it = self.peek()? == Some(event_id);
        Ok(if is_it { self.page.pop_front() } else { None })
    }

    fn peek(&mut self) -> Result<Option<EventId>, StoreError> {
        if self.page.is_empty() && !self.is_read {
            self.page = self.file.ledger(self.after, STREAM_PAGE_MAX)?.into();
            self.is_read = self.page.len() < STREAM_PAGE_MAX;
            self.after = self.page.back().map(|row| row.event_id);
        }
        Ok(self.page.front().map(|row| row.event_id))
    }
}
