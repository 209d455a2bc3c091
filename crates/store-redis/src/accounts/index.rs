//! The index of names: what the search looks through.
//!
//! It lies in partitions of its own and is derived: each entry has the account's revision of names, so that a late word changes nothing,
//! and whoever finds a name asks the account before believing it.

use bytes::Bytes;
use ports::{Error, Result};
use protocol::Username;

use super::grams::grams;
use super::partition_of;
use crate::RedisStore;
use crate::keys::Keys;
use crate::link::Call;
use crate::script::Script;
use crate::todo::{arguments, entity};

static INDEX: Script = entity!("index");
static READ: Script = entity!("names_shown");

/// How many partitions the index has. It is part of the layout: each search asks all of them.
pub(super) const INDEX_PARTITIONS: u16 = 64;
/// How often an entry is read again that others change at the same time.
const ATTEMPTS: usize = 16;
/// The revision of a new account's names.
const FIRST: u64 = 1;

/// An entry of the index, or that there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Entry {
    revision: u64,
    /// The displayed name in lower case.
    shown: Option<String>,
}

/// The keys of a partition of the index, all in one slot.
pub(super) struct IndexKeys<'a> {
    keys: &'a Keys,
    tag: String,
}

impl RedisStore {
    /// Enters a new account.
    pub(crate) async fn index_new(&self, username: &Username, shown: &str) -> Result<()> {
        let entry = Entry { revision: FIRST, shown: Some(shown.to_lowercase()) };
        self.replace_entry(username, Entry::default(), entry).await
    }

    /// Makes an account's entry what the account is now.
    pub(crate) async fn index(&self, username: &Username) -> Result<()> {
        let read = Call::new(&READ, vec![self.user(username).account()], Vec::new());
        let (revision, shown): (u64, Option<String>) = self.look(read).await?;
        let entry = Entry { revision, shown: shown.map(|shown| shown.to_lowercase()) };
        self.replace_entry(username, Entry::default(), entry).await
    }

    /// Replaces an entry by a newer one; `guess` is what is probably there.
    async fn replace_entry(&self, username: &Username, guess: Entry, new: Entry) -> Result<()> {
        let keys = self.index_keys(partition_of(username.as_str().as_bytes(), INDEX_PARTITIONS));
        let mut old = guess;
        for _ in 0..ATTEMPTS {
            let (before, after) = (grams(old.shown()), grams(new.shown()));
            let enter: Vec<Bytes> = after.difference(&before).map(|gram| keys.posting(gram)).collect();
            let leave = before.difference(&after).map(|gram| keys.posting(gram));
            let arguments = arguments![username, old.text(username), new.text(username), enter.len()];
            let all = [keys.entries()].into_iter().chain(enter).chain(leave).collect();
            let found: String = self.write(Call::new(&INDEX, all, arguments)).await?;
            if found.is_empty() {
                return Ok(());
            }
            old = Entry::parse(&found)?;
            if old.revision >= new.revision {
                return Ok(());
            }
        }
        Err(Error::Unavailable("a name is changed too often".to_owned()))
    }

    /// Gives the keys of a partition of the index.
    pub(super) fn index_keys(&self, partition: u16) -> IndexKeys<'_> {
        IndexKeys { keys: &self.context.keys, tag: format!("s{partition}") }
    }
}

impl IndexKeys<'_> {
    /// Sorted set: `username revision displayed name` of each account, in order of usernames.
    pub(super) fn entries(&self) -> Bytes {
        self.keys.tagged(&self.tag, ":names")
    }

    /// Sorted set: usernames of those whose displayed name has a gram.
    pub(super) fn posting(&self, gram: &[u8]) -> Bytes {
        [&self.keys.tagged(&self.tag, ":g:"), gram].concat().into()
    }
}

impl Entry {
    /// Reads an entry as the script gives it.
    fn parse(text: &str) -> Result<Self> {
        if text == "-" {
            return Ok(Self::default());
        }
        let mut words = text.splitn(3, ' ').skip(1);
        let (revision, shown) = (words.next().and_then(|word| word.parse().ok()), words.next());
        match (revision, shown) {
            (Some(revision), Some(shown)) => Ok(Self { revision, shown: Some(shown.to_owned()) }),
            _ => Err(Error::Corrupt("an entry of the index has another form".to_owned())),
        }
    }

    fn shown(&self) -> &str {
        self.shown.as_deref().unwrap_or_default()
    }

    /// Gives the entry as it is stored; nothing for none.
    fn text(&self, username: &Username) -> String {
        self.shown.as_ref().map_or_else(String::new, |shown| format!("{username} {} {shown}", self.revision))
    }
}
