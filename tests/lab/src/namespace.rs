//! Network namespaces that nothing but file descriptors keep alive.
//!
//! A namespace is made by a thread that leaves its own, and held by a descriptor: no name under `/run/netns`, so
//! that it goes, with every veth and TAP in it, as soon as the last descriptor and process in it are gone, however
//! the program ends. Knows nothing of links or addresses beyond raising loopback; those are in [`crate::kernel`].

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::panic::resume_unwind;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;

use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::prctl;
use nix::sys::signal::Signal;

use crate::error::{Doing, Result};
use crate::kernel::socket::Netlink;

/// A network namespace. Cheap to clone; it lives until the last clone, process and socket in it is gone.
///
/// `/sys` shows the namespace that mounted it, not this one: ask netlink instead. `/proc/sys/net` is right.
#[derive(Clone, Debug)]
pub struct Namespace(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    file: File,
    netlink: Mutex<Netlink>,
}

impl Namespace {
    /// Makes a namespace, with loopback up.
    pub fn new() -> Result<Self> {
        let (file, netlink) = on_thread(|| {
            unshare(CloneFlags::CLONE_NEWNET)?;
            Ok((File::open("/proc/thread-self/ns/net")?, Netlink::open()?))
        })
        .doing(|| "make a network namespace")?;
        let namespace = Namespace(Arc::new(Inner { file, netlink: Mutex::new(netlink) }));
        namespace.set_up("lo")?;
        Ok(namespace)
    }

    /// The namespace that the calling thread is in.
    pub fn current() -> Result<Self> {
        let file = File::open("/proc/thread-self/ns/net").doing(|| "open the present network namespace")?;
        let netlink = Netlink::open().doing(|| "open a netlink socket")?;
        Ok(Namespace(Arc::new(Inner { file, netlink: Mutex::new(netlink) })))
    }

    /// Runs `job` on a thread in this namespace, and returns its value. Sockets that it opens stay in the namespace
    /// wherever they are used afterwards. A panic of `job` goes on in the caller.
    pub fn run<T: Send>(&self, job: impl FnOnce() -> T + Send) -> Result<T> {
        on_thread(|| {
            setns(&self.0.file, CloneFlags::CLONE_NEWNET)?;
            Ok(job())
        })
        .doing(|| "enter a network namespace")
    }

    /// A command whose process will run in this namespace and die with the *thread* that starts it
    /// (`PR_SET_PDEATHSIG`), so that none is left when a test is killed.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        let namespace = self.clone();
        let enter = move || {
            prctl::set_pdeathsig(Signal::SIGKILL)?;
            Ok(setns(&namespace.0.file, CloneFlags::CLONE_NEWNET)?)
        };
        // SAFETY: `enter` runs between fork and exec. It makes two system calls and allocates nothing.
        unsafe { command.pre_exec(enter) };
        command
    }

    /// Reads a setting under `/proc/sys`, for example `net/ipv4/ip_forward`, without the newline.
    pub fn sysctl(&self, name: &str) -> Result<String> {
        let value = self.run(|| fs::read_to_string(format!("/proc/sys/{name}")))?;
        Ok(value.doing(|| format!("read {name}"))?.trim_end().to_owned())
    }

    /// Writes a setting under `/proc/sys`.
    pub fn set_sysctl(&self, name: &str, value: &str) -> Result<()> {
        self.run(|| fs::write(format!("/proc/sys/{name}"), value))?.doing(|| format!("set {name} to {value}"))
    }

    pub(crate) fn file(&self) -> &File {
        &self.0.file
    }

    /// The requests of this namespace go through one socket, one at a time.
    pub(crate) fn netlink<T>(&self, ask: impl FnOnce(&mut Netlink) -> io::Result<T>) -> io::Result<T> {
        let mut netlink = self.0.netlink.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        ask(&mut netlink)
    }
}

/// Makes an ordinary user root of a user namespace of its own, in which it may build networks. To be called before
/// the program has started any thread (user_namespaces(7)).
pub fn enter_user_namespace() -> Result<()> {
    let (user, group) = (nix::unistd::geteuid(), nix::unistd::getegid());
    unshare(CloneFlags::CLONE_NEWUSER).doing(|| "make a user namespace")?;
    let write = |file: &str, text: String| fs::write(file, text).doing(|| format!("write {file}"));
    write("/proc/self/setgroups", "deny".into())?;
    write("/proc/self/uid_map", format!("0 {user} 1"))?;
    write("/proc/self/gid_map", format!("0 {group} 1"))
}

/// A thread of its own may change its namespace without harm to anyone.
fn on_thread<T: Send>(job: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    thread::scope(|scope| {
        let thread = thread::Builder::new().spawn_scoped(scope, job)?;
        thread.join().unwrap_or_else(|panic| resume_unwind(panic))
    })
}
