//! A connection to `/chat`.

mod driver;
mod event;
mod incoming;
mod marks;
mod request;

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use protocol::chat::{Ack, Delete, Edit, History, HistoryPage, React, Read, Typing};
use protocol::{ClientId, ConversationId, Position};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio_util::task::TaskTracker;

use self::driver::{Command, Driver};
pub use self::event::{ChatEvent, Gap, Logged};
pub(crate) use self::incoming::refusal;
pub use self::request::{Body, Destination, NewMessage, Window};
use self::request::{Pending, Reply, Request};
use crate::core::{Cursors, End, Outbox, Waits};
use crate::link::{Endpoint, Link, Route};
use crate::outlet::Outlet;
use crate::{Error, Session, random};

/// How a connection to `/chat` behaves.
#[derive(Clone, Debug)]
pub struct ChatOptions {
    /// How the user's shard is reached.
    pub route: Route,
    /// The last event that the application has of each conversation. What came after is delivered first; of conversations that are not
    /// named, everything that the server sends on a resume.
    pub cursors: BTreeMap<ConversationId, Position>,
    /// How many events may wait for the application; then nothing more is read from the server.
    pub event_capacity: usize,
    /// How many requests may be unanswered; then [`Chat::send`] and the others wait.
    pub outbox_capacity: usize,
    /// How many requests to one destination may be under way to the server at once. With one, messages keep the order in which they
    /// were sent, whatever happens; with more they are faster, and keep it unless the server refuses one for a while and takes the next.
    pub window: usize,
    /// How long an event may be missing before it is asked for.
    pub gap_patience: Duration,
    /// How long is waited between attempts to connect.
    pub waits: Waits,
}

/// A connection to `/chat` that comes back; cheap to clone.
///
/// It ends when it is closed, when all clones are dropped, or when the server ends it for good; the last event says which.
/// An application that drops its end of the events still sends and has its answers, and catches up on nothing. One that keeps it must read it: as long as the
/// channel is full nothing is read from the server, no answer either.
#[derive(Clone, Debug)]
pub struct Chat {
    commands: mpsc::Sender<Command>,
    room: Arc<Semaphore>,
    ids: Arc<Ids>,
    ended: Arc<OnceLock<End>>,
    tasks: TaskTracker,
}

/// A request under way: its id, and a future that gives the server's answer. The request is made even if this is dropped.
#[derive(Debug)]
pub struct Sent {
    id: ClientId,
    answer: oneshot::Receiver<Result<Ack, Error>>,
    ended: Arc<OnceLock<End>>,
}

/// Ids that nobody else draws.
#[derive(Debug)]
struct Ids {
    prefix: u64,
    next: AtomicU64,
}

impl Chat {
    /// Connects, and gives the connection and what happens on it. The first attempt is under way when this returns; an event says when it is connected.
    pub fn connect(session: &Session, options: ChatOptions) -> (Self, mpsc::Receiver<ChatEvent>) {
        let (outlet, events) = Outlet::new(options.event_capacity);
        let (sender, commands) = mpsc::channel(options.outbox_capacity.max(1));
        let chat = Self {
            commands: sender,
            room: Arc::new(Semaphore::new(options.outbox_capacity.max(1))),
            ids: Arc::new(Ids { prefix: random::bits(), next: AtomicU64::new(1) }),
            ended: Arc::default(),
            tasks: TaskTracker::new(),
        };
        let driver = Driver::new(
            session.username(),
            Link::new(session.clone(), Endpoint::Chat, options.route, options.waits),
            Cursors::new(options.cursors, options.gap_patience),
            Outbox::new(options.window),
            commands,
            outlet,
            chat.ended.clone(),
        );
        chat.tasks.spawn(driver.run());
        (chat, events)
    }

    /// Sends a message; waits only while too many requests are unanswered.
    ///
    /// It is sent once, whatever happens to the connection, and after those that were sent to the same destination before.
    pub async fn send(&self, message: NewMessage) -> Sent {
        let id = message.id.clone().unwrap_or_else(|| self.ids.draw());
        self.ask_for_ack(Request::Send(message.into_frame(id))).await
    }

    /// Gives an earlier message a new text.
    pub async fn edit(&self, conversation: ConversationId, seq: u64, text: impl Into<String>) -> Sent {
        let edit = Edit { id: self.ids.draw(), conversation, seq, text: text.into() };
        self.ask_for_ack(Request::Edit(edit)).await
    }

