//! The scripted server: a few HTTP calls that answer by themselves, and sockets that do what the test says.

use std::sync::{Arc, Mutex};

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use client::{ChatEvent, ChatOptions, Http, Session, Waits};
use futures_util::{SinkExt, StreamExt};
use protocol::ConversationId;
use protocol::account::{LogIn, Secret};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::accept_hdr_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

/// The conversation that the tests talk in.
pub(crate) const HOME: ConversationId = ConversationId([7; 16]);

/// A server on loopback.
pub(crate) struct Server {
    address: String,
    listener: TcpListener,
    pub(crate) api: Arc<Api>,
}

/// What the HTTP calls remember.
#[derive(Default)]
pub(crate) struct Api {
    /// How often a token was given out.
    pub(crate) tokens: Mutex<u64>,
    /// For how many seconds tokens hold.
    pub(crate) expires_in: Mutex<u64>,
    /// How many refreshes are answered with 503 first.
    pub(crate) unavailable: Mutex<u64>,
    /// The idempotency keys of the refreshes.
    pub(crate) keys: Mutex<Vec<String>>,
    /// Where the user belongs.
    pub(crate) chat_url: Mutex<String>,
    /// How often that was asked.
    pub(crate) asked: Mutex<u64>,
}

/// One socket, seen from the server.
pub(crate) struct Peer {
    socket: WebSocketStream<TcpStream>,
    /// What came as `Authorization`.
    pub(crate) authorization: String,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let api = Arc::new(Api::default());
        *api.expires_in.lock().unwrap() = 900;
        *api.chat_url.lock().unwrap() = format!("ws://{}", listener.local_addr().unwrap());
        let routes = axum::Router::new()
            .route("/api/login", post(log_in))
            .route("/api/token/refresh", post(refresh))
            .route("/api/servers", get(servers))
            .route("/api/profile", get(profile))
            .route("/api/profile/password", axum::routing::put(change_password))
            .with_state(api.clone());
        let http = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", http.local_addr().unwrap());
        tokio_util::task::TaskTracker::new().spawn(async move { axum::serve(http, routes).await.unwrap() });
        Self { address, listener, api }
    }

    pub(crate) async fn log_in(&self) -> Session {
        let http = Http::new(&self.address).unwrap();
        let login =
            LogIn { username: "ada".to_owned(), password: Secret::new("a password of ada"), device: None };
        Session::log_in(&http, &login).await.unwrap()
    }

    /// Accepts the next socket, which is not yet welcome.
    pub(crate) async fn accept(&self) -> Peer {
        let (stream, _) = self.listener.accept().await.unwrap();
        let mut authorization = String::new();
        #[expect(clippy::result_large_err, reason = "the library's own type")]
        let note = |request: &Request, response: Response| {
            request.headers()["authorization"].to_str().unwrap().clone_into(&mut authorization);
            Ok(response)
        };
        let socket = accept_hdr_async(stream, note).await.unwrap();
        Peer { socket, authorization }
    }

    /// Answers the next attempt to open a socket with this status.
    pub(crate) async fn refuse(&self, status: u16) {
        let (stream, _) = self.listener.accept().await.unwrap();
        #[expect(clippy::result_large_err, reason = "the library's own type")]
        let refuse = |_: &Request, _: Response| {
            Err(axum::http::Response::builder().status(status).body(None).unwrap())
        };
        accept_hdr_async(stream, refuse).await.unwrap_err();
    }

    /// Accepts the next socket, welcomes it and reads its resume.
    pub(crate) async fn serve(&self) -> (Peer, Value) {
        let mut peer = self.accept().await;
        peer.welcome().await;
        let resume = peer.expect("resume").await;
        (peer, resume["cursors"].clone())
    }

    /// Gives the address for sockets.
    pub(crate) fn socket_address(&self) -> String {
        format!("ws://{}", self.listener.local_addr().unwrap())
    }
}

impl Peer {
    pub(crate) async fn welcome(&mut self) {
        self.welcome_with_heartbeat(3600).await;
    }

    pub(crate) async fn welcome_with_heartbeat(&mut self, seconds: u64) {
        self.send(json!({
            "type": "welcome", "session": "AAAAAAAAAAAAAAAAAAAAAA", "user": "ada", "shard": "chat-0", "epoch": 3,
            "heartbeat_seconds": seconds, "max_frame_bytes": 2000,
        }))
        .await;
    }

    pub(crate) async fn send(&mut self, frame: Value) {
        self.socket.send(Message::text(frame.to_string())).await.unwrap();
    }

    /// Sends messages with these numbers.
    pub(crate) async fn messages(&mut self, seqs: impl IntoIterator<Item = u64>) {
        for seq in seqs {
            self.send(json!({
                "type": "message", "conversation": HOME, "seq": seq, "gen": 1, "from": "bob", "id": format!("b{seq}"),
                "text": format!("text {seq}"), "sent_at": "2026-01-01T00:00:00.000Z",
            }))
            .await;
        }
    }

