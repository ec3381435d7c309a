//! How many rows stand before a block: sums over lengths that change one at a time. Knows neither rows nor blocks.

/// A Fenwick tree of block lengths: `tree[i]` is the sum of the `lowest_bit(i + 1)` lengths that end at block `i`.
#[derive(Debug, Clone, Default)]
pub(super) struct Counts {
    tree: Vec<usize>,
}

impl Counts {
    pub(super) fn rebuild(&mut self, lengths: impl Iterator<Item = usize>) {
        self.tree.clear();
        self.tree.extend(lengths);
        for index in 0..self.tree.len() {
            let above = above(index);
            if above < self.tree.len() {
                self.tree[above] += self.tree[index];
            }
        }
    }

    pub(super) fn grow(&mut self, block: usize) {
        let mut index = block;
        while index < self.tree.len() {
            self.tree[index] += 1;
            index = above(index);
        }
    }

    pub(super) fn shrink(&mut self, block: usize) {
        let mut index = block;
        while index < self.tree.len() {
            self.tree[index] -= 1;
            index = above(index);
        }
    }

    /// The sum of the lengths of all blocks before this one.
    pub(super) fn before(&self, block: usize) -> usize {
        let mut end = block.min(self.tree.len());
        let mut sum = 0;
        while end > 0 {
            sum += self.tree[end - 1];
            end -= lowest_bit(end);
        }
        sum
    }

    /// The block in which the row at `place` stands, and where in it; past the end, the number of blocks.
    pub(super) fn find(&self, place: usize) -> (usize, usize) {
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
