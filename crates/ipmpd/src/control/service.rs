//! What the server says: the methods of the interface, each one question to the main loop.

use ipmp_control::{
    Address, Family, Group, GroupState, LinkState, Member, MemberState, ProbeState, Probing, Reason, Refusal, Snapshot,
    Target, TargetMode,
};
use ipmp_core::{Command, IfName};
use tokio::sync::{mpsc, oneshot};

use super::{Request, wire};

/// The service to one client.
pub struct Control {
    requests: mpsc::Sender<Request>,
    may_change: bool,
}

impl Control {
    /// Asks by `requests`; for changes only where the client may.
    pub fn new(requests: mpsc::Sender<Request>, may_change: bool) -> Self {
        Self { requests, may_change }
    }

    async fn ask<T>(&self, request: impl FnOnce(oneshot::Sender<T>) -> Request) -> Result<T, Refusal> {
        let (answer, answered) = oneshot::channel();
        self.requests.send(request(answer)).await.map_err(|_| Refusal::Stopping)?;
        answered.await.map_err(|_| Refusal::Stopping)
    }

    async fn change<T>(&self, request: impl FnOnce(oneshot::Sender<T>) -> Request) -> Result<T, Refusal> {
        if !self.may_change {
            return Err(Refusal::PermissionDenied);
        }
        self.ask(request).await
    }

    async fn command(&self, interface: String, command: fn(IfName) -> Command) -> Result<(), Refusal> {
        match interface.parse() {
            Ok(name) => self.change(|answer| Request::Command(command(name), answer)).await?.map_err(wire::refusal),
            Err(_) => Err(Refusal::UnknownInterface { interface }),
        }
    }
}

/// Shows and changes the IPMP groups of this host.
#[zlink::service(
    interface = "io.ipmpd.Control",
    types = [
        Group, GroupState, Member, LinkState, ProbeState, MemberState, Reason, Probing, Family, TargetMode,
        Target, Address,
    ],
    vendor = "ipmpd",
    product = "ipmpd",
    version = env!("CARGO_PKG_VERSION")
)]
impl Control {
    /// Everything at one moment, consistent in itself.
    async fn status(&self) -> Result<Snapshot, Refusal> {
        let (status, now) = self.ask(Request::Status).await?;
        Ok(wire::snapshot(status, now))
    }

    /// Takes a member out of service; its data addresses move to other members of the group.
    async fn offline(&self, interface: String) -> Result<(), Refusal> {
        self.command(interface, Command::Offline).await
    }

    /// Takes it back into service.
    async fn online(&self, interface: String) -> Result<(), Refusal> {
        self.command(interface, Command::Online).await
    }

    /// Reads the configuration again and applies what changed, as SIGHUP does; returns when that is done.
    async fn reload(&self) -> Result<(), Refusal> {
        self.change(Request::Reload).await?.map_err(|findings| Refusal::ReloadRefused { findings })
    }
}
