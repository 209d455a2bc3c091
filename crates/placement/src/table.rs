//! The table: who serves whom, at one epoch.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::assignment::Assignment;
use crate::epoch::Epoch;

/// A service whose users are placed on shards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Service {
    /// Messages.
    Chat,
    /// Who is online.
    Presence,
}

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

impl Service {
    /// All services.
    pub const ALL: [Self; 2] = [Self::Chat, Self::Presence];

    /// Gives the name as configuration, metrics and JSON have it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Presence => "presence",
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl Table {
    /// Gives the assignment of a service.
    #[must_use]
    pub fn of(&self, service: Service) -> &Assignment {
        match service {
            Service::Chat => &self.chat,
            Service::Presence => &self.presence,
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use super::*;
    use crate::load::BucketLoads;
    use crate::plan::{Member, Options, plan};

    fn table(shards: u32) -> Table {
        let members: Vec<_> = (0..shards)
            .map(|number| Member {
                name: format!("chat-{number}"),
                url: format!("http://chat-{number}.chat.svc:8080"),
                weight: 1,
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
        json["chat"]["shards"][0]["zone"] = "a".into();
        assert_eq!(serde_json::from_value::<Table>(json).unwrap(), table(2));
    }
}
