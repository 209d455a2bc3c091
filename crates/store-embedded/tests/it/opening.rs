//! Opening and closing: the lock, the format, and what is there afterwards.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use ports::{Accounts, Documents, Error, Log, Outbox};
use store_embedded::{EmbeddedStore, OpenError, Options};

use crate::scene::{account, at_once, direct, message, name};

fn open(folder: &Path) -> EmbeddedStore {
    EmbeddedStore::open(folder, Options::default()).unwrap()
}

#[tokio::test]
async fn a_second_open_is_refused_with_the_folders_name() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let Err(refused) = EmbeddedStore::open(folder.path(), Options::default()) else { panic!("it opened") };
    assert!(matches!(refused, OpenError::InUse { .. }));
    assert!(refused.to_string().contains(folder.path().to_str().unwrap()));
    // Closed is not yet gone.
    store.close().await.unwrap();
    assert!(EmbeddedStore::open(folder.path(), Options::default()).is_err());
    drop(store);
    open(folder.path());
}

#[test]
fn a_newer_format_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    fs::write(folder.path().join("format"), "2\n").unwrap();
    let refused = EmbeddedStore::open(folder.path(), Options::default()).err().unwrap();
    assert!(matches!(refused, OpenError::NewerFormat { found: 2, known: 1, .. }), "{refused}");
    fs::write(folder.path().join("format"), "1\n").unwrap();
    open(folder.path());
}

#[test]
fn a_folder_of_something_else_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("database")).unwrap();
    let refused = EmbeddedStore::open(folder.path(), Options::default()).err().unwrap();
    assert!(matches!(refused, OpenError::NotAStore { .. }), "{refused}");
    fs::write(folder.path().join("format"), "first\n").unwrap();
    let refused = EmbeddedStore::open(folder.path(), Options::default()).err().unwrap();
    assert!(matches!(refused, OpenError::NotAStore { .. }), "{refused}");
    fs::write(folder.path().join("file"), "").unwrap();
    let refused = EmbeddedStore::open(folder.path().join("file"), Options::default()).err().unwrap();
    assert!(matches!(refused, OpenError::Io { .. }), "{refused}");
}

#[test]
fn nobody_else_may_read_the_folder() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("new").join("data");
    drop(open(&folder));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&folder.join("format")), 0o600);
}

#[test]
fn a_process_that_was_killed_while_it_made_the_database_leaves_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    let database = folder.path().join("database");
    // What a half-made database looks like: the draft is there, without what fjall writes last.
    fs::rename(&database, folder.path().join("database.new")).unwrap();
    fs::remove_file(folder.path().join("database.new").join("version")).unwrap();
    drop(open(folder.path()));
    assert!(database.exists());
}

#[tokio::test]
async fn what_was_written_is_there_after_closing_and_after_dropping() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let conversation = direct(&store).await;
    for number in 1..=3 {
        store.append(message(conversation, "ada", &format!("m{number}"))).await.unwrap();
    }
    let entries = pending(&store).await;
    let (partition, position) = entries[1];
    store.dealt_with(partition, position).await.unwrap();
    store.close().await.unwrap();
    assert!(matches!(store.put_document("a", 0, Vec::new()).await, Err(Error::Unavailable(_))));
    assert!(matches!(store.append(message(conversation, "ada", "m4")).await, Err(Error::Unavailable(_))));
    assert_eq!(store.events(conversation, 0, 10).await.unwrap().len(), 3);
    drop(store);

    let store = open(folder.path());
    assert_eq!(store.account(&name("ada")).await, Ok(Some(account("ada"))));
    assert_eq!(pending(&store).await, entries[2..]);
    let repeated = store.append(message(conversation, "ada", "m2")).await.unwrap();
    assert_eq!((repeated.position.seq, repeated.duplicate), (2, true));
    let next = store.append(message(conversation, "ben", "m4")).await.unwrap();
    assert_eq!((next.position.seq, next.position.r#gen), (4, 1));
    store.dealt_with(partition, u64::MAX).await.unwrap();
    drop(store);

    // Positions go on from the last that was ever given, even if nothing is left of it.
    let store = open(folder.path());
    store.append(message(conversation, "ben", "m5")).await.unwrap();
    let next = pending(&store).await;
    assert_eq!(next.len(), 1);
    assert!(next[0].1 > entries[2].1 + 1);
    // Queued and not waited for: dropping the store executes it.
    drop(store.append(message(conversation, "ben", "m6")));
    drop(store);
    assert_eq!(open(folder.path()).ends(&[conversation]).await.unwrap()[0].seq, 6);
}

#[tokio::test]
async fn what_waits_ends_with_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let (waited, closed) = tokio::join!(store.pending(0, 0, 10), store.close());
    assert!(matches!(waited, Err(Error::Unavailable(_))));
    closed.unwrap();
    assert!(matches!(store.pending(store.partitions(), 0, 10).await, Err(Error::Unavailable(_))));
}

#[tokio::test]
async fn garbage_after_the_last_write_is_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let conversation = direct(&store).await;
    drop(store);
    let torn: [&[u8]; 4] = [b"garbage", &[0; 100], &[1, 2, 0, 0, 0, 9, 9], &[2, 0, 0, 1]];
    for (number, garbage) in (1..).zip(torn) {
        let store = open(folder.path());
        store.append(message(conversation, "ada", &format!("m{number}"))).await.unwrap();
        drop(store);
        // A journal that was read once ends with its last write.
        let mut journal = OpenOptions::new().append(true).open(journal(folder.path())).unwrap();
        journal.write_all(garbage).unwrap();
        let store = open(folder.path());
        assert_eq!(store.ends(&[conversation]).await.unwrap()[0].seq, number);
    }
}

/// Gives the partition and position of all entries of the outbox.
async fn pending(store: &EmbeddedStore) -> Vec<(u16, u64)> {
    let mut found = Vec::new();
    for partition in 0..store.partitions() {
        // It waits where there is nothing, so this asks only once.
        // Without the runtime's budget, which may be used up after so many awaits that did not wait.
        if let Some(entries) = at_once(tokio::task::unconstrained(store.pending(partition, 0, 100))) {
            found.extend(entries.unwrap().into_iter().map(|entry| (partition, entry.position)));
        }
    }
    found
}

/// Gives the journal that is written to.
fn journal(folder: &Path) -> PathBuf {
    let files = fs::read_dir(folder.join("database")).unwrap().map(|file| file.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|extension| extension == "jnl")).max().unwrap()
}
