//! Reading the lanes of a shard's inbox.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use ports::{Batch, Clock};
use redis::Value;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::LANES;
use super::ring::Ring;
use crate::keys::slot_of;
use crate::link::{Connection, Failure, Link, closed};
use crate::value::{Items, array, unexpected};

/// How many milliseconds a read blocks.
const BLOCK: &[u8] = b"1000";

/// How long a node has to answer what blocks.
const ANSWER: Duration = Duration::from_millis(2000);

/// How many entries are read at once.
const COUNT: &[u8] = b"1024";

/// How long to wait before a lane is connected again.
const PAUSE: Duration = Duration::from_millis(50);

/// How long a reader waits at most for what this process has published, or for the lanes to be connected.
const CATCH_UP: Duration = Duration::from_secs(1);

/// How long an inbox is read that nobody asks for.
const IDLE: Duration = Duration::from_secs(600);

/// A place in a stream: milliseconds and number.
type Place = (u64, u64);

/// The inbox of a shard that this process reads.
pub(super) struct ShardInbox {
    state: watch::Sender<State>,
    /// How many wait for news.
    waiting: AtomicUsize,
    used: Mutex<Duration>,
}

struct State {
    ring: Ring,
    lanes: [Lane; LANES],
    closed: bool,
}

/// How far a lane was read.
#[derive(Clone, Copy, Default)]
struct Lane {
    /// The last entry that came; none until the lane was connected once.
    place: Option<Place>,
    /// The last entry that this process has published, and when.
    expected: Option<(Place, Duration)>,
}

/// Counts one who waits.
struct Waiting<'a>(&'a AtomicUsize);

impl ShardInbox {
    /// Makes one that is not read yet.
    pub(super) fn new(now: Duration) -> Self {
        let state = State { ring: Ring::default(), lanes: [Lane::default(); LANES], closed: false };
        Self { state: watch::Sender::new(state), waiting: AtomicUsize::new(0), used: Mutex::new(now) }
    }

    /// Gives the cursor after the last entry.
    pub(super) fn end(&self) -> u64 {
        self.state.borrow().ring.end()
    }

    /// Takes note of an entry that this process has published.
    pub(super) fn expect(&self, lane: usize, id: &str, now: Duration) {
        self.state.send_if_modified(|state| {
            if let (Some(lane), Some(place)) = (state.lanes.get_mut(lane), place(id)) {
                lane.expected = Some((place, now));
            }
            false
        });
    }

    /// Waits until the lanes are connected and what this process has published has come, but not for long.
    pub(super) async fn catch_up(&self, clock: &dyn Clock) {
        *self.used.lock() = clock.monotonic();
        let mut state = self.state.subscribe();
        let is_behind = |lane: &Lane| match (lane.place, lane.expected) {
            (None, _) => true,
            (Some(place), Some((expected, at))) => {
                place < expected && clock.monotonic().saturating_sub(at) < CATCH_UP
            }
            (Some(_), None) => false,
        };
        let caught_up = state.wait_for(|state| state.closed || !state.lanes.iter().any(is_behind));
        // A lane whose node is down holds nobody up.
        timeout(CATCH_UP, caught_up).await.ok();
    }

    /// Waits for entries after a cursor.
    pub(super) async fn after(&self, cursor: u64, limit: usize, clock: &dyn Clock) -> ports::Result<Batch> {
        let _waiting = Waiting::new(&self.waiting);
        let mut changes = self.state.subscribe();
        loop {
            {
                let state = changes.borrow_and_update();
                if let Some(batch) = state.ring.after(cursor, limit) {
                    return Ok(batch);
                }
                if state.closed {
                    return Err(closed());
                }
            }
            changes.changed().await.map_err(|_| closed())?;
            *self.used.lock() = clock.monotonic();
        }
    }

    /// Tells those who wait that nothing more comes.
    pub(super) fn close(&self) {
        self.state.send_modify(|state| state.closed = true);
    }

