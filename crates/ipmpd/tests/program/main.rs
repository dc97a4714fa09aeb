//! The program as it is installed, in namespaces where it disturbs nobody. What needs links and neighbours
//! is tested end to end, elsewhere.

mod changes;
mod command_line;
mod life;
mod log;
mod support;
