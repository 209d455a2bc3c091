//! A master that dies together with the replica that acknowledged: what the rest has is older than what was acknowledged.

use std::sync::Arc;
use std::time::Duration;

use ports::{Log, Tasks};
use protocol::EventBody;
use redis_lab::Lab;
use store_redis::{Options, RedisStore};
use tokio::runtime::{Builder, Runtime};

use crate::load::{Load, check, has_moved};
use crate::scene::{self, cluster, edit, group_on, message, name, user};

async fn store(lab: &Lab) -> Arc<RedisStore> {
    let deadline = Duration::from_secs(60);
    let store = RedisStore::open(Options { deadline, ..scene::options(lab) }).await.unwrap();
    for username in ["ada", "ben"] {
        user(&store, &name(username)).await;
    }
    Arc::new(store)
}

/// Has a replica receive nothing any more. What is sent to it before its connection ends would be waiting for it.
async fn stall(lab: &Lab, master: usize, replica: usize) {
    lab.pause(replica).unwrap();
    let mut command = redis::cmd("CLIENT");
    lab.command::<()>(master, command.arg("KILL").arg("TYPE").arg("replica")).await.unwrap();
}

/// Kills a master and one of its replicas, lets the other one, which was paused, take over, and starts the first again as its replica.
async fn fail_over_to_the_paused(lab: &Lab, master: usize, acknowledged: usize, paused: usize) {
    lab.kill(master).unwrap();
    lab.kill(acknowledged).unwrap();
    lab.resume(paused).unwrap();
    lab.wait_for_master_other_than(master, 0).await.unwrap();
    lab.restart(acknowledged).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_and_lost_is_appended_again_without_being_asked() {
    let lab = cluster(2).await;
    let store = store(&lab).await;
    let id = group_on(&store, &lab, 0).await;
    let ada = name("ada");
    let first = store.append(message(id, &ada, 0)).await.unwrap();
    stall(&lab, 0, 6).await;
    let mut lost = Vec::new();
    for number in 1..=20 {
        lost.push(store.append(message(id, &ada, number)).await.unwrap());
    }
    store.append(edit(id, &ada, "e1", lost[4].position.seq, "changed")).await.unwrap();
    fail_over_to_the_paused(&lab, 0, 3, 6).await;
    // Nobody writes in it: that the slot has another master is enough.
    let end = loop {
        match store.ends(&[id]).await {
            Ok(ends) if ends[0].seq == 22 => break ends[0],
            _ => tokio::task::yield_now().await,
        }
    };
    assert!(end.r#gen > first.position.r#gen, "what was lost has other places");
    let events = store.events(id, 0, 100).await.unwrap();
    let bodies: Vec<EventBody> = events.iter().map(|event| EventBody::decode(&event.body).unwrap()).collect();
    let ids: Vec<&str> = bodies.iter().map(|body| body.id.as_str()).collect();
    let expected: Vec<String> =
        (0..=20).map(|number| format!("m{number}")).chain(["e1".to_owned()]).collect();
    assert_eq!(ids, expected);
    assert_eq!(bodies[5].text.as_deref(), Some("changed"));
    // Whoever repeats a request learns of the new place.
    let repeated = store.append(message(id, &ada, 20)).await.unwrap();
    assert_eq!((repeated.position, repeated.duplicate), (events[20].position, true));
    assert!(repeated.position > lost[19].position);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_who_go_on_writing_lose_nothing() {
    let lab = cluster(2).await;
    let store = store(&lab).await;
    let (lossy, other) = (group_on(&store, &lab, 0).await, group_on(&store, &lab, 1).await);
    let load = Load::start(&store, &[lossy, other]);
    load.goes_on(200).await;
    stall(&lab, 0, 6).await;
    load.goes_on(500).await;
    fail_over_to_the_paused(&lab, 0, 3, 6).await;
    load.goes_on(500).await;
    let acknowledged = load.stop().await;
    check(&store, &acknowledged, false).await;
    assert!(has_moved(&store, &acknowledged, lossy).await, "something was taken back");
}

/// Another process is quicker, so that what was lost gets other numbers when it is appended again.
#[test]
fn an_edit_follows_its_message_to_another_place() {
    let everybody = Runtime::new().unwrap();
    // What runs on it stands still while it does not block on anything.
    let slow = Builder::new_current_thread().enable_all().build().unwrap();
    let lab = everybody.block_on(cluster(2));
    let options = Options { deadline: Duration::from_secs(60), ..scene::options(&lab) };
    let quick = everybody.block_on(RedisStore::open(options.clone())).unwrap();
    let options = Options { tasks: Tasks::default(), ..options };
    let store = slow.block_on(RedisStore::open(options)).unwrap();
    let (ada, ben) = (name("ada"), name("ben"));
    let id = slow.block_on(async {
        for username in [&ada, &ben] {
            user(&store, username).await;
        }
        let id = group_on(&store, &lab, 0).await;
        store.append(message(id, &ada, 0)).await.unwrap();
        stall(&lab, 0, 6).await;
        store.append(message(id, &ada, 1)).await.unwrap();
        store.append(edit(id, &ada, "e1", 2, "changed")).await.unwrap();
        id
    });
    everybody.block_on(async {
        fail_over_to_the_paused(&lab, 0, 3, 6).await;
        let quick = quick.append(message(id, &ben, 0)).await.unwrap();
        assert_eq!(quick.position.seq, 2);
    });
    let events = slow.block_on(async {
        let appended = store.append(message(id, &ada, 2)).await.unwrap();
        assert!(appended.position.seq > 3, "what was lost is there before what is new");
        loop {
            let events = store.events(id, 0, 100).await.unwrap();
            if events.len() == 5 {
                break events;
            }
        }
    });
    let bodies = events.iter().map(|event| EventBody::decode(&event.body).unwrap());
    let told: Vec<_> = bodies.map(|body| (body.id.as_str().to_owned(), body.text, body.target)).collect();
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(told[1], ("m0".to_owned(), text("text 0"), None), "ben's is not changed");
    assert_eq!(told[2], ("m1".to_owned(), text("changed"), None));
    assert!(told[3..].contains(&("e1".to_owned(), text("changed"), Some(3))));
}
