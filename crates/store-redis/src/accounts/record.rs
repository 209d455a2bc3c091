//! An account's fields.

use bytes::Bytes;
use ports::{Account, Error, ProfileChange, Result};
use protocol::account::User;
use protocol::{Timestamp, Username};

use crate::todo::Argument;

/// The fields of an account, in the order in which they are read.
pub(super) const FIELDS: [&str; 7] =
    ["display_name", "bio", "avatar_url", "status_text", "created_at", "password_hash", "throttle"];

/// What is read of an account: its fields, where they are set.
pub(super) type Fields = Vec<Option<Vec<u8>>>;

/// Gives names and values of a new account's fields.
pub(super) fn to_fields(account: Account) -> Vec<Bytes> {
    let Account { user, password_hash, throttle } = account;
    let User { username: _, display_name, bio, avatar_url, status_text, created_at } = user;
    let values = [
        Some(display_name.argument()),
        bio.map(Argument::argument),
        avatar_url.map(Argument::argument),
        status_text.map(Argument::argument),
        Some(created_at.argument()),
        Some(password_hash.argument()),
        Some(throttle.argument()),
    ];
    let set = FIELDS.into_iter().zip(values).filter_map(|(name, value)| Some((name, value?)));
    set.flat_map(|(name, value)| [name.argument(), value]).collect()
}

/// Reads an account.
pub(super) fn from_fields(username: &Username, fields: Fields) -> Result<Account> {
    let mut fields = fields.into_iter();
    let mut field = || fields.next().flatten();
    let display_name = required(field().map(text).transpose()?)?;
    let bio = field().map(text).transpose()?;
    let avatar_url = field().map(text).transpose()?;
    let status_text = field().map(text).transpose()?;
    let created_at = required(field().map(text).transpose()?)?;
    let created_at = Timestamp(created_at.parse().map_err(|_| unreadable())?);
    let password_hash = required(field().map(text).transpose()?)?;
    let throttle = field().unwrap_or_default();
    let user = User { username: username.clone(), display_name, bio, avatar_url, status_text, created_at };
    Ok(Account { user, password_hash, throttle })
}

/// Gives for each field that changes its name, whether it is set, and to what.
pub(super) fn to_changes(change: ProfileChange) -> Vec<Bytes> {
    let ProfileChange { display_name, bio, avatar_url, status_text } = change;
    let changes = [
        ("display_name", display_name.map(Some)),
        ("bio", bio),
        ("avatar_url", avatar_url),
        ("status_text", status_text),
    ];
    let changed = changes.into_iter().filter_map(|(name, value)| Some((name, value?)));
    changed
        .flat_map(|(name, value)| match value {
            Some(value) => [name.argument(), "=".argument(), value.argument()],
            None => [name.argument(), "-".argument(), Bytes::new()],
        })
        .collect()
}

fn text(bytes: Vec<u8>) -> Result<String> {
    String::from_utf8(bytes).map_err(|_| unreadable())
}

fn required(field: Option<String>) -> Result<String> {
    field.ok_or_else(unreadable)
}

fn unreadable() -> Error {
    Error::Corrupt("an account has other fields".to_owned())
}
