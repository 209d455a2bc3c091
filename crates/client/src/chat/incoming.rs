//! Reading what the server sends on `/chat`.

use std::time::Duration;

use protocol::chat::ServerFrame;
use protocol::{ClientId, Event, parse};
use serde::Deserialize;

use super::Logged;
use crate::Problem;

/// A frame from the server.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// An event of a conversation, and how much memory it takes, about.
    Logged(Box<Logged>, usize),
    /// Another frame.
    Frame(Box<ServerFrame>),
    /// A request was refused.
    Refused(Option<ClientId>, Problem),
    /// A frame that this client does not know: a server may be newer.
    Unknown,
}

/// An `error` frame; its code may be newer than this client.
#[derive(Deserialize)]
struct Refusal {
    #[serde(default)]
    id: Option<ClientId>,
    code: String,
    #[serde(default)]
    detail: String,
    #[serde(default)]
    retry_after_ms: Option<u64>,
}

/// Reads a frame of `/chat`.
pub(crate) fn read(text: &str) -> Incoming {
    let Ok((kind, _)) = parse::head(text) else { return Incoming::Unknown };
    let incoming = match kind.as_ref() {
        "message" | "edited" | "deleted" | "reacted" => Event::parse(text.as_bytes()).map(|parts| {
            let (conversation, position, body) = parts;
            Incoming::Logged(Box::new(Logged { conversation, position, body }), event_size(text.len()))
        }),
        "error" => refusal(text).map(|(id, problem)| Incoming::Refused(id, problem)),
        _ => serde_json::from_str(text).map(|frame| Incoming::Frame(Box::new(frame))),
    };
    incoming.unwrap_or_else(|error| {
        tracing::debug!(kind = %kind, %error, "a frame cannot be read");
        Incoming::Unknown
    })
}

/// Reads an `error` frame.
pub(crate) fn refusal(text: &str) -> serde_json::Result<(Option<ClientId>, Problem)> {
    let Refusal { id, code, detail, retry_after_ms } = serde_json::from_str(text)?;
    let retry_after = retry_after_ms.map(Duration::from_millis);
    Ok((id, Problem { status: None, code, detail, retry_after }))
}

/// Gives about how much memory an event takes whose text has this many bytes.
pub(crate) fn event_size(bytes: usize) -> usize {
    bytes + size_of::<Logged>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_server_is_not_misunderstood() {
        assert!(matches!(read(r#"{"type":"hologram","x":1}"#), Incoming::Unknown));
        let error = read(r#"{"type":"error","id":"a","code":"brand_new","detail":"x","retry_after_ms":5}"#);
        let Incoming::Refused(Some(_), problem) = error else { panic!("{error:?}") };
        assert_eq!(
            (problem.code.as_str(), problem.retry_after),
            ("brand_new", Some(Duration::from_millis(5)))
        );
        for text in ["", "{", "[]", "7", r#"{"type":"message"}"#, r#"{"type":"ack","id":7}"#] {
            assert!(matches!(read(text), Incoming::Unknown), "{text}");
        }
    }
}
