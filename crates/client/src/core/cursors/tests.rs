//! The cursors against a model of a server that loses, repeats and reorders what it sends live.

#![expect(clippy::unwrap_used, reason = "test")]

use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

const PATIENCE: Duration = Duration::from_millis(300);
const HOME: ConversationId = ConversationId([1; 16]);

fn at(r#gen: u64, seq: u64) -> Position {
    Position { r#gen, seq }
}

fn cursors(position: Option<Position>) -> Cursors<Position> {
    let mut cursors = Cursors::new(position.map(|position| (HOME, position)), PATIENCE);
    cursors.ask(Duration::ZERO, 100);
    cursors
}

fn arrive(cursors: &mut Cursors<Position>, position: Position) -> Vec<Delivery<Position>> {
    cursors.arrive(HOME, position, (position, 100), Duration::ZERO)
}

fn resumed(
    cursors: &mut Cursors<Position>,
    end: Position,
    reason: Option<NotRecovered>,
) -> Vec<Delivery<Position>> {
    let place = Resumed { seq: end.seq, r#gen: end.r#gen, recovered: reason.is_none(), reason };
    cursors.resumed(&BTreeMap::from([(HOME, place)]), Duration::ZERO)
}

fn events(deliveries: &[Delivery<Position>]) -> Vec<u64> {
    let seq = |delivery: &Delivery<Position>| match delivery {
        Delivery::Event(position) => position.seq,
        gap => panic!("{gap:?}"),
    };
    deliveries.iter().map(seq).collect()
}

fn gap(last: Option<Position>, position: Position, reason: Option<NotRecovered>) -> Delivery<Position> {
    Delivery::Gap { conversation: HOME, last, position, reason }
}

#[test]
fn what_was_seen_is_dropped_and_what_is_early_waits() {
    let mut cursors = cursors(Some(at(1, 3)));
    resumed(&mut cursors, at(1, 3), None);
    assert!(arrive(&mut cursors, at(1, 3)).is_empty());
    assert_eq!(cursors.resume_at(), None);
    assert!(arrive(&mut cursors, at(1, 6)).is_empty());
    assert_eq!(cursors.resume_at(), Some(PATIENCE));
    assert!(arrive(&mut cursors, at(1, 5)).is_empty());
    assert_eq!(events(&arrive(&mut cursors, at(1, 4))), [4, 5, 6]);
    assert_eq!(cursors.resume_at(), None);
}

#[test]
fn a_greater_generation_is_believed_only_from_a_resume() {
    let mut cursors = cursors(Some(at(1, 9)));
    resumed(&mut cursors, at(1, 9), None);
    assert!(arrive(&mut cursors, at(2, 10)).is_empty());
    assert_eq!(cursors.ask(PATIENCE, 100)[&HOME], Cursor::Position(at(1, 9)));
    assert_eq!(events(&resumed(&mut cursors, at(2, 10), None)), [10]);
    assert_eq!(events(&arrive(&mut cursors, at(2, 11))), [11]);
    assert!(arrive(&mut cursors, at(1, 12)).is_empty(), "an older generation was lost");
    assert_eq!(cursors.resume_at(), None);
}

#[test]
fn a_lost_tail_is_a_gap_and_then_goes_on() {
    let mut cursors = cursors(Some(at(1, 9)));
    let lost = Some(NotRecovered::LogLostTail);
    assert_eq!(resumed(&mut cursors, at(1, 7), lost), [gap(Some(at(1, 9)), at(1, 7), lost)]);
    assert!(arrive(&mut cursors, at(2, 8)).is_empty());
    cursors.ask(PATIENCE, 100);
    assert_eq!(events(&resumed(&mut cursors, at(2, 8), None)), [8]);
}

#[test]
fn too_far_behind_is_a_gap_but_not_if_nothing_was_missed() {
    let reason = Some(NotRecovered::TooFarBehind);
    let mut behind = cursors(Some(at(1, 9)));
    assert!(arrive(&mut behind, at(1, 501)).is_empty());
    assert_eq!(
        resumed(&mut behind, at(1, 500), reason),
        [gap(Some(at(1, 9)), at(1, 500), reason), Delivery::Event(at(1, 501))]
    );
    let mut level = cursors(Some(at(1, 500)));
    assert_eq!(events(&arrive(&mut level, at(1, 501))), [501]);
    assert!(resumed(&mut level, at(1, 500), reason).is_empty());
    assert_eq!(events(&arrive(&mut level, at(1, 502))), [502]);
}

#[test]
fn a_conversation_joined_later_begins_where_the_server_says() {
    let mut cursors = cursors(None);
    assert!(arrive(&mut cursors, at(1, 51)).is_empty());
    assert!(arrive(&mut cursors, at(1, 52)).is_empty());
    assert_eq!(events(&resumed(&mut cursors, at(1, 52), None)), [51, 52]);
    assert_eq!(events(&arrive(&mut cursors, at(1, 53))), [53]);
}

#[test]
fn what_the_server_claims_to_have_sent_and_did_not_is_a_gap() {
    let mut cursors = cursors(Some(at(1, 3)));
    assert_eq!(events(&arrive(&mut cursors, at(1, 4))), [4]);
    arrive(&mut cursors, at(1, 6));
    assert_eq!(resumed(&mut cursors, at(1, 6), None), [gap(Some(at(1, 4)), at(1, 6), None)]);
    assert_eq!(events(&arrive(&mut cursors, at(1, 7))), [7]);
}

#[test]
fn a_server_that_says_nothing_of_a_conversation_is_not_asked_for_ever() {
    let mut cursors = cursors(Some(at(1, 3)));
    cursors.resumed(&BTreeMap::new(), Duration::ZERO);
    arrive(&mut cursors, at(1, 6));
    cursors.ask(PATIENCE, 100);
    let deliveries = cursors.resumed(&BTreeMap::new(), PATIENCE);
    assert_eq!(deliveries, [gap(Some(at(1, 3)), at(1, 5), None), Delivery::Event(at(1, 6))]);
    assert_eq!(cursors.resume_at(), None);
}

#[test]
fn a_resume_that_brings_nothing_is_repeated_ever_more_slowly() {
    let mut cursors = cursors(Some(at(1, 3)));
    for doubled in [2, 4, 8] {
        arrive(&mut cursors, at(1, 6));
        cursors.ask(Duration::ZERO, 100);
        // A replica that lags knows nothing newer.
        assert!(resumed(&mut cursors, at(1, 3), None).is_empty());
        assert_eq!(cursors.resume_at(), Some(PATIENCE * doubled));
    }
}

#[test]
fn who_is_no_member_any_more_is_told_and_forgotten() {
    let mut cursors = cursors(Some(at(1, 3)));
    let reason = Some(NotRecovered::NotAMember);
    assert_eq!(resumed(&mut cursors, at(1, 9), reason), [gap(Some(at(1, 3)), at(1, 9), reason)]);
    assert!(cursors.positions().is_empty());
}

#[test]
fn early_events_hold_bounded_memory_and_are_asked_for_again() {
    let mut cursors = cursors(Some(at(1, 0)));
    resumed(&mut cursors, at(1, 0), None);
    for seq in 2..100 {
        cursors.arrive(HOME, at(1, seq), (at(1, seq), 1 << 20), Duration::ZERO);
        assert!(cursors.held_bytes <= MAX_HELD_BYTES);
    }
    let delivered = events(&arrive(&mut cursors, at(1, 1)));
    assert_eq!(delivered, (1..=17).collect::<Vec<_>>());
    assert_eq!((cursors.held_bytes, cursors.resume_at()), (0, Some(PATIENCE)));
}

#[test]
fn only_the_liveliest_conversations_are_named_if_all_are_too_many() {
    let ids: Vec<ConversationId> = (0..50).map(|number| ConversationId([number; 16])).collect();
    let mut cursors = Cursors::new(ids.iter().map(|id| (*id, at(1, 1))), PATIENCE);
    cursors.arrive(ids[33], at(1, 2), ((), 1), Duration::ZERO);
    assert_eq!(cursors.ask(Duration::ZERO, 100).len(), 50);
    assert!(cursors.ask(Duration::ZERO, 1).contains_key(&ids[33]));
}

/// A server with one conversation and one client.
#[derive(Default)]
struct Model {
    log: Vec<Position>,
    wire: VecDeque<Wire>,
}

#[derive(Clone, Debug)]
enum Wire {
    Live(Position),
    Answer(Position),
    Resumed(Position),
}

#[derive(Clone, Debug)]
enum Step {
    Append {
        new_generation: bool,
    },
    /// Something live is lost on its way.
    Lose(usize),
    /// Something live comes twice.
    Repeat(usize),
    /// Something live overtakes another, as an ack does.
    Overtake(usize),
    Receive,
    Cut,
    Wait,
}

impl Model {
    fn append(&mut self, new_generation: bool) {
        let last = self.log.last().copied().unwrap_or(at(1, 0));
        let position = at(last.r#gen + u64::from(new_generation), last.seq + 1);
        self.log.push(position);
        self.wire.push_back(Wire::Live(position));
    }

    fn resume(&mut self, cursor: Option<&Cursor>) {
        let after = match cursor {
            Some(Cursor::Position(position)) => *position,
            _ => at(0, 0),
        };
        // As a server does that reads the log and holds live events meanwhile.
        self.wire.clear();
        self.wire
            .extend(self.log.iter().filter(|position| **position > after).map(|place| Wire::Answer(*place)));
        self.wire.push_back(Wire::Resumed(self.log.last().copied().unwrap_or_default()));
    }

    fn live(&self, index: usize) -> Option<usize> {
        let live: Vec<usize> =
            (0..self.wire.len()).filter(|index| matches!(self.wire[*index], Wire::Live(_))).collect();
        live.get(index % live.len().max(1)).copied()
    }
}

struct Client {
    cursors: Cursors<Position>,
    seen: Vec<Delivery<Position>>,
    now: Duration,
}

impl Client {
    fn run(&mut self, model: &mut Model) {
        if self.cursors.resume_at().is_some_and(|due| self.now >= due) {
            let named = self.cursors.ask(self.now, 100);
            model.resume(named.get(&HOME));
        }
    }

    fn receive(&mut self, frame: &Wire) {
        let deliveries = match frame {
            Wire::Live(position) | Wire::Answer(position) => {
                self.cursors.arrive(HOME, *position, (*position, 10), self.now)
            }
            Wire::Resumed(end) => {
                let place = Resumed { seq: end.seq, r#gen: end.r#gen, recovered: true, reason: None };
                self.cursors.resumed(&BTreeMap::from([(HOME, place)]), self.now)
            }
        };
        self.seen.extend(deliveries);
    }
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => proptest::bool::weighted(0.1).prop_map(|new_generation| Step::Append { new_generation }),
        1 => any::<usize>().prop_map(Step::Lose),
        1 => any::<usize>().prop_map(Step::Repeat),
        1 => any::<usize>().prop_map(Step::Overtake),
        6 => Just(Step::Receive),
        1 => Just(Step::Cut),
        2 => Just(Step::Wait),
    ]
}

proptest! {
    #[test]
    fn each_event_is_seen_once_and_in_order_whatever_the_network_does(steps in proptest::collection::vec(step(), 0..300)) {
        let mut model = Model::default();
        let mut client = Client { cursors: Cursors::new([], PATIENCE), seen: Vec::new(), now: Duration::ZERO };
        for step in steps {
            client.run(&mut model);
            match step {
                Step::Append { new_generation } => model.append(new_generation),
                Step::Lose(index) => drop(model.live(index).map(|index| model.wire.remove(index))),
                Step::Repeat(index) => {
                    if let Some(index) = model.live(index) {
                        let frame = model.wire[index].clone();
                        model.wire.push_back(frame);
                    }
                }
                Step::Overtake(index) => {
                    // Not into a resume's answer: a server sends that whole.
                    if let Some(frame) = model.live(index).and_then(|index| model.wire.remove(index)) {
                        let resume = model.wire.iter().rposition(|frame| !matches!(frame, Wire::Live(_)));
                        model.wire.insert(resume.map_or(0, |index| index + 1), frame);
                    }
                }
                Step::Receive => drop(model.wire.pop_front().map(|frame| client.receive(&frame))),
                Step::Cut => {
                    model.wire.clear();
                    client.cursors.connected();
                }
                Step::Wait => client.now += PATIENCE,
            }
        }
        // From now on nothing goes wrong. One more event shows what was missed, as the server's sweep does.
        model.append(false);
        while !model.wire.is_empty() || client.cursors.resume_at().is_some() {
            client.run(&mut model);
            match model.wire.pop_front() {
                Some(frame) => client.receive(&frame),
                None => client.now = client.cursors.resume_at().unwrap(),
            }
        }
        let expected: Vec<_> = model.log.iter().map(|position| Delivery::Event(*position)).collect();
        prop_assert_eq!(client.seen, expected);
        prop_assert_eq!(client.cursors.held_bytes, 0);
    }
}