    /// Takes an earlier message back.
    pub async fn delete(&self, conversation: ConversationId, seq: u64) -> Sent {
        self.ask_for_ack(Request::Delete(Delete { id: self.ids.draw(), conversation, seq })).await
    }

    /// Puts an emoji on a message, or takes it off.
    pub async fn react(
        &self,
        conversation: ConversationId,
        seq: u64,
        emoji: impl Into<String>,
        active: bool,
    ) -> Sent {
        let react = React { id: self.ids.draw(), conversation, seq, emoji: emoji.into(), active };
        self.ask_for_ack(Request::React(react)).await
    }

    /// Gives a page of a conversation's messages, at most 200.
    ///
    /// # Errors
    /// The server refuses with `conversation_not_found`, or the connection has ended.
    pub async fn history(
        &self,
        conversation: ConversationId,
        window: Window,
        limit: usize,
    ) -> Result<HistoryPage, Error> {
        let (before, after) = (window.before(), window.after());
        let request = Request::History(History { id: self.ids.draw(), conversation, before, after, limit });
        let (reply, answer) = oneshot::channel();
        self.request(request, Reply::Page(reply)).await;
        answer.await.unwrap_or_else(|_| Err(self.error()))
    }

    /// Says that the user has read everything up to this event; the mark never moves back.
    pub async fn read(&self, conversation: ConversationId, seq: u64) {
        self.command(Command::Read(Read { conversation, seq })).await;
    }

    /// Says whether the user types; without a connection it is not said.
    pub async fn typing(&self, conversation: ConversationId, active: bool) {
        self.command(Command::Typing(Typing { conversation, active })).await;
    }

    /// Gives the last event that was delivered of each conversation: what [`ChatOptions::cursors`] takes.
    ///
    /// # Errors
    /// The connection has ended.
    pub async fn cursors(&self) -> Result<BTreeMap<ConversationId, Position>, Error> {
        let (reply, answer) = oneshot::channel();
        self.command(Command::Cursors(reply)).await;
        answer.await.map_err(|_| self.error())
    }

    /// Drops the connection without a word, as a network does, and makes another.
    pub async fn reconnect(&self) {
        self.command(Command::Reconnect).await;
    }

    /// Closes the connection, for all clones; requests without an answer fail.
    pub async fn close(self) {
        self.command(Command::Close).await;
        self.tasks.close();
        self.tasks.wait().await;
    }

    async fn ask_for_ack(&self, request: Request) -> Sent {
        let (reply, answer) = oneshot::channel();
        let sent = Sent { id: request.id().clone(), answer, ended: self.ended.clone() };
        self.request(request, Reply::Ack(reply)).await;
        sent
    }

    /// Makes a request when there is room; on a connection that has ended the reply is dropped, which its receiver notices.
    async fn request(&self, request: Request, reply: Reply) {
        if let Ok(room) = self.room.clone().acquire_owned().await {
            self.command(Command::Request(Box::new(Pending { request, reply, _room: room }))).await;
        }
    }

    async fn command(&self, command: Command) {
        // A connection that has ended takes no commands.
        let _ = self.commands.send(command).await;
    }

    fn error(&self) -> Error {
        Error::Ended(self.ended.get().copied().unwrap_or(End::Closed))
    }
}

impl Sent {
    /// Gives the request's id.
    pub fn id(&self) -> &ClientId {
        &self.id
    }
}

impl Future for Sent {
    type Output = Result<Ack, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.answer).poll(context).map(|answer| {
            let end = self.ended.get().copied().unwrap_or(End::Closed);
            answer.unwrap_or(Err(Error::Ended(end)))
        })
    }
}

impl Ids {
    #[expect(clippy::expect_used, reason = "hexadecimal digits and a dash are what an id may have")]
    fn draw(&self) -> ClientId {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        ClientId::new(&format!("{:016x}-{number:x}", self.prefix)).expect("it is short and printable")
    }
}

impl Default for ChatOptions {
    fn default() -> Self {
        Self {
            route: Route::default(),
            cursors: BTreeMap::new(),
            event_capacity: 256,
            outbox_capacity: 256,
            window: 1,
            gap_patience: Duration::from_millis(300),
            waits: Waits::default(),
        }
    }
}
