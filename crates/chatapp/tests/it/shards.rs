//! Shards die and come while a hundred people chat: nothing is lost, repeated or out of order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::stream::SplitSink;
use futures_util::{SinkExt, StreamExt};
use protocol::Shard;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::support::{Person, World};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;
type Sink = SplitSink<Socket, Message>;

/// What people are to do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Send one message after the other.
    Talk,
    /// Send no more.
    Quiet,
}

/// One person with a client as a stranger would write one: it believes nothing that it does not check.
struct Talker {
    person: Person,
    to: String,
    api: String,
    phase: watch::Receiver<Phase>,
    sent: Arc<AtomicU64>,
    conversation: Option<String>,
    /// The sender's id of each number, from messages and from acks.
    ids: BTreeMap<u64, String>,
    /// The number up to which everything is known.
    whole: u64,
    /// The message on its way, and how many there were.
    open: Option<String>,
    count: u64,
    reconnects: u64,
}

/// Why a connection is left.
enum Left {
    /// It ended.
    Cut,
    /// What was wanted is there.
    Done,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_people_chat_on_while_shards_die_and_come() {
    let world = World::start().await;
    let sent = Arc::new(AtomicU64::new(0));
    let (phase, phases) = watch::channel(Phase::Talk);
    let mut people = Vec::new();
    for _ in 0..100 {
        people.push(world.person("p").await);
    }
    let mut tasks = Vec::new();
    for pair in people.chunks(2) {
        for (me, other) in [(0, 1), (1, 0)] {
            let mut talker = Talker {
                person: pair[me].clone(),
                to: pair[other].name.clone(),
                api: world.chat_url(),
                phase: phases.clone(),
                sent: sent.clone(),
                conversation: None,
                ids: BTreeMap::new(),
                whole: 0,
                open: None,
                count: 0,
                reconnects: 0,
            };
            tasks.push(tokio::spawn(async move {
                talker.talk().await;
                talker
            }));
        }
    }
    let shard = |name: &str| Shard::new(name).unwrap();
    let progress = async || {
        let target = sent.load(Ordering::Relaxed) + 600;
        while sent.load(Ordering::Relaxed) < target {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    progress().await;
    world.cluster.kill(&shard("chat-1"));
    progress().await;
    world.cluster.start_chat(&shard("chat-3")).await.unwrap();
    progress().await;
    world.cluster.kill(&shard("chat-0"));
    progress().await;
    world.cluster.start_chat(&shard("chat-1")).await.unwrap();
    progress().await;
    phase.send(Phase::Quiet).unwrap();
    let mut talkers = Vec::new();
    for task in tasks {
        // Ends when its last message is acknowledged.
        talkers.push(task.await.unwrap());
    }
    for pair in talkers.chunks_mut(2) {
        let log = log(&pair[0]).await;
        let [one, other] = pair else { unreachable!() };
        tokio::join!(one.until(log.len() as u64), other.until(log.len() as u64));
        check(&log, &[one, other]);
    }
    let reconnects: u64 = talkers.iter().map(|talker| talker.reconnects).sum();
    assert!(reconnects >= 50, "only {reconnects} reconnects: nobody noticed");
}

/// Holds what two people know against the log.
fn check(log: &BTreeMap<u64, String>, pair: &[&mut Talker; 2]) {
    assert_eq!(log.keys().copied().collect::<Vec<_>>(), (1..=log.len() as u64).collect::<Vec<_>>());
    let ids: BTreeSet<&String> = log.values().collect();
    assert_eq!(ids.len(), log.len(), "a message is there twice");
    assert_eq!(log.len() as u64, pair[0].count + pair[1].count, "a message is missing");
    for talker in pair {
        assert_eq!(talker.ids, *log, "{} knows something else", talker.person.name);
    }
}

/// Reads a conversation's log.
async fn log(talker: &Talker) -> BTreeMap<u64, String> {
    let conversation = talker.conversation.as_ref().unwrap();
    let mut log = BTreeMap::new();
    loop {
        let after = log.last_key_value().map_or(0, |(seq, _)| *seq);
        let path = format!("/api/conversations/{conversation}/messages?limit=200&after={after}");
        let (_, page) = talker.person.call("GET", &path, None).await;
        for message in page["messages"].as_array().unwrap() {
            log.insert(message["seq"].as_u64().unwrap(), message["id"].as_str().unwrap().to_owned());
        }
        if page["more"] == false {
            return log;
        }
    }
}

impl Talker {
    /// Sends message after message, each after the ack of the one before, until it is quiet.
    async fn talk(&mut self) {
        self.connected(|talker| *talker.phase.borrow() == Phase::Quiet && talker.open.is_none()).await;
    }

    /// Listens until everything up to a number is known.
    async fn until(&mut self, seq: u64) {
        self.connected(|talker| talker.whole >= seq).await;
    }

    async fn connected(&mut self, done: impl Fn(&Self) -> bool) {
        while !done(self) {
            // The own shard first; when that fails the api knows who serves.
            let (_, servers) = self.person.call("GET", "/api/servers", None).await;
            let url = servers["chat"]["url"].as_str().unwrap_or(&self.api).to_owned();
            let url = if self.reconnects.is_multiple_of(2) { url } else { self.api.clone() };
            let mut request = url.into_client_request().unwrap();
            let bearer = format!("Bearer {}", self.person.token);
            request.headers_mut().insert("authorization", bearer.parse().unwrap());
            if let Ok((socket, _)) = tokio_tungstenite::connect_async(request).await
                && matches!(self.converse(socket, &done).await, Left::Done)
            {
                return;
            }
            self.reconnects += 1;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn converse(&mut self, socket: Socket, done: &impl Fn(&Self) -> bool) -> Left {
        let (mut sink, mut stream) = socket.split();
        let cursors = match &self.conversation {
            Some(conversation) => json!({ conversation: self.whole }),
            None => json!({}),
        };
        let resume = json!({ "type": "resume", "cursors": cursors });
        if sink.send(Message::text(resume.to_string())).await.is_err() {
            return Left::Cut;
        }
        // What this connection delivered last: each at most once, in order, and nothing that the client has.
        let mut last = self.whole;
        let mut phase = self.phase.clone();
        let mut resumed = false;
        loop {
            if resumed && done(self) {
                return Left::Done;
            }
            if resumed && self.open.is_none() && *phase.borrow_and_update() == Phase::Talk {
                self.count += 1;
                self.open = Some(format!("{}-{}", self.person.name, self.count));
                if self.send_open(&mut sink).await.is_err() {
                    return Left::Cut;
                }
            }
            let message = tokio::select! {
                message = stream.next() => message,
                _ = phase.changed() => continue,
            };
            let Some(Ok(message)) = message else { return Left::Cut };
            let Message::Text(text) = message else { continue };
            let frame: Value = serde_json::from_str(&text).unwrap();
            match frame["type"].as_str().unwrap() {
                "message" => {
                    let seq = frame["seq"].as_u64().unwrap();
                    assert!(seq > last, "{} got {seq} after {last}", self.person.name);
                    last = seq;
                    self.learn(&frame);
                }
                "ack" => {
                    self.learn(&frame);
                    if self.open.as_deref() == frame["id"].as_str() {
                        self.open = None;
                        self.sent.fetch_add(1, Ordering::Relaxed);
                    }
                }
                "resumed" => {
                    for state in frame["conversations"].as_object().unwrap().values() {
                        assert_eq!(state["recovered"], true, "{state}");
                    }
                    resumed = true;
                    // The same id again: it may be there already.
                    if self.open.is_some() && self.send_open(&mut sink).await.is_err() {
                        return Left::Cut;
                    }
                }
                "reconnect" => return Left::Cut,
                "error" => assert!(frame["retry_after_ms"].is_u64(), "{frame}"),
                _ => {}
            }
        }
    }

    async fn send_open(&self, sink: &mut Sink) -> Result<(), SocketError> {
        let frame = json!({ "type": "send", "id": self.open, "to": self.to, "text": "hello" });
        sink.send(Message::text(frame.to_string())).await
    }

    fn learn(&mut self, frame: &Value) {
        self.conversation = frame["conversation"].as_str().map(str::to_owned);
        let (seq, id) = (frame["seq"].as_u64().unwrap(), frame["id"].as_str().unwrap());
        let earlier = self.ids.insert(seq, id.to_owned());
        assert!(earlier.is_none_or(|earlier| earlier == id), "{seq} stands for two messages");
        while self.ids.contains_key(&(self.whole + 1)) {
            self.whole += 1;
        }
    }
}
