//! How fast one client may send: a token bucket, and a second one for patience with those who send faster.

/// How many refused frames are borne at once.
const PATIENCE: u32 = 100;
/// How many refused frames a second are borne in the long run.
const PATIENCE_PER_SECOND: u32 = 2;

/// A token bucket: `burst` tokens at most, `per_second` new ones a second.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    per_second: u64,
    burst: u64,
    thousandths: u64,
    filled_at: u64,
}

/// The pace of one client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    frames: Bucket,
    patience: Bucket,
}

/// Why a frame is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TooFast {
    /// The same frame may be taken in so many milliseconds.
    Wait(u64),
    /// The client has been told often enough.
    Abuse,
}

impl Bucket {
    fn new(per_second: u32, burst: u32, now: u64) -> Self {
        let burst = u64::from(burst);
        Self { per_second: u64::from(per_second.max(1)), burst, thousandths: burst * 1000, filled_at: now }
    }

    /// Takes so many tokens, or says in how many milliseconds there are enough.
    fn take(&mut self, tokens: u64, now: u64) -> Result<(), u64> {
        let grown = now.saturating_sub(self.filled_at).saturating_mul(self.per_second);
        self.thousandths = self.thousandths.saturating_add(grown).min(self.burst * 1000);
        self.filled_at = now;
        let wanted = tokens.min(self.burst) * 1000;
        if self.thousandths < wanted {
            return Err((wanted - self.thousandths).div_ceil(self.per_second));
        }
        self.thousandths -= wanted;
        Ok(())
    }
}

impl Pace {
    /// Makes the pace of a client that has sent nothing.
    pub(crate) fn new(frames_per_second: u32, burst: u32, now: u64) -> Self {
        Self {
            frames: Bucket::new(frames_per_second, burst, now),
            patience: Bucket::new(PATIENCE_PER_SECOND, PATIENCE, now),
        }
    }

    /// Counts something that costs as much as so many frames, at a time in milliseconds.
    pub(crate) fn take(&mut self, frames: u64, now: u64) -> Result<(), TooFast> {
        self.frames.take(frames, now).map_err(|wait| match self.patience.take(1, now) {
            Ok(()) => TooFast::Wait(wait),
            Err(_) => TooFast::Abuse,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_rate_holds() {
        let mut pace = Pace::new(10, 3, 0);
        assert_eq!([(); 3].map(|()| pace.take(1, 0)), [Ok(()); 3]);
        assert_eq!(pace.take(1, 0), Err(TooFast::Wait(100)));
        assert_eq!(pace.take(1, 99), Err(TooFast::Wait(1)));
        assert_eq!(pace.take(1, 100), Ok(()));
        assert_eq!(pace.take(2, 1_000_000), Ok(()));
    }

    #[test]
    fn something_that_costs_more_than_a_burst_passes_from_a_full_bucket() {
        let mut pace = Pace::new(10, 3, 0);
        assert_eq!(pace.take(50, 0), Ok(()));
        assert_eq!(pace.take(50, 200), Err(TooFast::Wait(100)));
    }

    #[test]
    fn patience_ends_with_a_flood_and_not_with_an_occasional_excess() {
        let mut pace = Pace::new(1, 1, 0);
        let refused = (0..1_000).filter(|_| matches!(pace.take(1, 0), Err(TooFast::Wait(_)))).count();
        assert_eq!(refused, PATIENCE as usize);
        assert_eq!(pace.take(1, 0), Err(TooFast::Abuse));

        let mut pace = Pace::new(1, 1, 0);
        assert!((0..1_000_u64).all(|n| pace.take(1, n * 600) != Err(TooFast::Abuse)));
    }
}
