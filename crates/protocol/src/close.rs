//! WebSocket close codes.

/// Why a server closes a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CloseCode {
    /// 1000: the client closed, and the server agrees.
    Normal,
    /// 1001: the server goes away.
    GoingAway,
    /// 1011: the server failed.
    Internal,
    /// 1012: the server restarts.
    Restart,
    /// 1013: the client reads too slowly; it may come back and resume.
    TryAgainLater,
    /// 4400: what came was not a frame of this protocol.
    Malformed,
    /// 4401: not authenticated, or no longer.
    Unauthenticated,
    /// 4403: not allowed.
    Forbidden,
    /// 4408: silent for too long.
    Idle,
    /// 4409: another connection took this one's place.
    Replaced,
    /// 4413: the frame was too large.
    TooLarge,
    /// 4429: too many frames.
    TooFast,
    /// 4503: the shard drains; a `reconnect` frame came before.
    Draining,
}

impl CloseCode {
    /// Gives the number on the wire.
    pub fn code(self) -> u16 {
        match self {
            Self::Normal => 1000,
            Self::GoingAway => 1001,
            Self::Internal => 1011,
            Self::Restart => 1012,
            Self::TryAgainLater => 1013,
            Self::Malformed => 4400,
            Self::Unauthenticated => 4401,
            Self::Forbidden => 4403,
            Self::Idle => 4408,
            Self::Replaced => 4409,
            Self::TooLarge => 4413,
            Self::TooFast => 4429,
            Self::Draining => 4503,
        }
    }
}
