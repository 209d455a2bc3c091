//! The configuration file of a node.

use std::fmt::Write;

use crate::certificates::Certificates;
use crate::node::Node;
use crate::options::{AppendFsync, Options};

/// What a production cluster should have too, but for the first lines, which make a small one quick.
const COMMON: &str = "\
daemonize no
set-proc-title no
protected-mode no
save \"\"
repl-diskless-sync-delay 0
repl-ping-replica-period 1
enable-debug-command local
cluster-enabled yes
cluster-config-file nodes.conf
cluster-require-full-coverage no
cluster-allow-reads-when-down no
cluster-allow-replica-migration yes
cluster-migration-barrier 1
cluster-replica-validity-factor 10
aof-use-rdb-preamble yes
no-appendfsync-on-rewrite no
min-replicas-max-lag 5
repl-backlog-size 64mb
repl-diskless-sync yes
client-output-buffer-limit replica 256mb 64mb 60
maxmemory-policy noeviction
shutdown-timeout 10
";

/// Gives the text of a node's configuration file.
pub(crate) fn text(options: &Options, node: &Node, certificates: Option<&Certificates>) -> String {
    let mut lines = Lines(COMMON.to_owned());
    lines.add("bind", node.address());
    lines.add("bind-source-addr", node.address());
    lines.add("cluster-announce-ip", node.address());
    lines.add("unixsocket", node.socket().display());
    lines.add("dir", node.folder().display());
    lines.add("logfile", node.log().display());
    lines.add("cluster-node-timeout", options.node_timeout.as_millis());
    lines.add("appendonly", if options.append_only { "yes" } else { "no" });
    let fsync = match options.append_fsync {
        AppendFsync::Always => "always",
        AppendFsync::EverySecond => "everysec",
        AppendFsync::No => "no",
    };
    lines.add("appendfsync", fsync);
    lines.add("min-replicas-to-write", options.min_replicas_to_write);
    if let Some(bytes) = options.max_memory {
        lines.add("maxmemory", bytes);
    }
    if let Some(password) = &options.password {
        lines.add("requirepass", password);
        lines.add("masterauth", password);
    }
    for user in &options.users {
        lines.add("user", user);
    }
    if let Some(certificates) = certificates {
        lines.add("port", 0);
        lines.add("tls-port", node.port());
        lines.add("tls-cluster", "yes");
        lines.add("tls-replication", "yes");
        lines.add("tls-auth-clients", "no");
        lines.add("tls-ca-cert-file", certificates.authority.display());
        lines.add("tls-cert-file", certificates.certificate.display());
        lines.add("tls-key-file", certificates.key.display());
    } else {
        lines.add("port", node.port());
    }
    for (name, value) in &options.settings {
        lines.add(name, value);
    }
    lines.0
}

struct Lines(String);

impl Lines {
    fn add(&mut self, name: &str, value: impl std::fmt::Display) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "{name} {value}");
    }
}
