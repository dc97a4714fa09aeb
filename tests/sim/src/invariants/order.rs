//! What is slow does not hold back what is quick: the kernel takes long over many addresses of IPv6, so few are
//! given to it at a time, after everything of IPv4.

use ipmp_core::kernel::Scope;
use ipmp_core::{Change, Transaction};

use super::{Rule, Scene, Violation};

/// Changes of IPv6 addresses in a transaction at most.
const INET6_MAX: usize = 64;

/// A transaction is about to be begun.
pub(super) fn before_transaction(scene: &Scene, transaction: &Transaction) -> Result<(), Violation> {
    let is_inet6 = |change: &Change| match change {
        Change::AddAddress { key, .. } | Change::DeleteAddress(key) => key.address.addr().is_ipv6(),
        _ => false,
    };
    let many = transaction.changes.iter().filter(|change| is_inet6(change)).count();
    if many > INET6_MAX {
        let what = format!("a transaction has {many} changes of IPv6 addresses, more than {INET6_MAX}");
        return Err(scene.violation(Rule::QuickFirst, what));
    }
    // What a member carries; its test address is one, and may come before.
    let binds = |change: &Change| match change {
        Change::AddAddress { key, scope: Scope::Global } => scene.kernel.port_of(key.index).is_some(),
        _ => false,
    };
    let slow = transaction.changes.iter().position(|change| binds(change) && is_inet6(change));
    let after = transaction.changes.iter().skip(slow.unwrap_or(usize::MAX));
    match after.into_iter().find(|change| binds(change) && !is_inet6(change)) {
        Some(change) => Err(scene.violation(Rule::QuickFirst, format!("{change:?} comes after changes of IPv6"))),
        None => Ok(()),
    }
}
