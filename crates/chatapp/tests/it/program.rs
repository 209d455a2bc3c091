//! The program as an operator starts and ends it.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A running program.
pub(crate) struct Program {
    child: Child,
    pub(crate) public: String,
    pub(crate) operator: String,
}

/// Gives an address that is free at the moment.
fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

pub(crate) fn chatapp() -> Command {
    Command::new(env!("CARGO_BIN_EXE_chatapp"))
}

impl Program {
    /// Starts `chatapp all` and waits until it is ready.
    pub(crate) async fn start(data: &Path) -> Self {
        let (public, operator) = (free_address(), free_address());
        let child = chatapp()
            .args(["all", "--public-address", &public, "--operator-address", &operator])
            .args(["--drain-seconds", "1", "--log-filter", "warn", "--data-directory"])
            .arg(data)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut program = Self { child, public, operator };
        program.until_ready().await;
        program
    }

    async fn until_ready(&mut self) {
        let url = format!("http://{}/healthz/ready", self.operator);
        loop {
            if reqwest::get(&url).await.is_ok_and(|response| response.status() == 200) {
                return;
            }
            assert_eq!(self.child.try_wait().unwrap(), None, "the program ended");
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }

    pub(crate) fn base(&self) -> String {
        format!("http://{}", self.public)
    }

    /// Ends it without a word.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to end, and gives the exit code.
    pub(crate) fn terminate(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

#[tokio::test]
async fn it_starts_drains_and_ends_with_zero() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(&folder.path().join("data")).await;
    let person = crate::support::Person::sign_up(&program.base(), &reqwest::Client::new(), "ada").await;
    let url = format!("ws://{}/chat", program.public);
    let socket = crate::support::Socket::open(&url, &person.token).await;
    assert_eq!(program.terminate(), Some(0));
    assert_eq!(socket.closed().await, 4503);
    // The client was told before.
    let frames = socket.frames();
    assert!(frames.iter().any(|frame| frame["type"] == "reconnect"), "{frames:?}");
}

#[tokio::test]
async fn a_second_start_on_the_same_data_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let program = Program::start(&data).await;
    let second = chatapp()
        .args([
            "all",
            "--public-address",
            "127.0.0.1:0",
            "--operator-address",
            "127.0.0.1:0",
            "--data-directory",
        ])
        .arg(&data)
        .output()
        .unwrap();
    assert!(!second.status.success());
    let error = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(error.contains("data") && error.contains("another process"), "{error}");
    assert_eq!(program.terminate(), Some(0));
}

#[test]
fn a_wrong_configuration_is_named() {
    for (flags, key) in [
        (["--chat-shards", "0"], "chat_shards"),
        (["--public-address", "nowhere"], "public_address"),
        (["--password-min-chars", "3"], "password_min_chars"),
    ] {
        let output = chatapp().arg("config").args(flags).output().unwrap();
        assert_eq!(output.status.code(), Some(64), "{flags:?}");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(error.contains(&format!("{key}: ")), "{error}");
    }
    let output = chatapp().arg("config").env("CHATAPP_NO_SUCH_KEY", "1").output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("no_such_key"));
}

#[test]
fn the_configuration_in_force_is_printed() {
    let output =
        chatapp().args(["config", "--chat-shards", "7"]).env("CHATAPP_DRAIN_SECONDS", "9").output().unwrap();
    let lines: Vec<String> = BufReader::new(&output.stdout[..]).lines().map(Result::unwrap).collect();
    assert!(lines.contains(&"chat_shards = 7".to_owned()), "{lines:?}");
    assert!(lines.contains(&"drain_seconds = 9".to_owned()), "{lines:?}");
}

#[test]
fn a_role_of_its_own_says_what_it_lacks() {
    for role in ["api", "chat", "presence", "notification"] {
        let output = chatapp().arg(role).output().unwrap();
        assert_eq!(output.status.code(), Some(64), "{role}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("redis_urls: "), "{role}");
    }
}
