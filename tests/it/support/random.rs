//! A small seeded generator: the same seed gives the same choices, so a failure that prints its seed can be played again.

/// SplitMix64. Not for secrets.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// A generator for a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The seed given in `HOMEROOM_SEED`, else one from the system; printed, so that a failure shows it.
    pub fn seeded(what: &str) -> Self {
        let seed = match std::env::var("HOMEROOM_SEED") {
            Ok(text) => text.parse().expect("HOMEROOM_SEED is an integer"),
            Err(_) => {
                let mut bytes = [0; 8];
                getrandom::fill(&mut bytes).expect("the system gives random bytes");
                u64::from_le_bytes(bytes)
            }
        };
        println!("{what}: HOMEROOM_SEED={seed}");
        Self::new(seed)
    }

    /// The next 64 bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// An integer from `from` (inclusive) to `to` (exclusive).
    pub fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.next() % (to - from)
    }

    /// True once in `times`.
    pub fn one_in(&mut self, times: u64) -> bool {
        self.between(0, times) == 0
    }

    /// One of the items.
    pub fn choose<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.between(0, items.len() as u64) as usize]
    }

    /// An independent generator for a part of the test.
    pub fn fork(&mut self) -> Self {
        Self(self.next())
    }
}
