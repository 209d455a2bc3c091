//! What displayed names are found by: pairs of neighbouring bytes.
//!
//! A name that contains a text contains all of the text's pairs, and those with the rarest of them are few enough to be looked through.
//! Bytes, because they serve every script: one letter of most of them is a pair already.

use std::collections::BTreeSet;

/// Gives what a text is found by, each once.
///
/// Beside the pairs that is each sign of punctuation: a text of one such sign has no pair, and is in few names. A single letter is in
/// so many that they are soon found without this.
pub(super) fn grams(text: &str) -> BTreeSet<Vec<u8>> {
    let bytes = text.as_bytes();
    let pairs = bytes.windows(2).map(<[u8]>::to_vec);
    let signs = bytes.iter().filter(|byte| byte.is_ascii_punctuation()).map(|byte| vec![*byte]);
    pairs.chain(signs).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_text_has_all_that_a_part_of_it_has(before in ".{0,8}", text in ".{0,8}", after in ".{0,8}") {
            let whole = grams(&format!("{before}{text}{after}"));
            prop_assert!(grams(&text).is_subset(&whole));
        }
    }

    #[test]
    fn every_text_but_a_single_letter_has_some() {
        for text in ["ab", "é", "王", "%"] {
            assert!(!grams(text).is_empty(), "{text}");
        }
        assert!(grams("a").is_empty());
    }
}
