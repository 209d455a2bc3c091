//! Sending one message, for scripts.

use std::io::{Read, stdin};
use std::time::Duration;

use anyhow::{Context, Result};
use client::{Chat, ChatOptions, NewMessage, Session};
use protocol::MAX_TEXT_BYTES;

use super::{find, terminal};

/// Sends and prints the message's conversation and number.
pub(super) async fn run(session: &Session, to: &str, text: Option<String>, timeout: u64) -> Result<()> {
    let destination = find::destination(to)?;
    let text = text.map_or_else(standard_input, Ok)?;
    // A script wants no events.
    let (chat, _) = Chat::connect(session, ChatOptions::default());
    let answer = async { chat.send(NewMessage::text(destination, text)).await.await };
    let ack = tokio::time::timeout(Duration::from_secs(timeout), answer)
        .await
        .context("the server does not answer: the message may not have been sent")??;
    chat.close().await;
    Ok(terminal::line(&format!("{} {}", ack.conversation, ack.seq))?)
}

fn standard_input() -> Result<String> {
    let mut text = String::new();
    // One byte more than a message may have: the server says that it is too long.
    stdin().take(MAX_TEXT_BYTES as u64 + 1).read_to_string(&mut text).context("the text cannot be read")?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
