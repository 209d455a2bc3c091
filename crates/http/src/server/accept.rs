//! Accepts connections, whatever happens to some of them.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A listener that pauses while the system has no room for another connection.
pub(super) struct Acceptor {
    listener: TcpListener,
    pause: Duration,
}

impl Acceptor {
    pub(super) fn new(listener: TcpListener) -> Self {
        Self { listener, pause: FIRST_PAUSE }
    }

    /// Gives the next connection.
    pub(super) async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            match self.listener.accept().await {
                Ok(accepted) => {
                    self.pause = FIRST_PAUSE;
                    return accepted;
                }
                Err(error) if concerns_one_connection(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, pause = ?self.pause, "no connection can be accepted");
                    sleep(self.pause).await;
                    self.pause = longer(self.pause);
                }
            }
        }
    }
}

/// Tells whether the next connection may well be accepted at once. All other errors (too many open files, no memory)
/// would come again at once and for ever: the listener stays ready.
fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

fn longer(pause: Duration) -> Duration {
    (pause * 2).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_will_come_again_makes_a_pause() {
        let (enfile, emfile, enobufs, econnaborted) = (23, 24, 105, 103);
        for code in [enfile, emfile, enobufs] {
            assert!(!concerns_one_connection(&io::Error::from_raw_os_error(code)));
        }
        assert!(concerns_one_connection(&io::Error::from_raw_os_error(econnaborted)));
    }

    #[test]
    fn pauses_grow_to_a_second() {
        let pauses: Vec<Duration> =
            std::iter::successors(Some(FIRST_PAUSE), |pause| Some(longer(*pause))).take(9).collect();
        assert!(pauses.is_sorted());
        assert_eq!(pauses.last(), Some(&LONGEST_PAUSE));
    }
}
