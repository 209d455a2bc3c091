//! Holds what devices sent and were shown against what the history says afterwards.

use std::collections::{BTreeMap, BTreeSet};

use protocol::{ConversationId, Position, Username};

use super::people::device::Acked;
use super::people::knowledge::{Knowledge, Rule, place};
use super::people::{Ends, History, Story};

/// How many faults of one kind are told in words.
const MOST_TOLD: usize = 20;

/// What the checker found.
#[derive(Default)]
pub(crate) struct Findings {
    /// What was wrong: the first of each kind in words.
    pub(crate) wrong: BTreeMap<Rule, Vec<String>>,
    /// How often each was.
    pub(crate) count: BTreeMap<Rule, usize>,
    /// Messages that were acknowledged.
    pub(crate) acked: usize,
    /// Messages in the histories.
    pub(crate) stored: usize,
    /// Messages that have another place than the ack said: the log had lost a tail, and they were appended again.
    pub(crate) moved: usize,
    /// Messages that were owed to people who were away.
    pub(crate) owed: usize,
    /// How often devices were shown that others took the place of what they knew.
    pub(crate) taken_back: usize,
    /// How often devices were told to page a history anew, by the reason.
    pub(crate) paged_anew: BTreeMap<String, usize>,
}

/// What one device knows and sent.
pub(crate) struct Seen<'a> {
    /// Its name, for a person.
    pub(crate) name: &'a str,
    /// Whose it is.
    pub(crate) user: &'a Username,
    /// What it knows.
    pub(crate) knowledge: &'a Knowledge,
    /// What was acknowledged to it, in the order in which it was sent.
    pub(crate) acked: &'a [Acked],
}

/// Everything that the checker looks at.
pub(crate) struct Evidence<'a> {
    /// The devices.
    pub(crate) devices: Vec<Seen<'a>>,
    /// The history of each conversation, as each member who was there read it.
    pub(crate) histories: &'a BTreeMap<ConversationId, Vec<History>>,
    /// Who is in which conversation.
    pub(crate) members: &'a BTreeMap<ConversationId, BTreeSet<Username>>,
    /// Which conversations each who chatted has, as the api says.
    pub(crate) listed: &'a Ends,
    /// Those who were never connected.
    pub(crate) away: &'a [Username],
    /// Which notes went to which devices; a note is named after the place of its message.
    pub(crate) pushes: &'a BTreeSet<(String, String)>,
}

/// Checks the end of a run.
pub(crate) fn check(story: &Story, pushes: &BTreeSet<(String, String)>) -> Findings {
    let seen = story.devices.iter().map(|device| Seen {
        name: &device.name,
        user: &device.user,
        knowledge: &device.knowledge,
        acked: &device.acked,
    });
    let Story { histories, members, listed, away, .. } = story;
    check_evidence(&Evidence { devices: seen.collect(), histories, members, listed, away, pushes })
}

/// Checks whatever evidence there is.
pub(crate) fn check_evidence(evidence: &Evidence<'_>) -> Findings {
    let mut findings = Findings::default();
    let mut meanings: BTreeMap<(ConversationId, Position), &str> = BTreeMap::new();
    for (id, readings) in evidence.histories {
        findings.check_history(*id, readings);
        if let Some(history) = readings.first() {
            findings.check_pushes(*id, history, evidence);
            meanings.extend(history.iter().map(|(position, message)| ((*id, *position), message.as_str())));
        }
    }
    for device in &evidence.devices {
        for wrong in &device.knowledge.wrong {
            findings.add(wrong.rule, format!("{}: {}", device.name, wrong.text));
        }
        findings.taken_back += device.knowledge.taken_back;
        for (reason, count) in &device.knowledge.paged_anew {
            *findings.paged_anew.entry(reason.clone()).or_default() += count;
        }
        for ((id, position), message) in device.knowledge.meanings() {
            let known = *meanings.entry((*id, *position)).or_insert(message);
            if known != message {
                let text = format!(
                    "{}: {} is {known} elsewhere and {message} here",
                    device.name,
                    place(*id, *position)
                );
                findings.add(Rule::TwoMeanings, text);
            }
        }
        findings.check_device(device, evidence);
    }
    findings
}

