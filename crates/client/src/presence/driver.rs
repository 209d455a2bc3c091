//! The task of one connection to `/presence`.

use protocol::Username;
use protocol::presence::{ChosenStatus, ServerFrame};
use tokio::sync::mpsc;

use super::PresenceEvent;
use super::wishes::{Frame, Wishes};
use crate::chat::refusal;
use crate::core::End;
use crate::link::{Link, LinkEvent};
use crate::outlet::Outlet;

/// What an application wants of its connection.
#[derive(Debug)]
pub(super) enum Command {
    Status { status: ChosenStatus, status_text: Option<String> },
    Subscribe(Vec<Username>),
    Unsubscribe(Vec<Username>),
    Active,
    Reconnect,
    Close,
}

/// What the task holds.
pub(super) struct Driver {
    link: Link,
    commands: mpsc::Receiver<Command>,
    outlet: Outlet<PresenceEvent>,
    wishes: Wishes,
}

impl Driver {
    pub(super) fn new(link: Link, commands: mpsc::Receiver<Command>, outlet: Outlet<PresenceEvent>) -> Self {
        Self { link, commands, outlet, wishes: Wishes::default() }
    }

    /// Runs until the connection has ended for good.
    pub(super) async fn run(mut self) {
        let end = loop {
            let end = tokio::select! {
                () = self.outlet.pass_on(), if self.outlet.waits() => None,
                event = self.link.next(), if self.outlet.has_room() => self.happened(event),
                command = self.commands.recv() => self.command(command.unwrap_or(Command::Close)),
            };
            if let Some(end) = end {
                break end;
            }
        };
        self.commands.close();
        if end == End::Closed {
            self.link.close().await;
            return;
        }
        self.outlet.push(PresenceEvent::Ended(end));
        self.outlet.finish().await;
    }

    fn happened(&mut self, event: LinkEvent) -> Option<End> {
        match event {
            LinkEvent::Up(welcome) => {
                self.say(self.wishes.all());
                let (shard, epoch) = (welcome.shard, welcome.epoch);
                self.outlet.push(PresenceEvent::Connected { shard, epoch });
            }
            LinkEvent::Frame(text) => self.frame(&text),
            LinkEvent::Down(loss) => self.outlet.push(PresenceEvent::Disconnected(loss)),
            LinkEvent::End(end) => return Some(end),
        }
        None
    }

    fn frame(&mut self, text: &str) {
        match serde_json::from_str(text) {
            Ok(ServerFrame::Snapshot { users }) => self.outlet.push(PresenceEvent::Snapshot(users)),
            Ok(ServerFrame::Presence(presence)) => self.outlet.push(PresenceEvent::Changed(presence)),
            Ok(ServerFrame::Reconnect(order)) => self.link.go(order),
            Ok(ServerFrame::Welcome(_) | ServerFrame::Pong { .. }) => {}
            // An error's code may be newer than this client.
            Ok(ServerFrame::Error(_)) | Err(_) => {
                if let Ok((_, problem)) = refusal(text) {
                    self.outlet.push(PresenceEvent::Refused(problem));
                }
            }
        }
    }

    fn command(&mut self, command: Command) -> Option<End> {
        match command {
            Command::Status { status, status_text } => {
                let frame = self.wishes.choose(status, status_text);
                self.say([frame]);
            }
            Command::Subscribe(users) => {
                let frames = self.wishes.follow(users);
                self.say(frames);
            }
            Command::Unsubscribe(users) => {
                let frames = self.wishes.leave(&users);
                self.say(frames);
            }
            Command::Active => self.say([Frame::Active]),
            Command::Reconnect => return self.link.break_off().and_then(|event| self.happened(event)),
            Command::Close => return Some(End::Closed),
        }
        None
    }

    /// Says something; without a connection it is said on the next one.
    fn say(&mut self, frames: impl IntoIterator<Item = Frame>) {
        for frame in frames {
            // Strings always encode.
            self.link.queue(serde_json::to_string(&frame).unwrap_or_default().into());
        }
    }
}
