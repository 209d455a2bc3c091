//! Bytes on their way in one direction.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bytes::{Buf, Bytes};
use tokio::io::ReadBuf;
use tokio::time::{Instant, Sleep, sleep_until};

/// How many bytes are on their way or unread at once, in one direction: then the writer waits.
pub const WINDOW: usize = 64 * 1024;

/// What goes in one direction of a connection.
#[derive(Debug, Default)]
pub(super) struct Flow {
    parcels: VecDeque<Parcel>,
    /// When the last of them arrives: nothing overtakes it.
    latest: Option<Instant>,
    /// How many bytes were sent and not read.
    bytes: usize,
    /// Whether nobody is there any more to take what is sent from now on.
    void: bool,
    /// Who waits for something to arrive.
    reader: Option<Waker>,
    /// Who waits for room.
    writer: Option<Waker>,
    /// Wakes the reader when the next parcel arrives.
    arrival: Alarm,
}

/// A timer that is made when it is first needed.
#[derive(Debug, Default)]
pub(super) struct Alarm(Option<Pin<Box<Sleep>>>);

#[derive(Debug)]
struct Parcel {
    /// When it arrives; nobody knows while the way is silent.
    due: Option<Instant>,
    content: Content,
}

/// What is sent.
#[derive(Debug)]
pub(super) enum Content {
    /// Bytes.
    Bytes(Bytes),
    /// Nothing more is written; the other direction goes on.
    End,
    /// Nothing more is written, and nothing more is read.
    Closed,
    /// The connection is broken.
    Reset,
}

impl Flow {
    /// Gives how many bytes may be sent now.
    pub(super) fn room(&self) -> usize {
        WINDOW.saturating_sub(self.bytes)
    }

    /// Sends something that arrives when `due` says, or later if something else does that was sent before. If nobody is there to take
    /// it, it is lost, and fills the window all the same: nobody confirms it.
    pub(super) fn send(&mut self, content: Content, due: Option<Instant>) {
        if let Content::Bytes(bytes) = &content {
            self.bytes += bytes.len();
        }
        if self.void {
            return;
        }
        let due = due.max(self.latest.filter(|_| due.is_some()));
        self.latest = due.or(self.latest);
        self.parcels.push_back(Parcel { due, content });
        if self.parcels.len() == 1 {
            self.set_alarm();
        }
    }

    /// Reads what has arrived, or waits for it; no bytes mean that nothing comes any more.
    pub(super) fn poll_read(
        &mut self,
        context: &Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let (now, before) = (Instant::now(), into.filled().len());
        while into.remaining() > 0 {
            let read = into.filled().len() - before;
            let Some(parcel) = self.parcels.front_mut().filter(|parcel| parcel.has_arrived(now)) else {
                if read > 0 {
                    break;
                }
                self.reader = Some(context.waker().clone());
                self.set_alarm();
                return Poll::Pending;
            };
            match &mut parcel.content {
                Content::Bytes(bytes) => {
                    let part = bytes.len().min(into.remaining());
                    into.put_slice(&bytes[..part]);
                    bytes.advance(part);
                    self.bytes -= part;
                    if bytes.is_empty() {
                        self.parcels.pop_front();
                    }
                }
                Content::Reset if read == 0 => {
                    return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
                }
                Content::End | Content::Closed | Content::Reset => break,
            }
        }
        if into.filled().len() > before {
            wake(&mut self.writer);
        }
        Poll::Ready(Ok(()))
    }

    /// Registers who waits for room.
    pub(super) fn wait_for_room(&mut self, context: &Context<'_>) {
        self.writer = Some(context.waker().clone());
    }

    /// Says from when on, and with what, writes fail of the end to which this comes: once it knows that nobody reads.
    pub(super) fn failure(&self) -> Option<(Instant, io::ErrorKind)> {
        let last = self.parcels.back()?;
        let failure = match last.content {
            Content::Reset => io::ErrorKind::ConnectionReset,
            Content::Closed => io::ErrorKind::BrokenPipe,
            Content::Bytes(_) | Content::End => return None,
        };
        Some((last.due?, failure))
    }

    /// Says whether bytes have arrived that nobody has read.
    pub(super) fn has_unread(&self, now: Instant) -> bool {
        let first = self.parcels.front().filter(|parcel| parcel.has_arrived(now));
        first.is_some_and(|parcel| matches!(parcel.content, Content::Bytes(_)))
    }

    /// Holds up what has not arrived yet.
    pub(super) fn hold(&mut self, now: Instant) {
        for parcel in self.parcels.iter_mut().filter(|parcel| !parcel.has_arrived(now)) {
            parcel.due = None;
        }
        self.latest = None;
    }

    /// Lets what was held up arrive, each when `due` says, in order.
    pub(super) fn release(&mut self, mut due: impl FnMut() -> Instant) {
        for parcel in self.parcels.iter_mut().filter(|parcel| parcel.due.is_none()) {
            self.latest = self.latest.max(Some(due()));
            parcel.due = self.latest;
        }
        self.wake();
    }

    /// Breaks off when `due` says: what has not arrived by `now` is lost, and so is what is sent from now on.
    pub(super) fn reset(&mut self, now: Instant, due: Option<Instant>) {
        if self.void {
            return;
        }
        self.parcels.retain(|parcel| parcel.has_arrived(now));
        self.latest = None;
        self.send(Content::Reset, due);
        self.void = true;
    }

    /// Forgets everything: nobody reads any more.
    pub(super) fn close(&mut self) {
        self.parcels.clear();
        self.void = true;
        self.wake();
    }

    /// Lets both ends look again.
    pub(super) fn wake(&mut self) {
        wake(&mut self.reader);
        wake(&mut self.writer);
    }

    /// Makes the reader, if one waits, be woken when the next parcel arrives and not before.
    fn set_alarm(&mut self) {
        let due = self.parcels.front().and_then(|parcel| parcel.due);
        if let (Some(reader), Some(due)) = (&self.reader, due)
            && self.arrival.is_past(due, reader)
        {
            wake(&mut self.reader);
        }
    }
}

impl Parcel {
    fn has_arrived(&self, now: Instant) -> bool {
        self.due.is_some_and(|due| due <= now)
    }
}

impl Alarm {
    /// Says whether it is `due`; else `waker` is woken once it is.
    pub(super) fn is_past(&mut self, due: Instant, waker: &Waker) -> bool {
        if due <= Instant::now() {
            return true;
        }
        let timer = self.0.get_or_insert_with(|| Box::pin(sleep_until(due)));
        if timer.deadline() != due {
            timer.as_mut().reset(due);
        }
        timer.as_mut().poll(&mut Context::from_waker(waker)).is_ready()
    }
}

fn wake(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}
