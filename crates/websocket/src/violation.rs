//! How a client can break the protocol or a limit, and the close code of each.

use protocol::CloseCode;

/// RFC 6455 §7.4.1: the endpoint received what breaks the protocol.
const PROTOCOL_ERROR: u16 = 1002;
/// RFC 6455 §7.4.1: the data do not fit the message's type.
const INVALID_DATA: u16 = 1007;

/// What was wrong with what a client sent; the connection cannot go on after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// A client's frame came without a mask (RFC 6455 §5.1).
    #[error("frame is not masked")]
    Unmasked,
    /// A bit for extensions is set, and no extension was agreed on (§5.2).
    #[error("reserved bit is set")]
    ReservedBit,
    /// The opcode has no meaning (§5.2).
    #[error("reserved opcode")]
    ReservedOpcode,
    /// A control frame came in fragments (§5.5).
    #[error("fragmented control frame")]
    FragmentedControl,
    /// A control frame has more than 125 bytes (§5.5).
    #[error("control frame over 125 bytes")]
    LongControl,
    /// A length has its top bit set, or is not written in the shortest form (§5.2).
    #[error("malformed length")]
    MalformedLength,
    /// A continuation came without a message to continue (§5.4).
    #[error("continuation without a message")]
    UnexpectedContinuation,
    /// A message started before the one before it had ended (§5.4).
    #[error("message inside an unfinished message")]
    InterruptedMessage,
    /// A close frame has a payload of one byte (§5.5.1).
    #[error("malformed close frame")]
    MalformedClose,
    /// A close frame has a code that must not be sent (§7.4).
    #[error("close code is not allowed")]
    ForbiddenCloseCode,
    /// A text or a close reason is not UTF-8 (§8.1).
    #[error("text is not utf-8")]
    InvalidUtf8,
    /// A message is larger than the limit, or declares to be.
    #[error("message too large")]
    TooLarge,
    /// A message came in more frames than the limit.
    #[error("message in too many fragments")]
    TooManyFragments,
}

impl Violation {
    /// Gives the code to close the connection with.
    pub fn close_code(self) -> u16 {
        match self {
            Self::InvalidUtf8 => INVALID_DATA,
            Self::TooLarge | Self::TooManyFragments => CloseCode::TooLarge.code(),
            _ => PROTOCOL_ERROR,
        }
    }
}
