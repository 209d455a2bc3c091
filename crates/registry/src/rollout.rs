//! Remembers who had what before shards began to leave.

use std::time::Duration;

use placement::{Assignment, Member};
use protocol::Shard;

/// A rollout, or whatever makes shards leave for a while: it begins with the first that leaves and ends when all
/// are back, or when nothing has changed for a long time.
///
/// While it goes on, those who come back receive what they had, and load moves nothing: so a user moves away
/// and home again, and not a third time. It lives in memory alone; a registry that starts in the middle of a
/// rollout places by the ring what it did not see leave.
#[derive(Debug)]
pub(crate) struct Rollout {
    patience: Duration,
    homes: Option<Assignment>,
    serving: Vec<Shard>,
    changed_at: Duration,
}

impl Rollout {
    pub(crate) fn new(patience: Duration) -> Self {
        Self { patience, homes: None, serving: Vec::new(), changed_at: Duration::ZERO }
    }

    /// Takes in the members for whom a plan is about to be made from `previous`.
    pub(crate) fn observe(&mut self, previous: &Assignment, members: &[Member], now: Duration) {
        let serving: Vec<_> =
            members.iter().filter(|member| member.is_serving()).map(|member| member.shard.clone()).collect();
        if serving != self.serving {
            (self.serving, self.changed_at) = (serving, now);
        }
        self.expire(now);
        if self.homes.is_none() && !self.all_serve(previous) {
            self.homes = Some(previous.clone());
        }
    }

    /// Ends the rollout if nothing has changed for long.
    pub(crate) fn expire(&mut self, now: Duration) {
        if now.saturating_sub(self.changed_at) >= self.patience {
            self.homes = None;
        }
    }

    /// Ends the rollout if everybody is back; for after the table in which the last one received its own.
    pub(crate) fn settle(&mut self) {
        if self.homes.as_ref().is_some_and(|homes| self.all_serve(homes)) {
            self.homes = None;
        }
    }

    /// Gives the assignment before the rollout.
    pub(crate) fn homes(&self) -> Option<&Assignment> {
        self.homes.as_ref()
    }

    /// Says whether all who serve according to the assignment are serving.
    fn all_serve(&self, assignment: &Assignment) -> bool {
        let mut expected = assignment.members().iter().filter(|member| member.is_serving());
        expected.all(|member| self.serving.contains(&member.shard))
    }
}

#[cfg(test)]
mod tests {
    use placement::{BucketLoads, ORDINARY_WEIGHT, Options, plan};

    use super::*;

    const PATIENCE: Duration = Duration::from_mins(15);

    fn members(names: &[&str]) -> Vec<Member> {
        let member = |name: &&str| Member {
            shard: Shard::new(name).unwrap(),
            url: String::new(),
            weight: ORDINARY_WEIGHT,
            operator_url: None,
            draining: false,
        };
        names.iter().map(member).collect()
    }

    fn assignment(names: &[&str]) -> Assignment {
        plan(None, &members(names), &BucketLoads::uniform(), &Options::default()).unwrap().assignment
    }

    #[test]
    fn lasts_from_the_first_that_leaves_until_all_are_back() {
        let mut rollout = Rollout::new(PATIENCE);
        let stable = assignment(&["a", "b"]);
        rollout.observe(&stable, &members(&["a", "b", "c"]), PATIENCE);
        assert_eq!(rollout.homes(), None);
        rollout.observe(&stable, &members(&["b", "c"]), PATIENCE);
        rollout.observe(&assignment(&["b", "c"]), &members(&["c"]), PATIENCE);
        rollout.settle();
        assert_eq!(rollout.homes(), Some(&stable));
        rollout.observe(&assignment(&["c"]), &members(&["a", "b", "c"]), PATIENCE);
        assert_eq!(rollout.homes(), Some(&stable), "the last one receives its own yet");
        rollout.settle();
        assert_eq!(rollout.homes(), None);
    }

    #[test]
    fn ends_when_nothing_happens_any_more() {
        let mut rollout = Rollout::new(PATIENCE);
        rollout.observe(&assignment(&["a", "b"]), &members(&["a"]), PATIENCE);
        let after = assignment(&["a"]);
        rollout.observe(&after, &members(&["a"]), PATIENCE * 2 - Duration::from_secs(1));
        assert!(rollout.homes().is_some());
        rollout.expire(PATIENCE * 2);
        assert_eq!(rollout.homes(), None);
    }
}
