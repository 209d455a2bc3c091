//! Lua scripts: the only way in which anything is changed, so that each change is one step.

use std::sync::OnceLock;

/// A script. It runs on the node that has its keys, all of one slot.
pub(crate) struct Script {
    /// What it is called in logs.
    pub(crate) name: &'static str,
    /// Its text.
    pub(crate) source: &'static str,
    /// Whether it begins with three arguments that are known only when it is sent: the call's [`crate::link::Floor`],
    /// the identifier of the node that runs it, and that node's configuration epoch.
    pub(crate) placed: bool,
    hash: OnceLock<String>,
}

impl Script {
    /// Makes a script.
    pub(crate) const fn new(name: &'static str, source: &'static str) -> Self {
        Self { name, source, placed: false, hash: OnceLock::new() }
    }

    /// Makes a script that is told where it runs.
    pub(crate) const fn placed(name: &'static str, source: &'static str) -> Self {
        Self { name, source, placed: true, hash: OnceLock::new() }
    }

    /// Gives the name by which a node that has loaded it knows it.
    pub(crate) fn hash(&self) -> &str {
        self.hash.get_or_init(|| redis::Script::new(self.source).get_hash().to_owned())
    }
}
