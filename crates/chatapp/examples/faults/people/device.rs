//! A device: a client as a stranger would write one, which believes nothing that it does not check.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use client::{Session, Window};
use protocol::chat::MessageView;
use protocol::{ConversationId, Position, Username};
use rand::RngExt;
use rand::rngs::StdRng;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::knowledge::{Knowledge, Rule, Wrong};
use super::{Ends, History};

/// What everybody is to do.
#[derive(Clone, Debug)]
pub(crate) enum Phase {
    /// Send one message after the other.
    Talk,
    /// Send no more.
    Quiet,
    /// Connect once more, and stay until everything of the user's conversations is known.
    ComeBack(Arc<Ends>),
    /// Stay with what is known.
    GiveUp,
}

/// Where a message goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum To {
    /// To a user, in the direct conversation.
    User(Username),
    /// Into a conversation.
    Conversation(ConversationId),
}

/// How a device behaves.
#[derive(Clone, Debug)]
pub(crate) struct Habits {
    /// Where it sends to, by chance; one that only listens has nowhere.
    pub(crate) to: Vec<To>,
    /// How long it waits after an ack, on average.
    pub(crate) pause: Duration,
    /// Whether it leaves now and then for some seconds.
    pub(crate) leaves: bool,
}

/// What all devices count together.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Messages that were sent.
    pub(crate) sent: AtomicUsize,
    /// Those without an ack.
    pub(crate) open: AtomicUsize,
    /// Those with one.
    pub(crate) acked: AtomicUsize,
    /// In how many conversations devices have written, each counted for each device.
    pub(crate) written_in: AtomicUsize,
    /// How often a device connected.
    pub(crate) connections: AtomicUsize,
}

/// A message that was acknowledged.
#[derive(Clone, Debug)]
pub(crate) struct Acked {
    /// The sender's id of it.
    pub(crate) id: String,
    /// The conversation that it went to.
    pub(crate) conversation: ConversationId,
    /// Its place, as the ack said.
    pub(crate) position: Position,
    /// When it was to be sent, from the beginning of the run on; without a connection it is sent later.
    pub(crate) sent: Duration,
    /// When the ack came.
    pub(crate) acked: Duration,
}

/// A message without an ack.
pub(super) struct Open {
    pub(super) id: String,
    pub(super) to: To,
    /// When it was to be sent first.
    pub(super) sent: Instant,
    /// When it was last sent.
    pub(super) tried: Instant,
    /// When it is to be sent, if it is not under way on this connection.
    pub(super) due: Option<Instant>,
}

/// A device of somebody.
pub(crate) struct Device {
    /// Whose it is.
    pub(crate) user: Username,
    /// Its name, for a person.
    pub(crate) name: String,
    /// What it knows.
    pub(crate) knowledge: Knowledge,
    /// Its messages.
    pub(crate) acked: Vec<Acked>,
    /// The login.
    pub(crate) session: Session,
    pub(super) habits: Habits,
    pub(super) phase: watch::Receiver<Phase>,
    pub(super) tally: Arc<Tally>,
    pub(super) start: Instant,
    pub(super) open: Option<Open>,
    pub(super) next: Instant,
    pub(super) dice: StdRng,
    /// Which conversation is that with a user.
    pub(super) direct: BTreeMap<Username, ConversationId>,
    attempts: usize,
    count: usize,
}

/// Why a connection is left.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// It is lost, or the server sends the client elsewhere.
    Cut,
    /// Somebody leaves for a while.
    Away,
    /// The phase wants a new one.
    Anew,
    /// What was wanted is there.
    Done,
}

impl Device {
    /// Makes a device that is not connected yet.
    pub(crate) fn new(
        name: String,
        session: Session,
        habits: Habits,
        dice: StdRng,
        (phase, tally, start): (watch::Receiver<Phase>, Arc<Tally>, Instant),
    ) -> Self {
        Self {
            user: session.username(),
            name,
            knowledge: Knowledge::default(),
            acked: Vec::new(),
            session,
            habits,
            phase,
            tally,
            start,
            open: None,
            next: Instant::now(),
            dice,
            direct: BTreeMap::new(),
            attempts: 0,
            count: 0,
        }
    }

