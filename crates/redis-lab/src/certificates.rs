//! The certificates of a cluster that speaks TLS.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType};

use crate::error::Result;

/// Where the certificates of a cluster are.
#[derive(Clone, Debug)]
pub(crate) struct Certificates {
    pub(crate) authority: PathBuf,
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl Certificates {
    /// Makes an authority and a certificate for all addresses in a folder, in place of those of before.
    pub(crate) fn make(folder: &Path, addresses: impl Iterator<Item = IpAddr>) -> Result<Self> {
        let files = Self {
            authority: folder.join("authority.pem"),
            certificate: folder.join("node.pem"),
            key: folder.join("node.key"),
        };
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.distinguished_name.push(DnType::CommonName, "redis-lab authority");
        let authority_key = KeyPair::generate()?;
        fs::write(&files.authority, authority.self_signed(&authority_key)?.pem())?;

        let mut node = CertificateParams::new(vec!["localhost".to_owned()])?;
        node.distinguished_name.push(DnType::CommonName, "redis-lab node");
        node.subject_alt_names.extend(addresses.map(SanType::IpAddress));
        let node_key = KeyPair::generate()?;
        let node = node.signed_by(&node_key, &Issuer::new(authority, authority_key))?;
        fs::write(&files.certificate, node.pem())?;
        fs::write(&files.key, node_key.serialize_pem())?;
        Ok(files)
    }
}
