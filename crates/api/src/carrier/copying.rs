//! Copying bytes between two sockets.

use std::io;
use std::pin::pin;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// How much is read at once, in bytes: there are two such buffers a socket.
const BUFFER: usize = 4096;

/// How long the other direction may still flow after one has ended.
const LINGER: Duration = Duration::from_secs(5);

/// Copies both ways until both sides have closed, one has failed, or `patience` after `stop`.
///
/// One side that has closed does not hold the other for ever: whoever does not answer a close is let go.
pub(super) async fn both_ways<A, B>(client: A, shard: B, stop: &CancellationToken, patience: Duration)
where
    A: AsyncRead + AsyncWrite,
    B: AsyncRead + AsyncWrite,
{
    let (from_client, to_client) = split(client);
    let (from_shard, to_shard) = split(shard);
    let mut up = pin!(pour(from_client, to_shard));
    let mut down = pin!(pour(from_shard, to_client));
    let let_go = async {
        stop.cancelled().await;
        sleep(patience).await;
    };
    // The shard comes before the client, who could keep a direction busy for ever.
    tokio::select! {
        biased;
        () = let_go => {}
        ended = &mut down => if ended.is_ok() { let _ = timeout(LINGER, up).await; },
        ended = &mut up => if ended.is_ok() { let _ = timeout(LINGER, down).await; },
    }
}

/// Copies until the source has closed, and then closes the target.
async fn pour(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        let count = from.read(&mut buffer).await?;
        if count == 0 {
            return to.shutdown().await;
        }
        to.write_all(&buffer[..count]).await?;
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "test")]
    use tokio::io::duplex;

    use super::*;

    #[tokio::test]
    async fn both_directions_flow_and_a_close_is_passed_on() {
        let (mut client, near) = duplex(64);
        let (far, mut shard) = duplex(64);
        let stop = CancellationToken::new();
        let conversation = async {
            client.write_all(b"up").await.unwrap();
            let mut two = [0; 2];
            shard.read_exact(&mut two).await.unwrap();
            assert_eq!(&two, b"up");
            shard.write_all(b"down").await.unwrap();
            shard.shutdown().await.unwrap();
            let mut rest = Vec::new();
            client.read_to_end(&mut rest).await.unwrap();
            assert_eq!(rest, b"down");
            drop(client);
        };
        tokio::join!(both_ways(near, far, &stop, Duration::ZERO), conversation);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_answer_a_close_is_let_go() {
        let (mut client, near) = duplex(64);
        let (far, shard) = duplex(64);
        drop(shard);
        both_ways(near, far, &CancellationToken::new(), Duration::ZERO).await;
        assert!(client.write_all(b"x").await.is_err());
    }

    #[tokio::test]
    async fn a_client_that_never_stops_sending_hears_its_shard() {
        let (mut client, to_client) = duplex(64);
        let (from_shard, mut shard) = duplex(64);
        let near = tokio::io::join(tokio::io::repeat(b'x'), to_client);
        let far = tokio::io::join(from_shard, tokio::io::sink());
        let stop = CancellationToken::new();
        let conversation = async {
            let mut word = [0; 4];
            shard.write_all(b"stop").await.unwrap();
            client.read_exact(&mut word).await.unwrap();
            assert_eq!(&word, b"stop");
            stop.cancel();
        };
        tokio::join!(both_ways(near, far, &stop, Duration::ZERO), conversation);
    }

    #[tokio::test(start_paused = true)]
    async fn sockets_are_let_go_some_time_after_the_stop() {
        let (client, near) = duplex(64);
        let (far, shard) = duplex(64);
        let stop = CancellationToken::new();
        stop.cancel();
        both_ways(near, far, &stop, Duration::from_secs(3)).await;
        drop((client, shard));
    }
}
