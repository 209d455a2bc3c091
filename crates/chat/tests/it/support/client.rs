//! A client of `/chat`: another implementation of WebSocket than the server's, which checks all that it is given.

use futures_util::{SinkExt, StreamExt};
use protocol::{ConversationId, Username};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::seen::{Seen, kind};

/// A connection, which is read only while a test waits for something.
pub(crate) struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub(crate) name: Username,
    pub(crate) seen: Seen,
}

impl Client {
    /// Opens a socket at `url`, and reads its `welcome`.
    pub(crate) async fn open(url: &str, token: &str, name: &Username) -> Self {
        let mut request = url.into_client_request().unwrap();
        request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        let (socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
        let mut client = Self { socket, name: name.clone(), seen: Seen::default() };
        assert_eq!(kind(&client.next().await), "welcome");
        client
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

    /// Asks for everything, and waits until it has come.
    pub(crate) async fn resume(&mut self) {
        self.send(&json!({"type": "resume", "cursors": {}})).await;
        self.until(|frame| kind(frame) == "resumed").await;
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

    /// Sends a request, and waits for its ack.
    pub(crate) async fn post(&mut self, request: Value) -> Value {
        self.send(&request).await;
        let answer = self.until(|frame| frame["id"] == request["id"] && kind(frame) != "message").await;
        assert_eq!(kind(&answer), "ack", "{answer}");
        answer
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
