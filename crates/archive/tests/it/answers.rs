//! A server that misbehaves as it is told.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// What a server answers that has too much to do.
pub(crate) const BUSY: &str = "HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// What a server answers that has no such bucket.
pub(crate) const NO_BUCKET: &str = "HTTP/1.1 404 Not Found\r\nContent-Length: 40\r\nConnection: close\r\n\r\n\
    <Error><Code>NoSuchBucket</Code></Error>";

/// A server that gives an answer so many times, and then passes connections on; it ends with this value.
pub(crate) struct Unwilling {
    pub(crate) address: SocketAddr,
    refused: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

impl Unwilling {
    pub(crate) async fn start(answer: &'static str, times: usize, then: SocketAddr) -> Self {
        let (listener, address) = listen().await;
        let refused = Arc::new(AtomicUsize::new(0));
        let counter = refused.clone();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((mut client, _)) = listener.accept().await {
                if counter.load(Ordering::Relaxed) == times {
                    connections.spawn(async move {
                        let mut server = TcpStream::connect(then).await.unwrap();
                        let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                    });
                    continue;
                }
                counter.fetch_add(1, Ordering::Relaxed);
                let _ = client.read(&mut [0; 65_536]).await;
                let _ = client.write_all(answer.as_bytes()).await;
            }
        });
        Self { address, refused, _tasks: tasks }
    }

    pub(crate) fn refused(&self) -> usize {
        self.refused.load(Ordering::Relaxed)
    }
}

/// A way to a server that breaks after so many bytes of each connection; it ends with this value.
pub(crate) struct Breaking {
    pub(crate) address: SocketAddr,
    _tasks: JoinSet<()>,
}

impl Breaking {
    pub(crate) async fn start(after: u64, server: SocketAddr) -> Self {
        let (listener, address) = listen().await;
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let mut server = TcpStream::connect(server).await.unwrap();
                let passed = copy(&mut client.take(after), &mut server).await.unwrap();
                assert_eq!(passed, after, "it breaks in the middle");
            }
        });
        Self { address, _tasks: tasks }
    }
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}
