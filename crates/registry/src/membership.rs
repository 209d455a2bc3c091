//! Which shards of a service count, from what discovery lists and what probes find.

use std::collections::BTreeMap;

use placement::Member;
use ports::{FoundShard, ShardState};
use protocol::Shard;

use crate::probe::Outcome;

/// The shards of one service.
///
/// Invariants:
///
/// - a shard that can be asked enters only when it answers that it is ready, and leaves only after so many
///   failures in a row; one answer brings it back;
/// - when more than half of the shards vanish from discovery at once, the list is not believed: each of them
///   leaves when it no longer answers. (One that cannot be asked leaves at once: nothing contradicts the list.)
/// - shards that answer but are not ready own nothing, unless they are more than half: then the trouble is one
///   that they share, a store for example, and moving their users would not help.
#[derive(Debug)]
pub(crate) struct Membership {
    failures: u32,
    shards: BTreeMap<Shard, Seen>,
}

/// What is known of a shard.
#[derive(Debug)]
struct Seen {
    found: FoundShard,
    /// Whether discovery lists it.
    listed: bool,
    health: Health,
    /// How many probes in a row did not find it ready.
    failed: u32,
    /// How many probes in a row did not reach it.
    unreachable: u32,
}

/// What the probes so far mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    /// Not asked yet.
    Unknown,
    Ready,
    /// It answers, but is not ready for users.
    NotReady,
    /// It does not answer, or has never been ready.
    Dead,
}

impl Membership {
    /// Knows nobody; a shard changes for the worse after this many failures in a row, at least one.
    pub(crate) fn new(failures: u32) -> Self {
        Self { failures: failures.max(1), shards: BTreeMap::new() }
    }

    /// Takes in a list from discovery. Shards for which `trusted` holds are taken for ready until probes say
    /// otherwise: those that serve according to the current table.
    pub(crate) fn discovered(&mut self, found: &[FoundShard], trusted: impl Fn(&Shard) -> bool) {
        let missing = |seen: &Seen| !found.iter().any(|found| found.shard == seen.found.shard);
        let alive = self.shards.values().filter(|seen| seen.is_alive()).count();
        let lost =
            self.shards.values().filter(|seen| seen.listed && seen.is_alive() && missing(seen)).count();
        let doubtful = lost * 2 > alive;
        self.shards.retain(|_, seen| {
            if !missing(seen) {
                return true;
            }
            if seen.listed {
                // What was counted against it before does not count as an answer to this question.
                (seen.listed, seen.failed, seen.unreachable) = (false, 0, 0);
                return doubtful && seen.is_alive() && seen.found.operator_url.is_some();
            }
            seen.is_alive()
        });
        for found in found {
            match self.shards.get_mut(&found.shard) {
                Some(seen) => {
                    (seen.found, seen.listed) = (found.clone(), true);
                    if found.operator_url.is_none() {
                        seen.health = Health::Ready;
                    }
                }
                None => {
                    let ready = found.operator_url.is_none() || trusted(&found.shard);
                    let seen = Seen {
                        found: found.clone(),
                        listed: true,
                        health: if ready { Health::Ready } else { Health::Unknown },
                        failed: 0,
                        unreachable: 0,
                    };
                    self.shards.insert(found.shard.clone(), seen);
                }
            }
        }
    }

    /// Gives the shards to probe, and where.
    pub(crate) fn to_probe(&self) -> Vec<(Shard, String)> {
        let url = |seen: &Seen| Some((seen.found.shard.clone(), seen.found.operator_url.clone()?));
        self.shards.values().filter_map(url).collect()
    }

    /// Takes in the result of a probe; says whether it changed who counts.
    pub(crate) fn probed(&mut self, shard: &Shard, outcome: Outcome) -> bool {
        let Some(seen) = self.shards.get_mut(shard) else { return false };
        let before = seen.health;
        seen.failed = if outcome == Outcome::Ready { 0 } else { seen.failed.saturating_add(1) };
        seen.unreachable =
            if outcome == Outcome::Unreachable { seen.unreachable.saturating_add(1) } else { 0 };
        seen.health = match before {
            _ if outcome == Outcome::Ready => Health::Ready,
            Health::Unknown | Health::Dead => Health::Dead,
            _ if seen.unreachable >= self.failures => Health::Dead,
            _ if seen.failed >= self.failures => Health::NotReady,
            _ => before,
        };
        let changed = seen.health != before;
        if changed {
            tracing::info!(%shard, from = ?before, to = ?seen.health, "shard changed");
        }
        if seen.health == Health::Dead && !seen.listed {
            self.shards.remove(shard);
        }
        changed
    }

    /// Says whether every shard has been asked.
    pub(crate) fn is_settled(&self) -> bool {
        self.shards.values().all(|seen| seen.health != Health::Unknown)
    }

    /// Gives the members for the planner.
    pub(crate) fn members(&self) -> Vec<Member> {
        let alive: Vec<_> = self.shards.values().filter(|seen| seen.is_alive()).collect();
        let not_ready = alive.iter().filter(|seen| seen.health == Health::NotReady).count();
        let shared_trouble = not_ready * 2 > alive.len();
        alive
            .into_iter()
            .map(|seen| Member {
                shard: seen.found.shard.clone(),
                url: seen.found.url.clone(),
                operator_url: seen.found.operator_url.clone(),
                weight: seen.found.weight,
                draining: seen.found.state == ShardState::Draining
                    || (seen.health == Health::NotReady && !shared_trouble),
            })
            .collect()
    }
}

