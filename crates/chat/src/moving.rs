//! Sending users elsewhere: when the table gives them to another shard, and when this one goes.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use placement::{Bucket, Table};
use protocol::CloseCode;
use protocol::chat::{Reconnect, ReconnectReason, ServerFrame};
use tokio::sync::watch;

use crate::clients::LocalUser;
use crate::connection::Connection;
use crate::shard::Shared;

/// Why a connection is closed when the shard is about to go.
const DRAINS: &str = "the shard goes";
/// Why a connection is closed when the shard ends.
const STOPS: &str = "the shard stops";

impl Shared {
    /// Follows the table: users who belong elsewhere are sent there, spread over a window, and served until they go.
    pub(crate) async fn follow_tables(self: Arc<Self>, mut tables: watch::Receiver<Arc<Table>>) {
        while tables.changed().await.is_ok() {
            let table = tables.borrow_and_update().clone();
            if self.route.update(table) {
                self.metrics.epoch.set(self.epoch_for_metrics());
                self.send_strangers_away();
            }
        }
    }

    /// Sends users who belong elsewhere there.
    fn send_strangers_away(&self) {
        let window = u64::try_from(self.options.move_window.as_millis()).unwrap_or(u64::MAX);
        for user in self.clients.all() {
            if !self.route.is_own(&user.name) {
                let after_ms = self.entropy.below(window);
                for connection in user.connections() {
                    self.send_away(&user, &connection, after_ms, ReconnectReason::Moved);
                }
            }
        }
    }

    /// Tells a client once to go to its user's shard; the connection still delivers until the client leaves.
    pub(crate) fn send_away(
        &self,
        user: &LocalUser,
        connection: &Connection,
        after_ms: u64,
        reason: ReconnectReason,
    ) {
        if !connection.send_away_once() {
            return;
        }
        let table = self.route.table();
        let bucket = Bucket::of(user.name.as_str());
        let owner = table.chat.owner(bucket);
        let target = if owner.shard == self.shard { table.chat.runner_up(bucket, &[]) } else { Some(owner) };
        let url = target.map(|shard| format!("{}/chat", shard.url));
        self.metrics.sent_away.inc();
        connection.send(&ServerFrame::Reconnect(Reconnect { url, after_ms, reason }));
    }

    /// Ends a connection that came while the shard goes or stops.
    pub(crate) fn end_late(&self, user: &LocalUser, connection: &Connection) {
        if self.stop.is_cancelled() {
            connection.end(CloseCode::GoingAway, STOPS);
        } else if self.draining.load(Ordering::Acquire) {
            self.send_away(user, connection, 0, ReconnectReason::Draining);
            connection.end(CloseCode::Draining, DRAINS);
        }
    }

    /// Ends all connections when the shard stops.
    pub(crate) async fn end_with_shard(self: Arc<Self>) {
        self.stop.cancelled().await;
        self.end_all(CloseCode::GoingAway, STOPS);
    }

    fn end_all(&self, code: CloseCode, reason: &'static str) {
        for user in self.clients.all() {
            user.connections().iter().for_each(|connection| connection.end(code, reason));
        }
    }

    /// Sends everybody elsewhere, spread over `window`, and closes what is left at its end.
    pub(crate) async fn drain(&self, window: Duration) {
        self.draining.store(true, Ordering::Release);
        let window_ms = u64::try_from(window.as_millis()).unwrap_or(u64::MAX);
        for user in self.clients.all() {
            let after_ms = self.entropy.below(window_ms);
            for connection in user.connections() {
                self.send_away(&user, &connection, after_ms, ReconnectReason::Draining);
            }
        }
        let end = tokio::time::Instant::now() + window;
        while self.clients.len() > 0 && tokio::time::Instant::now() < end {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.end_all(CloseCode::Draining, DRAINS);
    }
}
