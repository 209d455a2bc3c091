//! Calls that wait: in order for each slot, and each slot with the node that has it.
//!
//! A slot whose calls a lane has taken is held until the lane releases it, so that no later call overtakes those that have to be sent again.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use super::topology::NodeId;

/// What waits.
pub(super) trait Queued {
    /// About how many bytes it takes.
    fn size(&self) -> usize;

    /// When it is of no use any more.
    fn deadline(&self) -> Duration;

    /// The node that is to be asked instead of the slot's, once.
    fn ask(&self) -> Option<&NodeId>;
}

/// Calls that wait.
pub(super) struct Queue<T> {
    slots: HashMap<u16, Line<T>>,
    /// The slots that are not held and have calls, by the node that they are sent to.
    ready: HashMap<NodeId, VecDeque<u16>>,
    calls: usize,
    bytes: usize,
}

/// The calls of one slot.
struct Line<T> {
    calls: VecDeque<T>,
    held: bool,
}

/// Calls of one slot that a lane has taken. The slot is held.
pub(super) struct Taken<T> {
    /// The slot.
    pub(super) slot: u16,
    /// The calls, in order.
    pub(super) calls: Vec<T>,
}

/// How much is taken at once.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// Calls.
    pub(super) calls: usize,
    /// Bytes, unless a single call has more.
    pub(super) bytes: usize,
    /// Calls of one slot.
    pub(super) calls_of_slot: usize,
}

impl<T: Queued> Queue<T> {
    /// Makes an empty one.
    pub(super) fn new() -> Self {
        Self { slots: HashMap::new(), ready: HashMap::new(), calls: 0, bytes: 0 }
    }

    /// Gives how many calls and bytes wait or are under way.
    pub(super) fn load(&self) -> (usize, usize) {
        (self.calls, self.bytes)
    }

    /// Adds a call, and gives the node that has more to do now. `route` says to which node the first call of a slot goes.
    pub(super) fn push(&mut self, slot: u16, call: T, route: impl Fn(u16, &T) -> NodeId) -> Option<NodeId> {
        self.calls += 1;
        self.bytes += call.size();
        let line = self.slots.entry(slot).or_insert_with(|| Line { calls: VecDeque::new(), held: false });
        let is_ready = !line.held && line.calls.is_empty();
        line.calls.push_back(call);
        if !is_ready {
            return None;
        }
        self.make_ready(slot, route)
    }

    /// Takes calls for a node, of one slot after the other, and holds the slots.
    pub(super) fn take(&mut self, node: &NodeId, limits: Limits) -> Vec<Taken<T>> {
        let mut taken = Vec::new();
        let Some(ready) = self.ready.get_mut(node) else { return taken };
        let (mut calls, mut bytes) = (0, 0);
        while calls < limits.calls && bytes < limits.bytes {
            let Some(slot) = ready.pop_front() else { break };
            let Some(line) = self.slots.get_mut(&slot) else { continue };
            line.held = true;
            let mut group = Vec::new();
            while let Some(call) = line.calls.front() {
                // Those that ask elsewhere go alone, since each is told where anew.
                let is_alike = group.is_empty() || call.ask().is_none();
                let has_room = calls < limits.calls && group.len() < limits.calls_of_slot;
                if !is_alike || !has_room || bytes >= limits.bytes {
                    break;
                }
                let asks = call.ask().is_some();
                calls += 1;
                bytes += call.size();
                group.extend(line.calls.pop_front());
                if asks {
                    break;
                }
            }
            taken.push(Taken { slot, calls: group });
        }
        if ready.is_empty() {
            self.ready.remove(node);
        }
        taken
    }

    /// Puts calls of a slot that is held in front of those that wait. They count as under way already.
    pub(super) fn give_back(&mut self, slot: u16, calls: impl DoubleEndedIterator<Item = T>) {
        if let Some(line) = self.slots.get_mut(&slot) {
            for call in calls.rev() {
                line.calls.push_front(call);
            }
        }
    }

    /// Counts a call that will be given back although it was never pushed.
    pub(super) fn added(&mut self, call: &T) {
        self.calls += 1;
        self.bytes += call.size();
    }

