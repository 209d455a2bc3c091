//! A network of the program's own, in which packets can be made to vanish.

use std::env;
use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::Result;

/// By this the lab knows that it is in a network of its own.
const INSIDE: &str = "REDIS_LAB_OWN_NETWORK";

/// Says whether this process is in a network of its own already.
pub(crate) fn is_own() -> bool {
    env::var_os(INSIDE).is_some()
}

/// Begins this program anew in a network of its own, and with processes that end with it; says why if that cannot be.
pub(crate) fn enter() -> Result<(), String> {
    let tried = unshare().args(["nft", "list", "ruleset"]).output().map_err(|error| error.to_string())?;
    if !tried.status.success() {
        return Err(String::from_utf8_lossy(&tried.stderr).trim().to_owned());
    }
    let program = env::current_exe().map_err(|error| error.to_string())?;
    let failed = unshare().arg(program).args(env::args_os().skip(1)).env(INSIDE, "faults").exec();
    Err(failed.to_string())
}

fn unshare() -> Command {
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]);
    command.args(["sh", "-c", "ip link set lo up && exec \"$@\"", "sh"]);
    command
}
