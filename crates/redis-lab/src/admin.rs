//! The lab's own way to a node: its socket, which no fault of the network touches.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, FromRedisValue, IntoConnectionInfo, RedisError,
};

use crate::error::{Error, Result};
use crate::lab::Lab;

/// How long a node has to answer the lab; a paused one never does.
const ANSWER: Duration = Duration::from_secs(2);

impl Lab {
    /// Has a node carry out a command, over its own socket, which works with TLS and while it is cut off too.
    ///
    /// # Errors
    ///
    /// [`Error::Redis`] with what the node said, or if it does not answer within two seconds.
    pub async fn command<T: FromRedisValue>(&self, node: usize, command: &Cmd) -> Result<T> {
        let mut connection = self.connect(node).await?;
        command.query_async(&mut connection).await.map_err(|source| Error::Redis { node, source })
    }

    /// Has a node carry out a command whose words are separated by spaces.
    pub(crate) async fn words<T: FromRedisValue>(&self, node: usize, words: &str) -> Result<T> {
        let mut command = Cmd::new();
        command.arg(words.split(' ').collect::<Vec<_>>());
        self.command(node, &command).await
    }

    pub(crate) async fn connect(&self, node: usize) -> Result<MultiplexedConnection> {
        self.try_connect(node).await.map_err(|source| Error::Redis { node, source })
    }

    async fn try_connect(&self, node: usize) -> Result<MultiplexedConnection, RedisError> {
        let mut information =
            ConnectionAddr::Unix(self.node(node).socket().to_owned()).into_connection_info()?;
        if let Some(password) = &self.options().password {
            let settings = information.redis_settings().clone().set_password(password);
            information = information.set_redis_settings(settings);
        }
        let patience = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(ANSWER))
            .set_response_timeout(Some(ANSWER));
        Client::open(information)?.get_multiplexed_async_connection_with_config(&patience).await
    }
}