    /// Chats until everybody has come back and knows everything.
    pub(crate) async fn run(mut self) -> Self {
        loop {
            let mut phase = self.phase.clone();
            // A connection may wait for something that never comes.
            let left = tokio::select! {
                left = self.connect() => left,
                _ = phase.wait_for(|phase| matches!(phase, Phase::GiveUp)) => Left::Done,
            };
            if left == Left::Done {
                return self;
            }
            let pause = match left {
                Left::Away => self.dice.random_range(3_000..12_000),
                _ => self.dice.random_range(50..500),
            };
            // Whoever is away comes back when everybody does.
            tokio::select! {
                () = sleep(Duration::from_millis(pause)) => {}
                _ = phase.wait_for(|phase| matches!(phase, Phase::ComeBack(_))), if left == Left::Away => {}
            }
            if left == Left::Away {
                self.next = Instant::now();
            }
        }
    }

    /// Connects, by turns straight to the shard and through the api, and stays as long as it lasts.
    async fn connect(&mut self) -> Left {
        self.attempts += 1;
        let api = format!("{}chat", self.session.http().address().replacen("http", "ws", 1));
        let url = match timeout(Duration::from_secs(3), self.session.ask_servers()).await {
            Ok(Ok(servers)) if !self.attempts.is_multiple_of(3) => servers.chat.url,
            _ => api,
        };
        let Ok(token) = self.session.token().await else { return Left::Cut };
        let patience = Duration::from_secs(5);
        let Ok(Ok(socket)) = timeout(patience, super::socket::open(&url, token.expose())).await else {
            return Left::Cut;
        };
        self.tally.connections.fetch_add(1, Ordering::Relaxed);
        self.converse(socket).await
    }

    /// Takes the next message to be sent.
    pub(super) fn speak(&mut self, now: Instant) {
        let choice = self.dice.random_range(0..self.habits.to.len());
        let to = self.habits.to[choice].clone();
        self.count += 1;
        let id = format!("{}.{}", self.name, self.count);
        self.open = Some(Open { id, to, sent: self.next.min(now), tried: now, due: Some(now) });
        self.tally.sent.fetch_add(1, Ordering::Relaxed);
        self.tally.open.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes the ack of the open message, or gives it up.
    pub(super) fn close(&mut self, answer: Result<(ConversationId, Position), String>) {
        let Some(open) = self.open.take() else { return };
        self.tally.open.fetch_sub(1, Ordering::Relaxed);
        match answer {
            Ok((conversation, position)) => {
                self.tally.acked.fetch_add(1, Ordering::Relaxed);
                if let To::User(user) = &open.to {
                    self.direct.insert(user.clone(), conversation);
                }
                if !self.acked.iter().any(|acked| acked.conversation == conversation) {
                    self.tally.written_in.fetch_add(1, Ordering::Relaxed);
                }
                let (sent, acked) = (open.sent - self.start, self.start.elapsed());
                self.acked.push(Acked { id: open.id, conversation, position, sent, acked });
            }
            Err(reason) => {
                let text = format!("{} was refused: {reason}", open.id);
                self.knowledge.wrong.push(Wrong { rule: Rule::Refused, text });
            }
        }
        let pause = self.habits.pause.mul_f64(self.dice.random_range(0.2..1.8));
        self.next = Instant::now() + pause;
    }

    /// Gives how many own messages of a conversation are without an ack.
    pub(super) fn open_in(&self, id: ConversationId) -> usize {
        let is_there = |open: &Open| match &open.to {
            To::Conversation(conversation) => *conversation == id,
            To::User(user) => self.direct.get(user).is_none_or(|known| *known == id),
        };
        usize::from(self.open.as_ref().is_some_and(is_there))
    }

    /// Reads the history of a conversation, however long it takes, up to a number at least.
    pub(crate) async fn history(&self, id: ConversationId, until: u64) -> History {
        loop {
            if let Some(history) = self.try_history(id).await
                && history.last().map_or(0, |(position, _)| position.seq) >= until
            {
                return history;
            }
            sleep(Duration::from_millis(200)).await;
        }
    }

    /// Reads a history page by page; each begins with the last message of the one before, which may be another when the log has lost a tail.
    async fn try_history(&self, id: ConversationId) -> Option<History> {
        let mut messages = History::new();
        loop {
            let last = messages.pop();
            let after = last.as_ref().map_or(0, |(position, _)| position.seq - 1);
            let page = self.session.messages(id, Window::After(after), Some(200)).await.ok()?;
            let place = |message: &MessageView| Position { r#gen: message.r#gen, seq: message.seq };
            let read = page.messages.iter().map(|message| (place(message), message.id.to_string()));
            let read: History = read.collect();
            if last.is_some() && last.as_ref() != read.first() {
                return None;
            }
            messages.extend(read);
            if !page.more {
                return Some(messages);
            }
        }
    }
}