impl Findings {
    /// Says whether everything was as promised.
    pub(crate) fn is_clean(&self) -> bool {
        self.count.is_empty()
    }

    fn add(&mut self, rule: Rule, text: String) {
        *self.count.entry(rule).or_default() += 1;
        let told = self.wrong.entry(rule).or_default();
        if told.len() < MOST_TOLD {
            told.push(text);
        }
    }

    /// Numbers are dense, each message is there once, and all members read the same.
    fn check_history(&mut self, id: ConversationId, readings: &[History]) {
        let Some(history) = readings.first() else { return };
        self.stored += history.len();
        if readings.iter().any(|reading| reading != history) {
            self.add(Rule::History, format!("two members read different histories of {id}"));
        }
        let mut ids = BTreeSet::new();
        for (number, (position, message)) in (1..).zip(history) {
            if position.seq != number {
                self.add(Rule::Hole, format!("{} is where {number} should be", place(id, *position)));
                break;
            }
            if !ids.insert(message) {
                self.add(Rule::Repeated, format!("{message} is twice in the history of {id}"));
            }
        }
    }

    /// Every message of others is a note on the device of each member who was away.
    fn check_pushes(&mut self, id: ConversationId, history: &History, evidence: &Evidence<'_>) {
        let members = evidence.members.get(&id);
        let away = evidence.away.iter().filter(|away| members.is_some_and(|members| members.contains(*away)));
        for user in away {
            for (position, message) in history {
                self.owed += 1;
                let note = (user.to_string(), format!("{id}-{}", position.seq));
                if !evidence.pushes.contains(&note) {
                    let text = format!("{user} was not pushed {message}, {}", place(id, *position));
                    self.add(Rule::NotPushed, text);
                }
            }
        }
    }

    /// What a device had acknowledged is there in the order of its sending, and it knows what the histories say.
    fn check_device(&mut self, device: &Seen<'_>, evidence: &Evidence<'_>) {
        let mut places: BTreeMap<ConversationId, BTreeMap<&str, Position>> = BTreeMap::new();
        for (id, readings) in evidence.histories {
            let Some(history) = readings.first() else { continue };
            if evidence.members.get(id).is_some_and(|members| members.contains(device.user)) {
                let known = device.knowledge.messages(*id);
                if known != *history {
                    let text =
                        format!("{} knows of {id} {}", device.name, device.difference(*id, &known, history));
                    self.add(Rule::History, text);
                }
            }
            places.insert(
                *id,
                history.iter().map(|(position, message)| (message.as_str(), *position)).collect(),
            );
        }
        let mut last: BTreeMap<ConversationId, (Position, &str)> = BTreeMap::new();
        let mut unlisted = BTreeSet::new();
        for acked in device.acked {
            self.acked += 1;
            let listed = evidence.listed.get(device.user);
            if listed.is_none_or(|listed| !listed.contains_key(&acked.conversation)) {
                unlisted.insert(acked.conversation);
            }
            let place_now = places.get(&acked.conversation).and_then(|places| places.get(acked.id.as_str()));
            let Some(position) = place_now else {
                let at = place(acked.conversation, acked.position);
                self.add(
                    Rule::Lost,
                    format!("{} was acknowledged as {at} after {:?}", acked.id, acked.acked),
                );
                continue;
            };
            if *position != acked.position {
                // Processes append again what they know of, each for itself: the order of theirs is not promised.
                self.moved += 1;
                continue;
            }
            let before = last.insert(acked.conversation, (*position, &acked.id));
            if let Some((before, id)) = before.filter(|(before, _)| before > position) {
                let (now, before) = (place(acked.conversation, *position), place(acked.conversation, before));
                self.add(
                    Rule::OutOfOrder,
                    format!("{id} is {before}, and {}, sent later, is {now}", acked.id),
                );
            }
        }
        for id in unlisted {
            self.add(Rule::Forgotten, format!("{} wrote in {id}, which is not listed", device.name));
        }
    }
}

