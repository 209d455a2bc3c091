//! An S3 server: s3s-fs, which checks signatures and keeps objects in a folder.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use archive::{Credentials, S3Options};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::time::{Duration, sleep};

pub(crate) const BUCKET: &str = "old-logs";

/// A running server with an empty bucket; it ends with this value, and with this process.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    shell: Child,
    _folder: TempDir,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/bin/s3s-fs");
        assert!(program.exists(), "`make target/tools/bin/s3s-fs` installs it");
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(BUCKET)).unwrap();
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
        // The shell's input ends with this process, however it ends.
        let shell = Command::new("/bin/sh")
            .args(["-c", r#""$@" & read -r _; kill -9 "$!""#, "sh"])
            .arg(program)
            .args(["--host", "127.0.0.1", "--port", &address.port().to_string()])
            .args(["--access-key", "key", "--secret-key", "secret"])
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { address, shell, _folder: folder };
        let answers = async {
            while TcpStream::connect(address).await.is_err() {
                sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), answers).await.expect("the server starts");
        server
    }

    pub(crate) fn options(&self) -> S3Options {
        options(self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}

/// Gives the options for a server at an address, which is tried once.
pub(crate) fn options(address: SocketAddr) -> S3Options {
    S3Options {
        bucket: BUCKET.to_owned(),
        endpoint: Some(format!("http://{address}")),
        credentials: key("key", "secret"),
        retries: 0,
        ..S3Options::default()
    }
}

pub(crate) fn key(id: &str, secret: &str) -> Credentials {
    Credentials::Key { id: id.to_owned(), secret: secret.to_owned() }
}
