//! A chat connection as the rest of its shard sees it: `chat/src/connection.rs`.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Waker};

use bytes::Bytes;
use protocol::{CloseCode, ConversationId, LoginId};
use shuttle::future::block_on;
use shuttle::thread;

use crate::connection::Connection;
use crate::explore::{explore, join};

const CONVERSATION: ConversationId = ConversationId([1; 16]);

/// Live events come once and in order, whether they come before, while or after the connection is opened to them.
pub fn live_events_keep_their_order_while_the_gate_opens() {
    explore(|| {
        const EVENTS: u8 = 4;
        let connection = connection();
        let showing = thread::spawn({
            let connection = connection.clone();
            move || {
                for seq in 1..=EVENTS {
                    connection.live(CONVERSATION, seq.into(), Bytes::copy_from_slice(&[seq]));
                }
            }
        });
        // The client's first frame and the end of the wait for it come together.
        let opening = [(); 2].map(|()| {
            let connection = connection.clone();
            thread::spawn(move || connection.open())
        });
        showing.join().unwrap();
        join(opening);
        assert_eq!(queued(&connection), (1..=EVENTS).collect::<Vec<_>>());
    });
}

/// A resume that has caught up with a conversation misses nothing that was shown meanwhile: it passes, or the resume is told to look again.
pub fn a_resume_learns_of_what_it_kept_back() {
    explore(|| {
        let connection = connection();
        assert!(connection.gate(|gate| gate.begin_resume()).is_some());
        let showing = thread::spawn({
            let connection = connection.clone();
            move || connection.live(CONVERSATION, 1, Bytes::from_static(&[1]))
        });
        let mut looked_again = false;
        while connection.gate(|gate| gate.end_resume()).is_err() {
            looked_again = true;
            connection.gate(|gate| gate.caught_up(CONVERSATION));
        }
        showing.join().unwrap();
        assert_eq!(queued(&connection).is_empty(), looked_again);
    });
}

/// The connection's task always learns that the connection is to end, and all see the same reason: the first.
pub fn an_end_wakes_the_task_and_the_first_reason_stays() {
    explore(|| {
        let connection = connection();
        let ending =
            [(CloseCode::Replaced, "replaced"), (CloseCode::Unauthenticated, "logged out")].map(|end| {
                let connection = connection.clone();
                thread::spawn(move || {
                    connection.end(end.0, end.1);
                    assert!(connection.is_ending());
                })
            });
        let (code, reason) = block_on(connection.ended());
        join(ending);
        assert_eq!(block_on(connection.ended()), (code, reason));
    });
}

fn connection() -> Arc<Connection> {
    Arc::new(Connection::new(0, LoginId([0; 16]), 1_000_000, 0))
}

fn queued(connection: &Connection) -> Vec<u8> {
    let mut frames = VecDeque::new();
    let _ = connection.queue.poll_take(&Context::from_waker(Waker::noop()), &mut frames);
    frames.iter().flatten().copied().collect()
}
