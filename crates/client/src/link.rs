//! A socket that comes back: it reconnects, renews its token, and goes where the server sends it.

mod dial;
mod live;

use std::future::poll_fn;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use protocol::account::Secret;
use protocol::chat::{Reconnect, Welcome};
use tokio_tungstenite::tungstenite::protocol::frame::Utf8Bytes;

use self::dial::{Attempt, NotOpened, Opened};
use self::live::Live;
use crate::core::{End, Loss, Next, Recovery, Retry, Waits};
use crate::{Session, random};

/// Which socket of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// Messages.
    Chat,
    /// Who is there.
    Presence,
}

/// How a connection reaches the user's shard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Route {
    /// Straight, at the address that the server names.
    #[default]
    Shard,
    /// Through the api role.
    Api,
}

/// What happens to a link.
#[derive(Debug)]
pub(crate) enum LinkEvent {
    /// It is connected, also anew to another shard without having been lost in between: what was sent may not have arrived.
    Up(Welcome),
    /// A frame came.
    Frame(Utf8Bytes),
    /// It is lost; another attempt is under way.
    Down(Loss),
    /// It is lost for good.
    End(End),
}

/// A socket that comes back.
pub(crate) struct Link {
    session: Session,
    endpoint: Endpoint,
    route: Route,
    recovery: Recovery,
    state: State,
    /// Where a `reconnect` frame has sent this client.
    told: Option<String>,
    /// The token that was used last.
    token: Option<Secret>,
    /// A socket elsewhere that is to replace the one that still delivers.
    replacement: Option<Opening>,
}

enum State {
    Opening(Opening),
    Open(Box<Live>),
    Ended(End),
}

/// What a link was waiting for.
enum Happened {
    Frame(Utf8Bytes),
    Opened(Box<Opened>),
    NotOpened(NotOpened),
    Lost(Loss, Duration),
    Ended(End),
}

type Opening = BoxFuture<'static, Result<Opened, NotOpened>>;

impl Endpoint {
    /// Gives the last segment of its path.
    fn path(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Presence => "presence",
        }
    }
}

impl Link {
    pub(crate) fn new(session: Session, endpoint: Endpoint, route: Route, waits: Waits) -> Self {
        let mut link = Self {
            session,
            endpoint,
            route,
            recovery: Recovery::new(waits),
            state: State::Ended(End::Closed),
            told: None,
            token: None,
            replacement: None,
        };
        link.state = State::Opening(link.attempt(Retry::default()));
        link
    }

    /// Waits for the next thing that happens. Nothing is lost if it is dropped while it waits.
    pub(crate) async fn next(&mut self) -> LinkEvent {
        match poll_fn(|context| self.poll(context)).await {
            Happened::Frame(frame) => LinkEvent::Frame(frame),
            Happened::Opened(opened) => self.opened(*opened),
            Happened::NotOpened(NotOpened { loss, token }) => {
                self.token = token;
                self.lost(loss, None)
            }
            Happened::Lost(loss, lasted) => self.lost(loss, Some(lasted)),
            Happened::Ended(end) => LinkEvent::End(end),
        }
    }

    /// Says whether frames can be queued.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.state, State::Open(_))
    }

    /// Gives how many frames wait to be written.
    pub(crate) fn waiting(&self) -> usize {
        match &self.state {
            State::Open(live) => live.waiting(),
            State::Opening(_) | State::Ended(_) => 0,
        }
    }

    /// Queues a frame; without a connection it is dropped.
    pub(crate) fn queue(&mut self, frame: Utf8Bytes) {
        if let State::Open(live) = &mut self.state {
            live.queue(frame);
        }
    }

    /// Obeys a `reconnect` frame: opens the new socket when the time has come, and leaves the old one then.
    pub(crate) fn go(&mut self, order: Reconnect) {
        // Without an address it is where the client logged in.
        self.told = order.url.or_else(|| self.session.http().socket_url(self.endpoint.path()).ok());
        let after = Duration::from_millis(order.after_ms);
        self.replacement = Some(self.attempt(Retry { after, ..Retry::default() }));
    }

    /// Drops the connection without a word, as a network does, and makes another.
    pub(crate) fn break_off(&mut self) -> Option<LinkEvent> {
        let State::Open(live) = &self.state else { return None };
        let lasted = live.lasted();
        Some(self.lost(Loss::Dropped, Some(lasted)))
    }

    /// Closes the connection for good.
    pub(crate) async fn close(&mut self) {
        self.replacement = None;
        if let State::Open(live) = std::mem::replace(&mut self.state, State::Ended(End::Closed)) {
            live.close().await;
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Happened> {
        match &mut self.state {
            State::Opening(opening) => match ready!(opening.as_mut().poll(context)) {
                Ok(opened) => Poll::Ready(Happened::Opened(Box::new(opened))),
                Err(failure) => Poll::Ready(Happened::NotOpened(failure)),
            },
            State::Open(live) => {
                if let Some(opening) = &mut self.replacement
                    && let Poll::Ready(opened) = opening.as_mut().poll(context)
                {
                    self.replacement = None;
                    // Without a replacement the one that still delivers is served until it closes.
                    if let Ok(opened) = opened {
                        return Poll::Ready(Happened::Opened(Box::new(opened)));
                    }
                }
                match ready!(live.poll(context)) {
                    Ok(frame) => Poll::Ready(Happened::Frame(frame)),
                    Err(loss) => Poll::Ready(Happened::Lost(loss, live.lasted())),
                }
            }
            State::Ended(end) => Poll::Ready(Happened::Ended(*end)),
        }
    }

    fn attempt(&self, retry: Retry) -> Opening {
        let attempt = Attempt {
            session: self.session.clone(),
            endpoint: self.endpoint,
            route: self.route,
            told: self.told.clone(),
            last_token: self.token.clone(),
            retry,
        };
        attempt.open().boxed()
    }

    fn opened(&mut self, opened: Opened) -> LinkEvent {
        self.token = Some(opened.token);
        self.replacement = None;
        // What an old socket had not delivered is brought by a resume.
        if let State::Open(old) = std::mem::replace(&mut self.state, State::Open(Box::new(opened.live))) {
            old.leave();
        }
        LinkEvent::Up(opened.welcome)
    }

    fn lost(&mut self, loss: Loss, lasted: Option<Duration>) -> LinkEvent {
        self.replacement = None;
        match self.recovery.lost(&loss, lasted, random::bits()) {
            Next::Retry(retry) => {
                if retry.ask_servers {
                    self.told = None;
                }
                self.state = State::Opening(self.attempt(retry));
                LinkEvent::Down(loss)
            }
            Next::End(end) => {
                self.state = State::Ended(end);
                LinkEvent::End(end)
            }
        }
    }
}
