//! The daemon under test: started in a namespace with a configuration of its own, watched through the JSON lines
//! of its log and through what it tells the service manager, signalled, killed, started again.
//!
//! Configuration and runtime directory are in a private directory that is removed with the [`Daemon`] and survives
//! the process, so that a restart finds what the last one left. Knows the command line and the shape of a log line,
//! nothing of their meaning.

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::Namespace;
use crate::error::{Doing, Error, Result};
use crate::log::{Log, LogLine, Mark};
use crate::wait::wait_until;

/// A daemon and its directory. It is killed when this is dropped, and when the program dies.
#[derive(Debug)]
pub struct Daemon {
    namespace: Namespace,
    binary: PathBuf,
    arguments: Vec<OsString>,
    directory: TempDir,
    child: Option<Child>,
    log: Log,
}

impl Daemon {
    /// Prepares to run `binary` in a namespace with this configuration; starts nothing yet.
    pub fn new(namespace: &Namespace, binary: impl Into<PathBuf>, config: &str) -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("ipmpd-").permissions(Permissions::from_mode(0o700)).tempdir();
        let directory = directory.doing(|| "make a directory")?;
        fs::create_dir(directory.path().join("run")).doing(|| "make a runtime directory")?;
        let socket = UnixDatagram::bind(directory.path().join("notify")).doing(|| "bind the notify socket")?;
        let daemon = Daemon {
            namespace: namespace.clone(),
            binary: binary.into(),
            arguments: Vec::new(),
            directory,
            child: None,
            log: Log::new(socket)?,
        };
        daemon.write_config(config)?;
        Ok(daemon)
    }

    /// Adds an argument to the command line, from the next start on.
    pub fn argument(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Replaces the configuration file. The daemon is not told.
    pub fn write_config(&self, config: &str) -> Result<()> {
        fs::write(self.config_file(), config).doing(|| "write the configuration")
    }

    /// Where the configuration is.
    pub fn config_file(&self) -> PathBuf {
        self.directory.path().join("ipmpd.toml")
    }

    /// The runtime directory.
    pub fn runtime_dir(&self) -> PathBuf {
        self.directory.path().join("run")
    }

    /// Starts the process.
    pub fn start(&mut self) -> Result<()> {
        if self.is_running()? {
            return Err(Error::new("start the daemon", "it is running"));
        }
        let mut command = self.namespace.command(&self.binary);
        command.arg("--config").arg(self.config_file()).arg("--runtime-dir").arg(self.runtime_dir());
        command.args(["--log-format", "json"]).args(&self.arguments);
        command.env("NOTIFY_SOCKET", self.directory.path().join("notify"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        self.child = Some(self.log.spawn(command)?);
        Ok(())
    }

    /// Starts the process and waits until it tells the service manager that it is ready.
    pub fn start_ready(&mut self, patience: Duration) -> Result<()> {
        let mark = self.mark();
        self.start()?;
        self.wait_notified(mark, "READY=1", patience)
    }

    /// Waits until it has told the service manager this (`READY=1`, `STATUS=...`) since the mark.
    pub fn wait_notified(&mut self, since: Mark, message: &str, patience: Duration) -> Result<()> {
        let told = |line: &LogLine| line.notification().is_some_and(|told| told.lines().any(|line| line == message));
        self.wait_line(since, &format!("the daemon to say {message}"), told, patience).map(drop)
    }

    /// The present end of the log.
    pub fn mark(&mut self) -> Mark {
        self.log.mark()
    }

    /// Everything logged so far, by every process.
    pub fn log(&mut self) -> &[LogLine] {
        self.log.lines()
    }

    /// Waits for a line with this event name, logged since the mark, for which `fits` holds. Dies early when the
    /// process does.
    pub fn wait_for(
        &mut self,
        since: Mark,
        event: &str,
        fits: impl Fn(&LogLine) -> bool,
        patience: Duration,
    ) -> Result<LogLine> {
        let what = format!("the daemon to log {event}");
        self.wait_line(since, &what, |line| line.event() == Some(event) && fits(line), patience)
    }

    /// The lines with this event name since the mark.
    pub fn events(&mut self, since: Mark, event: &str) -> Vec<LogLine> {
        let lines = self.log.since(since).iter();
        lines.filter(|line| line.event() == Some(event)).cloned().collect()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let child = self.child.as_ref().ok_or_else(|| Error::new("signal the daemon", "it is not running"))?;
        // The number cannot belong to another process: this one has not been waited for.
        kill(Pid::from_raw(child.id() as i32), signal).doing(|| format!("send {signal}"))
    }

    /// Its process number, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Whether the process lives. If not, all that it said is in the log.
    pub fn is_running(&mut self) -> Result<bool> {
        let Some(child) = &mut self.child else { return Ok(false) };
        let ended = child.try_wait().doing(|| "wait for the daemon")?;
        if ended.is_some() {
            self.child = None;
            self.log.finish();
        }
        Ok(ended.is_none())
    }

    /// Kills it (SIGKILL) and waits for its end.
    pub fn kill(&mut self) -> Result<()> {
        self.signal(Signal::SIGKILL)?;
        self.wait_exit(Duration::from_secs(10)).map(drop)
    }

    /// Asks it to end (SIGTERM) and waits for that.
    pub fn stop(&mut self, patience: Duration) -> Result<ExitStatus> {
        self.signal(Signal::SIGTERM)?;
        self.wait_exit(patience)
    }

    /// Waits for it to end by itself.
    pub fn wait_exit(&mut self, patience: Duration) -> Result<ExitStatus> {
        let child = self.child.as_mut().ok_or_else(|| Error::new("wait for the daemon", "it is not running"))?;
        let mut status = None;
        wait_until(patience, "the daemon to end", || {
            status = child.try_wait().doing(|| "wait for the daemon")?;
            Ok(status.is_some())
        })?;
        self.child = None;
        self.log.finish();
        status.ok_or_else(|| Error::new("wait for the daemon", "it has no exit status"))
    }

    /// A command for a client of this daemon: in its namespace, and told where its socket is.
    pub fn client(&self, program: impl AsRef<Path>) -> Command {
        let mut command = self.namespace.command(program.as_ref());
        command.env("IPMPD_RUNTIME_DIR", self.runtime_dir());
        command
    }

    fn wait_line(
        &mut self,
        since: Mark,
        what: &str,
        fits: impl Fn(&LogLine) -> bool,
        patience: Duration,
    ) -> Result<LogLine> {
        let end = Instant::now() + patience;
        loop {
            let running = self.is_running()?;
            if let Some(line) = self.log.since(since).iter().find(|line| fits(line)) {
                return Ok(line.clone());
            }
            let why = match (running, end.saturating_duration_since(Instant::now())) {
                (false, _) => "it does not run".to_owned(),
                (true, Duration::ZERO) => format!("not within {patience:?}"),
                (true, left) => {
                    self.log.wait(left.min(LOOK_EVERY));
                    continue;
                }
            };
            let said: Vec<_> = self.log.since(since).iter().map(ToString::to_string).collect();
            return Err(Error::new(format!("wait for {what}"), format!("{why}; it said:\n{}", said.join("\n"))));
        }
    }
}

/// How often a silent daemon is asked whether it lives.
const LOOK_EVERY: Duration = Duration::from_millis(50);

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            self.log.finish();
            self.log.lines().iter().for_each(|line| eprintln!("{line}"));
        }
    }
}
