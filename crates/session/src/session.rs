//! Turning a client's frames into things to do.

use protocol::chat::{
    ClientFrame, Delete, Edit, ErrorFrame, History, React, Read, Resume, Send, ServerFrame, Typing,
};
use protocol::parse::FrameError;
use protocol::{ClientId, CloseCode, ConversationId, ErrorCode};

use crate::limiter::{Limiter, Rate};

/// How many frames in a row may be refused for their rate before the connection closes.
const MAX_STRIKES: u32 = 200;
/// In how many conversations a connection may be typing at once.
const MAX_TYPING: usize = 16;

/// What a connection may do, and how it is watched.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Frames of any kind.
    pub frames: Rate,
    /// A ping is sent after this silence of the client, in milliseconds.
    pub heartbeat_ms: u64,
    /// The connection is dead after this silence, in milliseconds.
    pub dead_after_ms: u64,
    /// How long the first frame is waited for before live events flow, in milliseconds.
    pub resume_wait_ms: u64,
}

/// Something to do for a client.
#[derive(Debug)]
pub enum Effect {
    /// Append a message.
    Send(Send),
    /// Append an edit.
    Edit(Edit),
    /// Append a deletion.
    Delete(Delete),
    /// Append a reaction.
    React(React),
    /// Send what was missed.
    Resume(Resume),
    /// Send a page.
    History(History),
    /// Move the read mark.
    Read(Read),
    /// Tell the others.
    Typing(Typing),
    /// Answer at once.
    Answer(ServerFrame),
    /// Close.
    Close(CloseCode, &'static str),
}

/// What time brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tick {
    /// Nothing before this many milliseconds have passed.
    Nothing(u64),
    /// Live events flow from now on.
    Open,
    /// The client is to be pinged.
    Ping,
    /// The client is dead.
    Dead,
}

/// One connection's conduct.
#[derive(Debug)]
pub struct Session {
    limits: Limits,
    limiter: Limiter,
    strikes: u32,
    opened_at: u64,
    heard_at: u64,
    pinged: bool,
    open: bool,
    typing: Vec<ConversationId>,
}

impl Session {
    /// Starts at `now_ms`, a time that only grows.
    pub fn new(limits: Limits, now_ms: u64) -> Self {
        Self {
            limits,
            limiter: Limiter::default(),
            strikes: 0,
            opened_at: now_ms,
            heard_at: now_ms,
            pinged: false,
            open: false,
            typing: Vec::new(),
        }
    }

    /// Takes note that something came from the client, be it a pong.
    pub fn heard(&mut self, now_ms: u64) {
        self.heard_at = now_ms;
        self.pinged = false;
    }

    /// Takes note that live events flow.
    pub fn opened(&mut self) {
        self.open = true;
    }

    /// Takes a text frame.
    pub fn receive(&mut self, text: &str, now_ms: u64) -> Effect {
        self.heard(now_ms);
        if let Err(wait) = self.limiter.admit(self.limits.frames, now_ms) {
            return self.too_fast(text, wait);
        }
        self.strikes = 0;
        match ClientFrame::parse(text) {
            Ok(frame) => self.accept(frame),
            Err(error) if error.code == ErrorCode::Malformed => {
                Effect::Close(CloseCode::Malformed, "not a frame")
            }
            Err(error) => Effect::Answer(refusal(error, None)),
        }
    }

    /// Says what is due at `now_ms`.
    pub fn tick(&mut self, now_ms: u64) -> Tick {
        if !self.open && now_ms >= self.opened_at + self.limits.resume_wait_ms {
            self.open = true;
            return Tick::Open;
        }
        let silence = now_ms.saturating_sub(self.heard_at);
        if silence >= self.limits.dead_after_ms {
            return Tick::Dead;
        }
        if !self.pinged && silence >= self.limits.heartbeat_ms {
            self.pinged = true;
            return Tick::Ping;
        }
        let due = if self.pinged { self.limits.dead_after_ms } else { self.limits.heartbeat_ms } - silence;
        let opens = self.opened_at.saturating_add(self.limits.resume_wait_ms).saturating_sub(now_ms);
        Tick::Nothing(if self.open { due } else { due.min(opens) })
    }

    /// Gives the conversations in which the client was typing when it went: the others must not see it typing for ever.
    pub fn end(&mut self) -> Vec<ConversationId> {
        std::mem::take(&mut self.typing)
    }

