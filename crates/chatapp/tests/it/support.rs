//! A cluster to test, people who use it, and their sockets.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chatapp::cluster::Cluster;
use chatapp::configuration::Configuration;
use futures_util::{SinkExt, StreamExt};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::{Notify, mpsc};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};

pub(crate) const PASSWORD: &str = "correct-horse-battery-9";

/// A cluster on free ports and a fresh folder.
pub(crate) struct World {
    pub(crate) cluster: Cluster,
    pub(crate) http: reqwest::Client,
    _folder: tempfile::TempDir,
}

/// Somebody who has signed up and logged in.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) token: String,
    pub(crate) refresh: String,
    pub(crate) chat_shard: String,
    pub(crate) chat_url: String,
    base: String,
    http: reqwest::Client,
}

/// A socket and everything that it received.
pub(crate) struct Socket {
    seen: Arc<Seen>,
    sender: mpsc::UnboundedSender<Message>,
}

#[derive(Default)]
struct Seen {
    frames: Mutex<Vec<Value>>,
    closed: Mutex<Option<u16>>,
    news: Notify,
}

/// A configuration for tests: free ports, nothing kept, quick ends.
pub(crate) fn configuration(folder: &std::path::Path) -> Configuration {
    Configuration {
        public_address: ([127, 0, 0, 1], 0).into(),
        operator_address: ([127, 0, 0, 1], 0).into(),
        data_directory: folder.join("data"),
        drain_seconds: 1,
        ..Configuration::default()
    }
}

/// Gives a name that nobody has yet.
pub(crate) fn unique(prefix: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("{prefix}-{:03}", COUNT.fetch_add(1, Ordering::Relaxed))
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut Configuration)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut configuration = configuration(folder.path());
        change(&mut configuration);
        let cluster = Cluster::start(configuration).await.unwrap();
        Self { cluster, http: reqwest::Client::new(), _folder: folder }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.cluster.public_address())
    }

    pub(crate) fn chat_url(&self) -> String {
        format!("ws://{}/chat", self.cluster.public_address())
    }

    pub(crate) async fn person(&self, prefix: &str) -> Person {
        Person::sign_up(&self.url(""), &self.http, &unique(prefix)).await
    }

    /// Gives people who live on different chat shards.
    pub(crate) async fn strangers(&self, count: usize) -> Vec<Person> {
        let mut by_shard = BTreeMap::new();
        while by_shard.len() < count {
            let person = self.person("u").await;
            by_shard.entry(person.chat_shard.clone()).or_insert(person);
        }
        by_shard.into_values().collect()
    }

    pub(crate) async fn chat(&self, person: &Person) -> Socket {
        Socket::open(&self.chat_url(), &person.token).await
    }

    pub(crate) async fn presence(&self, person: &Person) -> Socket {
        Socket::open(&self.chat_url().replace("/chat", "/presence"), &person.token).await
    }

    /// Gives what the operators' port shows.
    pub(crate) async fn operator(&self, path: &str) -> (u16, String) {
        let url = format!("http://{}{path}", self.cluster.operator_address());
        let response = self.http.get(url).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }
}

impl Person {
    pub(crate) async fn sign_up(base: &str, http: &reqwest::Client, name: &str) -> Self {
        let body = json!({ "username": name, "password": PASSWORD });
        let response = http.post(format!("{base}/api/signup")).json(&body).send().await.unwrap();
        assert_eq!(response.status(), 201, "{}", response.text().await.unwrap());
        Self::log_in(base, http, name).await
    }

    pub(crate) async fn log_in(base: &str, http: &reqwest::Client, name: &str) -> Self {
        let body = json!({ "username": name, "password": PASSWORD });
        let response = http.post(format!("{base}/api/login")).json(&body).send().await.unwrap();
        assert_eq!(response.status(), 200);
        let body: Value = response.json().await.unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Self {
            name: name.to_owned(),
            token: text(&body["token"]),
            refresh: text(&body["refresh_token"]),
            chat_shard: text(&body["servers"]["chat"]["shard"]),
            chat_url: text(&body["servers"]["chat"]["url"]),
            base: base.to_owned(),
            http: http.clone(),
        }
    }

    /// Logs in once more, as on another device.
    pub(crate) async fn again(&self) -> Self {
        Self::log_in(&self.base, &self.http, &self.name).await
    }

    /// Makes a call, and gives status and body.
    pub(crate) async fn call(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let method = method.parse().unwrap();
        let mut request = self.http.request(method, format!("{}{path}", self.base)).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        (status, response.json().await.unwrap_or(Value::Null))
    }

    /// Becomes a contact of another, and the other way round.
    pub(crate) async fn befriend(&self, other: &Self) {
        for (one, two) in [(self, other), (other, self)] {
            assert_eq!(one.call("PUT", &format!("/api/contacts/{}", two.name), None).await.0, 204);
        }
    }

