//! Why something failed.

use std::fmt;
use std::time::Duration;

use protocol::ErrorCode;

use crate::core::End;

/// Says why a call or a request failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server refused; the problem says why.
    #[error("{0}")]
    Refused(Problem),
    /// The server could not be reached, or did not answer.
    #[error("the server cannot be reached")]
    Unreachable(#[source] reqwest::Error),
    /// The server's answer is not what the public interface says.
    #[error("the server's answer cannot be read: {0}")]
    Unreadable(String),
    /// The server's address is not an http or https address.
    #[error("the server's address is not an http or https address")]
    InvalidAddress,
    /// TLS could not be set up.
    #[error("tls cannot be set up")]
    Tls(#[source] rustls::Error),
    /// The file that keeps the login could not be read or written.
    #[error("the session file cannot be used")]
    File(#[from] std::io::Error),
    /// The connection has ended for good; a request that was not answered may have been carried out.
    #[error("the connection has ended: {0}")]
    Ended(End),
}

/// What the server says about a refusal, in a problem document or in an `error` frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The HTTP status; an `error` frame has none.
    pub status: Option<u16>,
    /// The stable code; empty if the answer was not a problem document.
    pub code: String,
    /// What is wrong.
    pub detail: String,
    /// When the same request may succeed.
    pub retry_after: Option<Duration>,
}

impl Error {
    /// Gives what the server said, if it was the server that refused.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Refused(problem) => Some(problem),
            _ => None,
        }
    }

    /// Says whether the server refused with this code.
    pub fn is(&self, code: ErrorCode) -> bool {
        self.problem().is_some_and(|problem| problem.is(code))
    }

    /// Gives the HTTP status of a refusal.
    pub fn status(&self) -> Option<u16> {
        self.problem().and_then(|problem| problem.status)
    }
}

impl Problem {
    /// Says whether it has this code.
    pub fn is(&self, code: ErrorCode) -> bool {
        self.code == code.as_str()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.status, self.code.as_str()) {
            (Some(status), "") => write!(formatter, "the server answered with status {status}"),
            (_, code) => write!(formatter, "{} ({code})", self.detail),
        }
    }
}
