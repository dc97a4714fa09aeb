//! Of all that comes to a member, only a genuine answer to an outstanding ARP request or neighbour solicitation
//! counts, and most of the rest does not even wake the program.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipmp_core::{Event, Family, Mac, ProbeId, ReplyFault};
use ipmp_probe::arp::{self, Arp, Operation};
use ipmp_probe::frame::{BROADCAST, Ends};
use ipmp_probe::ndp::{self, Kind, Ndp};
use ipmp_probe::{DRAIN_MAX, ProbeEngine};
use pnet::packet::ethernet::EtherTypes;

use crate::exchange::ready_now;
use crate::lab::{events, replies, run, send};
use crate::link::{Bare, SOURCE_6};
use crate::stranger::FrameStranger;

/// Addresses and a hardware address that no kernel answers for.
const TARGET: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 2);
const OTHER: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 3);
const TARGET_6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 2);
const OTHER_6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 3);
const SOMEBODY: Mac = Mac([2, 0, 0, 0, 0, 0x77]);

fn bad_reply(family: Family, fault: ReplyFault) -> Event {
    Event::BadReply { member: "h0".parse().unwrap(), family, fault }
}

/// Who speaks, and the frame with which somebody answers a probe of `h0` rightly.
fn arp_answer(bare: &Bare) -> (FrameStranger, Arp) {
    let host = bare.host.mac("h0");
    let right = Arp {
        ends: Ends { from: SOMEBODY, to: host },
        operation: Operation::Reply,
        sender_mac: SOMEBODY,
        sender: TARGET,
        target_mac: host,
        target: Ipv4Addr::UNSPECIFIED,
    };
    (FrameStranger::new(&bare.peer, "p0", EtherTypes::Arp), right)
}

fn ndp_answer(bare: &Bare) -> (FrameStranger, Ndp) {
    let right = Ndp {
        ends: Ends { from: SOMEBODY, to: bare.host.mac("h0") },
        source: TARGET_6,
        destination: SOURCE_6,
        kind: Kind::Advertisement { solicited: true },
        target: TARGET_6,
        link: Some(SOMEBODY),
    };
    (FrameStranger::new(&bare.peer, "p0", EtherTypes::Ipv6), right)
}

/// The frame with one byte written over.
fn with(mut frame: Vec<u8>, place: usize, byte: u8) -> Vec<u8> {
    frame[place] = byte;
    frame
}

/// The frame with the tag of a VLAN.
fn tagged(frame: &[u8], vlan: u16) -> Vec<u8> {
    let tag = [[0x81, 0], vlan.to_be_bytes()].concat();
    [&frame[..12], &tag, &frame[12..]].concat()
}

/// Says all of these, of which none may be heard of, and then the right answer to probe 1.
async fn say_in_vain(engine: &mut ProbeEngine, stranger: &FrameStranger, frames: &[Vec<u8>], right: &[u8]) {
    for (number, frame) in frames.iter().enumerate() {
        stranger.say(frame);
        assert!(!ready_now(engine).await, "woken by number {number}");
    }
    stranger.say(right);
    assert_eq!(replies(engine, 1).await[0].0, ProbeId(1));
}

#[test]
fn each_forged_arp_reply_is_told_apart() {
    run(async {
        let bare = Bare::new();
        let (stranger, right) = arp_answer(&bare);
        let host = bare.host.mac("h0");
        let mut engine = bare.engine();
        send(&mut engine, 1, "h0", TARGET);
        let bytes = arp::encode(&right).to_vec();
        for (case, frame, fault) in [
            ("of one never asked", arp::encode(&Arp { sender: OTHER, ..right }).to_vec(), ReplyFault::OutOfWindow),
            ("told to another", arp::encode(&Arp { target_mac: SOMEBODY, ..right }).to_vec(), ReplyFault::Fake),
            ("at our own place", arp::encode(&Arp { sender_mac: host, ..right }).to_vec(), ReplyFault::Fake),
            ("at no place", arp::encode(&Arp { sender_mac: Mac([0; 6]), ..right }).to_vec(), ReplyFault::Fake),
            ("at every place", arp::encode(&Arp { sender_mac: BROADCAST, ..right }).to_vec(), ReplyFault::Fake),
            ("not of Ethernet", with(bytes.clone(), 15, 6), ReplyFault::Malformed),
            ("not of IPv4", with(bytes.clone(), 19, 6), ReplyFault::Malformed),
        ] {
            stranger.say(&frame);
            assert_eq!(events(&mut engine, 1).await, [bad_reply(Family::V4, fault)], "{case}");
        }
        let silent = [
            ("to the kernel's own request", arp::encode(&Arp { target: OTHER, ..right }).to_vec()),
            ("a request", arp::encode(&Arp { operation: Operation::Request, ..right }).to_vec()),
            ("to another host", arp::encode(&Arp { ends: Ends { to: SOMEBODY, ..right.ends }, ..right }).to_vec()),
            ("to all", arp::encode(&Arp { ends: Ends { to: BROADCAST, ..right.ends }, ..right }).to_vec()),
            ("of a VLAN", tagged(&bytes, 7)),
            ("cut in the target's address", bytes[..40].to_vec()),
            ("cut in the operation", bytes[..21].to_vec()),
            ("nothing but the header", bytes[..14].to_vec()),
        ];
        say_in_vain(&mut engine, &stranger, &silent.map(|(_, frame)| frame), &bytes).await;
        stranger.say(&bytes);
        assert_eq!(events(&mut engine, 1).await, [bad_reply(Family::V4, ReplyFault::Duplicate)]);
    });
}

