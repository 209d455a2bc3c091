//! Logins that end: their sockets close, and no others.

use ports::Logins;
use protocol::Timestamp;
use protocol::hint::Hint;

use crate::support::{Client, Cluster, patient};

#[tokio::test(flavor = "multi_thread")]
async fn a_logout_closes_the_sockets_of_that_login_and_no_others() {
    let cluster = Cluster::start(1, patient(), 0).await;
    let [ada, bob] = &cluster.people_on([0, 0]).await;
    let other = cluster.people.log_in(&ada.name).await;
    let (mut first, mut second) = (cluster.connect(ada).await, cluster.connect(ada).await);
    let (mut device, mut b) = (cluster.connect(&other).await, cluster.connect(bob).await);
    cluster.hint(0, Hint::LoginEnded { login: ada.login, user: ada.name.clone() }).await;
    assert_eq!((first.close_code().await, second.close_code().await), (4401, 4401));
    device.ping("there").await;
    b.ping("there").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_ends_while_its_socket_opens_is_noticed() {
    let cluster = Cluster::start(1, patient(), 0).await;
    let [ada] = &cluster.people_on([0]).await;
    cluster.trouble.hold("memberships");
    let mut a = cluster.open_unread(ada).await;
    cluster.trouble.waiting(1).await;
    cluster.store.end_login(ada.login, Timestamp(1)).await.unwrap();
    cluster.trouble.release();
    a.welcome().await;
    assert_eq!(a.close_code().await, 4401);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_comes_in_without_credentials_that_hold() {
    let cluster = Cluster::start(1, patient(), 0).await;
    let [ada] = &cluster.people_on([0]).await;
    let url = &cluster.nodes[0].url;
    for token in [None, Some("nonsense")] {
        assert_eq!(Client::open(url, token, &ada.name).await.err().unwrap().status, 401);
    }
    cluster.store.end_login(ada.login, Timestamp(1)).await.unwrap();
    assert_eq!(cluster.open_to(0, ada).await.err().unwrap().status, 401);
}
