//! A part of the store comes back as it was a while ago.

use std::collections::BTreeSet;
use std::time::Duration;

use protocol::conversation::ConversationKind;
use protocol::{ConversationId, Position, Username};

use super::data::{Data, StoredConversation};
use super::state::State;
use crate::defect::Defect;
use crate::history::Happened;

impl State {
    /// Lets a partition be as it was so long ago, and begins a new generation in it.
    ///
    /// What other partitions derive from it follows at once, as the store in production makes it follow after a moment: the versions
    /// of conversations and memberships grow, the deleted have left, direct conversations are as open as the blocks want.
    pub(super) fn lose_tail(&mut self, partition: usize, ago: Duration) {
        let kept = self.has(Defect::GenerationKept);
        if let Some(generation) = self.generations.get_mut(partition).filter(|_| !kept) {
            *generation += 1;
        }
        let (before, saw) = (self.data.clone(), self.visible_pairs());
        self.restore(partition, ago);
        self.note(Happened::LostTail { lost: lost(&before, &self.data) });
        self.renew_versions(&before);
        self.repair();
        let sees = self.visible_pairs();
        for (one, other) in saw.symmetric_difference(&sees) {
            let pair = (one.clone(), other.clone());
            let visible = sees.contains(&pair);
            self.note(Happened::Visible { one: pair.0, other: pair.1, visible });
        }
        self.outbox_bells.ring_all();
    }

    /// Gives conversations that have gone back a version greater than before, and counts who is in or out of them again.
    fn renew_versions(&mut self, before: &Data) {
        for (id, old) in before.conversations.iter() {
            let new = self.data.conversations.get(id);
            if new.is_some_and(|new| new.version == old.version) {
                continue;
            }
            let names = |stored: &StoredConversation| stored.members.keys().cloned().collect::<BTreeSet<_>>();
            for username in names(old).symmetric_difference(&new.map(names).unwrap_or_default()) {
                self.count_membership(username);
            }
            if self.data.conversations.has(id) {
                self.alter(*id, |_| {});
            } else {
                self.note_gone(*id);
            }
        }
    }

    /// Takes note that there is no such conversation any more.
    fn note_gone(&self, id: ConversationId) {
        // Between those from before the loss and that of one that is made anew.
        let version = self.version_after(&id, 0) - 1;
        self.note(Happened::Members { conversation: id, version, members: Vec::new(), blocked: true });
    }

    /// Does again what follows from accounts and blocks.
    fn repair(&mut self) {
        let accounts = self.data.accounts.iter();
        let deleted: Vec<Username> =
            accounts.filter(|(_, account)| account.is_none()).map(|(name, _)| name.clone()).collect();
        for username in &deleted {
            self.leave_all(username);
        }
        let conversations = self.data.conversations.iter().map(|(_, stored)| stored);
        let direct = conversations.filter(|stored| stored.kind == ConversationKind::Direct);
        let pairs: Vec<Vec<Username>> =
            direct.map(|stored| stored.members.keys().cloned().collect()).collect();
        for pair in pairs {
            if let (Some(one), Some(other)) = (pair.first(), pair.last()) {
                self.close_or_open(one, other);
            }
        }
    }
}

