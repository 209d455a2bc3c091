//! Private: nobody is shown what is not theirs to see, and nobody writes where they may not.
//!
//! - Events, live or in a page, are shown to members only, and none that was committed after the user left for good.
//! - A conversation's members are shown to members only, as they once were; only one who was a member is told to have left.
//! - Typing and receipts, of members, are shown to members, or for a little while after they left.
//! - How somebody is, other than offline, is shown to those who may see it, or for a little while after they could.
//! - A push goes to a member's own device, of a message of others that was committed while they were a member.
//! - Members write, while nobody is blocked, and edit what is theirs.

mod writes;

use std::collections::{BTreeMap, BTreeSet};

use protocol::presence::Status;
use protocol::{ConversationId, EventKind, Position, Username};

use crate::checker::Violation;
use crate::checker::story::{Index, Story, place};
use crate::history::{Call, Happened};

const PROMISE: &str = "private";

/// What was seen so far on the way through a history.
#[derive(Default)]
struct Seen<'a> {
    /// Who has been in a conversation together.
    members: BTreeMap<ConversationId, BTreeSet<Vec<&'a Username>>>,
    /// Whose a push device is.
    devices: BTreeMap<&'a str, BTreeSet<&'a Username>>,
}

pub(super) fn check(story: &Story<'_>) -> Vec<Violation> {
    let mut seen = Seen::default();
    let mut violations = writes::check(story);
    for (at, what) in story.iter() {
        seen.note(what);
        let wrong = seen.wrong(story, at, what);
        violations.extend(wrong.map(|text| story.violation(PROMISE, at, text)));
    }
    violations
}

impl<'a> Seen<'a> {
    fn note(&mut self, what: &'a Happened) {
        match what {
            Happened::Members { conversation, members, .. } => {
                let mut names: Vec<_> = members.iter().map(|(name, _)| name).collect();
                names.sort_unstable();
                self.members.entry(*conversation).or_default().insert(names);
            }
            Happened::Called { user, what: Call::PutDevice { id }, .. } => {
                self.devices.entry(id).or_default().insert(user);
            }
            _ => {}
        }
    }

    /// Says what is wrong with something that was shown.
    fn wrong(&self, story: &Story<'_>, at: Index, what: &Happened) -> Option<String> {
        let owner = |device| story.people.owner(device);
        match what {
            Happened::Shown { device, conversation, position, .. } => {
                let wrong = foreign(story, at, owner(*device)?, *conversation, *position)?;
                Some(format!(
                    "{} was shown {}, {wrong}",
                    story.name(*device),
                    place(*conversation, *position)
                ))
            }
            Happened::Paged { device, conversation, messages, .. } => {
                let user = owner(*device)?;
                let mut found = messages.iter().filter_map(|(position, _)| {
                    let wrong = foreign(story, at, user, *conversation, *position)?;
                    let place = place(*conversation, *position);
                    Some(format!("{} was given {place} in a page, {wrong}", story.name(*device)))
                });
                found.next()
            }
            Happened::ConversationShown { device, conversation, members, left, .. } => {
                let wrong = self.unlike(story, at, owner(*device)?, *conversation, members, *left)?;
                Some(format!("{} was shown conversation {conversation}, {wrong}", story.name(*device)))
            }
            Happened::TypingShown { device, conversation, user, .. } => {
                let wrong = stranger(story, at, owner(*device)?, *conversation)
                    .or_else(|| stranger(story, at, user, *conversation))?;
                Some(format!(
                    "{} was shown that {user} types in {conversation}: {wrong}",
                    story.name(*device)
                ))
            }
            Happened::ReceiptShown { device, receipt, .. } => {
                let (user, conversation) = (&receipt.user, receipt.conversation);
                let wrong = stranger(story, at, owner(*device)?, conversation)
                    .or_else(|| stranger(story, at, user, conversation))?;
                Some(format!(
                    "{} was shown a receipt of {user} in {conversation}: {wrong}",
                    story.name(*device)
                ))
            }
            Happened::PresenceShown { device, user, status, .. } if *status != Status::Offline => {
                let wrong = unseen(story, at, owner(*device)?, user)?;
                Some(format!("{} was shown that {user} is {status:?}, {wrong}", story.name(*device)))
            }
            Happened::Pushed { user, device, conversation, seq } => {
                let wrong = self.unconcerned(story, at, user, device, *conversation, *seq)?;
                Some(format!("{device} of {user} was pushed {seq} of {conversation}, {wrong}"))
            }
            _ => None,
        }
    }

