//! What to do when a connection is lost.

use std::fmt;
use std::time::Duration;

use protocol::CloseCode;

/// A connection that lasted this long was a good one: what went wrong before it does not count any more.
const STABLE: Duration = Duration::from_secs(10);

/// After so many failures in a row the server is asked anew where the user belongs.
const FAILURES_BEFORE_ASKING: u32 = 2;

/// Why a connection was lost, or not made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Loss {
    /// The server closed it with this code; 1006 if it said nothing.
    Closed(u16),
    /// The server refused to open it.
    Refused {
        /// The HTTP status.
        status: u16,
        /// When another attempt may succeed.
        retry_after: Option<Duration>,
    },
    /// The server cannot be reached, or speaks another protocol.
    Unreachable(String),
    /// The login gives no token any more.
    LoggedOut,
    /// Nothing was heard for twice the heartbeat.
    Silent,
    /// The application wanted another one.
    Dropped,
}

/// Why a connection has ended for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum End {
    /// The application closed it.
    Closed,
    /// The login has ended.
    Unauthenticated,
    /// The user may not connect.
    Forbidden,
    /// Another connection took its place.
    Replaced,
    /// The server does not understand this client.
    Misunderstood,
}

/// How long is waited between attempts: a random time up to a bound that doubles with each failure, "full jitter" in
/// Marc Brooker, "Exponential Backoff and Jitter" (AWS Architecture Blog, 2015).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waits {
    /// The first bound.
    pub first: Duration,
    /// The greatest bound.
    pub longest: Duration,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Try again.
    Retry(Retry),
    /// Give up.
    End(End),
}

/// Another attempt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Retry {
    /// How long to wait.
    pub(crate) after: Duration,
    /// Whether to ask first where the user belongs.
    pub(crate) ask_servers: bool,
    /// Whether to get another token first.
    pub(crate) renew_token: bool,
}

/// Counts failures and decides.
#[derive(Debug)]
pub(crate) struct Recovery {
    waits: Waits,
    failures: u32,
    renewed: bool,
}

impl Recovery {
    pub(crate) fn new(waits: Waits) -> Self {
        Self { waits, failures: 0, renewed: false }
    }

    /// Decides after a loss of a connection that had `lasted`, if it was made at all. `random` has 64 random bits.
    pub(crate) fn lost(&mut self, loss: &Loss, lasted: Option<Duration>, random: u64) -> Next {
        if lasted.is_some_and(|lasted| lasted >= STABLE) {
            (self.failures, self.renewed) = (0, false);
        }
        let renew_token = match ending(loss) {
            Some(end) if *loss == Loss::LoggedOut => return Next::End(end),
            Some(End::Unauthenticated) if !self.renewed => true,
            Some(end) => return Next::End(end),
            None => false,
        };
        self.renewed |= renew_token;
        let wait = self.waits.after(self.failures, random);
        self.failures = self.failures.saturating_add(1);
        let told = match loss {
            Loss::Refused { retry_after, .. } => retry_after.unwrap_or_default(),
            _ => Duration::ZERO,
        };
        Next::Retry(Retry {
            after: wait.saturating_add(told),
            ask_servers: self.failures >= FAILURES_BEFORE_ASKING,
            renew_token,
        })
    }
}

/// Says whether a loss means the end, and which. A lost login may still be saved by a fresh token.
fn ending(loss: &Loss) -> Option<End> {
    let is = |code: CloseCode| *loss == Loss::Closed(code.code());
    if is(CloseCode::Unauthenticated) || matches!(loss, Loss::LoggedOut | Loss::Refused { status: 401, .. }) {
        Some(End::Unauthenticated)
    } else if is(CloseCode::Forbidden) || matches!(loss, Loss::Refused { status: 403, .. }) {
        Some(End::Forbidden)
    } else if is(CloseCode::Replaced) {
        Some(End::Replaced)
    } else if is(CloseCode::Malformed) || is(CloseCode::TooLarge) {
        // The same frames would be sent again.
        Some(End::Misunderstood)
    } else {
        None
    }
}

