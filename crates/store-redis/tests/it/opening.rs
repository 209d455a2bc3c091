//! How a store is opened, and why it may not be.

use ports::Log;
use protocol::ConversationId;
use redis_lab::{Lab, Options as LabOptions};
use store_redis::{Acks, OpenError, Options, RedisStore};

use crate::scene::{self, group_on, message, name, options, random, shared, user};

async fn lab(options: LabOptions) -> Lab {
    Lab::start(LabOptions { replicas_per_master: 0, ..options }).await.unwrap()
}

async fn error(options: Options) -> OpenError {
    RedisStore::open(options).await.err().unwrap()
}

#[tokio::test]
async fn a_wrong_password_is_told() {
    let lab = lab(LabOptions { password: Some("secret".to_owned()), ..LabOptions::default() }).await;
    let with = |password: &str| {
        let urls = lab.urls().iter().map(|url| url.replace("://", &format!("://{password}"))).collect();
        Options { urls, acks: Acks::Leader, ..options(&lab) }
    };
    for wrong in ["", ":wrong@", "nobody:secret@"] {
        assert!(matches!(error(with(wrong)).await, OpenError::Denied(_)), "{wrong}");
    }
    RedisStore::open(with(":secret@")).await.unwrap();
}

#[tokio::test]
async fn a_password_may_change_while_the_store_is_open() {
    let users = vec!["worker on >old ~* &* +@all".to_owned()];
    let lab = lab(LabOptions { users, ..LabOptions::default() }).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    std::fs::write(&file, "old\n").unwrap();
    let urls = lab.urls().iter().map(|url| url.replace("://", "://worker@")).collect();
    let password_file = Some(file.clone());
    let options = Options { urls, password_file, acks: Acks::Leader, ..options(&lab) };
    let store = RedisStore::open(options).await.unwrap();
    std::fs::write(&file, "new\n").unwrap();
    for node in 0..3 {
        // Connections that are open go on without it.
        for words in ["ACL SETUSER worker resetpass >new", "CLIENT KILL USER worker"] {
            let mut words = words.split(' ');
            let mut command = redis::cmd(words.next().unwrap());
            for word in words {
                command.arg(word);
            }
            lab.command::<redis::Value>(node, &command).await.unwrap();
        }
    }
    assert_eq!(store.ends(&[ConversationId(random())]).await.unwrap()[0].seq, 0);
}

#[tokio::test]
async fn a_redis_that_is_no_cluster_is_told() {
    let lab = lab(LabOptions { masters: 1, ..LabOptions::default() }).await;
    let folder = tempfile::tempdir().unwrap();
    // A port that was free: the lab's node gives its own up for a server that is alone.
    let port = lab.node(0).port();
    lab.kill(0).unwrap();
    let mut server = std::process::Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir"])
        .arg(folder.path())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let error = loop {
        match error(options(&lab)).await {
            OpenError::Unreachable(_) => {}
            error => break error,
        }
    };
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(matches!(error, OpenError::NoCluster), "{error}");
}

#[tokio::test]
async fn that_nothing_is_there_is_told() {
    let lab = lab(LabOptions { masters: 1, ..LabOptions::default() }).await;
    lab.kill(0).unwrap();
    assert!(matches!(error(options(&lab)).await, OpenError::Unreachable(_)));
}

#[tokio::test]
async fn one_node_that_is_named_is_enough() {
    let lab = shared().await;
    let named = vec!["redis://127.0.0.1:1".to_owned(), lab.urls()[4].clone()];
    let store = RedisStore::open(Options { urls: named, ..options(lab) }).await.unwrap();
    assert!(store.is_whole());
    let ends = store.ends(&[ConversationId(random()), ConversationId(random())]).await.unwrap();
    assert_eq!(ends.len(), 2);
}

#[tokio::test]
async fn a_cluster_is_reached_by_tls() {
    let lab = lab(LabOptions { tls: true, ..LabOptions::default() }).await;
    let ca_file = lab.ca_file().map(std::path::Path::to_owned);
    let trusting = Options { ca_file, acks: Acks::Leader, ..options(&lab) };
    let store = RedisStore::open(trusting).await.unwrap();
    for username in ["ada", "ben"] {
        user(&store, &name(username)).await;
    }
    let id = group_on(&store, &lab, 1).await;
    store.append(message(id, &name("ada"), 1)).await.unwrap();
    assert_eq!(store.events(id, 0, 10).await.unwrap().len(), 1);
    // The machine does not know who vouches for the cluster.
    assert!(matches!(error(options(&lab)).await, OpenError::Unreachable(_)));
}

#[tokio::test]
async fn announced_addresses_are_replaced() {
    let lab = shared().await;
    let mut options = options(lab);
    for node in lab.nodes() {
        let announced = format!("{}:{}", node.address(), node.port());
        options.addresses.insert(announced, format!("localhost:{}", node.port()));
    }
    let store = RedisStore::open(options).await.unwrap();
    assert_eq!(store.ends(&[ConversationId(random())]).await.unwrap()[0].seq, 0);
}

#[tokio::test]
async fn a_closed_store_answers_at_once() {
    let store = scene::open(shared().await).await;
    store.close();
    let (ada, id) = (name("ada"), ConversationId(random()));
    assert!(matches!(store.append(message(id, &ada, 1)).await, Err(ports::Error::Unavailable(_))));
    assert!(matches!(store.ends(&[id]).await, Err(ports::Error::Unavailable(_))));
}
