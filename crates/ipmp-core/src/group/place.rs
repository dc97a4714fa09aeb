//! Which member carries which address: those that may be used at all, a family at a time (IPMP behaviour §7).

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::action::{Action, AddressCheck};
use crate::group::Group;
use crate::id::{Family, IfIndex, IfName, Mac};
use crate::kernel::{AddressKey, Kernel};
use crate::notice::Notice;
use crate::placement::{self, Candidate};
use crate::time::Instant;

impl Group {
    /// Decides which member is to carry which address.
    pub(crate) fn place(&mut self, kernel: &Kernel, now: Instant, refused: impl Fn(AddressKey) -> bool) {
        let mut loads: BTreeMap<IfName, usize> = BTreeMap::new();
        for family in [Family::V4, Family::V6] {
            self.place_family(family, &loads, kernel, now, &refused);
            let of_family = self.placed.iter().filter(|(address, _)| Family::of(**address) == family);
            of_family.for_each(|(_, holder)| *loads.entry(holder.clone()).or_default() += 1);
        }
    }

    /// Without anybody to carry them, all stays. Of those that carry alike the one comes first that carries less
    /// of the other family.
    fn place_family(
        &mut self,
        family: Family,
        loads: &BTreeMap<IfName, usize>,
        kernel: &Kernel,
        now: Instant,
        refused: &impl Fn(AddressKey) -> bool,
    ) {
        let mut carriers = self.carriers_of(family);
        if carriers.is_empty() {
            return;
        }
        carriers.sort_by_key(|member| loads.get(&member.config.interface).copied().unwrap_or(0));
        let any_proven = carriers.iter().any(|member| member.functioning());
        let candidates: Vec<Candidate> = carriers
            .iter()
            .map(|member| Candidate {
                member: member.config.interface.clone(),
                takes_more: any_proven && member.functioning(),
            })
            .collect();
        let indices: BTreeMap<IfName, IfIndex> =
            carriers.iter().filter_map(|member| Some((member.config.interface.clone(), member.nic?.index))).collect();
        let wanted: Vec<IpAddr> = self.addresses().filter(|address| Family::of(*address) == family).collect();
        let mut present = self.placed.clone();
        for &address in wanted.iter().filter(|address| !self.placed.contains_key(address)) {
            if let Some((holder, _)) = indices.iter().find(|(_, index)| kernel.has_address(**index, address)) {
                // Found in the kernel: left by a daemon before this one.
                present.insert(address, holder.clone());
                self.bound.entry(address).or_insert_with(|| holder.clone());
            } else if !self.free.contains(&address) && !self.holds(address, kernel) {
                self.claims.open(address, now);
            }
        }
        let ours: Vec<IpAddr> = wanted.into_iter().filter(|address| !self.claims.contains(*address)).collect();
        let refused = |address: IpAddr, member: &IfName| {
            indices.get(member).is_some_and(|index| refused(AddressKey::host(*index, address)))
        };
        let placed = placement::place(&ours, &present, &candidates, refused);
        self.free.retain(|address| !placed.contains_key(address));
        self.placed.retain(|address, _| Family::of(*address) != family);
        self.placed.extend(placed);
    }

    /// Whether a member has an address, in service or not: then this host has it in the network already.
    fn holds(&self, address: IpAddr, kernel: &Kernel) -> bool {
        self.members.iter().filter_map(|member| member.nic).any(|nic| kernel.has_address(nic.index, address))
    }

    /// Takes in for which addresses nobody answered: they may be used.
    pub(crate) fn take_free(&mut self, now: Instant, actions: &mut Vec<Action>) -> bool {
        let free = self.claims.take_free(self.failed(), now);
        for (address, was_taken) in &free {
            self.free.insert(*address);
            if *was_taken {
                let group = self.config.name.clone();
                actions.push(Action::Notify(Notice::AddressConflictOver { group, address: *address }));
            }
        }
        !free.is_empty()
    }

    /// Takes addresses for free of which nobody has said that they are not; whether there were any.
    pub(crate) fn suppose_addresses_free(&mut self) -> bool {
        let free = self.claims.take_undecided();
        self.free.extend(&free);
        !free.is_empty()
    }

    /// Another host has an address.
    pub(crate) fn address_taken(&mut self, address: IpAddr, by: Mac, now: Instant, actions: &mut Vec<Action>) {
        if self.claims.taken(address, by, now) {
            actions.push(Action::Notify(Notice::AddressConflict { group: self.config.name.clone(), address, by }));
        }
    }

    /// When an address is to be asked for, or may be used; none while there is nobody to ask.
    pub(crate) fn claims_deadline(&self) -> Option<Instant> {
        self.claims.deadline().filter(|_| !self.carriers().is_empty())
    }

    /// The addresses that are to be asked for, by a member that has a link.
    pub(crate) fn checks(&self, now: Instant) -> Vec<AddressCheck> {
        let check = |address: IpAddr| {
            let carriers = self.carriers_of(Family::of(address));
            let nic = carriers.iter().find_map(|member| member.nic.filter(|nic| nic.mac.is_some()))?;
            Some(AddressCheck { index: nic.index, mac: nic.mac?, address })
        };
        self.claims.asking(now).filter_map(check).collect()
    }

    /// The kernel confirmed that a data address is bound now.
    pub(crate) fn bound_to(&mut self, key: &AddressKey, actions: &mut Vec<Action>) {
        let address = key.address.addr();
        let holder = self.members.iter().find(|member| member.nic.is_some_and(|nic| nic.index == key.index));
        let Some(to) =
            holder.filter(|_| self.placed.contains_key(&address)).map(|member| member.config.interface.clone())
        else {
            return;
        };
        let from = self.bound.insert(address, to.clone());
        if from.as_ref() != Some(&to) {
            actions.push(Action::Notify(Notice::AddressMoved { group: self.config.name.clone(), address, from, to }));
        }
    }
}
