//! Reading histories, over the socket or over HTTP: where the server says that something is missing, and all of them at the end.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use protocol::account::Page as ListPage;
use protocol::conversation::ConversationView;
use protocol::{ClientId, ConversationId};
use tokio::time::Instant;

use super::LastLook;
use super::connected::Connected;
use crate::history::Happened;
use crate::people::http::{Asked as Call, Reply};
use crate::people::incoming::{Page, PageBody};
use crate::people::outgoing::Outgoing;
use crate::people::pages::Asked;

/// How long a page is waited for on the socket.
const ANSWERED_WITHIN: Duration = Duration::from_secs(8);
/// How large pages are: all sizes that there are, and mostly large.
const LIMITS: [u64; 6] = [3, 20, 50, 200, 200, 200];

/// A call over HTTP that goes on beside the socket.
pub(super) type Job = Pin<Box<dyn Future<Output = JobResult> + Send>>;

/// What came of a call.
pub(super) enum JobResult {
    /// A page, after this number; nothing if there was no answer.
    Page(ConversationId, u64, Option<Reply>),
    /// The list of the user's conversations.
    List(Option<Reply>),
}

impl Connected<'_> {
    /// Asks for the next page, if one is wanted, or begins the last look.
    pub(super) fn read_on(&mut self) {
        let now = Instant::now();
        if self.paused_until.is_some_and(|until| until > now) {
            return;
        }
        self.paused_until = None;
        if self.chat.pages.due().is_some_and(|due| due <= now) {
            self.chat.pages.failed();
        }
        if let Some((conversation, after)) = self.chat.pages.next() {
            self.ask(conversation, after);
        } else if self.is_through() && self.job.is_none() {
            match self.chat.last_look {
                LastLook::Due => self.list(),
                LastLook::Reading => self.chat.last_look = LastLook::Done,
                LastLook::Done => {}
            }
        }
    }

    fn ask(&mut self, conversation: ConversationId, after: u64) {
        let limit = self.chat.dice.pick(&LIMITS).copied().unwrap_or(50);
        let until = Instant::now() + ANSWERED_WITHIN;
        let id = if self.chat.dice.chance(0.5) { self.chat.device.next_request() } else { None };
        if let Some(id) = &id {
            self.socket.say(Outgoing::History { id, conversation: &conversation, after, limit }.encode());
        } else if self.job.is_none() {
            let device = self.chat.device.clone();
            self.job = Some(Box::pin(async move {
                let path = format!("/api/conversations/{conversation}/messages?after={after}&limit={limit}");
                JobResult::Page(conversation, after, device.http.ask(Call::get(path)).await)
            }));
        } else {
            return;
        }
        self.chat.pages.ask(Asked { conversation, after, id, until, stale: false });
    }

    fn list(&mut self) {
        let device = self.chat.device.clone();
        self.job = Some(Box::pin(async move {
            JobResult::List(device.http.ask(Call::get("/api/conversations?limit=200")).await)
        }));
    }

    /// Takes a page that came over the socket.
    pub(super) fn page(&mut self, id: &ClientId, conversation: ConversationId, page: Page) {
        let Some(asked) = self.chat.pages.asked(id) else { return };
        let after = asked.after;
        self.paged(conversation, after, page);
    }

    /// Takes the answer to a call.
    pub(super) fn done(&mut self, result: JobResult) {
        match result {
            JobResult::Page(conversation, after, reply) => {
                match reply.as_ref().map(|reply| (reply.status, reply.read::<PageBody>())) {
                    Some((200, Some(page))) => return self.paged(conversation, after, page.into()),
                    // The user is no member any more.
                    Some((404, _)) => self.chat.pages.forget(conversation),
                    _ => {}
                }
                self.pause();
            }
            JobResult::List(reply) => {
                let list: Option<ListPage<ConversationView>> = reply.and_then(|reply| reply.read());
                if let Some(list) = list {
                    list.items.iter().for_each(|conversation| self.chat.pages.want(conversation.id));
                    self.chat.last_look = LastLook::Reading;
                } else {
                    self.pause();
                }
            }
        }
    }

    /// Takes note that there was no answer: the same is asked for again after a while.
    pub(super) fn pause(&mut self) {
        self.chat.pages.failed();
        self.paused_until = Some(Instant::now() + self.chat.dice.millis(300..=1_500));
    }

    fn paged(&mut self, conversation: ConversationId, after: u64, page: Page) {
        let Page { messages, more } = page;
        self.chat.pages.answered(messages.last().map(|(position, _)| position.seq), more);
        let device = self.chat.device.id;
        self.note(Happened::Paged { device, conversation, after, messages, more });
    }
}
