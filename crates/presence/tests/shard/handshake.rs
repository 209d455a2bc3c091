//! Before a socket is open.

use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::http::Response;

use crate::client::Client;
use crate::cluster::{Cluster, patient};

fn refusal(result: Result<Client, Error>) -> Response<Option<Vec<u8>>> {
    match result.err().expect("a refusal") {
        Error::Http(response) => *response,
        other => panic!("{other} instead of a response"),
    }
}

#[tokio::test]
async fn whoever_does_not_authenticate_is_refused_before_the_upgrade() {
    let mut cluster = Cluster::new(1).await;
    let here = cluster.start(0, patient()).await;
    let refused = refusal(Client::open_with(&cluster.tracker, &here.address, &[]).await);
    assert_eq!(refused.status(), 401);
    assert_eq!(refused.headers()["content-type"], "application/problem+json");
    let refused = refusal(Client::open(&cluster.tracker, &here.address, "ada:nonsense").await);
    assert_eq!(refused.status(), 401);
    assert_eq!(here.shard.counts(), (0, 0));
}

#[tokio::test]
async fn the_welcome_says_who_serves_whom_and_the_subprotocol_is_ours_alone() {
    let mut cluster = Cluster::new(1).await;
    let here = cluster.start(0, patient()).await;
    let ada = cluster.user("ada", 0).await;
    let login = cluster.log_in(&ada).await;
    let headers = [
        ("authorization", format!("Bearer {ada}:{login}")),
        ("sec-websocket-protocol", "chatapp.v1, chatapp.bearer.secret".to_owned()),
    ];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    let mut device = Client::open_with(&cluster.tracker, &here.address, &headers).await.unwrap();
    assert_eq!(device.response.headers()["sec-websocket-protocol"], "chatapp.v1");
    let welcome = device.next().await;
    assert_eq!(
        welcome,
        serde_json::json!({
            "type": "welcome",
            "session": login.to_string(),
            "user": ada.as_str(),
            "shard": "presence-0",
            "epoch": cluster.epoch(),
            "heartbeat_seconds": 3600,
            "max_frame_bytes": protocol::MAX_FRAME_BYTES,
        })
    );
    assert!(device.snapshot().await.is_empty());
}
