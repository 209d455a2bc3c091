//! From layout 0 to 1: presences say who is connected, and those who are have a list.
//!
//! Layout 0 kept the bare record, without `connected` and without the epoch in front, and no list: whoever looked for those who
//! are connected had to read all. One who was not offline was connected.

use ports::{Error, PresenceRecord, Result};
use protocol::presence::Status;
use protocol::{Timestamp, Username};
use serde::Deserialize;

use super::Migrator;
use crate::link::Call;
use crate::presences::{PRESENCE_PARTITIONS, presence_keys, stored};
use crate::script::Script;
use crate::todo::{arguments, call, entity};

static SCAN: Script = entity!("scan_presences");
static MIGRATE: Script = entity!("migrate_presences");

/// How long a migrator's number is kept in a partition, in milliseconds.
const NUMBER_KEPT: u64 = 24 * 60 * 60 * 1000;

/// A presence in layout 0.
#[derive(Deserialize)]
struct Old {
    username: Username,
    status: Status,
    last_seen: Option<Timestamp>,
    status_text: Option<String>,
    epoch: u64,
}

impl Old {
    fn into_record(self) -> PresenceRecord {
        let Self { username, status, last_seen, status_text, epoch } = self;
        let connected = status != Status::Offline;
        PresenceRecord { username, status, last_seen, status_text, connected, epoch }
    }
}

impl Migrator<'_> {
    /// Replaces all presences and lists those who are connected.
    pub(super) async fn list_connected(&self, number: u64) -> Result<()> {
        for partition in 0..PRESENCE_PARTITIONS {
            let mut cursor = "0".to_owned();
            loop {
                self.hold(number).await?;
                cursor = self.list_some(number, partition, cursor).await?;
                if cursor == "0" {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Replaces some presences of a partition, and gives where to go on.
    pub(super) async fn list_some(&self, number: u64, partition: u16, cursor: String) -> Result<String> {
        let keys = &self.context.keys;
        let [presences, connected] = presence_keys(keys, partition);
        let scan = Call::new(&SCAN, vec![presences.clone()], arguments![cursor]);
        let (next, found): (String, Vec<(String, String)>) = call(self.context, scan).await?;
        let mut arguments = arguments![number, NUMBER_KEPT];
        for (username, before) in found {
            // What is in the newer form already begins with a number.
            let Ok(old) = serde_json::from_str::<Old>(&before) else { continue };
            let record = old.into_record();
            arguments.extend(arguments![username, before, stored(&record)?, record.connected]);
        }
        let fence = keys.tagged(&format!("p{partition}"), ":migration");
        let migrate = Call::new(&MIGRATE, vec![presences, connected, fence], arguments);
        let is_mine: bool = call(self.context, migrate).await?;
        if is_mine { Ok(next) } else { Err(Error::Conflict) }
    }
}
