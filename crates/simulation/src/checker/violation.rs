//! What must not have happened.

use std::fmt;

/// A promise that was not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The promise, in a word.
    pub promise: &'static str,
    /// When it showed, in virtual milliseconds since the start.
    pub at: u64,
    /// Who was affected where, what was to be expected, and the moments that prove it.
    pub text: String,
}

impl Violation {
    /// Makes one.
    pub fn new(promise: &'static str, at: u64, text: impl Into<String>) -> Self {
        Self { promise, at, text: text.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} at {} ms: {}", self.promise, self.at, self.text)
    }
}
