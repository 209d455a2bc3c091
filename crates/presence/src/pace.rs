//! How fast one client may send, and for how long those who send faster are borne.

use session::{Limiter, Rate};

/// How many refused frames are borne.
const PATIENCE: Rate = Rate { per_second: 2, burst: 100 };

/// The pace of one client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    rate: Rate,
    frames: Limiter,
    patience: Limiter,
}

/// Why a frame is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TooFast {
    /// The same frame may be taken in so many milliseconds.
    Wait(u64),
    /// The client has been told often enough.
    Abuse,
}

impl Pace {
    /// Makes the pace of a client that has sent nothing.
    pub(crate) fn new(rate: Rate) -> Self {
        Self { rate, frames: Limiter::default(), patience: Limiter::default() }
    }

    /// Counts something that costs as much as so many frames, at a time in milliseconds.
    pub(crate) fn take(&mut self, frames: u64, now: u64) -> Result<(), TooFast> {
        self.frames.admit_many(self.rate, frames, now).map_err(|wait| {
            match self.patience.admit(PATIENCE, now) {
                Ok(()) => TooFast::Wait(wait),
                Err(_) => TooFast::Abuse,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_rate_holds() {
        let mut pace = Pace::new(Rate { per_second: 10, burst: 3 });
        assert_eq!([(); 3].map(|()| pace.take(1, 0)), [Ok(()); 3]);
        assert_eq!(pace.take(1, 0), Err(TooFast::Wait(100)));
        assert_eq!(pace.take(1, 99), Err(TooFast::Wait(1)));
        assert_eq!(pace.take(1, 100), Ok(()));
        assert_eq!(pace.take(2, 1_000_000), Ok(()));
    }

    #[test]
    fn something_that_costs_more_than_a_burst_passes_from_a_full_bucket() {
        let mut pace = Pace::new(Rate { per_second: 10, burst: 3 });
        assert_eq!(pace.take(50, 0), Ok(()));
        assert_eq!(pace.take(50, 200), Err(TooFast::Wait(100)));
    }

    #[test]
    fn patience_ends_with_a_flood_and_not_with_an_occasional_excess() {
        let mut pace = Pace::new(Rate { per_second: 1, burst: 1 });
        let refused = (0..1_000).filter(|_| matches!(pace.take(1, 0), Err(TooFast::Wait(_)))).count();
        assert_eq!(refused, PATIENCE.burst as usize);
        assert_eq!(pace.take(1, 0), Err(TooFast::Abuse));

        let mut pace = Pace::new(Rate { per_second: 1, burst: 1 });
        assert!((0..1_000_u64).all(|n| pace.take(1, n * 600) != Err(TooFast::Abuse)));
    }
}
