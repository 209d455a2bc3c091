//! What the channel `log` pushed: lines of the notification role's log.

use std::collections::BTreeSet;

use serde_json::Value;

/// Reads which notes went to which devices, and how many lines said so.
pub(crate) fn read(log: &str) -> (BTreeSet<(String, String)>, usize) {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let pushes = lines.filter(|line| line["message"] == "push");
    let of = |line: Value| Some((line["device"].as_str()?.to_owned(), line["note"].as_str()?.to_owned()));
    let pushes: Vec<_> = pushes.filter_map(of).collect();
    let count = pushes.len();
    (pushes.into_iter().collect(), count)
}
