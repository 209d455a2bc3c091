//! How much one address and one user may ask for.

use std::hash::Hash;
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use governor::RateLimiter;
use governor::clock::Clock as _;
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use protocol::{ErrorCode, Username};

use crate::address::{ClientAddress, Network};
use crate::api::Api;
use crate::failure::Answer;
use crate::failure::Failure;

/// After how many checks the memory of those who have been quiet is given back.
const SWEEP_EVERY: u32 = 4096;

/// A rate: so many an hour on average, and so many at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// How many an hour.
    pub per_hour: NonZero<u32>,
    /// How many at once after a pause.
    pub burst: NonZero<u32>,
}

/// The limits; `None` is no limit.
#[derive(Clone, Copy, Debug)]
pub struct LimitOptions {
    /// Log-ins of an address.
    pub log_in: Option<Quota>,
    /// Sign-ups of an address.
    pub sign_up: Option<Quota>,
    /// All requests of an address.
    pub address: Option<Quota>,
    /// All requests of a user.
    pub user: Option<Quota>,
    /// Whether this machine's own addresses are not limited.
    pub exempt_loopback: bool,
}

/// Who has asked for how much lately.
pub(crate) struct Limits {
    log_in: Limit<Network>,
    sign_up: Limit<Network>,
    address: Limit<Network>,
    user: Limit<Username>,
    exempt_loopback: bool,
}

/// One limit by a key, as the generic cell rate algorithm has it.
struct Limit<K: Hash + Eq + Clone> {
    limiter: Option<RateLimiter<K, DashMapStateStore<K>, Monotonic, NoOpMiddleware<Duration>>>,
    checks: AtomicU32,
}

/// The clock as the limiters read it.
#[derive(Clone)]
struct Monotonic(Arc<dyn ports::Clock>);

impl Quota {
    /// Makes a quota of so many a minute; zeros count as one.
    pub fn new(per_minute: u32, burst: u32) -> Self {
        Self::per_hour(per_minute.saturating_mul(60), burst)
    }

    /// Makes a quota of so many an hour; zeros count as one.
    pub fn per_hour(per_hour: u32, burst: u32) -> Self {
        let at_least_one = |number| NonZero::new(number).unwrap_or(NonZero::<u32>::MIN);
        Self { per_hour: at_least_one(per_hour), burst: at_least_one(burst) }
    }
}

impl Default for LimitOptions {
    fn default() -> Self {
        Self {
            log_in: Some(Quota::new(10, 10)),
            sign_up: Some(Quota::new(10, 10)),
            address: Some(Quota::new(3000, 600)),
            user: Some(Quota::new(1200, 300)),
            exempt_loopback: false,
        }
    }
}

impl Limits {
    /// Makes the limits.
    pub(crate) fn new(options: &LimitOptions, clock: &Arc<dyn ports::Clock>) -> Self {
        Self {
            log_in: Limit::new(options.log_in, clock),
            sign_up: Limit::new(options.sign_up, clock),
            address: Limit::new(options.address, clock),
            user: Limit::new(options.user, clock),
            exempt_loopback: options.exempt_loopback,
        }
    }

    /// Counts a log-in.
    pub(crate) fn log_in(&self, address: ClientAddress) -> Answer<()> {
        self.by_address(&self.log_in, address, ErrorCode::TooManyAttempts)
    }

    /// Counts a sign-up.
    pub(crate) fn sign_up(&self, address: ClientAddress) -> Answer<()> {
        self.by_address(&self.sign_up, address, ErrorCode::RateLimited)
    }

    /// Counts a request of a user.
    pub(crate) fn user(&self, username: &Username) -> Answer<()> {
        self.user.check(username).map_err(|after| Failure::retry(ErrorCode::RateLimited, after))
    }

    fn by_address(&self, limit: &Limit<Network>, address: ClientAddress, code: ErrorCode) -> Answer<()> {
        if self.exempt_loopback && address.is_loopback() {
            return Ok(());
        }
        limit.check(&address.network()).map_err(|after| Failure::retry(code, after))
    }
}

