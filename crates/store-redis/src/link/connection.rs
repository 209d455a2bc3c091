//! A connection to one node.

use std::collections::HashSet;
use std::io;
use std::time::Duration;

use futures_util::StreamExt;
use redis::{Value, ValueCodec};
use rustls::pki_types::ServerName;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::codec::FramedRead;

use super::address::Address;
use super::batch::write_command;
use super::settings::{CONNECT, Settings};
use super::topology::NodeId;
use super::verdict;

/// How long what was sent may stay unacknowledged by the other machine before the connection counts as broken.
const USER_TIMEOUT: Duration = Duration::from_secs(1);

/// A connection to one node.
pub(crate) struct Connection {
    reader: FramedRead<ReadHalf<Box<dyn Socket>>, ValueCodec>,
    writer: WriteHalf<Box<dyn Socket>>,
    /// Who the node is.
    pub(super) node: NodeId,
    /// The node's configuration epoch when it was last asked: it grows whenever the node becomes a master, or takes over a slot.
    pub(super) epoch: u64,
    /// The hashes of the scripts that were loaded over this connection.
    pub(super) loaded: HashSet<String>,
}

/// Why a connection is of no use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    /// It cannot be opened, or it broke.
    #[error("{0}")]
    Broken(String),
    /// The node takes too long.
    #[error("the node does not answer")]
    Silent,
    /// The name or the password is wrong, or the user may not do what is needed.
    #[error("{0}")]
    Denied(String),
    /// The node is no cluster's.
    #[error("the node is not in cluster mode")]
    NoCluster,
}

/// What bytes go through.
trait Socket: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Socket for T {}

impl Connection {
    /// Opens a connection, and asks the node who it is.
    pub(super) async fn open(settings: &Settings, announced: &Address) -> Result<Self, Failure> {
        let opened = timeout(CONNECT, Self::connect(settings, announced)).await;
        opened.unwrap_or(Err(Failure::Silent))
    }

    async fn connect(settings: &Settings, announced: &Address) -> Result<Self, Failure> {
        let address = settings.reach(announced);
        let stream = TcpStream::connect((address.host.as_str(), address.port)).await?;
        stream.set_nodelay(true)?;
        let keepalive = TcpKeepalive::new()
            .with_time(Duration::from_secs(5))
            .with_interval(Duration::from_secs(1))
            .with_retries(2);
        let socket = SockRef::from(&stream);
        socket.set_tcp_keepalive(&keepalive)?;
        #[cfg(target_os = "linux")]
        socket.set_tcp_user_timeout(Some(USER_TIMEOUT))?;
        let stream: Box<dyn Socket> = match &settings.tls {
            Some(tls) => {
                let name = ServerName::try_from(address.host.clone())
                    .map_err(|error| Failure::Broken(error.to_string()))?;
                Box::new(tls.connect(name, stream).await?)
            }
            None => Box::new(stream),
        };
        let (reader, writer) = tokio::io::split(stream);
        let reader = FramedRead::new(reader, ValueCodec::default());
        let node = NodeId::nowhere();
        let mut connection = Self { reader, writer, node, epoch: 0, loaded: HashSet::new() };
        connection.greet(settings).await?;
        Ok(connection)
    }

    async fn greet(&mut self, settings: &Settings) -> Result<(), Failure> {
        let mut bytes = Vec::new();
        let credentials = settings.credentials().await?;
        let mut greetings = 1;
        if let Some(who) = credentials {
            greetings += 1;
            match &who.username {
                Some(name) => {
                    write_command(&mut bytes, &[b"AUTH", name.as_bytes(), who.password.as_bytes()]);
                }
                None => write_command(&mut bytes, &[b"AUTH", who.password.as_bytes()]),
            }
        }
        write_command(&mut bytes, &[b"CLUSTER", b"MYID"]);
        let answers = self.exchange(&bytes, greetings).await?;
        for answer in answers {
            match answer {
                Value::ServerError(error) => return Err(verdict::failure(&error)),
                Value::BulkString(id) => self.node = NodeId::new(&String::from_utf8_lossy(&id)),
                _ => {}
            }
        }
        self.ask_epoch().await
    }

    /// Asks the node for its epoch.
    pub(super) async fn ask_epoch(&mut self) -> Result<(), Failure> {
        let Value::BulkString(text) = self.command(&[b"CLUSTER", b"INFO"]).await? else {
            return Err(Failure::NoCluster);
        };
        let text = String::from_utf8_lossy(&text);
        let epoch = text.lines().find_map(|line| line.strip_prefix("cluster_my_epoch:"));
        self.epoch = epoch.and_then(|epoch| epoch.trim().parse().ok()).unwrap_or(self.epoch);
        Ok(())
    }

    /// Sends one command and gives its answer; an error of Redis is a failure.
    pub(crate) async fn command(&mut self, parts: &[&[u8]]) -> Result<Value, Failure> {
        let mut bytes = Vec::new();
        write_command(&mut bytes, parts);
        match self.exchange(&bytes, 1).await?.pop() {
            Some(Value::ServerError(error)) => Err(verdict::failure(&error)),
            Some(answer) => Ok(answer),
            None => Err(Failure::Silent),
        }
    }

    /// Sends what is encoded and gives as many answers as there are commands, errors of Redis among them.
    ///
    /// If the future is dropped, the connection is of no use any more.
    pub(crate) async fn exchange(&mut self, bytes: &[u8], answers: usize) -> Result<Vec<Value>, Failure> {
        let Self { reader, writer, .. } = self;
        let write = async {
            writer.write_all(bytes).await?;
            writer.flush().await?;
            Ok::<(), Failure>(())
        };
        let read = async {
            let mut values = Vec::with_capacity(answers);
            while values.len() < answers {
                match reader.next().await {
                    Some(value) => values.push(value.map_err(|error| Failure::Broken(error.to_string()))?),
                    None => return Err(Failure::Broken("the node closed the connection".to_owned())),
                }
            }
            Ok(values)
        };
        // Both at once: a node that cannot get rid of its answers would read no more.
        let ((), values) = tokio::try_join!(write, read)?;
        Ok(values)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Broken(error.to_string())
    }
}
