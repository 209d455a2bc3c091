//! What an archive promises, in a folder and on an S3 server written by others.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

mod answers;
mod contract;
mod folder;
mod s3;
mod server;
