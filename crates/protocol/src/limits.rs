//! The limits on what a stranger can send. They are part of the public interface: the documents state them.

/// The largest WebSocket message that a server reads, in bytes (the OWASP WebSocket cheat sheet advises at most 64 KiB).
pub const MAX_FRAME_BYTES: usize = 65_536;
/// The longest text of a message, in bytes of UTF-8.
pub const MAX_TEXT_BYTES: usize = 32_768;
/// How deep the JSON of a `content` may nest.
pub const MAX_CONTENT_DEPTH: usize = 16;
/// The longest title of a conversation, in characters.
pub const MAX_TITLE_CHARS: usize = 128;
/// How many members a group may have.
pub const MAX_GROUP_MEMBERS: usize = 10_000;
/// The largest page of a list.
pub const MAX_PAGE: usize = 200;
