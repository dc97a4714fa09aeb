//! Names of addresses, for output without `-n`.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// How long to wait for all names together; what is not known by then is shown as a number.
const PATIENCE: Duration = Duration::from_secs(2);

/// Lookups at the same time.
const LOOKUPS_MAX: usize = 16;

/// What addresses are shown as.
#[derive(Clone, Debug, Default)]
pub struct Names(HashMap<IpAddr, String>);

impl Names {
    /// Looks up `addresses`, as `getnameinfo(3)` does. Those not found are shown as numbers, as all are by
    /// `Names::default()`.
    pub fn of(addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        let addresses: Vec<_> = BTreeSet::from_iter(addresses).into_iter().collect();
        let (found, names) = mpsc::channel();
        for first in 0..LOOKUPS_MAX.min(addresses.len()) {
            let share: Vec<_> = addresses.iter().copied().skip(first).step_by(LOOKUPS_MAX).collect();
            let found = found.clone();
            // The threads that still wait for a name server end with the program.
            thread::spawn(move || {
                for address in share {
                    let name = dns_lookup::lookup_addr(&address).ok().and_then(|name| unqualified(&name));
                    let _ = found.send(name.map(|name| (address, name)));
                }
            });
        }
        let deadline = Instant::now() + PATIENCE;
        let wait = |_| names.recv_timeout(deadline.saturating_duration_since(Instant::now())).ok();
        Self((0..addresses.len()).map_while(wait).flatten().collect())
    }

    /// Looks up those that have not been looked up yet, for who learns of them little by little; whether there were
    /// any.
    pub fn learn(&mut self, addresses: impl IntoIterator<Item = IpAddr>) -> bool {
        let new: Vec<_> = addresses.into_iter().filter(|address| !self.0.contains_key(address)).collect();
        let found = Self::of(new.iter().copied());
        self.0.extend(new.iter().map(|address| (*address, found.show(*address))));
        !new.is_empty()
    }

    /// The name of an address, or the address.
    pub fn show(&self, address: IpAddr) -> String {
        self.0.get(&address).cloned().unwrap_or_else(|| address.to_string())
    }
}

/// The host in a name. Whoever runs a reverse zone can put anything there; what is not a host name would
/// garble the screen, and is none.
fn unqualified(name: &str) -> Option<String> {
    let host = name.split('.').next().unwrap_or_default();
    let valid = !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    valid.then(|| host.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_harmless() {
        assert_eq!(unqualified("router.example.net").as_deref(), Some("router"));
        assert_eq!(unqualified("router").as_deref(), Some("router"));
        assert_eq!(unqualified("\u{1b}[2Jrouter.example.net"), None);
        assert_eq!(unqualified(".example.net"), None);
    }

    #[test]
    fn an_address_without_a_name_is_itself() {
        let documentation: IpAddr = "192.0.2.1".parse().unwrap();
        assert_eq!(Names::default().show(documentation), "192.0.2.1");
    }
}
