//! A person: decides what to do next, and has a device do it.

mod calling;
mod writing;

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use protocol::Username;
use protocol::presence::ChosenStatus;
use tokio::time::{Instant, sleep, sleep_until};

use super::deed::Deed;
use super::device::Device;
use super::errand::Errand;
use super::knowledge::Knowledge;
use super::shared::Shared;
use crate::dice::Dice;
use crate::history::Call;

/// How long a person pauses at the least and at the most, in milliseconds, by how lively the person is.
const PAUSES: [(u64, u64); 3] = [(100, 1_500), (300, 3_000), (1_000, 6_000)];
/// When a person who does not stay goes, in milliseconds since the beginning.
const LEAVES_AT: (u64, u64) = (12_000, 45_000);
/// How likely it is that a person does not stay until the end.
const DOES_NOT_STAY: f64 = 0.2;
/// How likely it is that a device which is off when everybody becomes quiet stays so.
const STAYS_OFF: f64 = 0.2;

/// A person.
pub(super) struct Person {
    pub(super) user: Username,
    pub(super) devices: Vec<Arc<Device>>,
    pub(super) knowledge: Arc<Mutex<Knowledge>>,
    pub(super) shared: Arc<Shared>,
    pub(super) dice: Dice,
    /// When the person goes for good, if so.
    leaves_at: Option<Instant>,
    pauses: (u64, u64),
}

impl Person {
    pub(super) fn new(
        user: Username,
        devices: Vec<Arc<Device>>,
        knowledge: Arc<Mutex<Knowledge>>,
        shared: Arc<Shared>,
        dice: Dice,
    ) -> Self {
        let (earliest, latest) = LEAVES_AT;
        let leaves = dice.chance(DOES_NOT_STAY);
        let leaves_at = leaves.then(|| Instant::now() + dice.millis(earliest..=latest));
        let pauses = dice.pick(&PAUSES).copied().unwrap_or(PAUSES[1]);
        Self { user, devices, knowledge, shared, dice, leaves_at, pauses }
    }

    /// Does things until everybody is quiet.
    pub(super) async fn live(self: Arc<Self>) {
        self.register_for_pushes();
        for device in &self.devices {
            if self.dice.chance(0.15) {
                self.rest(device);
            } else {
                device.turn_on(self.dice.millis(0..=1_500));
            }
        }
        loop {
            let (least, most) = self.pauses;
            tokio::select! {
                biased;
                () = self.shared.quietened() => return,
                () = sleep(self.dice.millis(least..=most)) => {}
            }
            if self.has_left() {
                self.go_for_good();
                return;
            }
            self.act(Deed::any(&self.dice));
        }
    }

    /// Says whether the person has gone for good, or is to.
    fn has_left(&self) -> bool {
        self.leaves_at.is_some_and(|at| at <= Instant::now())
    }

    /// Turns on what is to be on at the end, and takes note of it.
    pub(super) fn come_to_rest(&self) {
        if self.has_left() {
            self.go_for_good();
            return;
        }
        let mut in_use: Vec<_> = self.devices.iter().filter(|device| !device.is_logged_out()).collect();
        // One device at least is there at the end.
        let Some(first) = in_use.first().copied() else { return };
        in_use.retain(|device| Arc::ptr_eq(device, first) || device.is_on() || !self.dice.chance(STAYS_OFF));
        for device in in_use {
            device.is_expected();
            device.turn_on(self.dice.millis(0..=2_000));
        }
    }

    fn act(self: &Arc<Self>, deed: Deed) {
        match deed {
            Deed::Write => self.write(),
            Deed::WriteTo => self.write_to(),
            Deed::Chatter => (0..self.dice.between(3..=10)).for_each(|_| self.write()),
            Deed::Reply => self.reply(),
            Deed::Edit => self.edit(),
            Deed::Delete => self.delete(),
            Deed::React => self.react(),
            Deed::Read => self.read(),
            Deed::Type => self.r#type(),
            Deed::MakeGroup => self.make_group(),
            Deed::AddMember => self.add_member(),
            Deed::RemoveMember => self.remove_member(),
            Deed::Leave => self.leave(),
            Deed::Mute => self.mute(),
            Deed::Block => self.block(),
            Deed::Unblock => self.unblock(),
            Deed::AddContact => self.add_contact(),
            Deed::RemoveContact => self.remove_contact(),
            Deed::ChooseStatus => self.choose_status(),
            Deed::Look => self.look(),
            Deed::RestDevice => {
                if let Some(device) = self.device() {
                    self.rest(&device);
                }
            }
            Deed::LoseDevice => {
                if let Some(device) = self.device() {
                    device.vanish(self.dice.millis(0..=20_000));
                }
            }
            Deed::GoOffline => self.go_offline(),
            Deed::LogOut => self.log_out(),
        }
    }

    /// Gives one of the devices that are on.
    fn device(&self) -> Option<Arc<Device>> {
        let on: Vec<&Arc<Device>> = self.devices.iter().filter(|device| device.is_on()).collect();
        self.dice.pick(&on).map(|device| Arc::clone(device))
    }

    /// Gives somebody else.
    fn somebody(&self) -> Option<Username> {
        let others: Vec<&Username> =
            self.shared.everybody.iter().filter(|other| **other != self.user).collect();
        self.dice.pick(&others).map(|other| (*other).clone())
    }

    fn register_for_pushes(&self) {
        let Some(device) = self.devices.first().cloned() else { return };
        let call = Call::PutDevice { id: format!("{}-push", self.user) };
        let errand = Errand { device, dice: self.dice.clone(), call };
        self.shared.tasks.spawn(async move {
            errand.run_until_done().await;
        });
    }

    fn choose_status(&self) {
        let statuses =
            [ChosenStatus::Online, ChosenStatus::Away, ChosenStatus::Busy, ChosenStatus::Invisible];
        let on: Vec<&Arc<Device>> =
            self.devices.iter().filter(|device| device.is_on() && device.has_presence).collect();
        let (Some(device), Some(status)) = (self.dice.pick(&on), self.dice.pick(&statuses)) else { return };
        self.knowledge.lock().status = Some(*status);
        device.say_status();
    }

    fn look(&self) {
        if let Some(device) = self.device().filter(|device| device.has_presence) {
            device.subscribe(self.shared.everybody.clone());
        }
    }

    /// Turns a device off for a while.
    fn rest(&self, device: &Arc<Device>) {
        device.turn_off();
        self.turn_on_later(vec![device.clone()], self.dice.millis(2_000..=20_000));
    }

    /// Turns all devices off for a while: in good order, or without a word.
    fn go_offline(&self) {
        self.turn_all_off();
        self.turn_on_later(self.devices.clone(), self.dice.millis(3_000..=25_000));
    }

    fn go_for_good(&self) {
        self.turn_all_off();
    }

    fn turn_all_off(&self) {
        let dies = self.dice.chance(0.4);
        for device in self.devices.iter().filter(|device| device.is_on()) {
            if dies {
                device.die();
            } else {
                device.turn_off();
            }
        }
    }

    fn turn_on_later(&self, devices: Vec<Arc<Device>>, after: Duration) {
        let (shared, at, leaves_at) = (self.shared.clone(), Instant::now() + after, self.leaves_at);
        self.shared.tasks.spawn(async move {
            tokio::select! {
                biased;
                // Who is to be on at the end was decided then.
                () = shared.quietened() => return,
                () = sleep_until(at) => {}
            }
            if leaves_at.is_none_or(|leaves_at| at < leaves_at) {
                devices.iter().for_each(|device| device.turn_on(Duration::ZERO));
            }
        });
    }
}
