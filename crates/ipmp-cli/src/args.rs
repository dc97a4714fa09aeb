//! What can be typed, apart from what it means: the programs, the man pages and the completions are made from it.

mod if_mpadm;
mod ipmpadm;
mod ipmpstat;

pub use if_mpadm::IfMpadm;
pub use ipmpadm::{Ipmpadm, Lasting, Verb};
pub use ipmpstat::Ipmpstat;
