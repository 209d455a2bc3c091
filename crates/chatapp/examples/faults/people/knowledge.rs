//! What a device knows of its conversations, and what it must never be shown.

use std::collections::BTreeMap;

use protocol::chat::{NotRecovered, Resumed};
use protocol::{ConversationId, Position};

/// A promise that was broken, as a device sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rule {
    /// A message was acknowledged and is not in the history.
    Lost,
    /// A message came twice, or is in the history twice.
    Repeated,
    /// A message came after one that follows it.
    OutOfOrder,
    /// Something between two messages did not come.
    Hole,
    /// A place stood for two messages.
    TwoMeanings,
    /// The history is not what a device was shown, or not the same for two members.
    History,
    /// A member who was away all the time was not pushed a message.
    NotPushed,
    /// A request was refused for good, or never answered.
    Refused,
    /// A member is told not to be one, or does not find the conversation among the own ones.
    Forgotten,
}

/// What was wrong, for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// Which promise was broken.
    pub(crate) rule: Rule,
    /// How.
    pub(crate) text: String,
}

/// Everything that one device knows.
#[derive(Default)]
pub(crate) struct Knowledge {
    conversations: BTreeMap<ConversationId, Known>,
    /// What each place ever stood for.
    meanings: BTreeMap<(ConversationId, Position), String>,
    /// Messages that other ones took the place of, which may happen where the log has lost a tail.
    pub(crate) taken_back: usize,
    /// How often the server said that the history must be paged anew, by the reason.
    pub(crate) paged_anew: BTreeMap<String, usize>,
    /// What was wrong.
    pub(crate) wrong: Vec<Wrong>,
    /// Each resume of a conversation: the cursor, and what the server said.
    resumes: BTreeMap<ConversationId, Vec<(Position, Resumed)>>,
}

/// What a device knows of a conversation.
#[derive(Default)]
struct Known {
    /// The generation and the sender's id of each message.
    messages: BTreeMap<u64, (u64, String)>,
    /// The number up to which everything is known.
    whole: u64,
    /// What came last on this connection, or is known from before it.
    last: Position,
    /// From where this connection was resumed.
    resumed_from: Position,
    /// The generation up to which nothing that was shown can be missing. An ack may be of a later one, and overtake what is to be
    /// shown before it.
    trusted: u64,
}

impl Knowledge {
    /// Takes note of a new connection, and gives the cursors to resume from.
    pub(crate) fn connect(&mut self) -> BTreeMap<ConversationId, Position> {
        for known in self.conversations.values_mut() {
            known.last = known.cursor();
            known.resumed_from = known.last;
        }
        self.conversations.iter().map(|(id, known)| (*id, known.cursor())).collect()
    }