impl Seen<'_> {
    /// Says where two histories differ first, and what the device was told of those messages.
    fn difference(&self, id: ConversationId, known: &History, history: &History) -> String {
        let at = known.iter().zip(history).position(|(one, other)| one != other);
        let at = at.unwrap_or(known.len().min(history.len()));
        let show = |messages: &History| {
            let message = messages.get(at);
            message.map_or("nothing".to_owned(), |(at, id)| format!("{id} as {}-{}", at.r#gen, at.seq))
        };
        let mut text = format!("{} where the history has {}", show(known), show(history));
        for message in [known.get(at), history.get(at)].into_iter().flatten().map(|(_, message)| message) {
            let told = self
                .knowledge
                .meanings()
                .iter()
                .filter(|((of, _), meaning)| *of == id && *meaning == message);
            let told: Vec<String> = told.map(|((_, at), _)| format!("{}-{}", at.r#gen, at.seq)).collect();
            let acked = self.acked.iter().find(|acked| acked.id == *message);
            let acked = acked.map_or(String::new(), |acked| {
                format!(
                    ", acknowledged as {}-{} after {:?}",
                    acked.position.r#gen, acked.position.seq, acked.acked
                )
            });
            text += &format!("; of {message} it was told {told:?}{acked}");
        }
        let seq = history.get(at).or(known.get(at)).map_or(0, |(position, _)| position.seq);
        text + &format!("; resumes about it: {:?}", self.knowledge.resumes_about(id, seq))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]
    use std::time::Duration;

    use super::*;

    const TALK: ConversationId = ConversationId([7; 16]);

    fn at(seq: u64) -> Position {
        Position { r#gen: 1, seq }
    }

    fn history(ids: &[&str]) -> History {
        (1..).zip(ids).map(|(seq, id)| (at(seq), (*id).to_owned())).collect()
    }

    fn acked(id: &str, seq: u64) -> Acked {
        let second = Duration::from_secs(1);
        Acked { id: id.to_owned(), conversation: TALK, position: at(seq), sent: second, acked: second }
    }

    /// Checks what ada sent, saw, and the history has; ben was away and was pushed `pushed` messages.
    fn rules(sent: &[Acked], seen: &[&str], stored: &[&str], pushed: u64) -> Vec<Rule> {
        rules_where(sent, seen, stored, pushed, [(TALK, 2)].into())
    }

    fn rules_where(
        sent: &[Acked],
        seen: &[&str],
        stored: &[&str],
        pushed: u64,
        listed: BTreeMap<ConversationId, u64>,
    ) -> Vec<Rule> {
        let mut knowledge = Knowledge::default();
        for (position, id) in history(seen) {
            knowledge.shown(TALK, position, &id, 0);
        }
        let (ada, ben) = (Username::new("ada").unwrap(), Username::new("ben").unwrap());
        let evidence = Evidence {
            devices: vec![Seen { name: "ada", user: &ada, knowledge: &knowledge, acked: sent }],
            histories: &[(TALK, vec![history(stored)])].into(),
            members: &[(TALK, [ada.clone(), ben.clone()].into())].into(),
            listed: &[(ada.clone(), listed)].into(),
            away: &[ben],
            pushes: &(1..=pushed).map(|seq| ("ben".to_owned(), format!("{TALK}-{seq}"))).collect(),
        };
        check_evidence(&evidence).count.into_keys().collect()
    }

    #[test]
    fn what_is_as_promised_is_clean() {
        assert!(rules(&[acked("a", 1), acked("b", 2)], &["a", "b"], &["a", "b"], 2).is_empty());
    }

    #[test]
    fn each_promise_that_is_broken_is_found() {
        let (one, two) = (acked("a", 1), acked("b", 2));
        assert_eq!(rules(&[one.clone(), two.clone()], &["a"], &["a"], 1), [Rule::Lost]);
        assert_eq!(rules(&[], &["a", "a"], &["a", "a"], 2), [Rule::Repeated]);
        assert_eq!(rules(&[two, one], &["a", "b"], &["a", "b"], 2), [Rule::OutOfOrder]);
        assert_eq!(rules(&[], &["a"], &["a", "b"], 2), [Rule::History]);
        assert_eq!(rules(&[], &["a", "x"], &["a", "b"], 2), [Rule::TwoMeanings, Rule::History]);
        assert_eq!(rules(&[], &["a", "b"], &["a", "b"], 1), [Rule::NotPushed]);
        let sent = [acked("a", 1)];
        assert_eq!(rules_where(&sent, &["a"], &["a"], 1, BTreeMap::new()), [Rule::Forgotten]);
    }
}
