//! Rows kept sorted in shared blocks, found by key and by place. Knows nothing of points, ranks or people.

mod counts;

use counts::Counts;
use std::sync::Arc;

/// Rows of one block. Small enough that moving half a block costs less than finding it in memory; a copy after a clone
/// is as small.
const BLOCK_ROWS_MAX: usize = 128;
/// Below this many rows a block looks for a neighbour to join.
const BLOCK_ROWS_MIN: usize = BLOCK_ROWS_MAX / 4;
/// Rows of a block made at once or joined: room on both sides, so that the next change neither splits nor joins it.
const BLOCK_ROWS_FILL: usize = BLOCK_ROWS_MAX * 3 / 4;
/// How far from the guessed place a row is looked for before all of the rows are.
const NEAR_ROWS: usize = 8;

const _: () = assert!(BLOCK_ROWS_MIN < BLOCK_ROWS_FILL && BLOCK_ROWS_FILL < BLOCK_ROWS_MAX);

/// A row, ordered by its key.
pub(super) trait Row: Ord + Copy {
    /// Where the row would stand among `len` rows spread evenly from `low` to `high`. Only a hint: most of the cost of a
    /// million rows is waiting for memory, and a good guess saves most of the waits. Any answer is right.
    fn guess(&self, low: &Self, high: &Self, len: usize) -> usize;
}

/// Distinct rows in rising order. With n rows in b blocks, b around n / 96: finding O(log n); changing O(log n) and at
/// most a block moved, O(b) once in 32 changes or more; cloning O(b), because blocks are shared until they change.
#[derive(Debug, Clone)]
pub(super) struct Blocks<T> {
    /// No block is empty.
    blocks: Vec<Block<T>>,
    /// The first row of each block, side by side: a search touches one block only.
    firsts: Vec<T>,
    /// Rows before a block.
    counts: Counts,
    len: usize,
}

impl<T> Default for Blocks<T> {
    fn default() -> Self {
        Self {
            blocks: Vec::new(),
            firsts: Vec::new(),
            counts: Counts::default(),
            len: 0,
        }
    }
}

/// A gap between rows: before row `offset` of block `block`.
#[derive(Debug, Clone, Copy)]
struct Gap {
    block: usize,
    offset: usize,
}