#[test]
fn each_forged_advertisement_is_told_apart() {
    run(async {
        let bare = Bare::new();
        let (stranger, right) = ndp_answer(&bare);
        let host = bare.host.mac("h0");
        let mut engine = bare.engine();
        send(&mut engine, 1, "h0", TARGET_6);
        let bytes = ndp::encode(&right);
        let unsolicited = Ndp { kind: Kind::Advertisement { solicited: false }, ..right };
        for (case, frame, fault) in [
            ("not solicited", ndp::encode(&unsolicited), ReplyFault::Fake),
            ("at our own place", ndp::encode(&Ndp { link: Some(host), ..right }), ReplyFault::Fake),
            ("at no place", ndp::encode(&Ndp { link: Some(Mac([0; 6])), ..right }), ReplyFault::Fake),
            ("over a router", with(bytes.clone(), 14 + 7, 254), ReplyFault::Malformed),
            ("wrong checksum", with(bytes.clone(), 14 + 40 + 2, !bytes[14 + 40 + 2]), ReplyFault::Malformed),
            ("cut short", bytes[..bytes.len() - 1].to_vec(), ReplyFault::Malformed),
        ] {
            stranger.say(&frame);
            assert_eq!(events(&mut engine, 1).await, [bad_reply(Family::V6, fault)], "{case}");
        }
        // What the kernel asks for in the name of the same address is answered alike, and no fault.
        stranger.say(&ndp::encode(&Ndp { target: OTHER_6, ..right }));
        let silent = [
            ("to another host", ndp::encode(&Ndp { ends: Ends { to: SOMEBODY, ..right.ends }, ..right })),
            ("to another address", ndp::encode(&Ndp { destination: OTHER_6, ..right })),
            ("a solicitation", ndp::encode(&Ndp { kind: Kind::Solicitation, ..right })),
            ("of a VLAN", tagged(&bytes, 7)),
            ("cut before the type", bytes[..14 + 40].to_vec()),
        ];
        engine.readable().await;
        let mut told = Vec::new();
        engine.drain(&mut told);
        assert_eq!(told, []);
        say_in_vain(&mut engine, &stranger, &silent.map(|(_, frame)| frame), &bytes).await;
    });
}

/// The broadcasts of a busy link, what the kernel asked for, and what is for others.
#[test]
fn a_flood_of_foreign_frames_wakes_nobody() {
    run(async {
        let bare = Bare::new();
        let (arps, right) = arp_answer(&bare);
        let (ndps, right_6) = ndp_answer(&bare);
        let mut engine = bare.engine();
        send(&mut engine, 1, "h0", TARGET);
        let everybody = Ends { to: BROADCAST, ..right.ends };
        for number in 0..5000u32 {
            let sender = Ipv4Addr::from_bits(0x0a01_0100 + number);
            let request = Arp { operation: Operation::Request, sender, ends: everybody, ..right };
            arps.say(&arp::encode(&request));
            arps.say(&arp::encode(&Arp { sender, target: sender, ends: everybody, ..right }));
            arps.say(&arp::encode(&Arp { target: OTHER, ..right }));
            let kind = Kind::Advertisement { solicited: false };
            let all_nodes = "ff02::1".parse().unwrap();
            let ends = Ends { to: ndp::multicast_mac(all_nodes), ..right_6.ends };
            ndps.say(&ndp::encode(&Ndp { ends, destination: all_nodes, kind, ..right_6 }));
            assert!(!ready_now(&mut engine).await);
        }
        arps.say(&arp::encode(&right));
        assert_eq!(replies(&mut engine, 1).await.len(), 1);
    });
}

/// A target gone mad neither stops the drain nor starves the others.
#[test]
fn a_flood_of_duplicates_is_read_in_portions() {
    run(async {
        let bare = Bare::new();
        let (stranger, right) = arp_answer(&bare);
        let mut engine = bare.engine();
        send(&mut engine, 1, "h0", TARGET);
        for _ in 0..DRAIN_MAX + 100 {
            stranger.say(&arp::encode(&right));
        }
        engine.readable().await;
        let mut told = Vec::new();
        engine.drain(&mut told);
        assert_eq!(told.len(), DRAIN_MAX);
        assert!(ready_now(&mut engine).await);
        engine.drain(&mut told);
        assert_eq!(told.len(), DRAIN_MAX + 100);
        assert!(!ready_now(&mut engine).await);
        assert!(matches!(told[0], Event::Reply { probe: ProbeId(1), .. }));
        assert!(told[1..].iter().all(|event| *event == bad_reply(Family::V4, ReplyFault::Duplicate)));
    });
}

/// Each answer is another probe's, whichever of them it was meant for.
#[test]
fn as_many_answers_as_probes() {
    run(async {
        let bare = Bare::new();
        let (arps, right) = arp_answer(&bare);
        let (ndps, right_6) = ndp_answer(&bare);
        let mut engine = bare.engine();
        for (target, say) in [
            (IpAddr::from(TARGET), &(|| arps.say(&arp::encode(&right))) as &dyn Fn()),
            (TARGET_6.into(), &|| ndps.say(&ndp::encode(&right_6))),
        ] {
            for probe in 0..5 {
                send(&mut engine, probe, "h0", target);
            }
            (0..5).for_each(|_| say());
            let mut answered: Vec<_> = replies(&mut engine, 5).await.iter().map(|(probe, _)| probe.0).collect();
            answered.sort();
            assert_eq!(answered, [0, 1, 2, 3, 4]);
        }
    });
}
