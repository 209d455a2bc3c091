//! Conversations, their members and their messages.

use protocol::account::Page;
use protocol::chat::MessageView;
use protocol::conversation::{ConversationView, CreateConversation, PutMember, Role, UpdateConversation};
use protocol::{ConversationId, Username};
use serde::Deserialize;

use super::{Call, PageOf};
use crate::chat::Window;
use crate::{Error, Session};

/// Messages of a conversation in order of seq.
#[derive(Clone, Debug, Deserialize)]
pub struct Messages {
    /// The messages, each as it is now.
    pub messages: Vec<MessageView>,
    /// Whether there is more in the direction of the request.
    pub more: bool,
}

impl Session {
    /// Gives the user's conversations, the newest activity first.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn conversations(&self, page: &PageOf) -> Result<Page<ConversationView>, Error> {
        self.ask(&Call::get(["api", "conversations"]).page(page)).await
    }

    /// Makes a group.
    ///
    /// # Errors
    /// The server refuses with `user_not_found`, `not_allowed` or `limit_reached`.
    pub async fn create_conversation(&self, group: &CreateConversation) -> Result<ConversationView, Error> {
        self.ask(&Call::post(["api", "conversations"]).json(group)).await
    }

    /// Gives a conversation.
    ///
    /// # Errors
    /// The server refuses with `conversation_not_found`.
    pub async fn conversation(&self, id: ConversationId) -> Result<ConversationView, Error> {
        self.ask(&Call::get(["api", "conversations", &id.to_string()])).await
    }

    /// Renames or mutes a conversation.
    ///
    /// # Errors
    /// The server refuses with `conversation_not_found` or `not_allowed`.
    pub async fn update_conversation(
        &self,
        id: ConversationId,
        update: &UpdateConversation,
    ) -> Result<ConversationView, Error> {
        self.ask(&Call::patch(["api", "conversations", &id.to_string()]).json(update)).await
    }

    /// Leaves a conversation.
    ///
    /// # Errors
    /// The server refuses with `conversation_not_found`.
    pub async fn leave_conversation(&self, id: ConversationId) -> Result<(), Error> {
        self.run(&Call::delete(["api", "conversations", &id.to_string()])).await
    }

    /// Adds a member to a group, or gives one another role.
    ///
    /// # Errors
    /// The server refuses with `user_not_found`, `conversation_not_found` or `not_allowed`.
    pub async fn put_member(
        &self,
        id: ConversationId,
        member: &Username,
        role: Option<Role>,
    ) -> Result<(), Error> {
        let call = Call::put(["api", "conversations", &id.to_string(), "members", member.as_str()]);
        self.run(&call.json(&PutMember { role })).await
    }

    /// Removes a member from a group.
    ///
    /// # Errors
    /// The server refuses with `conversation_not_found` or `not_allowed`.
    pub async fn remove_member(&self, id: ConversationId, member: &Username) -> Result<(), Error> {
        self.run(&Call::delete(["api", "conversations", &id.to_string(), "members", member.as_str()])).await
    }

    /// Gives a page of a conversation's messages, at most 200.
    ///
    /// # Errors
    /// The server refuses with `conversation_not_found`.
    pub async fn messages(
        &self,
        id: ConversationId,
        window: Window,
        limit: Option<usize>,
    ) -> Result<Messages, Error> {
        let call = Call::get(["api", "conversations", &id.to_string(), "messages"])
            .query_if("before", window.before())
            .query_if("after", window.after())
            .query_if("limit", limit);
        self.ask(&call).await
    }

    /// Looks for messages in the user's own conversations, or in one of them.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn search(
        &self,
        query: &str,
        conversation: Option<ConversationId>,
        page: &PageOf,
    ) -> Result<Page<MessageView>, Error> {
        let call = Call::get(["api", "search"]).query("query", query).query_if("conversation", conversation);
        self.ask(&call.page(page)).await
    }
}
