//! What an application wants of `/presence`, to be said again on each connection.

use std::collections::BTreeSet;

use protocol::Username;
use protocol::presence::{ChosenStatus, MAX_SUBSCRIBE};
use serde::Serialize;

/// A frame for the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Frame {
    Status {
        status: ChosenStatus,
        #[serde(skip_serializing_if = "Option::is_none")]
        status_text: Option<String>,
    },
    Subscribe {
        users: Vec<Username>,
    },
    Unsubscribe {
        users: Vec<Username>,
    },
    Active,
}

/// The status that was chosen, and who is followed.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    status: Option<(ChosenStatus, Option<String>)>,
    followed: BTreeSet<Username>,
}

impl Wishes {
    /// Takes note of a status and gives the frame that says so.
    pub(super) fn choose(&mut self, status: ChosenStatus, status_text: Option<String>) -> Frame {
        let earlier = self.status.take().and_then(|(_, text)| text);
        self.status = Some((status, status_text.clone().or(earlier)));
        Frame::Status { status, status_text }
    }

    /// Takes note of users to follow and gives the frames that say so.
    pub(super) fn follow(&mut self, users: Vec<Username>) -> Vec<Frame> {
        let frames = chunks(&users).map(|users| Frame::Subscribe { users }).collect();
        self.followed.extend(users);
        frames
    }

    /// Takes note of users to follow no more and gives the frames that say so.
    pub(super) fn leave(&mut self, users: &[Username]) -> Vec<Frame> {
        users.iter().for_each(|user| drop(self.followed.take(user)));
        chunks(users).map(|users| Frame::Unsubscribe { users }).collect()
    }

    /// Gives everything that is to be said on a new connection.
    pub(super) fn all(&self) -> Vec<Frame> {
        let status = self.status.clone().map(|(status, status_text)| Frame::Status { status, status_text });
        let followed: Vec<Username> = self.followed.iter().cloned().collect();
        status.into_iter().chain(chunks(&followed).map(|users| Frame::Subscribe { users })).collect()
    }
}

fn chunks(users: &[Username]) -> impl Iterator<Item = Vec<Username>> {
    users.chunks(MAX_SUBSCRIBE).map(<[Username]>::to_vec)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "test")]
    use protocol::presence::ClientFrame;

    use super::*;

    #[test]
    fn everything_is_said_again_and_the_servers_own_parser_reads_it() {
        let users: Vec<Username> =
            (0..MAX_SUBSCRIBE + 2).map(|number| Username::new(&format!("user{number}")).unwrap()).collect();
        let mut wishes = Wishes::default();
        wishes.choose(ChosenStatus::Busy, Some("writing".to_owned()));
        wishes.choose(ChosenStatus::Away, None);
        assert_eq!(wishes.follow(users.clone()).len(), 2);
        wishes.leave(&users[1..]);
        let said: Vec<ClientFrame> = wishes
            .all()
            .iter()
            .map(|frame| ClientFrame::parse(&serde_json::to_string(frame).unwrap()).unwrap())
            .collect();
        let status =
            ClientFrame::Status { status: ChosenStatus::Away, status_text: Some("writing".to_owned()) };
        assert_eq!(said, [status, ClientFrame::Subscribe(users[..1].to_vec())]);
    }
}
