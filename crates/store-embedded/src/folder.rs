//! The data folder: who may read it, that one process uses it at a time, and which format it has.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::OpenError;

/// The format that this program writes, and the newest that it reads.
const FORMAT: u32 = 1;

const LOCK_FILE: &str = "lock";
const FORMAT_FILE: &str = "format";
const DATABASE: &str = "database";

/// A data folder that this process alone uses while the value lives.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// Locked; the operating system lets it go with the process, however that ends.
    _lock: File,
}

impl Folder {
    /// Makes the folder if there is none, locks it, and checks its format.
    pub(crate) fn open(path: &Path) -> Result<Self, OpenError> {
        let io = |error| OpenError::Io { folder: path.to_owned(), error };
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(io)?;
        let lock = private().truncate(false).open(path.join(LOCK_FILE)).map_err(io)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(OpenError::InUse { folder: path.to_owned() }),
            Err(TryLockError::Error(error)) => return Err(io(error)),
        }
        let folder = Self { path: path.to_owned(), _lock: lock };
        folder.check_format()?;
        Ok(folder)
    }

    /// Gives where the database is.
    pub(crate) fn database(&self) -> PathBuf {
        self.path.join(DATABASE)
    }

    fn check_format(&self) -> Result<(), OpenError> {
        let io = |error| OpenError::Io { folder: self.path.clone(), error };
        let not_a_store = |reason| OpenError::NotAStore { folder: self.path.clone(), reason };
        let text = match fs::read_to_string(self.path.join(FORMAT_FILE)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if self.database().exists() {
                    return Err(not_a_store("it has a database without a format"));
                }
                return self.write_format().map_err(io);
            }
            Err(error) => return Err(io(error)),
        };
        let found: u32 = text.trim().parse().map_err(|_| not_a_store("its format is not a number"))?;
        if found > FORMAT {
            return Err(OpenError::NewerFormat { folder: self.path.clone(), found, known: FORMAT });
        }
        Ok(())
    }

    /// Writes the format beside and moves it to its place, so that it is there whole or not at all.
    fn write_format(&self) -> io::Result<()> {
        let draft = self.path.join("format.new");
        let mut file = private().truncate(true).open(&draft)?;
        writeln!(file, "{FORMAT}")?;
        file.sync_all()?;
        fs::rename(draft, self.path.join(FORMAT_FILE))?;
        File::open(&self.path)?.sync_all()
    }
}

/// Opens files that nobody else may read.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).mode(0o600);
    options
}
