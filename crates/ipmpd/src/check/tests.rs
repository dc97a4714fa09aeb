//! Facts → problems, in tables.
