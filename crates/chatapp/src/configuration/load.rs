//! Reading the configuration from flags, environment and file.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command};
use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use figment::value::Value;

use super::{Configuration, KEYS};

/// Says what is wrong with the configuration, naming the key.
#[derive(Debug, thiserror::Error)]
pub enum ConfigurationError {
    /// A value is not possible.
    #[error("{key}: {reason}")]
    Value {
        /// The key.
        key: String,
        /// Why.
        reason: String,
    },
    /// The file cannot be read.
    #[error("config: {}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

/// What the flags say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Flags {
    file: Option<PathBuf>,
    values: BTreeMap<String, Value>,
}

impl Flags {
    /// Adds a flag for each key to a command.
    pub fn add_to(command: Command) -> Command {
        let file = Arg::new("config")
            .long("config")
            .env("CHATAPP_CONFIG")
            .value_name("FILE")
            .help("a TOML file with these keys, with _ for -");
        KEYS.iter().fold(command.arg(file), |command, key| {
            let name = key.name.replace('_', "-");
            command.arg(Arg::new(key.name).long(name).value_name("VALUE").help(key.help))
        })
    }

    /// Reads the flags.
    pub fn of(matches: &ArgMatches) -> Self {
        let text = |name: &str| matches.get_one::<String>(name).cloned();
        let file = text("config").map(PathBuf::from);
        let value = |text: String| text.parse::<Value>().unwrap_or_else(|_| Value::from(text));
        let values =
            KEYS.iter().filter_map(|key| Some((key.name.to_owned(), value(text(key.name)?)))).collect();
        Self { file, values }
    }
}

/// Puts flags, environment and file together, and checks the result.
///
/// # Errors
/// A key is unknown, or its value has the wrong type or is not possible; the file cannot be read.
pub fn load(flags: &Flags) -> Result<Configuration, ConfigurationError> {
    let mut figment = Figment::from(Serialized::defaults(Configuration::default()));
    if let Some(path) = &flags.file {
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigurationError::File { path: path.clone(), reason: error.to_string() })?;
        figment = figment.merge(Toml::string(&text));
    }
    // Values of strings that look like numbers stay numbers: each key has one type, which is checked below.
    figment = figment.merge(Env::prefixed("CHATAPP_").ignore(&["config"]));
    for (key, value) in &flags.values {
        figment = figment.merge((key.as_str(), value.clone()));
    }
    let configuration: Configuration = figment.extract().map_err(|error| named(&error))?;
    configuration.check()?;
    Ok(configuration)
}

/// Names the key of an error.
fn named(error: &figment::Error) -> ConfigurationError {
    let key = match &error.kind {
        figment::error::Kind::UnknownField(field, _) => field.clone(),
        _ => error.path.join("."),
    };
    let source =
        error.metadata.as_ref().map(|metadata| format!(" (from {})", metadata.name)).unwrap_or_default();
    let reason = match &error.kind {
        figment::error::Kind::UnknownField(..) => "is not a key of the configuration".to_owned(),
        kind => kind.to_string(),
    };
    ConfigurationError::Value { key, reason: format!("{reason}{source}") }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]
    use std::io::Write as _;

    use super::*;

    fn flags(arguments: &[&str]) -> Flags {
        let command = Flags::add_to(Command::new("chatapp"));
        Flags::of(&command.get_matches_from([&["chatapp"], arguments].concat()))
    }

    fn file(text: &str) -> (tempfile::NamedTempFile, Vec<String>) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let arguments = vec!["--config".to_owned(), file.path().display().to_string()];
        (file, arguments)
    }

    fn load_file(text: &str) -> Result<Configuration, ConfigurationError> {
        let (_file, arguments) = file(text);
        load(&flags(&arguments.iter().map(String::as_str).collect::<Vec<_>>()))
    }

    #[test]
    fn every_key_is_described_and_nothing_else() {
        let value = serde_json::to_value(Configuration {
            shard_host: Some(String::new()),
            shard_name: Some(String::new()),
            redis_password_file: Some(PathBuf::new()),
            redis_ca_file: Some(PathBuf::new()),
            ..Configuration::default()
        });
        let mut fields: Vec<String> = value.unwrap().as_object().unwrap().keys().cloned().collect();
        let mut keys: Vec<String> = KEYS.iter().map(|key| key.name.to_owned()).collect();
        fields.sort();
        keys.sort();
        assert_eq!(fields, keys);
    }

    #[test]
    fn the_readme_lists_every_key_with_its_default() {
        let readme = include_str!("../../../../README.md");
        let defaults: toml::Table = Configuration::default().shown().unwrap().parse().unwrap();
        for key in KEYS {
            let default = defaults.get(key.name).map(|value| match value {
                toml::Value::String(text) => format!("`{text}`"),
                value => format!("`{value}`"),
            });
            let row = format!(
                "| `{}` | {} | {} |",
                key.name,
                default.unwrap_or_default(),
                key.help.replace('`', "")
            );
            assert!(readme.replace("`all`", "all").contains(&row.replace("`all`", "all")), "{row}");
        }
    }

    #[test]
    fn a_flag_wins_over_the_file() {
        let (_file, mut arguments) = file("public_address = \"127.0.0.1:1\"\nchat_shards = 5\n");
        arguments.extend(["--public-address".to_owned(), "0.0.0.0:9".to_owned()]);
        let configuration = load(&flags(&arguments.iter().map(String::as_str).collect::<Vec<_>>())).unwrap();
        assert_eq!(
            (configuration.public_address.to_string().as_str(), configuration.chat_shards),
            ("0.0.0.0:9", 5)
        );
    }

    #[test]
    fn lists_and_texts_come_as_flags() {
        let configuration =
            load(&flags(&["--allowed-origins", r#"["https://a.b"]"#, "--log-filter", "debug"])).unwrap();
        assert_eq!(
            (configuration.allowed_origins, configuration.log_filter.as_str()),
            (vec!["https://a.b".to_owned()], "debug")
        );
    }

    #[test]
    fn errors_name_the_key() {
        for (text, key) in [
            ("chat_shards = 0", "chat_shards"),
            ("chat_shards = \"many\"", "chat_shards"),
            ("public_address = \"here\"", "public_address"),
            ("publik_address = \"127.0.0.1:1\"", "publik_address"),
            ("password_min_chars = 7", "password_min_chars"),
            ("log_format = \"xml\"", "log_format"),
            ("push_channels = [\"pigeon\"]", "push_channels"),
        ] {
            let error = load_file(text).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{key}: ")), "{text}: {error}");
        }
        assert!(
            load(&flags(&["--config", "/nowhere"])).unwrap_err().to_string().starts_with("config: /nowhere")
        );
    }

    #[test]
    fn passwords_are_hidden() {
        let configuration = load_file("redis_urls = [\"redis://user:hunter2@host:1\"]").unwrap();
        let shown = configuration.shown().unwrap();
        assert!(shown.contains("redis://…@host:1") && !shown.contains("hunter2"), "{shown}");
    }
}
