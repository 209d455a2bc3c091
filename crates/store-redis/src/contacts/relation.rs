//! Relations between users, each known on both sides: the side of the one who relates is the truth, the other is told.

use bytes::Bytes;
use futures_util::future::try_join_all;
use ports::{Error, Result};
use protocol::{ConversationId, Timestamp, Username};

use crate::RedisStore;
use crate::link::Call;
use crate::script::Script;
use crate::todo::{Change, Intent, Token, arguments, entity};
use crate::value::{unexpected, username};

static RELATE: Script = entity!("relate");
static UNRELATE: Script = entity!("unrelate");
static REVERSE: Script = entity!("reverse");
static NAMES: Script = entity!("names");

/// How many contacts a user has at most, and how many blocks.
const LIMIT: usize = 5_000;
/// How long a removal is remembered, in milliseconds: much longer than a call may be under way.
const REMEMBERED: u64 = 60 * 60 * 1000;
/// How many relations are forgotten at once.
const AT_ONCE: usize = 64;

/// A relation between users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relation {
    /// One has added the other.
    Contact,
    /// One blocks the other.
    Block,
}

/// What came of telling the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    /// Whether there is such an account on the other side.
    pub(crate) exists: bool,
    /// The direct conversation of the two, if there is one and it is a matter of blocks.
    pub(crate) conversation: Option<ConversationId>,
}

impl Relation {
    /// Gives what scripts call it, and errors.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Contact => "contacts",
            Self::Block => "blocks",
        }
    }

    /// Gives the relation that scripts call so.
    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Contact, Self::Block].into_iter().find(|relation| relation.name() == name)
    }
}

impl RedisStore {
    /// Relates a user to another; nothing happens if that is so already.
    pub(super) async fn relate(
        &self,
        relation: Relation,
        username: &Username,
        other: &Username,
        at: Timestamp,
    ) -> Result<Told> {
        self.check_exists(other).await?;
        let (keys, token) = (self.user(username), token(relation, username, other));
        let touched = vec![keys.account(), keys.related(relation), keys.todo()];
        let arguments = arguments![&token, relation.name(), username, other, at, LIMIT];
        let left: String = self.write(Call::new(&RELATE, touched, arguments)).await?;
        let Some(Intent::Relation(change)) = Intent::parse(&left)? else {
            return Err(unexpected("no change"));
        };
        let told = self.tell(&change).await?;
        self.strike(keys.todo(), &token, left);
        if told.exists { Ok(told) } else { Err(Error::UserNotFound) }
    }

    /// Relates a user to another no more, and gives nothing if that is so already.
    pub(super) async fn unrelate(
        &self,
        relation: Relation,
        username: &Username,
        other: &Username,
    ) -> Result<Option<Told>> {
        let token = token(relation, username, other);
        let left: String = self.write(self.unrelate_call(relation, username, other, &token)).await?;
        let Some(Intent::Relation(change)) = Intent::parse(&left)? else { return Ok(None) };
        let told = self.tell(&change).await?;
        self.strike(self.user(username).todo(), &token, left);
        Ok(Some(told))
    }

    /// Tells the other side of a change, and the direct conversation of the two if it is a block.
    pub(crate) async fn tell(&self, change: &Change) -> Result<Told> {
        let Change { relation, username, other, number, is_related } = change;
        let keys = self.user(other);
        let touched = vec![keys.account(), keys.related_by(*relation), keys.removal(*relation, username)];
        let arguments = arguments![username, *number, *is_related, REMEMBERED];
        let exists: bool = self.write(Call::new(&REVERSE, touched, arguments)).await?;
        if !exists {
            // Deleted in the meantime: nobody is related to a user who is gone, and nothing there has to be told.
            let token = token(*relation, username, other);
            let left: String = self.write(self.unrelate_call(*relation, username, other, &token)).await?;
            self.strike(self.user(username).todo(), &token, left);
            return Ok(Told { exists, conversation: None });
        }
        let conversation = match relation {
            Relation::Block => self.close_or_open(username, other, *number, *is_related).await?,
            Relation::Contact => None,
        };
        Ok(Told { exists, conversation })
    }

    /// Forgets whom a user is related to, and who is related to the user.
    pub(crate) async fn forget_relations(&self, username: &Username) -> Result<()> {
        let keys = self.user(username);
        for relation in [Relation::Contact, Relation::Block] {
            let own = self.names(keys.related(relation)).await?;
            self.unrelate_all(relation, own.into_iter().map(|other| (username.clone(), other)).collect())
                .await?;
            let others = self.names(keys.related_by(relation)).await?;
            self.unrelate_all(relation, others.into_iter().map(|other| (other, username.clone())).collect())
                .await?;
        }
        Ok(())
    }

    /// Gives the users who are named in a hash, in order of their names.
    pub(crate) async fn names(&self, key: Bytes) -> Result<Vec<Username>> {
        let names: Vec<String> = self.look(Call::new(&NAMES, vec![key], Vec::new())).await?;
        sorted(&names)
    }

    fn unrelate_call(
        &self,
        relation: Relation,
        username: &Username,
        other: &Username,
        token: &Token,
    ) -> Call {
        let keys = self.user(username);
        let touched = vec![keys.account(), keys.related(relation), keys.todo()];
        Call::new(&UNRELATE, touched, arguments![token, relation.name(), username, other])
    }

    async fn unrelate_all(&self, relation: Relation, pairs: Vec<(Username, Username)>) -> Result<()> {
        for some in pairs.chunks(AT_ONCE) {
            try_join_all(some.iter().map(|(one, other)| self.unrelate(relation, one, other))).await?;
        }
        Ok(())
    }
}

/// Gives the token of all changes between two users: the last one is all that has to be told, and one who asks for it again goes on with it.
fn token(relation: Relation, username: &Username, other: &Username) -> Token {
    Token::named(format!("{}:{username}:{other}", relation.name()))
}

/// Reads usernames and puts them in order.
pub(super) fn sorted(names: &[String]) -> Result<Vec<Username>> {
    let mut names: Vec<Username> = names.iter().map(|name| username(name)).collect::<Result<_>>()?;
    names.sort_unstable();
    Ok(names)
}
