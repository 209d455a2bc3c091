//! How many entries a user has in a table that is too long to be counted each time.

use ports::{Error, Result};
use protocol::Username;

use crate::keys::Table;
use crate::packing::Parts;
use crate::writer::WriteContext;

/// Counts one entry more. Fails with `LimitReached` at `limit`.
pub(crate) fn increase(
    context: &mut WriteContext<'_>,
    table: Table,
    username: &Username,
    limit: u64,
    what: &'static str,
) -> Result<()> {
    let count = count(context, table, username)?;
    if count >= limit {
        return Err(Error::LimitReached(what));
    }
    context.put(key(table, username), (count + 1).to_be_bytes().to_vec());
    Ok(())
}

/// Counts one entry less.
pub(crate) fn decrease(context: &mut WriteContext<'_>, table: Table, username: &Username) -> Result<()> {
    let count = count(context, table, username)?;
    if count > 1 {
        context.put(key(table, username), (count - 1).to_be_bytes().to_vec());
    } else {
        context.delete(key(table, username));
    }
    Ok(())
}

fn count(context: &WriteContext<'_>, table: Table, username: &Username) -> Result<u64> {
    match context.view().get(&key(table, username))? {
        Some(count) => Parts::of(&count).number(),
        None => Ok(0),
    }
}

fn key(table: Table, username: &Username) -> Vec<u8> {
    Table::Count.key().byte(table as u8).rest(username.as_str()).bytes()
}
