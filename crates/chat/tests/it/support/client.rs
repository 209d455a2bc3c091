//! A client of `/chat`: another implementation of WebSocket than the server's, which checks all that it is given.

use std::collections::{BTreeMap, VecDeque};

use futures_util::{SinkExt, StreamExt};
use protocol::{ConversationId, Username};
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::seen::{Seen, kind};

/// A connection, which is read only while a test waits for something.
pub(crate) struct Client {
    socket: WebSocketStream<TcpStream>,
    pub(crate) name: Username,
    pub(crate) welcome: Value,
    pub(crate) seen: Seen,
}

/// An answer to a handshake that opens nothing.
#[derive(Debug)]
pub(crate) struct HandshakeFailed {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<String>,
}

impl Client {
    /// Opens a socket at `url`, and reads its `welcome`.
    ///
    /// The kernel keeps little of what is not read, so that it waits where the shard counts it.
    pub(crate) async fn open(
        url: &str,
        token: Option<&str>,
        name: &Username,
    ) -> Result<Self, HandshakeFailed> {
        let mut request = url.into_client_request().unwrap();
        if let Some(token) = token {
            request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        }
        let tcp = TcpSocket::new_v4().unwrap();
        tcp.set_recv_buffer_size(16 * 1024).unwrap();
        let tcp = tcp.connect(request.uri().authority().unwrap().as_str().parse().unwrap()).await.unwrap();
        let socket = match client_async(request, tcp).await {
            Ok((socket, _)) => socket,
            Err(Error::Http(response)) => {
                let retry_after = response.headers().get("retry-after");
                let retry_after = retry_after.map(|value| value.to_str().unwrap().to_owned());
                return Err(HandshakeFailed { status: response.status().as_u16(), retry_after });
            }
            Err(error) => panic!("cannot open {url}: {error}"),
        };
        let mut client =
            Self { socket, name: name.clone(), welcome: Value::Null, seen: Seen::default() };
        let welcome = client.next().await;
        assert_eq!(kind(&welcome), "welcome", "the first frame is {welcome}");
        client.welcome = welcome;
        Ok(client)
    }

    /// Lets live events flow, without a `resume`.
    pub(crate) async fn listen(&mut self) {
        self.ping("listen").await;
    }

    /// Sends a ping and waits for the answer: all that was sent before is answered or on its way.
    pub(crate) async fn ping(&mut self, id: &str) {
        self.send(&json!({"type": "ping", "id": id})).await;
        self.until(|frame| kind(frame) == "pong" && frame["id"] == id).await;
    }

    /// Sends a frame.
    pub(crate) async fn send(&mut self, frame: &Value) {
        self.socket.send(Message::text(frame.to_string())).await.unwrap();
    }

    /// Asks for everything after these places.
    pub(crate) async fn resume(&mut self, cursors: &[(ConversationId, u64)]) {
        let cursors: BTreeMap<String, u64> =
            cursors.iter().map(|(conversation, seq)| (conversation.to_string(), *seq)).collect();
        self.send(&json!({"type": "resume", "cursors": cursors})).await;
    }

    /// Waits for the answer to a `resume`.
    pub(crate) async fn resumed(&mut self) -> Value {
        self.until(|frame| kind(frame) == "resumed").await
    }

    /// Waits for the next frame.
    pub(crate) async fn next(&mut self) -> Value {
        match self.message().await {
            Ok(frame) => frame,
            Err(code) => panic!("{}'s connection was closed with {code}", self.name),
        }
    }

    /// Waits for a frame.
    pub(crate) async fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let frame = self.next().await;
            if wanted(&frame) {
                return frame;
            }
        }
    }

    /// Waits until what was seen is as wanted.
    pub(crate) async fn when<T>(&mut self, wanted: impl Fn(&Seen) -> Option<T>) -> T {
        loop {
            if let Some(found) = wanted(&self.seen) {
                return found;
            }
            self.next().await;
        }
    }

    /// Waits for an event.
    pub(crate) async fn event(&mut self, conversation: ConversationId, seq: u64) -> Value {
        self.when(|seen| seen.event(conversation, seq).cloned()).await
    }

    /// Waits until all numbers after `from` up to `end` are known, from events and from acks.
    pub(crate) async fn whole(&mut self, conversation: ConversationId, from: u64, end: u64) {
        self.when(|seen| (seen.whole_from(conversation, from) >= end).then_some(())).await;
    }

    /// Waits for a version of a conversation that is as wanted.
    pub(crate) async fn conversation(
        &mut self,
        conversation: ConversationId,
        wanted: impl Fn(&Value) -> bool,
    ) -> Value {
        self.when(|seen| seen.conversations.get(&conversation).filter(|shown| wanted(shown)).cloned()).await
    }

    /// Sends a message, and waits for its ack.
    pub(crate) async fn say(&mut self, conversation: ConversationId, id: &str) -> Value {
        self.post(message(conversation, id)).await
    }

    /// Sends a request, again and again while the store is not available, and waits for its ack.
    pub(crate) async fn post(&mut self, request: Value) -> Value {
        let id = request["id"].as_str().unwrap().to_owned();
        let mut ack = Value::Null;
        self.post_all(vec![request], 1, async |answer| ack = answer.clone()).await;
        assert_eq!(ack["id"], id);
        ack
    }

    /// Sends requests, so many at once, each again and again while the store is not available, and waits for their acks.
    pub(crate) async fn post_all(
        &mut self,
        requests: Vec<Value>,
        at_once: usize,
        mut acked: impl AsyncFnMut(&Value),
    ) {
        let mut waiting = VecDeque::from(requests);
        let mut open: BTreeMap<String, Value> = BTreeMap::new();
        while !waiting.is_empty() || !open.is_empty() {
            while open.len() < at_once
                && let Some(request) = waiting.pop_front()
            {
                self.send(&request).await;
                open.insert(request["id"].as_str().unwrap().to_owned(), request);
            }
            let frame = self.next().await;
            let id = frame["id"].as_str().unwrap_or_default();
            match kind(&frame) {
                "ack" => {
                    open.remove(id);
                    acked(&frame).await;
                }
                "error" if frame["code"] == "unavailable" => {
                    let again = open[id].clone();
                    self.send(&again).await;
                }
                "error" => panic!("{frame}"),
                _ => {}
            }
        }
    }

    /// Waits for the end of the connection, and gives its code.
    pub(crate) async fn close_code(&mut self) -> u16 {
        loop {
            if let Err(code) = self.message().await {
                return code;
            }
        }
    }

    /// Closes the connection in good order.
    pub(crate) async fn close(mut self) -> Seen {
        self.socket.send(Message::Close(None)).await.unwrap();
        while self.message().await.is_ok() {}
        self.seen
    }

    /// Gives the next frame, or the code with which the connection was closed.
    async fn message(&mut self) -> Result<Value, u16> {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => {
                    let frame = serde_json::from_str(&text).unwrap();
                    self.seen.note(&frame);
                    return Ok(frame);
                }
                Some(Ok(Message::Close(Some(close)))) => return Err(close.code.into()),
                Some(Ok(Message::Close(None))) => return Err(1005),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(1006),
            }
        }
    }
}

/// Makes a message whose text is its id.
pub(crate) fn message(conversation: ConversationId, id: &str) -> Value {
    json!({"type": "send", "id": id, "conversation": conversation, "text": id})
}
