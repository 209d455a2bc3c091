//! Groups: who is in them and may do what. The rules are in the scripts, because what they ask for must not change in between.

use std::collections::BTreeSet;

use bytes::Bytes;
use ports::{Conversation, Error, NewGroup, Result};
use protocol::conversation::Role;
use protocol::{ConversationId, MAX_GROUP_MEMBERS, Username};
use xxhash_rust::xxh3::Xxh3;

use super::record::letter;
use crate::RedisStore;
use crate::accounts::by_partition;
use crate::contacts::Relation;
use crate::keys::partition_of;
use crate::link::Call;
use crate::script::Script;
use crate::todo::{Argument, Intent, Token, arguments, entity, hexadecimal};

static CREATE: Script = entity!("create_group");
static MAY_JOIN: Script = entity!("may_join");
static RENAME: Script = entity!("rename", "prelude", "members");
static PUT_MEMBER: Script = entity!("put_member", "prelude", "members");
static REMOVE_MEMBER: Script = entity!("remove_member", "prelude", "members");

/// What a script says of one who does not exist.
const MISSING: &str = "0";
/// And of one who blocks the other user.
const BLOCKING: &str = "b";

impl RedisStore {
    /// Makes a group.
    pub(super) async fn make_group(&self, group: NewGroup) -> Result<Conversation> {
        let NewGroup { id, title, owner, members, at } = group;
        let mut others: BTreeSet<Username> = members.into_iter().collect();
        others.remove(&owner);
        if others.len() >= MAX_GROUP_MEMBERS {
            return Err(Error::LimitReached("members"));
        }
        self.check_exists(&owner).await?;
        self.check_may_join(&others, &owner).await?;

        let keys = self.context.keys.conversation(id);
        let todo = self.context.keys.todo(partition_of(id));
        let (sign, shown) = title.as_ref().map_or(("-", ""), |title| ("=", title));
        let mut asked = arguments![id, at, sign, shown, &owner];
        asked.extend(others.iter().map(Argument::argument));
        let token = Token::named(digest(&asked));
        let arguments = arguments![&token].into_iter().chain(asked).collect();
        let touched = vec![keys.conversation(), keys.members(), todo.clone()];
        let left: String = self.write(Call::new(&CREATE, touched, arguments)).await?;
        let Some(Intent::Joined { version, .. }) = Intent::parse(&left)? else {
            return self.changed(id).await;
        };
        let everybody: Vec<&Username> = others.iter().chain([&owner]).collect();
        self.enter(id, version, &everybody).await?;
        self.strike(todo, &token, left);
        self.changed(id).await
    }

    /// Renames a group.
    pub(super) async fn rename(&self, id: ConversationId, by: &Username, title: String) -> Result<()> {
        let keys = self.context.keys.conversation(id);
        self.write(Call::new(&RENAME, vec![keys.conversation(), keys.members()], arguments![by, title])).await
    }

    /// Adds a member to a group, or gives one another role.
    pub(super) async fn add_or_change_member(
        &self,
        id: ConversationId,
        by: &Username,
        member: &Username,
        role: Option<Role>,
    ) -> Result<()> {
        let may_join: Vec<String> = self.look(self.may_join_call(&[member], by)).await?;
        let keys = self.context.keys.conversation(id);
        // One who asks again goes on with what was left to do.
        let token = Token::named(format!("joined:{}:{member}", hexadecimal(&id.0)));
        let todo = self.context.keys.todo(partition_of(id));
        let role = role.map_or("", letter);
        let touched = vec![keys.conversation(), keys.members(), todo.clone()];
        let arguments = arguments![&token, id, by, member, role, may_join.concat(), MAX_GROUP_MEMBERS];
        let left: String = self.write(Call::new(&PUT_MEMBER, touched, arguments)).await?;
        if let Some(Intent::Joined { version, .. }) = Intent::parse(&left)? {
            self.enter(id, version, &[member]).await?;
            self.strike(todo, &token, left);
        }
        Ok(())
    }

    /// Removes a member from a group, and says whether the user was one.
    pub(super) async fn take_out(
        &self,
        id: ConversationId,
        by: &Username,
        member: &Username,
    ) -> Result<bool> {
        let (keys, token) = (self.context.keys.conversation(id), self.token());
        let todo = self.context.keys.todo(partition_of(id));
        let touched = vec![keys.conversation(), keys.members(), todo.clone()];
        let arguments = arguments![&token, id, by, member];
        let left: String = self.write(Call::new(&REMOVE_MEMBER, touched, arguments)).await?;
        let Some(Intent::Left { version, .. }) = Intent::parse(&left)? else { return Ok(false) };
        self.left(id, version, member).await?;
        self.strike(todo, &token, left);
        Ok(true)
    }

    /// Fails unless all users exist, and none blocks `by`.
    async fn check_may_join(&self, usernames: &BTreeSet<Username>, by: &Username) -> Result<()> {
        let partitions = by_partition(usernames).into_values();
        let calls = partitions.map(|usernames| self.may_join_call(&usernames, by)).collect();
        let answers: Vec<Vec<String>> = self.look_many(calls).await?;
        let refused = |refusal: &str| answers.iter().flatten().any(|answer| answer == refusal);
        if refused(MISSING) {
            return Err(Error::UserNotFound);
        }
        if refused(BLOCKING) { Err(Error::NotAllowed) } else { Ok(()) }
    }

    /// Asks whether users exist, and whether one blocks `by`.
    fn may_join_call(&self, usernames: &[&Username], by: &Username) -> Call {
        let keys = usernames.iter().map(|username| self.user(username));
        let keys = keys.flat_map(|keys| [keys.account(), keys.related(Relation::Block)]);
        Call::new(&MAY_JOIN, keys.collect(), arguments![by])
    }
}

/// Gives a digest of what is asked for.
fn digest(arguments: &[Bytes]) -> String {
    let mut digest = Xxh3::new();
    for argument in arguments {
        digest.update(argument);
        digest.update(&[0]);
    }
    hexadecimal(&digest.digest128().to_be_bytes())
}
