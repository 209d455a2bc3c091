//! An archive in a bucket of an S3-compatible service.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, fs};

use object_store::aws::AmazonS3Builder;
use object_store::path::Path;
use object_store::{BackoffConfig, Certificate, ClientOptions, RetryConfig};

use crate::error::{Error, Result};
use crate::object::ObjectArchive;

/// Where the bucket is, and how long it is tried.
#[derive(Clone, Debug)]
pub struct S3Options {
    /// The bucket; it has to be there.
    pub bucket: String,
    /// The region, `us-east-1` where the service has none.
    pub region: String,
    /// The service's url, if it is not that of AWS: `https://…`, or `http://…` where nobody listens in. The bucket is in the path then.
    pub endpoint: Option<String>,
    /// What all names begin with, without a slash at the end; empty for nothing.
    pub prefix: String,
    /// Who we are.
    pub credentials: Credentials,
    /// A file with the certificate (PEM) of an authority that is trusted beside the machine's.
    pub ca_file: Option<PathBuf>,
    /// How long a request may take.
    pub request_timeout: Duration,
    /// How often a request is repeated that failed or was not answered.
    pub retries: usize,
    /// How long after its beginning a request is not repeated any more.
    pub retry_for: Duration,
}

/// Who we are.
#[derive(Clone, Default)]
pub enum Credentials {
    /// What the environment says: `AWS_…` variables, a web identity of a Kubernetes service account, or the machine's role.
    #[default]
    Environment,
    /// A key.
    Key {
        /// Its id.
        id: String,
        /// Its secret.
        secret: String,
    },
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Environment => "Environment",
            Self::Key { .. } => "Key(..)",
        })
    }
}

impl Default for S3Options {
    fn default() -> Self {
        Self {
            bucket: "chatapp".to_owned(),
            region: "us-east-1".to_owned(),
            endpoint: None,
            prefix: String::new(),
            credentials: Credentials::default(),
            ca_file: None,
            request_timeout: Duration::from_secs(30),
            retries: 5,
            retry_for: Duration::from_secs(30),
        }
    }
}

impl ObjectArchive {
    /// Opens an archive in a bucket; [`ObjectArchive::check`] tells whether it is there.
    ///
    /// # Errors
    /// `Options` if they make no sense or the file of the authority cannot be read.
    pub fn s3(options: &S3Options) -> Result<Self> {
        let cannot = |error: &dyn fmt::Display| Error::Options(error.to_string());
        let mut client = ClientOptions::new()
            .with_timeout(options.request_timeout)
            .with_connect_timeout(Duration::from_secs(5).min(options.request_timeout));
        if let Some(file) = &options.ca_file {
            let pem =
                fs::read(file).map_err(|error| Error::Options(format!("{}: {error}", file.display())))?;
            for certificate in Certificate::from_pem_bundle(&pem).map_err(|error| cannot(&error))? {
                client = client.with_root_certificate(certificate);
            }
        }
        let mut builder = match &options.credentials {
            Credentials::Environment => AmazonS3Builder::from_env(),
            Credentials::Key { id, secret } => {
                AmazonS3Builder::new().with_access_key_id(id).with_secret_access_key(secret)
            }
        };
        if let Some(endpoint) = &options.endpoint {
            client = client.with_allow_http(endpoint.starts_with("http://"));
            builder = builder.with_endpoint(endpoint).with_virtual_hosted_style_request(false);
        }
        let backoff = BackoffConfig {
            init_backoff: Duration::from_millis(50),
            max_backoff: Duration::from_secs(3),
            base: 2.0,
        };
        let retry = RetryConfig { backoff, max_retries: options.retries, retry_timeout: options.retry_for };
        let store = builder
            .with_bucket_name(&options.bucket)
            .with_region(&options.region)
            .with_client_options(client)
            .with_retry(retry)
            .build()
            .map_err(|error| cannot(&error))?;
        let prefix = Path::parse(&options.prefix).map_err(|error| cannot(&error))?;
        Ok(Self { store: Arc::new(store), prefix, sorted: true })
    }
}
