//! Connections against small servers of their own.
