//! Carrying out what was left to do by a process that crashed, or could not reach a node.

use std::time::Duration;

use bytes::Bytes;
use ports::Result;

use super::{Intent, Token, arguments, entity};
use crate::RedisStore;
use crate::accounts::{USER_PARTITIONS, users_todo};
use crate::keys::PARTITIONS;
use crate::link::Call;
use crate::logins::{LOGIN_PARTITIONS, logins_todo};
use crate::script::Script;

static OVERDUE: Script = entity!("overdue");
static STRIKE: Script = entity!("strike");

/// How many partitions are looked at in one round trip.
const AT_ONCE: usize = 128;
/// How many intents of a partition are carried out in a row.
const INTENTS: usize = 64;
/// How long a process waits on average before it looks at the next partitions: all 2,112 take it about 17 seconds.
const PAUSE: Duration = Duration::from_secs(1);

impl RedisStore {
    /// Carries out what has been left to do for longer than `age`, and gives how much that was.
    ///
    /// A process that is at work strikes its intents out within moments; each is safe to be carried out by several at once.
    ///
    /// # Errors
    /// The last error, after all else was tried.
    pub async fn finish_intents(&self, age: Duration) -> Result<usize> {
        let mut finished = 0;
        let mut failed = None;
        for todos in self.todos().chunks(AT_ONCE) {
            match self.finish_some(todos, age).await {
                Ok(count) => finished += count,
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(finished), Err)
    }

    /// Does so for ever, a few partitions at a time, from a random one on, so that processes seldom meet.
    pub(crate) async fn keep_finishing(&self) {
        // No call about it is under way any more.
        let age = 2 * self.context.deadline;
        let todos = self.todos();
        let portions: Vec<&[Bytes]> = todos.chunks(AT_ONCE).collect();
        let start = self.context.entropy.below(portions.len() as u64);
        let start = usize::try_from(start).unwrap_or_default();
        for portion in portions.iter().cycle().skip(start) {
            let jitter = self.context.entropy.below(PAUSE.as_millis() as u64);
            tokio::time::sleep(PAUSE / 2 + Duration::from_millis(jitter)).await;
            match self.finish_some(portion, age).await {
                Ok(0) => {}
                Ok(count) => tracing::info!(count, "finished what others had begun"),
                Err(error) => tracing::debug!(%error, "cannot finish now what others have begun"),
            }
        }
    }

    /// Strikes out what is done, unless something else has to be done by now. Nobody waits for it: what it leaves is done again.
    pub(crate) fn strike(&self, todo: Bytes, token: &Token, left: String) {
        drop(self.context.link.write(strike_call(todo, token, left)));
    }

    async fn finish_some(&self, todos: &[Bytes], age: Duration) -> Result<usize> {
        let age = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
        let read = |todo: &Bytes| Call::new(&OVERDUE, vec![todo.clone()], arguments![age, INTENTS]);
        let overdue: Vec<Vec<(String, String)>> = self.look_many(todos.iter().map(read).collect()).await?;
        let mut finished = 0;
        let mut failed = None;
        for (todo, intents) in todos.iter().zip(overdue) {
            for (token, text) in intents {
                match self.finish(&text).await {
                    Ok(()) => {
                        self.write::<()>(strike_call(todo.clone(), &Token::named(token), text)).await?;
                        finished += 1;
                    }
                    Err(error) => failed = Some(error),
                }
            }
        }
        failed.map_or(Ok(finished), Err)
    }

    async fn finish(&self, text: &str) -> Result<()> {
        let Some(intent) = Intent::parse(text)? else { return Ok(()) };
        match &intent {
            Intent::Index { username } => self.index(username).await,
            Intent::Delete { username, at } => self.clear(username, *at).await.map(|_| ()),
            Intent::End { username, at, logins } => self.end_listed(username, *at, logins).await.map(|_| ()),
            Intent::Unlist { username, login } => self.unlist(username, &[*login]).await,
            Intent::Relation(change) => self.tell(change).await.map(|_| ()),
            Intent::Joined { id, version, username } => self.joined(*id, *version, username.as_ref()).await,
            Intent::Left { id, version, username } => self.left(*id, *version, username).await,
        }
    }

    /// Gives the keys of all that may be left to do.
    fn todos(&self) -> Vec<Bytes> {
        let keys = &self.context.keys;
        let conversations = (0..PARTITIONS).map(|partition| keys.todo(partition));
        let users = (0..USER_PARTITIONS).map(|partition| users_todo(keys, partition));
        let logins = (0..LOGIN_PARTITIONS).map(|partition| logins_todo(keys, partition));
        conversations.chain(users).chain(logins).collect()
    }
}

fn strike_call(todo: Bytes, token: &Token, left: String) -> Call {
    Call::new(&STRIKE, vec![todo], arguments![token, left])
}