/// Gives the events that are gone: a log lost its end, or all.
fn lost(before: &Data, after: &Data) -> Vec<(ConversationId, Position)> {
    let mut lost = Vec::new();
    for (id, stored) in before.conversations.iter() {
        let left = after.conversations.get(id).map_or(0, |stored| stored.log.len());
        lost.extend(stored.log.iter().skip(left).map(|event| (*id, event.position)));
    }
    lost
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]
    use std::collections::BTreeMap;

    use ports::{Accounts, Contacts, Conversations, Documents, Error, Log, Membership, Outbox};
    use protocol::ClientId;

    use super::*;
    use crate::dice::Dice;
    use crate::store::outbox::OUTBOXES;
    use crate::store::partition::{PARTITIONS, Placed};
    use crate::store::scene::{NOW, Scene, message, name, pass};

    /// Sends a message each second, and gives where the last one is.
    async fn send(scene: &Scene, id: ConversationId, requests: &[&str]) -> Position {
        let mut last = Position::default();
        for request in requests {
            last = scene.handle.append(message(id, "ada", request)).await.unwrap().position;
            pass(1_000).await;
        }
        last
    }

    fn lost(scene: &Scene) -> Vec<u64> {
        let losses = scene.happened().into_iter().filter_map(|what| match what {
            Happened::LostTail { lost } => Some(lost),
            _ => None,
        });
        losses.flatten().map(|(_, position)| position.seq).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_taken_since_is_gone_and_its_numbers_come_with_a_new_generation() {
        let scene = Scene::set(1).await;
        let id = scene.conversation().await;
        send(&scene, id, &["a", "b", "c", "d", "e"]).await;
        let before = scene.handle.membership(id, &name("ada")).await.unwrap().unwrap();
        scene.store.lose_tail(id.partition(), 2_500);
        assert_eq!(lost(&scene), [4, 5]);
        assert_eq!(scene.handle.ends(&[id]).await.unwrap(), [Position { r#gen: 1, seq: 3 }]);
        let after = scene.handle.membership(id, &name("ada")).await.unwrap().unwrap();
        assert_eq!((before.read, after), (5, Membership { read: 3, ..before }));
        // What was lost is appended again, what was not is recognised.
        assert_eq!(send(&scene, id, &["d"]).await, Position { r#gen: 2, seq: 4 });
        assert!(scene.handle.append(message(id, "ada", "c")).await.unwrap().duplicate);
        // A loss in which nothing is lost.
        scene.store.lose_tail(id.partition(), 0);
        assert!(lost(&scene).is_empty());
        assert_eq!(send(&scene, id, &["e"]).await, Position { r#gen: 3, seq: 5 });
    }

    #[tokio::test(start_paused = true)]
    async fn only_one_partition_is_lost_and_what_is_lost_stays_lost() {
        let scene = Scene::set(1).await;
        let id = scene.conversation().await;
        let alone = scene.handle.direct_conversation(&name("carl"), &name("carl"), NOW).await.unwrap().id;
        assert_ne!(id.partition(), alone.partition());
        for number in 0..5 {
            send(&scene, id, &[&format!("m{number}")]).await;
            scene.handle.append(message(alone, "carl", &format!("m{number}"))).await.unwrap();
        }
        scene.store.lose_tail(id.partition(), 3_500);
        assert_eq!(lost(&scene), [3, 4, 5]);
        pass(200).await;
        // The other one goes back as far as it is told, though there was a loss in between.
        scene.store.lose_tail(alone.partition(), 700);
        assert_eq!(lost(&scene), [5]);
        // To a moment before the first loss: what it took away does not come back.
        scene.store.lose_tail(id.partition(), 1_000);
        assert!(lost(&scene).is_empty());
        let ends = scene.handle.ends(&[id, alone]).await.unwrap();
        assert_eq!(ends.iter().map(|end| end.seq).collect::<Vec<_>>(), [2, 4]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_scene_is_never_lost() {
        let scene = Scene::set(1).await;
        let id = scene.conversation().await;
        for partition in 0..PARTITIONS {
            scene.store.lose_tail(partition, 60_000);
        }
        assert!(scene.handle.account(&name("ada")).await.unwrap().is_some());
        // What was not set directly is.
        assert_eq!(scene.handle.conversation(id).await, Ok(None));
    }

    #[tokio::test(start_paused = true)]
    async fn a_lost_conversation_comes_back_as_a_newer_one() {
        let scene = Scene::set(1).await;
        let id = scene.conversation().await;
        let first = send(&scene, id, &["a"]).await;
        let before = scene.handle.membership_versions(&[name("ada")]).await.unwrap();
        scene.store.lose_tail(id.partition(), 5_000);
        let gone = scene.happened().into_iter().any(|what| {
            matches!(what, Happened::Members { conversation, members, .. } if conversation == id && members.is_empty())
        });
        assert!(gone);
        assert!(scene.handle.membership_versions(&[name("ada")]).await.unwrap() > before);
        assert_eq!(scene.handle.append(message(id, "ada", "b")).await, Err(Error::ConversationNotFound));
        let made = scene.handle.direct_conversation(&name("ben"), &name("ada"), NOW).await.unwrap();
        assert!(made.id == id && made.version > 1);
        assert!(send(&scene, id, &["b"]).await > first);
    }

    #[tokio::test(start_paused = true)]
    async fn a_version_that_was_lost_stands_for_nothing_else() {
        let scene = Scene::set(1).await;
        let (handle, name) = (&scene.handle, "keys");
        assert_eq!(handle.put_document(name, 0, vec![1]).await, Ok(1));
        pass(1_000).await;
        assert_eq!(handle.put_document(name, 1, vec![2]).await, Ok(2));
        scene.store.lose_tail(name.partition(), 500);
        let document = handle.document(name).await.unwrap().unwrap();
        assert_eq!((document.version, document.body), (1, vec![1]));
        let version = handle.put_document(name, 1, vec![3]).await.unwrap();
        assert!(version > 2);
        // One who knows what was lost.
        assert_eq!(handle.put_document(name, 2, vec![4]).await, Err(Error::Conflict));
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_dealt_with_comes_again() {
        let scene = Scene::set(1).await;
        let id = scene.conversation().await;
        let outbox = u16::try_from(id.partition() % OUTBOXES).unwrap();
        send(&scene, id, &["a", "b"]).await;
        let entries = scene.handle.pending(outbox, 0, 9).await.unwrap();
        let last = entries.last().unwrap().position;
        scene.handle.dealt_with(outbox, last).await.unwrap();
        assert!(scene.store.truth().outbox_left.is_empty());
        // The cursor is lost with the partition of its number, and a message with its conversation's.
        scene.store.lose_tail(usize::from(outbox), 500);
        scene.store.lose_tail(id.partition(), 500);
        assert_eq!(scene.handle.pending(outbox, 0, 9).await.unwrap(), entries);
        scene.store.lose_tail(id.partition(), 1_500);
        assert_eq!(scene.handle.pending(outbox, 0, 9).await.unwrap(), entries[..1]);
        send(&scene, id, &["c"]).await;
        let left = scene.handle.pending(outbox, 0, 9).await.unwrap();
        assert!(left.len() == 2 && left[1].position > last);
    }

    #[tokio::test(start_paused = true)]
    async fn one_who_has_dealt_with_everything_is_woken_by_a_loss() {
        let scene = Scene::set(1).await;
        let id = scene.conversation().await;
        let outbox = u16::try_from(id.partition() % OUTBOXES).unwrap();
        send(&scene, id, &["a"]).await;
        let entries = scene.handle.pending(outbox, 0, 9).await.unwrap();
        scene.handle.dealt_with(outbox, entries[0].position).await.unwrap();
        let (again, ()) = tokio::join!(scene.handle.pending(outbox, 0, 9), async {
            scene.store.lose_tail(usize::from(outbox), 500);
            scene.store.lose_tail(id.partition(), 500);
        });
        assert_eq!(again.unwrap(), entries);
    }

    #[tokio::test(start_paused = true)]
    async fn a_conversation_is_as_open_as_the_blocks_that_are_left() {
        let scene = Scene::set(1).await;
        let id = scene.conversation().await;
        let (ada, ben) = (name("ada"), name("ben"));
        for (one, other) in [(&ada, &ben), (&ben, &ada)] {
            scene.handle.put_contact(one, other, NOW).await.unwrap();
        }
        let seen = |happened: Vec<Happened>| {
            let changes = happened.into_iter().filter_map(|what| match what {
                Happened::Visible { visible, .. } => Some(visible),
                _ => None,
            });
            changes.collect::<Vec<_>>()
        };
        assert_eq!(seen(scene.happened()), [true]);
        pass(1_000).await;
        scene.handle.put_block(&ada, &ben, NOW).await.unwrap();
        let closed = scene.handle.conversation(id).await.unwrap().unwrap();
        assert_ne!(id.partition(), ada.partition());
        assert_eq!(seen(scene.happened()), [false]);
        // The conversation forgets that it was closed, and the block is there.
        scene.store.lose_tail(id.partition(), 500);
        let conversation = scene.handle.conversation(id).await.unwrap().unwrap();
        assert!(conversation.blocked && conversation.version > closed.version);
        assert!(seen(scene.happened()).is_empty());
        // The block is gone.
        scene.store.lose_tail(ada.partition(), 500);
        let opened = scene.handle.conversation(id).await.unwrap().unwrap();
        assert!(!opened.blocked && opened.version > conversation.version);
        assert_eq!(seen(scene.happened()), [true]);
    }

    /// Checks that a number never stands for two things.
    #[derive(Default)]
    struct Given {
        events: BTreeMap<(ConversationId, Position), ClientId>,
        versions: BTreeMap<ConversationId, u64>,
        memberships: Vec<u64>,
    }

    impl Given {
        fn check(&mut self, happened: Vec<Happened>) {
            for what in happened {
                match what {
                    Happened::Committed { conversation, position, id, .. } => {
                        assert_eq!(self.events.insert((conversation, position), id), None);
                    }
                    Happened::Members { conversation, version, .. } => {
                        assert!(
                            self.versions.insert(conversation, version).is_none_or(|last| last < version)
                        );
                    }
                    _ => {}
                }
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn no_number_stands_for_two_things() {
        for seed in 0..50 {
            let (scene, dice) = (Scene::set(seed).await, Dice::new(seed, "ordeal"));
            let users = ["ada", "ben", "carl"].map(name);
            let group = ports::NewGroup {
                id: ConversationId([seed.to_le_bytes()[0]; 16]),
                title: None,
                owner: users[0].clone(),
                members: vec![users[1].clone()],
                at: NOW,
            };
            scene.store.direct().create_group(group.clone()).await.unwrap();
            let mut given = Given { memberships: vec![0; 3], ..Given::default() };
            for step in 0..200 {
                let id = if dice.chance(0.5) { scene.conversation().await } else { group.id };
                match dice.between(0..=9) {
                    0..=4 => {
                        scene.handle.append(message(id, "ada", &format!("m{step}"))).await.unwrap();
                    }
                    5 => drop(scene.handle.put_member(group.id, &users[0], &users[2], None).await),
                    6 => drop(scene.handle.remove_member(group.id, &users[0], &users[2]).await),
                    7 => drop(scene.handle.rename_conversation(group.id, &users[0], step.to_string()).await),
                    8 => {
                        let partition = usize::try_from(dice.between(0..=7)).unwrap();
                        scene.store.lose_tail(partition, dice.between(0..=3_000));
                    }
                    _ => pass(dice.between(0..=1_000)).await,
                }
                given.check(scene.happened());
                let memberships = scene.handle.membership_versions(&users).await.unwrap();
                assert!(memberships.iter().zip(&given.memberships).all(|(now, then)| now >= then));
                given.memberships = memberships;
            }
            // What is left is dense, and its generations only grow.
            for (_, conversation) in scene.store.truth().conversations {
                let events = conversation.events;
                assert!(events.iter().zip(1..).all(|(event, seq)| event.position.seq == seq));
                assert!(events.is_sorted_by_key(|event| event.position.r#gen));
            }
        }
    }
}
