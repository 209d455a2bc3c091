//! The writes of appends: the event, its id, the log's end, the sender's mark, the outbox entry.

use crate::Pair;

const CONVERSATIONS: u64 = 1_000;
const USERS: u64 = 500;
const BODY_BYTES: usize = 200;

/// Makes appends to random conversations.
pub(crate) struct Workload {
    random: u64,
    ends: Vec<u64>,
    appended: u64,
}

impl Workload {
    /// Starts with empty conversations.
    pub(crate) fn new() -> Self {
        Self { random: 0x9e37_79b9_7f4a_7c15, ends: vec![0; CONVERSATIONS as usize], appended: 0 }
    }

    /// Gives the pairs of `count` appends.
    pub(crate) fn appends(&mut self, count: u64) -> Vec<Pair> {
        let mut pairs = Vec::new();
        for _ in 0..count {
            let conversation = self.below(CONVERSATIONS);
            let user = format!("user{:05}", self.below(USERS));
            let end = &mut self.ends[conversation as usize];
            *end += 1;
            let seq = *end;
            self.appended += 1;
            let body = self.body();
            let end = [[seq.to_be_bytes(); 4].concat()].concat();
            let outbox = [id(conversation), seq.to_be_bytes().to_vec(), user.clone().into_bytes()].concat();
            pairs.push((event(conversation, seq), body));
            pairs.push((
                key(2, &[&id(conversation), user.as_bytes(), &self.random.to_be_bytes()]),
                vec![1; 16],
            ));
            pairs.push((key(3, &[&id(conversation)]), end));
            pairs.push((key(4, &[user.as_bytes(), &id(conversation)]), seq.to_be_bytes().to_vec()));
            pairs.push((key(5, &[&self.appended.to_be_bytes()]), outbox));
        }
        pairs
    }

    /// Gives a range in a random conversation that holds at least `count` events if there are as many.
    pub(crate) fn some_range(&mut self, count: u64) -> (Vec<u8>, Vec<u8>) {
        let conversation = self.below(CONVERSATIONS);
        let last = self.ends[conversation as usize].saturating_sub(count).max(1);
        let from = self.below(last);
        (event(conversation, from), event(conversation, u64::MAX))
    }

    /// Gives the range of all events.
    pub(crate) fn everything(&self) -> (Vec<u8>, Vec<u8>) {
        (vec![1], vec![2])
    }

    /// Gives text that compresses about as people's does.
    fn body(&mut self) -> Vec<u8> {
        const WORDS: [&str; 16] = [
            "the ", "and ", "you ", "that ", "was ", "for ", "are ", "with ", "his ", "they ", "this ",
            "have ", "from ", "one ", "had ", "word ",
        ];
        let mut body =
            format!("{{\"type\":\"message\",\"id\":\"{:016x}\",\"text\":\"", self.random).into_bytes();
        while body.len() < BODY_BYTES {
            let word = self.below(WORDS.len() as u64);
            body.extend_from_slice(WORDS[word as usize].as_bytes());
        }
        body
    }

    /// Gives a number below `limit` by xorshift (Marsaglia 2003).
    fn below(&mut self, limit: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % limit
    }
}

/// Gives 16 bytes that are spread over the keys as random identifiers are.
fn id(conversation: u64) -> Vec<u8> {
    let spread = conversation.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    [spread.to_be_bytes(), conversation.to_be_bytes()].concat()
}

fn event(conversation: u64, seq: u64) -> Vec<u8> {
    key(1, &[&id(conversation), &seq.to_be_bytes()])
}

fn key(table: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut key = vec![table];
    key.extend(parts.concat());
    key
}
