//! People who write all the time, and what is checked of it afterwards.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;
use ports::{Clock, Error, Log, SystemClock};
use protocol::{ConversationId, Event, EventBody, Position, Username};
use store_redis::RedisStore;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::scene::{message, name};

/// How many messages of a sender are under way at once.
const WINDOW: usize = 8;

/// Two people in each of some conversations who write all the time.
pub(crate) struct Load {
    stop: CancellationToken,
    acknowledged: HashMap<ConversationId, watch::Receiver<u64>>,
    senders: Vec<JoinHandle<Vec<Acknowledged>>>,
}

/// A message that was acknowledged.
#[derive(Clone, Debug)]
pub(crate) struct Acknowledged {
    pub(crate) conversation: ConversationId,
    pub(crate) from: Username,
    pub(crate) number: u64,
    pub(crate) position: Position,
    pub(crate) begun: Duration,
    pub(crate) at: Duration,
}

impl Load {
    /// Begins to write.
    pub(crate) fn start(store: &Arc<RedisStore>, conversations: &[ConversationId]) -> Self {
        let stop = CancellationToken::new();
        let (mut acknowledged, mut senders) = (HashMap::new(), Vec::new());
        for conversation in conversations {
            let count = watch::Sender::new(0);
            acknowledged.insert(*conversation, count.subscribe());
            for from in ["ada", "ben"] {
                let send = send(store.clone(), *conversation, name(from), count.clone(), stop.clone());
                #[expect(clippy::disallowed_methods, reason = "a test")]
                senders.push(tokio::spawn(send));
            }
        }
        Self { stop, acknowledged, senders }
    }

    /// Waits until some more messages are acknowledged in each conversation.
    pub(crate) async fn goes_on(&self, more: u64) {
        let before: Vec<_> =
            self.acknowledged.values().map(|count| (count.clone(), *count.borrow())).collect();
        for (mut count, before) in before {
            count.wait_for(|count| *count >= before + more).await.unwrap();
        }
    }

    /// Stops, and gives what was acknowledged.
    pub(crate) async fn stop(self) -> Vec<Acknowledged> {
        self.stop.cancel();
        let mut all = Vec::new();
        for sender in self.senders {
            all.extend(sender.await.unwrap());
        }
        all
    }
}

/// Sends until it is stopped and everything is acknowledged. What is in doubt is sent again.
async fn send(
    store: Arc<RedisStore>,
    conversation: ConversationId,
    from: Username,
    count: watch::Sender<u64>,
    stop: CancellationToken,
) -> Vec<Acknowledged> {
    let mut acknowledged = Vec::new();
    let mut under_way = FuturesOrdered::new();
    let mut next = 0;
    loop {
        while under_way.len() < WINDOW && !stop.is_cancelled() {
            let (number, begun) = (next, SystemClock.monotonic());
            let append = store.append(message(conversation, &from, number));
            under_way.push_back(async move { (number, begun, append.await) });
            next += 1;
        }
        let Some((number, begun, outcome)) = under_way.next().await else { return acknowledged };
        let appended = match outcome {
            Ok(appended) => {
                assert!(!appended.duplicate, "it is new, however often the store had to try");
                appended
            }
            Err(Error::Unavailable(_)) => loop {
                if let Ok(appended) = store.append(message(conversation, &from, number)).await {
                    break appended;
                }
            },
            Err(error) => panic!("{error}"),
        };
        let (position, at) = (appended.position, SystemClock.monotonic());
        acknowledged.push(Acknowledged { conversation, from: from.clone(), number, position, begun, at });
        count.send_modify(|count| *count += 1);
    }
}

/// Checks that what was acknowledged is in the logs once, without gaps, and in the order of each sender. With `exact` it is also
/// where the acknowledgement said.
pub(crate) async fn check(store: &RedisStore, acknowledged: &[Acknowledged], exact: bool) {
    let conversations: HashSet<ConversationId> = acknowledged.iter().map(|done| done.conversation).collect();
    for conversation in conversations {
        let events = store.events(conversation, 0, usize::MAX).await.unwrap();
        let seqs: Vec<u64> = events.iter().map(|event| event.position.seq).collect();
        assert_eq!(seqs, (1..=events.len() as u64).collect::<Vec<_>>(), "the log has no gap");
        assert!(events.is_sorted_by_key(|event| event.position.r#gen), "generations only grow");
        let written: Vec<(Username, u64, Position)> = events.iter().map(read).collect();
        let mut places = HashMap::new();
        let mut last: HashMap<&Username, u64> = HashMap::new();
        for (from, number, position) in &written {
            assert_eq!(places.insert((from, *number), *position), None, "nothing is there twice");
            let before = last.insert(from, *number);
            assert!(before.is_none_or(|before| before < *number), "a sender's order is kept");
        }
        if exact {
            check_real_time(acknowledged, conversation);
        }
        for done in acknowledged.iter().filter(|done| done.conversation == conversation) {
            let place = places.get(&(&done.from, done.number));
            assert!(place.is_some(), "what was acknowledged is there: {done:?}");
            assert!(!exact || place == Some(&done.position), "it is where it was said to be: {done:?}");
        }
    }
}

/// Checks that what was acknowledged before something else was begun lies before it.
fn check_real_time(acknowledged: &[Acknowledged], conversation: ConversationId) {
    let of_it = || acknowledged.iter().filter(|done| done.conversation == conversation);
    let (mut begun, mut ended): (Vec<_>, Vec<_>) = (of_it().collect(), of_it().collect());
    begun.sort_by_key(|done| done.begun);
    ended.sort_by_key(|done| done.at);
    let (mut ended, mut last) = (ended.into_iter().peekable(), Position::default());
    for done in begun {
        while let Some(before) = ended.next_if(|before| before.at < done.begun) {
            last = last.max(before.position);
        }
        assert!(last < done.position, "the order of time is kept: {done:?}");
    }
}

/// Says whether an event that was acknowledged is not where it was: a failover took it back, and it was appended again.
pub(crate) async fn has_moved(store: &RedisStore, acknowledged: &[Acknowledged], id: ConversationId) -> bool {
    let events = store.events(id, 0, usize::MAX).await.unwrap();
    let places: HashSet<Position> = events.iter().map(|event| event.position).collect();
    let mut of_it = acknowledged.iter().filter(|done| done.conversation == id);
    of_it.any(|done| !places.contains(&done.position))
}

fn read(event: &Event) -> (Username, u64, Position) {
    let body = EventBody::decode(&event.body).unwrap();
    let number = body.id.as_str().strip_prefix('m').unwrap().parse().unwrap();
    (body.from, number, event.position)
}
