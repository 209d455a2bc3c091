//! What shards report about their load.

use std::collections::BTreeMap;

use placement::Bucket;
use ports::Service;
use protocol::Shard;
use serde::{Deserialize, Serialize};

/// What a shard measured of its buckets.
///
/// A weight is the number of frames out a second plus 0.2 for each connection, or anything else in which the
/// shards agree: it is compared with other weights only, and with the idle load of the registry's options.
/// CPU and delays are no weights: moving users changes them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoadReport {
    /// Who reports.
    pub shard: Shard,
    /// For which service.
    pub service: ReportedService,
    /// The weight of each bucket; a bucket that is missing has none.
    pub weights: BTreeMap<Bucket, f64>,
}

/// A [`Service`] in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportedService {
    /// Messages.
    Chat,
    /// Presence.
    Presence,
}

impl From<ReportedService> for Service {
    fn from(service: ReportedService) -> Self {
        match service {
            ReportedService::Chat => Self::Chat,
            ReportedService::Presence => Self::Presence,
        }
    }
}

impl From<Service> for ReportedService {
    fn from(service: Service) -> Self {
        match service {
            Service::Chat => Self::Chat,
            Service::Presence => Self::Presence,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_pinned() {
        let json = r#"{"shard":"chat-0","service":"chat","weights":{"17":12.5,"4095":0.2}}"#;
        let report: LoadReport = serde_json::from_str(json).unwrap();
        assert_eq!(report.weights[&Bucket::try_from(17).unwrap()], 12.5);
        assert_eq!(serde_json::to_string(&report).unwrap(), json);
        assert!(serde_json::from_str::<LoadReport>(&json.replace("4095", "4096")).is_err());
    }
}
