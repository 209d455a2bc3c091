//! A connection's queue of frames and the writer that empties it: `websocket/src/queue.rs` and `writer.rs`.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use shuttle::future::block_on;
use shuttle::thread::{self, JoinHandle};

use crate::explore::{exhaust, explore, join};
use crate::queue::PushError;
use crate::stand_ins::wire::{Reader, Wire, WriteHalf};
use crate::sync::Notify;
use crate::writer::{WriteError, Writer};
use crate::{FrameQueue, select};

/// How many bytes a frame has in these checks.
const FRAME: usize = 3;
/// What the queue counts for such a frame: itself, and its entry in the queue.
const COUNTED: usize = FRAME + size_of::<Bytes>();
/// How many frames each producer pushes.
const FRAMES: u8 = 3;
/// What the last frame is.
const CLOSE: [u8; FRAME] = *b"end";

/// Frames arrive whole, once, and each producer's in its order, however the client reads and however often writing is broken off; the last
/// one is not left lying, and nothing counts as waiting afterwards.
pub fn frames_arrive_whole_once_and_in_order() {
    explore(|| {
        const TOTAL: usize = 2 * FRAMES as usize * FRAME;
        let (queue, wire, other) = (FrameQueue::default(), Wire::new(), Arc::new(Notify::new()));
        let producers = [0, 1].map(|producer| produce(&queue, producer));
        let arrived = Arc::new(AtomicBool::new(false));
        let client = thread::spawn({
            let (wire, other, arrived) = (wire.clone(), other.clone(), arrived.clone());
            move || {
                // Not at the ends of frames, and with something else for the task to do.
                wire.let_through(4);
                other.notify_one();
                wire.let_through(TOTAL - 4);
                wire.wait_until(|received| received.len() == TOTAL);
                arrived.store(true, Ordering::SeqCst);
                other.notify_one();
            }
        });
        block_on(async {
            let mut writer = Writer::new(WriteHalf(wire.clone()));
            while !arrived.load(Ordering::SeqCst) {
                select! {
                    biased;
                    Err(error) = writer.pump(&queue) => panic!("{error}"),
                    () = other.notified() => {}
                }
            }
        });
        client.join().unwrap();
        let accepted = join(producers);
        assert_eq!(accepted, [FRAMES; 2].map(|all| (all, None)));
        assert_eq!(in_order(&wire.received()), accepted.map(|(count, _)| count));
        assert_eq!((queue.bytes(), queue.waiting_since()), (0, None));
    });
}

/// The same for one producer of two frames and one read of the client, in every schedule.
pub fn two_frames_arrive_in_every_schedule() {
    exhaust(|| {
        let (queue, wire) = (FrameQueue::default(), Wire::new());
        wire.let_through(2 * FRAME);
        let producer = thread::spawn({
            let queue = queue.clone();
            move || [0, 1].map(|number| queue.push(frame(0, number)).unwrap())
        });
        block_on(async {
            let mut writer = Writer::new(WriteHalf(wire.clone()));
            // Looked at whenever the writer was woken, and after it.
            let arrived = poll_fn(|_| match in_order(&wire.received()) {
                [2, 0] => Poll::Ready(()),
                _ => Poll::Pending,
            });
            select! {
                biased;
                Err(error) = writer.pump(&queue) => panic!("{error}"),
                () = arrived => {}
            }
        });
        producer.join().unwrap();
    });
}

/// A client that reads nothing ends its connection as soon as a frame finds no room; nothing but the queue could tell the writer.
pub fn overflow_wakes_a_writer_whose_socket_takes_nothing() {
    explore(|| {
        const ROOM: usize = 4 * COUNTED;
        let (queue, wire) = (FrameQueue::new(ROOM), Wire::new());
        let producers = [0, 1].map(|producer| produce(&queue, producer));
        let error = block_on(async {
            let Err(error) = Writer::new(WriteHalf(wire)).pump(&queue).await;
            error
        });
        assert!(matches!(error, WriteError::Overflow));
        let accepted = join(producers);
        assert_eq!(accepted.map(|(count, _)| usize::from(count)).iter().sum::<usize>() * COUNTED, ROOM);
        assert!(accepted.iter().any(|(_, refused)| *refused == Some(PushError::Full)));
        assert!(queue.bytes() <= ROOM);
    });
}