/// Counts each request of an address.
pub(crate) async fn limit_address(
    State(api): State<Arc<Api>>,
    address: ClientAddress,
    request: Request,
    next: Next,
) -> Answer<Response> {
    api.limits.by_address(&api.limits.address, address, ErrorCode::RateLimited)?;
    Ok(next.run(request).await)
}

impl<K: Hash + Eq + Clone> Limit<K> {
    fn new(quota: Option<Quota>, clock: &Arc<dyn ports::Clock>) -> Self {
        let limiter = quota.map(|quota| {
            let quota = governor::Quota::per_hour(quota.per_hour).allow_burst(quota.burst);
            RateLimiter::new(quota, DashMapStateStore::default(), Monotonic(clock.clone()))
        });
        Self { limiter, checks: AtomicU32::new(0) }
    }

    /// Counts a request, or says after how long it may come again.
    fn check(&self, key: &K) -> Result<(), Duration> {
        let Some(limiter) = &self.limiter else {
            return Ok(());
        };
        if self.checks.fetch_add(1, Ordering::Relaxed) % SWEEP_EVERY == SWEEP_EVERY - 1 {
            limiter.retain_recent();
        }
        limiter.check_key(key).map_err(|refused| refused.wait_time_from(limiter.clock().now()))
    }
}

impl governor::clock::Clock for Monotonic {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.monotonic()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "test")]
    use std::sync::atomic::AtomicU64;

    use protocol::Timestamp;

    use super::*;

    #[derive(Default)]
    struct Manual(AtomicU64);

    impl ports::Clock for Manual {
        fn now(&self) -> Timestamp {
            Timestamp(self.0.load(Ordering::Relaxed))
        }
        fn monotonic(&self) -> Duration {
            Duration::from_millis(self.0.load(Ordering::Relaxed))
        }
    }

    fn address(text: &str) -> ClientAddress {
        ClientAddress(text.parse().unwrap())
    }

    #[test]
    fn a_burst_passes_and_then_the_rate() {
        let manual = Arc::new(Manual::default());
        let clock: Arc<dyn ports::Clock> = manual.clone();
        let limits = Limits::new(&LimitOptions::default(), &clock);
        let (one, other) = (address("1.1.1.1"), address("2.2.2.2"));
        for _ in 0..10 {
            limits.log_in(one).unwrap();
        }
        assert_eq!(limits.log_in(one).unwrap_err().code(), ErrorCode::TooManyAttempts);
        limits.log_in(other).unwrap();
        manual.0.store(6000, Ordering::Relaxed);
        limits.log_in(one).unwrap();
        assert!(limits.log_in(one).is_err());
    }

    #[test]
    fn this_machine_can_be_left_out() {
        let clock: Arc<dyn ports::Clock> = Arc::new(Manual::default());
        let options =
            LimitOptions { log_in: Some(Quota::new(1, 1)), exempt_loopback: true, ..Default::default() };
        let limits = Limits::new(&options, &clock);
        for _ in 0..5 {
            limits.log_in(address("127.0.0.1")).unwrap();
            limits.log_in(address("::1")).unwrap();
        }
        limits.log_in(address("1.1.1.1")).unwrap();
        assert!(limits.log_in(address("1.1.1.1")).is_err());
    }

    #[test]
    fn those_who_are_quiet_are_forgotten() {
        let manual = Arc::new(Manual::default());
        let clock: Arc<dyn ports::Clock> = manual.clone();
        let limit: Limit<u32> = Limit::new(Some(Quota::new(60, 1)), &clock);
        for key in 0..SWEEP_EVERY - 1 {
            let _ = limit.check(&key);
        }
        manual.0.store(60_000, Ordering::Relaxed);
        let _ = limit.check(&0);
        assert_eq!(limit.limiter.as_ref().unwrap().len(), 1);
    }
}
