//! A throw-away systemd machine: a container over a Debian tree, with NICs of the lab in it. What it writes is in
//! memory. Knows systemd, nothing of IPMP.

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use ipmp_lab::{Error, Namespace, Result, wait_until};
use serde_json::Value;

use crate::cgroup::Cgroup;

const BOOT: &str = include_str!("boot.sh");

/// How long the machine may take to boot, busy as the host may be.
const BOOT_PATIENCE: Duration = Duration::from_secs(120);

/// How long a command in the machine may take, in seconds; longer than systemd waits for a service.
const COMMAND_PATIENCE_S: &str = "120";

/// A running machine. It is ended when this is dropped, and when the program dies.
#[derive(Debug)]
pub struct Machine {
    namespace: Namespace,
    cgroup: Cgroup,
    manager: Child,
    /// The machine's first process, as seen from outside.
    leader: String,
}

/// A directory of the host, and where it is in the machine, for reading only.
pub type Shared<'a> = (&'a Path, &'a str);

impl Machine {
    /// Boots a machine in this network namespace. What its console says goes to a file.
    ///
    /// # Errors
    ///
    /// Where it does not come up in time; then with what the console said.
    pub fn boot(
        namespace: &Namespace,
        cgroup: Cgroup,
        tree: &Path,
        shared: &[Shared<'_>],
        console: PathBuf,
    ) -> Result<Self> {
        let said = File::create(&console).and_then(|file| Ok((file.try_clone()?, file)));
        let (output, errors) = said.map_err(|error| failed("make the console's file", error))?;
        let mut command = namespace.command("sh");
        command.args(["-ec", BOOT, "boot.sh"]).arg(cgroup.path()).arg(tree);
        command.args(shared.iter().map(|(host, machine)| format!("--bind-ro={}:{machine}", host.display())));
        command.stdin(Stdio::null()).stdout(output).stderr(errors);
        let manager = command.spawn().map_err(|error| failed("start the container manager", error))?;
        let namespace = namespace.clone();
        let mut machine = Machine { namespace, cgroup, manager, leader: String::new() };
        machine.wait_booted().map_err(|error| {
            let said = fs::read_to_string(&console).unwrap_or_default();
            Error::new("boot the machine", format!("{error}; its console said:\n{said}"))
        })?;
        Ok(machine)
    }

    fn wait_booted(&mut self) -> Result<()> {
        let processes = self.cgroup.path().join("payload/init.scope/cgroup.procs");
        wait_until(BOOT_PATIENCE, "the first process", || {
            if let Ok(Some(status)) = self.manager.try_wait() {
                return Err(Error::new("run the container manager", format!("it ended with {status}")));
            }
            let processes = fs::read_to_string(&processes).unwrap_or_default();
            self.leader = processes.lines().find(|process| is_first(process)).unwrap_or_default().to_owned();
            Ok(!self.leader.is_empty())
        })?;
        wait_until(BOOT_PATIENCE, "the machine to be up", || {
            let said = self.run(&["systemctl", "is-system-running"])?.text;
            Ok(matches!(said.trim(), "running" | "degraded"))
        })
    }

    /// Runs a command in the machine, as root.
    pub fn run(&self, command: &[&str]) -> Result<Ran> {
        let output = self.command().args(command).output().map_err(|error| failed("run a command", error))?;
        Ok(Ran::new(command, output))
    }

    /// Runs a command that must succeed, and returns what it printed, without the last newline.
    ///
    /// # Errors
    ///
    /// Where it fails, with what it said.
    pub fn ok(&self, command: &[&str]) -> Result<String> {
        let ran = self.run(command)?;
        if ran.success() {
            Ok(ran.text.trim_end().to_owned())
        } else {
            Err(Error::new(format!("run `{}`", command.join(" ")), ran.to_string()))
        }
    }

    /// Writes a file in the machine, with its directory where that is missing. Everyone may read it.
    pub fn write(&self, path: &str, text: &str) -> Result<()> {
        let place = self.outside(path);
        let write = || {
            fs::create_dir_all(place.parent().unwrap_or(&place))?;
            fs::write(&place, text)
        };
        write().map_err(|error| failed(&format!("write {path} in the machine"), error))
    }

    /// Reads a file in the machine.
    pub fn read(&self, path: &str) -> Result<String> {
        let text = fs::read_to_string(self.outside(path));
        text.map_err(|error| failed(&format!("read {path} in the machine"), error))
    }

    /// A property of a unit, as `systemctl show` prints it.
    pub fn property(&self, unit: &str, name: &str) -> Result<String> {
        self.ok(&["systemctl", "show", "--value", "--property", name, unit])
    }

    /// The end of the journal.
    pub fn journal_end(&self) -> Result<Cursor> {
        let said = self.ok(&["journalctl", "--quiet", "--lines=1", "--show-cursor", "--output=cat"])?;
        let cursor = said.lines().find_map(|line| line.strip_prefix("-- cursor: "));
        let cursor = cursor.ok_or_else(|| Error::new("find the end of the journal", said.clone()))?;
        Ok(Cursor(cursor.to_owned()))
    }

    /// The entries after a place that fit all of these `FIELD=VALUE`, oldest first.
    pub fn journal(&self, after: &Cursor, fits: &[&str]) -> Result<Vec<Value>> {
        // Not --after-cursor, which skips one entry even where that of the cursor does not fit (systemd 252).
        let from = format!("--cursor={}", after.0);
        let command = [&["journalctl", "--quiet", "--output=json", &from], fits].concat();
        let entry =
            |line| serde_json::from_str(line).map_err(|error| failed("read the journal", io::Error::from(error)));
        let entries: Result<Vec<Value>> = self.ok(&command)?.lines().map(entry).collect();
        Ok(entries?.into_iter().filter(|entry| entry["__CURSOR"] != after.0.as_str()).collect())
    }

    /// What is there under this path in the machine, while its first process lives.
    fn outside(&self, path: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{path}", self.leader))
    }

    fn command(&self) -> Command {
        let mut command = self.namespace.command("timeout");
        command.args(["--kill-after=5", COMMAND_PATIENCE_S, "nsenter", "--target", &self.leader]);
        command.args(["--mount", "--uts", "--ipc", "--pid", "--cgroup", "--wdns=/", "--"]);
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LANG", "C.UTF-8");
        command.stdin(Stdio::null());
        command
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // The first kills the manager as well, but for one that has not entered the group yet.
        let destroyed = self.cgroup.destroy();
        let _ = self.manager.kill();
        let _ = self.manager.wait();
        if let Err(error) = destroyed {
            eprintln!("service: {error}");
        }
    }
}

/// A place in the journal.
#[derive(Clone, Debug)]
pub struct Cursor(String);

/// What came of a command.
#[derive(Clone, Debug)]
pub struct Ran {
    /// Its exit status; none where it was killed.
    pub status: Option<i32>,
    /// What it printed.
    pub text: String,
    /// What it complained of.
    pub complaints: String,
}

impl Ran {
    fn new(command: &[&str], output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let ran = Ran { status: output.status.code(), text: text(output.stdout), complaints: text(output.stderr) };
        if ran.status == Some(124) {
            eprintln!("service: `{}` took longer than {COMMAND_PATIENCE_S} s", command.join(" "));
        }
        ran
    }

    /// Whether its exit status was zero.
    pub fn success(&self) -> bool {
        self.status == Some(0)
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Some(status) => write!(f, "exit status {status}")?,
            None => write!(f, "killed")?,
        }
        write!(f, "\n{}{}", self.text, self.complaints)
    }
}

fn failed(what: &str, error: io::Error) -> Error {
    Error::new(what, error.to_string())
}

/// Whether a process is number 1 in its own PID namespace.
fn is_first(process: &str) -> bool {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
    numbers.is_some_and(|numbers| numbers.split_whitespace().last() == Some("1"))
}
