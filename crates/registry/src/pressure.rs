//! When load may move buckets.

use std::time::Duration;

/// Lets load move buckets only if it has wanted to for several windows in a row, and then not again for a while.
///
/// A peak that passes moves nobody; and what was moved shows its effect before anything moves again.
#[derive(Debug)]
pub(crate) struct Pressure {
    windows: u32,
    rest: Duration,
    overloaded: u32,
    rests_until: Duration,
}

impl Pressure {
    pub(crate) fn new(windows: u32, rest: Duration) -> Self {
        Self { windows: windows.max(1), rest, overloaded: 0, rests_until: Duration::ZERO }
    }

    /// Takes in whether somebody is overloaded in a window that has ended.
    pub(crate) fn observe(&mut self, overloaded: bool) {
        self.overloaded = if overloaded { self.overloaded.saturating_add(1) } else { 0 };
    }

    /// Says whether load may move buckets now.
    pub(crate) fn allows(&self, now: Duration) -> bool {
        self.overloaded >= self.windows && now >= self.rests_until
    }

    /// Takes in that load has moved buckets.
    pub(crate) fn relieved(&mut self, now: Duration) {
        (self.overloaded, self.rests_until) = (0, now + self.rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acts_after_several_windows_and_then_rests() {
        let second = Duration::from_secs(1);
        let mut pressure = Pressure::new(3, 10 * second);
        for overloaded in [true, true, false, true, true] {
            pressure.observe(overloaded);
            assert!(!pressure.allows(second));
        }
        pressure.observe(true);
        assert!(pressure.allows(second));
        pressure.relieved(second);
        (0..3).for_each(|_| pressure.observe(true));
        assert!(!pressure.allows(10 * second));
        assert!(pressure.allows(11 * second));
    }
}
