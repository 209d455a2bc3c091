//! A device's `/chat`: the task that keeps a connection open, and what lasts from one connection to the next.

mod connected;
mod paging;
mod taking;

use std::sync::Arc;

use protocol::Service;
use tokio::time::Instant;

use self::connected::Connected;
use super::device::{Device, Notice};
use super::link::Link;
use super::outbox::Outbox;
use super::pages::Pages;
use super::places::Places;
use crate::dice::Dice;
use crate::history::Happened;

/// How likely it is that a read mark is said once more on the next connection: the server may not have heard it.
const READ_AGAIN: f64 = 0.5;

/// What lasts from one connection to the next.
pub(super) struct Chat {
    device: Arc<Device>,
    dice: Dice,
    outbox: Outbox,
    places: Places,
    pages: Pages,
    /// What is to be said once, each not before a moment.
    notices: Vec<(Instant, Notice)>,
    /// The last read mark that was said.
    read: Option<Notice>,
    last_look: LastLook,
}

/// Whether the device has read all histories once more at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LastLook {
    /// It is to ask for the list of conversations.
    Due,
    /// It reads them.
    Reading,
    /// It has.
    Done,
}

/// Keeps a device connected until its login has ended.
pub(super) async fn run(device: Arc<Device>, dice: Dice) {
    let mut link = Link::new(device.clone(), Service::Chat, dice.clone());
    let mut chat = Chat {
        device: device.clone(),
        dice,
        outbox: Outbox::default(),
        places: Places::default(),
        pages: Pages::default(),
        notices: Vec::new(),
        read: None,
        last_look: LastLook::Due,
    };
    while let Some((socket, welcome)) = link.open().await {
        let connection = device.shared.next_connection();
        let (id, opened) = (device.id, Instant::now());
        device.shared.note(Happened::Opened {
            device: id,
            connection,
            shard: welcome.shard,
            epoch: welcome.epoch,
        });
        chat.begin();
        let ended = Box::pin(Connected::new(&mut chat, socket, connection).run()).await;
        device.shared.note(Happened::Closed { device: id, connection, how: ended.how });
        chat.report("is not connected");
        link.lost(opened.elapsed());
        if let Some(url) = ended.go {
            link.go(url.as_deref());
        }
    }
    device.shared.report(&device.name, None);
}

impl Chat {
    /// Takes note of a new connection.
    fn begin(&mut self) {
        self.outbox.connected();
        self.places.connected();
        self.pages.failed();
        // Whoever typed does so no longer.
        self.notices.retain(|(_, notice)| matches!(notice, Notice::Read(..)));
        if let Some(read) = self.read.take().filter(|_| self.dice.chance(READ_AGAIN)) {
            self.notices.insert(0, (Instant::now(), read));
        }
    }

    /// Takes what the person wants.
    fn take_wishes(&mut self) {
        let (requests, notices) = self.device.take_chat();
        requests.into_iter().for_each(|pending| self.outbox.push(pending));
        self.notices.extend(notices);
        if self.device.shared.is_quiet() {
            self.outbox.repeat_nothing();
        }
    }

    /// Takes note of what the device waits for: it only counts once nobody does anything new any more, and if the device is to be on.
    fn report(&self, why: &'static str) {
        if self.device.shared.is_quiet() && self.device.is_on() {
            self.device.shared.report(&self.device.name, Some(why));
        }
    }
}
