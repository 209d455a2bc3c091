//! Randomness, drawn in one place.

/// Gives 64 random bits.
pub(crate) fn bits() -> u64 {
    rand::random()
}

/// Gives a text that nobody else will ever draw: 128 random bits in hexadecimal.
pub(crate) fn unique() -> String {
    format!("{:032x}", rand::random::<u128>())
}
