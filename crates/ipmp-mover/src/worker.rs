//! The thread's side: takes commands in order, and carries out each change of a transaction in order.

use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ipmp_core::event::Outcome;
use ipmp_core::{Announcement, Change, IfIndex, Transaction, TransactionId};
use ipmp_netlink::{Client, Error, Kind};
use tokio::sync::mpsc;

use crate::announcer::Announcer;
use crate::interface::{Interfaces, gone, sentence};

/// What the thread is asked for.
pub(crate) enum Command {
    Apply(Transaction),
    Announce(Vec<Announcement>),
}

/// A transaction, and what became of each of its changes.
pub(crate) type Answer = (TransactionId, Vec<Outcome>);

pub(crate) struct Worker {
    client: Client,
    announcer: Announcer,
    interfaces: Interfaces,
    answer: mpsc::UnboundedSender<Answer>,
    lost: Arc<AtomicU64>,
}

impl Worker {
    /// Opens the sockets, in the network namespace of the calling thread and the current Tokio runtime.
    pub(crate) fn open(answer: mpsc::UnboundedSender<Answer>, lost: Arc<AtomicU64>) -> io::Result<Worker> {
        Ok(Worker {
            client: Client::connect().map_err(io::Error::other)?,
            announcer: Announcer::open()?,
            interfaces: Interfaces::default(),
            answer,
            lost,
        })
    }

    /// Carries out commands until nobody can send any more.
    pub(crate) async fn run(mut self, mut queue: mpsc::Receiver<Command>) {
        while let Some(command) = queue.recv().await {
            self.announcer.begin();
            match command {
                Command::Apply(transaction) => self.apply(transaction).await,
                Command::Announce(announcements) => self.announce(&announcements).await,
            }
        }
    }

    async fn apply(&mut self, transaction: Transaction) {
        let mut refused = RefusedAddresses::default();
        let mut outcomes = Vec::with_capacity(transaction.changes.len());
        for change in &transaction.changes {
            let outcome = if refused.hinder(change) {
                Outcome::Skipped
            } else {
                match self.carry_out(change).await {
                    Ok(()) => Outcome::Done,
                    Err(why) => {
                        refused.note(change);
                        Outcome::Refused(why)
                    }
                }
            };
            tracing::debug!(?change, ?outcome);
            outcomes.push(outcome);
        }
        // Nobody is there to be told only while the daemon ends.
        let _ = self.answer.send((transaction.id, outcomes));
    }

    async fn announce(&mut self, announcements: &[Announcement]) {
        for announcement in announcements {
            if let Err(why) = self.announcer.send(announcement).await {
                self.lost.fetch_add(1, Ordering::Relaxed);
                tracing::debug!(why, "announcement lost");
            }
        }
    }

    async fn carry_out(&mut self, change: &Change) -> Result<(), String> {
        let client = &self.client;
        match change {
            Change::CreateInterface(name) => self.interfaces.create(client, name).await,
            Change::DeleteInterface(name) => self.interfaces.delete(client, name).await,
            Change::SetUp(index) => client.set_up(*index).await.map_err(sentence),
            Change::SetCarrier { name, on } => self.interfaces.set_carrier(client, name, *on).await,
            Change::Tune { index, tunables } => client.set_tunables(*index, tunables).await.map_err(sentence),
            Change::AddAddress { key, scope } => there(client.add_address(key, *scope).await),
            Change::DeleteAddress(key) => gone(client.delete_address(key).await),
            Change::PutRoute { route, present } => client.put_route(route, present).await.map_err(sentence),
            Change::DeleteRoute(key) => gone(client.delete_route(key).await),
            Change::Announce(announcement) => self.announcer.send(announcement).await,
            Change::Take { foreign, with } => client.take(foreign, with.as_ref()).await.map_err(sentence),
            Change::Give { foreign, replaces } => client.give(foreign, replaces.as_ref()).await.map_err(sentence),
        }
    }
}

/// What is there already is added.
fn there(answer: Result<(), Error>) -> Result<(), String> {
    match answer {
        Err(error) if error.kind() == Kind::Exists => Ok(()),
        other => other.map_err(sentence),
    }
}

/// The addresses that a transaction could not add, and so must neither take from where they are, nor
/// announce where they are not.
#[derive(Default)]
struct RefusedAddresses(BTreeSet<(IpAddr, IfIndex)>);

impl RefusedAddresses {
    fn note(&mut self, change: &Change) {
        if let Change::AddAddress { key, .. } = change {
            self.0.insert((key.address.addr(), key.index));
        }
    }

    fn hinder(&self, change: &Change) -> bool {
        match change {
            Change::DeleteAddress(key) => self.0.iter().any(|(address, _)| *address == key.address.addr()),
            Change::Announce(it) => self.0.contains(&(it.address, it.index)),
            Change::CreateInterface(_)
            | Change::DeleteInterface(_)
            | Change::SetUp(_)
            | Change::SetCarrier { .. }
            | Change::Tune { .. }
            | Change::AddAddress { .. }
            | Change::PutRoute { .. }
            | Change::DeleteRoute(_)
            | Change::Take { .. }
            | Change::Give { .. } => false,
        }
    }
}
