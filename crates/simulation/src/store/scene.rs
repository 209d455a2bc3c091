//! Users, conversations and messages for the tests of the store.
#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::sync::Arc;
use std::time::Duration;

use ports::{Account, Accounts, Append, Conversations, Operation};
use protocol::account::User;
use protocol::{ClientId, ConversationId, EventBody, EventKind, Timestamp, Username};

use super::{SimStore, StoreHandle};
use crate::dice::Dice;
use crate::history::{Happened, History};

/// When the tests take place.
pub(super) const NOW: Timestamp = Timestamp(4_000_000_000_000);

/// A store with the users ada, ben and carl.
pub(super) struct Scene {
    pub(super) store: SimStore,
    pub(super) handle: Arc<StoreHandle>,
    pub(super) history: History,
}

impl Scene {
    /// Sets it.
    pub(super) async fn set(seed: u64) -> Self {
        let history = History::begin();
        let store = SimStore::new(Dice::new(seed, "store"), history.clone());
        let direct = store.direct();
        for username in ["ada", "ben", "carl"] {
            direct.create_account(account(username)).await.unwrap();
        }
        Self { handle: store.handle("chat-0"), store, history }
    }

    /// Gives the direct conversation of ada and ben.
    pub(super) async fn conversation(&self) -> ConversationId {
        self.handle.direct_conversation(&name("ada"), &name("ben"), NOW).await.unwrap().id
    }

    /// Gives what happened since the last call.
    pub(super) fn happened(&self) -> Vec<Happened> {
        self.history.take().into_iter().map(|moment| moment.what).collect()
    }
}

/// Lets virtual time pass.
pub(super) async fn pass(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

/// Gives a username.
pub(super) fn name(name: &str) -> Username {
    Username::new(name).unwrap()
}

/// Gives an append of a message.
pub(super) fn message(conversation: ConversationId, from: &str, id: &str) -> Append {
    let mut body = EventBody::new(EventKind::Message, name(from), ClientId::new(id).unwrap(), NOW);
    body.text = Some(format!("text of {id}"));
    Append {
        conversation,
        from: body.from.clone(),
        id: body.id.clone(),
        digest: 1,
        operation: Operation::Message,
        body: body.encode(),
        at: NOW,
    }
}

fn account(username: &str) -> Account {
    let user = User {
        username: name(username),
        display_name: username.to_owned(),
        bio: None,
        avatar_url: None,
        status_text: None,
        created_at: NOW,
    };
    Account { user, password_hash: "hash".to_owned(), throttle: Vec::new() }
}
