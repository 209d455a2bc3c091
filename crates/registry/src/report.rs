//! What shards report about their load.

use std::collections::BTreeMap;

use placement::Bucket;
use protocol::{Service, Shard};
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
    pub service: Service,
    /// The weight of each bucket; a bucket that is missing has none.
    pub weights: BTreeMap<Bucket, f64>,
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
