//! One run of one hook: a process that gets the facts in its environment, is listened to, and ends in time or is
//! killed. Knows nothing of where hooks come from.

use std::fs;
use std::io::{self, PipeReader, Read};
use std::os::fd::{AsFd, FromRawFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant, UNIX_EPOCH};

use ipmp_control::{Event, RUNTIME_DIR_VARIABLE};
use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

/// How long a hook may take.
pub const TIME_LIMIT: Duration = Duration::from_secs(10);

/// How long hooks may go on once the daemon ends.
pub const GRACE: Duration = Duration::from_secs(1);

/// What a hook may print; then nobody listens any more, and it is killed by SIGPIPE if it goes on.
const OUTPUT_MAX: usize = 64 * 1024;

/// Where a hook finds programs, whatever the daemon was started with.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What the runs have in common.
pub struct Runner {
    /// Hung up when the daemon ends.
    pub daemon: PipeReader,
    /// How long a hook may take.
    pub limit: Duration,
    /// How long hooks may go on once the daemon ends.
    pub grace: Duration,
    /// Until when that is, once it does.
    pub end: Option<Instant>,
}

impl Runner {
    /// Runs a hook on an event and waits for its end.
    ///
    /// # Errors
    ///
    /// A phrase, where it did not end well.
    pub fn run(&mut self, hook: &Path, event: &Event, runtime_dir: &Path) -> Result<(), String> {
        let began = Instant::now();
        let start = || -> io::Result<_> {
            let (output, input) = io::pipe()?;
            // The command holds its end of the pipe, and is gone with this line.
            let child = command(hook, event, runtime_dir).stdout(input.try_clone()?).stderr(input).spawn()?;
            Ok((child, Output { pipe: Some(output), text: Vec::new() }))
        };
        let (mut child, mut output) = start().map_err(|error| format!("it cannot be started: {error}"))?;
        end_precedence(&child);
        let ended = self.wait(&child, &mut output, began + self.limit);
        if !matches!(ended, Ok(true)) {
            // All that it has started goes with it. It may just have ended.
            let _ = killpg(group(&child), Signal::SIGKILL);
        }
        let status = child.wait();
        output.drain();
        output.log(hook);
        match (ended, status) {
            (Ok(true), Ok(status)) if status.success() => Ok(()),
            (Ok(true), Ok(status)) => Err(told(status)),
            (Ok(false), _) if self.end.is_some() => Err("the daemon has ended, and it was killed".into()),
            (Ok(false), _) => Err(format!("not done within {:?}, and killed", self.limit)),
            (Err(error), _) | (_, Err(error)) => Err(format!("it cannot be watched: {error}")),
        }
    }

    /// Whether there is no time any more to run anything.
    pub fn is_over(&mut self) -> bool {
        let mut daemon = [PollFd::new(self.daemon.as_fd(), PollFlags::empty())];
        if self.end.is_none() && poll(&mut daemon, PollTimeout::ZERO).is_ok_and(|hung_up| hung_up > 0) {
            self.end = Some(Instant::now() + self.grace);
        }
        self.end.is_some_and(|end| end <= Instant::now())
    }

    /// Listens until the process has ended, or its time is over: says which.
    fn wait(&mut self, child: &Child, output: &mut Output, limit: Instant) -> io::Result<bool> {
        let process = pidfd(child)?;
        loop {
            let deadline = self.end.map_or(limit, |end| end.min(limit));
            let mut polled = vec![PollFd::new(process.as_fd(), PollFlags::POLLIN)];
            let daemon = self.end.is_none().then_some(&self.daemon);
            polled.extend(daemon.map(|daemon| PollFd::new(daemon.as_fd(), PollFlags::empty())));
            polled.extend(output.pipe.as_ref().map(|pipe| PollFd::new(pipe.as_fd(), PollFlags::POLLIN)));
            let left = deadline.saturating_duration_since(Instant::now());
            match poll(&mut polled, patience(left)) {
                Err(Errno::EINTR) => continue,
                polled => polled?,
            };
            let ready: Vec<_> = polled.iter().map(|one| one.any().unwrap_or_default()).collect();
            if ready[0] {
                return Ok(true);
            }
            if left.is_zero() {
                return Ok(false);
            }
            let (hung_up, said) = if daemon.is_some() { (ready[1], ready.get(2)) } else { (false, ready.get(1)) };
            if said == Some(&true) {
                output.read();
            }
            if hung_up {
                self.end = Some(Instant::now() + self.grace);
            }
        }
    }
}

