//! For how long nobody can write in the conversations concerned when a master dies, and when it hands over.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use protocol::ConversationId;
use tokio::time::sleep;
use xxhash_rust::xxh3::xxh3_64;

use crate::cluster::Cluster;
use crate::people::{People, Plan, Story};
use crate::report::seconds;

/// How many people write, in groups of six.
const PEOPLE: usize = 24;
/// How long each waits after an ack, on average: so that there is an ack in each group every 25 ms.
const PAUSE: Duration = Duration::from_millis(150);
/// How long everything may take to settle.
const PATIENCE: Duration = Duration::from_secs(120);
/// Within twice its time-out a node votes for replicas of one master only once.
const VOTES_AGAIN: Duration = Duration::from_secs(4);

/// What was done to a master, when, and the conversations that it held.
struct Turn {
    planned: bool,
    begun: Duration,
    ended: Duration,
    conversations: Vec<ConversationId>,
}

/// Measures so many kills and half as many planned failovers, writes a table, and says whether nothing was lost meanwhile.
pub(crate) async fn measure(cluster: Cluster, kills: usize, report: &Path) -> Result<bool> {
    let plan = Plan { talkers: PEOPLE, away: 0, pause: PAUSE, pairs: false, leave: false, seed: 1 };
    let people = People::begin(&cluster.apis, &plan).await?;
    people.go_on(PEOPLE * 4, PATIENCE).await?;
    let mut slots = Vec::new();
    for id in people.groups() {
        slots.push((id, cluster.lab.slot_of(&format!("{{c{}}}", xxh3_64(&id.0) % 1024)).await?));
    }
    let (lab, mut turns) = (&cluster.lab, Vec::new());
    for turn in 0..kills + kills / 2 {
        sleep(VOTES_AGAIN).await;
        let planned = turn >= kills;
        let (_, slot) = slots[turn % slots.len()];
        let master = lab.master_of(slot).await?;
        let mut conversations = Vec::new();
        for (id, slot) in &slots {
            if lab.master_of(*slot).await? == master {
                conversations.push(*id);
            }
        }
        let begun = people.start.elapsed();
        if planned {
            let replica = *lab.replicas_of(master).await?.first().context("the master has no replica")?;
            lab.failover(replica).await?;
        } else {
            lab.kill(master)?;
            lab.wait_for_master_other_than(master, slot).await?;
        }
        people.go_on(PEOPLE * 4, PATIENCE).await?;
        sleep(Duration::from_secs(2)).await;
        turns.push(Turn { planned, begun, ended: people.start.elapsed(), conversations });
        if !planned {
            lab.restart(master).await?;
        }
        lab.wait_until_healthy().await?;
        println!("{} of {}", turn + 1, kills + kills / 2);
    }
    let story = people.end(PATIENCE).await?;
    let findings = crate::checker::check(&story, &Default::default());
    let text = format!(
        "| | times | least | median | most |\n| --- | ---: | ---: | ---: | ---: |\n{}{}\n\
         {} messages acknowledged, broken promises: {:?}\n",
        line("a master is killed", &story, turns.iter().filter(|turn| !turn.planned)),
        line("a master hands over", &story, turns.iter().filter(|turn| turn.planned)),
        findings.acked,
        findings.count,
    );
    if let Some(folder) = report.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(report, &text)?;
    println!("{text}");
    cluster.stop().await?;
    Ok(findings.is_clean())
}

fn line<'a>(what: &str, story: &Story, turns: impl Iterator<Item = &'a Turn>) -> String {
    let mut gaps: Vec<Duration> = turns.map(|turn| gap(story, turn)).collect();
    gaps.sort();
    let [least, .., most] = gaps[..] else { return String::new() };
    let median = gaps[gaps.len() / 2];
    format!("| {what} | {} | {} | {} | {} |\n", gaps.len(), seconds(least), seconds(median), seconds(most))
}

/// Gives the longest time without an ack in one of the conversations that the master held.
fn gap(story: &Story, turn: &Turn) -> Duration {
    let acks = |id: ConversationId| {
        let all = story.devices.iter().flat_map(|device| &device.acked);
        let mut times: Vec<Duration> =
            all.filter(|acked| acked.conversation == id).map(|acked| acked.acked).collect();
        times.sort();
        times
    };
    let longest = |id: &ConversationId| {
        let times = acks(*id);
        let pairs = times.windows(2).filter(|pair| pair[1] >= turn.begun && pair[0] <= turn.ended);
        pairs.map(|pair| pair[1] - pair[0]).max().unwrap_or_default()
    };
    turn.conversations.iter().map(longest).max().unwrap_or_default()
}
