//! Calls that hang, because the store is down for their process.

use std::collections::BTreeMap;

use parking_lot::Mutex;

use super::SimStore;

/// A call: it is done, or told that it was not.
pub(super) type Call = Box<dyn FnOnce(&SimStore, bool) + Send>;

/// The calls that hang, in the order in which they came.
#[derive(Default)]
pub(super) struct Held(Mutex<Calls>);

#[derive(Default)]
struct Calls {
    count: u64,
    calls: BTreeMap<u64, (String, Call)>,
}

impl Held {
    /// Lets a call hang, and gives its number.
    pub(super) fn hold(&self, process: &str, call: Call) -> u64 {
        let mut held = self.0.lock();
        held.count += 1;
        let number = held.count;
        held.calls.insert(number, (process.to_owned(), call));
        number
    }

    /// Gives a call back, if it still hangs.
    pub(super) fn take(&self, number: u64) -> Option<Call> {
        self.0.lock().calls.remove(&number).map(|(_, call)| call)
    }

    /// Gives the calls of those processes back whose way is free.
    pub(super) fn release(&self, is_free: impl Fn(&str) -> bool) -> Vec<Call> {
        let mut held = self.0.lock();
        held.calls.extract_if(.., |_, (process, _)| is_free(process)).map(|(_, (_, call))| call).collect()
    }
}
