//! Chance that follows from a seed.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// A stream of chance. Clones draw from the same stream; each part of the world has one of its own, so that what one part draws changes
/// nothing for the others.
#[derive(Clone, Debug)]
pub struct Dice(Arc<Mutex<StdRng>>);

impl Dice {
    /// Makes the stream of a part of a world.
    pub fn new(seed: u64, part: &str) -> Self {
        Self(Arc::new(Mutex::new(StdRng::seed_from_u64(xxh3_64_with_seed(part.as_bytes(), seed)))))
    }

    /// Gives a number in a range.
    pub fn between(&self, range: RangeInclusive<u64>) -> u64 {
        self.0.lock().random_range(range)
    }

    /// Says yes with a probability.
    pub fn chance(&self, probability: f64) -> bool {
        probability > 0.0 && self.0.lock().random_bool(probability.min(1.0))
    }

    /// Gives one of several; nothing of none.
    pub fn pick<'a, T>(&self, choices: &'a [T]) -> Option<&'a T> {
        let last = choices.len().checked_sub(1)?;
        choices.get(usize::try_from(self.between(0..=last as u64)).unwrap_or(0))
    }

    /// Gives a duration of whole milliseconds in a range.
    pub fn millis(&self, range: RangeInclusive<u64>) -> Duration {
        Duration::from_millis(self.between(range))
    }

    /// Fills bytes.
    pub fn fill(&self, bytes: &mut [u8]) {
        self.0.lock().fill(bytes);
    }
}
