//! The rows of each output of `ipmpstat` (IPMP behaviour, §12), and the lines of `ipmpadm monitor`: one type a mode, from which the columns are
//! made, and which is what `--json` shows. Fields keep their names for ever.

mod address;
mod event;
mod group;
mod interface;
mod probe;
mod target;

use serde::Serialize;

pub use address::AddressRow;
pub use event::EventRow;
pub use group::GroupRow;
pub use interface::InterfaceRow;
pub use probe::ProbeRow;
pub use target::TargetRow;

use crate::table::Field;

/// What `--json` shows: a value over several lines.
pub fn json(value: &(impl Serialize + ?Sized)) -> String {
    serde_json::to_string_pretty(value).expect("it is made of structs of names, words and numbers") + "\n"
}

const fn field(name: &'static str, width: usize) -> Field {
    Field { name, width }
}
