//! Points in time.

use std::fmt;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A point in time in milliseconds since the Unix epoch, written as RFC 3339 in UTC with milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Timestamp(pub u64);

/// Says that a text is not a time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a time in RFC 3339 is expected")]
pub struct InvalidTimestamp;

/// The last millisecond of the year 9999: RFC 3339 has four digits for the year.
const LAST: u64 = 253_402_300_799_999;

impl Timestamp {
    /// Reads the written form.
    pub fn parse(text: &str) -> Result<Self, InvalidTimestamp> {
        let time = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| InvalidTimestamp)?;
        u64::try_from(time.unix_timestamp_nanos() / 1_000_000).map(Self).map_err(|_| InvalidTimestamp)
    }

    /// Gives the time that lies `milliseconds` later.
    #[must_use]
    pub fn plus(self, milliseconds: u64) -> Self {
        Self(self.0.saturating_add(milliseconds))
    }

    /// Gives how many milliseconds have passed since `earlier`; none if it lies later.
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = self.0.min(LAST);
        let seconds = i64::try_from(milliseconds / 1000).unwrap_or(0);
        let time = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let (hour, minute, second) = time.to_hms();
        let (year, month, day) = (time.year(), u8::from(time.month()), time.day());
        write!(
            formatter,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z",
            milliseconds % 1000
        )
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self}")
    }
}

impl TryFrom<String> for Timestamp {
    type Error = InvalidTimestamp;
    fn try_from(text: String) -> Result<Self, InvalidTimestamp> {
        Self::parse(&text)
    }
}

impl From<Timestamp> for String {
    fn from(time: Timestamp) -> Self {
        time.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_have_milliseconds_and_utc() {
        assert_eq!(Timestamp(1_764_054_000_007).to_string(), "2025-11-25T07:00:00.007Z");
        assert_eq!(Timestamp::parse("2025-11-25T08:00:00.007+01:00"), Ok(Timestamp(1_764_054_000_007)));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(milliseconds in 0..=LAST) {
            prop_assert_eq!(Timestamp::parse(&Timestamp(milliseconds).to_string()), Ok(Timestamp(milliseconds)));
        }
    }
}
