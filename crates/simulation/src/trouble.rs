//! Letting things go wrong, and mending them.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::cluster::{Cluster, Node, Role};
use crate::history::Happened;
use crate::people::People;
use crate::schedule::{Fault, Timed, Weather};
use crate::store::{HintFaults, Trouble as StoreTrouble};
use crate::world::World;

/// What can be made to go wrong. Clones are the same.
#[derive(Clone)]
pub(crate) struct Trouble {
    world: World,
    cluster: Cluster,
    people: People,
    weather: Weather,
}

/// Mends what a fault broke.
type Mend = Box<dyn FnOnce(&Trouble) + Send>;

impl Trouble {
    pub(crate) fn new(world: World, cluster: Cluster, people: People, weather: Weather) -> Self {
        Self { world, cluster, people, weather }
    }

    /// Lets the store and the network be as well as they ever are.
    pub(crate) fn calm(&self) {
        self.world.network.set_delay(1..=self.weather.network.max(1));
        self.world.store.trouble("*", self.store_weather());
        self.world.store.hints(HintFaults::default());
    }

    /// Lets a fault begin, waits for its end or until all is to be quiet, and mends it.
    pub(crate) async fn undergo(&self, timed: &Timed, quiet: &CancellationToken) {
        let name = format!("{:?}", timed.fault);
        self.world.history.note(Happened::Fault(name.clone()));
        if let Some(mend) = self.begin(&timed.fault).await {
            quiet.run_until_cancelled(sleep(Duration::from_millis(timed.lasts))).await;
            mend(self);
        }
        self.world.history.note(Happened::Healed(name));
    }

    async fn begin(&self, fault: &Fault) -> Option<Mend> {
        let (cluster, network) = (&self.cluster, &self.world.network);
        match fault {
            Fault::Crash { shard } => self.crash(cluster.shard(*shard)?),
            Fault::ApiCrash { replica } => self.crash(cluster.replica(Role::Api, *replica)?),
            Fault::NotificationCrash => self.crash(cluster.replica(Role::Notification, 0)?),
            Fault::RegistryCrash { replica } => {
                let node = cluster.replica(Role::Registry, *replica)?;
                let name = node.name().to_owned();
                self.crash(node);
                self.take_over(&name);
                Some(Box::new(move |trouble| {
                    trouble.cluster.run(Role::Registry, &name);
                    // Else it would be one that nobody has told that it leads.
                    trouble.lead_any();
                }))
            }
            Fault::NoRegistry => {
                let names: Vec<String> =
                    cluster.nodes(Role::Registry).iter().map(|node| node.name().to_owned()).collect();
                names.iter().for_each(|name| cluster.crash(name));
                Some(Box::new(move |trouble| {
                    names.iter().for_each(|name| trouble.cluster.run(Role::Registry, name));
                    trouble.lead_any();
                }))
            }
            Fault::Freeze { shard } => self.freeze(cluster.shard(*shard)?),
            Fault::RegistryFreeze { replica } => {
                let node = cluster.replica(Role::Registry, *replica)?;
                let name = node.name().to_owned();
                let mend = self.freeze(node);
                self.take_over(&name);
                mend
            }
            Fault::Join => {
                cluster.join();
                None
            }
            Fault::Leave { shard } => {
                let shard = cluster.replica(Role::Chat, *shard)?;
                cluster.scale_down(shard.name()).await;
                None
            }
            Fault::Rollout => {
                cluster.roll_out().await;
                None
            }
            Fault::AllLead => {
                cluster.all_lead();
                Some(Box::new(Self::lead_any))
            }
            Fault::LeaderChange => {
                self.lead_any();
                None
            }
            Fault::Flap { shard } => {
                let name = cluster.shard(*shard)?.name().to_owned();
                cluster.hide(&name, true);
                Some(Box::new(move |trouble| trouble.cluster.hide(&name, false)))
            }
            Fault::LateTables { shard } => {
                let node = cluster.shard(*shard)?;
                node.hold_tables(true);
                Some(Box::new(move |_| node.hold_tables(false)))
            }
            Fault::Cut { person } => {
                self.people.cut(*person);
                None
            }
            Fault::Vanish { person } => {
                self.people.vanish(*person);
                None
            }
            Fault::CutShard { shard } => {
                network.cut(cluster.shard(*shard)?.name());
                None
            }
            Fault::Silence { person, shard } => {
                let shard = cluster.shard(*shard)?.name().to_owned();
                let devices = self.people.devices_of(*person);
                devices.iter().for_each(|device| network.silence(device, &shard, true));
                Some(Box::new(move |trouble| {
                    devices.iter().for_each(|device| trouble.world.network.silence(device, &shard, false));
                }))
            }
            Fault::Slow { millis } => {
                network.set_delay(1..=*millis);
                Some(Box::new(|trouble| trouble.world.network.set_delay(1..=trouble.weather.network.max(1))))
            }
            Fault::Store { shard, millis, refused, doubt } => {
                let process = match shard {
                    Some(shard) => cluster.shard(*shard)?.name().to_owned(),
                    None => "*".to_owned(),
                };
                let (refused, doubt) = (hundredth(*refused), hundredth(*doubt));
                let trouble = StoreTrouble { delay_ms: 0..=*millis, refused, doubt, down: false };
                self.world.store.trouble(&process, trouble);
                Some(Box::new(move |trouble| trouble.world.store.trouble(&process, trouble.store_weather())))
            }
            Fault::StoreDown => {
                self.world.store.trouble("*", StoreTrouble { down: true, ..self.store_weather() });
                Some(Box::new(|trouble| trouble.world.store.trouble("*", trouble.store_weather())))
            }
            Fault::LoseTail { partition, millis } => {
                self.world.store.lose_tail(usize::try_from(*partition).unwrap_or(0), *millis);
                None
            }
            Fault::Hints { lost, repeated, late } => {
                self.world.store.hints(HintFaults {
                    lost: hundredth(*lost),
                    repeated: hundredth(*repeated),
                    delayed: hundredth(*late),
                    delay_ms: 1..=3_000,
                });
                Some(Box::new(|trouble| trouble.world.store.hints(HintFaults::default())))
            }
            Fault::Clock { shard, millis } => {
                cluster.shard(*shard)?.process.jump(*millis);
                None
            }
        }
    }

