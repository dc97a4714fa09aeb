//! The command line of `ipmpadm`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::program::Daemon;

/// Administer IPMP groups
#[derive(Parser, Debug)]
#[command(name = "ipmpadm", version, arg_required_else_help = false)]
pub struct Ipmpadm {
    /// What to do
    #[command(subcommand)]
    pub verb: Verb,
    /// Where the daemon is
    #[command(flatten)]
    pub daemon: Daemon,
}

/// How long a change lasts.
#[derive(Args, Clone, Debug, Default)]
pub struct Lasting {
    /// Temporary: until the next reload; the configuration file stays as it is
    #[arg(short)]
    pub temporary: bool,
    /// Only print every change that would be made to the kernel
    #[arg(long)]
    pub dry_run: bool,
    /// Undo everything unless `ipmpadm confirm` follows within so many seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds, conflicts_with = "dry_run")]
    pub confirm: Option<Duration>,
}

/// What to do.
#[derive(Subcommand, Debug)]
pub enum Verb {
    /// Make a group
    ///
    /// Interfaces that join hand over their addresses and routes to it, without a packet lost.
    CreateIpmp {
        /// Members
        #[arg(short, value_name = "IF[,IF…]", value_delimiter = ',')]
        interfaces: Vec<String>,
        /// The group's name [default: that of the IPMP interface]
        #[arg(long, value_name = "NAME")]
        group: Option<String>,
        /// The IPMP interface
        #[arg(value_name = "IPMP_IF")]
        ipmp: String,
        /// How long it lasts
        #[command(flatten)]
        lasting: Lasting,
    },
    /// Delete a group
    ///
    /// Refused while it has members, unless one of them gets its addresses and routes.
    DeleteIpmp {
        /// The member that the addresses and routes go to
        #[arg(long, value_name = "IF")]
        to: Option<String>,
        /// The IPMP interface
        #[arg(value_name = "IPMP_IF")]
        ipmp: String,
        /// How long it lasts
        #[command(flatten)]
        lasting: Lasting,
    },
    /// Add members to a group
    ///
    /// One that is in another group leaves it. Their addresses and routes become the group's, without a packet lost.
    AddIpmp {
        /// Members
        #[arg(short, value_name = "IF[,IF…]", value_delimiter = ',', required = true)]
        interfaces: Vec<String>,
        /// The IPMP interface
        #[arg(value_name = "IPMP_IF")]
        ipmp: String,
        /// How long it lasts
        #[command(flatten)]
        lasting: Lasting,
    },
    /// Remove members from a group
    RemoveIpmp {
        /// Members
        #[arg(short, value_name = "IF[,IF…]", value_delimiter = ',', required = true)]
        interfaces: Vec<String>,
        /// The IPMP interface
        #[arg(value_name = "IPMP_IF")]
        ipmp: String,
        /// How long it lasts
        #[command(flatten)]
        lasting: Lasting,
    },
    /// Add a data address to an IPMP interface, or a test address to a member
    CreateAddr {
        /// The address with its prefix length
        #[arg(short, value_name = "ADDR/LEN")]
        address: String,
        /// Known, but not used yet
        #[arg(long)]
        down: bool,
        /// The IPMP interface or member
        #[arg(value_name = "IF")]
        interface: String,
        /// How long it lasts
        #[command(flatten)]
        lasting: Lasting,
    },
    /// Delete a data or test address
    DeleteAddr {
        /// The address
        #[arg(value_name = "ADDR")]
        address: String,
        /// How long it lasts
        #[command(flatten)]
        lasting: Lasting,
    },
    /// Set a property of a member or group
    ///
    /// Of a member: standby. Of a group: failback, fdt (the failure detection time), targets, targets-exclusive, gateways, and
    /// every other key of the configuration by its name. Lists are separated by commas.
    Set {
        /// The property; without a value, the default
        #[arg(short, value_name = "NAME=[VALUE]", required = true)]
        property: String,
        /// The member, IPMP interface or group
        #[arg(value_name = "IF|GROUP")]
        name: String,
        /// How long it lasts
        #[command(flatten)]
        lasting: Lasting,
    },
    /// Take a member out of service
    ///
    /// Its data addresses move to other members of the group; refused where there is none that works.
    Offline {
        /// The member
        #[arg(value_name = "IF")]
        interface: String,
    },
    /// Take a member back into service
    Online {
        /// The member
        #[arg(value_name = "IF")]
        interface: String,
    },
    /// Take the Solaris command
    ///
    /// For example `ipmpadm ifconfig ipmp0 ipmp group acctg`, `ipmpadm ifconfig eth0 group acctg`.
    Ifconfig {
        /// Its words
        #[arg(value_name = "WORD", trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        words: Vec<String>,
    },
    /// Print the configuration that files of Solaris make
    ///
    /// They are /etc/hostname.*, /etc/hostname6.* and /etc/default/mpathd; what is doubtful in them is told.
    Import {
        /// Where they are
        #[arg(long, value_name = "DIR", default_value = "/")]
        root: PathBuf,
    },
    /// Say what is wrong with this host, or with a configuration; ends with 1 if anything is
    Check {
        /// Only check this configuration
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Tell where every address and route would go if members failed
    ///
    /// Nothing is touched.
    WhatIf {
        /// The members that fail
        #[arg(long, value_name = "IF[,IF…]", value_delimiter = ',', required = true)]
        fail: Vec<String>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Print every event as it happens
    Monitor {
        /// A JSON object a line
        #[arg(long)]
        json: bool,
        /// Begin after the event of this number, as far as they are kept
        #[arg(long, value_name = "NUMBER")]
        after: Option<u64>,
    },
    /// Keep a change that waits to be confirmed
    Confirm,
    /// Undo a change that waits to be confirmed, at once
    Revert,
    /// Tell why a member is what it is, and what it waits for
    Explain {
        /// The member
        #[arg(value_name = "IF")]
        interface: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Have the daemon read its configuration again
    ///
    /// Returns when it is in force, or with the mistakes for which it is refused whole.
    Reload,
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(seconds @ 1..=86_400) => Ok(Duration::from_secs(seconds)),
        _ => Err("a number from 1 to 86400".into()),
    }
}
