//! A socket that comes back: it reconnects, renews its token, and goes where the server sends it.

mod dial;
mod live;

use std::future::pending;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Either, select};
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
        match &mut self.state {
            State::Opening(opening) => match opening.await {
                Ok(opened) => self.opened(opened),
                Err(NotOpened { loss, token }) => {
                    self.token = token;
                    self.lost(loss, None)
                }
            },
            State::Open(live) => {
                let replacement = match &mut self.replacement {
                    Some(opening) => opening.as_mut().left_future(),
                    None => pending().right_future(),
                };
                match select(Box::pin(live.next()), replacement).await {
                    Either::Left((Ok(frame), _)) => return LinkEvent::Frame(frame),
                    Either::Left((Err(loss), _)) => {
                        let lasted = live.lasted();
                        self.lost(loss, Some(lasted))
                    }
                    Either::Right((Ok(opened), _)) => self.opened(opened),
                    Either::Right((Err(_), _)) => {
                        // The one that still delivers is served until it closes.
                        self.replacement = None;
                        Box::pin(self.next()).await
                    }
                }
            }
            State::Ended(end) => LinkEvent::End(*end),
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
        let after = std::time::Duration::from_millis(order.after_ms);
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
        // The old socket, if there was one, is dropped: what it had not delivered is brought by a resume.
        self.state = State::Open(Box::new(opened.live));
        LinkEvent::Up(opened.welcome)
    }

    fn lost(&mut self, loss: Loss, lasted: Option<std::time::Duration>) -> LinkEvent {
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
