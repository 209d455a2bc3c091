//! Sending clients elsewhere, spread over a window, so that they do not all arrive at once.

use std::sync::Arc;
use std::time::Duration;

use protocol::chat::{Reconnect, ReconnectReason};
use protocol::presence::ServerFrame;
use tokio::time::sleep;

use crate::hub::Hub;
use crate::socket::Socket;

/// Within how many milliseconds a client that was told to goes.
const DEPARTURE: u64 = 1_000;

/// Tells these sockets to reconnect, one after the other over the window. Each learns the place that is right then; who
/// was to move and belongs here again is left alone.
pub(crate) async fn send(
    hub: Arc<Hub>,
    sockets: Vec<Arc<Socket>>,
    window: Duration,
    reason: ReconnectReason,
) {
    let pause = window / u32::try_from(sockets.len()).unwrap_or(u32::MAX).max(1);
    for socket in sockets {
        let url = hub.ownership().address_elsewhere(&socket.user);
        if url.is_some() || reason == ReconnectReason::Draining {
            let spread = DEPARTURE.min(u64::try_from(window.as_millis()).unwrap_or(DEPARTURE));
            let after_ms = hub.entropy.below(spread);
            socket.send(&ServerFrame::Reconnect(Reconnect { url, after_ms, reason }));
        }
        sleep(pause).await;
    }
}
