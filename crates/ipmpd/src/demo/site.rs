//! Who plays in the demo: the network, the daemon on its host, the flows through it, and the programs of the
//! administrator.

use std::env;
use std::fs::File;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use ipmp_lab::{CLIENT, Daemon, Flow, Namespace, Network, REMOTE, Report, enter_user_namespace};
use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};

use super::deed::Deed;
use super::stop::Stop;

/// The whole configuration of the host.
pub const CONFIG: &str = include_str!("ipmpd.toml");

/// The data address that the client asks; the member that it is bound to is the one that suffers.
const INBOUND: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 50);

/// The data address from which the host asks.
const OUTBOUND: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 51);

/// The IPMP interface.
const IPMP_INTERFACE: &str = "ipmp0";

/// Packets a second, of each flow.
const RATE: u32 = 1000;

/// Why there is an IPMP interface before the daemon starts.
const STAND_IN: &str = "
This kernel has no dummy interfaces, and this user may not use /dev/net/tun: a
bridge named ipmp0 is made beforehand, which the daemon adopts.
";

/// The programs that are shown, this one among them.
pub struct Programs {
    ipmpd: PathBuf,
    ipmpstat: PathBuf,
    if_mpadm: PathBuf,
}

impl Programs {
    /// Finds the others where this one is.
    pub fn find() -> Result<Self, Stop> {
        let own = env::current_exe().map_err(|error| Stop::Failed(format!("cannot find the own program: {error}")))?;
        let beside = |name: &str| {
            let program = own.with_file_name(name);
            let missing = || {
                let directory = own.parent().unwrap_or(Path::new("/")).display();
                Stop::Failed(format!("{name} is not in {directory}, where ipmpd is: `cargo build` builds all programs"))
            };
            program.is_file().then_some(program).ok_or_else(missing)
        };
        Ok(Self { ipmpstat: beside("ipmpstat")?, if_mpadm: beside("if_mpadm")?, ipmpd: own })
    }
}

/// Everything. All of it goes when this is dropped.
pub struct Site {
    /// The daemon on the host.
    pub daemon: Daemon,
    /// Why the IPMP interface is not the daemon's own, where it is not.
    pub stand_in: Option<&'static str>,
    inbound: Flow,
    outbound: Flow,
    network: Network,
    programs: Programs,
}

impl Site {
    /// Builds it. The packets begin to flow, though nobody answers for the data addresses until the daemon is started.
    pub fn build(programs: Programs) -> Result<Self, Stop> {
        become_able()?;
        let network = Network::new(2).map_err(|error| Stop::Failed(format!("cannot {error}. {WHAT_IT_NEEDS}")))?;
        let host = &network.host;
        let stand_in = stand_in(host)?.then_some(STAND_IN);
        let daemon = Daemon::new(host, &programs.ipmpd, CONFIG)?;
        let inbound = Flow::round_trip((&network.client, CLIENT.into()), (host, INBOUND.into()), RATE)?;
        let outbound = Flow::round_trip((host, OUTBOUND.into()), (&network.remote, REMOTE.into()), RATE)?;
        Ok(Self { daemon, stand_in, inbound, outbound, network, programs })
    }

    /// Whether the daemon has logged this event, about this member where one is given, after so many lines.
    pub fn has_logged(&mut self, after: usize, event: &str, field: Option<(&str, &str)>) -> bool {
        let fits = |line: &&ipmp_lab::LogLine| {
            line.event() == Some(event) && field.is_none_or(|(name, value)| line.has(name, value))
        };
        self.daemon.log()[after..].iter().any(|line| fits(&line))
    }

    /// Whether both flows arrive.
    pub fn is_flowing(&mut self) -> Result<bool, Stop> {
        Ok(self.measure(SystemTime::UNIX_EPOCH)?.dead_flow().is_none())
    }

    /// The member that receives for the client's data address, as the kernel has it.
    pub fn receiver(&self) -> Result<String, Stop> {
        let links = self.network.host.links_with(INBOUND.into())?;
        let member = links.into_iter().find(|link| link != IPMP_INTERFACE);
        member.ok_or_else(|| Stop::Failed(format!("no member carries {INBOUND}")))
    }

