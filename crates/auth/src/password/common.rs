//! The bundled list of common passwords; its origin and licence are in `data/README.md`.

use std::sync::LazyLock;

static SORTED: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| include_str!("../../data/common-passwords.txt").lines().collect());

/// Tells whether `password`, normalised and in lower case, is in the list.
pub(super) fn is_common(password: &str) -> bool {
    SORTED.binary_search(&password).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MIN_PASSWORD_CHARS;

    #[test]
    fn the_list_is_as_the_search_needs_it() {
        assert!(SORTED.len() > 8000);
        assert!(SORTED.is_sorted());
        assert!(
            SORTED.iter().all(|entry| entry.len() >= MIN_PASSWORD_CHARS && *entry == entry.to_lowercase())
        );
    }

    #[test]
    fn entries_are_found_and_others_are_not() {
        assert!(SORTED.iter().all(|entry| is_common(entry)));
        assert!(!is_common("correct horse battery staple"));
        assert!(!is_common(""));
    }
}
