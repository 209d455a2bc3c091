//! TLS, set up once for HTTP and WebSockets alike.

use std::sync::{Arc, LazyLock};

use rustls::{ClientConfig, RootCertStore};

use crate::Error;

/// Made once for the process, as the cryptography is: to read all roots takes a while.
static CONFIGURATION: LazyLock<Result<Arc<ClientConfig>, rustls::Error>> = LazyLock::new(make);

/// Gives a configuration that trusts what this machine trusts; `SSL_CERT_FILE` names other roots.
///
/// # Errors
/// [`Error::Tls`] if the cryptography offers no usable version of TLS.
pub(crate) fn configuration() -> Result<Arc<ClientConfig>, Error> {
    CONFIGURATION.clone().map_err(Error::Tls)
}

fn make() -> Result<Arc<ClientConfig>, rustls::Error> {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    // Another part of the program may have installed it before: that one is as good.
    let _ = provider.clone().install_default();
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    // A machine without roots still talks to servers without TLS.
    for error in found.errors {
        tracing::debug!(%error, "roots of trust cannot be read");
    }
    roots.add_parsable_certificates(found.certs);
    let configuration = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(configuration))
}
