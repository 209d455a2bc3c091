//! The people: persons with several devices each, who use the cluster as people do, through its public interface alone.
//!
//! A `person` decides what to do next, out of the list in `deed`, and has one of the `device`s do it. A device keeps a socket open to each
//! of the two services (`chat`, `presence`), each by a `link` that finds the shard; it says what it is to say until that is acked (`outbox`),
//! knows where it is in its conversations (`places`), and reads histories (`pages`). Calls over HTTP are `errand`s. What comes and what is
//! said goes into the history at that moment.
//!
//! Frames are read and written by code of their own, over a WebSocket implementation other than the server's.

mod chat;
mod deed;
mod device;
mod errand;
mod http;
mod incoming;
mod knowledge;
mod link;
mod outbox;
mod outgoing;
mod pages;
mod person;
mod places;
mod presence;
mod shared;
mod signal;
mod silence;
mod socket;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;

use parking_lot::Mutex;
use protocol::Username;

use self::device::Device;
use self::http::Http;
use self::knowledge::Knowledge;
use self::person::Person;
use self::shared::Shared;
use crate::dice::Dice;
use crate::history::{DeviceId, Happened};
use crate::set_up::Actor;
use crate::world::World;

/// What people call their devices, the first one first.
const KINDS: [&str; 4] = ["phone", "laptop", "tablet", "watch"];
/// How likely it is that a device which is not the person's first tells that the person is there.
const HAS_PRESENCE: f64 = 0.85;
/// For how long at most a device that vanishes by a fault stays away, in milliseconds.
const AWAY: u64 = 8_000;

/// The people of a world. Clones are the same.
#[derive(Clone)]
pub struct People(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    persons: Vec<Arc<Person>>,
    dice: Dice,
}

impl People {
    /// Makes the people of a world out of those who have logins, a device for each login; the api role has so many replicas.
    ///
    /// On the network the devices have names such as `phone-3`, the phone of the fourth person.
    pub fn new(world: &World, cast: Vec<Actor>, apis: u64) -> Self {
        let everybody = cast.iter().map(|actor| actor.user.clone()).collect();
        let shared = Shared::new(world.network.clone(), world.history.clone(), everybody, apis);
        let mut ids = (0..).map(DeviceId);
        let persons = cast.into_iter().enumerate().map(|(number, actor)| {
            let (user, knowledge) = (actor.user, Arc::new(Mutex::new(Knowledge::default())));
            let devices = actor.logins.into_iter().enumerate().zip(&mut ids);
            let devices = devices.map(|((index, (_, token)), id)| {
                let kind = KINDS.get(index).copied().unwrap_or("device");
                let name = format!("{kind}-{number}");
                let dice = world.dice(&name);
                let http = Http::new(shared.clone(), &name, token, world.dice(&format!("{name} http")));
                let has_presence = index == 0 || dice.chance(HAS_PRESENCE);
                let (shared, user, knowledge) = (shared.clone(), user.clone(), knowledge.clone());
                Arc::new(Device::new(id, name, shared, user, knowledge, http, has_presence))
            });
            let devices = devices.collect();
            let dice = world.dice(user.as_str());
            Arc::new(Person::new(user, devices, knowledge, shared.clone(), dice))
        });
        let persons = persons.collect();
        Self(Arc::new(Inner { shared, persons, dice: world.dice("people") }))
    }

    /// Lets them live, each device on tasks of its own.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn spawn(&self) {
        let Inner { shared, persons, dice } = &*self.0;
        for device in self.devices() {
            shared.note(Happened::Device { device: device.id, user: device.user.clone() });
        }
        for person in persons {
            shared.tasks.spawn(person.clone().live());
        }
        let branch = |part: &str| Dice::new(dice.between(0..=u64::MAX), part);
        for device in self.devices() {
            shared.tasks.spawn(chat::run(device.clone(), branch("chat")));
            if device.has_presence {
                shared.tasks.spawn(presence::run(device.clone(), branch("presence")));
            }
        }
    }

    /// Lets nobody do anything new from now on; whoever is to be there at the end connects, and finishes what was begun.
    ///
    /// Some persons are gone for good, and some devices stay off.
    pub fn quiet(&self) {
        self.0.shared.be_quiet();
        self.0.persons.iter().for_each(|person| person.come_to_rest());
    }

    /// Waits, once everybody is quiet, until every device that is to be connected is, has everything acked that it asked for, and has read all
    /// histories once more; and until every call is answered or given up.
    pub async fn settled(&self) {
        self.0.shared.settled().await;
    }

    /// Says who still waits for what.
    pub fn unsettled(&self) -> String {
        self.0.shared.unsettled()
    }

    /// Gives the devices that are to be connected, once everybody is quiet.
    pub fn connected_at_end(&self) -> BTreeSet<DeviceId> {
        self.devices().filter(|device| device.is_on()).map(|device| device.id).collect()
    }

    /// Gives the names on the network of the devices of a person, who is picked by a number.
    pub fn devices_of(&self, person: u64) -> Vec<String> {
        let devices = self.person(person).map(|person| person.devices.iter());
        devices.into_iter().flatten().map(|device| device.name.clone()).collect()
    }

    /// Gives who a person is that is picked by a number.
    pub fn user(&self, person: u64) -> Option<Username> {
        self.person(person).map(|person| person.user.clone())
    }

    /// Breaks the connections of a person's devices; they come back.
    pub fn cut(&self, person: u64) {
        self.devices_of(person).iter().for_each(|device| self.0.shared.network.cut(device));
    }

    /// Lets a person's devices be gone without a word; they come back as new connections.
    pub fn vanish(&self, person: u64) {
        let devices = self.person(person).map(|person| person.devices.iter());
        for device in devices.into_iter().flatten() {
            device.vanish(self.0.dice.millis(0..=AWAY));
        }
    }

    fn person(&self, number: u64) -> Option<&Person> {
        let index = usize::try_from(number).unwrap_or(0).checked_rem(self.0.persons.len())?;
        self.0.persons.get(index).map(|person| &**person)
    }

    fn devices(&self) -> impl Iterator<Item = &Arc<Device>> {
        self.0.persons.iter().flat_map(|person| &person.devices)
    }
}