impl Seen {
    fn is_alive(&self) -> bool {
        matches!(self.health, Health::Ready | Health::NotReady)
    }
}

#[cfg(test)]
mod tests {
    use protocol::Service;

    use super::*;

    fn shard(name: &str) -> Shard {
        Shard::new(name).unwrap()
    }

    fn found(name: &str) -> FoundShard {
        FoundShard {
            shard: shard(name),
            service: Service::Chat,
            url: format!("ws://{name}"),
            operator_url: Some(format!("http://{name}")),
            state: ShardState::Serving,
            weight: 100,
        }
    }

    fn list(names: &str) -> Vec<FoundShard> {
        names.split_whitespace().map(found).collect()
    }

    /// These shards, all ready; three failures are needed.
    fn ready(names: &str) -> Membership {
        let mut membership = Membership::new(3);
        membership.discovered(&list(names), |_| false);
        probe(&mut membership, names, Outcome::Ready, 1);
        membership
    }

    fn probe(membership: &mut Membership, names: &str, outcome: Outcome, times: u32) {
        for _ in 0..times {
            for name in names.split_whitespace() {
                membership.probed(&shard(name), outcome);
            }
        }
    }

    /// The members' names, in brackets if draining.
    fn members(membership: &Membership) -> String {
        let name = |member: &Member| match member.draining {
            false => member.name().to_owned(),
            true => format!("({})", member.name()),
        };
        membership.members().iter().map(name).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn shard_enters_when_it_is_ready_and_not_before() {
        let mut membership = Membership::new(3);
        membership.discovered(&list("a b c"), |shard| shard.as_str() == "c");
        assert!(!membership.is_settled());
        assert_eq!(members(&membership), "c");
        probe(&mut membership, "a", Outcome::Ready, 1);
        probe(&mut membership, "b", Outcome::NotReady, 1);
        assert!(membership.is_settled());
        assert_eq!(members(&membership), "a c");
        probe(&mut membership, "b", Outcome::Ready, 1);
        assert_eq!(members(&membership), "a b c");
    }

    #[test]
    fn shard_dies_after_failures_in_a_row_and_comes_back_by_one_answer() {
        let mut membership = ready("a b c");
        probe(&mut membership, "b", Outcome::Unreachable, 2);
        probe(&mut membership, "b", Outcome::Ready, 1);
        probe(&mut membership, "b", Outcome::Unreachable, 2);
        assert_eq!(members(&membership), "a b c");
        probe(&mut membership, "b", Outcome::Unreachable, 1);
        assert_eq!(members(&membership), "a c");
        probe(&mut membership, "b", Outcome::NotReady, 5);
        assert_eq!(members(&membership), "a c");
        probe(&mut membership, "b", Outcome::Ready, 1);
        assert_eq!(members(&membership), "a b c");
    }

    #[test]
    fn one_that_is_not_ready_drains_but_trouble_of_most_is_shared() {
        let mut membership = ready("a b c");
        probe(&mut membership, "a", Outcome::NotReady, 3);
        assert_eq!(members(&membership), "(a) b c");
        probe(&mut membership, "b", Outcome::NotReady, 3);
        assert_eq!(members(&membership), "a b c");
        probe(&mut membership, "a", Outcome::Ready, 1);
        assert_eq!(members(&membership), "a (b) c");
    }

    #[test]
    fn loss_of_half_from_the_list_is_believed() {
        let mut membership = ready("a b c d");
        membership.discovered(&list("a b"), |_| false);
        assert_eq!(members(&membership), "a b");
    }

    #[test]
    fn loss_of_most_from_the_list_is_believed_when_probes_agree() {
        let mut membership = ready("a b c");
        probe(&mut membership, "b c", Outcome::Unreachable, 2);
        for _ in 0..2 {
            membership.discovered(&list("a"), |_| false);
            assert_eq!(members(&membership), "a b c");
        }
        probe(&mut membership, "b c", Outcome::Ready, 9);
        probe(&mut membership, "b", Outcome::Unreachable, 3);
        probe(&mut membership, "c", Outcome::Unreachable, 2);
        assert_eq!(members(&membership), "a c");
        membership.discovered(&list("a c"), |_| false);
        probe(&mut membership, "c", Outcome::Ready, 1);
        assert_eq!(members(&membership), "a c");
        membership.discovered(&[], |_| false);
        assert_eq!(members(&membership), "a c");
    }

    #[test]
    fn failures_before_the_loss_do_not_count() {
        let mut membership = ready("a b c");
        probe(&mut membership, "b c", Outcome::Unreachable, 2);
        membership.discovered(&list("a"), |_| false);
        probe(&mut membership, "b c", Outcome::Unreachable, 2);
        assert_eq!(members(&membership), "a b c");
    }

    #[test]
    fn what_cannot_be_asked_is_as_discovery_says() {
        let mut silent = list("a b c");
        for found in &mut silent {
            found.operator_url = None;
        }
        silent[1].state = ShardState::Draining;
        let mut membership = Membership::new(3);
        membership.discovered(&silent, |_| false);
        assert!(membership.is_settled());
        assert_eq!(members(&membership), "a (b) c");
        membership.discovered(&silent[..1], |_| false);
        assert_eq!(members(&membership), "a");
    }
}
