//! Moves slots between masters, with their keys, while clients use them.

use redis::cmd;

use crate::error::{Error, Result};
use crate::health::check_slot;
use crate::lab::Lab;

/// How many keys go at once.
const BATCH: usize = 100;

/// How long the other end may take with them, in milliseconds.
const PATIENCE: u32 = 10_000;

impl Lab {
    /// Moves a slot with its keys to another master, as a resharding does: clients are told ASK, TRYAGAIN and MOVED.
    ///
    /// # Errors
    ///
    /// If a node refuses or does not answer.
    pub async fn move_slot(&self, slot: u16, to: usize) -> Result<()> {
        let from = self.begin_slot_move(slot, to).await?;
        if from == to {
            return Ok(());
        }
        while self.move_keys(slot, from, to, BATCH).await? > 0 {}
        self.finish_slot_move(slot, from, to).await
    }

    /// Begins to move a slot, and gives the node that held it: new keys are made at the other end from now on, old ones stay.
    ///
    /// # Errors
    ///
    /// If a node refuses or does not answer.
    pub async fn begin_slot_move(&self, slot: u16, to: usize) -> Result<usize> {
        check_slot(slot)?;
        let from = self.master_of(slot).await?;
        if from != to {
            let (source, destination) = (self.id(from).await?, self.id(to).await?);
            self.words::<()>(to, &format!("CLUSTER SETSLOT {slot} IMPORTING {source}")).await?;
            self.words::<()>(from, &format!("CLUSTER SETSLOT {slot} MIGRATING {destination}")).await?;
        }
        Ok(from)
    }

    /// Moves up to so many keys of a slot whose move has begun, and gives how many there were.
    ///
    /// # Errors
    ///
    /// If a node refuses or does not answer.
    pub async fn move_keys(&self, slot: u16, from: usize, to: usize, count: usize) -> Result<usize> {
        let error = |source| Error::Redis { node: from, source };
        let mut connection = self.connect(from).await?;
        let keys: Vec<Vec<u8>> = cmd("CLUSTER")
            .arg("GETKEYSINSLOT")
            .arg(slot)
            .arg(count)
            .query_async(&mut connection)
            .await
            .map_err(error)?;
        if keys.is_empty() {
            return Ok(0);
        }
        let node = self.node(to);
        let mut migrate = cmd("MIGRATE");
        migrate.arg(node.address().to_string()).arg(node.port()).arg("").arg(0).arg(PATIENCE);
        if let Some(password) = &self.options().password {
            migrate.arg("AUTH").arg(password);
        }
        migrate.arg("KEYS").arg(&keys);
        migrate.query_async::<()>(&mut connection).await.map_err(error)?;
        Ok(keys.len())
    }

    /// Ends the move of a slot that has no keys left at its old end, and waits until all running nodes know.
    ///
    /// # Errors
    ///
    /// If a node refuses or does not answer.
    pub async fn finish_slot_move(&self, slot: u16, from: usize, to: usize) -> Result<()> {
        let id = self.id(to).await?;
        // The new owner first: should this stop in between, the slot has one.
        for node in [to, from] {
            self.words::<()>(node, &format!("CLUSTER SETSLOT {slot} NODE {id}")).await?;
        }
        self.wait_for("all to know the slot's new owner", async || {
            for node in self.running() {
                if self.view(node).await?.owner(slot).is_none_or(|owner| owner.id != id) {
                    return Ok(Err(format!("node {node} does not")));
                }
            }
            Ok(Ok(()))
        })
        .await
    }
}
