//! What an operator can set about the registry.

use std::time::Duration;

/// How the registry probes, plans and answers.
#[derive(Clone, Debug)]
pub struct RegistryOptions {
    /// How often each shard is probed.
    pub probe_period: Duration,
    /// How long a probe may take.
    pub probe_timeout: Duration,
    /// How many probes in a row must fail before a shard counts as dead, or as not ready.
    pub probe_failures: u32,
    /// How long changes are gathered, from the first on, before they go into one table.
    pub debounce: Duration,
    /// How often it is checked whether load should move buckets.
    pub load_window: Duration,
    /// In how many windows in a row somebody must be overloaded before load moves buckets.
    pub overloaded_windows: u32,
    /// How long nothing moves because of load after something did.
    pub rest: Duration,
    /// How long after the last shard left it is still expected back; load moves nothing in the meantime.
    pub rollout_patience: Duration,
    /// Over how long load is averaged: an old value loses 63 % of its influence in this time.
    pub smoothing: Duration,
    /// The load that every bucket has besides what is reported, in the unit of the reports. It keeps a service
    /// that hardly anybody uses from being rebalanced over the doings of a few.
    pub idle_load: f64,
    /// The bound of a shard's load, in per cent of its share.
    pub trigger: u32,
    /// How full a shard becomes through a plan, in per cent of its share.
    pub target: u32,
    /// How long a request for a newer table is held open.
    pub watch_bound: Duration,
}

impl Default for RegistryOptions {
    fn default() -> Self {
        let planner = placement::Options::default();
        Self {
            probe_period: Duration::from_secs(2),
            probe_timeout: Duration::from_secs(1),
            probe_failures: 3,
            debounce: Duration::from_secs(2),
            load_window: Duration::from_secs(30),
            overloaded_windows: 3,
            rest: Duration::from_mins(10),
            rollout_patience: Duration::from_mins(15),
            smoothing: Duration::from_mins(1),
            idle_load: 1.0,
            trigger: planner.trigger,
            target: planner.target,
            watch_bound: Duration::from_secs(30),
        }
    }
}
