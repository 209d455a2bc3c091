//! The next assignment of one service.

use std::time::Duration;

use placement::{Assignment, BucketLoads, Plan, plan};
use protocol::Service;

use crate::membership::Membership;
use crate::options::RegistryOptions;
use crate::pressure::Pressure;
use crate::rollout::Rollout;

/// Everything that decides about one service.
#[derive(Debug)]
pub(crate) struct Planner {
    pub(crate) service: Service,
    pub(crate) membership: Membership,
    trigger: u32,
    target: u32,
    rollout: Rollout,
    pressure: Pressure,
}

/// What the next assignment could be.
#[derive(Debug)]
pub(crate) struct Proposal {
    pub(crate) plan: Plan,
    rebalance: bool,
}

impl Planner {
    pub(crate) fn new(service: Service, options: &RegistryOptions) -> Self {
        Self {
            service,
            membership: Membership::new(options.probe_failures),
            trigger: options.trigger,
            target: options.target,
            rollout: Rollout::new(options.rollout_patience),
            pressure: Pressure::new(options.overloaded_windows, options.rest),
        }
    }

    /// Proposes the next assignment, or `None` if the previous one, or none, must do: nobody is serving, or it
    /// would be the first and not all shards have been asked yet.
    pub(crate) fn propose(
        &mut self,
        previous: Option<&Assignment>,
        loads: &BucketLoads,
        now: Duration,
    ) -> Option<Proposal> {
        let members = self.membership.members();
        if members.is_empty() || (previous.is_none() && !self.membership.is_settled()) {
            return None;
        }
        if let Some(previous) = previous {
            self.rollout.observe(previous, &members, now);
        }
        let rebalance = self.may_rebalance(now);
        let plan = self.plan(previous, loads, rebalance)?;
        Some(Proposal { plan, rebalance })
    }

    /// Takes in that the proposal is in force.
    pub(crate) fn accepted(&mut self, proposal: &Proposal, now: Duration) {
        self.rollout.settle();
        if proposal.rebalance {
            self.pressure.relieved(now);
        }
        let buckets = proposal.plan.moved.len();
        if buckets > 0 {
            tracing::info!(service = ?self.service, buckets, rebalance = proposal.rebalance, "buckets move");
        }
    }

    /// Looks at a window that has ended; says whether load may move buckets now.
    pub(crate) fn window_ended(&mut self, current: &Assignment, loads: &BucketLoads, now: Duration) -> bool {
        self.rollout.expire(now);
        let moves = |rebalance| self.plan(Some(current), loads, rebalance).map(|plan| plan.moved.len());
        let overloaded = moves(true) > moves(false);
        self.pressure.observe(overloaded);
        self.may_rebalance(now)
    }

    fn may_rebalance(&self, now: Duration) -> bool {
        self.pressure.allows(now) && self.rollout.homes().is_none()
    }

    fn plan(&self, previous: Option<&Assignment>, loads: &BucketLoads, rebalance: bool) -> Option<Plan> {
        let (trigger, target, homes) = (self.trigger, self.target, self.rollout.homes());
        let options = placement::Options { trigger, target, rebalance, homes };
        match plan(previous, &self.membership.members(), loads, &options) {
            Ok(plan) => Some(plan),
            Err(error) => {
                tracing::warn!(service = ?self.service, %error, "no plan, the last table stays");
                None
            }
        }
    }
}
