//! Pages of lists: limits, and cursors that mean something to the server alone.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use protocol::account::Page;
use protocol::{MAX_PAGE, Username};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::failure::{Answer, Failure};

/// How many items a page has if the client does not say.
const DEFAULT_LIMIT: usize = 50;

/// The longest cursor that is read, in bytes.
const MAX_CURSOR_BYTES: usize = 512;

/// Asks for a page of a list.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct PageQuery {
    /// Where the page before ended.
    pub(crate) cursor: Option<String>,
    /// How many items at most.
    pub(crate) limit: Option<usize>,
}

/// Checks the `limit` of a query.
pub(crate) fn limit(asked: Option<usize>) -> Answer<usize> {
    match asked {
        None => Ok(DEFAULT_LIMIT),
        Some(limit) if (1..=MAX_PAGE).contains(&limit) => Ok(limit),
        Some(_) => Err(Failure::field("limit", "must be 1 to 200")),
    }
}

/// Writes a cursor.
pub(crate) fn encode<T: Serialize>(cursor: &T) -> String {
    // Names, identifiers and numbers always encode.
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(cursor).unwrap_or_default())
}

/// Reads a cursor that [`encode`] wrote, if there is one.
pub(crate) fn decode<T: DeserializeOwned>(cursor: Option<&str>) -> Answer<Option<T>> {
    let Some(text) = cursor else {
        return Ok(None);
    };
    let wrong = || Failure::field("cursor", "is none of this list");
    if text.len() > MAX_CURSOR_BYTES {
        return Err(wrong());
    }
    let json = URL_SAFE_NO_PAD.decode(text).map_err(|_| wrong())?;
    serde_json::from_slice(&json).map(Some).map_err(|_| wrong())
}

/// Cuts a page out of a list that is in order of names.
pub(crate) fn by_name<T>(
    items: Vec<T>,
    query: &PageQuery,
    name: impl Fn(&T) -> &Username,
) -> Answer<Page<T>> {
    let limit = limit(query.limit)?;
    let after: Option<Username> = decode(query.cursor.as_deref())?;
    let mut items: Vec<T> =
        items.into_iter().filter(|item| after.as_ref().is_none_or(|after| name(item) > after)).collect();
    let more = items.len() > limit;
    items.truncate(limit);
    let next_cursor = items.last().filter(|_| more).map(|last| encode(name(last)));
    Ok(Page { items, next_cursor })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "test")]
    use super::*;

    fn names(count: usize) -> Vec<Username> {
        (0..count).map(|number| Username::new(&format!("user{number:02}")).unwrap()).collect()
    }

    #[test]
    fn pages_follow_each_other_without_gap_or_repetition() {
        let (mut seen, mut cursor) = (Vec::new(), None);
        for _ in 0..4 {
            let page = by_name(names(10), &PageQuery { cursor, limit: Some(3) }, |name| name).unwrap();
            seen.extend(page.items);
            cursor = page.next_cursor;
        }
        assert_eq!((seen, cursor), (names(10), None));
    }

    #[test]
    fn a_full_last_page_has_no_cursor() {
        let page = by_name(names(3), &PageQuery { cursor: None, limit: Some(3) }, |name| name).unwrap();
        assert_eq!(page.next_cursor, None);
    }

    #[test]
    fn what_is_no_cursor_is_refused() {
        for cursor in ["", "x", "!!!", "bnVsbA", &"A".repeat(1000)] {
            assert!(decode::<Username>(Some(cursor)).is_err(), "{cursor}");
        }
    }

    #[test]
    fn limits_are_bounded() {
        assert_eq!(limit(None).unwrap(), 50);
        assert_eq!(limit(Some(200)).unwrap(), 200);
        assert!(limit(Some(0)).is_err() && limit(Some(201)).is_err());
    }
}