impl Waits {
    /// Gives the wait after so many earlier failures.
    fn after(self, failures: u32, random: u64) -> Duration {
        let bound = self.first.saturating_mul(1 << failures.min(30)).min(self.longest);
        let nanoseconds = u64::try_from(bound.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(random % nanoseconds.saturating_add(1).max(1))
    }
}

impl Default for Waits {
    fn default() -> Self {
        Self { first: Duration::from_secs(1), longest: Duration::from_secs(30) }
    }
}

impl fmt::Display for End {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Closed => "it was closed",
            Self::Unauthenticated => "the login has ended",
            Self::Forbidden => "the server does not allow it",
            Self::Replaced => "another connection took its place",
            Self::Misunderstood => "the server does not understand this client",
        })
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed(code) => write!(formatter, "closed with code {code}"),
            Self::Refused { status, .. } => write!(formatter, "refused with status {status}"),
            Self::Unreachable(reason) => write!(formatter, "unreachable: {reason}"),
            Self::LoggedOut => formatter.write_str("the login has ended"),
            Self::Silent => formatter.write_str("silent for too long"),
            Self::Dropped => formatter.write_str("dropped by the application"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn recovery() -> Recovery {
        Recovery::new(Waits::default())
    }

    fn lost(recovery: &mut Recovery, loss: &Loss, lasted: Option<Duration>, random: u64) -> Retry {
        match recovery.lost(loss, lasted, random) {
            Next::Retry(retry) => retry,
            Next::End(end) => panic!("ended: {end}"),
        }
    }

    proptest! {
        #[test]
        fn waits_lie_between_nothing_and_a_bound_that_doubles_up_to_thirty_seconds(failures in 0_u32..100, random: u64) {
            let bound = Duration::from_secs(1_u64 << failures.min(5)).min(Duration::from_secs(30));
            prop_assert!(Waits::default().after(failures, random) <= bound);
        }
    }

    #[test]
    fn waits_use_the_whole_span() {
        let longest = Waits::default().after(10, 30_000_000_000);
        assert_eq!((longest, Waits::default().after(10, 0)), (Duration::from_secs(30), Duration::ZERO));
    }

    #[test]
    fn the_server_is_asked_after_two_failures_in_a_row() {
        let (mut recovery, loss) = (recovery(), Loss::Unreachable("gone".to_owned()));
        assert!(!lost(&mut recovery, &loss, None, 0).ask_servers);
        assert!(lost(&mut recovery, &loss, None, 0).ask_servers);
        assert!(!lost(&mut recovery, &loss, Some(STABLE), 0).ask_servers);
    }

    #[test]
    fn a_connection_that_is_closed_at_once_counts_as_a_failure() {
        let mut recovery = recovery();
        for bound in [1, 2, 4, 8, 16, 30, 30] {
            let bound = Duration::from_secs(bound);
            let random = u64::try_from(bound.as_nanos()).unwrap_or_default();
            let retry = lost(&mut recovery, &Loss::Closed(1012), Some(Duration::from_millis(1)), random);
            assert_eq!(retry.after, bound);
        }
    }

    #[test]
    fn a_lost_login_is_renewed_once() {
        for loss in [Loss::Closed(4401), Loss::Refused { status: 401, retry_after: None }] {
            let mut recovery = recovery();
            assert!(lost(&mut recovery, &loss, None, 0).renew_token);
            assert_eq!(recovery.lost(&loss, Some(Duration::ZERO), 0), Next::End(End::Unauthenticated));
        }
        let mut recovery = recovery();
        assert!(lost(&mut recovery, &Loss::Closed(4401), None, 0).renew_token);
        assert!(lost(&mut recovery, &Loss::Closed(4401), Some(STABLE), 0).renew_token);
    }

    #[test]
    fn restarts_are_survived_and_refusals_are_not() {
        assert_eq!(recovery().lost(&Loss::LoggedOut, None, 0), Next::End(End::Unauthenticated));
        for code in [1000, 1001, 1006, 1011, 1012, 1013, 4408, 4429, 4503] {
            assert!(!lost(&mut recovery(), &Loss::Closed(code), None, 0).renew_token, "{code}");
        }
        for (code, end) in [
            (4403, End::Forbidden),
            (4409, End::Replaced),
            (4400, End::Misunderstood),
            (4413, End::Misunderstood),
        ] {
            assert_eq!(recovery().lost(&Loss::Closed(code), None, 0), Next::End(end));
        }
    }

    #[test]
    fn a_server_that_names_a_time_is_left_alone_that_long() {
        let loss = Loss::Refused { status: 503, retry_after: Some(Duration::from_secs(7)) };
        assert_eq!(lost(&mut recovery(), &loss, None, 0).after, Duration::from_secs(7));
    }
}
