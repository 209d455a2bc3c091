//! Watching who comes and goes.

use anyhow::{Result, bail};
use client::{PresenceConnection, PresenceEvent, PresenceOptions, Session};
use protocol::presence::{Presence, Status};

use super::{plain, terminal, view};

/// Prints how the contacts are, and each change, until it is interrupted.
pub(super) async fn run(session: &Session) -> Result<()> {
    let (_connection, mut events) = PresenceConnection::connect(session, &PresenceOptions::default());
    while let Some(event) = events.recv().await {
        match event {
            PresenceEvent::Snapshot(users) => {
                for user in &users {
                    terminal::line(&describe(user))?;
                }
            }
            PresenceEvent::Changed(user) => terminal::line(&describe(&user))?,
            PresenceEvent::Disconnected(loss) => {
                terminal::line(&format!("-- not connected: {}", plain::line(&loss.to_string())))?;
            }
            PresenceEvent::Ended(end) => bail!("the connection has ended: {end}"),
            PresenceEvent::Refused(problem) => bail!("{problem}"),
            _ => {}
        }
    }
    bail!("the connection has ended")
}

fn describe(presence: &Presence) -> String {
    let status = match presence.status {
        Status::Online => "online",
        Status::Away => "away",
        Status::Busy => "busy",
        Status::Offline => "offline",
    };
    let seen = match (presence.status, presence.last_seen) {
        (Status::Offline, Some(time)) => format!(", last seen {}", view::clock(time)),
        _ => String::new(),
    };
    let text = presence.status_text.as_deref().map(|text| format!(": {}", plain::line(text)));
    format!("{} {status}{seen}{}", presence.user, text.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "test")]
    use protocol::{Timestamp, Username};

    use super::*;

    #[test]
    fn a_status_text_cannot_play_with_the_terminal() {
        let presence = Presence {
            user: Username::new("bob").unwrap(),
            status: Status::Offline,
            last_seen: Some(Timestamp(0)),
            status_text: Some("\u{7}out\n".to_owned()),
        };
        assert_eq!(describe(&presence), r"bob offline, last seen 00:00: \u{7}out\u{a}");
    }
}
