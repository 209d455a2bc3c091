//! Where a user belongs.

use std::sync::Arc;

use axum::extract::State;
use http_edge::Json;
use placement::{Bucket, Service, Table};
use protocol::account::{Server, Servers};
use protocol::{ErrorCode, Shard, Username};

use crate::api::Api;
use crate::authenticate::Caller;
use crate::failure::Answer;

/// `GET /api/servers`
pub(crate) async fn get(State(api): State<Arc<Api>>, Caller(caller): Caller) -> Answer<Json<Servers>> {
    of(&api, &caller.user).map(Json)
}

/// Gives where a user belongs now.
pub(super) fn of(api: &Api, user: &Username) -> Answer<Servers> {
    let table = api.tables.borrow().clone();
    Ok(Servers {
        epoch: table.epoch.into(),
        chat: server(api, &table, Service::Chat, user)?,
        presence: server(api, &table, Service::Presence, user)?,
    })
}

fn server(api: &Api, table: &Table, service: Service, user: &Username) -> Answer<Server> {
    let owner = table.of(service).owner(Bucket::of(user.as_str()));
    let shard = Shard::new(&owner.name).map_err(|error| {
        tracing::error!(%error, "the table names a shard that cannot be one");
        ErrorCode::Internal
    })?;
    Ok(Server { url: address(api.options.public_shard_url.as_deref(), &owner.name, &owner.url, service), shard })
}

/// Gives a socket's whole address.
fn address(public: Option<&str>, name: &str, own: &str, service: Service) -> String {
    let base = public.map_or_else(|| own.to_owned(), |template| template.replace("{shard}", name));
    let base = base.trim_end_matches('/');
    // Tables may have the address by which shards are asked.
    let base = match base.split_once("://") {
        Some(("http", rest)) => format!("ws://{rest}"),
        Some(("https", rest)) => format!("wss://{rest}"),
        _ => base.to_owned(),
    };
    format!("{base}/{service}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_whole_and_the_public_one_if_there_is_one() {
        let public = Some("wss://{shard}.chat.example.com/");
        let own = "http://10.0.0.7:9000/";
        assert_eq!(address(None, "chat-0", own, Service::Chat), "ws://10.0.0.7:9000/chat");
        assert_eq!(address(None, "p-0", "ws://p-0:9000", Service::Presence), "ws://p-0:9000/presence");
        assert_eq!(address(public, "chat-0", own, Service::Chat), "wss://chat-0.chat.example.com/chat");
    }
}
