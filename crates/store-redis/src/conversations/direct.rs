//! Direct conversations: one for each pair of users, and one for each user alone.
//!
//! The two names say where the conversation is, so that two who begin it at once begin the same one. Nobody outside can tell, because the
//! identifier depends on a secret of the store as well. Whether it is closed is kept beside it for each of the two apart, also before it
//! is made: so a block and a first message cannot miss each other.

use bytes::Bytes;
use ports::{Conversation, Error, Result};
use protocol::{ConversationId, Timestamp, Username};
use sha2::{Digest, Sha256};

use super::record::{self, Stored};
use crate::RedisStore;
use crate::keys::{ConversationKeys, partition_of};
use crate::link::Call;
use crate::script::Script;
use crate::todo::{Argument, Intent, Token, arguments, entity};

static CREATE: Script = entity!("create_direct");
static CLOSE: Script = entity!("close");
static EXISTS: Script = entity!("exists");
static KIND: Script = entity!("kind");

/// How long it is known of a conversation that is not made that it was opened again, in milliseconds: much longer than a call may be under way.
const KNOWN: u64 = 60 * 60 * 1000;
/// The number of the last change: a deleted account stays so. The greatest that a script can compare.
const LAST: u64 = 1 << 53;

impl RedisStore {
    /// Gives the direct conversation of two users, and makes it if there is none.
    pub(super) async fn find_or_make_direct(
        &self,
        from: &Username,
        to: &Username,
        at: Timestamp,
    ) -> Result<Conversation> {
        let id = self.direct_id(from, to);
        let ((), (), found) = futures_util::try_join!(
            self.check_exists(from),
            self.check_exists(to),
            self.look::<Option<Stored>>(self.conversation_call(id))
        )?;
        if let Some(found) = found {
            return record::conversation(id, found);
        }
        let keys = self.context.keys.conversation(id);
        let todo = self.context.keys.todo(partition_of(id));
        let token = Token::named(id);
        let touched = vec![keys.conversation(), keys.members(), closed_key(&keys), todo.clone()];
        let mut names = vec![from.min(to), from.max(to)];
        names.dedup();
        let mut arguments = arguments![&token, id, at];
        arguments.extend(names.iter().map(|name| name.argument()));
        let left: String = self.write(Call::new(&CREATE, touched, arguments)).await?;
        let Some(Intent::Joined { id, version, .. }) = Intent::parse(&left)? else {
            return self.changed(id).await;
        };
        self.enter(id, version, &names).await?;
        self.strike(todo, &token, left);
        self.changed(id).await
    }

    /// Gives the direct conversation of two users, if there is one.
    pub(crate) async fn direct_between(
        &self,
        one: &Username,
        other: &Username,
    ) -> Result<Option<ConversationId>> {
        let id = self.direct_id(one, other);
        let read = Call::new(&KIND, vec![self.context.keys.conversation(id).conversation()], Vec::new());
        let kind: Option<String> = self.look(read).await?;
        Ok(kind.map(|_| id))
    }

    /// Closes the direct conversation of two users, or opens it unless the other has closed it, and gives it if there is one.
    ///
    /// `number` is that of the change that `username` made; an older one changes nothing.
    pub(crate) async fn close_or_open(
        &self,
        username: &Username,
        other: &Username,
        number: u64,
        close: bool,
    ) -> Result<Option<ConversationId>> {
        let id = self.direct_id(username, other);
        let exists: bool = self.write(self.close_call(id, username, number, close)).await?;
        Ok(exists.then_some(id))
    }

    /// Closes a direct conversation for ever, because one of the two is gone.
    pub(super) async fn close_for_ever(&self, id: ConversationId, username: &Username) -> Result<()> {
        self.write(self.close_call(id, username, LAST, true)).await
    }

    /// Fails with `UserNotFound` unless there is an account that is not deleted.
    pub(crate) async fn check_exists(&self, username: &Username) -> Result<()> {
        let read = Call::new(&EXISTS, vec![self.user(username).account()], Vec::new());
        if self.look(read).await? { Ok(()) } else { Err(Error::UserNotFound) }
    }

    fn close_call(&self, id: ConversationId, username: &Username, number: u64, close: bool) -> Call {
        let keys = self.context.keys.conversation(id);
        let touched = vec![keys.conversation(), closed_key(&keys)];
        Call::new(&CLOSE, touched, arguments![username, number, close, KNOWN])
    }

    /// Gives the identifier of the direct conversation of two users, whether there is one or not.
    fn direct_id(&self, one: &Username, other: &Username) -> ConversationId {
        let (first, second) = (one.min(other).as_str(), one.max(other).as_str());
        let names = [first, " ", second].concat();
        let digest = Sha256::new().chain_update(self.secret).chain_update(names).finalize();
        let mut id = [0; 16];
        id.iter_mut().zip(digest).for_each(|(byte, digest)| *byte = digest);
        ConversationId(id)
    }
}

/// Gives the key of who has closed a direct conversation, a hash: `1` or `0` and number of the last change, by username.
fn closed_key(keys: &ConversationKeys) -> Bytes {
    [&keys.conversation()[..], b":closed"].concat().into()
}
