//! What a client asks for, as the server understands it. Pure: a call may have any name and any parameters,
//! and is either one of ours or an error of Varlink's own.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use zlink::varlink_service::Error;

use crate::Edit;

/// A call as it stands in a message.
#[derive(Debug, Deserialize)]
pub struct Message {
    method: String,
    #[serde(default)]
    parameters: Value,
}

/// Everything that may be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// `org.varlink.service.GetInfo`
    GetInfo,
    /// `org.varlink.service.GetInterfaceDescription`
    GetInterfaceDescription {
        /// The Varlink interface.
        interface: String,
    },
    /// `io.ipmpd.Control.Status`
    Status,
    /// `io.ipmpd.Control.Probes`
    Probes,
    /// `io.ipmpd.Control.Offline`
    Offline {
        /// The member.
        interface: String,
    },
    /// `io.ipmpd.Control.Online`
    Online {
        /// The member.
        interface: String,
    },
    /// `io.ipmpd.Control.Reload`
    Reload,
    /// `io.ipmpd.Control.Change`
    Change(Change),
    /// `io.ipmpd.Control.Confirm`
    Confirm,
    /// `io.ipmpd.Control.Revert`
    Revert,
    /// `io.ipmpd.Control.Addresses`
    Addresses,
    /// `io.ipmpd.Control.WhatIf`
    WhatIf {
        /// The members that fail.
        fail: Vec<String>,
    },
    /// `io.ipmpd.Control.Check`
    Check,
    /// `io.ipmpd.Control.Events`
    Events {
        /// The number of the last event that is known; none for those to come.
        after: Option<u64>,
    },
}

/// The parameters of `Change`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// What is to be done, all of it or nothing.
    pub edits: Vec<Edit>,
    /// Gone with the next reload, because it is not written to the configuration.
    pub temporary: bool,
    /// Only tell what would be done.
    pub dry_run: bool,
    /// Undone after so long unless it is confirmed.
    pub confirm_ms: Option<u64>,
}

impl Call {
    /// Parameters that no method has are passed over, as a newer client may know more of them.
    ///
    /// # Errors
    ///
    /// What is to be sent back where there is no such method, or it has not the parameters that it needs.
    pub fn understand(call: &zlink::Call<Message>) -> Result<Self, Error<'static>> {
        if call.upgrade() {
            return Err(invalid("upgrade"));
        }
        let Message { method, parameters } = call.method();
        let interface = || text(parameters, "interface");
        Ok(match method.as_str() {
            "org.varlink.service.GetInfo" => Call::GetInfo,
            "org.varlink.service.GetInterfaceDescription" => Call::GetInterfaceDescription { interface: interface()? },
            "io.ipmpd.Control.Status" => Call::Status,
            "io.ipmpd.Control.Probes" if call.more() => Call::Probes,
            "io.ipmpd.Control.Probes" => return Err(Error::ExpectedMore),
            "io.ipmpd.Control.Offline" => Call::Offline { interface: interface()? },
            "io.ipmpd.Control.Online" => Call::Online { interface: interface()? },
            "io.ipmpd.Control.Reload" => Call::Reload,
            "io.ipmpd.Control.Change" => Call::Change(Change {
                edits: parameter(parameters, "edits")?,
                temporary: parameter(parameters, "temporary")?,
                dry_run: parameter(parameters, "dry_run")?,
                confirm_ms: parameter(parameters, "confirm_ms")?,
            }),
            "io.ipmpd.Control.Confirm" => Call::Confirm,
            "io.ipmpd.Control.Revert" => Call::Revert,
            "io.ipmpd.Control.Addresses" => Call::Addresses,
            "io.ipmpd.Control.WhatIf" => Call::WhatIf { fail: parameter(parameters, "fail")? },
            "io.ipmpd.Control.Check" => Call::Check,
            "io.ipmpd.Control.Events" if call.more() => Call::Events { after: parameter(parameters, "after")? },
            "io.ipmpd.Control.Events" => return Err(Error::ExpectedMore),
            _ => return Err(Error::MethodNotFound { method: method.clone().into() }),
        })
    }
}

fn text(parameters: &Value, name: &'static str) -> Result<String, Error<'static>> {
    parameters[name].as_str().map(str::to_owned).ok_or_else(|| invalid(name))
}

fn parameter<T: DeserializeOwned>(parameters: &Value, name: &'static str) -> Result<T, Error<'static>> {
    serde_json::from_value(parameters[name].clone()).map_err(|_| invalid(name))
}

fn invalid(parameter: &'static str) -> Error<'static> {
    Error::InvalidParameter { parameter: parameter.into() }
}
