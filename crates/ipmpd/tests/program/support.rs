//! A real daemon in namespaces of its own, with a configuration and a runtime directory of its own.

use std::ffi::CStr;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};
use serde_json::Value;
use tempfile::TempDir;

/// Far more than any of this takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A group whose members are not there.
pub const GOOD: &str = r#"
[[group]]
interface = "ipmp0"
addresses = ["192.0.2.50/24"]

[[group.member]]
interface = "none0"

[[group.member]]
interface = "none1"
"#;

/// Three mistakes: an unknown key, a wrong type, and an interface name that is none.
pub const BAD: &str = r#"
speed = "fast"
failback = 3

[[group]]
interface = "ipmp0/1"
"#;

/// Files for a daemon; gone when dropped.
pub struct Place {
    dir: TempDir,
}

impl Place {
    /// With this configuration.
    pub fn new(config: &str) -> Self {
        let place = Self { dir: tempfile::tempdir().unwrap() };
        place.configure(config);
        place
    }

    /// Another configuration.
    pub fn configure(&self, config: &str) {
        fs::write(self.config(), config).unwrap();
    }

    /// The configuration file.
    pub fn config(&self) -> PathBuf {
        self.dir.path().join("ipmpd.toml")
    }

    /// The runtime directory; not made before a daemon makes it.
    pub fn runtime_dir(&self) -> PathBuf {
        self.dir.path().join("run")
    }

    /// The log of the daemon.
    pub fn log(&self) -> PathBuf {
        self.dir.path().join("log")
    }

    /// A daemon with these options, which is not started yet. Nothing of the environment that started the
    /// test gets to it.
    pub fn command(&self, options: &[&str]) -> Command {
        let mut command = ipmpd();
        command.arg("--config").arg(self.config()).arg("--runtime-dir").arg(self.runtime_dir()).args(options);
        // SAFETY: only system calls between fork and exec.
        unsafe { command.pre_exec(enter_namespaces) };
        command
    }

    /// A daemon that logs JSON into a file, once it is ready.
    pub fn start(&self) -> Daemon<'_> {
        let daemon = self.spawn(self.command(&["--log-format", "json"]));
        daemon.wait_for("ready");
        daemon
    }

    /// A daemon of this command, with its log in the file.
    pub fn spawn(&self, mut command: Command) -> Daemon<'_> {
        let log = File::options().create(true).append(true).open(self.log()).unwrap();
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        Daemon { place: self, child }
    }
}

/// The program, with an environment that the machine does not decide.
pub fn ipmpd() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ipmpd"));
    command.env_clear();
    command
}

/// A network namespace without anything in it, and a `/run` without the journal of this machine.
fn enter_namespaces() -> std::io::Result<()> {
    let user = if geteuid().is_root() { CloneFlags::empty() } else { CloneFlags::CLONE_NEWUSER };
    unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS | user)?;
    let nothing = None::<&CStr>;
    mount(nothing, c"/", nothing, MsFlags::MS_REC | MsFlags::MS_PRIVATE, nothing)?;
    mount(Some(c"run"), c"/run", Some(c"tmpfs"), MsFlags::empty(), nothing)?;
    Ok(())
}

/// A daemon that runs; killed when dropped.
pub struct Daemon<'a> {
    place: &'a Place,
    child: Child,
}

impl Daemon<'_> {
    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id() as i32), signal).unwrap();
    }

    /// Every line of the log with this event.
    pub fn events(&self, event: &str) -> Vec<Value> {
        let lines = lines(&self.place.log());
        lines
            .iter()
            .filter_map(|line| serde_json::from_str(line).ok())
            .filter(|line: &Value| line["event"] == event)
            .collect()
    }

    /// Waits until the log has a line with this event, and gives the last one.
    pub fn wait_for(&self, event: &str) -> Value {
        self.wait_for_another(event, 0)
    }

    /// Waits until the log has more than `known` lines with this event, and gives the last one.
    pub fn wait_for_another(&self, event: &str, known: usize) -> Value {
        let mut found = Vec::new();
        let there = wait_until(|| {
            found = self.events(event);
            found.len() > known
        });
        assert!(there, "no {event} in the log:\n{}", fs::read_to_string(self.place.log()).unwrap());
        found.pop().unwrap()
    }

    /// Waits until it has ended.
    pub fn wait(&mut self) -> ExitStatus {
        let mut status = None;
        let ended = wait_until(|| {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        assert!(ended, "it runs on");
        status.unwrap()
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

impl Drop for Daemon<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The complete lines of a file.
pub fn lines(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.split_inclusive('\n').filter(|line| line.ends_with('\n')).map(|line| line.trim_end().to_owned()).collect()
}

/// Whether it comes true in time.
pub fn wait_until(mut condition: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        if Instant::now() >= deadline {
            return false;
        }
        sleep(Duration::from_millis(5));
    }
    true
}
