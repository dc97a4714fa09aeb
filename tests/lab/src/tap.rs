//! TAP devices: Ethernet links whose other end is a file of ours. To the kernel they are real NICs, down to the
//! lateness with which it tells of their carrier (Linux data plane, finding 8).

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;

use crate::Namespace;
use crate::error::{Doing, Error, Result};

nix::ioctl_write_ptr_bad!(set_interface, libc::TUNSETIFF, libc::ifreq);
nix::ioctl_write_ptr_bad!(set_carrier, nix::request_code_write!(b'T', 226, size_of::<libc::c_int>()), libc::c_int);

/// A TAP device; it goes when this is dropped.
#[derive(Debug)]
pub(crate) struct Tap(File);

impl Tap {
    /// Makes the device in a namespace. It is down.
    pub(crate) fn new(namespace: &Namespace, name: &str) -> Result<Self> {
        if name.len() >= libc::IFNAMSIZ {
            return Err(Error::new(format!("make TAP {name}"), "the name is too long"));
        }
        // The device is made in the namespace in which the file was opened.
        let mut options = OpenOptions::new();
        options.read(true).write(true).custom_flags(libc::O_NONBLOCK);
        let file = namespace.run(|| options.open("/dev/net/tun"))?.doing(|| "open /dev/net/tun")?;
        // SAFETY: all zeroes is a valid `ifreq`.
        let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
        for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
            *to = from as libc::c_char;
        }
        request.ifr_ifru.ifru_flags = (libc::IFF_TAP | libc::IFF_NO_PI) as libc::c_short;
        // SAFETY: the descriptor is open and the request is as netdevice(7) wants it.
        unsafe { set_interface(file.as_raw_fd(), &raw const request) }.doing(|| format!("make TAP {name}"))?;
        Ok(Tap(file))
    }

    /// Takes the carrier from the device, or gives it back.
    pub(crate) fn set_carrier(&self, carrier: bool) -> io::Result<()> {
        let carrier = libc::c_int::from(carrier);
        // SAFETY: the descriptor is open, and the kernel reads an int.
        unsafe { set_carrier(self.0.as_raw_fd(), &raw const carrier) }?;
        Ok(())
    }

    /// The next frame that the kernel sent, if there is one.
    pub(crate) fn read(&self, buffer: &mut [u8]) -> Option<usize> {
        (&self.0).read(buffer).ok()
    }

    /// Lets the kernel receive a frame; false where the device is down.
    pub(crate) fn write(&self, frame: &[u8]) -> bool {
        (&self.0).write(frame).is_ok()
    }
}

impl AsFd for Tap {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
