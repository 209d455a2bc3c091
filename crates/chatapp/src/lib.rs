//! ChatApp as a library: what `main` is made of, and what end-to-end tests start.

pub mod cli;
pub mod cluster;
pub mod configuration;
pub mod lifecycle;
pub mod roles;
