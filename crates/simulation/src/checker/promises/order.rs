//! In order, without gaps, on each connection.
//!
//! - What a connection is shown of a conversation goes on without a hole from the first event that it is shown; to go back it takes a loss,
//!   and a greater generation.
//! - The ack of an own request stands for its event on the connection on which it was sent.
//! - Where a resume is answered with `recovered: true`, everything from the cursor to the place in the answer was shown, without a cursor
//!   everything since the user joined. Where it is answered with `recovered: false`, what follows goes on from that place.
//! - In a conversation that the user joined while the connection was open, the first event shown is the one after joining. Whoever is told to
//!   have left forgets it, and begins anew when back.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use protocol::chat::Resumed;
use protocol::{ConversationId, Position, Username};

use crate::checker::Violation;
use crate::checker::story::{Index, Link, Story, place};
use crate::history::{ConnectionId, Happened};

const PROMISE: &str = "order";

/// The resumes of a connection.
#[derive(Default)]
struct Resumes<'a> {
    /// Those that are not answered.
    asked: VecDeque<(Index, &'a BTreeMap<ConversationId, Position>)>,
    answered: bool,
}

/// What a connection was shown of a conversation.
#[derive(Default)]
struct Line {
    /// The last event, and the moment from which losses concern it.
    last: Option<(Position, Index)>,
    /// By number, then by generation.
    shown: BTreeSet<(u64, u64)>,
    /// When it was told last that its user has left.
    left: Option<Index>,
}

struct Check<'s, 'a> {
    story: &'s Story<'a>,
    resumes: BTreeMap<ConnectionId, Resumes<'a>>,
    lines: BTreeMap<(ConnectionId, ConversationId), Line>,
    violations: Vec<Violation>,
}

pub(super) fn check(story: &Story<'_>) -> Vec<Violation> {
    let (resumes, lines) = (BTreeMap::new(), BTreeMap::new());
    let mut check = Check { story, resumes, lines, violations: Vec::new() };
    for (at, what) in story.iter() {
        match what {
            Happened::ResumeAsked { connection, cursors, .. } => {
                check.resumes.entry(*connection).or_default().asked.push_back((at, cursors));
            }
            Happened::Resumed { connection, conversations, .. } => {
                check.resumed(at, *connection, conversations);
            }
            Happened::Shown { connection, conversation, position, .. } => {
                check.shown(at, *connection, *conversation, *position);
            }
            Happened::ConversationShown { connection, conversation, left: true, .. } => {
                let line = check.lines.entry((*connection, *conversation)).or_default();
                (line.last, line.left) = (None, Some(at));
            }
            _ => {}
        }
    }
    check.violations
}

