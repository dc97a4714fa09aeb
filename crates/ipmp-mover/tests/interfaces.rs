//! The IPMP interface: made, adopted, deleted only when ours, and its carrier. Passes on kernels with and
//! without dummy interfaces; which of the two was made, the tests that care find out.

mod common;

use std::fs::File;
use std::net::UdpSocket;
use std::os::fd::AsRawFd;

use common::{Host, add, name, refusal};
use ipmp_core::Change;
use ipmp_core::event::Outcome::Done;
use ipmp_core::kernel::ALIAS;
use ipmp_lab::{Link, Namespace};
use ipmp_mover::Mover;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

fn create() -> Change {
    Change::CreateInterface(name("ipmp0"))
}

fn delete() -> Change {
    Change::DeleteInterface(name("ipmp0"))
}

fn carrier(on: bool) -> Change {
    Change::SetCarrier { name: name("ipmp0"), on }
}

fn ipmp0(host: &Host) -> Link {
    host.namespace.link("ipmp0").unwrap()
}

#[tokio::test]
async fn it_is_made_up_and_tagged_as_ours() {
    let mut host = Host::new();
    assert_eq!(host.change(create()).await, Done);
    let made = ipmp0(&host);
    assert!(made.up);
    assert_eq!(made.alias.as_deref(), Some(ALIAS));

    assert_eq!(host.change(create()).await, Done, "adopted, now that it is there");
    assert_eq!(ipmp0(&host).index, made.index);
    assert_eq!(host.change(add(host.index("ipmp0"), "10.1.0.50/32")).await, Done);
    assert!(host.namespace.run(|| UdpSocket::bind("10.1.0.50:0")).unwrap().is_ok(), "anchored, so local");

    assert_eq!(host.apply(vec![delete(), delete()]).await, [Done, Done]);
    assert!(!host.namespace.has_link("ipmp0").unwrap());
}

#[tokio::test]
async fn its_carrier_shows_what_is_asked_for() {
    let mut host = Host::new();
    host.change(create()).await;
    for on in [true, true, false, false, true] {
        assert_eq!(host.change(carrier(on)).await, Done);
        assert_eq!(ipmp0(&host).carrier, on);
    }
    let outcome = host.change(Change::SetCarrier { name: name("ipmp9"), on: true }).await;
    assert!(refusal(outcome).contains("ipmp9"));
    assert!(!host.namespace.has_link("ipmp9").unwrap(), "asking must not make one");
}

#[tokio::test]
async fn it_outlives_the_daemon_which_takes_hold_of_it_again() {
    let mut host = Host::new();
    host.apply(vec![create(), carrier(true)]).await;
    let before = ipmp0(&host);
    host.restart("ipmp0");
    assert_eq!(host.apply(vec![create(), carrier(true)]).await, [Done, Done]);
    let after = ipmp0(&host);
    assert_eq!((after.index, after.carrier), (before.index, true));
    assert_eq!(host.change(carrier(false)).await, Done);
    assert!(!ipmp0(&host).carrier);
    assert_eq!(host.apply(vec![delete(), create(), carrier(true)]).await, [Done, Done, Done], "a new one");
    assert!(ipmp0(&host).carrier);
}

#[tokio::test]
async fn one_that_is_there_is_adopted_and_never_deleted() {
    let mut host = Host::new();
    host.namespace.add_bridge("ipmp0").unwrap();
    let before = ipmp0(&host);
    assert!(!before.up);

    assert_eq!(host.apply(vec![create(), carrier(false), carrier(true), delete()]).await, [Done, Done, Done, Done]);

    let after = ipmp0(&host);
    assert!(after.up, "adopted ones are set up");
    assert_eq!((after.index, after.alias), (before.index, None));
}

