//! A shard of either kind, as the programs that start, serve and drain it see it.

use std::time::Duration;

use anyhow::Result;
use axum::Router;
use chat::ChatShard;
use presence::PresenceShard;
use protocol::Service;

use crate::base::Base;
use crate::parts::{self, ShardPlace};

/// A shard that runs. Clones are the same.
#[derive(Clone)]
pub(crate) enum RunningShard {
    /// Messages.
    Chat(ChatShard),
    /// Who is there.
    Presence(PresenceShard),
}

impl RunningShard {
    /// Starts a shard.
    pub(crate) async fn start(base: &Base, service: Service, place: ShardPlace) -> Result<Self> {
        Ok(match service {
            Service::Chat => Self::Chat(ChatShard::start(parts::chat(base, place)).await?),
            Service::Presence => Self::Presence(PresenceShard::start(parts::presence(base, place)?).await?),
        })
    }

    /// Gives the routes of its public listener.
    pub(crate) fn router(&self) -> Router {
        parts::hardened(match self {
            Self::Chat(chat) => chat.router(),
            Self::Presence(presence) => presence.router(),
        })
    }

    /// Sends the clients elsewhere.
    pub(crate) async fn drain(&self, window: Duration) {
        match self {
            Self::Chat(chat) => chat.drain(window).await,
            Self::Presence(presence) => presence.drain(window).await,
        }
    }

    /// Gives the chat shard, if it is one.
    pub(crate) fn chat(&self) -> Option<ChatShard> {
        match self {
            Self::Chat(chat) => Some(chat.clone()),
            Self::Presence(_) => None,
        }
    }
}
