//! A limit on how often: the generic cell rate algorithm (ITU-T I.371), which is a token bucket in one number.

/// How often something may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How often a second in the long run, at least 1.
    pub per_second: u32,
    /// How often at once.
    pub burst: u32,
}

/// Counts what happens against a [`Rate`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Limiter {
    /// When the bucket will be full again, in microseconds.
    full_at: u64,
}

impl Limiter {
    /// Lets something happen at `now_ms`, or says after how many milliseconds it may.
    pub fn admit(&mut self, rate: Rate, now_ms: u64) -> Result<(), u64> {
        self.admit_many(rate, 1, now_ms)
    }

    /// Lets something happen that counts as `cost`, or says after how many milliseconds it may; what costs more than a burst costs a whole burst.
    pub fn admit_many(&mut self, rate: Rate, cost: u64, now_ms: u64) -> Result<(), u64> {
        let now = now_ms.saturating_mul(1000);
        let interval = 1_000_000 / u64::from(rate.per_second.max(1));
        let burst = u64::from(rate.burst.max(1));
        let capacity = interval * burst;
        let full_at = self.full_at.max(now) + interval * cost.min(burst);
        if full_at > now + capacity {
            return Err((full_at - now - capacity).div_ceil(1000));
        }
        self.full_at = full_at;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn never_more_than_the_rate_and_never_less(per_second in 1_u32..500, burst in 1_u32..500, steps in proptest::collection::vec(0_u64..50, 1..400)) {
            let (mut limiter, rate) = (Limiter::default(), Rate { per_second, burst });
            let (mut now, mut admitted) = (10_000, 0_u64);
            for step in steps {
                now += step;
                if limiter.admit(rate, now).is_ok() {
                    admitted += 1;
                }
                let most = u64::from(burst) + (now - 10_000) * u64::from(per_second) / 1000 + 1;
                prop_assert!(admitted <= most, "{admitted} of {most}");
            }
        }

        #[test]
        fn whoever_waits_as_told_is_let_in(per_second in 1_u32..500, burst in 1_u32..50) {
            let (mut limiter, rate) = (Limiter::default(), Rate { per_second, burst });
            for _ in 0..burst {
                prop_assert_eq!(limiter.admit(rate, 5), Ok(()));
            }
            let Err(wait) = limiter.admit(rate, 5) else { panic!("admitted") };
            prop_assert!(wait > 0 && wait <= 1000);
            prop_assert_eq!(limiter.admit(rate, 5 + wait), Ok(()));
        }
    }
}
