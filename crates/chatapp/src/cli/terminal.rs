//! The terminal, or the pipes in its place.

use std::io::{self, BufRead, IsTerminal, Write, stdin, stdout};

use rustyline::{DefaultEditor, ExternalPrinter};
use tokio::sync::mpsc;

/// What a person types while lines are printed above it.
pub(super) struct Terminal {
    /// The lines that were typed; it ends with the input.
    pub(super) lines: mpsc::Receiver<String>,
    /// Prints above the line that is being typed.
    printer: Option<Box<dyn ExternalPrinter + Send>>,
}

/// Prints a line.
pub(super) fn line(text: &str) -> io::Result<()> {
    let mut out = stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

impl Terminal {
    /// Starts to read lines: with editing on a terminal, as they come from elsewhere.
    pub(super) fn open(prompt: &'static str) -> rustyline::Result<Self> {
        let (sender, lines) = mpsc::channel(16);
        if !(stdin().is_terminal() && stdout().is_terminal()) {
            read_in_thread(move || read_plainly(&sender))?;
            return Ok(Self { lines, printer: None });
        }
        let mut editor = DefaultEditor::new()?;
        // A simple terminal has no printer: there, lines are printed where the cursor is.
        let printer = editor.create_external_printer().ok();
        let printer = printer.map(|printer| Box::new(printer) as Box<dyn ExternalPrinter + Send>);
        read_in_thread(move || edit(editor, prompt, &sender))?;
        Ok(Self { lines, printer })
    }

    /// Prints a line.
    pub(super) fn line(&mut self, text: &str) -> io::Result<()> {
        match &mut self.printer {
            Some(printer) => printer.print(format!("{text}\n")).map_err(io::Error::other),
            None => line(text),
        }
    }

    /// Says whether what is typed stays on the screen.
    pub(super) fn echoes(&self) -> bool {
        self.printer.is_some()
    }
}

/// Reads in a thread that ends with the process: nothing else ends a read from a terminal.
fn read_in_thread(read: impl FnOnce() + Send + 'static) -> io::Result<()> {
    std::thread::Builder::new().name("terminal".to_owned()).spawn(read).map(drop)
}

fn read_plainly(sender: &mpsc::Sender<String>) {
    for line in stdin().lock().lines().map_while(Result::ok) {
        if sender.blocking_send(line).is_err() {
            return;
        }
    }
}

fn edit(mut editor: DefaultEditor, prompt: &str, sender: &mpsc::Sender<String>) {
    loop {
        match editor.readline(prompt) {
            Ok(line) => {
                // A line that cannot be remembered is sent all the same.
                let _ = editor.add_history_entry(line.as_str());
                if sender.blocking_send(line).is_err() {
                    return;
                }
            }
            Err(_) => return,
        }
    }
}
