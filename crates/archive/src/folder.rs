//! An archive in a folder.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use object_store::local::LocalFileSystem;

use crate::error::{Error, Result};
use crate::object::ObjectArchive;

impl ObjectArchive {
    /// Opens an archive in a folder, which is made if it is not there.
    ///
    /// A segment is written under another name, synced, and then renamed.
    ///
    /// # Errors
    /// `Options` if the folder cannot be made.
    pub fn folder(path: &Path) -> Result<Self> {
        let cannot = |error: &dyn std::fmt::Display| Error::Options(format!("{}: {error}", path.display()));
        fs::create_dir_all(path).map_err(|error| cannot(&error))?;
        let files = LocalFileSystem::new_with_prefix(path).map_err(|error| cannot(&error))?;
        let files = files.with_fsync(true).with_automatic_cleanup(true);
        Ok(Self { store: Arc::new(files), prefix: object_store::path::Path::default(), sorted: false })
    }
}