/// A poll that returns not before that time is over, and at once where it is.
fn patience(left: Duration) -> PollTimeout {
    let millis = left.as_micros().div_ceil(1000);
    PollTimeout::try_from(millis).unwrap_or(PollTimeout::MAX)
}

/// What the process gets to know: nothing of the daemon's environment, but the facts.
fn command(hook: &Path, event: &Event, runtime_dir: &Path) -> Command {
    let mut command = Command::new(hook);
    command.env_clear().envs(facts(event)).env("PATH", PATH).env(RUNTIME_DIR_VARIABLE, runtime_dir);
    command.current_dir("/").stdin(Stdio::null()).process_group(0);
    command
}

/// Fields under the names that they have in the journal.
fn facts(event: &Event) -> Vec<(String, String)> {
    let time = UNIX_EPOCH + Duration::from_micros(event.time_us);
    let fields = event.fields.iter().map(|field| (field.name.to_ascii_uppercase(), field.value.clone()));
    let all = fields.chain([
        ("EVENT".into(), event.event.clone()),
        ("NUMBER".into(), event.number.to_string()),
        ("LEVEL".into(), event.level.clone()),
        ("MESSAGE".into(), event.text()),
        ("TIME".into(), humantime::format_rfc3339_micros(time).to_string()),
    ]);
    // No environment can hold a NUL.
    all.map(|(name, value)| (format!("IPMP_{name}"), value.replace('\0', "\u{fffd}"))).collect()
}

/// The daemon is the last to be killed for memory; what it runs is not.
fn end_precedence(child: &Child) {
    let spared = |score: String| score.trim().parse().is_ok_and(|score: i32| score < 0);
    if fs::read_to_string("/proc/self/oom_score_adj").is_ok_and(spared) {
        // It may have ended by now.
        let _ = fs::write(format!("/proc/{}/oom_score_adj", child.id()), "0");
    }
}

/// The group of the process and of all that it has started.
fn group(child: &Child) -> Pid {
    Pid::from_raw(child.id().cast_signed())
}

/// A descriptor that is readable once the process has ended.
fn pidfd(child: &Child) -> io::Result<OwnedFd> {
    // SAFETY: takes two numbers, and gives a descriptor of our own or an error. The number cannot belong to another
    // process, because this one has not been waited for.
    let descriptor = Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_open, child.id(), 0) })?;
    let descriptor = i32::try_from(descriptor).map_err(io::Error::other)?;
    // SAFETY: it was just made, and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

fn told(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => match Signal::try_from(signal) {
            Ok(name) => format!("killed by {name}"),
            Err(_) => format!("killed by signal {signal}"),
        },
        (None, None) => status.to_string(),
    }
}

/// What a hook prints.
struct Output {
    /// None once it is closed at either end.
    pipe: Option<PipeReader>,
    text: Vec<u8>,
}

impl Output {
    /// Takes what is there; waits where nothing is.
    fn read(&mut self) {
        let mut chunk = [0; 4096];
        let Some(pipe) = &mut self.pipe else { return };
        match pipe.read(&mut chunk) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(0) | Err(_) => self.pipe = None,
            Ok(length) => self.text.extend_from_slice(&chunk[..length]),
        }
        if self.text.len() >= OUTPUT_MAX {
            self.pipe = None;
        }
    }

    /// Takes what is there, and stops to listen. What the hook has started may go on and hold the other end.
    fn drain(&mut self) {
        while let Some(pipe) = &self.pipe {
            let mut polled = [PollFd::new(pipe.as_fd(), PollFlags::POLLIN)];
            match poll(&mut polled, PollTimeout::ZERO) {
                Ok(1..) => self.read(),
                _ => self.pipe = None,
            }
        }
    }

    fn log(&self, hook: &Path) {
        for line in String::from_utf8_lossy(&self.text).lines() {
            tracing::debug!(hook = %hook.display(), "{line}");
        }
    }
}
