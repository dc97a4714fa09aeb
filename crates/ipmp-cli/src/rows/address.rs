//! `ipmpstat -a`.

use std::net::IpAddr;

use ipmp_control::{Address, Claim, Group, Snapshot};
use serde::Serialize;

use super::field;
use crate::names::Names;
use crate::table::Field;
use crate::words;

/// `-a`: a data address.
#[derive(Debug, Serialize)]
pub struct AddressRow<'a> {
    address: IpAddr,
    state: &'static str,
    group: &'a str,
    inbound: Option<&'a str>,
    outbound: &'a [String],
    claim: Claim,
    takenby: Option<&'a str>,
}

impl<'a> AddressRow<'a> {
    /// The columns. The last two fit a screen that is wide; where an address may not be used, they have to.
    pub const FIELDS: &'static [Field] = &[
        field("ADDRESS", 26),
        field("STATE", 7),
        field("GROUP", 12),
        field("INBOUND", 12),
        field("OUTBOUND", 23),
        field("CLAIM", 10),
        field("TAKENBY", 18),
    ];

    /// All rows.
    pub fn all(snapshot: &'a Snapshot) -> Vec<Self> {
        let row = |group: &'a Group, address: &'a Address| Self {
            address: address.address,
            state: if address.up { "up" } else { "down" },
            group: &group.interface,
            inbound: address.inbound.as_deref(),
            outbound: &address.outbound,
            claim: address.claim,
            takenby: address.taken_by.as_deref(),
        };
        snapshot
            .groups
            .iter()
            .flat_map(|group| group.addresses.iter().map(move |address| row(group, address)))
            .collect()
    }

    /// The values of the columns.
    pub fn values(&self, names: &Names) -> Vec<String> {
        vec![
            names.show(self.address),
            self.state.to_owned(),
            self.group.to_owned(),
            self.inbound.unwrap_or_default().to_owned(),
            self.outbound.join(" "),
            words::claim(self.claim).to_owned(),
            self.takenby.unwrap_or_default().to_owned(),
        ]
    }

    /// Whether this host may use it.
    pub fn is_ours(&self) -> bool {
        self.claim == Claim::Ours
    }

    /// The addresses in it.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        [self.address].into_iter()
    }
}