    fn accept(&mut self, frame: ClientFrame) -> Effect {
        match frame {
            ClientFrame::Send(send) => {
                self.typing.retain(|conversation| Some(*conversation) != send.conversation);
                Effect::Send(send)
            }
            ClientFrame::Edit(edit) => Effect::Edit(edit),
            ClientFrame::Delete(delete) => Effect::Delete(delete),
            ClientFrame::React(react) => Effect::React(react),
            ClientFrame::Resume(resume) => Effect::Resume(resume),
            ClientFrame::History(history) => Effect::History(history),
            ClientFrame::Read(read) => Effect::Read(read),
            ClientFrame::Typing(typing) => {
                self.typing.retain(|conversation| *conversation != typing.conversation);
                if typing.active {
                    // What is not remembered could not be ended with the connection.
                    if self.typing.len() == MAX_TYPING {
                        let detail = "typing in too many conversations".to_owned();
                        return Effect::Answer(refusal(
                            FrameError { code: ErrorCode::LimitReached, detail, id: None },
                            None,
                        ));
                    }
                    self.typing.push(typing.conversation);
                }
                Effect::Typing(typing)
            }
            ClientFrame::Ping(ping) => Effect::Answer(ServerFrame::Pong { id: ping.id }),
        }
    }

    fn too_fast(&mut self, text: &str, wait_ms: u64) -> Effect {
        self.strikes += 1;
        if self.strikes > MAX_STRIKES {
            return Effect::Close(CloseCode::TooFast, "too many frames");
        }
        let id: Option<ClientId> = protocol::parse::head(text).ok().and_then(|(_, id)| id);
        let error = FrameError { code: ErrorCode::RateLimited, detail: "too many frames".to_owned(), id };
        Effect::Answer(refusal(error, Some(wait_ms)))
    }
}

fn refusal(error: FrameError, retry_after_ms: Option<u64>) -> ServerFrame {
    ServerFrame::Error(ErrorFrame { id: error.id, code: error.code, detail: error.detail, retry_after_ms })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        frames: Rate { per_second: 10, burst: 20 },
        heartbeat_ms: 25_000,
        dead_after_ms: 45_000,
        resume_wait_ms: 250,
    };

    #[test]
    fn a_flood_is_refused_and_then_closed() {
        let mut session = Session::new(LIMITS, 0);
        let (mut answered, mut refused) = (0, 0);
        for _ in 0..1000 {
            match session.receive(r#"{"type":"ping","id":"p"}"#, 0) {
                Effect::Answer(ServerFrame::Pong { .. }) => answered += 1,
                Effect::Answer(ServerFrame::Error(error)) => {
                    assert_eq!(
                        (error.code, error.id, error.retry_after_ms),
                        (ErrorCode::RateLimited, ClientId::new("p").ok(), Some(100))
                    );
                    refused += 1;
                }
                Effect::Close(CloseCode::TooFast, _) => break,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!((answered, refused), (20, MAX_STRIKES));
    }

    #[test]
    fn what_is_not_a_frame_closes_and_a_wrong_field_does_not() {
        let mut session = Session::new(LIMITS, 0);
        assert!(matches!(session.receive("{", 0), Effect::Close(CloseCode::Malformed, _)));
        assert!(matches!(session.receive(r#"{"type":"send"}"#, 0), Effect::Answer(ServerFrame::Error(_))));
    }

    #[test]
    fn silence_is_pinged_and_then_dead() {
        let mut session = Session::new(LIMITS, 0);
        assert_eq!(session.tick(0), Tick::Nothing(250));
        assert_eq!(session.tick(250), Tick::Open);
        assert_eq!(session.tick(250), Tick::Nothing(24_750));
        assert_eq!(session.tick(25_000), Tick::Ping);
        assert_eq!(session.tick(25_000), Tick::Nothing(20_000));
        session.heard(30_000);
        assert_eq!(session.tick(45_000), Tick::Nothing(10_000));
        assert_eq!(session.tick(55_000), Tick::Ping);
        assert_eq!(session.tick(75_000), Tick::Dead);
    }

    #[test]
    fn whoever_goes_while_typing_stops_typing() {
        let mut session = Session::new(LIMITS, 0);
        let conversation = ConversationId([3; 16]);
        let frame =
            |active| format!(r#"{{"type":"typing","conversation":"{conversation}","active":{active}}}"#);
        session.receive(&frame(true), 0);
        session.receive(&frame(true), 0);
        assert_eq!(session.end(), [conversation]);
        session.receive(&frame(true), 0);
        session.receive(&frame(false), 0);
        assert!(session.end().is_empty());
    }

    #[test]
    fn every_typing_that_was_told_is_ended() {
        let mut session = Session::new(LIMITS, 0);
        let mut told = Vec::new();
        for number in 0..20 {
            let conversation = ConversationId([number; 16]);
            let frame = format!(r#"{{"type":"typing","conversation":"{conversation}","active":true}}"#);
            if let Effect::Typing(_) = session.receive(&frame, 0) {
                told.push(conversation);
            }
        }
        assert_eq!((told.len(), session.end()), (MAX_TYPING, told));
    }
}
