//! Users, a conversation and messages for the tests of this crate.

use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use ports::{Account, Accounts, Append, Clock, Conversations, Operation};
use protocol::account::User;
use protocol::{ClientId, ConversationId, EventBody, EventKind, Timestamp, Username};
use store_embedded::EmbeddedStore;

/// When the tests take place.
pub(crate) const NOW: Timestamp = Timestamp(4_000_000_000_000);

/// A clock that stands where it was set, at first at [`NOW`].
#[derive(Default)]
pub(crate) struct SetClock {
    /// How many milliseconds after [`NOW`] it is.
    pub(crate) later: AtomicU64,
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        NOW.plus(self.later.load(Ordering::Relaxed))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.later.load(Ordering::Relaxed))
    }
}

/// Gives a username.
pub(crate) fn name(name: &str) -> Username {
    Username::new(name).unwrap()
}

/// Gives an account.
pub(crate) fn account(username: &str) -> Account {
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

/// Makes two users and their conversation.
pub(crate) async fn direct(store: &EmbeddedStore) -> ConversationId {
    for username in ["ada", "ben"] {
        store.create_account(account(username)).await.unwrap();
    }
    store.direct_conversation(&name("ada"), &name("ben"), NOW).await.unwrap().id
}

/// Gives an append of a message.
pub(crate) fn message(conversation: ConversationId, from: &str, id: &str) -> Append {
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

/// Gives what a future has at once, if it does not wait.
pub(crate) fn at_once<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}
