//! IPMP interfaces: made, deleted, and given a carrier. Which of them is whose, the alias tells.

use std::collections::BTreeMap;

use ipmp_core::IfName;
use ipmp_core::kernel::{ALIAS, Link};
use ipmp_netlink::{Client, Error, Kind};
use nix::errno::Errno;

use crate::tun::{Tun, TunError};

/// The IPMP interfaces, and the tuns among them whose carrier this process holds.
#[derive(Default)]
pub(crate) struct Interfaces {
    held: BTreeMap<IfName, Tun>,
}

impl Interfaces {
    /// Adopts an interface of that name as it is, or makes one with our alias. It is up then.
    pub(crate) async fn create(&mut self, client: &Client, name: &IfName) -> Result<(), String> {
        match client.link_named(name).await.map_err(sentence)? {
            Some(link) if link.up => Ok(()),
            Some(link) => client.set_up(link.index).await.map_err(sentence),
            None => match client.create_dummy(name, ALIAS).await {
                Err(error) if error.kind() == Kind::NotSupported => create_tun(client, name, &error).await,
                other => other.map_err(sentence),
            },
        }
    }

    /// Deletes the interface if it carries our alias.
    pub(crate) async fn delete(&mut self, client: &Client, name: &IfName) -> Result<(), String> {
        self.held.remove(name);
        match client.link_named(name).await.map_err(sentence)? {
            Some(link) if link.alias.as_deref() == Some(ALIAS) => gone(client.delete_link(name).await),
            Some(_) | None => Ok(()),
        }
    }

    /// Shows the group's state as the carrier of its interface.
    ///
    /// A tun has a carrier only while a process holds it, and refuses to be given one before
    /// (`EPERM`, tun_net_change_carrier in the kernel): so that refusal is when it is taken hold of.
    pub(crate) async fn set_carrier(&mut self, client: &Client, name: &IfName, on: bool) -> Result<(), String> {
        let link = client.link_named(name).await.map_err(sentence)?;
        let Link { index, .. } = link.ok_or_else(|| format!("cannot set the carrier of {name}: no such interface"))?;
        match client.set_carrier(index, on).await {
            Err(error) if error.kind() == Kind::NotPermitted && on => match Tun::hold(name) {
                Ok(tun) => {
                    self.held.insert(name.clone(), tun);
                    settable(client.set_carrier(index, on).await)
                }
                // Not a tun after all, or somebody else's: its carrier is not ours to set.
                Err(TunError::Attach(Errno::EINVAL | Errno::EBUSY)) => Ok(()),
                Err(why) => Err(format!("cannot set the carrier of {name}: {why}")),
            },
            answer => settable(answer),
        }
    }
}

/// Persistent only once it carries our alias: should the daemon die between, nothing is left behind.
async fn create_tun(client: &Client, name: &IfName, no_dummy: &Error) -> Result<(), String> {
    let refused = |why: String| {
        format!(
            "{no_dummy}, and a tun in its place neither: {why}; load the dummy module, give the daemon \
             /dev/net/tun, or create an interface named {name}"
        )
    };
    let tun = Tun::create(name).map_err(|error| refused(error.to_string()))?;
    let link = client.link_named(name).await.map_err(sentence)?;
    let Link { index, .. } = link.ok_or_else(|| refused("it is gone as soon as made".into()))?;
    client.set_alias(index, ALIAS).await.map_err(sentence)?;
    client.generate_no_addresses(index).await.map_err(sentence)?;
    tun.persist().map_err(|error| refused(error.to_string()))?;
    client.set_up(index).await.map_err(sentence)
}

/// What is gone already is deleted.
pub(crate) fn gone(answer: Result<(), Error>) -> Result<(), String> {
    match answer {
        Err(error) if matches!(error.kind(), Kind::NotFound | Kind::NoDevice) => Ok(()),
        other => other.map_err(sentence),
    }
}

/// A type of interface without a settable carrier is left as it is.
fn settable(answer: Result<(), Error>) -> Result<(), String> {
    match answer {
        Err(error) if error.kind() == Kind::NotSupported => Ok(()),
        other => other.map_err(sentence),
    }
}

pub(crate) fn sentence(error: Error) -> String {
    error.to_string()
}