    /// Reads a lane until nobody has asked for the inbox for long.
    pub(super) async fn read_lane(
        self: Arc<Self>,
        lane: usize,
        key: Bytes,
        link: Link,
        clock: Arc<dyn Clock>,
    ) {
        loop {
            match self.follow(lane, &key, &link, &*clock).await {
                Ok(()) => return,
                Err(failure) => {
                    tracing::debug!(lane, %failure, "an inbox cannot be read");
                    link.refresh();
                    sleep(PAUSE).await;
                }
            }
        }
    }

    async fn follow(&self, lane: usize, key: &Bytes, link: &Link, clock: &dyn Clock) -> Result<(), Failure> {
        let mut connection = link.connect(slot_of(key)).await?;
        let end = last_place(&mut connection, key).await?;
        let known = self.state.borrow().lanes.get(lane).and_then(|lane| lane.place);
        // After a failover the stream may end earlier than what was read: what came in between is lost.
        let mut place = known.map_or(end, |known| known.min(end));
        self.came(lane, place, Vec::new());
        loop {
            let id = format!("{}-{}", place.0, place.1);
            let command: [&[u8]; 8] =
                [b"XREAD", b"COUNT", COUNT, b"BLOCK", BLOCK, b"STREAMS", key, id.as_bytes()];
            let answer =
                timeout(ANSWER, connection.command(&command)).await.unwrap_or(Err(Failure::Silent))?;
            let entries = read(answer).map_err(|error| Failure::Broken(error.to_string()))?;
            if let Some((last, _)) = entries.last() {
                place = *last;
                self.came(lane, place, entries.into_iter().map(|(_, entry)| entry).collect());
            } else if self.is_idle(clock.monotonic()) {
                return Ok(());
            } else {
                // It may have expired, or a clock may have been put back: new entries would have smaller ids.
                place = place.min(last_place(&mut connection, key).await?);
            }
        }
    }

    fn came(&self, lane: usize, place: Place, entries: Vec<Bytes>) {
        self.state.send_modify(|state| {
            state.ring.push(entries.into_iter());
            if let Some(lane) = state.lanes.get_mut(lane) {
                lane.place = Some(place);
            }
        });
    }

    fn is_idle(&self, now: Duration) -> bool {
        self.waiting.load(Ordering::Relaxed) == 0 && now.saturating_sub(*self.used.lock()) > IDLE
    }
}

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Gives the place of a stream's last entry; the first one if there is none.
async fn last_place(connection: &mut Connection, key: &Bytes) -> Result<Place, Failure> {
    let command: [&[u8]; 6] = [b"XREVRANGE", key, b"+", b"-", b"COUNT", b"1"];
    let answer = timeout(ANSWER, connection.command(&command)).await.unwrap_or(Err(Failure::Silent))?;
    let last = array(answer).and_then(|mut entries| entries.pop().map(read_entry).transpose());
    let last = last.map_err(|error| Failure::Broken(error.to_string()))?;
    Ok(last.map_or((0, 0), |(place, _)| place))
}

/// Reads `[[key, entries]]`, or nothing.
fn read(answer: Value) -> ports::Result<Vec<(Place, Bytes)>> {
    let Some(stream) = array(answer)?.pop() else { return Ok(Vec::new()) };
    let mut stream = Items::of(stream)?;
    stream.value()?;
    array(stream.value()?)?.into_iter().map(read_entry).collect()
}

/// Reads `[id, [b, body]]`.
fn read_entry(entry: Value) -> ports::Result<(Place, Bytes)> {
    let mut entry = Items::of(entry)?;
    let id = entry.text()?;
    let mut fields = Items::of(entry.value()?)?;
    fields.value()?;
    let place = place(&id).ok_or_else(|| unexpected("an entry of an inbox without a place"))?;
    Ok((place, fields.bytes()?))
}

fn place(id: &str) -> Option<Place> {
    let (milliseconds, number) = id.split_once('-')?;
    Some((milliseconds.parse().ok()?, number.parse().ok()?))
}