    fn unlike(
        &self,
        story: &Story<'_>,
        at: Index,
        user: &Username,
        conversation: ConversationId,
        members: &[Username],
        left: bool,
    ) -> Option<String> {
        let stays = story.members.stays(conversation, user);
        if stays.first().is_none_or(|stay| stay.span.from > at) {
            return Some("and never was in it".to_owned());
        }
        if left && members.is_empty() {
            return None;
        }
        let mut names: Vec<_> = members.iter().collect();
        names.sort_unstable();
        let was_so = self.members.get(&conversation).is_some_and(|known| known.contains(&names));
        let was_in = names.binary_search(&user).is_ok();
        (!was_so || !was_in).then(|| format!("with {names:?}, and never was in it with them"))
    }

    fn unconcerned(
        &self,
        story: &Story<'_>,
        at: Index,
        user: &Username,
        device: &str,
        conversation: ConversationId,
        seq: u64,
    ) -> Option<String> {
        if self.devices.get(device).is_some_and(|owners| !owners.contains(user)) {
            return Some("on a device of somebody else".to_owned());
        }
        let messages = story.logs.with_seq(conversation, seq);
        let messages = messages.filter(|commit| commit.kind == EventKind::Message && commit.at < at);
        let mut is_own = false;
        for message in messages {
            is_own = message.from == user;
            if !is_own && story.members.stay(conversation, user, message.at).is_some() {
                return None;
            }
        }
        let why = if is_own { "an own message" } else { "and was not in it when that was committed" };
        Some(why.to_owned())
    }
}

/// Says why an event is not a user's to see.
fn foreign(
    story: &Story<'_>,
    at: Index,
    user: &Username,
    conversation: ConversationId,
    position: Position,
) -> Option<String> {
    let stays = story.members.stays(conversation, user).iter();
    let last = stays.rev().find(|stay| stay.span.from <= at);
    let Some(last) = last else { return Some("and was never a member until then".to_owned()) };
    let commit = story.logs.at(conversation, position)?;
    (last.span.until < commit.at).then(|| {
        let (left, committed) = (story.time(last.span.until), story.time(commit.at));
        format!("which was committed at {committed} ms, and left at {left} ms")
    })
}

/// Says why what passes in a conversation does not concern a user, as reader or as author.
fn stranger(story: &Story<'_>, at: Index, user: &Username, conversation: ConversationId) -> Option<String> {
    let mut stays = story.members.stays(conversation, user).iter().rev();
    let Some(last) = stays.find(|stay| stay.span.from <= at) else {
        return Some(format!("{user} was never a member until then"));
    };
    let left = story.time(last.span.until);
    let due = story.troubles.due(left, story.bounds.revoke, story.bounds.revoke);
    (last.span.until < at && due < story.time(at)).then(|| format!("{user} left at {left} ms"))
}

/// Says why somebody's presence is not a user's to see.
fn unseen(story: &Story<'_>, at: Index, user: &Username, other: &Username) -> Option<String> {
    if user == other {
        return None;
    }
    let Some(last) = story.sight.last(user, other, at) else {
        return Some("who never was theirs to see".to_owned());
    };
    let since = story.time(last.until);
    let due = story.troubles.due(since, story.bounds.propagate, story.bounds.refresh);
    (last.until < at && due < story.time(at)).then(|| format!("who is not theirs to see since {since} ms"))
}

#[cfg(test)]
mod tests {
    use protocol::chat::Receipt;
    use protocol::presence::Status;

    use crate::checker::example::{Example, TALK, at, name};
    use crate::history::Happened;

    const ALL: [(&str, u64); 3] = [("ada", 0), ("ben", 0), ("cyd", 0)];

    /// Three, of whom cyd is removed after the first message.
    fn example() -> Example {
        let mut example = Example::of(&["ada", "ben", "cyd"]);
        for who in ["ada", "ben", "cyd"] {
            example.open(who);
        }
        example.say("ada", "m1");
        example.members(&ALL[..2]);
        example
    }

