//! A file that keeps a login between runs, and shares it between processes.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::SavedSession;

/// A file that only its owner may read. Beside it lies a lock file, so that of several processes one exchanges the token.
#[derive(Clone, Debug)]
pub struct SessionFile {
    path: PathBuf,
}

impl SessionFile {
    /// Names the file; nothing is opened yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Gives its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the login, if there is one.
    ///
    /// # Errors
    /// The file cannot be read, or holds something else.
    pub fn load(&self) -> io::Result<Option<SavedSession>> {
        match fs::read(&self.path) {
            Ok(json) => {
                serde_json::from_slice(&json).map(Some).map_err(|_| io::Error::from(ErrorKind::InvalidData))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes the login: after a crash the file holds either the old one or the new one.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self, session: &SavedSession) -> io::Result<()> {
        self.make_folder()?;
        let new = self.beside("new");
        let mut file = private().create(true).write(true).truncate(true).open(&new)?;
        file.write_all(&serde_json::to_vec(session)?)?;
        file.sync_all()?;
        fs::rename(&new, &self.path)
    }

    /// Deletes the file, if there is one.
    ///
    /// # Errors
    /// The file cannot be deleted.
    pub fn delete(&self) -> io::Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Waits until no other process exchanges the token; others wait until the answer is dropped.
    pub(super) fn lock(&self) -> io::Result<File> {
        self.make_folder()?;
        let file = private().create(true).write(true).truncate(false).open(self.beside("lock"))?;
        file.lock()?;
        Ok(file)
    }

    fn make_folder(&self) -> io::Result<()> {
        match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => fs::create_dir_all(folder),
            _ => Ok(()),
        }
    }

    fn beside(&self, extension: &str) -> PathBuf {
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(".");
        name.push(extension);
        self.path.with_file_name(name)
    }
}

/// Gives options for a file that only its owner may read.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
