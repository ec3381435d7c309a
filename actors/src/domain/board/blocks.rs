//! Rows kept sorted in shared blocks, found by key and by place. Knows nothing of points, ranks or people.

use std::sync::Arc;

/// Rows of one block. Small enough that moving half a block costs less than finding it in memory; a copy after a clone
/// is as small.
const BLOCK_ROWS_MAX: usize = 256;
/// Below this many rows a block looks for a neighbour to join.
const BLOCK_ROWS_MIN: usize = BLOCK_ROWS_MAX / 4;
/// Rows of a block made at once or joined: room on both sides, so that the next change neither splits nor joins it.
const BLOCK_ROWS_FILL: usize = BLOCK_ROWS_MAX * 3 / 4;

const _: () = assert!(BLOCK_ROWS_MIN < BLOCK_ROWS_FILL && BLOCK_ROWS_FILL < BLOCK_ROWS_MAX);

/// Distinct rows in rising order. With n rows in b = n / 192 blocks or so: finding O(log n); changing O(log n) and at
/// most a block moved, O(b) once in 64 changes or more; cloning O(b), because blocks are shared until they change.
#[derive(Debug, Clone)]
pub(super) struct Blocks<T> {
    /// No block is empty.
    blocks: Vec<Arc<Vec<T>>>,
    /// The first row of each block, side by side: a search touches one block only.
    firsts: Vec<T>,
    /// Rows before a block, as a Fenwick tree over the blocks' lengths.
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

impl<T: Ord + Copy> Blocks<T> {
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
            made.blocks.push(Arc::new(chunk.to_vec()));
        }
        made.recount();
        made
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The first row that is not before. `before` is true for a head of the rows and false for the rest.
    pub(super) fn find(&self, before: impl Fn(&T) -> bool) -> Option<&T> {
        let gap = self.gap(&before);
        self.blocks
            .get(gap.block)?
            .get(gap.offset)
            .or_else(|| self.firsts.get(gap.block + 1))
    }

    /// How many rows are before. O(log n).
    pub(super) fn count(&self, before: impl Fn(&T) -> bool) -> usize {
        let gap = self.gap(&before);
        self.counts.before(gap.block) + gap.offset
    }

    /// The rows from `place` (from 0) on. O(log n) and what is taken.
    pub(super) fn rows_from(&self, place: usize) -> impl Iterator<Item = &T> {
        let (block, offset) = self.counts.find(place);
        let head = self
            .blocks
            .get(block)
            .and_then(|rows| rows.get(offset..))
            .unwrap_or_default();
        let rest = self.blocks.get(block + 1..).unwrap_or_default();
        head.iter().chain(rest.iter().flat_map(|rows| rows.iter()))
    }

    /// Puts a row at its place; a row that compares equal is replaced and returned.
    pub(super) fn insert(&mut self, row: T) -> Option<T> {
        if self.blocks.is_empty() {
            *self = Self::from_sorted(&[row]);
            return None;
        }
        let Gap { block, offset } = self.gap_of(&row);
        let rows = writable(&mut self.blocks[block]);
        if let Some(there) = rows.get_mut(offset).filter(|there| **there == row) {
            let old = std::mem::replace(there, row);
            self.firsts[block] = rows[0];
            return Some(old);
        }
        rows.insert(offset, row);
        self.firsts[block] = rows[0];
        self.len += 1;
        if rows.len() > BLOCK_ROWS_MAX {
            let upper = rows.split_off(rows.len() / 2);
            self.firsts.insert(block + 1, upper[0]);
            self.blocks.insert(block + 1, Arc::new(upper));
            self.recount();
        } else {
            self.counts.grow(block);
        }
        None
    }

    /// Takes the row that compares equal, if there is one.
    pub(super) fn remove(&mut self, row: &T) -> Option<T> {
        let Gap { block, offset } = self.gap_of(row);
        if self.blocks.get(block)?.get(offset)? != row {
            return None;
        }
        let rows = writable(&mut self.blocks[block]);
        let taken = rows.remove(offset);
        self.len -= 1;
        match rows.first() {
            None => {
                self.blocks.remove(block);
                self.firsts.remove(block);
                self.recount();
            }
            Some(first) => {
                self.firsts[block] = *first;
                let is_small = rows.len() < BLOCK_ROWS_MIN;
                if !(is_small && self.join(block)) {
                    self.counts.shrink(block);
                }
            }
        }
        Some(taken)
    }

