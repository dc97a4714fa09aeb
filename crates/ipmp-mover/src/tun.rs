//! A tun as IPMP interface, for kernels without dummy interfaces: the few system calls of it.
//!
//! The interface carries no traffic, so nobody reads what the kernel queues on the descriptor. The queue is
//! as long as the interface's (500 packets); what comes after that is dropped, and the sender's buffer is
//! not charged for it.

use std::fs::{File, OpenOptions};
use std::os::fd::AsRawFd;

use ipmp_core::IfName;
use nix::errno::Errno;

const DEVICE: &str = "/dev/net/tun";

nix::ioctl_write_ptr_bad!(tun_set_iff, libc::TUNSETIFF, libc::ifreq);
nix::ioctl_read_bad!(tun_get_iff, libc::TUNGETIFF, libc::ifreq);
nix::ioctl_write_int_bad!(tun_set_persist, libc::TUNSETPERSIST);

/// A tun that this process holds. Dropped, it goes away, unless it is persistent: then it loses its carrier.
#[derive(Debug)]
pub(crate) struct Tun(File);

/// Why there is no tun.
#[derive(Debug)]
pub(crate) enum TunError {
    /// No such device file, or no right to it.
    Device(std::io::Error),
    /// The kernel refused this name.
    Attach(Errno),
    /// There was no such interface.
    Absent,
}

impl std::fmt::Display for TunError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            TunError::Device(error) => write!(f, "cannot open {DEVICE}: {error}"),
            TunError::Attach(errno) => write!(f, "cannot attach to a tun of that name: {}", errno.desc()),
            TunError::Absent => f.write_str("no such tun"),
        }
    }
}

impl Tun {
    /// Makes a tun that lives as long as it is held, until [`Tun::persist`].
    pub(crate) fn create(name: &IfName) -> Result<Tun, TunError> {
        attach(name, libc::IFF_TUN_EXCL)
    }

    /// Holds a persistent tun that is there already.
    pub(crate) fn hold(name: &IfName) -> Result<Tun, TunError> {
        let tun = attach(name, 0)?;
        // Attaching to a name that does not exist makes one: dropped here, it is gone again.
        match tun.is_persistent() {
            Ok(true) => Ok(tun),
            Ok(false) => Err(TunError::Absent),
            Err(errno) => Err(TunError::Attach(errno)),
        }
    }

    /// Lets it outlive this process.
    pub(crate) fn persist(&self) -> Result<(), TunError> {
        // SAFETY: the descriptor is open, the argument a plain number.
        unsafe { tun_set_persist(self.0.as_raw_fd(), 1) }.map(drop).map_err(TunError::Attach)
    }

    fn is_persistent(&self) -> Result<bool, Errno> {
        let mut request = request("", 0);
        // SAFETY: the descriptor is open; the kernel writes no more than the ifreq.
        unsafe { tun_get_iff(self.0.as_raw_fd(), &mut request) }?;
        // SAFETY: TUNGETIFF fills in the flags.
        let flags = unsafe { request.ifr_ifru.ifru_flags };
        Ok(libc::c_int::from(flags) & libc::IFF_PERSIST != 0)
    }
}

fn attach(name: &IfName, flags: libc::c_int) -> Result<Tun, TunError> {
    let file = OpenOptions::new().read(true).write(true).open(DEVICE).map_err(TunError::Device)?;
    let request = request(name.as_str(), libc::IFF_TUN | libc::IFF_NO_PI | flags);
    // SAFETY: the descriptor is open, the request lives through the call.
    unsafe { tun_set_iff(file.as_raw_fd(), &request) }.map_err(TunError::Attach)?;
    Ok(Tun(file))
}

/// The name is at most `IF_NAME_MAX` bytes, so that a NUL remains.
fn request(name: &str, flags: libc::c_int) -> libc::ifreq {
    let mut ifr_name = [0; libc::IFNAMSIZ];
    ifr_name.iter_mut().zip(name.bytes()).for_each(|(to, from)| *to = from as libc::c_char);
    libc::ifreq { ifr_name, ifr_ifru: libc::__c_anonymous_ifr_ifru { ifru_flags: flags as libc::c_short } }
}
