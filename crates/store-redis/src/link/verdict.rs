//! What an error of Redis means for a call.

use ports::Error;
use redis::ServerError;

use super::address::Address;
use super::connection::Failure;

/// What an error means for a call that it answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The slot is elsewhere.
    Moved(Option<Address>),
    /// The slot is being moved, and its keys are elsewhere already.
    Ask(Option<Address>),
    /// The slot is being moved, and its keys are partly here: it is soon over.
    Soon,
    /// The node is of no use at the moment: another may take its place.
    Trouble,
    /// The node does not know the script.
    NoScript,
    /// It was not done, and another try would not help.
    Refused(Error),
}

/// Judges an error that answered a call.
pub(super) fn judge(error: &ServerError) -> Verdict {
    let details = error.details().unwrap_or_default();
    match error.code() {
        "MOVED" => Verdict::Moved(address_of(details)),
        "ASK" => Verdict::Ask(address_of(details)),
        "TRYAGAIN" => Verdict::Soon,
        "NOSCRIPT" => Verdict::NoScript,
        "READONLY" | "CLUSTERDOWN" | "LOADING" | "MASTERDOWN" | "NOREPLICAS" | "MISCONF" | "UNBLOCKED"
        | "BUSY" | "NOAUTH" => Verdict::Trouble,
        "OOM" => refused("redis has no memory left: raise maxmemory or delete something"),
        "NOPERM" => refused("the redis user may not do this"),
        // EXECABORT only follows the error that says why.
        "EXECABORT" => Verdict::Soon,
        // A script that met a slot in motion: redis 7 says so only in words.
        _ if details.contains("access a non local key") || details.contains("cluster is down") => {
            Verdict::Trouble
        }
        code => refused(&format!("redis answered {code}")),
    }
}

/// Judges an error that answered something on the way to a call.
pub(super) fn failure(error: &ServerError) -> Failure {
    let text = || format!("{} {}", error.code(), error.details().unwrap_or_default());
    match error.code() {
        "NOAUTH" | "WRONGPASS" | "NOPERM" => Failure::Denied(text()),
        _ if text().contains("AUTH") => Failure::Denied(text()),
        _ if text().contains("cluster support disabled") => Failure::NoCluster,
        _ => Failure::Broken(text()),
    }
}

/// Reads the address in `<slot> <address>`; it may say that the host is unknown.
fn address_of(details: &str) -> Option<Address> {
    let address = details.split(' ').nth(1).and_then(Address::parse)?;
    (!address.host.is_empty() && address.host != "?").then_some(address)
}

fn refused(what: &str) -> Verdict {
    Verdict::Refused(Error::Unavailable(what.to_owned()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]
    use redis::{Value, parse_redis_value};

    use super::*;

    fn error(text: &str) -> ServerError {
        match parse_redis_value(format!("-{text}\r\n").as_bytes()).unwrap() {
            Value::ServerError(error) => error,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn redirections_say_where() {
        let address = Address::parse("10.0.0.1:6379");
        assert_eq!(judge(&error("MOVED 3999 10.0.0.1:6379")), Verdict::Moved(address.clone()));
        assert_eq!(judge(&error("ASK 3999 10.0.0.1:6379")), Verdict::Ask(address));
        assert_eq!(judge(&error("MOVED 3999 :6379")), Verdict::Moved(None));
        assert_eq!(judge(&error("MOVED")), Verdict::Moved(None));
    }

    #[test]
    fn what_passes_is_told_from_what_stays() {
        for passing in [
            "READONLY You can't write",
            "CLUSTERDOWN The cluster is down",
            "LOADING Redis is",
            "NOREPLICAS x",
        ] {
            assert_eq!(judge(&error(passing)), Verdict::Trouble, "{passing}");
        }
        assert_eq!(judge(&error("TRYAGAIN Multiple keys")), Verdict::Soon);
        assert_eq!(judge(&error("NOSCRIPT No matching script")), Verdict::NoScript);
        for staying in
            ["OOM command not allowed", "NOPERM this user", "WRONGTYPE Operation", "ERR user_script:1"]
        {
            assert!(matches!(judge(&error(staying)), Verdict::Refused(_)), "{staying}");
        }
        let moving = "ERR Script attempted to access a non local key in a cluster node script: x";
        assert_eq!(judge(&error(moving)), Verdict::Trouble);
    }

    #[test]
    fn a_node_that_lets_nobody_in_says_why() {
        for denied in [
            "NOAUTH Authentication required.",
            "WRONGPASS invalid username-password pair or user is disabled.",
            "ERR AUTH <password> called without any password configured for the default user. Are you sure?",
        ] {
            assert!(matches!(failure(&error(denied)), Failure::Denied(_)), "{denied}");
        }
        let alone = "ERR This instance has cluster support disabled";
        assert_eq!(failure(&error(alone)), Failure::NoCluster);
        assert!(matches!(failure(&error("LOADING Redis is loading")), Failure::Broken(_)));
    }
}
