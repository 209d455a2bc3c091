//! The stable codes of errors, in problem documents and in `error` frames.

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident $text:literal $status:literal $title:literal;)*) => {
        /// What went wrong, as clients may rely on it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $($(#[$doc])* #[serde(rename = $text)] $name,)*
        }

        impl ErrorCode {
            /// Every code, for the documents and for metrics.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Gives the code as it is written.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// Gives the HTTP status that goes with it.
            pub fn http_status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }

            /// Gives a short sentence for people, always the same for a code.
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }
    };
}

codes! {
    /// The body or frame is not JSON, or not an object.
    Malformed "malformed" 400 "The request cannot be read";
    /// A field is missing or has the wrong type, or its value is out of bounds.
    InvalidField "invalid_field" 422 "A field is missing or wrong";
    /// A frame's `type` is unknown.
    UnknownType "unknown_type" 400 "The frame's type is unknown";
    /// The name is not a username.
    InvalidUsername "invalid_username" 422 "This is not a username";
    /// The password is too short, too long, or a common one.
    WeakPassword "weak_password" 422 "The password is too weak";
    /// The name is taken.
    UsernameTaken "username_taken" 409 "The username is taken";
    /// Unknown name or wrong password.
    InvalidCredentials "invalid_credentials" 401 "The name or the password is wrong";
    /// No token, or one that does not hold.
    Unauthenticated "unauthenticated" 401 "Authentication is needed";
    /// A refresh token that does not hold, or was used before.
    InvalidRefreshToken "invalid_refresh_token" 401 "The refresh token does not hold";
    /// The caller may not do this.
    NotAllowed "not_allowed" 403 "This is not allowed";
    /// There is no such thing, or not for the caller.
    NotFound "not_found" 404 "There is no such thing";
    /// There is no such user.
    UserNotFound "user_not_found" 404 "There is no such user";
    /// There is no such conversation, or not for the caller.
    ConversationNotFound "conversation_not_found" 404 "There is no such conversation";
    /// There is no such message, or not for the caller.
    MessageNotFound "message_not_found" 404 "There is no such message";
    /// The method is not for this path.
    MethodNotAllowed "method_not_allowed" 405 "The method is not for this path";
    /// The same id came before with another body.
    IdConflict "id_conflict" 409 "The id was used for something else";
    /// The request contradicts what is there.
    Conflict "conflict" 409 "The request contradicts what is there";
    /// The body or frame is too large.
    TooLarge "too_large" 413 "The request is too large";
    /// The body is not JSON by its content type.
    UnsupportedMediaType "unsupported_media_type" 415 "JSON is expected";
    /// Too many requests or frames.
    RateLimited "rate_limited" 429 "Too many requests";
    /// Too many failed logins.
    TooManyAttempts "too_many_attempts" 429 "Too many attempts";
    /// A limit on how many of something a user may have is reached.
    LimitReached "limit_reached" 422 "A limit is reached";
    /// This server offers no such notification channel.
    UnsupportedChannel "unsupported_channel" 422 "The channel is not offered";
    /// The server failed.
    Internal "internal" 500 "The server failed";
    /// The server is too busy or the store is away; the same request may succeed later.
    Unavailable "unavailable" 503 "The server cannot do this now";
}