    /// Does it.
    pub fn perform(&self, deed: Deed, member: &str) -> Result<(), Stop> {
        let wire = self.network.members.iter().find(|wire| wire.name() == member);
        let wire = wire.ok_or_else(|| Stop::Failed(format!("{member} is not a member")))?;
        match deed {
            Deed::Pull => wire.set_carrier(false)?,
            Deed::Plug => wire.set_carrier(true)?,
            Deed::Silence => wire.silence()?,
            Deed::Mend => wire.mend()?,
            Deed::Offline => drop(output(self.daemon.client(&self.programs.if_mpadm).args(["-d", member]))?),
            Deed::Online => drop(output(self.daemon.client(&self.programs.if_mpadm).args(["-r", member]))?),
        }
        Ok(())
    }

    /// What `ipmpstat` prints in this mode.
    pub fn ipmpstat(&self, mode: &str) -> Result<String, Stop> {
        output(self.daemon.client(&self.programs.ipmpstat).args(["-n", mode]))
    }

    /// What became of the packets since then.
    pub fn measure(&self, since: SystemTime) -> Result<Measured, Stop> {
        let until = SystemTime::now();
        Ok(Measured {
            inbound: self.inbound.report_between(since, until)?,
            outbound: self.outbound.report_between(since, until)?,
        })
    }

    /// Ends the daemon, takes everything down, and makes sure that nothing is left.
    pub fn take_down(mut self, patience: Duration) -> Result<(), Stop> {
        let status = self.daemon.stop(patience)?;
        if !status.success() {
            return Err(Stop::Failed(format!("the daemon did not end well: {status}")));
        }
        let files = self.daemon.config_file();
        drop(self);
        match files.parent() {
            Some(directory) if directory.exists() => Err(Stop::Failed(format!("{} is left", directory.display()))),
            _ => Ok(()),
        }
    }
}

/// What became of the packets of a span of time.
#[derive(Clone, Debug)]
pub struct Measured {
    /// From the client to the host and back.
    pub inbound: Report,
    /// From the host to the client behind the router and back.
    pub outbound: Report,
}

impl Measured {
    /// A direction of which nothing arrived.
    pub fn dead_flow(&self) -> Option<&'static str> {
        let flows = [("inbound", &self.inbound), ("outbound", &self.outbound)];
        flows.into_iter().find(|(_, report)| report.received == 0).map(|(name, _)| name)
    }
}

/// What to tell whoever may not build the network.
const WHAT_IT_NEEDS: &str = "\
The demo needs either root (sudo ipmpd demo) or user namespaces, which a system can forbid to ordinary users \
(see user.max_user_namespaces, kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns)";

/// Sees to it that this process may make network namespaces: in a user namespace of its own, if need be.
fn become_able() -> Result<(), Stop> {
    let able = match unshare(CloneFlags::CLONE_NEWNET) {
        Err(Errno::EPERM) => enter_user_namespace().map_err(|error| error.to_string()),
        Err(error) => Err(format!("make a network namespace: {error}")),
        Ok(()) => Ok(()),
    };
    able.map_err(|why| Stop::Failed(format!("cannot {why}. {WHAT_IT_NEEDS}")))
}

/// Makes an IPMP interface where the daemon will not be able to; whether that was so.
fn stand_in(host: &Namespace) -> Result<bool, Stop> {
    let may_make_tun = File::options().read(true).write(true).open("/dev/net/tun").is_ok();
    if may_make_tun || host.add_link(IPMP_INTERFACE, "dummy").is_ok() {
        return Ok(false);
    }
    host.add_bridge(IPMP_INTERFACE)?;
    Ok(true)
}

/// Runs a program to its end; what it printed.
fn output(command: &mut Command) -> Result<String, Stop> {
    let name = command.get_program().display().to_string();
    let failed = |why: String| Stop::Failed(format!("{name} failed: {why}"));
    let output = command.output().map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).trim_end().to_owned()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
