//! What is left to do of changes that concern several slots.
//!
//! Such a change is a saga: first one script changes what is the truth and, in the same step, notes what is left to do; then
//! the derived parts follow, each of which may be done again; then the note is struck out. What a crashed process has
//! left, [`finish`] finds and carries out.

mod finish;
mod intent;
#[cfg(test)]
pub(crate) mod interruption;
mod step;
#[cfg(test)]
mod tests;

pub(crate) use self::intent::{Change, Intent};
pub(crate) use self::step::{
    Argument, Token, arguments, call, conversation_id, entity, hexadecimal, identifier,
};
