//! A cluster: its parts, and how it starts and ends.

use std::fs::{self, File, TryLockError};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use futures_util::future::try_join_all;
use parking_lot::Mutex;
use tempfile::TempDir;

use crate::certificates::Certificates;
use crate::configuration;
use crate::error::{Error, Result};
use crate::free_ports;
use crate::guard::Guard;
use crate::network::Network;
use crate::node::Node;
use crate::options::Options;
use crate::process::Process;

/// How often other ports are tried where somebody took them between looking and listening.
const ATTEMPTS: usize = 4;

/// A running Redis Cluster; it ends with this value.
#[derive(Debug)]
pub struct Lab {
    options: Options,
    nodes: Vec<Node>,
    certificates: Option<Certificates>,
    pub(crate) network: Option<Network>,
    pub(crate) processes: Mutex<Vec<Process>>,
    guard: Mutex<Guard>,
    _lock: File,
    _sockets: TempDir,
    _temporary: Option<TempDir>,
}

impl Lab {
    /// Starts the servers, forms the cluster and waits until every node agrees.
    ///
    /// In a folder with a cluster of before that one comes back, with its data.
    ///
    /// # Errors
    ///
    /// If the server program is missing or ends, the folder is in use or holds a cluster of another size, or the nodes do not agree in time.
    pub async fn start(options: Options) -> Result<Self> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            match Self::start_once(options.clone()).await {
                Err(Error::Ended { log, .. })
                    if attempts < ATTEMPTS && log.contains("Address already in use") => {}
                outcome => return outcome,
            }
        }
    }

    async fn start_once(options: Options) -> Result<Self> {
        let temporary = if options.folder.is_some() { None } else { Some(tempfile::tempdir()?) };
        let folder = match (&options.folder, &temporary) {
            (Some(folder), _) => folder.clone(),
            (None, Some(temporary)) => temporary.path().to_owned(),
            (None, None) => return Err(io::Error::from(io::ErrorKind::NotFound).into()),
        };
        fs::create_dir_all(&folder)?;
        let folder = folder.canonicalize()?;
        let lock = lock(&folder)?;
        // The path of a socket has at most 107 bytes, so it is not in the folder.
        let sockets = tempfile::tempdir()?;
        let network = Network::here();

        let before = addresses_of_before(&folder, options.nodes())?;
        let addresses = match before.clone() {
            Some(addresses) if are_free(&addresses) => addresses,
            _ => new_addresses(options.nodes(), network.as_ref())?,
        };
        let nodes = nodes(&folder, sockets.path(), &addresses, options.tls);
        let certificates = match options.tls {
            true => Some(Certificates::make(&folder, addresses.iter().map(SocketAddr::ip))?),
            false => None,
        };
        let guard = Guard::start(&folder, [Some(sockets.path()), temporary.as_ref().map(TempDir::path)])?;
        let lab = Self {
            processes: Mutex::new(nodes.iter().map(|_| Process::default()).collect()),
            options,
            nodes,
            certificates,
            network,
            guard: Mutex::new(guard),
            _lock: lock,
            _sockets: sockets,
            _temporary: temporary,
        };
        lab.prepare_folders(before.is_none())?;
        for node in 0..lab.nodes.len() {
            lab.spawn(node)?;
        }
        try_join_all((0..lab.nodes.len()).map(|node| lab.wait_until_it_answers(node))).await?;
        if before.is_some() {
            lab.meet_again().await?;
        } else {
            lab.form().await?;
        }
        lab.wait_until_healthy().await?;
        let lines = addresses.iter().map(|address| format!("{address}\n")).collect::<String>();
        fs::write(folder.join(ADDRESSES), lines)?;
        Ok(lab)
    }

    /// Gives the urls of all nodes, `redis://address:port`, without a password.
    pub fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(Node::url).collect()
    }

    /// Gives all nodes, the first masters first.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Gives a node.
    ///
    /// # Panics
    ///
    /// If there is none of that index.
    pub fn node(&self, index: usize) -> &Node {
        &self.nodes[index]
    }

    /// Gives what was asked for.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Gives the file with the authority's certificate (PEM), with TLS.
    pub fn ca_file(&self) -> Option<&Path> {
        self.certificates.as_ref().map(|certificates| certificates.authority.as_path())
    }

    /// Ends all servers in order, so that nothing they hold is lost.
    ///
    /// # Errors
    ///
    /// If a process cannot be signalled.
    pub async fn shut_down(self) -> Result<()> {
        // Masters first: each waits until its replicas have everything.
        let mut replicas = Vec::new();
        let mut masters = Vec::new();
        for node in self.running() {
            match self.view(node).await {
                Ok(view) if view.myself()?.is("slave") => replicas.push(node),
                _ => masters.push(node),
            }
        }
        for group in [masters, replicas] {
            let mut processes = self.processes.lock();
            for node in &group {
                processes[*node].terminate()?;
            }
            for node in group {
                processes[node].wait()?;
            }
        }
        Ok(())
    }

    /// Starts the process of a node and has it watched.
    pub(crate) fn spawn(&self, node: usize) -> Result<()> {
        let id = self.processes.lock()[node].start(&self.options.server, self.node(node))?;
        Ok(self.guard.lock().watch(id)?)
    }

    /// Gives the nodes that are neither dead nor paused.
    pub fn running(&self) -> Vec<usize> {
        let processes = self.processes.lock();
        (0..processes.len()).filter(|node| processes[*node].runs()).collect()
    }

    /// Writes the configurations; removes what a cluster left that was never finished.
    fn prepare_folders(&self, anew: bool) -> Result<()> {
        for node in &self.nodes {
            if anew && node.folder().exists() {
                fs::remove_dir_all(node.folder())?;
            }
            fs::create_dir_all(node.folder())?;
            let text = configuration::text(&self.options, node, self.certificates.as_ref());
            fs::write(node.configuration(), text)?;
        }
        Ok(())
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for process in self.processes.lock().iter_mut() {
            let _ = process.kill();
        }
        if let Some(network) = &self.network {
            network.remove();
        }
    }
}

