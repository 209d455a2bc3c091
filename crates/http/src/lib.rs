//! http-edge.
