//! Calls over HTTP that change something, written down with what came of them.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use protocol::{ConversationId, Username};
use serde::Deserialize;
use serde_json::json;

use super::device::Device;
use super::http::{Asked, Reply};
use crate::dice::Dice;
use crate::history::{Answer, Call, Happened};

/// How often a call that has to succeed is made.
const MOST_TRIES: u32 = 40;
/// How likely it is that a group of which nobody knows whether it was made is asked for once more, under the same key.
const ASKS_AGAIN: f64 = 0.5;

/// A call that a person makes from a device.
pub(super) struct Errand {
    pub(super) device: Arc<Device>,
    pub(super) dice: Dice,
    pub(super) call: Call,
}

/// A new group, as far as it matters here.
#[derive(Deserialize)]
struct Made {
    id: ConversationId,
}

impl Errand {
    /// Makes the call, and gives what came of it.
    pub(super) async fn run(self) -> Answer {
        let mut asked = request(&self.device.user, &self.call);
        if let Call::CreateGroup { .. } = self.call {
            asked.key = self.device.next_request().map(|id| id.as_str().to_owned());
            let answer = self.make(asked.clone()).await;
            if answer != Answer::Unknown || !self.dice.chance(ASKS_AGAIN) {
                return answer;
            }
            tokio::time::sleep(self.dice.millis(100..=4_000)).await;
        }
        self.make(asked).await
    }

    /// Makes the call until it is answered for good.
    pub(super) async fn run_until_done(self) -> Answer {
        for _ in 0..MOST_TRIES {
            let answer = self.make(request(&self.device.user, &self.call)).await;
            if answer != Answer::Unknown && answer != Answer::Refused("rate_limited".to_owned()) {
                return answer;
            }
            tokio::time::sleep(self.dice.millis(200..=2_000)).await;
        }
        Answer::Unknown
    }

    async fn make(&self, asked: Asked) -> Answer {
        let shared = &self.device.shared;
        let call = shared.begin_call();
        shared.note(Happened::Called { call, user: self.device.user.clone(), what: self.call.clone() });
        let answer = self.answer(self.device.http.ask(asked).await);
        shared.note(Happened::Answered { call, answer: answer.clone() });
        shared.end_call();
        answer
    }

    fn answer(&self, reply: Option<Reply>) -> Answer {
        match reply {
            Some(reply) if (200..300).contains(&reply.status) => {
                let is_group = matches!(self.call, Call::CreateGroup { .. });
                Answer::Done(reply.read().filter(|_| is_group).map(|made: Made| made.id))
            }
            Some(reply) if reply.status < 500 => Answer::Refused(reply.code()),
            _ => Answer::Unknown,
        }
    }
}

/// Runs an errand beside everything else; `after` is told what came of it.
pub(super) fn run(errand: Errand, wait: Duration, after: impl FnOnce(Answer) + Send + 'static) {
    let tasks = errand.device.shared.tasks.clone();
    tasks.spawn(async move {
        tokio::time::sleep(wait).await;
        if !errand.device.shared.is_quiet() {
            after(errand.run().await);
        }
    });
}

/// Gives the request of a call.
fn request(user: &Username, call: &Call) -> Asked {
    let with = |method, path, body: Option<serde_json::Value>| Asked {
        body: body.map(|body| body.to_string()),
        ..Asked::new(method, path)
    };
    let conversation = |id: &ConversationId| format!("/api/conversations/{id}");
    match call {
        Call::CreateGroup { members } => {
            with(Method::POST, "/api/conversations".to_owned(), Some(json!({ "members": members })))
        }
        Call::AddMember { conversation: id, member } => {
            with(Method::PUT, format!("{}/members/{member}", conversation(id)), None)
        }
        Call::RemoveMember { conversation: id, member } if member == user => {
            with(Method::DELETE, conversation(id), None)
        }
        Call::RemoveMember { conversation: id, member } => {
            with(Method::DELETE, format!("{}/members/{member}", conversation(id)), None)
        }
        Call::Mute { conversation: id, muted } => {
            with(Method::PATCH, conversation(id), Some(json!({ "muted": muted })))
        }
        Call::AddContact { contact } => with(Method::PUT, format!("/api/contacts/{contact}"), None),
        Call::RemoveContact { contact } => with(Method::DELETE, format!("/api/contacts/{contact}"), None),
        Call::Block { user } => with(Method::PUT, format!("/api/blocks/{user}"), None),
        Call::Unblock { user } => with(Method::DELETE, format!("/api/blocks/{user}"), None),
        Call::PutDevice { id } => {
            // The provider tells by the address whose device it is.
            let body = json!({ "channel": "log", "user": user });
            with(Method::PUT, format!("/api/devices/{id}"), Some(body))
        }
        Call::LogOut { .. } => with(Method::POST, "/api/logout".to_owned(), None),
    }
}
