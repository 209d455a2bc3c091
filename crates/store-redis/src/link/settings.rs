//! What connections are opened with.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use redis::{ConnectionAddr, IntoConnectionInfo};
use tokio_rustls::TlsConnector;

use super::address::Address;
use super::connection::Failure;
use super::tls;
use crate::{OpenError, Options};

/// How long it may take to open a connection.
pub(super) const CONNECT: Duration = Duration::from_millis(500);

/// What connections are opened with.
pub(crate) struct Settings {
    /// Nodes that were named.
    pub(super) seeds: Vec<Address>,
    /// TLS, if it is used.
    pub(super) tls: Option<TlsConnector>,
    username: Option<String>,
    password: Option<String>,
    password_file: Option<PathBuf>,
    /// Where to connect to instead.
    addresses: HashMap<Address, Address>,
}

/// Who one is to Redis.
pub(super) struct Credentials {
    pub(super) username: Option<String>,
    pub(super) password: String,
}

impl Settings {
    /// Takes them from the options.
    pub(super) fn new(options: &Options) -> Result<Arc<Self>, OpenError> {
        let mut settings = Self {
            seeds: Vec::new(),
            tls: None,
            username: None,
            password: None,
            password_file: options.password_file.clone(),
            addresses: HashMap::new(),
        };
        let mut encrypted = Vec::new();
        for url in &options.urls {
            // What reads urls knows no encrypted ones, since its own TLS is not built in.
            let (url, tls) = match url.strip_prefix("rediss://") {
                Some(rest) => (format!("redis://{rest}"), true),
                None => (url.clone(), false),
            };
            // The url may hold a password: it is not in the message.
            let info = url
                .as_str()
                .into_connection_info()
                .map_err(|_| refused("a url is not of the form redis://[user:password@]host:port"))?;
            let ConnectionAddr::Tcp(host, port) = info.addr() else {
                return Err(refused("a url has a scheme other than redis and rediss"));
            };
            encrypted.push(tls);
            settings.seeds.push(Address { host: host.clone(), port: *port });
            let who = info.redis_settings();
            settings.username = settings.username.or_else(|| who.username().map(str::to_owned));
            settings.password = settings.password.or_else(|| who.password().map(str::to_owned));
        }
        let Some(tls) = encrypted.first().copied() else {
            return Err(refused("there is no url"));
        };
        if encrypted.iter().any(|other| *other != tls) {
            return Err(refused("some urls begin with redis and some with rediss"));
        }
        if tls {
            settings.tls = Some(tls::connector(options.ca_file.as_deref())?);
        }
        for (announced, reached) in &options.addresses {
            match (Address::parse(announced), Address::parse(reached)) {
                (Some(announced), Some(reached)) => settings.addresses.insert(announced, reached),
                _ => return Err(refused("an address is not of the form host:port")),
            };
        }
        Ok(Arc::new(settings))
    }

    /// Gives where to connect to for an address that the cluster announces.
    pub(super) fn reach<'a>(&'a self, announced: &'a Address) -> &'a Address {
        self.addresses.get(announced).unwrap_or(announced)
    }

    /// Gives who one is, if the cluster wants to know.
    pub(super) async fn credentials(&self) -> Result<Option<Credentials>, Failure> {
        let password = match &self.password_file {
            Some(file) => {
                let password = tokio::fs::read_to_string(file).await.map_err(|error| {
                    Failure::Denied(format!("the password file {} cannot be read: {error}", file.display()))
                })?;
                Some(password.trim_end_matches(['\r', '\n']).to_owned())
            }
            None => self.password.clone(),
        };
        Ok(password.map(|password| Credentials { username: self.username.clone(), password }))
    }
}

fn refused(what: &str) -> OpenError {
    OpenError::Options(what.to_owned())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]
    use super::*;

    fn options(urls: &[&str]) -> Options {
        Options { urls: urls.iter().map(|url| (*url).to_owned()).collect(), ..Options::default() }
    }

    #[tokio::test]
    async fn urls_say_where_and_who() {
        let settings = Settings::new(&options(&["redis://ada:secret@one:7000", "redis://two"])).unwrap();
        let address = |host: &str, port| Address { host: host.to_owned(), port };
        assert_eq!(settings.seeds, [address("one", 7000), address("two", 6379)]);
        let who = settings.credentials().await.unwrap().unwrap();
        assert_eq!((who.username.as_deref(), who.password.as_str()), (Some("ada"), "secret"));
        assert!(settings.tls.is_none());
    }

    #[tokio::test]
    async fn a_password_file_goes_before_the_url() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        let with_file = Options { password_file: Some(file.clone()), ..options(&["redis://:old@one"]) };
        let settings = Settings::new(&with_file).unwrap();
        assert!(matches!(settings.credentials().await, Err(Failure::Denied(_))));
        for password in ["new", "newer"] {
            std::fs::write(&file, format!("{password}\n")).unwrap();
            assert_eq!(settings.credentials().await.unwrap().unwrap().password, password);
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_without_the_password() {
        for urls in [&[][..], &["one:7000"], &["http://one"], &["redis://one", "rediss://two"]] {
            assert!(matches!(Settings::new(&options(urls)), Err(OpenError::Options(_))), "{urls:?}");
        }
        let error = Settings::new(&options(&["redis://:secret@one:port"])).err().unwrap();
        assert!(!error.to_string().contains("secret"));
    }

    #[test]
    fn announced_addresses_are_replaced() {
        let mut options = options(&["redis://one"]);
        options.addresses.insert("10.0.0.1:6379".to_owned(), "127.0.0.1:7001".to_owned());
        let settings = Settings::new(&options).unwrap();
        let (inside, other) = ("10.0.0.1:6379", "10.0.0.2:6379");
        let reach = |text| settings.reach(&Address::parse(text).unwrap()).to_string();
        assert_eq!(reach(inside), "127.0.0.1:7001");
        assert_eq!(reach(other), other);
        options.addresses.insert("nonsense".to_owned(), "127.0.0.1:7001".to_owned());
        assert!(matches!(Settings::new(&options), Err(OpenError::Options(_))));
    }
}
