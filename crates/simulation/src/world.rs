//! What everything in a simulated world shares.

use crate::defect::Defect;
use crate::dice::Dice;
use crate::history::History;
use crate::network::Network;
use crate::store::SimStore;

/// A world: one seed, one history, one network, one store. Clones are the same world.
#[derive(Clone)]
pub struct World {
    seed: u64,
    defect: Option<Defect>,
    /// What has happened.
    pub history: History,
    /// Between the processes and the devices.
    pub network: Network,
    /// What lasts.
    pub store: SimStore,
}

impl World {
    /// Begins a world.
    pub fn begin(seed: u64, defect: Option<Defect>) -> Self {
        let history = History::begin();
        let store = SimStore::new(Dice::new(seed, "store"), history.clone());
        if let Some(defect) = defect {
            store.put_in(defect);
        }
        Self { network: Network::new(Dice::new(seed, "network")), store, seed, defect, history }
    }

    /// Says whether the world has a defect.
    pub fn has(&self, defect: Defect) -> bool {
        self.defect == Some(defect)
    }

    /// Gives the chance of a part of the world.
    pub fn dice(&self, part: &str) -> Dice {
        Dice::new(self.seed, part)
    }
}
