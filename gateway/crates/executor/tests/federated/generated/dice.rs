//! Pseudo-random numbers (xorshift) from fixed seeds, so that a failure comes back.

#[derive(Clone, Debug)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        let mut dice = Self(seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        for _ in 0..4 {
            dice.next();
        }
        dice
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(super) fn below(&mut self, limit: usize) -> usize {
        usize::try_from((self.next() >> 16) % limit.max(1) as u64).unwrap()
    }

    /// From `low` to `high`, both included.
    pub(super) fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high + 1 - low)
    }

    pub(super) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(super) fn pick<'t, T>(&mut self, from: &'t [T]) -> &'t T {
        &from[self.below(from.len())]
    }

    /// Some of these, in order, at least `least` of them.
    pub(super) fn some<T: Clone>(&mut self, from: &[T], percent: usize, least: usize) -> Vec<T> {
        let mut kept: Vec<bool> = from.iter().map(|_| self.chance(percent)).collect();
        while kept.iter().filter(|kept| **kept).count() < least.min(from.len()) {
            let index = self.below(from.len());
            kept[index] = true;
        }
        from.iter().zip(kept).filter(|(_, kept)| *kept).map(|(one, _)| one.clone()).collect()
    }
}
