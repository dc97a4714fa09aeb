//! Kills a daemon in the midst of its work: as one of its threads is about to send a message to the kernel or to the
//! network, by ptrace(2). The daemon needs to know nothing of it.

use std::fs;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// How often a thread that runs is looked at.
const LOOK_EVERY: Duration = Duration::from_micros(100);

/// Hangs over a thread until it strikes or is dropped.
#[derive(Debug)]
pub struct Axe {
    enough: Arc<AtomicBool>,
    struck: Arc<AtomicBool>,
    watch: Option<JoinHandle<nix::Result<()>>>,
}

impl Axe {
    /// Kills this process once its thread of that name has sent so many messages from now on, and is about to send one
    /// more: that one is not sent.
    pub fn hang(process: u32, name: &str, messages: u32) -> io::Result<Self> {
        let thread = thread_named(process, name)?;
        let process = Pid::from_raw(process as i32);
        let (enough, struck) = (Arc::<AtomicBool>::default(), Arc::<AtomicBool>::default());
        let (seized, ready) = std::sync::mpsc::channel();
        let (theirs, fell) = (enough.clone(), struck.clone());
        // Only the thread that traces may ask; what it traces goes free with it.
        let watch = thread::Builder::new().name("axe".into()).spawn(move || {
            ptrace::seize(thread, Options::PTRACE_O_TRACESYSGOOD)?;
            ptrace::interrupt(thread)?;
            let _ = seized.send(());
            watch(thread, &theirs, messages, || {
                fell.store(true, Ordering::SeqCst);
                kill(process, Signal::SIGKILL)
            })
        })?;
        let axe = Axe { enough, struck, watch: Some(watch) };
        ready.recv().map_err(|_| io::Error::other(format!("cannot trace thread {name}")))?;
        Ok(axe)
    }

    /// Whether it has struck.
    pub fn struck(&self) -> bool {
        self.struck.load(Ordering::SeqCst)
    }
}

impl Drop for Axe {
    fn drop(&mut self) {
        self.enough.store(true, Ordering::SeqCst);
        if let Some(Ok(Err(error))) = self.watch.take().map(JoinHandle::join) {
            eprintln!("the axe slipped: {error}");
        }
    }
}

fn watch(thread: Pid, enough: &AtomicBool, mut left: u32, strike: impl Fn() -> nix::Result<()>) -> nix::Result<()> {
    loop {
        match waitpid(thread, Some(WaitPidFlag::__WALL | WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) if enough.load(Ordering::SeqCst) => return Ok(()),
            Ok(WaitStatus::StillAlive) => thread::sleep(LOOK_EVERY),
            Ok(WaitStatus::PtraceSyscall(_)) => {
                match (begins_to_send(thread)?, left) {
                    (true, 0) => strike()?,
                    (true, _) => left -= 1,
                    (false, _) => {}
                }
                go_on(thread, None)?;
            }
            Ok(WaitStatus::Stopped(_, signal)) => go_on(thread, Some(signal))?,
            Ok(WaitStatus::PtraceEvent(..)) => go_on(thread, None)?,
            // It has ended.
            Ok(_) | Err(Errno::ECHILD) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

/// To the next system call, unless it is dead by now.
fn go_on(thread: Pid, signal: Option<Signal>) -> nix::Result<()> {
    match ptrace::syscall(thread, signal) {
        Err(Errno::ESRCH) => Ok(()),
        other => other,
    }
}

fn begins_to_send(thread: Pid) -> nix::Result<bool> {
    let info = ptrace::syscall_info(thread)?;
    if info.op != libc::PTRACE_SYSCALL_INFO_ENTRY {
        return Ok(false);
    }
    // SAFETY: `op` says that it is the entry that the kernel filled in.
    let number = unsafe { info.u.entry.nr } as libc::c_long;
    Ok([libc::SYS_sendto, libc::SYS_sendmsg, libc::SYS_sendmmsg].contains(&number))
}

fn thread_named(process: u32, name: &str) -> io::Result<Pid> {
    for task in fs::read_dir(format!("/proc/{process}/task"))? {
        let task = task?;
        if fs::read_to_string(task.path().join("comm"))?.trim_end() == name {
            let number = task.file_name().to_string_lossy().parse().map_err(io::Error::other)?;
            return Ok(Pid::from_raw(number));
        }
    }
    Err(io::Error::other(format!("process {process} has no thread {name}")))
}
