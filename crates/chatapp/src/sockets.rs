//! Who is connected, asked from one process to another: the notification role asks the chat shards that the table names.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use chat::ChatShard;
use futures_util::future::try_join_all;
use http::StatusCode;
use placement::{Bucket, Table};
use ports::{ConnectedUsers, Dial, Error};
use protocol::{Shard, Username};
use registry::Client;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// Where a shard answers, on its operators' port.
const PATH: &str = "/chat/v1/connected";

/// The question.
#[derive(Serialize, Deserialize)]
struct Question {
    users: Vec<Username>,
}

/// The answer: for each user who is connected, for how many milliseconds nothing was heard of the devices.
#[derive(Serialize, Deserialize)]
struct Reply {
    silence_ms: BTreeMap<Username, u64>,
}

/// The shard that answers, once it has started.
type Answering = watch::Receiver<Option<ChatShard>>;

/// Gives the route by which a shard of this process answers, once it is put into the sender.
pub(crate) fn answers() -> (watch::Sender<Option<ChatShard>>, Router) {
    let (sender, shard) = watch::channel(None);
    (sender, Router::new().route(PATH, post(answer)).with_state(shard))
}

async fn answer(
    State(shard): State<Answering>,
    Json(question): Json<Question>,
) -> Result<Json<Reply>, StatusCode> {
    let shard = shard.borrow().clone().ok_or(StatusCode::SERVICE_UNAVAILABLE)?;
    let connected = shard.connected(&question.users);
    let milliseconds = |silence: Duration| u64::try_from(silence.as_millis()).unwrap_or(u64::MAX);
    let silence_ms = connected.into_iter().map(|(user, silence)| (user, milliseconds(silence))).collect();
    Ok(Json(Reply { silence_ms }))
}

/// Asks the shards of the table.
pub(crate) struct Asked {
    tables: watch::Receiver<Arc<Table>>,
    dial: Arc<dyn Dial>,
}

impl Asked {
    pub(crate) fn new(tables: watch::Receiver<Arc<Table>>, dial: Arc<dyn Dial>) -> Self {
        Self { tables, dial }
    }

    async fn ask(&self, url: String, users: Vec<Username>) -> ports::Result<BTreeMap<Username, u64>> {
        let failed = |error: &dyn std::error::Error| Error::Unavailable(format!("{url}: {error}"));
        let client = Client::new(url.parse().map_err(|error| failed(&error))?, self.dial.clone());
        let question = serde_json::to_vec(&Question { users }).map_err(|error| failed(&error))?;
        let reply = client.post(PATH, Bytes::from(question)).await.map_err(|error| failed(&error))?;
        let reply: Reply = serde_json::from_slice(&reply).map_err(|error| failed(&error))?;
        Ok(reply.silence_ms)
    }
}

#[async_trait]
impl ConnectedUsers for Asked {
    /// Asks the owner of each user, and those who still serve users that they do not own: shards that drain.
    async fn connected(&self, usernames: &[Username]) -> ports::Result<BTreeMap<Username, Duration>> {
        let mut questions: BTreeMap<Shard, (String, Vec<Username>)> = BTreeMap::new();
        {
            let table = self.tables.borrow();
            for user in usernames {
                let owner = table.chat.owner(Bucket::of(user.as_str()));
                let draining = table.chat.members().iter().filter(|member| member.draining);
                for member in draining.chain([owner]) {
                    let Some(url) = &member.operator_url else { continue };
                    let question = questions.entry(member.shard.clone());
                    question.or_insert_with(|| (url.clone(), Vec::new())).1.push(user.clone());
                }
            }
        }
        let asked = questions.into_values().map(|(url, users)| self.ask(url, users));
        let mut connected: BTreeMap<Username, Duration> = BTreeMap::new();
        for (user, silence) in try_join_all(asked).await?.into_iter().flatten() {
            let silence = Duration::from_millis(silence);
            let shortest = connected.entry(user).or_insert(silence);
            *shortest = silence.min(*shortest);
        }
        Ok(connected)
    }
}
