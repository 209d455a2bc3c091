//! What can go wrong behind a port.

use protocol::ErrorCode;

/// A port's result.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The store cannot be reached or is too busy; the same request may succeed later. Nothing was done, or it was done and
    /// the answer was lost: only requests that are idempotent may be repeated.
    #[error("the store is not available: {0}")]
    Unavailable(String),
    /// What the store holds cannot be read.
    #[error("the store holds something unreadable: {0}")]
    Corrupt(String),
    /// The name is taken, or was before its account was deleted.
    #[error("the username is taken")]
    UsernameTaken,
    /// There is no such user.
    #[error("there is no such user")]
    UserNotFound,
    /// There is no such conversation, or the user is not a member of it.
    #[error("there is no such conversation")]
    ConversationNotFound,
    /// There is no such message.
    #[error("there is no such message")]
    MessageNotFound,
    /// The same id came before with another body.
    #[error("the id was used for another request")]
    IdConflict,
    /// The user may not do this.
    #[error("this is not allowed")]
    NotAllowed,
    /// A limit on how many of something there may be is reached.
    #[error("there may be no more {0}")]
    LimitReached(&'static str),
    /// Somebody else changed it in between.
    #[error("it was changed in between")]
    Conflict,
}

impl Error {
    /// Gives the code that clients see.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Unavailable(_) => ErrorCode::Unavailable,
            Self::Corrupt(_) => ErrorCode::Internal,
            Self::UsernameTaken => ErrorCode::UsernameTaken,
            Self::UserNotFound => ErrorCode::UserNotFound,
            Self::ConversationNotFound => ErrorCode::ConversationNotFound,
            Self::MessageNotFound => ErrorCode::MessageNotFound,
            Self::IdConflict => ErrorCode::IdConflict,
            Self::NotAllowed => ErrorCode::NotAllowed,
            Self::LimitReached(_) => ErrorCode::LimitReached,
            Self::Conflict => ErrorCode::Conflict,
        }
    }
}