/// The file that says where the nodes of a formed cluster listen, one a line.
const ADDRESSES: &str = "addresses";

fn lock(folder: &Path) -> Result<File> {
    let file = File::options().create(true).append(true).open(folder.join("lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::InUse(folder.to_owned())),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

fn addresses_of_before(folder: &Path, count: usize) -> Result<Option<Vec<SocketAddr>>> {
    let text = match fs::read_to_string(folder.join(ADDRESSES)) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let addresses: Vec<SocketAddr> = text.lines().filter_map(|line| line.parse().ok()).collect();
    if addresses.len() == count {
        return Ok(Some(addresses));
    }
    let said = format!("{} holds a cluster of {} nodes, not {count}", folder.display(), addresses.len());
    Err(io::Error::new(io::ErrorKind::InvalidInput, said).into())
}

fn are_free(addresses: &[SocketAddr]) -> bool {
    addresses.iter().all(|address| {
        [address.port(), address.port() + free_ports::BUS]
            .iter()
            .all(|port| free_ports::is_free(address.ip(), *port))
    })
}

/// Gives each node an address: one of its own in a network of our own, a port of its own in that of everybody.
fn new_addresses(count: usize, network: Option<&Network>) -> Result<Vec<SocketAddr>> {
    if let Some(network) = network {
        return Ok((0..count).map(|node| SocketAddr::new(network.address(node), 6379)).collect());
    }
    let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let ports = free_ports::find(address, count)?;
    Ok(ports.into_iter().map(|port| SocketAddr::new(address, port)).collect())
}

fn nodes(folder: &Path, sockets: &Path, addresses: &[SocketAddr], tls: bool) -> Vec<Node> {
    let path = |folder: &Path, name: String| -> PathBuf { folder.join(name) };
    addresses
        .iter()
        .enumerate()
        .map(|(index, address)| Node {
            index,
            address: address.ip(),
            port: address.port(),
            tls,
            folder: path(folder, format!("node-{index}")),
            socket: path(sockets, format!("{index}.sock")),
        })
        .collect()
}
