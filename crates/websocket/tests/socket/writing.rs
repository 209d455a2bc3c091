//! What is queued arrives whole and in order, or its loss is told.

use crate::support::{BINARY, Client, FIN, TEXT, connect, frame};
use tokio::io::AsyncWriteExt;
use websocket::{FrameQueue, Limits, Message, PushError, ReadError, WriteError, binary, text};

#[tokio::test]
async fn frames_written_together_keep_their_order() {
    const COUNT: u32 = 5_000;
    let (_reader, mut writer, mut client) = connect(Limits::default()).await;
    let queue = FrameQueue::new(64 * 1024 * 1024);
    // From a few bytes to more than one write takes, several times what the kernel buffers.
    let payload = |number: u32| number.to_be_bytes().repeat(1 + (number as usize * 37) % 2_000);
    for number in 0..COUNT {
        queue.push(binary(&payload(number))).unwrap();
    }
    let receiving = async {
        for number in 0..COUNT {
            assert_eq!(client.receive().await.unwrap(), (FIN | BINARY, payload(number)));
        }
    };
    tokio::select! {
        () = receiving => {}
        Err(error) = writer.pump(&queue) => panic!("{error}"),
    }
}

#[tokio::test]
async fn frames_pushed_by_threads_keep_each_threads_order() {
    const THREADS: u8 = 4;
    const COUNT: u16 = 2_000;
    let (_reader, mut writer, mut client) = connect(Limits::default()).await;
    let queue = FrameQueue::new(64 * 1024 * 1024);
    for thread in 0..THREADS {
        let queue = queue.clone();
        std::thread::spawn(move || {
            for number in 0..COUNT {
                let [high, low] = number.to_be_bytes();
                queue.push(binary(&[thread, high, low])).unwrap();
            }
        });
    }
    let receiving = async {
        let mut next = [0; THREADS as usize];
        while next != [COUNT; THREADS as usize] {
            let (_, payload) = client.receive().await.unwrap();
            let next = &mut next[usize::from(payload[0])];
            assert_eq!(payload[1..], next.to_be_bytes());
            *next += 1;
        }
    };
    tokio::select! {
        () = receiving => {}
        Err(error) = writer.pump(&queue) => panic!("{error}"),
    }
}

#[tokio::test]
async fn writing_may_be_dropped_at_any_time() {
    const COUNT: u32 = 300;
    let (_reader, mut writer, mut client) = connect(Limits::default()).await;
    let queue = FrameQueue::new(64 * 1024 * 1024);
    let payload = |number: u32| number.to_be_bytes().repeat(20_000);
    let server = tokio::spawn(async move {
        for number in 0..COUNT {
            queue.push(binary(&payload(number))).unwrap();
            tokio::select! {
                biased;
                Err(error) = writer.pump(&queue) => panic!("{error}"),
                () = tokio::task::yield_now() => {}
            }
        }
        let Err(error) = writer.pump(&queue).await;
        error
    });
    for number in 0..COUNT {
        assert_eq!(client.receive().await.unwrap(), (FIN | BINARY, payload(number)));
    }
    server.abort();
}

#[tokio::test]
async fn slow_reader_overflows_its_queue_and_is_reported() {
    const BOUND: usize = 256 * 1024;
    let (_reader, mut writer, client) = connect(Limits::default()).await;
    let queue = FrameQueue::new(BOUND);
    let frame = binary(&[7; 16 * 1024]);
    let handle = queue.clone();
    // Nothing wakes this task but the queue: the client reads nothing, and nobody polls the pump beside it.
    let pump = tokio::spawn(async move {
        let Err(error) = writer.pump(&handle).await;
        error
    });
    while queue.push(frame.clone()).is_ok() {
        tokio::task::yield_now().await;
    }
    let error = pump.await.unwrap();
    assert!(matches!(error, WriteError::Overflow));
    assert_eq!(error.close_frame().unwrap()[2..4], 1013_u16.to_be_bytes());
    assert!(queue.bytes() <= BOUND);
    assert!(queue.waiting_since().is_some());
    assert_eq!(queue.push(frame), Err(PushError::Full));
    drop(client);
}

#[tokio::test]
async fn client_that_went_away_ends_the_pump() {
    let (_reader, mut writer, client) = connect(Limits::default()).await;
    let queue = FrameQueue::default();
    drop(client);
    let pushing = async {
        while queue.push(text(b"anybody there?")).is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        Err(error) = writer.pump(&queue) => assert!(matches!(error, WriteError::Io(_)), "{error:?}"),
        () = pushing => panic!("the queue overflowed first"),
    }
}

#[tokio::test]
async fn both_halves_work_in_one_select() {
    const COUNT: u32 = 2_000;
    let (mut reader, mut writer, client) = connect(Limits::default()).await;
    let server = tokio::spawn(async move {
        let queue = FrameQueue::new(64 * 1024 * 1024);
        loop {
            tokio::select! {
                message = reader.next() => match message {
                    Ok(Message::Text(payload)) => queue.push(text(&payload)).unwrap(),
                    other => break other,
                },
                Err(error) = writer.pump(&queue) => panic!("{error}"),
            }
        }
    });
    let Client { mut receiver, mut sender } = client;
    let sending = tokio::spawn(async move {
        for number in 0..COUNT {
            sender.write_all(&frame(FIN | TEXT, number.to_string().as_bytes())).await.unwrap();
        }
        sender
    });
    for number in 0..COUNT {
        assert_eq!(receiver.receive().await.unwrap(), (FIN | TEXT, number.to_string().into_bytes()));
    }
    drop(sending.await.unwrap());
    assert!(matches!(server.await.unwrap(), Err(ReadError::Ended)));
}
