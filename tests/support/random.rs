//! Numbers that look random and can be had again.

#![allow(dead_code, clippy::unwrap_used, clippy::print_stdout)] // each test uses a part of it; the seed is shown where a test fails

/// Numbers that look random and are the same for the same seed (Steele, Lea and Flood's SplitMix64).
#[derive(Clone)]
pub struct Random(u64);

impl Random {
    /// The seed is that of `HFDESK_SEED`, else another one every time.
    pub fn new() -> Self {
        let given = std::env::var("HFDESK_SEED").ok().and_then(|text| text.parse().ok());
        let seed = given.unwrap_or_else(|| std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().subsec_nanos().into());
        let random = Self(seed);
        random.tell();
        random
    }

    /// Says how to have the same numbers again, for whom this test fails.
    pub fn tell(&self) {
        println!("HFDESK_SEED={} repeats this", self.0);
    }

    /// Numbers of this seed.
    pub fn of(seed: u64) -> Self {
        Self(seed)
    }

    /// Numbers that owe nothing to how many were drawn from these before: the ones of this place.
    pub fn at(&self, place: u64) -> Self {
        Self(Self(self.0 ^ place.wrapping_mul(0x2545_f491_4f6c_dd1d)).below(u64::MAX))
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    /// True in so many of a hundred cases.
    pub fn percent(&mut self, share: u64) -> bool {
        self.below(100) < share
    }

    /// One of them.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }

    /// Some of them in their order, each in so many of a hundred cases; one at least, where there is one.
    pub fn some<T: Clone>(&mut self, of: &[T], share: u64) -> Vec<T> {
        let mut some: Vec<T> = of.iter().filter(|_| self.percent(share)).cloned().collect();
        if some.is_empty() && !of.is_empty() {
            some.push(self.pick(of).clone());
        }
        some
    }
}
