//! A world from its beginning to its end, and what the checker says of it.

use std::time::Duration;

use tokio::runtime::Builder;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::checker::{Violation, check};
use crate::cluster::Cluster;
use crate::history::{Happened, Moment, hash};
use crate::panics;
use crate::people::People;
use crate::schedule::Plan;
use crate::set_up;
use crate::store::Truth;
use crate::trouble::Trouble;
use crate::world::World;

/// For how long people do things, and things go wrong.
const BUSY: Duration = Duration::from_secs(50);
/// How long everything may take to converge once nothing goes wrong any more.
const SETTLED_WITHIN: Duration = Duration::from_secs(90);
/// After which everybody who is gone must be seen to be gone: 45 s, a sweep and the ways.
const PRESENCE_WITHIN: Duration = Duration::from_secs(75);
/// How long a cluster may take to start.
const STARTED_WITHIN: Duration = Duration::from_secs(120);

/// What became of a world.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What was planned.
    pub plan: Plan,
    /// A hash of all that happened: the same plan gives the same.
    pub hash: u64,
    /// All that happened.
    pub moments: Vec<Moment>,
    /// What must not have happened.
    pub violations: Vec<Violation>,
}

/// Runs a world in this thread.
///
/// # Panics
/// If no runtime can be made.
#[expect(clippy::expect_used, reason = "without a runtime there is nothing to run")]
pub fn run(plan: &Plan) -> Outcome {
    panics::watch();
    let mut builder = Builder::new_current_thread();
    builder.enable_time().start_paused(true);
    // Among those who wait for the same value tokio wakes one or the other first by chance, which follows from a seed in this build alone.
    #[cfg(tokio_unstable)]
    builder.rng_seed(tokio::runtime::RngSeed::from_bytes(&plan.seed.to_le_bytes()));
    let runtime = builder.build().expect("a runtime");
    let (moments, truth, unfinished) = runtime.block_on(live(plan));
    drop(runtime);
    let mut violations = check(&moments, &truth);
    violations.extend(unfinished);
    violations.extend(panics::taken().into_iter().map(|text| Violation::new("no panic", 0, text)));
    Outcome { plan: plan.clone(), hash: hash(&moments), moments, violations }
}

async fn live(plan: &Plan) -> (Vec<Moment>, Truth, Vec<Violation>) {
    let world = World::begin(plan.seed, plan.defect);
    world.network.set_delay(1..=plan.weather.network.max(1));
    let mut unfinished = Vec::new();
    let cast = set_up::cast(&world, plan.size.people).await.unwrap_or_else(|error| {
        unfinished.push(Violation::new("starts", 0, error.to_string()));
        Vec::new()
    });
    let cluster = Cluster::start(world.clone(), plan.size);
    if timeout(STARTED_WITHIN, cluster.started()).await.is_err() {
        let at = world.history.now();
        unfinished.push(Violation::new("starts", at, "the cluster did not become ready".to_owned()));
    }
    let people = People::new(&world, cast, plan.size.apis);
    people.spawn();

    let (quiet, tracker, start) = (CancellationToken::new(), TaskTracker::new(), Instant::now());
    let trouble = Trouble::new(world.clone(), cluster.clone(), people.clone(), plan.weather);
    trouble.calm();
    for timed in plan.faults.clone() {
        let (trouble, quiet) = (trouble.clone(), quiet.clone());
        tracker.spawn(async move {
            sleep_until(start + Duration::from_millis(timed.at)).await;
            trouble.undergo(&timed, &quiet).await;
        });
    }
    sleep(BUSY).await;
    quiet.cancel();
    tracker.close();
    tracker.wait().await;
    trouble.calm();
    world.history.note(Happened::Quiet);
    people.quiet();
    if timeout(SETTLED_WITHIN, people.settled()).await.is_err() {
        let (at, text) = (world.history.now(), people.unsettled());
        unfinished.push(Violation::new("converges", at, text));
    }
    sleep(PRESENCE_WITHIN).await;
    world.history.note(Happened::End);
    let truth = world.store.truth();
    (world.history.take(), truth, unfinished)
}
