//! Deleting an account: marked as deleted at once, then all that it has elsewhere goes.

use ports::Result;
use protocol::{ConversationId, Timestamp, Username};

use super::record::FIELDS;
use crate::RedisStore;
use crate::link::Call;
use crate::script::Script;
use crate::todo::{Argument, Intent, Token, arguments, entity};

static MARK_DELETED: Script = entity!("mark_deleted");

impl RedisStore {
    /// Deletes an account, and gives the groups that the user left.
    pub(super) async fn delete(&self, username: &Username, at: Timestamp) -> Result<Vec<ConversationId>> {
        let keys = self.user(username);
        // The name is the token: whoever deletes an account again goes on where another was interrupted.
        let token = Token::named(format!("delete:{username}"));
        let mut arguments = arguments![&token, username, at];
        arguments.extend(FIELDS.map(Argument::argument));
        let touched = vec![keys.account(), keys.devices(), keys.todo()];
        let left: String = self.write(Call::new(&MARK_DELETED, touched, arguments)).await?;
        match Intent::parse(&left)? {
            Some(Intent::Delete { username, at }) => {
                let groups = self.clear(&username, at).await?;
                self.strike(keys.todo(), &token, left);
                Ok(groups)
            }
            _ => Ok(Vec::new()),
        }
    }

    /// Takes away all that a deleted account has elsewhere, and gives the groups that the user left.
    pub(crate) async fn clear(&self, username: &Username, at: Timestamp) -> Result<Vec<ConversationId>> {
        self.end_logins_of(username, None, at).await?;
        self.forget_relations(username).await?;
        self.forget_presence(username).await?;
        let left = self.leave_all(username).await?;
        self.index(username).await?;
        Ok(left)
    }
}
