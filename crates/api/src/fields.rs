//! What the fields of requests may hold.

use crate::failure::{Answer, Failure};

/// The longest name that others see, in characters.
const MAX_DISPLAY_NAME: usize = 64;
/// The longest text of a user about themself, in characters.
const MAX_BIO: usize = 500;
/// The longest address of a picture, in bytes.
const MAX_URL: usize = 2048;
/// The longest name of a device, in characters.
const MAX_DEVICE: usize = 128;

/// Checks a name that others see, and gives it without blanks around it.
pub(crate) fn display_name(text: &str) -> Answer<String> {
    one_line("display_name", text, MAX_DISPLAY_NAME)
}

/// Checks what a user says of themself; lines are allowed.
pub(crate) fn bio(text: &str) -> Answer<String> {
    if text.chars().any(|character| character.is_control() && character != '\n') {
        return Err(Failure::field("bio", "must not have control characters"));
    }
    within("bio", text, MAX_BIO)
}

/// Checks what a user is up to.
pub(crate) fn status_text(text: &str) -> Answer<String> {
    one_line("status_text", text, protocol::presence::MAX_STATUS_CHARS)
}

/// Checks the address of a picture: others' clients load it, so it is a web address and nothing else.
pub(crate) fn avatar_url(text: &str) -> Answer<String> {
    let wrong = |reason| Err(Failure::field("avatar_url", reason));
    if text.len() > MAX_URL {
        return wrong("is too long");
    }
    let Ok(uri) = text.parse::<http::Uri>() else {
        return wrong("must be a web address");
    };
    let web = matches!(uri.scheme_str(), Some("http" | "https"));
    match uri.authority() {
        Some(authority) if web && !authority.as_str().contains('@') => Ok(text.to_owned()),
        _ => wrong("must be a web address that begins with https:// or http://"),
    }
}

/// Checks what a user calls a device.
pub(crate) fn device(text: &str) -> Answer<String> {
    one_line("device", text, MAX_DEVICE)
}

/// Checks a text of one line with 1 to `most` characters, and gives it without blanks around it.
pub(crate) fn one_line(field: &str, text: &str, most: usize) -> Answer<String> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Failure::field(field, "is empty"));
    }
    if text.chars().any(char::is_control) {
        return Err(Failure::field(field, "must not have control characters"));
    }
    within(field, text, most)
}

/// Checks that a text has at most `most` characters.
pub(crate) fn within(field: &str, text: &str, most: usize) -> Answer<String> {
    if text.chars().count() > most {
        return Err(Failure::field(field, format!("must have at most {most} characters")));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "test")]
    use super::*;

    #[test]
    fn names_are_trimmed_and_bounded() {
        assert_eq!(display_name("  Ålice 🦀 ").unwrap(), "Ålice 🦀");
        assert!(display_name(&"é".repeat(64)).is_ok());
        for wrong in ["", "   ", "a\nb", "a\u{0}b", &"é".repeat(65)] {
            assert!(display_name(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn pictures_are_on_the_web() {
        assert!(avatar_url("https://example.com/a.png?x=1").is_ok());
        for wrong in [
            "",
            "a.png",
            "/a.png",
            "javascript:alert(1)",
            "data:image/png;base64,AAAA",
            "file:///etc/passwd",
            "https://user:secret@example.com/",
            "https://exa mple.com/",
        ] {
            assert!(avatar_url(wrong).is_err(), "{wrong}");
        }
    }
}
