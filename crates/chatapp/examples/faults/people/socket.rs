//! A connection of a device: what it sends, and what it makes of what comes.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use protocol::chat::{Ack, Resumed};
use protocol::{ConversationId, Position};
use rand::RngExt;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::device::{Device, Left, Phase, To};

/// An open connection.
pub(super) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// How often the server is asked whether it is there.
const PING_EVERY: Duration = Duration::from_secs(4);
/// After which silence it is not.
const SILENCE: Duration = Duration::from_secs(12);
/// After how long without an answer a message is sent on another connection.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a device knows of the connection that it has.
struct Connection {
    phase: Phase,
    resumed: bool,
    /// When the server was heard of last.
    heard: Instant,
    /// When it is asked next.
    ping: Instant,
    /// When this connection is to be left.
    leave: Option<(Instant, Left)>,
}

/// Opens a connection.
pub(super) async fn open(url: &str, token: &str) -> Result<Socket, Error> {
    let mut request = url.into_client_request()?;
    request.headers_mut().insert("authorization", HeaderValue::try_from(format!("Bearer {token}"))?);
    Ok(tokio_tungstenite::connect_async(request).await?.0)
}

impl Device {
    /// Resumes, then talks and listens as long as the connection lasts.
    pub(super) async fn converse(&mut self, mut socket: Socket) -> Left {
        let resume = json!({ "type": "resume", "cursors": self.knowledge.connect() });
        if socket.send(Message::text(resume.to_string())).await.is_err() {
            return Left::Cut;
        }
        if let Some(open) = &mut self.open {
            // Under way nowhere: to be sent once the resume is over.
            open.due = Some(Instant::now());
        }
        let now = Instant::now();
        let mut phases = self.phase.clone();
        let phase = phases.borrow_and_update().clone();
        let mut here = Connection { phase, resumed: false, heard: now, ping: now + PING_EVERY, leave: None };
        if self.habits.leaves {
            here.leave =
                Some((now + Duration::from_millis(self.dice.random_range(8_000..40_000)), Left::Away));
        }
        loop {
            let now = Instant::now();
            if let Some(left) = self.is_left(&here, now) {
                let _ = socket.close(None).await;
                return left;
            }
            if self.say(&mut here, now, &mut socket).await.is_err() {
                return Left::Cut;
            }
            let wake = self.wake(&here);
            let message = tokio::select! {
                message = socket.next() => message,
                changed = phases.changed() => {
                    if changed.is_err() {
                        return Left::Done;
                    }
                    here.phase = phases.borrow_and_update().clone();
                    if matches!(here.phase, Phase::ComeBack(_) | Phase::GiveUp) {
                        return Left::Anew;
                    }
                    continue;
                }
                () = sleep_until(wake) => continue,
            };
            match message {
                Some(Ok(Message::Text(text))) => {
                    here.heard = Instant::now();
                    if let Ok(frame) = serde_json::from_str(&text) {
                        self.hear(&frame, &mut here).await;
                    }
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Left::Cut,
                Some(Ok(_)) => here.heard = Instant::now(),
            }
        }
    }

    /// Says whether and why the connection is to be left now.
    fn is_left(&self, here: &Connection, now: Instant) -> Option<Left> {
        if let Phase::ComeBack(ends) = &here.phase {
            let mut mine = ends.get(&self.user).into_iter().flatten();
            if here.resumed && mine.all(|(id, seq)| self.knowledge.reaches(*id, *seq)) {
                return Some(Left::Done);
            }
        }
        match &here.leave {
            Some((at, Left::Away)) if now >= *at && self.open.is_none() => return Some(Left::Away),
            Some((at, Left::Cut)) if now >= *at => return Some(Left::Cut),
            _ => {}
        }
        let open = self.open.as_ref().filter(|open| open.due.is_none());
        let unanswered = open.is_some_and(|open| now > open.tried + PATIENCE);
        (unanswered || now > here.heard + SILENCE).then_some(Left::Cut)
    }

    /// Sends what is due.
    async fn say(&mut self, here: &mut Connection, now: Instant, socket: &mut Socket) -> Result<(), Error> {
        if now >= here.ping {
            here.ping = now + PING_EVERY;
            socket.send(Message::text(r#"{"type":"ping"}"#)).await?;
        }
        if !here.resumed {
            return Ok(());
        }
        let talks = matches!(here.phase, Phase::Talk) && !self.habits.to.is_empty();
        let leaves = matches!(&here.leave, Some((at, _)) if now >= *at);
        if self.open.is_none() && talks && !leaves && now >= self.next {
            self.speak(now);
        }
        let Some(open) = self.open.as_mut().filter(|open| open.due.is_some_and(|due| now >= due)) else {
            return Ok(());
        };
        (open.due, open.tried) = (None, now);
        let mut frame = json!({ "type": "send", "id": open.id, "text": format!("hello from {}", open.id) });
        match &open.to {
            To::User(user) => frame["to"] = json!(user),
            To::Conversation(id) => frame["conversation"] = json!(id),
        }
        socket.send(Message::text(frame.to_string())).await
    }

    /// Gives when something is to be done next.
    fn wake(&self, here: &Connection) -> Instant {
        let mut wake = here.ping.min(here.heard + SILENCE + Duration::from_millis(1));
        if here.resumed {
            match &self.open {
                Some(open) => wake = open.due.map_or(wake, |due| wake.min(due)),
                None if matches!(here.phase, Phase::Talk) && !self.habits.to.is_empty() => {
                    wake = wake.min(self.next);
                }
                None => {}
            }
        }
        match &here.leave {
            Some((at, _)) if *at > Instant::now() => wake.min(*at),
            _ => wake.max(Instant::now() + Duration::from_millis(1)),
        }
    }

    /// Takes a frame.
    async fn hear(&mut self, frame: &Value, here: &mut Connection) {
        match frame["type"].as_str().unwrap_or_default() {
            "message" => {
                let place = (read(&frame["conversation"]), read(frame), frame["id"].as_str());
                if let (Some(id), Some(position), Some(message)) = place {
                    let open = self.open_in(id);
                    self.knowledge.shown(id, position, message, open);
                }
            }
            "ack" => {
                let Some(ack) = read::<Ack>(frame) else { return };
                let position = Position { r#gen: ack.r#gen, seq: ack.seq };
                self.knowledge.acked(ack.conversation, position, ack.id.as_str());
                if self.open.as_ref().is_some_and(|open| open.id == ack.id.as_str()) {
                    self.close(Ok((ack.conversation, position)));
                }
            }
            "resumed" => {
                let answers = frame["conversations"].as_object().into_iter().flatten();
                for (id, answer) in answers {
                    let answer = (read(&json!(id)), read::<Resumed>(answer));
                    let (Some(id), Some(answer)) = answer else { continue };
                    self.take_resumed(id, &answer).await;
                }
                here.resumed = true;
                // Paging may have taken a while.
                here.heard = Instant::now();
            }
            "reconnect" => {
                let after = Duration::from_millis(frame["after_ms"].as_u64().unwrap_or(0));
                here.leave = Some((Instant::now() + after, Left::Cut));
            }
            "error" => self.refused(frame),
            _ => {}
        }
    }

    async fn take_resumed(&mut self, id: ConversationId, answer: &Resumed) {
        let open = self.open_in(id);
        if self.knowledge.resumed(id, answer, open) {
            let messages = self.history(id, answer.seq).await;
            self.knowledge.paged(id, &messages);
        }
    }

    fn refused(&mut self, frame: &Value) {
        let Some(open) = &mut self.open else { return };
        if frame["id"].as_str() != Some(&open.id) {
            return;
        }
        match frame["retry_after_ms"].as_u64() {
            Some(after) => open.due = Some(Instant::now() + Duration::from_millis(after.max(10))),
            None => self.close(Err(frame["code"].as_str().unwrap_or("no code").to_owned())),
        }
    }
}

fn read<T: serde::de::DeserializeOwned>(value: &Value) -> Option<T> {
    serde_json::from_value(value.clone()).ok()
}
