//! The rights that the documentation asks for: the contract holds with them, they allow nothing else, and all of them are needed.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use redis_lab::{Lab, Options as LabOptions};
use store_redis::{Options, RedisStore};
use tokio::sync::OnceCell;

use crate::scene;

const DOCUMENT: &str = include_str!("../../../../docs/redis-acl.md");

/// Gives the user's rights as `ACL SETUSER` has them, with a password that works.
fn rights() -> String {
    let line = DOCUMENT.lines().find_map(|line| line.strip_prefix("user chatapp ")).unwrap();
    format!("chatapp {line}").replace("change-this-password", "secret")
}

/// Gives the commands that are allowed, in lower case.
fn allowed() -> BTreeSet<String> {
    rights().split(' ').filter_map(|right| right.strip_prefix('+')).map(str::to_owned).collect()
}

/// Gives a cluster that knows the user.
async fn cluster() -> &'static Lab {
    static LAB: OnceCell<Lab> = OnceCell::const_new();
    let options = LabOptions { users: vec![rights()], ..LabOptions::default() };
    LAB.get_or_init(async || Lab::start(options).await.unwrap()).await
}

async fn open() -> Option<Box<RedisStore>> {
    let lab = cluster().await;
    let urls = lab.urls().iter().map(|url| url.replace("redis://", "redis://chatapp:secret@")).collect();
    let prefix = format!("chatapp:{:016x}:", u64::from_be_bytes(scene::random()));
    Some(Box::new(RedisStore::open(Options { urls, prefix, ..Options::default() }).await.unwrap()))
}

mod sufficient {
    ports::contract_tests!(crate::rights::open);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_else_is_allowed() {
    let lab = cluster().await;
    let may = async |command: &[&str]| {
        let mut dry_run = redis::cmd("ACL");
        let answer: String = lab.command(0, dry_run.arg("DRYRUN").arg("chatapp").arg(command)).await.unwrap();
        answer == "OK"
    };
    assert!(may(&["HGET", "chatapp:{u1}:u:ada", "display_name"]).await);
    for refused in [
        &["HGET", "other:{u1}:u:ada", "display_name"][..],
        &["SET", "chatap", "value"],
        &["KEYS", "*"],
        &["SCAN", "0"],
        &["FLUSHALL"],
        &["CONFIG", "GET", "*"],
        &["CLUSTER", "FAILOVER"],
        &["SCRIPT", "FLUSH"],
        &["XINFO", "GROUPS", "chatapp:{c1}:out"],
        &["ACL", "LIST"],
        &["PUBLISH", "channel", "news"],
        &["SHUTDOWN"],
        &["DEBUG", "SLEEP", "0"],
    ] {
        assert!(!may(refused).await, "{refused:?}");
    }
}

#[test]
fn the_rights_are_those_of_which_the_sources_speak() {
    let mut sources = String::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut sources);
    for right in allowed() {
        for word in right.to_uppercase().split('|') {
            let is_used =
                [format!("'{word}'"), format!("\"{word}\"")].iter().any(|word| sources.contains(word));
            assert!(is_used, "nothing uses {right}");
        }
    }
    let commands: BTreeSet<String> =
        allowed().iter().filter_map(|right| right.split('|').next().map(str::to_owned)).collect();
    for call in sources.split("call('").skip(1) {
        let command = call.split('\'').next().unwrap().to_lowercase();
        assert!(commands.contains(&command), "{command} is not allowed");
    }
}

/// Adds the text of all sources in a folder.
fn read(folder: &Path, sources: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(&path, sources);
        } else {
            sources.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}
