//! Where a user belongs.

use std::sync::Arc;

use axum::extract::State;
use http_edge::Json;
use placement::{Bucket, Member};
use protocol::Username;
use protocol::account::{Server, Servers};

use crate::api::Api;
use crate::authenticate::Caller;
use crate::failure::Answer;

/// `GET /api/servers`
pub(crate) async fn get(State(api): State<Arc<Api>>, Caller(caller): Caller) -> Answer<Json<Servers>> {
    Ok(Json(of(&api, &caller.user)))
}

/// Gives where a user belongs now.
pub(super) fn of(api: &Api, user: &Username) -> Servers {
    let table = api.tables.borrow().clone();
    let bucket = Bucket::of(user.as_str());
    Servers {
        epoch: table.epoch.into(),
        chat: server(api, table.chat.owner(bucket), "chat"),
        presence: server(api, table.presence.owner(bucket), "presence"),
    }
}

fn server(api: &Api, owner: &Member, path: &str) -> Server {
    let url = address(api.options.public_shard_url.as_deref(), owner, path);
    Server { shard: owner.shard.clone(), url }
}

/// Gives a socket's whole address.
fn address(public: Option<&str>, owner: &Member, path: &str) -> String {
    let base = match public {
        Some(template) => template.replace("{shard}", owner.name()),
        None => owner.url.clone(),
    };
    format!("{}/{path}", base.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "test")]
    use placement::ORDINARY_WEIGHT;
    use protocol::Shard;

    use super::*;

    #[test]
    fn an_address_is_whole_and_the_public_one_if_there_is_one() {
        let owner = Member {
            shard: Shard::new("chat-0").unwrap(),
            url: "ws://10.0.0.7:9000".to_owned(),
            weight: ORDINARY_WEIGHT,
            operator_url: None,
            draining: false,
        };
        assert_eq!(address(None, &owner, "chat"), "ws://10.0.0.7:9000/chat");
        let public = Some("wss://{shard}.chat.example.com/");
        assert_eq!(address(public, &owner, "chat"), "wss://chat-0.chat.example.com/chat");
    }
}
