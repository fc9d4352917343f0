//! Numbers that look random and are the same for the same seed.

/// A seeded generator (xorshift).
pub struct Dice(u64);

impl Dice {
    /// Seeded anew each time; the seed is printed, and `WHARF_TEST_SEED` plays a run again.
    pub fn new() -> Self {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
        let given = std::env::var("WHARF_TEST_SEED").ok().and_then(|s| s.parse().ok());
        let seed: u64 = given.unwrap_or_else(|| u64::try_from(now % (1 << 62)).unwrap());
        println!("WHARF_TEST_SEED={seed}");
        Self(seed | 1)
    }

    /// A number below `n`.
    pub fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 8) % n
    }

    /// One of these.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        let at = self.below(from.len() as u64);
        &from[usize::try_from(at).unwrap()]
    }

    /// True once in `n` times.
    pub fn once_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}
