//! Sagas that are stopped after each of their writes and carried on by whoever finds them.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

mod accounts;
mod conversations;
mod crowd;
mod late;
mod relations;
mod repeated;
mod scene;
