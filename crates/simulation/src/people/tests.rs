#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use protocol::ClientId;
use tokio::runtime::Builder;
use tokio::time::{sleep, timeout};

use super::People;
use crate::cluster::Cluster;
use crate::history::{Answer, Call, DeviceId, Ending, Happened, Moment, hash};
use crate::schedule::Size;
use crate::set_up;
use crate::world::World;

/// A small world without faults.
struct Scene {
    world: World,
    people: People,
}

impl Scene {
    async fn set(seed: u64) -> Self {
        let size = Size { chat: 2, presence: 1, registries: 1, apis: 1, people: 4 };
        let world = World::begin(seed, None);
        world.network.set_delay(1..=20);
        let cast = set_up::cast(&world, size.people).await.unwrap();
        let cluster = Cluster::start(world.clone(), size);
        cluster.started().await;
        let people = People::new(&world, cast, size.apis);
        people.spawn();
        Self { world, people }
    }

    /// Lets people become quiet, and gives what happened.
    async fn end(self) -> (Vec<Moment>, BTreeSet<DeviceId>) {
        self.people.quiet();
        let settled = timeout(Duration::from_mins(1), self.people.settled()).await;
        assert!(settled.is_ok(), "{}", self.people.unsettled());
        (self.world.history.take(), self.people.connected_at_end())
    }
}

/// Lets a world live for a while, and gives what happened.
async fn live(seed: u64, seconds: u64) -> (Vec<Moment>, BTreeSet<DeviceId>) {
    let scene = Scene::set(seed).await;
    sleep(Duration::from_secs(seconds)).await;
    scene.end().await
}

/// Gives the devices that have a `/chat` connection.
fn connected(moments: &[Moment]) -> BTreeSet<DeviceId> {
    let mut connected = BTreeSet::new();
    for moment in moments {
        match &moment.what {
            Happened::Opened { device, .. } => drop(connected.insert(*device)),
            Happened::Closed { device, .. } => drop(connected.remove(device)),
            _ => {}
        }
    }
    connected
}

#[tokio::test(start_paused = true)]
async fn everybody_finishes_what_was_begun_and_is_where_they_are_to_be() {
    let (moments, expected) = live(1, 40).await;
    assert_eq!(connected(&moments), expected);
    let mut open: BTreeMap<&ClientId, DeviceId> = BTreeMap::new();
    for moment in &moments {
        match &moment.what {
            Happened::Asked { device, id, .. } => drop(open.insert(id, *device)),
            Happened::Acked { id, .. } | Happened::Refused { id: Some(id), .. } => drop(open.remove(id)),
            _ => {}
        }
    }
    open.retain(|_, device| expected.contains(device));
    assert_eq!(open, BTreeMap::new());
}

#[test]
fn without_a_cluster_a_seed_has_one_history() {
    // Each in a runtime of its own, as the order of timers depends on what was before.
    let hash_of = |seed| {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let world = World::begin(seed, None);
            let cast = set_up::cast(&world, 4).await.unwrap();
            let people = People::new(&world, cast, 1);
            people.spawn();
            sleep(Duration::from_mins(1)).await;
            hash(&world.history.take())
        })
    };
    assert_eq!(hash_of(2), hash_of(2));
    assert_ne!(hash_of(2), hash_of(3));
}

#[tokio::test(start_paused = true)]
async fn nobody_is_sent_what_cannot_be_read() {
    let unreadable =
        |moment: &&Moment| matches!(&moment.what, Happened::Refused { code, .. } if code == "unreadable");
    assert_eq!(live(4, 30).await.0.iter().filter(unreadable).count(), 0);
}

#[tokio::test(start_paused = true)]
async fn who_vanishes_comes_back() {
    let scene = Scene::set(5).await;
    sleep(Duration::from_secs(10)).await;
    let before = scene.world.history.take();
    let person = (0..4).find(|person| scene.people.devices_of(*person).len() > 1).unwrap();
    scene.people.vanish(person);
    let (moments, expected) = scene.end().await;
    let vanished = |moment: &&Moment| matches!(&moment.what, Happened::Closed { how: Ending::Vanished, .. });
    assert!(moments.iter().filter(vanished).count() >= 1);
    let all: Vec<Moment> = before.into_iter().chain(moments).collect();
    assert_eq!(connected(&all), expected);
}

#[tokio::test(start_paused = true)]
async fn who_is_cut_off_comes_back() {
    let scene = Scene::set(6).await;
    sleep(Duration::from_secs(10)).await;
    let before = scene.world.history.take();
    (0..4).for_each(|person| scene.people.cut(person));
    let (moments, expected) = scene.end().await;
    let broken = |moment: &&Moment| matches!(&moment.what, Happened::Closed { how: Ending::Broken, .. });
    assert!(moments.iter().filter(broken).count() >= 1);
    let all: Vec<Moment> = before.into_iter().chain(moments).collect();
    assert_eq!(connected(&all), expected);
}

#[tokio::test(start_paused = true)]
async fn everything_happens_in_some_world() {
    let mut kinds = BTreeMap::new();
    for seed in 10..22 {
        for moment in live(seed, 40).await.0 {
            let kind = format!("{:?}", moment.what);
            let kind = kind.split([' ', '(']).next().unwrap_or_default().to_owned();
            *kinds.entry(kind).or_insert(0) += 1;
            if let Happened::Called { what, .. } = moment.what {
                *kinds.entry(name_of(&what).to_owned()).or_insert(0) += 1;
            }
        }
    }
    for kind in [
        "Opened",
        "Closed",
        "Asked",
        "Acked",
        "Refused",
        "Shown",
        "ResumeAsked",
        "Resumed",
        "Paged",
        "ReceiptShown",
        "TypingShown",
        "ConversationShown",
        "Read",
        "Called",
        "Answered",
        "PresenceOpened",
        "PresenceClosed",
        "StatusChosen",
        "PresenceShown",
        "create",
        "add",
        "remove",
        "mute",
        "contact",
        "block",
        "unblock",
        "push",
        "log out",
    ] {
        assert!(kinds.contains_key(kind), "{kind} of {kinds:?}");
    }
}

/// Names a call.
fn name_of(call: &Call) -> &'static str {
    match call {
        Call::CreateGroup { .. } => "create",
        Call::AddMember { .. } => "add",
        Call::RemoveMember { .. } => "remove",
        Call::Mute { .. } => "mute",
        Call::AddContact { .. } | Call::RemoveContact { .. } => "contact",
        Call::Block { .. } => "block",
        Call::Unblock { .. } => "unblock",
        Call::PutDevice { .. } => "push",
        Call::LogOut { .. } => "log out",
    }
}

#[tokio::test(start_paused = true)]
async fn a_device_that_is_logged_out_is_closed_and_its_token_refused() {
    for seed in 30..60 {
        let (moments, expected) = live(seed, 40).await;
        let out = moments.iter().find_map(|moment| match &moment.what {
            Happened::Called { call, what: Call::LogOut { device }, .. } => Some((*call, *device)),
            _ => None,
        });
        let Some((call, device)) = out else { continue };
        let answered = moments.iter().position(|moment| {
            matches!(&moment.what, Happened::Answered { call: other, answer: Answer::Done(_) } if *other == call)
        });
        let after = &moments[answered.unwrap()..];
        let opened = |moment: &&Moment| matches!(&moment.what, Happened::Opened { device: other, .. } if *other == device);
        assert_eq!(
            (after.iter().filter(opened).count(), expected.contains(&device)),
            (0, false),
            "seed {seed}"
        );
        return;
    }
    panic!("nobody logged out");
}
