//! The task of one connection: runs the core over the link.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use protocol::chat::{Ack, HistoryPage, Read, Resume, ServerFrame, Typing};
use protocol::{ClientId, ConversationId, ErrorCode, MAX_FRAME_BYTES, Position, Username};
use serde::Serialize;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use super::incoming::{self, Incoming};
use super::marks::Marks;
use super::request::{Destination, Pending, Reply};
use super::{ChatEvent, Logged};
use crate::core::{Cursors, Delivery, End, Outbox};
use crate::link::{Link, LinkEvent};
use crate::outlet::Outlet;
use crate::{Error, Problem};

/// Requests are handed to the link while it has fewer frames than this to write.
const MAX_WAITING: usize = 64;

/// A request that the server cannot answer now is repeated after this long if the server does not say when.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A cursor in a `resume` takes at most this many bytes.
const CURSOR_BYTES: usize = 96;

/// What an application wants of its connection.
#[derive(Debug)]
pub(super) enum Command {
    Request(Box<Pending>),
    Read(Read),
    Typing(Typing),
    Cursors(oneshot::Sender<BTreeMap<ConversationId, Position>>),
    Reconnect,
    Close,
}

/// A frame that has no answer of its own.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Notice {
    Resume(Resume),
    Read(Read),
    Typing(Typing),
}

/// What the task holds.
pub(super) struct Driver {
    user: Username,
    link: Link,
    cursors: Cursors<Logged>,
    outbox: Outbox<Destination, Box<Pending>>,
    marks: Marks,
    commands: mpsc::Receiver<Command>,
    outlet: Outlet<ChatEvent>,
    ended: Arc<OnceLock<End>>,
    /// Times are counted from here.
    start: Instant,
    /// The largest frame that the server reads.
    max_frame_bytes: usize,
}

impl Driver {
    pub(super) fn new(
        user: Username,
        link: Link,
        cursors: Cursors<Logged>,
        outbox: Outbox<Destination, Box<Pending>>,
        commands: mpsc::Receiver<Command>,
        outlet: Outlet<ChatEvent>,
        ended: Arc<OnceLock<End>>,
    ) -> Self {
        Self {
            user,
            link,
            cursors,
            outbox,
            marks: Marks::default(),
            commands,
            outlet,
            ended,
            start: Instant::now(),
            max_frame_bytes: MAX_FRAME_BYTES,
        }
    }

    /// Runs until the connection has ended for good.
    pub(super) async fn run(mut self) {
        let end = loop {
            self.supply();
            let wake = self.wake_at();
            tokio::select! {
                () = self.outlet.pass_on(), if self.outlet.waits() => {}
                event = self.link.next(), if self.outlet.has_room() => {
                    if let Some(end) = self.happened(event) {
                        break end;
                    }
                }
                command = self.commands.recv() => match command {
                    Some(Command::Close) | None => break End::Closed,
                    Some(command) => {
                        if let Some(end) = self.command(command) {
                            break end;
                        }
                    }
                },
                () = sleep_until(wake.unwrap_or(self.start)), if wake.is_some() => {}
            }
        };
        self.finish(end).await;
    }

    /// Hands what is due to the link.
    fn supply(&mut self) {
        if !self.link.is_open() {
            return;
        }
        let now = self.now();
        // A resume comes first of all: until the server has it, it holds back what happens.
        if self.resume_at().is_some_and(|due| now >= due) {
            let cursors = self.cursors.ask(now, self.max_frame_bytes / CURSOR_BYTES);
            self.notify(&Notice::Resume(Resume { cursors }));
        }
        while self.link.waiting() < MAX_WAITING {
            let Some((id, pending)) = self.outbox.next(now) else { break };
            let frame = encode(&pending.request);
            if frame.len() <= self.max_frame_bytes {
                self.link.queue(frame.into());
                continue;
            }
            let id = id.clone();
            if let Some(pending) = self.outbox.answered(&id) {
                pending.reply.fail(Error::Refused(too_large()));
            }
        }
    }

    /// Gives when a resume is due; who wants no events misses none.
    fn resume_at(&self) -> Option<Duration> {
        self.cursors.resume_at().filter(|_| self.outlet.is_wanted())
    }

    fn wake_at(&self) -> Option<Instant> {
        let due = [self.resume_at(), self.outbox.wake_at()].into_iter().flatten().min();
        due.filter(|_| self.link.is_open()).and_then(|due| self.start.checked_add(due))
    }

    fn happened(&mut self, event: LinkEvent) -> Option<End> {
        match event {
            LinkEvent::Up(welcome) => {
                self.max_frame_bytes = welcome.max_frame_bytes;
                self.cursors.connected();
                self.outbox.disconnected();
                self.supply_resume_first();
                let (session, shard, epoch) = (welcome.session, welcome.shard, welcome.epoch);
                self.outlet.push(ChatEvent::Connected { session, shard, epoch });
            }
            LinkEvent::Frame(text) => self.frame(incoming::read(&text)),
            LinkEvent::Down(loss) => {
                self.outbox.disconnected();
                self.outlet.push(ChatEvent::Disconnected(loss));
            }
            LinkEvent::End(end) => return Some(end),
        }
        None
    }

    /// Sends the resume, and after it the read marks that may not have arrived.
    fn supply_resume_first(&mut self) {
        self.supply();
        for read in self.marks.connected() {
            self.notify(&Notice::Read(read));
        }
    }

