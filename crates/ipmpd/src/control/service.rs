//! What the server says to one client: each call is answered here where it is about the interface itself, and
//! else is one question to the main loop; but for the streams of probes and events, which go on until the client leaves.

use std::fmt::Debug;
use std::io;
use std::rc::Rc;

use ipmp_control::{
    Addresses, Call, Changed, DESCRIPTION, Forecast, INTERFACE, Message, Probes, Problems, Refusal, Snapshot,
};
use ipmp_core::status::TargetMode;
use ipmp_core::{Command, IfName, Instant, Status};
use nix::unistd::Uid;
use serde::Serialize;
use tokio::net::UnixStream;
use tokio::sync::{mpsc, oneshot};
use zlink::varlink_service::{self, Info};
use zlink::{Connection, Reply};

use super::admins::Admins;
use super::events::{Board, Follow};
use super::probes::{Hub, Watch};
use super::socket::{Idle, Limited};
use super::{Request, wire};
use crate::check;

/// What all clients are served from.
pub struct Server {
    /// Where questions go.
    pub requests: mpsc::Sender<Request>,
    /// Probes, to be watched.
    pub hub: Rc<Hub>,
    /// Events, to be followed.
    pub board: Rc<Board>,
    /// Who may change anything.
    pub admins: Admins,
}

/// A client as the server sees it.
pub struct Client {
    /// What it is served from.
    pub server: Rc<Server>,
    /// Whose it is.
    pub user: Uid,
}

