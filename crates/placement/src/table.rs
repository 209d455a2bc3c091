//! The table: who serves whom, at one epoch.

use serde::{Deserialize, Serialize};

use crate::assignment::Assignment;
use crate::epoch::Epoch;

/// The owner of each bucket for each service.
///
/// Every process keeps the last one that it saw and goes on with it for as long as there is no newer one. Its
/// JSON is about 11 KiB and depends on its content alone, so equal tables have equal bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// The version: a table with a greater one replaces this.
    pub epoch: Epoch,
    /// Who serves messages.
    pub chat: Assignment,
    /// Who serves presence.
    pub presence: Assignment,
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use protocol::Shard;

    use super::*;
    use crate::load::BucketLoads;
    use crate::member::{Member, ORDINARY_WEIGHT};
    use crate::plan::{Options, plan};

    fn table(shards: u32) -> Table {
        let members: Vec<_> = (0..shards)
            .map(|number| Member {
                shard: Shard::new(&format!("chat-{number}")).unwrap(),
                url: format!("ws://chat-{number}.chat.svc:8080"),
                weight: ORDINARY_WEIGHT,
                operator_url: None,
                draining: false,
            })
            .collect();
        let assignment =
            plan(None, &members, &BucketLoads::uniform(), &Options::default()).unwrap().assignment;
        Table { epoch: Epoch::start_of(1), chat: assignment.clone(), presence: assignment }
    }

    #[test]
    fn json_round_trips_and_is_small() {
        for (shards, limit) in [(3, 12_000), (100, 40_000)] {
            let table = table(shards);
            let json = serde_json::to_vec(&table).unwrap();
            assert!(json.len() < limit, "{} bytes", json.len());
            assert_eq!(serde_json::from_slice::<Table>(&json).unwrap(), table);
        }
    }

    #[test]
    fn unknown_fields_do_not_hurt() {
        let mut json = serde_json::to_value(table(2)).unwrap();
        json["later"] = true.into();
        json["chat"]["members"][0]["zone"] = "a".into();
        assert_eq!(serde_json::from_value::<Table>(json).unwrap(), table(2));
    }
}
