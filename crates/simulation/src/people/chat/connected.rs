//! A connection while it is open: what is said on it, when, and how it ends.

use std::future::pending;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::paging::{Job, JobResult};
use super::{Chat, LastLook};
use crate::history::{ConnectionId, Ending, Happened};
use crate::people::device::{Notice, Switch};
use crate::people::outgoing::{self, Outgoing};
use crate::people::places::Cursors;
use crate::people::signal::Follower;
use crate::people::silence::{Patience, Silence};
use crate::people::socket::Socket;

/// A connection on which something stays missing is closed after this long: the next one asks for it.
const MISSING_FOR: Duration = Duration::from_secs(8);
/// How long a resume may go on.
const RESUMED_WITHIN: Duration = Duration::from_secs(45);
/// How long a device that was logged out waits to be closed.
const CLOSED_WITHIN: Duration = Duration::from_secs(10);
/// How many requests are said before something is read, at most.
const BURST: usize = 32;

/// A connection while it is open.
pub(super) struct Connected<'a> {
    pub(super) chat: &'a mut Chat,
    pub(super) socket: Socket,
    pub(super) connection: ConnectionId,
    switch: Follower<Switch>,
    /// How often the device had vanished when the connection was opened.
    vanished: u64,
    patience: Patience,
    pub(super) resume: Resume,
    /// Since when something is missing.
    missing_since: Option<Instant>,
    /// Where the server says to go, and when.
    pub(super) go: Option<(Instant, Option<String>)>,
    /// A call over HTTP that goes on.
    pub(super) job: Option<Job>,
    /// Nothing is read of a history before: the server could not give it.
    pub(super) paused_until: Option<Instant>,
    /// After how long a request is said again.
    again: Duration,
}

/// How a connection ended.
pub(super) struct Ended {
    pub(super) how: Ending,
    /// Where the server said to go: a place, or wherever that is now.
    pub(super) go: Option<Option<String>>,
}

/// Whether the device has asked for what it missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resume {
    /// It asks at that moment, in this way.
    Owed(Instant, Cursors),
    /// It asked then.
    Asked(Instant),
    /// It has been answered.
    Done,
}

impl<'a> Connected<'a> {
    pub(super) fn new(chat: &'a mut Chat, socket: Socket, connection: ConnectionId) -> Self {
        let (dice, now) = (&chat.dice, Instant::now());
        let resume = match dice.between(0..=99) {
            0..=7 => Resume::Owed(now, Cursors::Older),
            8..=13 => Resume::Owed(now, Cursors::None),
            // So late that events may have passed.
            14..=18 => Resume::Owed(now + dice.millis(300..=3_000), Cursors::Own),
            _ => Resume::Owed(now, Cursors::Own),
        };
        let mut switch = chat.device.switch();
        let vanished = switch.see().vanished;
        Self {
            patience: Patience::new(dice),
            again: dice.millis(2_500..=7_000),
            chat,
            socket,
            connection,
            switch,
            vanished,
            resume,
            missing_since: None,
            go: None,
            job: None,
            paused_until: None,
        }
    }

    /// Talks until the connection ends.
    pub(super) async fn run(mut self) -> Ended {
        let how = loop {
            self.chat.take_wishes();
            self.say();
            let now = Instant::now();
            if let Some(how) = self.is_enough(now) {
                break how;
            }
            self.settle();
            let due = match self.patience.look() {
                Silence::GivesUp => break Ending::Vanished,
                Silence::Asks => {
                    self.socket.say(Outgoing::Ping.encode());
                    continue;
                }
                Silence::Bears(until) => self.due().map_or(until, |due| due.min(until)),
            };
            let device = self.chat.device.clone();
            tokio::select! {
                biased;
                () = self.switch.changed() => {}
                frame = self.socket.next() => match frame {
                    Ok(text) => {
                        self.patience.heard();
                        self.take(&text);
                    }
                    Err(how) => break how,
                },
                result = optional(&mut self.job) => {
                    self.job = None;
                    self.done(result);
                }
                () = device.chat_wanted.notified() => {}
                () = sleep_until(due) => {}
            }
        };
        if how == Ending::Left {
            self.socket.leave();
        }
        Ended { how, go: self.go.map(|(_, url)| url) }
    }

