//! What `ipmpstat`, `ipmpadm` and `if_mpadm` are made of. Each program is a file in `bin/`; it knows its
//! command line and what to ask the daemon. What is shown, and how, is here, and never touches a socket.

pub mod args;
pub mod check;
pub mod explain;
pub mod names;
pub mod program;
pub mod rows;
pub mod table;
pub mod watch;
pub mod what_if;
pub mod words;
