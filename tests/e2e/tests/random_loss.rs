//! A network that loses packets at random is a bad network, not a failed NIC.

use std::time::Duration;

use ipmp_e2e::Story;
use ipmp_lab::{Frames, Result, Way};

ipmp_e2e::in_every_case!(a_fifth_of_the_round_trips_lost);

/// How long the network is bad: some three hundred probes a member, which at this loss would bring the classic
/// schedule a false failure in one run of four.
const BAD_TIME: Duration = Duration::from_secs(20);

fn a_fifth_of_the_round_trips_lost(story: Story) -> Result<()> {
    let mut site = Story { detection: Duration::from_millis(300), ..story }.begin()?;
    let flow = site.flow(0)?;
    let mark = site.daemon.mark();
    for member in &site.network.members {
        member.lose(Way::Outbound, Frames::All, 0.2)?;
    }
    std::thread::sleep(BAD_TIME);
    let report = flow.report()?;
    assert!((0.15..0.25).contains(&report.loss()), "the fault itself is not what it should be: {report:?}");
    assert_eq!(site.verdicts(mark).len(), 0, "{:?}", site.verdicts(mark));
    // It is told all the same; by chance that the large probes are lost first.
    for member in ["eth0", "eth1"] {
        site.wait_event(mark, "interface_degraded", member)?;
    }
    Ok(())
}
