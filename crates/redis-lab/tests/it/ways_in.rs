//! Passwords, users, TLS, limits and other servers.

use redis::{ErrorKind, ServerErrorKind, cmd};
use redis_lab::{Lab, Options, valkey_server};

use crate::client::{options, try_connect};

#[tokio::test]
async fn a_password_and_users_are_asked_for() {
    let lab = Lab::start(Options {
        password: Some("secret".into()),
        users: vec!["reader on >other ~* &* +@read +@connection".into()],
        ..options()
    })
    .await
    .unwrap();
    let node = lab.node(0);
    let url = |who: &str| format!("redis://{who}{}:{}", node.address(), node.port());
    let mut nobody = try_connect(&url("")).await.unwrap();
    let refused = cmd("GET").arg("a").query_async::<()>(&mut nobody).await.unwrap_err();
    assert_eq!(refused.code(), Some("NOAUTH"));
    let key = (0..).map(|key| key.to_string());
    let mut of_node_0 = None;
    for key in key {
        if lab.slot_of(&key).await.unwrap() <= 5460 {
            of_node_0 = Some(key);
            break;
        }
    }
    let key = of_node_0.unwrap();
    let mut reader = try_connect(&url("reader:other@")).await.unwrap();
    assert_eq!(cmd("GET").arg(&key).query_async::<Option<String>>(&mut reader).await.unwrap(), None);
    let refused = cmd("SET").arg(&key).arg(1).query_async::<()>(&mut reader).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Server(ServerErrorKind::NoPerm));
    // Replicas log in at their masters, and so does a slot on its way.
    let mut all = try_connect(&url(":secret@")).await.unwrap();
    cmd("SET").arg(&key).arg(1).query_async::<()>(&mut all).await.unwrap();
    lab.move_slot(lab.slot_of(&key).await.unwrap(), 1).await.unwrap();
    lab.failover(3).await.unwrap();
}

#[tokio::test]
async fn with_tls_nothing_else_is_spoken() {
    let lab = Lab::start(Options { tls: true, ..options() }).await.unwrap();
    assert!(lab.urls().iter().all(|url| url.starts_with("rediss://")));
    let plain = lab.node(0).url().replace("rediss", "redis");
    assert!(try_connect(&plain).await.is_err());
    let node = lab.node(0);
    let handshake = std::process::Command::new("openssl")
        .args(["s_client", "-verify_return_error", "-verify_ip", "127.0.0.1", "-brief", "-CAfile"])
        .arg(lab.ca_file().unwrap())
        .args(["-connect", &format!("{}:{}", node.address(), node.port())])
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    assert!(handshake.status.success(), "{}", String::from_utf8_lossy(&handshake.stderr));
    lab.move_slot(0, 1).await.unwrap();
    lab.failover(3).await.unwrap();
}

#[tokio::test]
async fn a_full_node_refuses_and_evicts_nothing() {
    let lab = Lab::start(Options { max_memory: Some(1), ..options() }).await.unwrap();
    let slot = lab.slot_of("a").await.unwrap();
    let master = lab.master_of(slot).await.unwrap();
    let full = lab.command::<()>(master, cmd("SET").arg("a").arg(1)).await.unwrap_err();
    assert!(full.to_string().contains("OOM"), "{full}");
}

#[tokio::test]
async fn valkey_does_as_well() {
    let server = valkey_server().expect("make target/tools/bin/valkey-server installs it");
    let lab = Lab::start(Options { server, ..options() }).await.unwrap();
    let information: String = lab.command(0, cmd("INFO").arg("server")).await.unwrap();
    assert!(information.contains("server_name:valkey"), "{information}");
    lab.move_slot(0, 1).await.unwrap();
    lab.failover(5).await.unwrap();
    lab.kill(5).unwrap();
    assert_eq!(lab.wait_for_master_other_than(5, 16_383).await.unwrap(), 2);
    lab.restart(5).await.unwrap();
    lab.wait_until_healthy().await.unwrap();
}
