//! The program as a process of its own, and what the system says of it.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use placement::{Bucket, Table};
use protocol::Username;

/// A running program.
pub(crate) struct Server {
    child: Child,
    table: Table,
}

impl Server {
    /// Starts `chatapp all`, built beside this program.
    pub(crate) async fn start(folder: &Path) -> Result<Self> {
        let program = std::env::current_exe()?;
        let program = program.parent().and_then(Path::parent).context("no folder")?.join("chatapp");
        ensure!(program.exists(), "build it first: cargo build --release");
        let operator = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
        let child = Command::new(program)
            .args(["all", "--public-address", "127.0.0.1:0", "--operator-address", &operator])
            .args(["--frames-per-second", "100000", "--frames-burst", "100000", "--log-filter", "warn"])
            .args(["--sockets-per-user", "64", "--data-directory"])
            .arg(folder)
            .stdout(Stdio::null())
            .spawn()?;
        let url = format!("http://{operator}/registry/v1/table");
        let table = loop {
            if let Ok(response) = reqwest::get(&url).await
                && let Ok(table) = response.json::<Table>().await
            {
                break table;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        let ready = format!("http://{operator}/healthz/ready");
        while !reqwest::get(&ready).await.is_ok_and(|response| response.status() == 200) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(Self { child, table })
    }

    /// Gives the shard that a user belongs to, and its address.
    pub(crate) fn chat_shard(&self, user: &Username) -> (String, String) {
        let owner = self.table.chat.owner(Bucket::of(user.as_str()));
        (owner.shard.to_string(), format!("{}/chat", owner.url))
    }

    /// Gives the resident memory in bytes.
    pub(crate) fn resident(&self) -> Result<u64> {
        let statm = std::fs::read_to_string(format!("/proc/{}/statm", self.child.id()))?;
        let pages: u64 = statm.split_whitespace().nth(1).context("no pages")?.parse()?;
        Ok(pages * 4096)
    }

    /// Gives the CPU time so far in seconds, of all threads, user and system.
    pub(crate) fn cpu_seconds(&self) -> Result<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let fields: Vec<&str> = stat.rsplit(')').next().context("no fields")?.split_whitespace().collect();
        let ticks: f64 = fields[11].parse::<f64>()? + fields[12].parse::<f64>()?;
        // A tick is 10 ms on every Linux that matters (USER_HZ).
        Ok(ticks / 100.0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
