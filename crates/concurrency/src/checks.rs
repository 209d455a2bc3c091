//! The checks, by what they are about. Each runs itself in many schedules.

pub mod chat_clients;
pub mod chat_connection;
pub mod frame_queue;
pub mod half_open;
pub mod load_reports;
pub mod store_inbox;
pub mod store_writer;
pub mod tables;
