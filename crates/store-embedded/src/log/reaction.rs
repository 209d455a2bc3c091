//! Reactions on messages.

use ports::{Append, Error, Reaction, Result};
use protocol::{ConversationId, Username};

use super::change;
use crate::engine::View;
use crate::keys::{Table, check_name};
use crate::packing::Parts;
use crate::writer::Transaction;

/// How many different emojis a message may have.
const EMOJIS: usize = 100;

/// Puts an emoji on a message or takes it off; nothing changes if it is on or off already.
pub(super) fn react(
    transaction: &mut Transaction<'_>,
    append: &Append,
    target: u64,
    emoji: &str,
    active: bool,
    seq: u64,
) -> Result<()> {
    change::message(transaction, append, target)?;
    check_name(emoji)?;
    let id = append.conversation;
    let key = key(id, target, &append.from, emoji);
    let view: &dyn View = transaction;
    if view.has(&key)? == active {
        return Ok(());
    }
    let count_key = Table::EmojiCount.key().id(&id.0).number(target).rest(emoji).bytes();
    let count = match view.get(&count_key)? {
        Some(count) => Parts::of(&count).number()?,
        None => 0,
    };
    if active && count == 0 {
        let all = Table::EmojiCount.key().id(&id.0).number(target).range();
        if view.keys(&all, EMOJIS)?.len() >= EMOJIS {
            return Err(Error::LimitReached("different emojis on a message"));
        }
    }
    if active {
        transaction.put(key, seq.to_be_bytes().to_vec());
        transaction.put(count_key, (count + 1).to_be_bytes().to_vec());
    } else {
        transaction.delete(key);
        if count > 1 {
            transaction.put(count_key, (count - 1).to_be_bytes().to_vec());
        } else {
            transaction.delete(count_key);
        }
    }
    Ok(())
}

/// Takes all reactions from a message.
pub(super) fn remove_all(transaction: &mut Transaction<'_>, id: ConversationId, target: u64) -> Result<()> {
    for table in [Table::Reaction, Table::EmojiCount] {
        let view: &dyn View = transaction;
        for key in view.keys(&table.key().id(&id.0).number(target).range(), usize::MAX)? {
            transaction.delete(key);
        }
    }
    Ok(())
}

/// Gives the reactions on messages, in order of message and time.
pub(super) fn read(view: &dyn View, id: ConversationId, from: u64, to: u64) -> Result<Vec<Reaction>> {
    let table = || Table::Reaction.key().id(&id.0);
    let mut range = table().range().starting_at(table().number(from).bytes());
    if let Some(after) = to.checked_add(1) {
        range = range.ending_before(table().number(after).bytes());
    }
    let mut reactions = view.read_all(&range, |key, put_on_by| {
        let mut parts = Parts::of(key);
        parts.byte()?;
        parts.id()?;
        let (target, username) = (parts.number()?, parts.name()?);
        let reaction = Reaction { target, username, emoji: parts.last_text()? };
        Ok((Parts::of(put_on_by).number()?, reaction))
    })?;
    reactions.sort_by_key(|(put_on_by, reaction)| (reaction.target, *put_on_by));
    Ok(reactions.into_iter().map(|(_, reaction)| reaction).collect())
}

fn key(id: ConversationId, target: u64, username: &Username, emoji: &str) -> Vec<u8> {
    Table::Reaction.key().id(&id.0).number(target).name(username).rest(emoji).bytes()
}