impl<'a> Check<'_, 'a> {
    fn shown(
        &mut self,
        at: Index,
        connection: ConnectionId,
        conversation: ConversationId,
        position: Position,
    ) {
        let Some(link) = self.story.people.chat.get(connection).copied() else { return };
        let line = self.lines.entry((connection, conversation)).or_default();
        if let Some((last, _)) = line.last
            && position <= last
        {
            // The same one twice is another promise's matter.
            if line.shown.insert((position.seq, position.r#gen)) {
                let before = place(conversation, last);
                self.violate(at, &link, conversation, position, &format!("after {before}"));
            }
            return;
        }
        let (last, left) = (line.last, line.left);
        let committed = self.story.logs.at(conversation, position).map_or(at, |commit| commit.at);
        line.last = Some((position, committed));
        line.shown.insert((position.seq, position.r#gen));
        let resumes = self.resumes.get(&connection);
        if resumes.is_some_and(|resumes| !resumes.asked.is_empty()) {
            // The answer will tell from where on nothing may be missing.
            return;
        }
        let hole = match last {
            Some((last, since)) => self.hole_after(&link, conversation, last, since, position, committed, at),
            None => self.hole_before(&link, conversation, position, at, left),
        };
        if let Some(hole) = hole {
            self.violate(at, &link, conversation, position, &hole);
        }
    }

    /// Says what is wrong with an event that follows another.
    #[expect(clippy::too_many_arguments, reason = "two events and where they were shown")]
    fn hole_after(
        &self,
        link: &Link<'_>,
        conversation: ConversationId,
        last: Position,
        since: Index,
        position: Position,
        committed: Index,
        at: Index,
    ) -> Option<String> {
        let lost = self.story.logs.first_lost(conversation, since, committed).unwrap_or(u64::MAX);
        let base = last.seq.min(lost.saturating_sub(1));
        let after = format!("after {}", place(conversation, last));
        if position.seq <= base {
            return Some(format!("{after}, of which only what follows {base} was lost"));
        }
        let stays = self.story.members.stays(conversation, link.user).iter();
        let rejoined = stays.filter(|stay| since < stay.span.from && stay.span.from < at);
        let bases = std::iter::once(base).chain(rejoined.map(|stay| stay.joined));
        let missing = bases.map(|base| self.missing(link, conversation, base, position.seq - 1, at, None));
        // One beginning without a hole is enough.
        let missing: Option<Vec<u64>> = missing.collect();
        missing.map(|missing| format!("{after}, without {}", missing[0]))
    }

    /// Says what is wrong with the first event of a conversation, or the first since the user had left.
    fn hole_before(
        &self,
        link: &Link<'_>,
        conversation: ConversationId,
        position: Position,
        at: Index,
        left: Option<Index>,
    ) -> Option<String> {
        let since = left.unwrap_or(link.span.from);
        let stays = self.story.members.stays(conversation, link.user).iter();
        let stays: Vec<_> = stays.filter(|stay| stay.span.from < at && since < stay.span.until).collect();
        let goes_on = left.is_none() && stays.iter().any(|stay| stay.span.from <= since);
        if stays.is_empty() || goes_on {
            // It goes on live, from wherever the log was.
            return None;
        }
        let last = position.seq.saturating_sub(1);
        let missing: Option<Vec<u64>> =
            stays.iter().map(|stay| self.missing(link, conversation, stay.joined, last, at, None)).collect();
        missing.map(|missing| format!("as the first since joining, without {}", missing[0]))
    }

    /// Gives the first number between two that was not shown and is no own request's.
    fn missing(
        &self,
        link: &Link<'_>,
        conversation: ConversationId,
        after: u64,
        until: u64,
        at: Index,
        line: Option<&Line>,
    ) -> Option<u64> {
        let is_own = |seq: u64| {
            self.story.logs.with_seq(conversation, seq).any(|commit| {
                commit.from == link.user && self.story.requests.is_sent_on(link.id, commit.id, at)
            })
        };
        let is_shown =
            |seq: u64| line.is_some_and(|line| line.shown.range((seq, 0)..=(seq, u64::MAX)).next().is_some());
        (after + 1..=until).find(|seq| !is_shown(*seq) && !is_own(*seq))
    }

    fn resumed(
        &mut self,
        at: Index,
        connection: ConnectionId,
        conversations: &BTreeMap<ConversationId, Resumed>,
    ) {
        let Some(link) = self.story.people.chat.get(connection).copied() else { return };
        let resumes = self.resumes.entry(connection).or_default();
        let Some((asked, cursors)) = resumes.asked.pop_front() else {
            let text =
                format!("{} was answered a resume that it had not asked for", self.story.name(link.device));
            self.violations.push(self.story.violation(PROMISE, at, text));
            return;
        };
        let first = !std::mem::replace(&mut resumes.answered, true);
        for (conversation, resumed) in conversations {
            let end = Position { r#gen: resumed.r#gen, seq: resumed.seq };
            let start = match cursors.get(conversation) {
                Some(cursor) => Some(cursor.seq),
                None if first => self.joined(*conversation, link.user, asked, at),
                None => None,
            };
            let line = self.lines.entry((connection, *conversation)).or_default();
            let line = std::mem::take(line);
            let missing = start.filter(|_| resumed.recovered).and_then(|start| {
                let missing = self.missing(&link, *conversation, start, end.seq, at, Some(&line))?;
                Some(format!("after {start}, without {missing}"))
            });
            if let Some(missing) = missing {
                let what = format!("as the end of a resume that recovered everything {missing}");
                self.violate(at, &link, *conversation, end, &what);
            }
            let last = line.last.filter(|(last, _)| *last >= end);
            let since = self.story.logs.at(*conversation, end).map_or(asked, |commit| commit.at);
            let last = last.or(Some((end, since)));
            self.lines.insert((connection, *conversation), Line { last, ..line });
        }
    }

    /// Gives the number after which a user who had no cursor is certainly shown everything.
    fn joined(
        &self,
        conversation: ConversationId,
        user: &Username,
        asked: Index,
        answered: Index,
    ) -> Option<u64> {
        let stays = self.story.members.stays(conversation, user).iter();
        let meanwhile = stays.filter(|stay| stay.span.from < answered && asked < stay.span.until);
        meanwhile.map(|stay| stay.joined).max()
    }

    fn violate(
        &mut self,
        at: Index,
        link: &Link<'a>,
        conversation: ConversationId,
        position: Position,
        what: &str,
    ) {
        let (who, place, connection) =
            (self.story.name(link.device), place(conversation, position), link.id.0);
        let opened = self.story.time(link.span.from);
        let text = format!("{who} was shown {place} {what} (connection {connection}, since {opened} ms)");
        self.violations.push(self.story.violation(PROMISE, at, text));
    }
}

#[cfg(test)]
mod tests {
    use crate::checker::example::{Example, at};

    /// Three messages of ada, with nobody else connected.
    fn example() -> Example {
        let mut example = Example::of(&["ada", "ben"]);
        example.open("ada");
        for id in ["m1", "m2", "m3"] {
            example.say("ada", id);
        }
        example
    }

    #[test]
    fn a_live_start_and_what_follows_it_keeps_it() {
        let mut example = example();
        example.open("ben");
        let fourth = example.say("ada", "m4");
        example.show("ben", fourth);
        let own = example.say("ben", "m5");
        example.show("ada", own);
        let sixth = example.say("ada", "m6");
        example.show("ben", sixth);
        example.assert_kept();
    }

    #[test]
    fn a_hole_breaks_it() {
        let mut example = example();
        example.open("ben");
        example.show("ben", at(1, 1));
        example.show("ben", at(1, 3));
        example.assert_broken("order", "without 2");
    }

    #[test]
    fn an_own_request_of_another_connection_is_a_hole() {
        let mut example = Example::of(&["ada", "ben"]);
        example.open("ada");
        example.open("ben");
        let first = example.say("ada", "m1");
        example.say("ben", "m2");
        let third = example.say("ada", "m3");
        let mut anew = example.clone();
        for example in [&mut example, &mut anew] {
            example.show("ben", first);
        }
        example.show("ben", third);
        example.assert_kept();
        anew.close("ben");
        anew.open("ben");
        anew.resume("ben", None);
        anew.show("ben", first);
        anew.show("ben", third);
        anew.resumed("ben", third, true);
        anew.assert_broken("order", "without 2");
    }

    #[test]
    fn going_back_breaks_it() {
        let mut example = example();
        example.open("ben");
        example.show("ben", at(1, 3));
        example.show("ben", at(1, 2));
        example.assert_broken("order", "after");
    }

    #[test]
    fn after_a_loss_it_goes_on_where_the_log_does() {
        let mut example = example();
        example.open("ben");
        example.show("ben", at(1, 2));
        example.show("ben", at(1, 3));
        example.lose(3);
        let mut hole = example.clone();
        let third = example.say("ada", "m4");
        example.show("ben", third);
        example.assert_kept();
        hole.say("ada", "m4");
        let fourth = hole.say("ada", "m5");
        hole.show("ben", fourth);
        hole.assert_broken("order", "without 3");
    }

    #[test]
    fn a_resume_shows_everything_after_its_cursor() {
        let mut example = example();
        example.open("ben");
        example.resume("ben", Some(at(1, 1)));
        let mut hole = example.clone();
        example.show("ben", at(1, 2));
        for example in [&mut example, &mut hole] {
            example.show("ben", at(1, 3));
            example.resumed("ben", at(1, 3), true);
        }
        let fourth = example.say("ada", "m4");
        example.show("ben", fourth);
        example.assert_kept();
        hole.assert_broken("order", "after 1, without 2");
    }

    #[test]
    fn a_resume_without_a_cursor_shows_everything_since_joining() {
        let mut example = example();
        example.open("ben");
        example.resume("ben", None);
        let mut hole = example.clone();
        (1..=3).for_each(|seq| example.show("ben", at(1, seq)));
        example.resumed("ben", at(1, 3), true);
        example.assert_kept();
        hole.show("ben", at(1, 3));
        hole.resumed("ben", at(1, 3), true);
        hole.assert_broken("order", "after 0, without 1");
    }

    #[test]
    fn a_resume_that_did_not_recover_may_leave_a_hole_before_its_end_only() {
        let mut example = example();
        example.open("ben");
        example.show("ben", at(1, 1));
        example.resume("ben", Some(at(1, 1)));
        example.resumed("ben", at(1, 3), false);
        let mut hole = example.clone();
        let fourth = example.say("ada", "m4");
        example.show("ben", fourth);
        example.assert_kept();
        hole.say("ada", "m4");
        let fifth = hole.say("ada", "m5");
        hole.show("ben", fifth);
        hole.assert_broken("order", "without 4");
    }

    #[test]
    fn one_who_joins_is_shown_what_comes_after_joining() {
        let mut example = Example::of(&["ada"]);
        example.open("ada");
        example.say("ada", "m1");
        example.add_person("ben");
        example.open("ben");
        example.members(&[("ada", 0), ("ben", 1)]);
        let second = example.say("ada", "m2");
        let third = example.say("ada", "m3");
        let mut hole = example.clone();
        example.show("ben", second);
        example.show("ben", third);
        example.assert_kept();
        hole.show("ben", third);
        hole.assert_broken("order", "since joining, without 2");
    }

    #[test]
    fn one_who_was_told_to_have_left_begins_anew() {
        let mut example = example();
        example.open("ben");
        example.show("ben", at(1, 3));
        example.members(&[("ada", 0)]);
        example.tell_left("ben");
        // The loss takes the leaving back.
        example.lose(3);
        example.members(&[("ada", 0), ("ben", 0)]);
        let mut hole = example.clone();
        example.show("ben", at(1, 1));
        example.show("ben", at(1, 2));
        example.assert_kept();
        hole.show("ben", at(1, 2));
        hole.assert_broken("order", "since joining, without 1");
    }

    #[test]
    fn one_who_leaves_during_a_resume_was_shown_what_came_before() {
        let mut example = example();
        example.open("ben");
        example.resume("ben", Some(at(1, 2)));
        example.show("ben", at(1, 3));
        example.members(&[("ada", 0)]);
        example.tell_left("ben");
        example.resumed("ben", at(1, 3), true);
        example.assert_kept();
    }

    #[test]
    fn an_answer_that_nobody_asked_for_breaks_it() {
        let mut example = example();
        example.open("ben");
        example.resumed("ben", at(1, 3), true);
        example.assert_broken("order", "had not asked for");
    }
}
