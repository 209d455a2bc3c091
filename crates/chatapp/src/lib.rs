//! chatapp.
