//! One connection's task: frames in, effects out, frames written; everything of a connection happens here.

use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use identity::Identity;
use protocol::chat::{
    History as HistoryAsked, HistoryPage, MessageView, Read, ReconnectReason, Resume, ServerFrame, Typing,
    Welcome,
};
use protocol::{ClientId, CloseCode, MAX_FRAME_BYTES, Username};
use session::{Effect, Session, Tick};
use tokio::time::Instant;
use websocket::{Message, ReadError, Reader, Writer};

use crate::append::{Request, refusal};
use crate::clients::LocalUser;
use crate::connection::Connection;
use crate::shard::Shared;

/// How much text one page over a socket holds at most, in bytes: well under what may wait for a connection.
const MAX_PAGE_BYTES: usize = 128 * 1024;

/// Something that goes on beside the reading of frames.
type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// How a connection ends: with this frame, if there is anybody to send it to.
type End = Option<Bytes>;

/// A connection while its task runs.
struct Serving {
    shared: Arc<Shared>,
    user: Arc<LocalUser>,
    connection: Arc<Connection>,
    session: Session,
    /// Requests that wait for the store.
    work: FuturesUnordered<Work>,
    /// A resume that goes on; no frames are read meanwhile, so that what is asked after it is answered after it.
    resume: Option<Work>,
}

impl Shared {
    /// Serves a connection until it ends.
    pub(crate) async fn serve(self: Arc<Self>, identity: Identity, mut reader: Reader, mut writer: Writer) {
        let connection = Arc::new(Connection::new(
            self.clients.next_id(),
            identity.login,
            self.options.queue_bytes,
            self.now_ms(),
        ));
        // Queued before anybody can find the connection, so that it is the first frame; written once the user's conversations are known.
        connection.send(&self.welcome(&identity.user, &connection));
        let user = self.clients.add(&identity.user, connection.clone(), self.options.sockets_per_user);
        // After it was added: one who came in the middle of it was seen there, or sees it here.
        self.end_late(&user, &connection);
        self.metrics.connections.inc();
        let admitted = tokio::select! {
            biased;
            (code, reason) = connection.ended() => Err(close(code, reason)),
            admitted = self.admit(&user, &connection) => admitted,
        };
        let end = match admitted {
            Ok(()) => {
                let session = Session::new(self.options.session, self.now_ms());
                let serving = Serving {
                    shared: self.clone(),
                    user: user.clone(),
                    connection: connection.clone(),
                    session,
                    work: FuturesUnordered::new(),
                    resume: None,
                };
                serving.run(&mut reader, &mut writer).await
            }
            Err(end) => end,
        };
        // Whoever still does something for it learns that it is over.
        connection.end(CloseCode::Normal, "");
        self.metrics.connections.dec();
        if self.clients.remove(&user, connection.id) {
            user.note_gone().into_iter().for_each(|id| self.conversations.detach(id, &user));
        }
        if let Some(frame) = end {
            let bound = self.options.close_bound;
            // Whoever does not answer the close frame in time is cut off all the same.
            let _ = writer.finish(&mut reader, &connection.queue, frame, bound).await;
        }
    }

    /// Makes a user ready, and looks whether the login still holds: one that ended while its socket was opened would be told of by nobody.
    async fn admit(&self, user: &Arc<LocalUser>, connection: &Connection) -> Result<(), End> {
        let checked = async {
            self.make_ready(user).await?;
            self.store.login(connection.login).await
        };
        match checked.await {
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err(close(CloseCode::Unauthenticated, "logged out")),
            Err(error) => {
                tracing::warn!(%error, "cannot read a user's conversations");
                Err(close(CloseCode::TryAgainLater, "the store is not available"))
            }
        }
    }

    /// Gives a time that only grows, in milliseconds.
    pub(crate) fn now_ms(&self) -> u64 {
        u64::try_from(self.clock.monotonic().as_millis()).unwrap_or(u64::MAX)
    }

    fn welcome(&self, user: &Username, connection: &Connection) -> ServerFrame {
        ServerFrame::Welcome(Welcome {
            session: connection.login,
            user: user.clone(),
            shard: self.shard.clone(),
            epoch: self.route.table().epoch.into(),
            heartbeat_seconds: self.options.session.heartbeat_ms / 1000,
            max_frame_bytes: MAX_FRAME_BYTES,
        })
    }
}

