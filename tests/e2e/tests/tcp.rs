//! A TCP connection lives through every fault.

use std::time::Duration;

use ipmp_e2e::Story;
use ipmp_lab::{Result, Stream, wait_until};

ipmp_e2e::in_every_case!(a_stream_survives_a_pulled_cable_a_dead_path_and_the_repairs);

fn a_stream_survives_a_pulled_cable_a_dead_path_and_the_repairs(story: Story) -> Result<()> {
    let mut site = Story { detection: Duration::from_millis(500), ..story }.begin()?;
    let network = &site.network;
    let mut streams = Vec::new();
    for family in site.families {
        let client = (&network.client, family.client());
        let host = (&network.host, family.data_address(0));
        streams.extend([Stream::start(client, host)?, Stream::start(host, client)?]);
    }
    for silent in [false, true] {
        let mark = site.daemon.mark();
        match silent {
            true => site.network.members[0].silence()?,
            false => site.network.members[0].set_carrier(false)?,
        }
        site.wait_event(mark, "interface_failed", "eth0")?;
        let bytes = |streams: &mut [Stream]| streams.iter_mut().map(|stream| stream.report().bytes).collect::<Vec<_>>();
        let before = bytes(&mut streams);
        wait_until(ipmp_e2e::PATIENCE, "the streams to go on", || {
            Ok(bytes(&mut streams).iter().zip(&before).all(|(now, before)| *now > before + 100_000))
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
