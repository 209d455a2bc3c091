//! The search for users.
//!
//! A page costs one script in each partition of the index, more only where names were found that do not fit any more; a
//! script looks at 512 entries at most. Names that begin with the text lie together; those of accounts that display it are
//! among those that have its rarest pair of letters. A single letter has no pair: all entries are looked through then, from the
//! place on where the page begins, until there are enough.

use ports::{AccountsPage, Result};
use protocol::Username;
use protocol::account::User;

use super::grams::grams;
use super::index::INDEX_PARTITIONS;
use crate::RedisStore;
use crate::link::Call;
use crate::merge::Merge;
use crate::script::Script;
use crate::todo::{arguments, entity};
use crate::value::username;

static SEARCH: Script = entity!("search");

/// How many entries of a partition one script looks at.
const BUDGET: usize = 512;
/// How many names it gives at least.
const FEWEST: usize = 4;
/// And at most, of each kind.
const MOST: usize = 256;
/// How many pairs of a text are looked for: the rarest of so many is rare enough.
const GRAMS: usize = 64;
/// How many accounts are read at once at most.
const ACCOUNTS_AT_ONCE: usize = 512;

/// What a script found: names that begin with the text and how far it looked, and the same of those whose displayed name contains it.
type Found = (Vec<String>, String, Vec<String>, String);

impl RedisStore {
    /// Gives users whose name begins with `text`, or whose displayed name contains it; `text` is in lower case.
    pub(super) async fn search(
        &self,
        text: &str,
        after: Option<&Username>,
        limit: usize,
    ) -> Result<AccountsPage> {
        let (mut merge, mut users) = (Merge::new(INDEX_PARTITIONS, after), Vec::new());
        // Another shows whether there are more.
        let wanted = limit.saturating_add(1);
        while users.len() < wanted {
            let missing = (wanted - users.len()).min(ACCOUNTS_AT_ONCE);
            let names = self.matching(&mut merge, text, missing).await?;
            if names.is_empty() {
                break;
            }
            let accounts = self.accounts(&names).await?;
            users.extend(accounts.into_iter().map(|account| account.user).filter(|user| matches(user, text)));
        }
        let more = users.len() > limit;
        users.truncate(limit);
        Ok(AccountsPage { users, more })
    }

    /// Gives the next names, at most `limit`, as the index has them.
    async fn matching(&self, merge: &mut Merge<Username>, text: &str, limit: usize) -> Result<Vec<Username>> {
        let each = (2 * limit / usize::from(INDEX_PARTITIONS)).clamp(FEWEST, MOST);
        let mut names = Vec::new();
        while names.len() < limit {
            let hungry = merge.hungry();
            let calls = hungry
                .iter()
                .map(|(partition, after)| self.search_call(*partition, text, after.as_ref(), each));
            let found: Vec<Found> = self.look_many(calls.collect()).await?;
            for ((partition, _), found) in hungry.iter().zip(found) {
                let (names, until) = complete(found)?;
                merge.feed(*partition, names.into_iter().map(|name| (name.clone(), name)).collect(), until);
            }
            if hungry.is_empty() {
                let Some(name) = merge.pop() else { break };
                names.push(name);
            }
        }
        Ok(names)
    }

    fn search_call(&self, partition: u16, text: &str, after: Option<&Username>, each: usize) -> Call {
        let index = self.index_keys(partition);
        let postings = grams(text).into_iter().take(GRAMS).map(|gram| index.posting(&gram));
        let keys = [index.entries()].into_iter().chain(postings).collect();
        let begin = begin(text, after);
        let after = after.map_or("", Username::as_str);
        Call::new(&SEARCH, keys, arguments![text, begin, after, each, BUDGET])
    }
}

/// Gives where the entries of names begin that begin with a text, after a name; nothing if no name begins so.
fn begin(text: &str, after: Option<&Username>) -> String {
    let fits =
        text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte));
    match after {
        _ if !fits => String::new(),
        // The blank that ends a name in an entry comes before an exclamation mark, and this before all that a name may have.
        Some(after) if after.as_str() >= text => format!("({after}!"),
        _ => format!("[{text}"),
    }
}

/// Gives all names up to the one to which both kinds are known, and that one; nothing where that is the end of the partition.
fn complete(found: Found) -> Result<(Vec<Username>, Option<Username>)> {
    let (beginning, begun_until, containing, looked_until) = found;
    let untils = [begun_until, looked_until].into_iter().filter(|until| !until.is_empty());
    let until = untils.min().map(|until| username(&until)).transpose()?;
    let names = beginning.into_iter().chain(containing).map(|name| username(&name));
    let mut names: Vec<Username> = names.collect::<Result<_>>()?;
    names.retain(|name| until.as_ref().is_none_or(|until| name <= until));
    names.sort_unstable();
    names.dedup();
    Ok((names, until))
}

/// Says whether a user is one of those that are searched for: the index may be a moment behind.
fn matches(user: &User, text: &str) -> bool {
    user.username.as_str().starts_with(text) || user.display_name.to_lowercase().contains(text)
}