    /// Ends a process, to be started anew.
    #[expect(clippy::needless_pass_by_value, reason = "nothing is to keep it")]
    #[expect(clippy::unnecessary_wraps, reason = "as the other faults")]
    fn crash(&self, node: Arc<Node>) -> Option<Mend> {
        let (role, name) = (node.role, node.name().to_owned());
        self.cluster.crash(&name);
        Some(Box::new(move |trouble| trouble.cluster.run(role, &name)))
    }

    #[expect(clippy::unnecessary_wraps, reason = "as the other faults")]
    #[expect(clippy::unused_self, reason = "as the other faults")]
    fn freeze(&self, node: Arc<Node>) -> Option<Mend> {
        node.freeze();
        Some(Box::new(move |_| node.thaw()))
    }

    /// Lets another replica lead than this one, after a while.
    #[expect(clippy::disallowed_methods, reason = "a task of the world, not of a process")]
    fn take_over(&self, name: &str) {
        let others = self.cluster.nodes(Role::Registry);
        let Some(other) = others.iter().find(|node| node.name() != name) else { return };
        let (cluster, other) = (self.cluster.clone(), other.name().to_owned());
        let wait = self.world.dice("take over").millis(1_000..=10_000);
        tokio::spawn(async move {
            sleep(wait).await;
            cluster.lead(&other);
        });
    }

    /// Lets one of the replicas lead.
    fn lead_any(&self) {
        let replicas = self.cluster.nodes(Role::Registry);
        if let Some(node) = self.world.dice(&format!("leader {}", self.world.history.now())).pick(&replicas) {
            self.cluster.lead(node.name());
        }
    }

    fn store_weather(&self) -> StoreTrouble {
        StoreTrouble { delay_ms: 0..=self.weather.store, ..StoreTrouble::default() }
    }
}

fn hundredth(percent: u64) -> f64 {
    f64::from(u32::try_from(percent.min(100)).unwrap_or(0)) / 100.0
}