/// What comes of a call.
enum Outcome {
    Done,
    Answer(Answer),
    /// Probes, of which the first reply was due at that moment.
    Watch(Watch, Instant),
    /// Events.
    Follow(Follow),
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Answer {
    Info(Info<'static>),
    Description { description: String },
    Status(Snapshot),
    Changed(Changed),
    Addresses(Addresses),
    Forecast(Forecast),
    Problems(Problems),
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Failure {
    Refused(Refusal),
    Misunderstood(varlink_service::Error<'static>),
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Failure::Refused(refusal)
    }
}

impl From<varlink_service::Error<'static>> for Failure {
    fn from(error: varlink_service::Error<'static>) -> Self {
        Failure::Misunderstood(error)
    }
}

impl Client {
    /// Serves it until it leaves, or breaks a limit or the protocol, which is the error.
    pub async fn serve(self, stream: UnixStream, idle: Idle) -> zlink::Result<()> {
        let mut connection = Connection::new(Limited::new(stream, idle));
        loop {
            let (call, _) = match connection.receive_call::<Message>().await {
                Err(zlink::Error::UnexpectedEof) => return Ok(()),
                received => received?,
            };
            let outcome = match Call::understand(&call) {
                Ok(asked) => self.carry_out(asked).await,
                Err(error) => Err(error.into()),
            };
            match outcome {
                _ if call.oneway() => {}
                Ok(Outcome::Done) => connection.send_reply(&Reply::<()>::new(None), Vec::new()).await?,
                Ok(Outcome::Answer(answer)) => connection.send_reply(&answer.into(), Vec::new()).await?,
                Ok(Outcome::Watch(watch, begun)) => return show(&mut connection, watch, begun).await,
                Ok(Outcome::Follow(follow)) => return tell(&mut connection, follow).await,
                Err(failure) => connection.send_error(&failure, Vec::new()).await?,
            }
        }
    }

    async fn carry_out(&self, call: Call) -> Result<Outcome, Failure> {
        match call {
            Call::GetInfo => Ok(Outcome::Answer(Answer::Info(info()))),
            Call::GetInterfaceDescription { interface } => describe(interface).map(Outcome::Answer),
            Call::Status => {
                let (status, now) = self.ask(Request::Status).await?;
                Ok(Outcome::Answer(Answer::Status(wire::snapshot(status, now))))
            }
            Call::Probes => {
                let watch = self.server.hub.watch();
                let (status, begun) = self.ask(Request::Status).await?;
                if probes(&status) { Ok(Outcome::Watch(watch, begun)) } else { Err(Refusal::NothingProbed.into()) }
            }
            Call::Offline { interface } => self.command(interface, Command::Offline).await,
            Call::Online { interface } => self.command(interface, Command::Online).await,
            Call::Change(change) => {
                let changed = self.change(|answer| Request::Change(Box::new(change), answer)).await??;
                Ok(Outcome::Answer(Answer::Changed(changed)))
            }
            Call::Confirm => Ok(self.change(Request::Confirm).await?.map(|_| Outcome::Done)?),
            Call::Revert => Ok(self.change(Request::Revert).await?.map(|_| Outcome::Done)?),
            Call::Addresses => {
                let addresses = self.ask(Request::Addresses).await?;
                Ok(Outcome::Answer(Answer::Addresses(wire::addresses(addresses))))
            }
            Call::WhatIf { fail } => self.what_if(fail).await,
            Call::Check => self.check().await,
            Call::Events { after } => Ok(Outcome::Follow(self.server.board.follow(after))),
            Call::Reload => {
                let outcome = self.change(Request::Reload).await?;
                outcome.map(|()| Outcome::Done).map_err(|findings| Refusal::ReloadRefused { findings }.into())
            }
        }
    }

    /// Looks at the host, by a thread of its own: that waits for the kernel, and for frames.
    async fn check(&self) -> Result<Outcome, Failure> {
        self.must_be_admin().await?;
        let (status, now) = self.ask(Request::Status).await?;
        let snapshot = wire::snapshot(status, now);
        let checked = tokio::task::spawn_blocking(move || check::run(snapshot)).await;
        checked.map(|problems| Outcome::Answer(Answer::Problems(problems))).map_err(|_| Refusal::Stopping.into())
    }

    /// Where everything would go.
    async fn what_if(&self, fail: Vec<String>) -> Result<Outcome, Failure> {
        let (status, _) = self.ask(Request::Status).await?;
        let members = || status.groups.iter().flat_map(|group| &group.members);
        let unknown = |name: &&String| !members().any(|member| member.interface.as_str() == name.as_str());
        if let Some(interface) = fail.iter().find(unknown).cloned() {
            return Err(Refusal::UnknownInterface { interface }.into());
        }
        let names = fail.iter().filter_map(|name| name.parse().ok()).collect();
        let (rehearsal, now) = self.ask(|answer| Request::WhatIf(names, answer)).await?;
        Ok(Outcome::Answer(Answer::Forecast(wire::forecast(rehearsal, now))))
    }

    async fn command(&self, interface: String, command: fn(IfName) -> Command) -> Result<Outcome, Failure> {
        let Ok(name) = interface.parse() else { return Err(Refusal::UnknownInterface { interface }.into()) };
        let outcome = self.change(|answer| Request::Command(command(name), answer)).await?;
        outcome.map(|()| Outcome::Done).map_err(|refusal| wire::refusal(refusal).into())
    }

    async fn change<T>(&self, request: impl FnOnce(oneshot::Sender<T>) -> Request) -> Result<T, Refusal> {
        self.must_be_admin().await?;
        self.ask(request).await
    }

    async fn must_be_admin(&self) -> Result<(), Refusal> {
        if self.server.admins.has(self.user).await { Ok(()) } else { Err(Refusal::PermissionDenied) }
    }

    async fn ask<T>(&self, request: impl FnOnce(oneshot::Sender<T>) -> Request) -> Result<T, Refusal> {
        let (answer, answered) = oneshot::channel();
        self.server.requests.send(request(answer)).await.map_err(|_| Refusal::Stopping)?;
        answered.await.map_err(|_| Refusal::Stopping)
    }
}

/// Whether any member is probed.
fn probes(status: &Status) -> bool {
    let mut probing = status.groups.iter().flat_map(|group| &group.members).flat_map(|member| &member.probing);
    probing.any(|probing| probing.mode != TargetMode::Disabled)
}

/// Shows probes. The first reply is empty: it tells the client that it has begun.
async fn show(connection: &mut Connection<Limited>, mut watch: Watch, begun: Instant) -> zlink::Result<()> {
    let next = async || {
        let (missed, reports) = watch.next().await;
        Probes { missed, probes: reports.into_iter().map(|report| wire::probe(report, begun)).collect() }
    };
    stream(connection, Probes::default(), next).await
}

/// Tells events. The first reply has what is kept, and may be empty.
async fn tell(connection: &mut Connection<Limited>, mut follow: Follow) -> zlink::Result<()> {
    let kept = follow.kept();
    stream(connection, kept, async || follow.next().await).await
}

/// Sends what comes next, and next, until the client leaves, or does not fetch a reply in time, or says anything.
async fn stream<T: Serialize + Debug>(
    connection: &mut Connection<Limited>,
    first: T,
    mut next: impl AsyncFnMut() -> T,
) -> zlink::Result<()> {
    let mut told = first;
    loop {
        let reply = Reply::from(told).set_continues(Some(true));
        connection.send_reply(&reply, Vec::new()).await?;
        told = tokio::select! {
            next = next() => next,
            heard = connection.read_mut().receive_call::<Message>() => return match heard {
                Err(zlink::Error::UnexpectedEof) => Ok(()),
                Err(error) => Err(error),
                Ok(_) => Err(io::Error::other("another call in the midst of a stream").into()),
            },
        };
    }
}

fn info() -> Info<'static> {
    let interfaces = [INTERFACE, varlink_service::INTERFACE_NAME.as_str()];
    Info::new("ipmpd", "ipmpd", env!("CARGO_PKG_VERSION"), "", interfaces).expect("both are names of interfaces")
}

fn describe(interface: String) -> Result<Answer, Failure> {
    let description = match interface.as_str() {
        INTERFACE => DESCRIPTION.to_owned(),
        name if name == varlink_service::INTERFACE_NAME.as_str() => varlink_service::DESCRIPTION.to_string(),
        _ => return Err(varlink_service::Error::InterfaceNotFound { interface: interface.into() }.into()),
    };
    Ok(Answer::Description { description })
}
