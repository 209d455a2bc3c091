//! What cluster is wanted.

use std::path::{Path, PathBuf};
use std::time::Duration;

/// What cluster is wanted.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many masters; at least three for a failover, since a majority of them has to agree.
    pub masters: usize,
    /// How many replicas each master has.
    pub replicas_per_master: usize,
    /// The server program: a path, or a name that is looked up in `PATH`; see also [`valkey_server`].
    pub server: PathBuf,
    /// After which silence a node counts as failing (`cluster-node-timeout`).
    pub node_timeout: Duration,
    /// Whether writes go to a file as well, so that a restarted node has its data.
    pub append_only: bool,
    /// When that file is synced.
    pub append_fsync: AppendFsync,
    /// Whether clients and nodes speak TLS only; the authority is [`crate::Lab::ca_file`].
    pub tls: bool,
    /// The password of the user `default`, needed by everybody then.
    pub password: Option<String>,
    /// More users, each as a line of `ACL SETUSER` has it: `worker on >secret ~* &* +@all`.
    pub users: Vec<String>,
    /// How much memory the data of a node may take, in bytes; what does not fit is refused, never evicted.
    pub max_memory: Option<u64>,
    /// With fewer replicas than this a master refuses writes; 0, so that a test may kill the only replica.
    pub min_replicas_to_write: usize,
    /// More settings, as the configuration file names them.
    pub settings: Vec<(String, String)>,
    /// Where the data is; a cluster that was here before comes back. Without it a temporary folder that ends with the lab.
    pub folder: Option<PathBuf>,
}

/// When the file of writes is synced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AppendFsync {
    /// Before the answer.
    Always,
    /// Once a second.
    #[default]
    EverySecond,
    /// When the kernel likes.
    No,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            masters: 3,
            replicas_per_master: 1,
            server: "redis-server".into(),
            node_timeout: Duration::from_secs(1),
            append_only: true,
            append_fsync: AppendFsync::default(),
            tls: false,
            password: None,
            users: Vec::new(),
            max_memory: None,
            min_replicas_to_write: 0,
            settings: Vec::new(),
            folder: None,
        }
    }
}

impl Options {
    pub(crate) fn nodes(&self) -> usize {
        self.masters * (1 + self.replicas_per_master)
    }

    /// The master that a node replicates at first; none for a master.
    pub(crate) fn first_master(&self, node: usize) -> Option<usize> {
        (node >= self.masters).then(|| node % self.masters)
    }
}

/// Finds the Valkey server that `make target/tools/bin/valkey-server` installs, if it did.
pub fn valkey_server() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/bin/valkey-server");
    path.canonicalize().ok()
}