    fn frame(&mut self, frame: Incoming) {
        match frame {
            Incoming::Logged(logged, size) => self.arrived(*logged, size),
            Incoming::Refused(id, problem) => self.refused(id.as_ref(), problem),
            Incoming::Frame(frame) => match *frame {
                ServerFrame::Ack(ack) => self.acked(ack),
                ServerFrame::History(page) => self.paged(page),
                ServerFrame::Resumed { conversations } => {
                    let deliveries = self.cursors.resumed(&conversations, self.now());
                    self.deliver(deliveries);
                    self.outlet.push(ChatEvent::Resumed);
                }
                ServerFrame::Receipt(receipt) => self.outlet.push(ChatEvent::Receipt(receipt)),
                ServerFrame::Typing { conversation, user, active } => {
                    self.outlet.push(ChatEvent::Typing { conversation, user, active });
                }
                ServerFrame::Conversation(conversation) => {
                    if conversation.left {
                        self.cursors.forget(conversation.id);
                    }
                    self.outlet.push(ChatEvent::Conversation(conversation));
                }
                ServerFrame::Reconnect(order) => self.link.go(order),
                ServerFrame::Welcome(_) | ServerFrame::Pong { .. } | ServerFrame::Error(_) => {}
            },
            Incoming::Unknown => {}
        }
    }

    fn acked(&mut self, ack: Ack) {
        let Some(Pending { request, reply, .. }) = self.outbox.answered(&ack.id).map(|pending| *pending)
        else {
            return;
        };
        if let Some(event) = request.into_event(&self.user, &ack) {
            let text = event.body.text.as_ref().map_or(0, String::len);
            let content = event.body.content.as_ref().map_or(0, |content| content.get().len());
            self.arrived(event, incoming::event_size(text + content));
        }
        if let Reply::Ack(reply) = reply {
            let _ = reply.send(Ok(ack));
        }
    }

    fn paged(&mut self, page: HistoryPage) {
        if let Some(pending) = self.outbox.answered(&page.id)
            && let Reply::Page(reply) = pending.reply
        {
            let _ = reply.send(Ok(page));
        }
    }

    fn refused(&mut self, id: Option<&ClientId>, problem: Problem) {
        let now = self.now();
        let passes = problem.is(ErrorCode::RateLimited) || problem.is(ErrorCode::Unavailable);
        let wait = problem.retry_after.or(passes.then_some(RETRY_AFTER));
        match (id, wait) {
            (Some(id), Some(wait)) => {
                tracing::debug!(%id, code = problem.code, ?wait, "a request is postponed");
                self.outbox.postponed(id, wait, now);
            }
            (Some(id), None) => {
                if let Some(pending) = self.outbox.answered(id) {
                    pending.reply.fail(Error::Refused(problem));
                }
            }
            (None, wait) => {
                // It may have been the resume, without which something would be missing for ever.
                self.cursors.refused(wait.unwrap_or(RETRY_AFTER), now);
                self.outlet.push(ChatEvent::Refused(problem));
            }
        }
    }

    fn arrived(&mut self, logged: Logged, size: usize) {
        if !self.outlet.is_wanted() {
            return;
        }
        let (conversation, position, now) = (logged.conversation, logged.position, self.now());
        let deliveries = self.cursors.arrive(conversation, position, (logged, size), now);
        self.deliver(deliveries);
    }

    fn deliver(&mut self, deliveries: Vec<Delivery<Logged>>) {
        for delivery in deliveries {
            self.outlet.push(delivery.into());
        }
    }

    fn command(&mut self, command: Command) -> Option<End> {
        match command {
            Command::Request(pending) => {
                let (id, lane) = (pending.request.id().clone(), pending.request.lane());
                self.outbox.push(id, lane, pending);
            }
            Command::Read(read) => {
                if let Some(read) = self.marks.set(read, self.link.is_open()) {
                    self.notify(&Notice::Read(read));
                }
            }
            Command::Typing(typing) => {
                if self.link.waiting() < MAX_WAITING {
                    self.notify(&Notice::Typing(typing));
                }
            }
            Command::Cursors(reply) => drop(reply.send(self.cursors.positions())),
            Command::Reconnect => return self.link.break_off().and_then(|event| self.happened(event)),
            Command::Close => return Some(End::Closed),
        }
        None
    }

    /// Fails what has no answer, and tells the application.
    async fn finish(mut self, end: End) {
        let _ = self.ended.set(end);
        self.commands.close();
        while let Ok(command) = self.commands.try_recv() {
            if let Command::Request(pending) = command {
                pending.reply.fail(Error::Ended(end));
            }
        }
        for pending in self.outbox.drain() {
            pending.reply.fail(Error::Ended(end));
        }
        if end == End::Closed {
            self.link.close().await;
            return;
        }
        self.outlet.push(ChatEvent::Ended(end));
        self.outlet.finish().await;
    }

    fn notify(&mut self, notice: &Notice) {
        self.link.queue(encode(notice).into());
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }
}

fn encode(frame: &impl Serialize) -> String {
    // Strings, numbers and checked JSON always encode.
    serde_json::to_string(frame).unwrap_or_default()
}

fn too_large() -> Problem {
    let code = ErrorCode::TooLarge;
    Problem {
        status: None,
        code: code.as_str().to_owned(),
        detail: code.title().to_owned(),
        retry_after: None,
    }
}