    /// Counts a call out that was taken and is answered.
    pub(super) fn answered(&mut self, size: usize) {
        self.calls = self.calls.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(size);
    }

    /// Lets a slot go, and gives the node that has more to do now.
    pub(super) fn release(&mut self, slot: u16, route: impl Fn(u16, &T) -> NodeId) -> Option<NodeId> {
        let line = self.slots.get_mut(&slot)?;
        line.held = false;
        if line.calls.is_empty() {
            self.slots.remove(&slot);
            return None;
        }
        self.make_ready(slot, route)
    }

    /// Asks anew where each slot that is not held goes, and gives the nodes that have something to do now.
    pub(super) fn reroute(&mut self, route: impl Fn(u16, &T) -> NodeId) -> HashSet<NodeId> {
        let slots: Vec<u16> = self.ready.drain().flat_map(|(_, slots)| slots).collect();
        slots.into_iter().filter_map(|slot| self.make_ready(slot, &route)).collect()
    }

    /// Takes out the calls whose deadline has passed, in order, of those that wait.
    pub(super) fn expire(&mut self, now: Duration) -> Vec<T> {
        let mut expired = Vec::new();
        for line in self.slots.values_mut() {
            if line.calls.iter().any(|call| call.deadline() <= now) {
                let (over, left): (Vec<T>, Vec<T>) =
                    line.calls.drain(..).partition(|call| call.deadline() <= now);
                expired.extend(over);
                line.calls.extend(left);
            }
        }
        for call in &expired {
            self.answered(call.size());
        }
        // A slot without calls must not be ready: the next call would not make it so.
        let slots = &mut self.slots;
        for ready in self.ready.values_mut() {
            ready.retain(|slot| slots.get(slot).is_some_and(|line| !line.calls.is_empty()));
        }
        slots.retain(|_, line| line.held || !line.calls.is_empty());
        expired
    }

    fn make_ready(&mut self, slot: u16, route: impl Fn(u16, &T) -> NodeId) -> Option<NodeId> {
        let first = self.slots.get(&slot)?.calls.front()?;
        let node = match first.ask() {
            Some(node) => node.clone(),
            None => route(slot, first),
        };
        self.ready.entry(node.clone()).or_default().push_back(slot);
        Some(node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Eq)]
    struct Call {
        number: u64,
        ask: Option<NodeId>,
    }

    impl Queued for Call {
        fn size(&self) -> usize {
            10
        }

        fn deadline(&self) -> Duration {
            Duration::from_secs(self.number)
        }

        fn ask(&self) -> Option<&NodeId> {
            self.ask.as_ref()
        }
    }

    const LIMITS: Limits = Limits { calls: 10, bytes: 1000, calls_of_slot: 3 };

    fn call(number: u64) -> Call {
        Call { number, ask: None }
    }

    fn node(name: &str) -> NodeId {
        NodeId::new(name)
    }

    /// Even slots are a's, odd ones b's.
    fn route(slot: u16, _: &Call) -> NodeId {
        node(if slot.is_multiple_of(2) { "a" } else { "b" })
    }

    fn numbers(taken: &[Taken<Call>]) -> Vec<(u16, Vec<u64>)> {
        let of = |taken: &Taken<Call>| (taken.slot, taken.calls.iter().map(|call| call.number).collect());
        taken.iter().map(of).collect()
    }

    #[test]
    fn each_node_takes_its_slots_in_turn() {
        let mut queue = Queue::new();
        assert_eq!(queue.push(2, call(1), route), Some(node("a")));
        assert_eq!(queue.push(2, call(2), route), None);
        assert_eq!(queue.push(3, call(3), route), Some(node("b")));
        assert_eq!(queue.push(4, call(4), route), Some(node("a")));
        assert_eq!(numbers(&queue.take(&node("a"), LIMITS)), [(2, vec![1, 2]), (4, vec![4])]);
        assert_eq!(numbers(&queue.take(&node("b"), LIMITS)), [(3, vec![3])]);
        assert!(queue.take(&node("a"), LIMITS).is_empty());
    }

