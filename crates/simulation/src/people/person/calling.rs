//! What people do over HTTP: groups, contacts, blocks, and ending a login.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use protocol::{ConversationId, Username};

use super::Person;
use crate::history::{Answer, Call};
use crate::people::errand::{self, Errand};
use crate::people::knowledge::Known;

/// How many members a group has at first, with who makes it.
const GROUP: (u64, u64) = (3, 8);

impl Person {
    pub(super) fn make_group(self: &Arc<Self>) {
        let (least, most) = GROUP;
        let wanted = self.dice.between(least..=most) - 1;
        let others: BTreeSet<Username> = (0..3 * wanted).filter_map(|_| self.somebody()).collect();
        let members = others.into_iter().take(usize::try_from(wanted).unwrap_or(2)).collect();
        self.call(Call::CreateGroup { members });
    }

    pub(super) fn add_member(self: &Arc<Self>) {
        let Some(conversation) = self.group(|known| known.leads) else { return };
        let others = self.knowledge.lock().conversations.get(&conversation).map(|known| known.others.clone());
        let outside = self.shared.everybody.iter().filter(|name| {
            **name != self.user && others.as_ref().is_some_and(|others| !others.contains(name))
        });
        let outside: Vec<&Username> = outside.collect();
        if let Some(member) = self.dice.pick(&outside).map(|member| (*member).clone()) {
            self.call(Call::AddMember { conversation, member });
        }
    }

    pub(super) fn remove_member(self: &Arc<Self>) {
        // Also where it is not allowed.
        let may = |known: &Known| known.leads || self.dice.chance(0.1);
        let Some(conversation) = self.group(may) else { return };
        let others = self.knowledge.lock().conversations.get(&conversation).map(|known| known.others.clone());
        let Some(member) = self.dice.pick(&others.unwrap_or_default()).cloned() else { return };
        self.call(Call::RemoveMember { conversation, member: member.clone() });
        if self.dice.chance(0.4) {
            let wait = self.dice.millis(500..=8_000);
            self.call_later(wait, Call::AddMember { conversation, member });
        }
    }

    pub(super) fn leave(self: &Arc<Self>) {
        if let Some(conversation) = self.group(|_| true) {
            self.call(Call::RemoveMember { conversation, member: self.user.clone() });
        }
    }

    pub(super) fn mute(self: &Arc<Self>) {
        let conversations = self.knowledge.lock().all(|_| true);
        if let Some(conversation) = self.dice.pick(&conversations).copied() {
            self.call(Call::Mute { conversation, muted: self.dice.chance(0.6) });
        }
    }

    pub(super) fn block(self: &Arc<Self>) {
        if let Some(user) = self.somebody() {
            self.knowledge.lock().blocked.insert(user.clone());
            self.call(Call::Block { user });
        }
    }

    pub(super) fn unblock(self: &Arc<Self>) {
        let blocked: Vec<Username> = self.knowledge.lock().blocked.iter().cloned().collect();
        let Some(user) = self.dice.pick(&blocked).cloned() else { return };
        let person = self.clone();
        self.call_and(Duration::ZERO, Call::Unblock { user: user.clone() }, move |answer| {
            if answer != Answer::Unknown {
                person.knowledge.lock().blocked.remove(&user);
            }
        });
    }

    pub(super) fn add_contact(self: &Arc<Self>) {
        if let Some(contact) = self.somebody() {
            self.call(Call::AddContact { contact });
        }
    }

    pub(super) fn remove_contact(self: &Arc<Self>) {
        if let Some(contact) = self.somebody() {
            self.call(Call::RemoveContact { contact });
        }
    }

    /// Ends the login of a device, unless it is the only one: with that, nothing more would be done.
    pub(super) fn log_out(self: &Arc<Self>) {
        let in_use = self.devices.iter().filter(|device| !device.is_logged_out()).count();
        let Some(device) = self.device().filter(|_| in_use > 1) else { return };
        let call = Call::LogOut { device: device.id };
        let errand = Errand { device: device.clone(), dice: self.dice.clone(), call };
        self.shared.tasks.spawn(async move {
            if errand.run_until_done().await != Answer::Unknown {
                device.log_out();
            }
        });
    }

    fn call(self: &Arc<Self>, call: Call) {
        self.call_later(Duration::ZERO, call);
    }

    fn call_later(self: &Arc<Self>, wait: Duration, call: Call) {
        self.call_and(wait, call, drop);
    }

    fn call_and(self: &Arc<Self>, wait: Duration, call: Call, after: impl FnOnce(Answer) + Send + 'static) {
        if let Some(device) = self.device() {
            errand::run(Errand { device, dice: self.dice.clone(), call }, wait, after);
        }
    }

    /// Gives a group in which the person may do this.
    fn group(&self, may: impl Fn(&Known) -> bool) -> Option<ConversationId> {
        let groups = self.knowledge.lock().groups(may);
        self.dice.pick(&groups).copied()
    }
}
