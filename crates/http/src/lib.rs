//! The HTTP edge that every role shares: a bounded server loop, problem documents, extractors that name the field,
//! the layers around a router, and connections to other processes.
//!
//! A role builds an axum [`Router`](axum::Router) of handlers that return [`Problem`]s, wraps it by [`harden`], and
//! hands it to [`serve`]. Upgraded sockets leave this crate with the upgrade.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic"))]

mod dial;
mod extract;
mod layers;
mod operator;
mod problem;
mod server;
mod socket;

pub use dial::TcpDial;
pub use extract::{BODY_TIMEOUT, BodyLimit, Json, MAX_BODY_BYTES, MAX_BODY_DEPTH, Path, Query};
pub use layers::{EdgeOptions, Exchange, Observer, RequestId, harden};
pub use operator::operator_router;
pub use problem::Problem;
pub use server::{PeerAddress, ServerLimits, serve};
