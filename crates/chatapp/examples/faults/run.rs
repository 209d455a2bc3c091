//! A run: everything starts, things go wrong, everything ends and is looked at.

use std::fs;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::time::{Instant, sleep};
use xxhash_rust::xxh3::xxh3_64;

use crate::cluster::Cluster;
use crate::faults::round;
use crate::people::{People, Plan, Story};
use crate::report::{self, Event, Run};
use crate::{Arguments, checker, gaps, pushes};

/// How long everything may take to settle in the end.
const PATIENCE: Duration = Duration::from_secs(120);

/// Does what the arguments say, and says whether everything was kept.
pub(crate) async fn run(arguments: &Arguments, left_out: Option<String>) -> Result<bool> {
    let temporary = tempfile::tempdir()?;
    let folder = arguments.folder.as_deref().unwrap_or(temporary.path());
    let own_network = left_out.is_none();
    let cluster = Cluster::start(&arguments.program()?, folder, own_network).await?;
    println!("started; data and logs in {}", folder.display());
    let outcome = match arguments.gaps {
        Some(kills) => gaps::measure(cluster, kills, &arguments.report).await,
        None => faults(arguments, cluster, left_out).await,
    };
    if !matches!(outcome, Ok(true)) {
        let _ = temporary.keep();
    }
    outcome
}

async fn faults(arguments: &Arguments, mut cluster: Cluster, left_out: Option<String>) -> Result<bool> {
    let mut dice = StdRng::seed_from_u64(arguments.seed);
    let plan = Plan {
        talkers: arguments.people,
        away: arguments.people.div_ceil(8),
        pause: Duration::from_millis(arguments.pause),
        pairs: true,
        leave: true,
        seed: dice.random(),
    };
    let people = People::begin(&cluster.apis, &plan).await?;
    people.go_on(arguments.people * 2, PATIENCE).await?;
    if arguments.settled {
        people.settle(PATIENCE).await?;
        // By then all replicas have it.
        sleep(Duration::from_secs(2)).await;
    }
    let busy = busy_slots(&cluster, &people).await?;
    let mut events = Vec::new();
    let mut coming = Vec::new();
    let mut ended_early = None;
    let until = Instant::now() + Duration::from_secs_f64(arguments.minutes * 60.0);
    while events.len() < arguments.faults || Instant::now() < until {
        if coming.is_empty() {
            coming = round(&mut dice, cluster.own_network);
            coming.retain(|fault| arguments.only.is_empty() || arguments.only.contains(fault));
        }
        let fault = coming.pop().context("there is no such fault")?;
        let begun = people.start.elapsed();
        let what = match fault.happen(&mut cluster, &mut dice, &busy).await {
            Ok(what) => what,
            Err(error) => {
                // What happened until then is looked at all the same.
                ended_early = Some(format!("fault {}, {fault}: {error:#}", events.len() + 1));
                break;
            }
        };
        let ended = people.start.elapsed();
        println!(
            "{:>4} {:>8} {fault}: {what}; {} acknowledged, {} open",
            events.len() + 1,
            report::seconds(ended),
            people.tally.acked.load(Ordering::Relaxed),
            people.tally.open.load(Ordering::Relaxed),
        );
        events.push(Event { fault, begun, ended, what });
        sleep(Duration::from_millis(dice.random_range(800..2_500))).await;
    }
    let (length, tally, away) = (people.start.elapsed(), people.tally.clone(), people.away.clone());
    let story = people.end(PATIENCE).await?;
    let log = cluster.log("notification").context("there is no notification role")?;
    let (findings, pushes) = wait_for_pushes(&story, &log).await?;
    let run = Run {
        command: command(arguments),
        people: (arguments.people, away.len()),
        length,
        connections: tally.connections.load(Ordering::Relaxed),
        pushes,
        events,
        left_out,
        ended_early,
    };
    if let Some(folder) = arguments.report.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(&arguments.report, report::text(&run, &story, &findings))?;
    println!(
        "report: {}; {} acknowledged, broken promises: {:?}",
        arguments.report.display(),
        findings.acked,
        findings.count
    );
    if let Some(reason) = run.ended_early {
        bail!("ended early: {reason}");
    }
    cluster.stop().await?;
    Ok(findings.is_clean())
}

/// Checks, as long as pushes may be on their way, and gives how many there were.
async fn wait_for_pushes(story: &Story, log: &Path) -> Result<(checker::Findings, usize)> {
    let begun = Instant::now();
    loop {
        let (pushes, count) = pushes::read(&fs::read_to_string(log)?);
        let findings = checker::check(story, &pushes);
        let missing = findings.count.contains_key(&crate::people::knowledge::Rule::NotPushed);
        if !missing || begun.elapsed() > PATIENCE {
            return Ok((findings, count));
        }
        sleep(Duration::from_secs(2)).await;
    }
}

/// Gives the slots of the conversations: they are in 1,024 partitions by a hash of their id.
async fn busy_slots(cluster: &Cluster, people: &People) -> Result<Vec<u16>> {
    let mut slots = Vec::new();
    for id in people.groups() {
        slots.push(cluster.lab.slot_of(&format!("{{c{}}}", xxh3_64(&id.0) % 1024)).await?);
    }
    Ok(slots)
}

fn command(arguments: &Arguments) -> String {
    let Arguments { minutes, faults, people, pause, seed, settled, .. } = arguments;
    let settled = if *settled { " --settled" } else { "" };
    let only: String = arguments
        .only
        .iter()
        .map(|fault| format!(" --only {}", fault.to_string().replace(' ', "-")))
        .collect();
    format!(
        "cargo run --release -p chatapp --example faults -- --minutes {minutes} --faults {faults} --people {people} --pause {pause} --seed {seed}{settled}{only}"
    )
}
