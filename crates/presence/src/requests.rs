//! What a client asks for.

use protocol::chat::ErrorFrame;
use protocol::parse::FrameError;
use protocol::presence::{ClientFrame, ServerFrame};
use protocol::{CloseCode, ErrorCode};

use crate::hub::Hub;
use crate::pace::{Pace, TooFast};
use crate::socket::Socket;

/// How many users in a `subscribe` or `unsubscribe` cost as much as a frame.
const USERS_PER_FRAME: usize = 25;

/// Takes a frame of a client. Breaks with a close code if the connection cannot go on.
///
/// # Errors
/// The frame is not JSON, or the client does not slow down.
pub(crate) fn take(hub: &Hub, socket: &Socket, pace: &mut Pace, text: &[u8]) -> Result<(), CloseCode> {
    if !within(hub, socket, pace, 1)? {
        return Ok(());
    }
    let text = std::str::from_utf8(text).map_err(|_| CloseCode::Malformed)?;
    let frame = match ClientFrame::parse(text) {
        Ok(frame) => frame,
        Err(FrameError { code: ErrorCode::Malformed, .. }) => return Err(CloseCode::Malformed),
        Err(FrameError { code, detail, id }) => {
            socket.send(&ServerFrame::Error(ErrorFrame { id, code, detail, retry_after_ms: None }));
            return Ok(());
        }
    };
    if let ClientFrame::Subscribe(users) | ClientFrame::Unsubscribe(users) = &frame
        && !within(hub, socket, pace, (users.len() / USERS_PER_FRAME) as u64)?
    {
        return Ok(());
    }
    answer(hub, socket, frame);
    Ok(())
}

/// Counts a cost, and says whether the client may go on; it is told if it may not.
fn within(hub: &Hub, socket: &Socket, pace: &mut Pace, cost: u64) -> Result<bool, CloseCode> {
    match pace.take(cost, hub.now().elapsed) {
        Ok(()) => Ok(true),
        Err(TooFast::Wait(wait)) => {
            socket.send(&ServerFrame::Error(ErrorFrame {
                id: None,
                code: ErrorCode::RateLimited,
                detail: "frames come too fast".to_owned(),
                retry_after_ms: Some(wait),
            }));
            Ok(false)
        }
        Err(TooFast::Abuse) => Err(CloseCode::TooFast),
    }
}

fn answer(hub: &Hub, socket: &Socket, frame: ClientFrame) {
    match frame {
        ClientFrame::Status { status, status_text } => {
            hub.update(|state, now| state.choose(socket, status, status_text, now));
        }
        ClientFrame::Subscribe(users) => hub.update(|state, _| state.subscribe(socket, &users)),
        ClientFrame::Unsubscribe(users) => hub.update(|state, _| state.unsubscribe(socket, &users)),
        ClientFrame::Active => hub.update(|state, now| state.active(&socket.user, now)),
        ClientFrame::Ping(id) => socket.send(&ServerFrame::Pong { id }),
    }
}
