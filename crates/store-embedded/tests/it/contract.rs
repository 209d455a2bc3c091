//! The ports' contract, on the disk and in memory.

use std::ops::Deref;
use std::sync::Arc;

use ports::SystemClock;
use store_embedded::{EmbeddedStore, Options};
use tempfile::TempDir;

/// A store in a folder that goes with it.
struct OnDisk {
    store: EmbeddedStore,
    _folder: TempDir,
}

impl Deref for OnDisk {
    type Target = EmbeddedStore;

    fn deref(&self) -> &EmbeddedStore {
        &self.store
    }
}

mod on_disk {
    use super::*;

    async fn open() -> Option<OnDisk> {
        let folder = tempfile::tempdir().unwrap();
        let store = EmbeddedStore::open(folder.path(), Options::default()).unwrap();
        Some(OnDisk { store, _folder: folder })
    }

    ports::contract_tests!(crate::contract::on_disk::open);
}

mod in_memory {
    use super::*;

    async fn open() -> Option<Box<EmbeddedStore>> {
        Some(Box::new(EmbeddedStore::in_memory(Arc::new(SystemClock))))
    }

    ports::contract_tests!(crate::contract::in_memory::open);
}
