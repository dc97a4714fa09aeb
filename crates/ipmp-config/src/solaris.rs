//! What Solaris would make of its commands and files, and what that is here.
//!
//! It knows the words of `ifconfig`, what Solaris does with interfaces, logical interfaces and their flags as far as
//! IPMP is concerned (IPMP behaviour, §13), and the files that are read at boot. It does not know the daemon: who runs
//! a command says what there is, and gets edits.
//!
//! ```text
//!  words → steps → run, on a world → edits          (a command)
//!  hostname.IF, … → commands → run, on no world → edits → text   (an import)
//! ```

mod difference;
mod import;
mod lengths;
mod migration;
mod mpathd;
mod root;
mod run;
mod steps;
mod world;

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipmp_core::IfName;
use ipnet::IpNet;

use crate::Edit;

pub use import::{Imported, import};
pub use steps::Family;

use lengths::Netmasks;
use run::Run;
use steps::{Command, Step};
use world::World;

/// What a command comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What is to be done; nothing where all is so already.
    pub edits: Vec<Edit>,
    /// What the command says on Solaris.
    pub said: Vec<String>,
    /// What is doubtful.
    pub warnings: Vec<String>,
}

/// What there is before a command.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// The groups.
    pub groups: Vec<Known>,
    /// Every network interface of the host.
    pub links: BTreeSet<String>,
}

/// A group that there is.
#[derive(Clone, Debug)]
pub struct Known {
    /// Its IPMP interface.
    pub interface: IfName,
    /// Its name.
    pub name: String,
    /// Its data addresses, in order.
    pub addresses: Vec<Held>,
    /// Its members.
    pub members: Vec<KnownMember>,
}

/// A member that there is.
#[derive(Clone, Debug)]
pub struct KnownMember {
    /// The interface.
    pub interface: IfName,
    /// Whether it is standby.
    pub standby: bool,
    /// Its test addresses, in order.
    pub addresses: Vec<Held>,
}

/// An address, and whether it is down.
pub type Held = (IpNet, Down);

type Down = bool;

/// What `ifconfig WORD…` does to what there is. `lookup` finds the address of a host by its name.
///
/// # Errors
///
/// Why Solaris refuses it, or why it cannot be done here, and what to do.
pub fn ifconfig(
    words: &[String],
    state: &State,
    lookup: &dyn Fn(&str, Family) -> Option<IpAddr>,
) -> Result<Outcome, String> {
    let before = World::of(state);
    let mut after = before.clone();
    let mut run = Run::new(&mut after);
    let command = Command::parse(words, lookup)?;
    run.command(&command)?;
    let Run { said, mut warnings, .. } = run;
    warnings.extend(after.settle_lengths(&Netmasks::default()));
    after.refuse_homeless()?;
    warnings.extend(after.down_without_flag(&before));
    warnings.extend(flag_without_address(&command, &after));
    Ok(Outcome { edits: difference::edits(&before, &after), said, warnings })
}

/// Solaris remembers `-failover` for an address to come; here it is a test address that is remembered. In IPv6 it may be
/// meant for the link-local address, of which it is true anyway.
fn flag_without_address(command: &Command, after: &World) -> Option<String> {
    let steps = || command.steps.iter();
    let inet6 = steps().any(|step| *step == Step::Family(Family::Inet6));
    let address = steps().any(|step| matches!(step, Step::Address(_) | Step::AddIf(_)));
    if inet6 || address || !steps().any(|step| *step == Step::Failover(false)) {
        return None;
    }
    let name = &command.interface;
    let units = after.get(name)?.units(Family::Inet);
    units.get(command.unit.unwrap_or(0)).filter(|unit| unit.address.is_none())?;
    Some(format!(
        "{name} has no address that `-failover` could be said of, and it is not remembered: say it in one command with the \
         address, `ifconfig {name} -failover ADDR up`"
    ))
}
