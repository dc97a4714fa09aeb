//! The control server: a Varlink service on a Unix socket (`docs/control.md`).
//!
//! It knows clients and their limits, and nothing of IPMP: whatever is asked goes to the main loop as a
//! [`Request`] and comes back by the channel in it. It has a thread of its own, so that a client that asks
//! much, or for much, never delays a probe; all that a request costs the main loop is the answer itself.
//!
//! Tasks: one accepts and keeps the table of clients; one hands on what the main loop tells of probes, and one what
//! the log tells of events; one for each client, which waits on its socket or for the main loop, holds nothing else, and may be cancelled
//! anywhere. All end with the receiver of requests.

mod admins;
mod events;
mod probes;
mod service;
mod socket;
mod wire;

#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use ipmp_control::{Change, Event};
use ipmp_core::rehearsal::Rehearsal;
use ipmp_core::{Command, IfName, Instant, Refusal, Status};
use ipnet::IpNet;
use nix::unistd::Uid;
use tokio::net::{UnixListener, UnixStream};
use tokio::runtime::Builder;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{AbortHandle, Id, JoinSet, LocalSet};

use crate::driver::{Reloaded, Waiter};

pub use self::admins::Admins;
use self::events::Board;
use self::probes::Hub;
pub use self::probes::{Feed, Source, stream};
use self::service::Server;
use self::socket::Idle;

/// Clients served at once. One more evicts another, see [`Clients::evict`].
const CLIENTS_MAX: usize = 64;

/// Events that wait for the server, which is behind by so many only where it does not get to run.
pub const EVENTS_MAX: usize = 1024;

/// How long to wait where the kernel can not hand out a connection, as when descriptors have run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What a client wants of the main loop. Dropping the sender says that the daemon is stopping.
#[derive(Debug)]
pub enum Request {
    /// What the core knows, and the moment at which it does.
    Status(oneshot::Sender<(Status, Instant)>),
    /// Something to be done by the core; answered when the core does.
    Command(Command, oneshot::Sender<Result<(), Refusal>>),
    /// Read the configuration again, as SIGHUP does; answered with the outcome, where refused all findings as
    /// they would be shown to a person.
    Reload(Reloaded),
    /// Change the configuration; answered once that is in force, or refused.
    Change(Box<Change>, Waiter),
    /// Keep a change that waits to be confirmed.
    Confirm(Waiter),
    /// Take it back.
    Revert(Waiter),
    /// Every address that is configured.
    Addresses(oneshot::Sender<Vec<(IfName, IpNet, bool)>>),
    /// What would happen if these interfaces lost their link, and the moment at which that would be.
    WhatIf(Vec<IfName>, oneshot::Sender<(Rehearsal, Instant)>),
}

/// Makes the socket, in place of one that an earlier daemon left. Everyone may connect: reading needs no
/// privilege, and what does is checked with each call. Whoever calls holds the lock on the directory.
pub fn bind(path: &Path) -> io::Result<UnixListener> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o666))?;
    Ok(listener)
}

/// What clients may watch.
pub struct Watched {
    /// What becomes of probes.
    pub probes: Source,
    /// What is logged.
    pub events: mpsc::Receiver<Arc<Event>>,
}

/// Serves clients until the receiver of `requests` is gone. `admins` may change things.
pub fn serve(
    listener: UnixListener,
    requests: mpsc::Sender<Request>,
    watched: Watched,
    admins: Admins,
) -> io::Result<()> {
    let listener = listener.into_std()?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let run = move || {
        LocalSet::new().block_on(&runtime, async {
            match UnixListener::from_std(listener) {
                Ok(listener) => accept(listener, requests, watched, admins).await,
                Err(error) => tracing::error!("Control socket lost: {error}"),
            }
        });
    };
    thread::Builder::new().name("control".into()).spawn(run)?;
    Ok(())
}

async fn accept(listener: UnixListener, requests: mpsc::Sender<Request>, watched: Watched, admins: Admins) {
    let (hub, forward) = Hub::new(watched.probes);
    tokio::task::spawn_local(forward);
    let (board, forward) = Board::new(watched.events);
    tokio::task::spawn_local(forward);
    let server = Rc::new(Server { requests: requests.clone(), hub, board, admins });
    let mut clients = Clients::default();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => clients.admit(stream, &server),
                Err(error) => {
                    tracing::warn!("Control connection not accepted: {error}");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(ended) = clients.tasks.join_next_with_id() => {
                let id = ended.map_or_else(|failed| failed.id(), |(id, ())| id);
                clients.table.remove(&id);
            }
            () = requests.closed() => return,
        }
    }
}

/// The clients being served.
#[derive(Default)]
struct Clients {
    tasks: JoinSet<()>,
    table: HashMap<Id, Client>,
}

struct Client {
    uid: u32,
    idle: Idle,
    task: AbortHandle,
}

impl Clients {
    fn admit(&mut self, stream: UnixStream, server: &Rc<Server>) {
        let uid = match stream.peer_cred() {
            Ok(peer) => peer.uid(),
            Err(error) => return tracing::warn!("Control connection without credentials: {error}"),
        };
        if self.table.len() >= CLIENTS_MAX {
            self.evict(uid);
        }
        let idle = Idle::default();
        let client = service::Client { server: server.clone(), user: Uid::from_raw(uid) };
        let served = client.serve(stream, idle.clone());
        let task = self.tasks.spawn_local(async move {
            if let Err(error) = served.await {
                tracing::debug!("Control client of user {uid} cut off: {error}");
            }
        });
        self.table.insert(task.id(), Client { uid, idle, task });
    }

    /// Makes room for a client of user `newcomer`: of the user that has most clients, the one idle longest, so
    /// that no user can keep out another.
    fn evict(&mut self, newcomer: u32) {
        let count = |uid| self.table.values().filter(|client| client.uid == uid).count() + usize::from(uid == newcomer);
        let rank = |client: &Client| {
            let since = client.idle.since();
            (Reverse(count(client.uid)), since.is_none(), since)
        };
        let victim = self.table.iter().min_by_key(|(_, client)| rank(client)).map(|(id, _)| *id);
        if let Some(client) = victim.and_then(|id| self.table.remove(&id)) {
            tracing::debug!("Control client of user {} evicted: there are {CLIENTS_MAX} others", client.uid);
            client.task.abort();
        }
    }
}
