//! Making what others wrote harmless for a terminal.

/// Continuation lines are indented, so that nobody can write what looks like a line of somebody else.
const INDENT: &str = "\n        ";

/// Gives a text of several lines without anything that a terminal obeys.
pub(super) fn text(text: &str) -> String {
    text.split('\n')
        .map(|part| line(part.strip_suffix('\r').unwrap_or(part)))
        .collect::<Vec<_>>()
        .join(INDENT)
}

/// Gives a text on one line without anything that a terminal obeys: control characters are written out, and so are those that
/// reorder text or hide in it (Unicode Technical Report 36, section 2.7, "Bidirectional Text Spoofing").
pub(super) fn line(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        if character == '\t' {
            plain.push(' ');
        } else if character.is_control() || reorders(character) {
            plain.extend(character.escape_unicode());
        } else {
            plain.push(character);
        }
    }
    plain
}

fn reorders(character: char) -> bool {
    matches!(character, '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_gets_through() {
        assert_eq!(line("a\u{1b}[2Jb\rc\u{7f}\u{9b}31m"), r"a\u{1b}[2Jb\u{d}c\u{7f}\u{9b}31m");
        assert_eq!(line("user\u{202e}txt.exe"), r"user\u{202e}txt.exe");
        assert_eq!(line("ä 🦀\tzoë"), "ä 🦀 zoë");
        for byte in 0..=u8::MAX {
            assert!(
                !text(&char::from(byte).to_string()).chars().any(|c| c.is_control() && c != '\n'),
                "{byte}"
            );
        }
    }

    #[test]
    fn nobody_can_write_a_line_of_somebody_else() {
        assert_eq!(text("hi\r\n12:00 bob: I am bob"), "hi\n        12:00 bob: I am bob");
    }
}
