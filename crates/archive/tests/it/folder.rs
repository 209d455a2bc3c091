//! An archive in a folder.

use std::fs;
use std::path::PathBuf;

use archive::{Archive, Error, ObjectArchive};
use bytes::Bytes;
use protocol::ConversationId;

use crate::contract::{self, segment};

const ID: ConversationId = ConversationId([1; 16]);

#[tokio::test]
async fn a_folder_is_an_archive() {
    let folder = tempfile::tempdir().unwrap();
    let archive = ObjectArchive::folder(&folder.path().join("made/if/missing")).unwrap();
    archive.check().await.unwrap();
    contract::check(&archive).await;
}

#[tokio::test]
async fn a_changed_or_shortened_file_is_corrupt() {
    let folder = tempfile::tempdir().unwrap();
    let archive = ObjectArchive::folder(folder.path()).unwrap();
    let stored = archive.put(ID, segment(1, 2), Bytes::from("some events")).await.unwrap();
    let [file] = &files(folder.path().join("01".repeat(16)))[..] else { panic!("one file") };
    let whole = fs::read(file).unwrap();
    let mut changed = whole.clone();
    changed[60] ^= 1;
    for bytes in [&changed[..], &whole[..whole.len() - 1], &[]] {
        fs::write(file, bytes).unwrap();
        assert!(matches!(archive.get(ID, stored).await, Err(Error::Corrupt(_))));
    }
    fs::write(file, whole).unwrap();
    assert_eq!(archive.get(ID, stored).await.unwrap(), "some events");
}

#[tokio::test]
async fn what_was_not_written_whole_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let archive = ObjectArchive::folder(folder.path()).unwrap();
    let stored = archive.put(ID, segment(1, 2), Bytes::from("some events")).await.unwrap();
    let files = files(folder.path().join("01".repeat(16)));
    // A file is written under such a name, and only then renamed: this is what a crash leaves.
    fs::rename(&files[0], format!("{}#1", files[0].display())).unwrap();
    assert_eq!(archive.list(ID, None, 10).await.unwrap(), []);
    assert_eq!(archive.find(ID, 1).await.unwrap(), None);
    assert_eq!(archive.get(ID, stored).await, Err(Error::NotFound));
    assert_eq!(archive.put(ID, segment(1, 2), Bytes::from("some events")).await.unwrap(), stored);
    assert_eq!(archive.get(ID, stored).await.unwrap(), "some events");
}

#[tokio::test]
async fn a_folder_that_cannot_be_is_told() {
    let file = tempfile::NamedTempFile::new().unwrap();
    assert!(matches!(ObjectArchive::folder(&file.path().join("below")), Err(Error::Options(_))));
}

fn files(folder: PathBuf) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}
