//! The Redis cluster and every role as a process.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use redis_lab::{Lab, Options};

use crate::processes::{Role, Signal};

/// How long anything may take to be ready.
const PATIENCE: Duration = Duration::from_secs(60);
/// The first port; a role takes two.
const PORTS: u16 = 21_000;
/// How many chat shards run at the beginning; the registry knows of one more.
const CHAT_SHARDS: usize = 3;
const PRESENCE_SHARDS: usize = 2;
const APIS: usize = 2;

/// The Redis cluster and every role as a process.
pub(crate) struct Cluster {
    /// The Redis nodes: three masters with two replicas each.
    pub(crate) lab: Lab,
    /// Whether nodes can be cut off.
    pub(crate) own_network: bool,
    roles: BTreeMap<String, Role>,
    /// Where clients connect.
    pub(crate) apis: Vec<String>,
}

/// The name of the chat shard that comes and goes.
pub(crate) const SPARE: &str = "chat-3";

impl Cluster {
    /// Starts everything with the shipped settings; data and logs are in the folder.
    pub(crate) async fn start(program: &Path, folder: &Path, own_network: bool) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        let options = Options {
            replicas_per_master: 2,
            node_timeout: Duration::from_secs(2),
            min_replicas_to_write: 1,
            folder: Some(folder.join("redis")),
            ..Options::default()
        };
        let lab = Lab::start(options).await?;
        let mut cluster = Self { own_network, roles: BTreeMap::new(), apis: Vec::new(), lab };
        cluster.name_roles(program, folder);
        let first: Vec<String> = cluster.roles.keys().filter(|name| *name != SPARE).cloned().collect();
        for name in &first {
            cluster.role(name)?.start()?;
        }
        for name in &first {
            cluster.role(name)?.wait_until_ready(PATIENCE).await?;
        }
        Ok(cluster)
    }

    fn name_roles(&mut self, program: &Path, folder: &Path) {
        let registry = format!("127.0.0.1:{}", PORTS + 1);
        let variables = [
            ("CHATAPP_REDIS_URLS".to_owned(), format!("{:?}", self.lab.urls())),
            ("CHATAPP_REGISTRY_URL".to_owned(), format!("http://{registry}")),
            ("CHATAPP_LOG_FORMAT".to_owned(), "json".to_owned()),
        ];
        let mut shards = Vec::new();
        let mut port = PORTS + 2;
        let mut add = |name: &str, kind: &str| {
            let public = format!("127.0.0.1:{port}");
            let operators = format!("127.0.0.1:{}", port + 1);
            port += 2;
            let mut arguments = vec![kind, "--operator-address", &operators];
            if matches!(kind, "api" | "chat" | "presence") {
                arguments.extend(["--public-address", &public]);
            }
            if matches!(kind, "chat" | "presence") {
                arguments.extend(["--shard-name", name]);
                shards.push(format!("{name}=ws://{public} http://{operators}"));
            }
            if kind == "api" {
                self.apis.push(format!("http://{public}"));
            }
            let role = Role::new(name, program, &arguments, &variables, folder, &operators);
            self.roles.insert(name.to_owned(), role);
        };
        for number in 0..=CHAT_SHARDS {
            add(&format!("chat-{number}"), "chat");
        }
        for number in 0..PRESENCE_SHARDS {
            add(&format!("presence-{number}"), "presence");
        }
        for number in 0..APIS {
            add(&format!("api-{number}"), "api");
        }
        add("notification", "notification");
        let (list, data) = (format!("{shards:?}"), folder.join("registry").display().to_string());
        let role = Role::new(
            "registry",
            program,
            &["registry", "--operator-address", &registry, "--shards", &list, "--data-directory", &data],
            &variables,
            folder,
            &registry,
        );
        self.roles.insert("registry".to_owned(), role);
    }

    /// Gives a role.
    pub(crate) fn role(&mut self, name: &str) -> Result<&mut Role> {
        self.roles.get_mut(name).with_context(|| format!("there is no {name}"))
    }

    /// Gives where the role's log is.
    pub(crate) fn log(&self, name: &str) -> Option<PathBuf> {
        self.roles.get(name).map(|role| role.log.clone())
    }

    /// Kills a role, and after a while starts it again.
    pub(crate) async fn kill(&mut self, name: &str, absence: Duration) -> Result<()> {
        let role = self.role(name)?;
        role.signal(Signal::Kill).await?;
        tokio::time::sleep(absence).await;
        role.start()?;
        role.wait_until_ready(PATIENCE).await
    }

    /// Lets a role stand still for a while.
    pub(crate) async fn freeze(&mut self, name: &str, time: Duration) -> Result<()> {
        let role = self.role(name)?;
        role.signal(Signal::Stop).await?;
        tokio::time::sleep(time).await;
        role.signal(Signal::Continue).await?;
        role.wait_until_ready(PATIENCE).await
    }

    /// Starts the shard that comes and goes, or ends it in order; says which.
    pub(crate) async fn add_or_remove(&mut self) -> Result<&'static str> {
        let role = self.role(SPARE)?;
        if role.runs() {
            role.signal(Signal::Terminate).await?;
            return Ok("removed");
        }
        role.start()?;
        role.wait_until_ready(PATIENCE).await?;
        Ok("added")
    }

    /// Ends everything, the apis first, as they are in the alphabet.
    pub(crate) async fn stop(mut self) -> Result<()> {
        for role in self.roles.values_mut() {
            role.signal(Signal::Terminate).await?;
        }
        Ok(self.lab.shut_down().await?)
    }
}