/// With a client that reads too slowly at times, nothing is accepted after the first frame that is refused, by nobody; what has arrived by
/// then is the beginning of what each producer sent; and the bound holds all the time.
pub fn a_stream_with_a_refused_frame_ends_before_it() {
    explore(|| {
        const ROOM: usize = 2 * COUNTED;
        let (queue, wire, done) = (FrameQueue::new(ROOM), Wire::new(), Arc::new(Notify::new()));
        let refused = Arc::new(AtomicBool::new(false));
        let producers = [0, 1].map(|producer| {
            let (queue, refused) = (queue.clone(), refused.clone());
            thread::spawn(move || {
                let mut count = 0;
                for number in 0..FRAMES {
                    let refused_before = refused.load(Ordering::SeqCst);
                    match queue.push(frame(producer, number)) {
                        Ok(()) => {
                            assert!(!refused_before, "accepted after a refusal");
                            assert_eq!(number, count);
                            count += 1;
                        }
                        Err(error) => {
                            assert_eq!(error, PushError::Full);
                            refused.store(true, Ordering::SeqCst);
                        }
                    }
                    assert!(queue.bytes() <= ROOM);
                }
                count
            })
        });
        let client = thread::spawn({
            let (wire, done) = (wire.clone(), done.clone());
            move || {
                (0..3).for_each(|_| wire.let_through(2 * FRAME));
                done.notify_one();
            }
        });
        let ended = block_on(async {
            let mut writer = Writer::new(WriteHalf(wire.clone()));
            select! {
                biased;
                Err(error) = writer.pump(&queue) => Some(error),
                () = done.notified() => None,
            }
        });
        client.join().unwrap();
        let accepted = join(producers);
        assert!(ended.is_none() || refused.load(Ordering::SeqCst));
        let arrived = in_order(&wire.received());
        assert!(arrived.iter().zip(&accepted).all(|(arrived, accepted)| arrived <= accepted));
    });
}

/// A queue that is closed while others push takes nothing more, and the client gets all that was accepted, and the close frame last.
pub fn what_was_accepted_comes_before_the_close_frame() {
    explore(|| {
        const ROOM: usize = 5 * COUNTED;
        let (queue, wire) = (FrameQueue::new(ROOM), Wire::new());
        let producers = [0, 1].map(|producer| produce(&queue, producer));
        let client = thread::spawn({
            let wire = wire.clone();
            move || {
                wire.let_through(4);
                wire.let_through(usize::MAX / 2);
                wire.wait_until(|received| received.ends_with(&CLOSE));
                wire.close();
            }
        });
        block_on(async {
            let mut writer = Writer::new(WriteHalf(wire.clone()));
            let (mut reader, close) = (Reader::new(&wire), Bytes::from_static(&CLOSE));
            writer.finish(&mut reader, &queue, close, Duration::ZERO).await.unwrap();
        });
        client.join().unwrap();
        let accepted = join(producers);
        let received = wire.received();
        let (frames, last) = received.split_at(received.len() - FRAME);
        assert_eq!(last, CLOSE);
        assert_eq!(in_order(frames), accepted.map(|(count, _)| count));
        assert_eq!(queue.push(frame(0, 0)), Err(PushError::Closed));
        assert_eq!(queue.bytes(), 0);
    });
}

/// Pushes a producer's frames; gives how many were accepted, and why no more.
fn produce(queue: &FrameQueue, producer: u8) -> JoinHandle<(u8, Option<PushError>)> {
    let queue = queue.clone();
    thread::spawn(move || {
        let mut refused = None;
        let mut accepted = 0;
        for number in 0..FRAMES {
            match queue.push(frame(producer, number)) {
                Ok(()) => {
                    assert_eq!(refused, None, "accepted after a refusal");
                    accepted += 1;
                }
                Err(error) => refused = Some(error),
            }
            // One frame more than fits at the most: the last one.
            assert!(queue.bytes() <= 7 * COUNTED);
        }
        (accepted, refused)
    })
}

fn frame(producer: u8, number: u8) -> Bytes {
    Bytes::copy_from_slice(&[producer, number, 0xff])
}

/// Takes a stream apart, and gives how many frames of each producer came: the first ones, in their order.
fn in_order(stream: &[u8]) -> [u8; 2] {
    let mut counts = [0; 2];
    for frame in stream.chunks(FRAME).filter(|frame| frame.len() == FRAME) {
        let [producer, number, 0xff] = *frame else { panic!("a broken frame: {frame:?}") };
        let count = &mut counts[usize::from(producer)];
        assert_eq!(number, *count, "frame lost, repeated or out of order");
        *count += 1;
    }
    counts
}
