//! A client of `/presence`: another implementation of WebSocket than the server's.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Response;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use tokio_util::task::TaskTracker;

/// A device; a task reads for it all the time, and so answers pings.
pub(crate) struct Client {
    frames: mpsc::UnboundedReceiver<Message>,
    commands: mpsc::UnboundedSender<Command>,
    pub(crate) response: Response,
}

enum Command {
    Send(Message),
    /// Reads and writes no more, and keeps the connection.
    Silence,
    /// Drops the connection.
    Drop,
}

impl Client {
    /// Opens a connection with a token.
    pub(crate) async fn open(tracker: &TaskTracker, address: &str, token: &str) -> Result<Self, Error> {
        Self::open_with(tracker, address, &[("authorization", &format!("Bearer {token}"))]).await
    }

    /// Opens a connection with these headers.
    pub(crate) async fn open_with(
        tracker: &TaskTracker,
        address: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, Error> {
        let mut request = format!("ws://{address}/presence").into_client_request()?;
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let (socket, response) = connect_async(request).await?;
        let (incoming, frames) = mpsc::unbounded_channel();
        let (commands, orders) = mpsc::unbounded_channel();
        tracker.spawn(run(socket, incoming, orders));
        Ok(Self { frames, commands, response })
    }

    /// Waits for the next frame.
    pub(crate) async fn next(&mut self) -> Value {
        match self.frames.recv().await.expect("the connection is open") {
            Message::Text(text) => serde_json::from_str(&text).unwrap(),
            other => panic!("{other:?} instead of a frame"),
        }
    }

    /// Waits for a snapshot as the next frame, and gives its users.
    pub(crate) async fn snapshot(&mut self) -> Vec<Value> {
        let frame = self.next().await;
        assert_eq!(frame["type"], "snapshot", "{frame}");
        frame["users"].as_array().unwrap().clone()
    }

    /// Waits for a change as the next frame, and gives who is how.
    pub(crate) async fn presence(&mut self) -> (String, String) {
        let frame = self.next().await;
        assert_eq!(frame["type"], "presence", "{frame}");
        let text = |field: &str| frame[field].as_str().unwrap().to_owned();
        (text("user"), text("status"))
    }

    /// Checks that nothing but the answer has come before the answer to a ping.
    pub(crate) async fn hears_nothing(&mut self) {
        self.send(json!({"type": "ping", "id": "p"}));
        assert_eq!(self.next().await, json!({"type": "pong", "id": "p"}));
    }

    /// Waits for the end of the connection, and gives its code.
    pub(crate) async fn close_code(&mut self) -> u16 {
        loop {
            match self.frames.recv().await.expect("a close frame") {
                Message::Close(Some(frame)) => return frame.code.into(),
                Message::Close(None) => panic!("closed without a code"),
                _ => {}
            }
        }
    }

    /// Sends a frame.
    #[expect(clippy::needless_pass_by_value, reason = "a literal is what is given")]
    pub(crate) fn send(&self, frame: Value) {
        self.send_raw(Message::text(frame.to_string()));
    }

    /// Sends whatever it is.
    pub(crate) fn send_raw(&self, message: Message) {
        self.commands.send(Command::Send(message)).unwrap();
    }

    /// Says how to be shown.
    pub(crate) fn choose(&self, status: &str) {
        self.send(json!({"type": "status", "status": status}));
    }

    /// Closes the connection in good order.
    pub(crate) async fn close(mut self) {
        self.send_raw(Message::Close(None));
        while self.frames.recv().await.is_some() {}
    }

    /// Says nothing more, not even to a ping.
    pub(crate) fn fall_silent(&self) {
        self.commands.send(Command::Silence).unwrap();
    }

    /// Ends the connection without a word.
    pub(crate) fn vanish(&self) {
        self.commands.send(Command::Drop).unwrap();
    }
}

async fn run(
    mut socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    incoming: mpsc::UnboundedSender<Message>,
    mut orders: mpsc::UnboundedReceiver<Command>,
) {
    loop {
        tokio::select! {
            message = socket.next() => match message {
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(message)) => {
                    let _ = incoming.send(message);
                }
                Some(Err(_)) | None => return,
            },
            order = orders.recv() => match order {
                Some(Command::Send(message)) => {
                    let _ = socket.send(message).await;
                }
                Some(Command::Silence) => {
                    while orders.recv().await.is_some() {}
                    return;
                }
                Some(Command::Drop) | None => return,
            },
        }
    }
}
