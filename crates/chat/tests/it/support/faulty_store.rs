//! A store with trouble: every call of it is made through [`Trouble`].

use std::sync::Arc;

use async_trait::async_trait;
use ports::{
    Account, Accounts, AccountsPage, Contacts, Conversation, Conversations, Device, Devices, Document,
    Documents, EndedLogin, Login, Logins, Membership, NewGroup, PresenceRecord, Presences, ProfileChange,
    Remembered, Removed, Result, Store,
};
use protocol::account::{Contact, User};
use protocol::conversation::Role;
use protocol::{ConversationId, LoginId, Timestamp, Username};

use super::trouble::Trouble;

/// A store whose calls meet trouble.
pub(crate) struct FaultyStore {
    pub(crate) inner: Arc<dyn Store>,
    pub(crate) trouble: Arc<Trouble>,
}

/// Makes every call of a port through the trouble.
macro_rules! through_trouble {
    ($port:ident { $(fn $call:ident($($name:ident: $type:ty),*) -> $answer:ty;)* }) => {
        #[async_trait]
        impl $port for FaultyStore {
            $(async fn $call(&self, $($name: $type),*) -> Result<$answer> {
                self.trouble.meet(stringify!($call), self.inner.$call($($name),*)).await
            })*
        }
    };
}

through_trouble!(Accounts {
    fn create_account(account: Account) -> ();
    fn account(username: &Username) -> Option<Account>;
    fn change_profile(username: &Username, change: ProfileChange) -> User;
    fn set_password(username: &Username, password_hash: String) -> ();
    fn set_throttle(username: &Username, throttle: Vec<u8>) -> ();
    fn delete_account(username: &Username, at: Timestamp) -> Vec<ConversationId>;
    fn search_accounts(prefix: &str, after: Option<&Username>, limit: usize) -> AccountsPage;
});

through_trouble!(Logins {
    fn create_login(login: Login) -> ();
    fn login(id: LoginId) -> Option<Login>;
    fn update_login(login: Login) -> ();
    fn end_login(id: LoginId, at: Timestamp) -> ();
    fn end_logins(username: &Username, except: Option<LoginId>, at: Timestamp) -> Vec<LoginId>;
    fn ended_logins(since: Timestamp) -> Vec<EndedLogin>;
    fn redeem_ticket(ticket: [u8; 16], expires_at: Timestamp) -> bool;
});

through_trouble!(Conversations {
    fn direct_conversation(from: &Username, to: &Username, at: Timestamp) -> Conversation;
    fn create_group(group: NewGroup) -> Conversation;
    fn conversation(id: ConversationId) -> Option<Conversation>;
    fn rename_conversation(id: ConversationId, by: &Username, title: String) -> Conversation;
    fn put_member(id: ConversationId, by: &Username, who: &Username, role: Option<Role>) -> Conversation;
    fn remove_member(id: ConversationId, by: &Username, who: &Username) -> Removed;
    fn memberships(username: &Username) -> Vec<Membership>;
    fn membership(id: ConversationId, username: &Username) -> Option<Membership>;
    fn membership_versions(usernames: &[Username]) -> Vec<u64>;
    fn set_muted(id: ConversationId, username: &Username, muted: bool) -> ();
    fn mark(id: ConversationId, who: &Username, read: Option<u64>, to: Option<u64>) -> Option<Membership>;
});

through_trouble!(Contacts {
    fn contacts(username: &Username) -> Vec<Contact>;
    fn visible_contacts(username: &Username) -> Vec<Username>;
    fn put_contact(username: &Username, contact: &Username, at: Timestamp) -> ();
    fn delete_contact(username: &Username, contact: &Username) -> ();
    fn blocks(username: &Username) -> Vec<Username>;
    fn put_block(username: &Username, blocked: &Username, at: Timestamp) -> Option<ConversationId>;
    fn delete_block(username: &Username, blocked: &Username) -> Option<ConversationId>;
});

through_trouble!(Devices {
    fn devices(username: &Username) -> Vec<Device>;
    fn put_device(username: &Username, device: Device) -> ();
    fn delete_device(username: &Username, id: &str) -> ();
});

through_trouble!(Presences {
    fn put_presences(records: Vec<PresenceRecord>) -> usize;
    fn presences(usernames: &[Username]) -> Vec<PresenceRecord>;
    fn connected_presences(after: Option<&Username>, limit: usize) -> Vec<PresenceRecord>;
});

through_trouble!(Documents {
    fn document(name: &str) -> Option<Document>;
    fn put_document(name: &str, expected: u64, body: Vec<u8>) -> u64;
    fn remembered(key: &[u8], now: Timestamp) -> Option<Remembered>;
    fn remember(key: Vec<u8>, answer: Remembered, now: Timestamp) -> ();
});
