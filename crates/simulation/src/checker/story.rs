//! A history, arranged so that what belongs together is found.

mod changes;
mod logs;
mod members;
mod people;
mod requests;
mod sight;
mod troubles;

use protocol::{ConversationId, Position};

use crate::checker::{Bounds, Violation};
use crate::history::{DeviceId, Happened, Moment};
use crate::store::Truth;

pub(crate) use self::changes::Changes;
pub(crate) use self::logs::{Commit, Logs};
pub(crate) use self::members::Members;
pub(crate) use self::people::{Link, People};
pub(crate) use self::requests::Requests;
pub(crate) use self::sight::Sight;
pub(crate) use self::troubles::Troubles;

/// A moment's place in the history: what comes first has the smaller one, also where the clock stood still.
pub(crate) type Index = usize;

/// After the end of the history.
pub(crate) const NEVER: Index = usize::MAX;

/// Something that was so from one moment until another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// The moment that made it so.
    pub(crate) from: Index,
    /// The moment that ended it, or [`NEVER`].
    pub(crate) until: Index,
}

/// A history, arranged so that what belongs together is found.
pub(crate) struct Story<'a> {
    pub(crate) moments: &'a [Moment],
    pub(crate) truth: &'a Truth,
    pub(crate) bounds: &'a Bounds,
    /// Devices and their connections.
    pub(crate) people: People<'a>,
    /// What was asked for.
    pub(crate) requests: Requests<'a>,
    /// What the store took, and lost.
    pub(crate) logs: Logs<'a>,
    /// What became of messages.
    pub(crate) changes: Changes<'a>,
    /// Who was in which conversation when.
    pub(crate) members: Members<'a>,
    /// Who could see whose presence when.
    pub(crate) sight: Sight<'a>,
    /// When something was wrong.
    pub(crate) troubles: Troubles,
    quiet: Option<u64>,
    ended: bool,
}

impl Span {
    /// Says whether it was so at a moment.
    pub(crate) fn covers(self, index: Index) -> bool {
        self.from <= index && index < self.until
    }
}

impl<'a> Story<'a> {
    /// Arranges a history.
    pub(crate) fn new(moments: &'a [Moment], truth: &'a Truth, bounds: &'a Bounds) -> Self {
        let people = People::read(moments);
        let logs = Logs::read(moments);
        let requests = Requests::read(moments, truth, &people, &logs);
        let changes = Changes::read(&logs, &requests);
        let quiet = moments.iter().find(|moment| matches!(moment.what, Happened::Quiet));
        Self {
            moments,
            truth,
            bounds,
            people,
            requests,
            logs,
            changes,
            members: Members::read(moments),
            sight: Sight::read(moments),
            troubles: Troubles::read(moments),
            quiet: quiet.map(|moment| moment.at),
            ended: moments.iter().any(|moment| matches!(moment.what, Happened::End)),
        }
    }

    /// Gives everything that happened, with its place.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Index, &'a Happened)> + use<'a> {
        self.moments.iter().map(|moment| &moment.what).enumerate()
    }

    /// Gives the time of a moment; of [`NEVER`] that of the end.
    pub(crate) fn time(&self, index: Index) -> u64 {
        self.moments.get(index).map_or(self.end(), |moment| moment.at)
    }

    /// Gives the time of the end.
    pub(crate) fn end(&self) -> u64 {
        self.moments.last().map_or(0, |moment| moment.at)
    }

    /// Gives since when nobody did anything new and nothing was wrong, if the history came to its end.
    pub(crate) fn quiet(&self) -> Option<u64> {
        self.quiet.filter(|_| self.ended)
    }

    /// Gives the connections on which everything must have arrived at the end: those that were open for long enough.
    pub(crate) fn settled(&self) -> Vec<Link<'a>> {
        let Some(quiet) = self.quiet() else { return Vec::new() };
        let is_settled = |link: &&Link<'_>| {
            link.span.until == NEVER
                && self.time(link.span.from).max(quiet) + self.bounds.converge <= self.end()
        };
        self.people.chat.iter().filter(is_settled).copied().collect()
    }

    /// Makes a violation that showed at a moment.
    pub(crate) fn violation(&self, promise: &'static str, index: Index, text: String) -> Violation {
        Violation::new(promise, self.time(index), text)
    }

    /// Names a device with its owner.
    pub(crate) fn name(&self, device: DeviceId) -> String {
        let owner = self.people.owner(device).map_or("somebody", |user| user.as_str());
        format!("device {} of {owner}", device.0)
    }
}

/// Names a place in a conversation's log.
pub(crate) fn place(conversation: ConversationId, position: Position) -> String {
    format!("{conversation}/{}-{}", position.r#gen, position.seq)
}
