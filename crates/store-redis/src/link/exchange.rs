//! What the answers of a batch mean for its calls: which are certain, and which have to be sent again.

use std::sync::Arc;
use std::time::Duration;

use redis::Value;

use super::address::Address;
use super::call::Floor;
use super::lanes::{Lanes, Pending};
use super::verdict::{Verdict, judge};

/// How long to wait before a call is sent again that met a slot on its way.
const SOON: Duration = Duration::from_millis(10);

/// How long to wait before a call is sent again to a node that was of no use.
const TROUBLE: Duration = Duration::from_millis(50);

/// What is to be done about a slot after its calls were answered.
#[derive(Default)]
pub(super) struct Outcome {
    /// The calls to be sent again, in order.
    pub(super) again: Vec<Pending>,
    /// How long to wait before that.
    pub(super) pause: Option<Duration>,
    /// Where the slot is now.
    pub(super) moved: Option<Address>,
    /// Whether the topology should be read anew.
    pub(super) refresh: bool,
    /// Whether the node has forgotten its scripts.
    pub(super) forget_scripts: bool,
}

/// Answers the calls of a slot whose answer is certain. Without `acknowledged` none is that a failover may take back.
pub(super) fn settle(lanes: &Lanes, calls: Vec<Pending>, values: Vec<Value>, acknowledged: bool) -> Outcome {
    let mut outcome = Outcome::default();
    let mut lost: Vec<Arc<dyn Floor>> = Vec::new();
    for (mut pending, value) in calls.into_iter().zip(values) {
        pending.ask = None;
        let verdict = match value {
            Value::ServerError(error) => judge(&error),
            _ if !acknowledged => {
                outcome.again.push(pending);
                continue;
            }
            value if is_lost(&value) => {
                // Once for all calls that stand on the same floor.
                if let Some(floor) = pending.call.floor.clone()
                    && !lost.iter().any(|known| Arc::ptr_eq(known, &floor))
                {
                    outcome.again.extend(restored(lanes, &floor));
                    lost.push(floor);
                }
                outcome.again.push(pending);
                continue;
            }
            value => {
                lanes.answer(pending, Ok(value));
                continue;
            }
        };
        match verdict {
            Verdict::Refused(refusal) => {
                lanes.shared.refused(pending.call.name(), &refusal);
                lanes.answer(pending, Err(refusal));
                continue;
            }
            Verdict::Moved(to) => {
                outcome.refresh = true;
                outcome.wait(to.is_none().then_some(SOON));
                outcome.moved = to;
            }
            Verdict::Ask(to) => {
                pending.ask = to.and_then(|address| lanes.shared.node_at(&address));
                if pending.ask.is_none() {
                    outcome.refresh = true;
                    outcome.wait(Some(SOON));
                }
            }
            Verdict::Soon => outcome.wait(Some(SOON)),
            Verdict::Trouble => {
                outcome.refresh = true;
                outcome.wait(Some(TROUBLE));
            }
            Verdict::NoScript => outcome.forget_scripts = true,
        }
        outcome.again.push(pending);
    }
    outcome
}

impl Outcome {
    fn wait(&mut self, pause: Option<Duration>) {
        self.pause = self.pause.max(pause);
    }
}

/// Says whether a script found less in the store than its floor.
fn is_lost(value: &Value) -> bool {
    match value {
        Value::Array(items) => {
            matches!(items.as_slice(), [Value::BulkString(word)] if word == b"lost")
        }
        _ => false,
    }
}

/// Gives the calls that bring back what was lost.
fn restored(lanes: &Lanes, floor: &Arc<dyn Floor>) -> Vec<Pending> {
    let deadline = lanes.shared.deadline();
    let restore = |(call, answered)| {
        let pending = Pending::new(call, deadline, answered);
        lanes.added(&pending);
        pending
    };
    floor.clone().lost().into_iter().map(restore).collect()
}