    /// Joins a small block with a neighbour, if one has room; then the counts are made anew.
    fn join(&mut self, block: usize) -> bool {
        let fits = |left: usize| {
            self.blocks
                .get(left + 1)
                .is_some_and(|right| self.blocks[left].len() + right.len() <= BLOCK_ROWS_FILL)
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
        writable(&mut self.blocks[left]).extend_from_slice(&right);
        self.recount();
        true
    }

    /// Where `before` ends: possibly the end of a block, which is also the beginning of the next.
    fn gap(&self, before: &impl Fn(&T) -> bool) -> Gap {
        let block = self.firsts.partition_point(before).saturating_sub(1);
        let offset = self.blocks.get(block).map_or(0, |rows| rows.partition_point(before));
        Gap { block, offset }
    }

    /// Where a row stands or would stand. Unlike [`Self::gap`], a row that begins a block is found in that block.
    fn gap_of(&self, row: &T) -> Gap {
        let block = self.firsts.partition_point(|first| first <= row).saturating_sub(1);
        let offset = self
            .blocks
            .get(block)
            .map_or(0, |rows| rows.partition_point(|other| other < row));
        Gap { block, offset }
    }

    fn recount(&mut self) {
        self.counts.rebuild(self.blocks.iter().map(|rows| rows.len()));
    }
}

/// The block's rows for changing: copied first, with room for one more, while a clone still shares them.
fn writable<T: Copy>(block: &mut Arc<Vec<T>>) -> &mut Vec<T> {
    if Arc::get_mut(block).is_none() {
        let mut copy = Vec::with_capacity(BLOCK_ROWS_MAX + 1);
        copy.extend_from_slice(block);
        *block = Arc::new(copy);
    }
    Arc::make_mut(block)
}

/// A Fenwick tree of block lengths: `tree[i]` is the sum of the `lowest_bit(i + 1)` lengths that end at block `i`.
#[derive(Debug, Clone, Default)]
struct Counts {
    tree: Vec<usize>,
}

impl Counts {
    fn rebuild(&mut self, lengths: impl Iterator<Item = usize>) {
        self.tree.clear();
        self.tree.extend(lengths);
        for index in 0..self.tree.len() {
            let above = above(index);
            if above < self.tree.len() {
                self.tree[above] += self.tree[index];
            }
        }
    }

    fn grow(&mut self, block: usize) {
        let mut index = block;
        while index < self.tree.len() {
            self.tree[index] += 1;
            index = above(index);
        }
    }

    fn shrink(&mut self, block: usize) {
        let mut index = block;
        while index < self.tree.len() {
            self.tree[index] -= 1;
            index = above(index);
        }
    }

    /// The sum of the lengths of all blocks before this one.
    fn before(&self, block: usize) -> usize {
        let mut end = block.min(self.tree.len());
        let mut sum = 0;
        while end > 0 {
            sum += self.tree[end - 1];
            end -= lowest_bit(end);
        }
        sum
    }

    /// The block in which the row at `place` stands, and where in it; past the end, the number of blocks.
    fn find(&self, place: usize) -> (usize, usize) {
        let mut block = 0;
        let mut rest = place;
        let mut step = self.tree.len().checked_ilog2().map_or(0, |log| 1 << log);
        while step > 0 {
            if let Some(sum) = self.tree.get(block + step - 1).filter(|sum| **sum <= rest) {
                block += step;
                rest -= sum;
            }
            step /= 2;
        }
        (block, rest)
    }
}

/// The next entry whose sum includes this one's.
const fn above(index: usize) -> usize {
    index + lowest_bit(index + 1)
}

const fn lowest_bit(number: usize) -> usize {
    number & number.wrapping_neg()
}