    /// Ends a resume: everything up to this number was sent.
    pub(crate) async fn resumed(&mut self, seq: u64) {
        let place = json!({"seq": seq, "gen": u64::from(seq > 0), "recovered": true});
        self.send(json!({"type": "resumed", "conversations": {HOME.to_string(): place}})).await;
    }

    pub(crate) async fn ack(&mut self, id: &Value, seq: u64, duplicate: bool) {
        self.send(json!({
            "type": "ack", "id": id, "conversation": HOME, "seq": seq, "gen": 1, "sent_at": "2026-01-01T00:00:00.000Z",
            "duplicate": duplicate,
        }))
        .await;
    }

    /// Gives the next frame, which must be of this type.
    pub(crate) async fn expect(&mut self, kind: &str) -> Value {
        let frame = self.next().await.unwrap_or_else(|code| panic!("closed with {code:?}"));
        assert_eq!(frame["type"], kind, "{frame}");
        frame
    }

    /// Gives the next frame, or the close code.
    pub(crate) async fn next(&mut self) -> Result<Value, Option<u16>> {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(frame))) => return Err(frame.map(|frame| frame.code.into())),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(None),
            }
        }
    }

    pub(crate) async fn close(mut self, code: u16) {
        let frame = CloseFrame { code: code.into(), reason: "".into() };
        self.socket.send(Message::Close(Some(frame))).await.unwrap();
        while let Some(Ok(_)) = self.socket.next().await {}
    }
}

/// Options that keep no test waiting.
pub(crate) fn options() -> ChatOptions {
    ChatOptions { waits: waits(), gap_patience: std::time::Duration::ZERO, ..ChatOptions::default() }
}

pub(crate) fn waits() -> Waits {
    let moment = std::time::Duration::from_millis(1);
    Waits { first: moment, longest: moment }
}

/// Gives the seqs of the next events of the log; no gap may lie between them.
pub(crate) async fn seqs(events: &mut mpsc::Receiver<ChatEvent>, count: usize) -> Vec<u64> {
    let mut seqs = Vec::new();
    while seqs.len() < count {
        let event = events.recv().await.unwrap();
        assert!(!matches!(event, ChatEvent::Gap(_)), "{event:?}");
        seqs.extend(event.logged().map(|logged| logged.position.seq));
    }
    seqs
}

/// Waits for the event that `pick` takes.
pub(crate) async fn until<E: std::fmt::Debug, T>(
    events: &mut mpsc::Receiver<E>,
    mut pick: impl FnMut(E) -> Option<T>,
) -> T {
    loop {
        let event = events.recv().await.unwrap();
        if let Some(picked) = pick(event) {
            return picked;
        }
    }
}

async fn log_in(State(api): State<Arc<Api>>) -> Json<Value> {
    logged_in(&api)
}

async fn refresh(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> (StatusCode, Json<Value>) {
    let key = headers.get("idempotency-key").unwrap().to_str().unwrap().to_owned();
    api.keys.lock().unwrap().push(key);
    {
        let mut unavailable = api.unavailable.lock().unwrap();
        if *unavailable > 0 {
            *unavailable -= 1;
            return problem(StatusCode::SERVICE_UNAVAILABLE, "unavailable");
        }
    }
    if body["refresh_token"] != format!("refresh-{}", api.tokens.lock().unwrap()) {
        return problem(StatusCode::UNAUTHORIZED, "invalid_refresh_token");
    }
    (StatusCode::OK, logged_in(&api))
}

async fn servers(State(api): State<Arc<Api>>) -> Json<Value> {
    *api.asked.lock().unwrap() += 1;
    Json(places(&api))
}

async fn profile(State(api): State<Arc<Api>>, headers: HeaderMap) -> (StatusCode, Json<Value>) {
    let expected = format!("Bearer token-{}", api.tokens.lock().unwrap());
    if headers["authorization"] != expected {
        return problem(StatusCode::UNAUTHORIZED, "unauthenticated");
    }
    (StatusCode::OK, Json(user()))
}

async fn change_password() -> (StatusCode, Json<Value>) {
    problem(StatusCode::UNAUTHORIZED, "invalid_credentials")
}

fn problem(status: StatusCode, code: &str) -> (StatusCode, Json<Value>) {
    (status, Json(json!({"type": "about:blank", "title": code, "status": status.as_u16(), "code": code})))
}

fn logged_in(api: &Api) -> Json<Value> {
    let mut tokens = api.tokens.lock().unwrap();
    *tokens += 1;
    Json(json!({
        "token": format!("token-{tokens}"), "token_type": "Bearer", "expires_in": *api.expires_in.lock().unwrap(),
        "refresh_token": format!("refresh-{tokens}"), "user": user(), "servers": places(api),
    }))
}

fn places(api: &Api) -> Value {
    let url = api.chat_url.lock().unwrap().clone();
    json!({
        "epoch": 3, "chat": {"shard": "chat-0", "url": url}, "presence": {"shard": "presence-0", "url": url},
    })
}

fn user() -> Value {
    json!({"username": "ada", "display_name": "Ada", "created_at": "2026-01-01T00:00:00.000Z"})
}
