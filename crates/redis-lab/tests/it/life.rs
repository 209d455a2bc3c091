//! How a cluster begins and ends.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use redis_lab::{Error, Lab, Options};

use crate::client::{cluster, get, options, set};

#[tokio::test]
async fn six_nodes_agree_and_are_gone_with_the_lab() {
    let lab = cluster().await;
    lab.health().await.unwrap();
    for (slot, master) in [(0, 0), (5460, 0), (5461, 1), (10_921, 1), (10_922, 2), (16_383, 2)] {
        assert_eq!(lab.master_of(slot).await.unwrap(), master, "slot {slot}");
    }
    assert_eq!(lab.replicas_of(1).await.unwrap(), [4]);
    let folder = lab.node(0).folder().parent().unwrap().to_owned();
    assert_eq!(servers_in(&folder), 6);
    drop(lab);
    assert_eq!(servers_in(&folder), 0);
    assert!(!folder.exists());
}

#[tokio::test]
async fn a_folder_keeps_a_cluster_and_its_data() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { folder: Some(folder.path().join("cluster")), ..options() };
    let lab = Lab::start(options.clone()).await.unwrap();
    set(&lab, "kept", "yes").await;
    let urls = lab.urls();
    assert!(matches!(Lab::start(options.clone()).await, Err(Error::InUse(_))), "one cluster a folder");
    lab.shut_down().await.unwrap();

    let lab = Lab::start(options.clone()).await.unwrap();
    assert_eq!(lab.urls(), urls);
    assert_eq!(get(&lab, "kept").await.as_deref(), Some("yes"));
    // Somebody else has one of its ports in the meantime.
    let taken = (lab.node(0).address(), lab.node(0).port());
    lab.shut_down().await.unwrap();
    let _other = std::net::TcpListener::bind(taken).unwrap();
    let lab = Lab::start(options).await.unwrap();
    assert_ne!(lab.urls(), urls);
    assert_eq!(get(&lab, "kept").await.as_deref(), Some("yes"));
}

#[tokio::test]
async fn a_missing_or_failing_server_is_told() {
    let missing = Options { server: "no-such-server".into(), ..Options::default() };
    assert!(matches!(Lab::start(missing).await, Err(Error::Program { .. })));
    let wrong = Options { settings: vec![("no-such-setting".into(), "1".into())], ..Options::default() };
    let Err(Error::Ended { log, .. }) = Lab::start(wrong).await else { panic!("it starts") };
    assert!(log.contains("no-such-setting"), "{log}");
}

#[tokio::test]
async fn the_program_ends_whole_when_told_and_when_killed() {
    for (signal, in_order) in [("TERM", true), ("INT", true), ("KILL", false)] {
        let folder = tempfile::tempdir().unwrap();
        let mut program = Command::new(env!("CARGO_BIN_EXE_redis-lab"))
            .args(["--node-timeout", "500", "--folder"])
            .arg(folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = std::io::BufReader::new(program.stdout.take().unwrap());
        let mut urls = String::new();
        std::io::BufRead::read_line(&mut output, &mut urls).unwrap();
        assert_eq!(urls.matches("redis://127.0.0.1:").count(), 6);
        assert_eq!(fs::read_to_string(folder.path().join("urls")).unwrap(), urls);
        assert_eq!(servers_in(folder.path()), 6);

        Command::new("kill").args(["-s", signal, &program.id().to_string()]).status().unwrap();
        assert_eq!(program.wait().unwrap().success(), in_order, "{signal}");
        assert!(!in_order || servers_in(folder.path()) == 0, "none is left after {signal}");
        let gone = async {
            while servers_in(folder.path()) > 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), gone).await.unwrap();
    }
}

/// Counts the servers that were started with a configuration in a folder.
fn servers_in(folder: &Path) -> usize {
    let started_here = |entry: &fs::DirEntry| {
        let command = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&command).contains(&format!("{}/node-", folder.display()))
    };
    fs::read_dir("/proc").unwrap().filter(|entry| started_here(entry.as_ref().unwrap())).count()
}
