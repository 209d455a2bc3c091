//! Pushed: a member with no device connected is notified by every channel that was registered, at least once.
//!
//! A message of which this is asked: it was not lost and not taken back; its receiver was a member when it was committed and is one at the
//! end, had a push device by then, has not been connected since, has not read it, has certainly not muted the conversation, and nobody is
//! blocked in it. The push may be for a later message of the same conversation, which stands for those before it.
//!
//! That nobody is pushed what is not theirs is another promise's matter.

use std::collections::{BTreeMap, BTreeSet};

use protocol::{ConversationId, EventKind, Username};

use crate::checker::Violation;
use crate::checker::story::{Commit, Index, NEVER, Story, place};
use crate::history::{Answer, Call, CallId, Happened};

const PROMISE: &str = "pushed";

/// A call that mutes or unmutes a conversation.
struct Muting {
    muted: bool,
    answered: Index,
    answer: Option<Answer>,
}

/// Whose device was told of which conversation.
type PushedTo<'a> = (&'a Username, &'a str, ConversationId);

/// What decides on pushes.
#[derive(Default)]
struct Pushes<'a> {
    /// Since when a user has a push device.
    devices: BTreeMap<&'a Username, BTreeMap<&'a str, Index>>,
    muting: BTreeMap<(ConversationId, &'a Username), Vec<Muting>>,
    /// What a device was told of a conversation: when, and the number of the message.
    pushed: BTreeMap<PushedTo<'a>, Vec<(Index, u64)>>,
    /// How far a member has read, whenever that moved.
    read: BTreeMap<(ConversationId, &'a Username), Vec<(Index, u64)>>,
}

pub(super) fn check(story: &Story<'_>) -> Vec<Violation> {
    let Some(quiet) = story.quiet() else { return Vec::new() };
    let pushes = Pushes::read(story);
    let mut violations = Vec::new();
    for commit in story.logs.iter() {
        if commit.kind != EventKind::Message || commit.lost_at < NEVER {
            continue;
        }
        for (user, _) in story.members.at(commit.conversation, commit.at) {
            let Some(away) = away_since(story, user, commit) else { continue };
            let due = story.troubles.due(away, story.bounds.push, story.bounds.push);
            if due.max(quiet + story.bounds.push) > story.end() || !pushes.concerns(story, commit, user) {
                continue;
            }
            for device in pushes.missing(story, commit, user) {
                let place = place(commit.conversation, commit.position);
                let what = format!("{place}, of {}, nor a later one", commit.from);
                let text = format!("{user} was away since before, and {device} was never pushed {what}");
                violations.push(story.violation(PROMISE, commit.at, text));
            }
        }
    }
    violations
}

/// Gives from when on it can be known that a receiver is away, if that is so from before a message until the end.
fn away_since(story: &Story<'_>, user: &Username, commit: &Commit<'_>) -> Option<u64> {
    let committed = story.time(commit.at);
    let last = story.people.chat.of(user).map(|link| link.span.until).max();
    match last {
        None => Some(committed),
        // The server may not have been told that the device went.
        Some(last) if last < commit.at => Some(committed.max(story.time(last) + story.bounds.vanish)),
        Some(_) => None,
    }
}

impl<'a> Pushes<'a> {
    fn read(story: &Story<'a>) -> Self {
        let mut pushes = Self::default();
        let mut open: BTreeMap<CallId, (&Username, &Call)> = BTreeMap::new();
        for (at, what) in story.iter() {
            match what {
                Happened::Called {
                    call,
                    user,
                    what: what @ (Call::PutDevice { .. } | Call::Mute { .. }),
                } => {
                    open.insert(*call, (user, what));
                }
                Happened::Answered { call, answer } => {
                    if let Some((user, call)) = open.remove(call) {
                        pushes.answered(user, call, at, Some(answer.clone()));
                    }
                }
                Happened::Pushed { user, device, conversation, seq } => {
                    // One that is given something is registered.
                    pushes.devices.entry(user).or_default().entry(device).or_insert(at);
                    pushes.pushed.entry((user, device, *conversation)).or_default().push((at, *seq));
                }
                Happened::Marked { conversation, user, read, .. } => {
                    pushes.read.entry((*conversation, user)).or_default().push((at, *read));
                }
                _ => {}
            }
        }
        for (user, call) in open.into_values() {
            pushes.answered(user, call, NEVER, None);
        }
        pushes
    }

    fn answered(&mut self, user: &'a Username, call: &'a Call, at: Index, answer: Option<Answer>) {
        match call {
            Call::PutDevice { id } if matches!(answer, Some(Answer::Done(_))) => {
                self.devices.entry(user).or_default().entry(id).or_insert(at);
            }
            Call::Mute { conversation, muted } => {
                let muting = Muting { muted: *muted, answered: at, answer };
                self.muting.entry((*conversation, user)).or_default().push(muting);
            }
            _ => {}
        }
    }

    /// Says whether a member is certainly to be told of a message.
    fn concerns(&self, story: &Story<'_>, commit: &Commit<'_>, user: &Username) -> bool {
        let id = commit.conversation;
        let Some(truth) = story.truth.conversations.get(&id) else { return false };
        let stay = story.members.stay(id, user, commit.at);
        let reads = self.read.get(&(id, user)).into_iter().flatten();
        user != commit.from
            && stay.is_some_and(|stay| stay.span.until == NEVER)
            && !story.members.is_blocked_after(id, commit.at)
            && !truth.deleted.contains(&commit.position.seq)
            && !truth.muted.contains(user)
            && !self.may_be_muted(story, id, user, commit.at)
            && !reads.into_iter().any(|(at, read)| *at > commit.at && *read >= commit.position.seq)
    }

    /// Says whether a member may have muted a conversation at some time since.
    fn may_be_muted(&self, story: &Story<'_>, id: ConversationId, user: &Username, since: Index) -> bool {
        let mut muted = false;
        for muting in self.muting.get(&(id, user)).into_iter().flatten() {
            match &muting.answer {
                Some(Answer::Refused(_)) => {}
                _ if muting.muted => muted = true,
                // A loss may have brought back what was before.
                Some(Answer::Done(_)) if muting.answered < since && story.logs.lost_at.is_empty() => {
                    muted = false;
                }
                _ => {}
            }
        }
        muted
    }

    /// Gives the devices of a user that were not told of a message, nor of a later one.
    fn missing(&self, story: &Story<'_>, commit: &Commit<'_>, user: &'a Username) -> Vec<&'a str> {
        let devices = self.devices.get(user).into_iter().flatten();
        let before = devices.filter(|(_, since)| **since < commit.at && !self.may_be_lost(story, **since));
        let told = |device: &str| {
            let pushed = self.pushed.get(&(user, device, commit.conversation));
            let mut later = pushed.into_iter().flatten().rev().take_while(|(at, _)| *at > commit.at);
            later.any(|(_, seq)| *seq >= commit.position.seq)
        };
        before.map(|(device, _)| *device).filter(|device| !told(device)).collect()
    }

    /// Says whether a loss may have taken a device away that was registered at a moment.
    fn may_be_lost(&self, story: &Story<'_>, since: Index) -> bool {
        let registered = story.time(since);
        let mut losses = story.logs.lost_at.iter();
        losses.any(|at| *at > since && story.time(*at) <= registered + story.bounds.loss)
    }
}

/// Gives how many pushes were given to a device that had been given the same before.
pub(crate) fn repeats(story: &Story<'_>) -> usize {
    let mut given = BTreeSet::new();
    let pushes = story.iter().filter_map(|(_, what)| match what {
        Happened::Pushed { user, device, conversation, seq } => Some((user, device, *conversation, *seq)),
        _ => None,
    });
    pushes.filter(|push| !given.insert(*push)).count()
}

#[cfg(test)]
mod tests {
    use crate::checker::example::{Example, TALK, at, name};
    use crate::history::{Answer, Call, Happened};

    fn example() -> Example {
        let mut example = Example::of(&["ada", "ben"]);
        example.call("ben", Call::PutDevice { id: "phone".to_owned() }, Answer::Done(None));
        example.open("ada");
        example
    }

    fn push(example: &mut Example, seq: u64) {
        let (user, device) = (name("ben"), "phone".to_owned());
        example.note(Happened::Pushed { user, device, conversation: TALK, seq });
    }

    fn finish(mut example: Example) -> Example {
        example.quiet();
        example.end();
        example
    }

    #[test]
    fn a_push_for_a_later_message_keeps_it() {
        let mut example = example();
        example.say("ada", "m1");
        example.say("ada", "m2");
        push(&mut example, 2);
        push(&mut example, 2);
        finish(example).assert_kept();
    }

    #[test]
    fn no_push_or_one_for_an_earlier_message_breaks_it() {
        let mut example = example();
        example.say("ada", "m1");
        let mut earlier = example.clone();
        push(&mut earlier, 1);
        earlier.say("ada", "m2");
        push(&mut earlier, 1);
        finish(example).assert_broken("pushed", "never pushed");
        finish(earlier).assert_broken("pushed", "1-2, of ada");
    }

    #[test]
    fn of_what_may_be_otherwise_it_says_nothing() {
        let mute = |muted| Call::Mute { conversation: TALK, muted };
        let mut read = example();
        read.say("ada", "m1");
        read.open("ben");
        read.page("ben", 0, &[(at(1, 1), Some("text of m1"))]);
        let mut muted = example();
        muted.call("ben", mute(true), Answer::Unknown);
        muted.say("ada", "m1");
        let mut gone = example();
        gone.say("ada", "m1");
        gone.members(&[("ada", 0)]);
        let mut deleted = example();
        deleted.say("ada", "m1");
        deleted.delete("ada", "d1", 1);
        for example in [read, muted, gone, deleted] {
            finish(example).assert_kept();
        }
        let mut unmuted = example();
        unmuted.call("ben", mute(true), Answer::Done(None));
        unmuted.call("ben", mute(false), Answer::Done(None));
        unmuted.say("ada", "m1");
        finish(unmuted).assert_broken("pushed", "never pushed");
    }
}
