//! Asking for a password without showing it.

use std::borrow::Cow;
use std::io::{IsTerminal, stdin};

use anyhow::{Context, Result, bail};
use protocol::account::Secret;
use rustyline::completion::Completer;
use rustyline::config::Configurer;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::history::MemHistory;
use rustyline::validate::Validator;
use rustyline::{ColorMode, Editor, Helper};

/// Terminals that cannot be told to show something else than what is typed.
const SIMPLE_TERMINALS: [&str; 3] = ["dumb", "cons25", "emacs"];

/// Shows blanks instead of what is typed.
struct Hidden;

/// Asks for a password, or takes the first line of standard input if that is no terminal.
pub(super) fn ask(prompt: &str) -> Result<Secret> {
    if !stdin().is_terminal() {
        return first_line();
    }
    if std::env::var_os("TERM").is_some_and(|term| SIMPLE_TERMINALS.iter().any(|simple| term == *simple)) {
        bail!("this terminal cannot hide a password: give it on standard input");
    }
    let mut editor: Editor<Hidden, MemHistory> = Editor::new()?;
    editor.set_helper(Some(Hidden));
    editor.set_color_mode(ColorMode::Forced);
    editor.set_auto_add_history(false);
    Ok(Secret::new(editor.readline(prompt)?))
}

/// Asks for a new password, on a terminal twice: nobody sees what was typed.
pub(super) fn ask_twice() -> Result<Secret> {
    let password = ask("New password: ")?;
    if stdin().is_terminal() && ask("Once more: ")?.expose() != password.expose() {
        bail!("the two passwords differ");
    }
    Ok(password)
}

fn first_line() -> Result<Secret> {
    let mut line = String::new();
    stdin().read_line(&mut line).context("the password cannot be read")?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        bail!("there is no password on standard input");
    }
    Ok(Secret::new(password))
}

impl Highlighter for Hidden {
    fn highlight<'l>(&self, line: &'l str, _position: usize) -> Cow<'l, str> {
        Cow::Owned(" ".repeat(line.chars().count()))
    }

    fn highlight_char(&self, _line: &str, _position: usize, _kind: CmdKind) -> bool {
        true
    }
}

impl Completer for Hidden {
    type Candidate = String;
}

impl Hinter for Hidden {
    type Hint = String;
}

impl Validator for Hidden {}

impl Helper for Hidden {}