impl<T: Row> Blocks<T> {
    /// Takes rows that are sorted and distinct. O(n).
    pub(super) fn from_sorted(rows: &[T]) -> Self {
        debug_assert!(
            rows.is_sorted_by(|one, next| one < next),
            "rows are sorted and distinct"
        );
        let mut made = Self {
            len: rows.len(),
            ..Self::default()
        };
        for chunk in rows.chunks(BLOCK_ROWS_FILL) {
            made.firsts.push(chunk[0]);
            made.blocks.push(Block::of(chunk));
        }
        made.recount();
        made
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The row that compares equal. O(log n).
    pub(super) fn find(&self, row: &T) -> Option<&T> {
        let gap = self.gap_of(row);
        self.blocks
            .get(gap.block)?
            .rows()
            .get(gap.offset)
            .filter(|found| *found == row)
    }

    /// How many rows are before this one, which may be on the board or not. O(log n).
    pub(super) fn count_before(&self, row: &T) -> usize {
        let gap = self.gap_of(row);
        self.counts.before(gap.block) + gap.offset
    }

    /// The length of the head for which `is_before` holds; it holds for no row after that. O(log n).
    pub(super) fn count_while(&self, is_before: impl Fn(&T) -> bool) -> usize {
        let block = self.firsts.partition_point(&is_before).saturating_sub(1);
        let offset = self
            .blocks
            .get(block)
            .map_or(0, |rows| rows.rows().partition_point(&is_before));
        self.counts.before(block) + offset
    }

    /// The rows from `place` (from 0) on. O(log n) and what is taken.
    pub(super) fn rows_from(&self, place: usize) -> impl Iterator<Item = &T> {
        let (block, offset) = self.counts.find(place);
        let head = self
            .blocks
            .get(block)
            .and_then(|block| block.rows().get(offset..))
            .unwrap_or_default();
        let rest = self.blocks.get(block + 1..).unwrap_or_default();
        head.iter().chain(rest.iter().flat_map(Block::rows))
    }

    /// Puts a row at its place; a row that compares equal is replaced and returned.
    pub(super) fn insert(&mut self, row: T) -> Option<T> {
        if self.blocks.is_empty() {
            *self = Self::from_sorted(&[row]);
            return None;
        }
        let Gap { block, offset } = self.gap_of(&row);
        let rows = &mut self.blocks[block];
        let old = rows.rows().get(offset).copied().filter(|there| *there == row);
        if old.is_some() {
            rows.replace(offset, row);
            if offset == 0 {
                self.firsts[block] = row;
            }
            return old;
        }
        rows.insert(offset, row);
        self.len += 1;
        if offset == 0 {
            self.firsts[block] = row;
        }
        if rows.len > BLOCK_ROWS_MAX {
            let (lower, upper) = rows.halves();
            *rows = lower;
            self.firsts.insert(block + 1, upper.rows()[0]);
            self.blocks.insert(block + 1, upper);
            self.recount();
        } else {
            self.counts.grow(block);
        }
        None
    }

    /// Takes the row that compares equal, if there is one.
    pub(super) fn remove(&mut self, row: &T) -> Option<T> {
        let Gap { block, offset } = self.gap_of(row);
        let rows = self.blocks.get_mut(block)?;
        let taken = rows.rows().get(offset).copied().filter(|there| there == row)?;
        rows.remove(offset);
        self.len -= 1;
        if rows.len == 0 {
            self.blocks.remove(block);
            self.firsts.remove(block);
            self.recount();
            return Some(taken);
        }
        if offset == 0 {
            self.firsts[block] = rows.rows()[0];
        }
        let is_small = rows.len < BLOCK_ROWS_MIN;
        if !(is_small && self.join(block)) {
            self.counts.shrink(block);
        }
        Some(taken)
    }

    /// Joins a small block with a neighbour, if one has room; then the counts are made anew.
    fn join(&mut self, block: usize) -> bool {
        let fits = |left: usize| {
            self.blocks
                .get(left + 1)
                .is_some_and(|right| self.blocks[left].len + right.len <= BLOCK_ROWS_FILL)
        };
        let Some(left) = [Some(block), block.checked_sub(1)]
            .into_iter()
            .flatten()
            .find(|left| fits(*left))
        else {
            return false;
        };
        let right = self.blocks.remove(left + 1);
        self.firsts.remove(left + 1);
        self.blocks[left] = Block::of(&[self.blocks[left].rows(), right.rows()].concat());
        self.recount();
        true
    }

    /// Where a row stands or would stand. A row that begins a block is found in that block, never at the end before it.
    fn gap_of(&self, row: &T) -> Gap {
        let Some(last) = self.firsts.last() else {
            return Gap { block: 0, offset: 0 };
        };
        let after = count_below(&self.firsts, row, &self.firsts[0], last);
        let is_first = self.firsts.get(after).is_some_and(|first| first == row);
        let block = if is_first { after } else { after.saturating_sub(1) };
        let rows = self.blocks[block].rows();
        // The next block's first row is at hand; this block's last row would be one more wait for memory.
        let high = self.firsts.get(block + 1).unwrap_or(&rows[rows.len() - 1]);
        Gap {
            block,
            offset: count_below(rows, row, &self.firsts[block], high),
        }
    }

    fn recount(&mut self) {
        self.counts.rebuild(self.blocks.iter().map(|block| block.len));
    }
}

/// How many of these sorted rows are below `row`: near the guess if it is good, else by halving.
fn count_below<T: Row>(rows: &[T], row: &T, low: &T, high: &T) -> usize {
    let guess = row.guess(low, high, rows.len()).min(rows.len());
    let from = guess.saturating_sub(NEAR_ROWS);
    let to = (guess + NEAR_ROWS).min(rows.len());
    let is_after_from = from == 0 || rows[from - 1] < *row;
    let is_before_to = to == rows.len() || rows[to] >= *row;
    if is_after_from && is_before_to {
        return from + rows[from..to].partition_point(|other| other < row);
    }
    rows.partition_point(|other| other < row)
}

/// The rows of one block, shared with clones until one of them changes it.
#[derive(Debug, Clone)]
struct Block<T> {
    /// The rows, and behind them room that holds copies of any rows.
    slots: Arc<[T]>,
    len: usize,
}

impl<T: Copy> Block<T> {
    fn of(rows: &[T]) -> Self {
        Self {
            slots: rows.into(),
            len: rows.len(),
        }
    }

    fn rows(&self) -> &[T] {
        &self.slots[..self.len]
    }

    fn halves(&self) -> (Self, Self) {
        let (lower, upper) = self.rows().split_at(self.len / 2);
        (Self::with_room(lower), Self::with_room(upper))
    }

    /// A block with room to grow to its bound: it has just been changed, so it is likely to be changed again.
    fn with_room(rows: &[T]) -> Self {
        let room = (rows.len() + rows.len() / 2 + 2)
            .min(BLOCK_ROWS_MAX + 1)
            .max(rows.len());
        let filler = rows.first().into_iter().cycle().take(room - rows.len());
        Self {
            slots: rows.iter().chain(filler).copied().collect(),
            len: rows.len(),
        }
    }

    /// The slots for changing, with room for one more row: copied first while a clone shares them.
    fn writable(&mut self) -> &mut [T] {
        if self.len == self.slots.len() || Arc::get_mut(&mut self.slots).is_none() {
            *self = Self::with_room(self.rows());
        }
        Arc::make_mut(&mut self.slots)
    }

    fn replace(&mut self, offset: usize, row: T) {
        self.writable()[offset] = row;
    }

    fn insert(&mut self, offset: usize, row: T) {
        let len = self.len;
        let slots = self.writable();
        slots.copy_within(offset..len, offset + 1);
        slots[offset] = row;
        self.len += 1;
    }

    fn remove(&mut self, offset: usize) {
        let len = self.len;
        self.writable().copy_within(offset + 1..len, offset);
        self.len -= 1;
    }
}