#[tokio::test]
async fn what_is_sent_into_it_harms_nobody() {
    let mut host = Host::new();
    host.apply(vec![create(), carrier(true)]).await;
    let socket = host.namespace.run(|| UdpSocket::bind("0.0.0.0:0")).unwrap().unwrap();
    socket.set_nonblocking(true).unwrap();
    socket2::SockRef::from(&socket).bind_device(Some(b"ipmp0")).unwrap();
    // More than its queue holds; where the queue is full, the kernel drops or refuses.
    for _ in 0..5000 {
        let _ = socket.send_to(&[0; 1000], "192.0.2.1:9");
    }
    assert_eq!(host.apply(vec![carrier(false), carrier(true), delete()]).await, [Done, Done, Done]);
    assert!(!host.namespace.has_link("ipmp0").unwrap());
}

#[tokio::test]
async fn somebody_elses_tun_in_use_is_adopted() {
    let mut host = Host::new();
    let _held = tun(&host.namespace, 0);
    assert_eq!(host.apply(vec![create(), carrier(false), delete()]).await, [Done, Done, Done]);
    assert!(ipmp0(&host).up);
}

#[tokio::test]
async fn an_idle_tun_that_cannot_be_held_has_no_settable_carrier() {
    let mut host = Host::new();
    let held = tun(&host.namespace, libc::IFF_MULTI_QUEUE);
    // SAFETY: the descriptor is open, the argument a number.
    unsafe { ioctl::tun_set_persist(held.as_raw_fd(), 1) }.unwrap();
    drop(held);
    assert_eq!(host.apply(vec![create(), carrier(true), delete()]).await, [Done, Done, Done]);
    assert!(!ipmp0(&host).carrier);
}

#[tokio::test]
async fn where_neither_kind_can_be_made_it_says_what_to_do() {
    let mut host = Host::new();
    let has_dummies = host.namespace.add_link("dummy0", "dummy").is_ok();
    host.mover = host.namespace.run(start_without_tun).unwrap();
    let outcome = host.change(create()).await;
    if has_dummies {
        assert_eq!(outcome, Done);
        return;
    }
    let why = refusal(outcome);
    for part in ["dummy interface ipmp0", "/dev/net/tun: No such file", "load the dummy module", "named ipmp0"] {
        assert!(why.contains(part), "{part:?} is not in {why:?}");
    }
    host.namespace.add_bridge("ipmp0").unwrap();
    assert_eq!(host.change(create()).await, Done, "as the sentence promised");
}

/// A mover in a mount namespace whose `/dev/net` is empty. Changes the mounts of the calling thread.
fn start_without_tun() -> Mover {
    const NOTHING: Option<&str> = None;
    unshare(CloneFlags::CLONE_NEWNS).unwrap();
    mount(NOTHING, "/", NOTHING, MsFlags::MS_REC | MsFlags::MS_PRIVATE, NOTHING).unwrap();
    mount(Some("none"), "/dev/net", Some("tmpfs"), MsFlags::empty(), NOTHING).unwrap();
    Mover::start().unwrap()
}

mod ioctl {
    #![allow(missing_docs)] // what the macros write cannot carry any

    nix::ioctl_write_ptr_bad!(tun_set_iff, libc::TUNSETIFF, libc::ifreq);
    nix::ioctl_write_int_bad!(tun_set_persist, libc::TUNSETPERSIST);
}

/// A tun `ipmp0` as another program makes it, which goes away when dropped.
fn tun(namespace: &Namespace, flags: libc::c_int) -> File {
    let make = || {
        let file = File::options().read(true).write(true).open("/dev/net/tun").unwrap();
        let mut ifr_name = [0; libc::IFNAMSIZ];
        ifr_name.iter_mut().zip(b"ipmp0").for_each(|(to, &from)| *to = from as libc::c_char);
        let ifru_flags = (libc::IFF_TUN | libc::IFF_NO_PI | flags) as libc::c_short;
        let request = libc::ifreq { ifr_name, ifr_ifru: libc::__c_anonymous_ifr_ifru { ifru_flags } };
        // SAFETY: the descriptor is open, the request lives through the call.
        unsafe { ioctl::tun_set_iff(file.as_raw_fd(), &request) }.unwrap();
        file
    };
    namespace.run(make).unwrap()
}
