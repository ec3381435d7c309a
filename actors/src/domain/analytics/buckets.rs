//! A range of time cut into parts.

use homeroom_schema::TimeMs;
use std::ops::Range;

/// Parts that follow one another without a gap; the end of each is the beginning of the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Buckets {
    // Rising, one more than there are parts.
    edges: Vec<TimeMs>,
}

impl Buckets {
    /// `range` cut at those of `cuts` that lie inside it; parts that last no time are left out.
    #[must_use]
    pub fn new(range: Range<TimeMs>, cuts: impl IntoIterator<Item = TimeMs>) -> Self {
        let mut edges = vec![range.start];
        edges.extend(cuts.into_iter().filter(|cut| *cut > range.start && *cut < range.end));
        edges.sort_unstable();
        edges.dedup();
        if range.end > range.start {
            edges.push(range.end);
        }
        Self { edges }
    }

    /// How many parts there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.edges.len() - 1
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// From the first part's beginning to before the last one's end.
    #[must_use]
    pub fn range(&self) -> Range<TimeMs> {
        self.edges[0]..self.edges[self.len()]
    }

    /// The part that a moment lies in.
    #[must_use]
    pub fn place(&self, at: TimeMs) -> Option<usize> {
        let begun = self.edges.partition_point(|edge| *edge <= at);
        begun.checked_sub(1).filter(|place| *place < self.len())
    }

    /// Each part, from its beginning to before its end.
    pub fn parts(&self) -> impl Iterator<Item = Range<TimeMs>> {
        self.edges.windows(2).map(|edges| edges[0]..edges[1])
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::analytics::Buckets;
    use homeroom_schema::TimeMs;

    #[test]
    fn each_moment_of_the_range_lies_in_one_part() {
        let buckets = Buckets::new(TimeMs(10)..TimeMs(40), [0, 10, 20, 20, 30, 40, 50].map(TimeMs));
        let parts: Vec<_> = buckets.parts().map(|part| (part.start.0, part.end.0)).collect();
        assert_eq!(parts, [(10, 20), (20, 30), (30, 40)]);
        for (at, place) in [
            (9, None),
            (10, Some(0)),
            (19, Some(0)),
            (20, Some(1)),
            (39, Some(2)),
            (40, None),
        ] {
            assert_eq!(buckets.place(TimeMs(at)), place, "{at}");
        }
        assert!(Buckets::new(TimeMs(5)..TimeMs(5), []).is_empty());
    }
}