    /// Takes a message that came, while `open` own ones are without an ack: they may have a number that is not known yet.
    pub(crate) fn shown(&mut self, id: ConversationId, position: Position, message: &str, open: usize) {
        let known = self.conversations.entry(id).or_default();
        if position <= known.last {
            let same = known.messages.get(&position.seq).is_some_and(|(_, known)| known == message);
            let rule = if same { Rule::Repeated } else { Rule::OutOfOrder };
            let text = format!("{message} came as {} after {}", place(id, position), place(id, known.last));
            self.wrong.push(Wrong { rule, text });
            return;
        }
        known.last = position;
        known.trusted = known.trusted.max(position.r#gen);
        self.learn(id, position, message);
        self.look_for_holes(id, position, open);
    }

    /// Takes the ack of an own message.
    pub(crate) fn acked(&mut self, id: ConversationId, position: Position, message: &str) {
        self.learn(id, position, message);
    }

    /// Takes the answer to a resume, and says whether the history must be paged anew.
    pub(crate) fn resumed(&mut self, id: ConversationId, answer: &Resumed, open: usize) -> bool {
        let end = Position { r#gen: answer.r#gen, seq: answer.seq };
        let known = self.conversations.entry(id).or_default();
        self.resumes.entry(id).or_default().push((known.resumed_from, answer.clone()));
        match answer.reason.filter(|_| !answer.recovered) {
            Some(NotRecovered::NotAMember) => {
                let text = format!("who is in {id} is told not to be a member");
                self.wrong.push(Wrong { rule: Rule::Forgotten, text });
                false
            }
            Some(reason) => {
                *self.paged_anew.entry(reason_text(reason)).or_default() += 1;
                known.last = end;
                true
            }
            None => {
                known.trusted = known.trusted.max(end.r#gen);
                known.extend();
                self.look_for_holes(id, Position { seq: end.seq + 1, ..end }, open);
                false
            }
        }
    }

    /// Says what the server answered to resumes from shortly before a number, and whatever came after it.
    pub(crate) fn resumes_about(&self, id: ConversationId, seq: u64) -> Vec<String> {
        let resumes = self.resumes.get(&id).into_iter().flatten();
        let about = resumes.filter(|(from, answer)| from.seq <= seq + 20 && answer.seq + 20 >= seq);
        let show = |(from, answer): &(Position, Resumed)| {
            let reason = answer.reason.map_or("recovered".to_owned(), reason_text);
            format!("{}-{} to {}-{} {reason}", from.r#gen, from.seq, answer.r#gen, answer.seq)
        };
        about.map(show).collect()
    }

    /// Takes the history of a conversation in place of what was known of it.
    pub(crate) fn paged(&mut self, id: ConversationId, messages: &[(Position, String)]) {
        let known = self.conversations.entry(id).or_default();
        let before = std::mem::take(&mut known.messages);
        known.whole = 0;
        for (position, message) in messages {
            known.messages.insert(position.seq, (position.r#gen, message.clone()));
            known.trusted = known.trusted.max(position.r#gen);
            self.meanings.insert((id, *position), message.clone());
        }
        known.extend();
        self.taken_back +=
            before.iter().filter(|(seq, known_as)| known.messages.get(seq) != Some(known_as)).count();
    }

    /// Says whether everything up to a number is known.
    pub(crate) fn reaches(&self, id: ConversationId, seq: u64) -> bool {
        self.conversations.get(&id).is_some_and(|known| known.whole >= seq)
    }

    /// Gives what is known of a conversation: places and ids in order.
    pub(crate) fn messages(&self, id: ConversationId) -> Vec<(Position, String)> {
        let known = self.conversations.get(&id);
        let messages = known.into_iter().flat_map(|known| &known.messages);
        messages.map(|(seq, (r#gen, id))| (Position { r#gen: *r#gen, seq: *seq }, id.clone())).collect()
    }

    /// Gives what each place ever stood for.
    pub(crate) fn meanings(&self) -> &BTreeMap<(ConversationId, Position), String> {
        &self.meanings
    }

    fn learn(&mut self, id: ConversationId, position: Position, message: &str) {
        let meaning = self.meanings.entry((id, position)).or_insert_with(|| message.to_owned());
        if meaning != message {
            let text = format!("{} stood for {meaning} and for {message}", place(id, position));
            self.wrong.push(Wrong { rule: Rule::TwoMeanings, text });
        }
        self.taken_back += self.conversations.entry(id).or_default().insert(position, message.to_owned());
    }

    fn look_for_holes(&mut self, id: ConversationId, until: Position, open: usize) {
        let known = self.conversations.entry(id).or_default();
        let missing: Vec<u64> =
            (known.whole + 1..until.seq).filter(|seq| !known.messages.contains_key(seq)).collect();
        if missing.len() > open {
            let text = format!("{missing:?} did not come before {}", place(id, until));
            self.wrong.push(Wrong { rule: Rule::Hole, text });
        }
    }
}

impl Known {
    fn cursor(&self) -> Position {
        let r#gen = self.messages.get(&self.whole).map_or(0, |(r#gen, _)| *r#gen);
        Position { r#gen, seq: self.whole }
    }

    /// Adds a message, and gives how many it takes the place of: a later generation counts on from where the log was cut off.
    fn insert(&mut self, position: Position, message: String) -> usize {
        let older = |(seq, (r#gen, _)): (&u64, &(u64, String))| (*r#gen < position.r#gen).then_some(*seq);
        let gone: Vec<u64> = self.messages.range(position.seq..).filter_map(older).collect();
        for seq in &gone {
            self.messages.remove(seq);
        }
        if !gone.is_empty() {
            self.whole = self.whole.min(position.seq - 1);
        }
        // One of a later generation stays.
        self.messages.entry(position.seq).or_insert((position.r#gen, message));
        self.extend();
        gone.len()
    }

    fn extend(&mut self) {
        let generation = |seq| self.messages.get(&seq).map(|(r#gen, _)| *r#gen);
        while let Some(next) = generation(self.whole + 1)
            && (self.whole == 0 || next <= self.trusted || generation(self.whole) == Some(next))
        {
            self.whole += 1;
        }
    }
}

/// Shows a place in a conversation.
pub(crate) fn place(id: ConversationId, position: Position) -> String {
    format!("{id} {}-{}", position.r#gen, position.seq)
}

fn reason_text(reason: NotRecovered) -> String {
    let text = match reason {
        NotRecovered::TooFarBehind => "too far behind",
        NotRecovered::LogLostTail => "the log lost a tail",
        NotRecovered::TooLate => "too late",
        NotRecovered::NotAMember => "not a member",
    };
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TALK: ConversationId = ConversationId([7; 16]);

    fn at(r#gen: u64, seq: u64) -> Position {
        Position { r#gen, seq }
    }

    fn rules(knowledge: &Knowledge) -> Vec<Rule> {
        knowledge.wrong.iter().map(|wrong| wrong.rule).collect()
    }

    fn shown(positions: &[Position]) -> Knowledge {
        let mut knowledge = Knowledge::default();
        for position in positions {
            knowledge.shown(TALK, *position, &format!("m{}-{}", position.r#gen, position.seq), 0);
        }
        knowledge
    }

    #[test]
    fn order_is_kept_also_over_connections() {
        let mut knowledge = shown(&[at(1, 1), at(1, 2), at(1, 3)]);
        assert_eq!(knowledge.connect()[&TALK], at(1, 3));
        knowledge.shown(TALK, at(1, 4), "m", 0);
        assert!(knowledge.wrong.is_empty() && knowledge.reaches(TALK, 4));
        knowledge.connect();
        knowledge.shown(TALK, at(1, 4), "m", 0);
        knowledge.shown(TALK, at(1, 2), "other", 0);
        assert_eq!(rules(&knowledge), [Rule::Repeated, Rule::OutOfOrder]);
    }

    #[test]
    fn an_own_message_without_an_ack_explains_one_hole_and_no_more() {
        let mut knowledge = shown(&[at(1, 1)]);
        knowledge.shown(TALK, at(1, 3), "c", 1);
        assert!(knowledge.wrong.is_empty());
        knowledge.acked(TALK, at(1, 2), "b");
        assert!(knowledge.reaches(TALK, 3));
        knowledge.shown(TALK, at(1, 6), "f", 1);
        assert_eq!(rules(&knowledge), [Rule::Hole]);
    }

    #[test]
    fn a_resume_that_says_it_brought_everything_did() {
        let mut knowledge = shown(&[at(1, 1)]);
        knowledge.connect();
        let answer = Resumed { seq: 2, r#gen: 1, recovered: true, reason: None };
        assert!(!knowledge.resumed(TALK, &answer, 0));
        assert_eq!(rules(&knowledge), [Rule::Hole]);
    }

    #[test]
    fn a_later_generation_takes_the_place_of_what_was_lost() {
        let mut knowledge = shown(&[at(1, 1), at(1, 2), at(1, 3), at(2, 2)]);
        assert!(knowledge.wrong.is_empty());
        assert_eq!((knowledge.taken_back, knowledge.messages(TALK).len()), (2, 2));
        knowledge.shown(TALK, at(2, 3), "new", 0);
        knowledge.acked(TALK, at(2, 3), "newer");
        assert_eq!(rules(&knowledge), [Rule::TwoMeanings]);
    }

    #[test]
    fn an_ack_of_a_later_generation_may_overtake_what_took_the_place_of_others() {
        let mut knowledge = shown(&[at(1, 1), at(1, 2)]);
        knowledge.acked(TALK, at(2, 3), "own");
        assert_eq!(knowledge.connect()[&TALK], at(1, 2));
        knowledge.shown(TALK, at(2, 2), "another", 0);
        assert_eq!(knowledge.connect()[&TALK], at(2, 3));
        assert!(knowledge.wrong.is_empty());
    }

    #[test]
    fn what_is_paged_anew_replaces_what_was_known() {
        let mut knowledge = shown(&[at(1, 1), at(1, 2)]);
        let reason = Some(NotRecovered::LogLostTail);
        assert!(knowledge.resumed(TALK, &Resumed { seq: 1, r#gen: 1, recovered: false, reason }, 0));
        knowledge.paged(TALK, &[(at(1, 1), "m1-1".to_owned()), (at(2, 2), "b".to_owned())]);
        assert_eq!(knowledge.taken_back, 1);
        knowledge.shown(TALK, at(2, 2), "b", 0);
        knowledge.shown(TALK, at(2, 3), "c", 0);
        assert!(knowledge.wrong.is_empty() && knowledge.reaches(TALK, 3));
    }
}
