//! The channels by which people who are away are told.
//!
//! [`senders`] is the factory: it makes one sender for each channel that the operator switched on, all behind [`ports::PushSender`].

mod log;

use std::sync::Arc;

use ports::PushSender;

pub use log::LogSender;

/// A channel that this program can send by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// Writes to the server's log that there was something to tell, without telling what: for development.
    Log,
}

/// Says that there is no such channel.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no push channel {0:?}; there is: log")]
pub struct UnknownChannel(pub String);

impl std::str::FromStr for Channel {
    type Err = UnknownChannel;

    fn from_str(name: &str) -> Result<Self, UnknownChannel> {
        match name {
            "log" => Ok(Self::Log),
            other => Err(UnknownChannel(other.to_owned())),
        }
    }
}

/// Makes a sender for each channel.
pub fn senders(channels: &[Channel]) -> Vec<Arc<dyn PushSender>> {
    channels.iter().map(|channel| sender(*channel)).collect()
}

fn sender(channel: Channel) -> Arc<dyn PushSender> {
    match channel {
        Channel::Log => Arc::new(LogSender),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_channel_has_its_sender() {
        let names: Vec<&str> = senders(&[Channel::Log]).iter().map(|sender| sender.channel()).collect();
        assert_eq!(names, ["log"]);
        assert_eq!("pigeon".parse::<Channel>(), Err(UnknownChannel("pigeon".to_owned())));
    }
}
