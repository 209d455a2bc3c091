//! The runs of a store: whether the last one ended cleanly, and the generation of the events that this one appends.

use bytes::Bytes;
use ports::Result;

use crate::engine::{Changes, Engine};
use crate::keys::Table;
use crate::packing::{Packer, Parts};

/// A run: from opening the store to closing it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    generation: u64,
    sync: bool,
}

impl Run {
    /// Begins a run, and notes durably that it has begun.
    ///
    /// The generation grows if the last run may have lost what it had acknowledged: it did not sync, and did not end cleanly.
    pub(crate) fn begin(engine: &dyn Engine, sync: bool) -> Result<Self> {
        let last = engine.snapshot().get(&Table::Run.key().bytes())?;
        let generation = match last {
            None => 1,
            Some(record) => {
                let mut parts = Parts::of(&record);
                let (generation, synced, ended) = (parts.number()?, parts.byte()? == 1, parts.byte()? == 1);
                if synced || ended { generation } else { generation + 1 }
            }
        };
        let run = Self { generation, sync };
        engine.commit(run.record(false), true)?;
        Ok(run)
    }

    /// Notes durably that the run has ended and, with that, everything it has written.
    pub(crate) fn end(self, engine: &dyn Engine) -> Result<()> {
        engine.commit(self.record(true), true)
    }

    /// Gives the generation of the run's events.
    pub(crate) fn generation(self) -> u64 {
        self.generation
    }

    /// Says whether each commit is synced.
    pub(crate) fn sync(self) -> bool {
        self.sync
    }

    fn record(self, ended: bool) -> Changes {
        let value = Packer::with_capacity(10).number(self.generation);
        let value = value.byte(u8::from(self.sync)).byte(u8::from(ended)).bytes();
        Changes::from([(Table::Run.key().bytes(), Some(Bytes::from(value)))])
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]
    use super::*;
    use crate::engine::Memory;

    #[test]
    fn the_generation_grows_only_when_acknowledged_events_may_be_lost() {
        let engine = Memory::default();
        assert_eq!(Run::begin(&engine, true).unwrap().generation(), 1);
        // Not ended, but synced.
        let run = Run::begin(&engine, false).unwrap();
        assert_eq!(run.generation(), 1);
        run.end(&engine).unwrap();
        // Not synced, but ended.
        assert_eq!(Run::begin(&engine, false).unwrap().generation(), 1);
        // Neither.
        assert_eq!(Run::begin(&engine, true).unwrap().generation(), 2);
    }
}
