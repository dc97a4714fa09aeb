//! What the server says to one client: each call is answered here where it is about the interface itself, and
//! else is one question to the main loop.

use ipmp_control::{Call, DESCRIPTION, INTERFACE, Message, Refusal, Snapshot};
use ipmp_core::{Command, IfName};
use serde::Serialize;
use tokio::net::UnixStream;
use tokio::sync::{mpsc, oneshot};
use zlink::varlink_service::{self, Info};
use zlink::{Connection, Reply};

use super::socket::{Idle, Limited};
use super::{Request, wire};

/// A client as the server sees it.
pub struct Client {
    /// Where its questions go.
    pub requests: mpsc::Sender<Request>,
    /// Whether it may change anything.
    pub may_change: bool,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Answer {
    Info(Info<'static>),
    Description { description: String },
    Status(Snapshot),
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
            let answer = match Call::understand(&call) {
                Ok(asked) => self.answer(asked).await,
                Err(error) => Err(error.into()),
            };
            match answer {
                _ if call.oneway() => {}
                Ok(answer) => connection.send_reply(&Reply::new(answer), Vec::new()).await?,
                Err(failure) => connection.send_error(&failure, Vec::new()).await?,
            }
        }
    }

    async fn answer(&self, call: Call) -> Result<Option<Answer>, Failure> {
        match call {
            Call::GetInfo => Ok(Some(Answer::Info(info()))),
            Call::GetInterfaceDescription { interface } => describe(interface).map(Some),
            Call::Status => {
                let (status, now) = self.ask(Request::Status).await?;
                Ok(Some(Answer::Status(wire::snapshot(status, now))))
            }
            Call::Offline { interface } => self.command(interface, Command::Offline).await,
            Call::Online { interface } => self.command(interface, Command::Online).await,
            Call::Reload => {
                let outcome = self.change(Request::Reload).await?;
                outcome.map(|()| None).map_err(|findings| Refusal::ReloadRefused { findings }.into())
            }
        }
    }

    async fn command(&self, interface: String, command: fn(IfName) -> Command) -> Result<Option<Answer>, Failure> {
        let Ok(name) = interface.parse() else { return Err(Refusal::UnknownInterface { interface }.into()) };
        let outcome = self.change(|answer| Request::Command(command(name), answer)).await?;
        outcome.map(|()| None).map_err(|refusal| wire::refusal(refusal).into())
    }

    async fn change<T>(&self, request: impl FnOnce(oneshot::Sender<T>) -> Request) -> Result<T, Refusal> {
        if self.may_change { self.ask(request).await } else { Err(Refusal::PermissionDenied) }
    }

    async fn ask<T>(&self, request: impl FnOnce(oneshot::Sender<T>) -> Request) -> Result<T, Refusal> {
        let (answer, answered) = oneshot::channel();
        self.requests.send(request(answer)).await.map_err(|_| Refusal::Stopping)?;
        answered.await.map_err(|_| Refusal::Stopping)
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
