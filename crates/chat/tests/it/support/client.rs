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

/// Requests to be acknowledged.
pub(crate) struct Requests {
    at_once: usize,
    waiting: VecDeque<Value>,
    open: BTreeMap<String, Value>,
}

impl Requests {
    /// So many of them are on their way at once.
    pub(crate) fn new(requests: Vec<Value>, at_once: usize) -> Self {
        Self { at_once, waiting: requests.into(), open: BTreeMap::new() }
    }
}

impl Client {
    /// Opens a socket at `url`, and reads its `welcome`.
    pub(crate) async fn open(
        url: &str,
        token: Option<&str>,
        name: &Username,
    ) -> Result<Self, HandshakeFailed> {
        let mut client = Self::open_unread(url, token, name).await?;
        client.welcome().await;
        Ok(client)
    }

    /// Opens a socket at `url`, and reads nothing.
    ///
    /// The kernel keeps little of what is not read, so that it waits where the shard counts it.
    pub(crate) async fn open_unread(
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
        match client_async(request, tcp).await {
            Ok((socket, _)) => {
                Ok(Self { socket, name: name.clone(), welcome: Value::Null, seen: Seen::default() })
            }
            Err(Error::Http(response)) => {
                let retry_after = response.headers().get("retry-after");
                let retry_after = retry_after.map(|value| value.to_str().unwrap().to_owned());
                Err(HandshakeFailed { status: response.status().as_u16(), retry_after })
            }
            Err(error) => panic!("cannot open {url}: {error}"),
        }
    }

    /// Reads the `welcome`, which comes before everything else.
    pub(crate) async fn welcome(&mut self) {
        let welcome = self.next().await;
        assert_eq!(kind(&welcome), "welcome", "the first frame is {welcome}");
        self.welcome = welcome;
    }

    /// Lets live events flow, without a `resume`.
    pub(crate) async fn listen(&mut self) {
        self.ping("listen").await;
    }

    /// Sends a ping and waits for the answer: what the shard had for the client before that is here.
    pub(crate) async fn ping(&mut self, id: &str) {
        self.send(&json!({"type": "ping", "id": id})).await;
        self.until(|frame| kind(frame) == "pong" && frame["id"] == id).await;
    }

    /// Sends a frame.
    pub(crate) async fn send(&mut self, frame: &Value) {
        self.socket.send(Message::text(frame.to_string())).await.unwrap();
    }

    /// Asks for everything after these places, and waits until it has come.
    pub(crate) async fn resume(&mut self, cursors: &[(ConversationId, u64)]) -> Value {
        self.begin_resume(cursors).await;
        self.resumed().await
    }

    /// Asks for everything after these places.
    pub(crate) async fn begin_resume(&mut self, cursors: &[(ConversationId, u64)]) {
        let cursors: BTreeMap<String, u64> =
            cursors.iter().map(|(conversation, seq)| (conversation.to_string(), *seq)).collect();
        self.send(&json!({"type": "resume", "cursors": cursors})).await;
    }

    /// Waits for the answer to a `resume`, and gives where the conversations are.
    pub(crate) async fn resumed(&mut self) -> Value {
        self.until(|frame| kind(frame) == "resumed").await["conversations"].clone()
    }

    /// Waits for the next frame.
    pub(crate) async fn next(&mut self) -> Value {
        match self.frame().await {
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
        self.next_ack(&mut Requests::new(vec![request], 1)).await.unwrap()
    }

    /// Sends requests, so many at once, each again and again while the store is not available, and waits for their acks.
    pub(crate) async fn post_all(&mut self, requests: Vec<Value>, at_once: usize) {
        let mut requests = Requests::new(requests, at_once);
        while self.next_ack(&mut requests).await.is_some() {}
    }

    /// Waits for the next ack of some requests, and sends on meanwhile; nothing when all are acknowledged.
    pub(crate) async fn next_ack(&mut self, requests: &mut Requests) -> Option<Value> {
        loop {
            while requests.open.len() < requests.at_once
                && let Some(request) = requests.waiting.pop_front()
            {
                self.send(&request).await;
                requests.open.insert(request["id"].as_str().unwrap().to_owned(), request);
            }
            if requests.open.is_empty() {
                return None;
            }
            let frame = self.next().await;
            let id = frame["id"].as_str().unwrap_or_default();
            match kind(&frame) {
                "ack" if requests.open.remove(id).is_some() => return Some(frame),
                "error" if frame["code"] == "unavailable" => self.send(&requests.open[id]).await,
                "error" => panic!("{frame}"),
                _ => {}
            }
        }
    }

    /// Waits for the end of the connection, and gives its code.
    pub(crate) async fn close_code(&mut self) -> u16 {
        loop {
            if let Err(code) = self.frame().await {
                return code;
            }
        }
    }

    /// Closes the connection in good order.
    pub(crate) async fn close(mut self) -> Seen {
        self.socket.send(Message::Close(None)).await.unwrap();
        while self.frame().await.is_ok() {}
        self.seen
    }

    /// Gives the next frame, or the code with which the connection was closed.
    pub(crate) async fn frame(&mut self) -> Result<Value, u16> {
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