    #[test]
    fn a_held_slot_waits_and_what_is_given_back_goes_first() {
        let mut queue = Queue::new();
        for number in 1..=2 {
            queue.push(2, call(number), route);
        }
        let mut taken = queue.take(&node("a"), LIMITS);
        assert_eq!(queue.push(2, call(3), route), None);
        assert!(queue.take(&node("a"), LIMITS).is_empty());
        queue.give_back(2, taken.remove(0).calls.into_iter());
        // The slot has moved meanwhile.
        assert_eq!(queue.release(2, |_, _| node("b")), Some(node("b")));
        assert_eq!(numbers(&queue.take(&node("b"), LIMITS)), [(2, vec![1, 2, 3])]);
        for _ in 0..3 {
            queue.answered(10);
        }
        assert_eq!(queue.load(), (0, 0));
        assert_eq!(queue.release(2, route), None);
        assert_eq!(queue.push(2, call(4), route), Some(node("a")));
    }

    #[test]
    fn what_is_taken_at_once_is_bounded() {
        let mut queue = Queue::new();
        for number in 1..=5 {
            queue.push(2, call(number), route);
        }
        for slot in [4, 6, 8, 10] {
            for number in 1..=3 {
                queue.push(slot, call(number), route);
            }
        }
        let taken = queue.take(&node("a"), LIMITS);
        assert_eq!(
            numbers(&taken),
            [(2, vec![1, 2, 3]), (4, vec![1, 2, 3]), (6, vec![1, 2, 3]), (8, vec![1])]
        );
        let few = Limits { bytes: 15, ..LIMITS };
        assert_eq!(numbers(&queue.take(&node("a"), few)), [(10, vec![1, 2])]);
        assert_eq!(queue.release(2, route), Some(node("a")));
        assert_eq!(numbers(&queue.take(&node("a"), LIMITS)), [(2, vec![4, 5])]);
    }

    #[test]
    fn slots_that_are_not_held_follow_the_topology() {
        let mut queue = Queue::new();
        for slot in [2, 3, 4] {
            queue.push(slot, call(1), |_, _| NodeId::nowhere());
        }
        let held = queue.take(&NodeId::nowhere(), Limits { calls: 1, ..LIMITS });
        assert_eq!(held.len(), 1);
        assert_eq!(queue.reroute(route).len(), 2);
        let left = [node("a"), node("b")].map(|node| queue.take(&node, LIMITS).len());
        assert_eq!(left.iter().sum::<usize>(), 2);
    }

    #[test]
    fn a_call_that_asks_elsewhere_goes_there_alone() {
        let mut queue = Queue::new();
        for number in 1..=2 {
            queue.push(2, call(number), route);
        }
        let mut taken = queue.take(&node("a"), LIMITS).remove(0);
        for call in &mut taken.calls {
            call.ask = Some(node("b"));
        }
        queue.give_back(2, taken.calls.into_iter());
        assert_eq!(queue.release(2, route), Some(node("b")));
        assert_eq!(numbers(&queue.take(&node("b"), LIMITS)), [(2, vec![1])]);
        assert_eq!(queue.release(2, route), Some(node("b")));
        assert_eq!(numbers(&queue.take(&node("b"), LIMITS)), [(2, vec![2])]);
    }

    #[test]
    fn what_has_waited_too_long_is_taken_out() {
        let mut queue = Queue::new();
        for number in [5, 1, 4] {
            queue.push(2, call(number), route);
        }
        queue.push(4, call(1), route);
        let expired = queue.expire(Duration::from_secs(4));
        assert_eq!(expired.len(), 3);
        assert_eq!(queue.load(), (1, 10));
        assert_eq!(numbers(&queue.take(&node("a"), LIMITS)), [(2, vec![5])]);
        // The slot that had nothing left is ready again with its next call.
        assert_eq!(queue.push(4, call(9), route), Some(node("a")));
        assert_eq!(numbers(&queue.take(&node("a"), LIMITS)), [(4, vec![9])]);
    }
}