    /// Says everything that is due.
    fn say(&mut self) {
        let now = Instant::now();
        if let Resume::Owed(at, cursors) = self.resume
            && at <= now
        {
            let cursors = self.chat.places.ask(cursors, &self.chat.dice);
            self.socket.say(Outgoing::Resume { cursors: &cursors }.encode());
            let (device, connection) = (self.chat.device.id, self.connection);
            self.note(Happened::ResumeAsked { device, connection, cursors });
            self.resume = Resume::Asked(now);
        }
        for _ in 0..BURST {
            let Some(pending) = self.chat.outbox.next(now, self.again) else { break };
            self.socket.say(outgoing::request(&pending.id, &pending.to, &pending.request, pending.reply_to));
            let (device, connection) = (self.chat.device.id, self.connection);
            let (id, to, request) = (pending.id, pending.to, pending.request);
            self.note(Happened::Asked { device, connection, id, to, request });
        }
        let mut notices = std::mem::take(&mut self.chat.notices);
        notices.retain(|(at, notice)| {
            let later = *at > now;
            if !later {
                self.say_notice(*notice);
            }
            later
        });
        self.chat.notices = notices;
        self.read_on();
    }

    fn say_notice(&mut self, notice: Notice) {
        match notice {
            Notice::Read(conversation, seq) => {
                self.note(Happened::Read { device: self.chat.device.id, conversation, seq });
                self.socket.say(Outgoing::Read { conversation: &conversation, seq }.encode());
                self.chat.read = Some(notice);
            }
            Notice::Typing(conversation, active) => {
                self.socket.say(Outgoing::Typing { conversation: &conversation, active }.encode());
            }
        }
    }

    /// Says why the device ends the connection, if it does.
    fn is_enough(&mut self, now: Instant) -> Option<Ending> {
        let switch = self.switch.see();
        if switch.vanished > self.vanished {
            return Some(Ending::Vanished);
        }
        if !self.chat.places.lacks_something() {
            self.missing_since = None;
        } else if now - *self.missing_since.get_or_insert(now) >= MISSING_FOR {
            return Some(Ending::Left);
        }
        let asked = if let Resume::Asked(at) = self.resume { Some(at) } else { None };
        let is_over = |since: Option<Instant>, bound| since.is_some_and(|since| now - since >= bound);
        let leaves = !switch.on
            || is_over(asked, RESUMED_WITHIN)
            || is_over(switch.logged_out, CLOSED_WITHIN)
            || self.go.as_ref().is_some_and(|(at, _)| *at <= now);
        leaves.then_some(Ending::Left)
    }

    /// Gives when something is due.
    fn due(&self) -> Option<Instant> {
        let resume = match self.resume {
            Resume::Owed(at, _) => Some(at),
            Resume::Asked(at) => Some(at + RESUMED_WITHIN),
            Resume::Done => None,
        };
        let logged_out = self.switch.get().logged_out.map(|since| since + CLOSED_WITHIN);
        let due = [
            resume,
            logged_out,
            self.missing_since.map(|since| since + MISSING_FOR),
            self.go.as_ref().map(|(at, _)| *at),
            self.chat.outbox.due(),
            self.chat.pages.due(),
            self.paused_until,
            self.chat.notices.iter().map(|(at, _)| *at).min(),
        ];
        due.into_iter().flatten().min()
    }

    /// Takes note of what the device still waits for.
    fn settle(&self) {
        let chat = &self.chat;
        if !chat.device.shared.is_quiet() {
            return;
        }
        let why = if self.resume != Resume::Done {
            "has not resumed"
        } else if chat.outbox.waits() {
            "has requests without an answer"
        } else if chat.places.lacks_something() {
            "lacks something that came before what it was shown"
        } else if !chat.pages.is_empty() || chat.last_look != LastLook::Done {
            "has not read the histories"
        } else {
            chat.device.shared.report(&chat.device.name, None);
            return;
        };
        chat.report(why);
    }

    pub(super) fn note(&self, what: Happened) {
        self.chat.device.shared.note(what);
    }

    /// Says whether everything that the device was to do at the end is done but the last look at the histories.
    pub(super) fn is_through(&self) -> bool {
        let chat = &self.chat;
        chat.device.shared.is_quiet()
            && self.resume == Resume::Done
            && !chat.outbox.waits()
            && chat.pages.is_empty()
    }
}

/// Waits for a call if there is one, else for ever.
async fn optional(job: &mut Option<Job>) -> JobResult {
    match job {
        Some(job) => job.await,
        None => pending().await,
    }
}