impl Serving {
    async fn run(mut self, reader: &mut Reader, writer: &mut Writer) -> End {
        let (shared, connection) = (self.shared.clone(), self.connection.clone());
        let mut away = self.leave_at();
        let timer = tokio::time::sleep(Duration::ZERO);
        tokio::pin!(timer);
        let end = loop {
            let busy = self.is_busy();
            tokio::select! {
                biased;
                (code, reason) = connection.ended() => break close(code, reason),
                result = writer.pump(&connection.queue) => match result {
                    Ok(never) => match never {},
                    Err(error) => {
                        shared.metrics.overflows.inc();
                        break error.close_frame();
                    }
                },
                Some(()) = self.work.next(), if !self.work.is_empty() => {}
                () = optional(&mut self.resume) => self.resume = None,
                message = reader.next(), if !busy => {
                    if let Err(end) = self.take(message).await {
                        break end;
                    }
                }
                () = &mut timer => {
                    match self.tick(&mut away) {
                        Ok(next) => timer.as_mut().reset(next),
                        Err(end) => break end,
                    }
                }
            }
        };
        if !self.work.is_empty() {
            // What was asked for goes on: the others are told of it even if the client has not waited for the ack.
            shared.spawn(self.work.collect());
        }
        for conversation in self.session.end() {
            // Nobody is to be seen typing for ever.
            let _ = shared.typing(&self.user, &Typing { conversation, active: false });
        }
        end
    }

    /// Takes what came from the client.
    async fn take(&mut self, message: Result<Message, ReadError>) -> Result<(), End> {
        let now = self.shared.now_ms();
        self.connection.heard(now);
        match message {
            Ok(Message::Text(text)) => {
                self.shared.metrics.frames_in.inc();
                // The reader has checked that it is UTF-8.
                let text = str::from_utf8(&text).unwrap_or_default();
                let effect = self.session.receive(text, now);
                self.act(effect).await
            }
            Ok(Message::Binary(_)) => Err(close(CloseCode::Malformed, "binary frames are not understood")),
            Ok(Message::Ping(payload)) => {
                self.session.heard(now);
                self.connection.push(websocket::pong(&payload));
                Ok(())
            }
            Ok(Message::Pong(_)) => {
                self.session.heard(now);
                Ok(())
            }
            Ok(Message::Close { code, .. }) => Err(Some(websocket::close_reply(code))),
            Err(error) => Err(error.close_frame()),
        }
    }

    async fn act(&mut self, effect: Effect) -> Result<(), End> {
        if !matches!(effect, Effect::Resume(_)) {
            self.open();
        }
        let at = self.shared.clock.now();
        match effect {
            Effect::Send(send) => {
                let conversation = match self.shared.conversation_of(&send, &self.user.name).await {
                    Ok(conversation) => conversation,
                    Err(error) => {
                        self.refuse(Some(send.id), &error);
                        return Ok(());
                    }
                };
                self.append(conversation, Request::send(send, &self.user.name, at));
            }
            Effect::Edit(edit) => self.append(edit.conversation, Request::edit(edit, &self.user.name, at)),
            Effect::Delete(delete) => {
                self.append(delete.conversation, Request::delete(delete, &self.user.name, at));
            }
            Effect::React(react) => {
                self.append(react.conversation, Request::react(react, &self.user.name, at));
            }
            Effect::Resume(resume) => self.begin_resume(resume),
            Effect::History(history) => self.begin_history(history),
            Effect::Read(read) => self.begin_read(read),
            Effect::Typing(typing) => {
                if let Err(error) = self.shared.typing(&self.user, &typing) {
                    self.refuse(None, &error);
                }
            }
            Effect::Answer(frame) => self.connection.send(&frame),
            Effect::Close(code, reason) => {
                let refused = ServerFrame::Error(protocol::chat::ErrorFrame {
                    id: None,
                    code: match code {
                        CloseCode::TooFast => protocol::ErrorCode::RateLimited,
                        _ => protocol::ErrorCode::Malformed,
                    },
                    detail: reason.to_owned(),
                    retry_after_ms: None,
                });
                self.connection.send(&refused);
                return Err(close(code, reason));
            }
        }
        Ok(())
    }

    fn append(&mut self, conversation: protocol::ConversationId, request: Request) {
        let (user, connection) = (self.user.clone(), self.connection.clone());
        self.work.push(Box::pin(self.shared.append(user, connection, conversation, request)));
    }

