//! A TCP connection lives through every fault.

use std::time::Duration;

use ipmp_e2e::{Story, data_address};
use ipmp_lab::{CLIENT, Result, Stream, wait_until};

#[test]
fn a_stream_survives_a_pulled_cable_a_dead_path_and_the_repairs() -> Result<()> {
    let mut site = Story { detection: Duration::from_millis(500), ..Story::default() }.begin()?;
    let network = &site.network;
    let to_host = ((&network.client, CLIENT.into()), (&network.host, data_address(0).into()));
    let from_host = ((&network.host, data_address(0).into()), (&network.client, CLIENT.into()));
    let mut streams = [Stream::start(to_host.0, to_host.1)?, Stream::start(from_host.0, from_host.1)?];
    for silent in [false, true] {
        let mark = site.daemon.mark();
        match silent {
            true => site.network.members[0].silence()?,
            false => site.network.members[0].set_carrier(false)?,
        }
        site.wait_event(mark, "interface_failed", "eth0")?;
        let bytes = |streams: &mut [Stream; 2]| streams.each_mut().map(|stream| stream.report().bytes);
        let before = bytes(&mut streams);
        wait_until(ipmp_e2e::PATIENCE, "the streams to go on", || {
            Ok(bytes(&mut streams).iter().zip(before).all(|(now, before)| *now > before + 100_000))
        })?;
        site.network.members[0].mend()?;
        site.wait_event(mark, "interface_repaired", "eth0")?;
    }
    for stream in &mut streams {
        let report = stream.report();
        assert!(report.broken.is_none() && !report.damaged, "{report:?}");
    }
    Ok(())
}