    /// Makes a group with others, and gives its id.
    pub(crate) async fn group(&self, title: &str, others: &[&Self]) -> String {
        let members: Vec<&str> = others.iter().map(|other| other.name.as_str()).collect();
        let body = json!({ "title": title, "members": members });
        let (status, body) = self.call("POST", "/api/conversations", Some(body)).await;
        assert_eq!(status, 201, "{body}");
        body["id"].as_str().unwrap().to_owned()
    }
}

impl Socket {
    /// Opens a socket and waits for its welcome.
    pub(crate) async fn open(url: &str, token: &str) -> Self {
        Self::try_open(url, token).await.unwrap()
    }

    pub(crate) async fn try_open(url: &str, token: &str) -> Result<Self, SocketError> {
        let mut request = url.into_client_request().unwrap();
        request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        let (stream, _) = tokio_tungstenite::connect_async(request).await?;
        let (mut sink, mut stream) = stream.split();
        let (sender, mut outgoing) = mpsc::unbounded_channel();
        let seen = Arc::new(Seen::default());
        tokio::spawn(async move {
            while let Some(message) = outgoing.recv().await {
                if sink.send(message).await.is_err() {
                    return;
                }
            }
            let _ = sink.close().await;
        });
        let reads = seen.clone();
        tokio::spawn(async move {
            let mut code = 1006;
            while let Some(Ok(message)) = stream.next().await {
                match message {
                    Message::Text(text) => reads.frames.lock().push(serde_json::from_str(&text).unwrap()),
                    Message::Close(frame) => code = frame.map_or(1005, |frame| frame.code.into()),
                    _ => {}
                }
                reads.news.notify_waiters();
            }
            *reads.closed.lock() = Some(code);
            reads.news.notify_waiters();
        });
        let socket = Self { seen, sender };
        socket.wait_for("welcome").await;
        Ok(socket)
    }

    pub(crate) fn send(&self, frame: &Value) {
        self.send_raw(Message::text(frame.to_string()));
    }

    pub(crate) fn send_raw(&self, message: Message) {
        let _ = self.sender.send(message);
    }

    /// Sends a text to a user or into a conversation.
    pub(crate) fn say(&self, id: &str, to: &str, text: &str) {
        let field = if to.len() == 22 { "conversation" } else { "to" };
        self.send(&json!({ "type": "send", "id": id, field: to, "text": text }));
    }

    /// Sends a text and waits for the ack.
    pub(crate) async fn said(&self, id: &str, to: &str, text: &str) -> Value {
        self.say(id, to, text);
        self.wait(|frame| frame["type"] == "ack" && frame["id"] == id).await
    }

    /// Resumes, and waits until that is done.
    pub(crate) async fn resume(&self, cursors: &Value) -> Value {
        self.send(&json!({ "type": "resume", "cursors": cursors }));
        self.wait_for("resumed").await["conversations"].clone()
    }

    /// Waits for a frame of a type.
    pub(crate) async fn wait_for(&self, kind: &str) -> Value {
        self.wait(|frame| frame["type"] == kind).await
    }

    /// Waits for a frame; fails when the socket closes first.
    pub(crate) async fn wait(&self, want: impl Fn(&Value) -> bool) -> Value {
        self.wait_many(1, want).await.remove(0)
    }

    /// Waits for several frames; fails when the socket closes first.
    pub(crate) async fn wait_many(&self, count: usize, want: impl Fn(&Value) -> bool) -> Vec<Value> {
        loop {
            let news = self.seen.news.notified();
            let closed = *self.seen.closed.lock();
            let found: Vec<Value> =
                self.seen.frames.lock().iter().filter(|frame| want(frame)).cloned().collect();
            if found.len() >= count {
                return found;
            }
            if let Some(code) = closed {
                panic!("closed with {code}; saw {:?}", self.frames());
            }
            news.await;
        }
    }

    /// Waits until the server closes, and gives the code.
    pub(crate) async fn closed(&self) -> u16 {
        loop {
            let news = self.seen.news.notified();
            if let Some(code) = *self.seen.closed.lock() {
                return code;
            }
            news.await;
        }
    }

    /// Makes sure that everything sent before has been answered.
    pub(crate) async fn settle(&self) {
        let id = unique("settle");
        self.send(&json!({ "type": "ping", "id": id }));
        self.wait(|frame| frame["type"] == "pong" && frame["id"] == id.as_str()).await;
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.seen.closed.lock().is_some()
    }

    pub(crate) fn frames(&self) -> Vec<Value> {
        self.seen.frames.lock().clone()
    }

    /// Gives the numbers of the events of a conversation in the order of their coming.
    pub(crate) fn seqs(&self, conversation: &str) -> Vec<u64> {
        let frames = self.frames();
        let events = frames.iter().filter(|frame| {
            let kind = frame["type"].as_str().unwrap();
            ["message", "edited", "deleted", "reacted"].contains(&kind)
                && frame["conversation"] == conversation
        });
        events.map(|frame| frame["seq"].as_u64().unwrap()).collect()
    }

    /// Closes it and waits until that is done.
    pub(crate) async fn close(self) {
        self.send_raw(Message::Close(None));
        self.closed().await;
    }
}
