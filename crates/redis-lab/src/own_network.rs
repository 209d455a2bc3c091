//! Gives a test a network of its own.

use std::any::type_name;
use std::env;
use std::future::Future;
use std::process::{Command, Output};

use crate::error::{Error, Result};

/// Holds the name of the test that runs in a network of its own.
const INSIDE: &str = "REDIS_LAB_OWN_NETWORK";

/// Runs a test in a network of its own, in which [`crate::Lab::cut`] and [`crate::Lab::partition`] work.
///
/// The test is this function's only statement, and not async itself: its program is started once more inside of a network
/// namespace (by `unshare`; by root, or by anybody where user namespaces are allowed), with that one test, which gets here again
/// and runs the body. What it prints is printed here.
///
/// # Errors
///
/// [`Error::Network`] says why there can be no such network: no `unshare`, `ip` or `nft`, or the kernel does not allow it.
/// [`Error::Inside`] if the test failed in it.
pub fn in_own_network<B: Future<Output = ()>>(body: B) -> Result<()> {
    let test = test_name::<B>();
    if is_here() {
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(body);
        return Ok(());
    }
    check()?;
    let mut command = unshare();
    command.arg(env::current_exe()?).args(["--exact", &test, "--include-ignored", "--nocapture"]);
    let output = run(command.env(INSIDE, &test))?;
    let printed =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    // No test of that name is a success too, for the harness.
    if output.status.success() && printed.contains("1 passed") { Ok(()) } else { Err(Error::Inside(printed)) }
}

/// Tells whether this process is in a network of its own already.
#[expect(clippy::disallowed_methods, reason = "it is said by the process outside, not configured")]
pub(crate) fn is_here() -> bool {
    env::var(INSIDE).is_ok()
}

/// Fails with the reason if there can be no network of our own.
fn check() -> Result<()> {
    let output = run(unshare().args(["nft", "list", "ruleset"]))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Error::Network(format!(
        "{} (it takes root or user namespaces; Debian: apt install util-linux iproute2 nftables)",
        said.trim()
    )))
}

/// Gives a command that runs its arguments in a new network with loopback.
fn unshare() -> Command {
    let mut command = Command::new("unshare");
    if !rustix::process::geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command.args(["--net", "sh", "-c", "ip link set lo up && exec \"$@\"", "sh"]);
    command
}

fn run(command: &mut Command) -> Result<Output> {
    command.output().map_err(|error| Error::Network(format!("cannot run unshare: {error}")))
}

/// Gives the name of the test that a future was written in: its type is named after the place.
fn test_name<B>() -> String {
    let place = type_name::<B>();
    let place = place.split("::{{closure}}").next().unwrap_or(place);
    place.split_once("::").map_or(place, |(_crate, test)| test).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_future_tells_the_test_that_it_is_in() {
        fn name<B: Future<Output = ()>>(_body: B) -> String {
            test_name::<B>()
        }
        assert_eq!(name(async {}), "own_network::tests::a_future_tells_the_test_that_it_is_in");
    }
}
