//! A NIC that has its link but sends nothing, and a neighbour that must hear from another NIC meanwhile.

mod common;

use std::io;
use std::time::{Duration, Instant};

use common::{Capture, Host, announced, announcement, refusal};
use ipmp_core::event::Outcome::{Done, Refused};
use ipmp_core::{Change, IfIndex};
use ipmp_lab::Namespace;
use netlink_packet_core::{
    DefaultNla, NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::tc::{TcAttribute, TcHandle, TcMessage, TcOption};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};

#[tokio::test]
async fn a_nic_that_sends_nothing_does_not_silence_another() {
    let mut host = Host::new();
    let wire = Namespace::new().unwrap();
    let (stuck, working) = (host.plug(0, &wire, "p0"), host.plug(1, &wire, "p1"));
    let capture = Capture::open(&wire, "p1", libc::ETH_P_ARP);
    host.namespace.run(|| choke(stuck)).unwrap().unwrap();

    // More frames than a socket may have under way go to the stuck one in a single transaction, then one for the other.
    let begun = Instant::now();
    let addresses = (0..500).map(|n| format!("10.2.{}.{}", n / 250, n % 250));
    let mut changes: Vec<_> = addresses.map(|ip| Change::Announce(announcement(stuck, 0, &ip))).collect();
    changes.push(Change::Announce(announcement(working, 1, "10.1.0.1")));
    let outcomes = host.apply(changes).await;

    assert_eq!(outcomes.last(), Some(&Done));
    assert_eq!([0, 1].map(|_| announced(&capture.next())), ["10.1.0.1", "10.1.0.1"]);
    assert!(begun.elapsed() < Duration::from_secs(10), "not a wait for each frame: {:?}", begun.elapsed());
    let refused = outcomes.iter().find(|outcome| matches!(outcome, Refused(_)));
    assert!(refusal(refused.expect("its queue has an end").clone()).contains("does not send"));
}

/// Gives an interface a token bucket filter of a byte a second and a queue without bounds (tc-tbf(8)).
fn choke(index: IfIndex) -> io::Result<()> {
    const PARAMETERS: u16 = 1; // TCA_TBF_PARMS: a tc_tbf_qopt
    const BURST: u16 = 6; // TCA_TBF_BURST
    const BURST_BYTES: u32 = 2000;
    // tc_ratespec: cell_log and linklayer (Ethernet), overhead, cell_align, mpu, rate; twice, for the peak rate.
    let rate = [&[0, 1, 0, 0, 0, 0, 0, 0][..], &1_u32.to_ne_bytes()].concat();
    let [limit, buffer, mtu] = [100_000_000_u32, 0, 0].map(u32::to_ne_bytes);
    let parameters = [&rate[..], &[0; 12], &limit, &buffer, &mtu].concat();

    let mut message = TcMessage::with_index(index.0 as i32);
    message.header.parent = TcHandle::ROOT;
    message.attributes = vec![
        TcAttribute::Kind("tbf".into()),
        TcAttribute::Options(vec![
            TcOption::Other(DefaultNla::new(PARAMETERS, parameters)),
            TcOption::Other(DefaultNla::new(BURST, BURST_BYTES.to_ne_bytes().into())),
        ]),
    ];
    let mut message = NetlinkMessage::from(RouteNetlinkMessage::NewQueueDiscipline(message));
    message.header.flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);

    let socket = Socket::new(NETLINK_ROUTE)?;
    socket.send_to(&bytes, &SocketAddr::new(0, 0), 0)?;
    let (answer, _) = socket.recv_from_full()?;
    match NetlinkMessage::<RouteNetlinkMessage>::deserialize(&answer).map_err(io::Error::other)?.payload {
        NetlinkPayload::Error(error) if error.code.is_none() => Ok(()),
        NetlinkPayload::Error(error) => Err(error.to_io()),
        other => Err(io::Error::other(format!("{other:?} in place of an answer"))),
    }
}