    #[test]
    fn events_from_before_leaving_keep_it_and_later_ones_break_it() {
        let mut example = example();
        example.say("ada", "m2");
        example.show("cyd", at(1, 1));
        example.assert_kept();
        let mut paged = example.clone();
        paged.page("cyd", 0, &[(at(1, 2), Some("text of m2"))]);
        paged.assert_broken("private", "and left at");
        let mut back = example.clone();
        back.members(&[("ada", 0), ("ben", 0), ("cyd", 2)]);
        back.page("cyd", 0, &[(at(1, 2), Some("text of m2"))]);
        back.assert_kept();
        example.show("cyd", at(1, 2));
        example.assert_broken("private", "and left at");
    }

    #[test]
    fn a_stranger_is_shown_nothing() {
        let mut example = example();
        example.add_person("dan");
        example.open("dan");
        let mut typing = example.clone();
        example.show("dan", at(1, 1));
        example.assert_broken("private", "never a member");
        let (device, connection) = (typing.device("dan"), typing.chat("dan"));
        let mut receipt = typing.clone();
        let user = name("ada");
        typing.note(Happened::TypingShown {
            device,
            connection,
            conversation: TALK,
            user: user.clone(),
            active: false,
        });
        typing.assert_broken("private", "dan was never a member");
        let read = Receipt { conversation: TALK, user, delivered: None, read: None };
        receipt.note(Happened::ReceiptShown { device, connection, receipt: read });
        receipt.assert_broken("private", "dan was never a member");
    }

    #[test]
    fn typing_is_shown_for_a_little_while_after_leaving() {
        let mut example = example();
        let (device, connection) = (example.device("cyd"), example.chat("cyd"));
        let typing = Happened::TypingShown {
            device,
            connection,
            conversation: TALK,
            user: name("ada"),
            active: false,
        };
        example.note(typing.clone());
        example.assert_kept();
        example.pass(60_000);
        example.note(typing);
        example.assert_broken("private", "cyd left at");
    }

    #[test]
    fn members_are_shown_as_they_were() {
        let shown = |example: &Example, who: &str, members: &[&str], left| Happened::ConversationShown {
            device: example.device(who),
            connection: example.chat(who),
            conversation: TALK,
            members: members.iter().map(|member| name(member)).collect(),
            left,
        };
        let mut example = example();
        for (who, members, left) in
            [("ben", &["ada", "ben"][..], false), ("cyd", &["ada", "ben", "cyd"], false), ("cyd", &[], true)]
        {
            let shown = shown(&example, who, members, left);
            example.note(shown);
        }
        example.assert_kept();
        let mut after = example.clone();
        after.note(shown(&example, "cyd", &["ada", "ben"], false));
        after.assert_broken("private", "never was in it with them");
        example.note(shown(&example, "ben", &["ada", "ben", "dan"], false));
        example.assert_broken("private", "never was in it with them");
    }

    #[test]
    fn presence_is_shown_to_those_who_may_see_it() {
        let mut example = Example::of(&["ada", "ben"]);
        example.come("ada");
        example.come("ben");
        let (device, connection) = (example.device("ben"), example.presence("ben"));
        let shown = |status| Happened::PresenceShown { device, connection, user: name("ada"), status };
        let mut stranger = example.clone();
        stranger.note(shown(Status::Offline));
        stranger.assert_kept();
        stranger.note(shown(Status::Busy));
        stranger.assert_broken("private", "never was theirs to see");
        example.see("ben", "ada", true);
        example.note(shown(Status::Online));
        example.see("ada", "ben", false);
        example.note(shown(Status::Online));
        example.assert_kept();
        example.pass(60_000);
        example.note(shown(Status::Online));
        example.assert_broken("private", "not theirs to see since");
    }

    #[test]
    fn nobody_is_pushed_what_concerns_others() {
        let push = |user: &str, seq| {
            let (user, device) = (name(user), "phone".to_owned());
            Happened::Pushed { user, device, conversation: TALK, seq }
        };
        let mut example = example();
        example.say("ada", "m2");
        example.note(push("ben", 2));
        example.note(push("cyd", 1));
        example.assert_kept();
        let mut own = example.clone();
        own.note(push("ada", 1));
        own.assert_broken("private", "an own message");
        example.note(push("cyd", 2));
        example.assert_broken("private", "was not in it when");
    }
}
