//! Talking in one conversation.

use std::time::Duration;

use anyhow::{Result, bail};
use client::{Chat, ChatEvent, ChatOptions, Error, NewMessage, Sent, Session, Window};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use protocol::chat::Ack;
use tokio::sync::mpsc;

use super::find::{self, Found};
use super::plain;
use super::terminal::Terminal;
use super::view::View;

/// How many messages of the history are shown.
const HISTORY: usize = 20;

/// So many messages may be without an answer; then the next line waits.
const MAX_UNANSWERED: usize = 64;

/// How long unanswered messages are waited for at the end.
const ANSWERED_WITHIN: Duration = Duration::from_secs(15);

/// A conversation on a terminal.
struct Talk<'a> {
    session: &'a Session,
    found: Found,
    view: View,
    terminal: Terminal,
    chat: Chat,
    events: mpsc::Receiver<ChatEvent>,
    unanswered: FuturesUnordered<Sent>,
}

/// Shows the end of the history and what is written, and sends each line, until the input ends.
pub(super) async fn run(session: &Session, with: &str) -> Result<()> {
    let found = find::find(session, with).await?;
    let view = View::new(session.username(), found.destination.clone(), found.conversation);
    let mut terminal = Terminal::open("> ")?;
    terminal.line(&format!("-- talking with {}; ctrl-d ends", found.name))?;
    let options = ChatOptions { cursors: found.cursors.clone(), ..ChatOptions::default() };
    let (chat, events) = Chat::connect(session, options);
    let mut talk = Talk { session, found, view, terminal, chat, events, unanswered: FuturesUnordered::new() };
    talk.show_history(Window::Newest, HISTORY).await?;
    talk.run().await?;
    talk.chat.close().await;
    Ok(())
}

impl Talk<'_> {
    async fn run(&mut self) -> Result<()> {
        loop {
            tokio::select! {
                line = self.terminal.lines.recv(), if self.unanswered.len() < MAX_UNANSWERED => match line {
                    Some(line) => self.say(&line).await,
                    None => break,
                },
                event = self.events.recv() => self.happened(event).await?,
                Some(answer) = self.unanswered.next() => self.answered(answer)?,
            }
        }
        // What was typed last is sent before the end.
        let rest = async {
            while !self.unanswered.is_empty() {
                tokio::select! {
                    event = self.events.recv() => self.happened(event).await?,
                    Some(answer) = self.unanswered.next() => self.answered(answer)?,
                }
            }
            Ok(())
        };
        match tokio::time::timeout(ANSWERED_WITHIN, rest).await {
            Ok(result) => result,
            Err(_) => bail!("the server does not answer: the last messages may not have been sent"),
        }
    }

    async fn say(&mut self, line: &str) {
        if line.trim().is_empty() {
            return;
        }
        let sent = self.chat.send(NewMessage::text(self.found.destination.clone(), line)).await;
        if self.terminal.echoes() {
            self.view.typed(sent.id().clone());
        }
        self.unanswered.push(sent);
    }

    fn answered(&mut self, answer: Result<Ack, Error>) -> Result<()> {
        match answer {
            Ok(ack) => self.view.made(ack.conversation),
            Err(error) => self.terminal.line(&format!("-- not sent: {}", plain::line(&error.to_string())))?,
        }
        Ok(())
    }

    async fn happened(&mut self, event: Option<ChatEvent>) -> Result<()> {
        match event {
            None => bail!("the connection has ended"),
            Some(ChatEvent::Ended(end)) => bail!("the connection has ended: {end}"),
            Some(ChatEvent::Gap(gap)) if self.view.conversation == Some(gap.conversation) => {
                self.show_history(Window::After(self.view.shown), 200).await?;
            }
            Some(event) => {
                let before = self.view.shown;
                if let Some(line) = self.view.present(&event) {
                    self.terminal.line(&line)?;
                }
                self.mark_read(before).await;
            }
        }
        Ok(())
    }

    async fn show_history(&mut self, window: Window, limit: usize) -> Result<()> {
        let Some(conversation) = self.view.conversation else { return Ok(()) };
        let before = self.view.shown;
        let page = self.session.messages(conversation, window, Some(limit)).await?;
        for message in &page.messages {
            if let Some(line) = self.view.past(message) {
                self.terminal.line(&line)?;
            }
        }
        self.mark_read(before).await;
        Ok(())
    }

    async fn mark_read(&self, before: u64) {
        if let Some(conversation) = self.view.conversation
            && self.view.shown > before
        {
            self.chat.read(conversation, self.view.shown).await;
        }
    }
}
