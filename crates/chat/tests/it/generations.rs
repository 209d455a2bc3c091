//! A log that lost its tail: what it holds from then on is of a greater generation, and nobody takes it for what was lost.

use std::sync::Arc;

use serde_json::json;

use crate::support::{Cluster, ForgetfulLog, HintFaults, quick};

async fn forgetful() -> (Cluster, Arc<ForgetfulLog>) {
    let mut kept = None;
    let cluster = Cluster::start_with_log(2, quick(), 0, |store| {
        let log = Arc::new(ForgetfulLog::new(store));
        kept = Some(log.clone());
        log
    })
    .await;
    (cluster, kept.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_the_place_of_a_lost_tail_is_shown_whole() {
    for hints in [HintFaults::default(), HintFaults::ALL_LOST] {
        let (cluster, log) = forgetful().await;
        cluster.hints(hints);
        let [ada, bob, cyd] = &cluster.people_on([0, 1, 1]).await;
        let group = cluster.group(&[ada, bob, cyd]).await;
        let (mut a, mut b) = (cluster.connect(ada).await, cluster.connect(bob).await);
        for id in ["one", "two", "three", "four", "five"] {
            a.say(group, id).await;
        }
        b.event(group, 5).await;
        log.lose(group, 3);
        // A client of the other shard that has not seen what was lost reads on while it is not there.
        let mut c = cluster.open(cyd).await;
        let resumed = c.resume(&[(group, 2)]).await;
        assert_eq!(resumed[group.to_string()]["recovered"], true);
        for id in ["again-three", "again-four", "again-five"] {
            a.say(group, id).await;
        }
        let after = [(2, 3), (2, 4), (2, 5)];
        b.when(|seen| seen.places(group).ends_with(&after).then_some(())).await;
        c.when(|seen| (seen.places(group) == after).then_some(())).await;
        let before = [(1, 1), (1, 2), (1, 3), (1, 4), (1, 5)];
        assert_eq!(b.seen.places(group), [before.as_slice(), after.as_slice()].concat());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_saw_what_was_lost_is_told() {
    let (cluster, log) = forgetful().await;
    let [ada, bob] = &cluster.people_on([0, 1]).await;
    let group = cluster.group(&[ada, bob]).await;
    cluster.write_many(group, ada, 5).await;
    log.lose(group, 2);
    let mut a = cluster.connect(ada).await;
    a.say(group, "other").await;
    for cursor in [json!({"seq": 4, "gen": 1}), json!(5)] {
        let mut b = cluster.open(bob).await;
        b.send(&json!({"type": "resume", "cursors": {group.to_string(): cursor}})).await;
        let resumed = b.resumed().await;
        assert_eq!(resumed[group.to_string()]["reason"], "log_lost_tail", "{cursor}");
        assert_eq!(resumed[group.to_string()]["seq"], 4);
        assert!(b.seen.heard_of().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_joins_is_shown_events_of_both_generations() {
    let (cluster, log) = forgetful().await;
    let [ada, bob] = &cluster.people_on([0, 1]).await;
    let group = cluster.group(&[ada]).await;
    cluster.write_many(group, ada, 3).await;
    let mut b = cluster.connect(bob).await;
    cluster.add(group, ada, bob).await;
    cluster.write(group, ada, "before").await;
    log.lose(group, 0);
    cluster.write(group, ada, "after").await;
    b.when(|seen| (seen.places(group) == [(1, 4), (2, 5)]).then_some(())).await;
}
