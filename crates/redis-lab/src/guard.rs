//! Ends the servers when this process is gone, however it went.

use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Reads process ids until its input ends, which it does with the process that holds the other end, and then kills those
/// that are still what they were: the kernel may have given the number to another process since.
const SCRIPT: &str = r#"
trap '' INT TERM HUP
processes=
while read -r process; do processes="$processes $process"; done
for process in $processes; do
  if tr '\0' '\n' <"/proc/$process/cmdline" | grep -qF -- "$1"; then kill -9 "$process"; fi
done 2>/dev/null
[ -z "$2" ] || rm -rf -- "$2"
[ -z "$3" ] || rm -rf -- "$3"
"#;

/// A shell that outlives this process for a moment, to kill what it left behind.
#[derive(Debug)]
pub(crate) struct Guard {
    shell: Child,
}

impl Guard {
    /// Starts a guard of processes that have the folder in their command line; it removes the temporary folders too.
    pub(crate) fn start(folder: &Path, temporary: [Option<&Path>; 2]) -> io::Result<Self> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", SCRIPT, "guard"]).arg(folder);
        for folder in temporary {
            command.arg(folder.unwrap_or(Path::new("")));
        }
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        Ok(Self { shell: command.spawn()? })
    }

    /// Has a process killed when this one is gone.
    pub(crate) fn watch(&mut self, process: u32) -> io::Result<()> {
        let Some(input) = &mut self.shell.stdin else { return Err(io::ErrorKind::BrokenPipe.into()) };
        writeln!(input, "{process}")?;
        input.flush()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}
