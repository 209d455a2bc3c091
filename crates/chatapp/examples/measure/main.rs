//! Measures the program as a whole, on loopback: what an idle connection costs in memory, and what a delivery costs in CPU.
//!
//! `cargo run --release -p chatapp --example measure [idle CONNECTIONS | pairs USERS RATE SECONDS]`
#![expect(clippy::print_stdout, reason = "its results are for whoever started it")]
#![expect(clippy::disallowed_methods, reason = "it measures time, and spawns as it likes")]

mod idle;
mod pairs;
mod prepare;
mod server;

use anyhow::{Result, bail};

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        [] => {
            idle::measure(15_000).await?;
            for rate in [5_000, 10_000, 20_000] {
                pairs::measure(1_000, rate, 10).await?;
            }
        }
        ["idle", connections] => idle::measure(connections.parse()?).await?,
        ["pairs", users, rate, seconds] => {
            pairs::measure(users.parse()?, rate.parse()?, seconds.parse()?).await?;
        }
        _ => bail!("usage: measure [idle CONNECTIONS | pairs USERS RATE SECONDS]"),
    }
    Ok(())
}
