//! Placement tables, which each shard learns when a test has it learn them.

use std::sync::Arc;

use placement::{Assignment, Bucket, BucketLoads, Epoch, Member, Table, plan};
use protocol::Username;
use tokio::sync::watch;

/// The tables that were made, and what each shard knows of them.
pub(crate) struct Tables {
    newest: Arc<Table>,
    shards: Vec<watch::Sender<Arc<Table>>>,
}

impl Tables {
    /// Makes the first table, which all shards know.
    pub(crate) fn new(members: &[Member]) -> Self {
        let newest = Arc::new(table(Epoch::start_of(1).next().unwrap(), planned(None, members)));
        let shards = members.iter().map(|_| watch::Sender::new(newest.clone())).collect();
        Self { newest, shards }
    }

    /// Gives what a shard follows.
    pub(crate) fn follow(&self, shard: usize) -> watch::Receiver<Arc<Table>> {
        self.shards[shard].subscribe()
    }

    /// Gives the table that was made last.
    pub(crate) fn newest(&self) -> &Arc<Table> {
        &self.newest
    }

    /// Gives which shard a user belongs to by the newest table.
    pub(crate) fn home(&self, name: &Username) -> usize {
        let chat = &self.newest.chat;
        let owner = &chat.owner(Bucket::of(name.as_str())).shard;
        chat.members().iter().position(|member| member.shard == *owner).unwrap()
    }

    /// Makes a table by which a user belongs to a shard; nobody knows it yet.
    pub(crate) fn give(&mut self, name: &Username, shard: usize) -> Arc<Table> {
        let chat = &self.newest.chat;
        let position = |bucket: Bucket| {
            let owner = &chat.owner(bucket).shard;
            chat.members().iter().position(|member| member.shard == *owner).unwrap()
        };
        let owners = Bucket::all()
            .map(|bucket| if bucket == Bucket::of(name.as_str()) { shard } else { position(bucket) })
            .map(|owner| u8::try_from(owner).unwrap())
            .collect();
        let assignment = Assignment::new(chat.members().to_vec(), owners).unwrap();
        self.make(assignment)
    }

    /// Makes the table by which a shard drains; nobody knows it yet.
    pub(crate) fn drained(&mut self, shard: usize) -> Arc<Table> {
        let mut members = self.newest.chat.members().to_vec();
        members[shard].draining = true;
        let assignment = planned(Some(&self.newest.chat), &members);
        self.make(assignment)
    }

    /// Makes another table of the same content; nobody knows it yet.
    pub(crate) fn again(&mut self) -> Arc<Table> {
        let assignment = self.newest.chat.clone();
        self.make(assignment)
    }

    /// Gives a table to a shard.
    pub(crate) fn tell(&self, shard: usize, table: &Arc<Table>) {
        self.shards[shard].send_replace(table.clone());
    }

    /// Gives a table to all shards.
    pub(crate) fn tell_all(&self, table: &Arc<Table>) {
        (0..self.shards.len()).for_each(|shard| self.tell(shard, table));
    }

    fn make(&mut self, assignment: Assignment) -> Arc<Table> {
        self.newest = Arc::new(table(self.newest.epoch.next().unwrap(), assignment));
        self.newest.clone()
    }
}

fn planned(before: Option<&Assignment>, members: &[Member]) -> Assignment {
    plan(before, members, &BucketLoads::uniform(), &placement::Options::default()).unwrap().assignment
}

fn table(epoch: Epoch, assignment: Assignment) -> Table {
    Table { epoch, chat: assignment.clone(), presence: assignment }
}
