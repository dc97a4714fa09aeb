//! An ordinary user, in a user namespace, has the whole network, its traffic and its faults, but for cables.

use std::time::Duration;

use ipmp_lab::{
    CLIENT, Flow, Frames, Monitor, Network, Plan, Result, Sniffer, Stream, Way, WireKind, enter_user_namespace,
    wait_until,
};
use nix::sys::prctl::set_dumpable;
use nix::unistd::{Gid, Uid, setgid, setgroups, setuid};

const NOBODY: u32 = 65534;
const PATIENCE: Duration = Duration::from_secs(10);

fn main() -> Result<()> {
    become_ordinary();
    enter_user_namespace()?;
    let network = Network::new(2)?;
    let mut monitor = Monitor::start(&network.host)?;
    let sniffer = Sniffer::start(&network.client, "eth0")?;
    network.host.set_sysctl("net/ipv4/conf/all/arp_ignore", "1")?;
    network.host.add_address("eth0", "192.0.2.50/24".parse().unwrap())?;
    assert!(!monitor.writes()?.is_empty());

    let (client, host) = ((&network.client, CLIENT.into()), (&network.host, "192.0.2.50".parse().unwrap()));
    let flow = Flow::round_trip(client, host, 1000)?;
    let mut stream = Stream::start(client, host)?;
    let received = |flow: &Flow| flow.report().map(|report| report.received);
    wait_until(PATIENCE, "the flow", || Ok(received(&flow)? > 0))?;
    wait_until(PATIENCE, "the stream", || Ok(stream.report().bytes > 0))?;
    assert!(!sniffer.claims()?.is_empty());

    let member = &network.members[0];
    member.lose(Way::Inbound, Frames::Udp, 1.0)?;
    let before = received(&flow)?;
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(received(&flow)?, before);
    member.mend()?;
    wait_until(PATIENCE, "the flow to return", || Ok(received(&flow)? > before))?;
    member.silence()?;
    let before = received(&flow)?;
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(received(&flow)?, before);
    member.set_carrier(false)?;
    wait_until(PATIENCE, "the carrier to go", || Ok(!network.host.link("eth0")?.carrier))?;

    let cable = Plan { wire: WireKind::Cable, ..Plan::default() }.build();
    match cable {
        Ok(_) => println!("an ordinary user has cables here"),
        Err(error) => println!("an ordinary user has no cables here: {error}"),
    }
    println!("an ordinary user has everything else");
    Ok(())
}

/// Gives up being root, where we are.
fn become_ordinary() {
    if Uid::effective().is_root() {
        setgroups(&[]).expect("root may have no groups");
        setgid(Gid::from_raw(NOBODY)).expect("root may change its group");
        setuid(Uid::from_raw(NOBODY)).expect("root may become someone else");
        // Or the kernel keeps /proc/self for root.
        set_dumpable(true).expect("a process may be dumpable");
    }
}
