//! Reactions on messages.

use bytes::Bytes;
use ports::{Reaction, Result};
use protocol::ConversationId;

use crate::RedisStore;
use crate::link::Call;
use crate::value::{array, text, unexpected, username};

/// The greatest number that an event can have: scripts count in floating point.
const LAST: u64 = 1 << 53;

impl RedisStore {
    /// Gives the reactions on messages of a range, both ends included, in order of message and time.
    pub(super) async fn reactions_between(
        &self,
        conversation: ConversationId,
        from: u64,
        to: u64,
    ) -> Result<Vec<Reaction>> {
        if from > to || from > LAST {
            return Ok(Vec::new());
        }
        let first = Bytes::from(format!("[{from:016}"));
        // All that begins with the last number and a blank is before that number and an exclamation mark.
        let last = Bytes::from(format!("({:016}!", to.min(LAST)));
        let key = self.context.keys.conversation(conversation).reactions();
        let call = Call::command("ZRANGEBYLEX", key, vec![first, last]);
        let answer = self.read_settled(call).await?;
        array(answer)?.into_iter().map(|reaction| read(&text(reaction)?)).collect()
    }
}

/// Reads a reaction: `target seq username emoji`.
fn read(reaction: &str) -> Result<Reaction> {
    let mut words = reaction.splitn(4, ' ');
    let mut word = || words.next().ok_or_else(|| unexpected("a reaction that is too short"));
    let target = word()?.parse().map_err(|_| unexpected("a reaction on nothing"))?;
    word()?;
    let username = username(word()?)?;
    Ok(Reaction { target, username, emoji: word()?.to_owned() })
}