    fn begin_resume(&mut self, resume: Resume) {
        self.session.opened();
        let (shared, user, connection) = (self.shared.clone(), self.user.clone(), self.connection.clone());
        self.resume = Some(Box::pin(async move {
            if let Err(error) = shared.clone().resume(user, connection.clone(), resume).await {
                tracing::warn!(%error, "cannot resume");
                // Half resumed there would be gaps: the client comes again.
                connection.end(CloseCode::TryAgainLater, "cannot resume now");
            }
        }));
    }

    fn begin_history(&mut self, history: HistoryAsked) {
        let (shared, user, connection) = (self.shared.clone(), self.user.clone(), self.connection.clone());
        self.work.push(Box::pin(async move {
            let _paging = connection.paging.lock().await;
            match shared.history(&user, &history).await {
                Ok((messages, more)) => {
                    let (messages, cut) = fitting(messages, history.after.is_some());
                    let HistoryAsked { id, conversation, .. } = history;
                    connection.room().await;
                    let page = HistoryPage { id, conversation, messages, more: more || cut };
                    connection.send(&ServerFrame::History(page));
                }
                Err(error) => connection.send(&refusal(Some(history.id), &error)),
            }
        }));
    }

    fn begin_read(&mut self, read: Read) {
        let (shared, user, connection) = (self.shared.clone(), self.user.clone(), self.connection.clone());
        self.work.push(Box::pin(async move {
            if let Err(error) = shared.read_until(&user, &read).await {
                connection.send(&refusal(None, &error));
            }
        }));
    }

    /// Lets live events flow: the client does not begin with a resume.
    fn open(&mut self) {
        self.session.opened();
        self.connection.open();
    }

    fn refuse(&self, id: Option<ClientId>, error: &ports::Error) {
        self.connection.send(&refusal(id, error));
    }

    /// Does what is due, and gives when to look again.
    fn tick(&mut self, away: &mut Option<Instant>) -> Result<Instant, End> {
        if away.is_some_and(|at| at <= Instant::now()) {
            *away = None;
            if !self.shared.route.is_own(&self.user.name) {
                self.shared.send_away(&self.user, &self.connection, 0, ReconnectReason::Moved);
            }
        }
        if self.is_busy() && !self.is_stuck() {
            // Nothing is read meanwhile, so silence says nothing.
            self.session.heard(self.shared.now_ms());
        }
        loop {
            match self.session.tick(self.shared.now_ms()) {
                Tick::Nothing(wait) => {
                    let next = Instant::now() + Duration::from_millis(wait.max(1));
                    return Ok(away.map_or(next, |away| away.min(next)));
                }
                Tick::Open => self.connection.open(),
                Tick::Ping => self.connection.push(websocket::ping(b"")),
                Tick::Dead => return Err(close(CloseCode::Idle, "nothing was heard of the client")),
            }
        }
    }

    /// Says whether nothing is read at the moment: the client is to wait.
    fn is_busy(&self) -> bool {
        self.resume.is_some() || self.work.len() >= self.shared.options.in_flight
    }

    /// Says whether the client takes nothing of what it is sent.
    fn is_stuck(&self) -> bool {
        let longest = Duration::from_millis(self.shared.options.session.dead_after_ms);
        self.connection.queue.waiting_since().is_some_and(|since| since.elapsed() >= longest)
    }

    /// Gives when a user of another shard is sent there.
    fn leave_at(&self) -> Option<Instant> {
        let stranger = !self.shared.route.is_own(&self.user.name);
        stranger.then(|| Instant::now() + self.shared.options.stranger_patience)
    }
}

/// Cuts a page down to what fits into a frame, on the side that is farther from what was asked for; says whether it did.
fn fitting(mut messages: Vec<MessageView>, forward: bool) -> (Vec<MessageView>, bool) {
    let size = |message: &MessageView| {
        let content = message.content.as_ref().map_or(0, |content| content.get().len());
        message.text.as_ref().map_or(content, String::len)
    };
    if !forward {
        messages.reverse();
    }
    let mut total = 0;
    let fits = messages.iter().take_while(|message| {
        total += size(message);
        total <= MAX_PAGE_BYTES
    });
    // One always fits.
    let count = fits.count().max(1).min(messages.len());
    let cut = count < messages.len();
    messages.truncate(count);
    if !forward {
        messages.reverse();
    }
    (messages, cut)
}

/// Waits for work if there is any, else for ever.
async fn optional(work: &mut Option<Work>) {
    match work {
        Some(work) => work.await,
        None => pending().await,
    }
}

fn close(code: CloseCode, reason: &str) -> End {
    Some(websocket::close(code.code(), reason))
}
