//! A network that loses packets at random is a bad network, not a failed NIC.

use std::time::Duration;

use ipmp_e2e::Story;
use ipmp_lab::{Frames, Result, Way};

/// How long the network is bad.
const BAD_TIME: Duration = Duration::from_secs(60);

#[test]
fn five_percent_of_round_trips_lost_for_a_minute() -> Result<()> {
    let mut site = Story::default().begin()?;
    let flow = site.flow(0)?;
    let mark = site.daemon.mark();
    for member in &site.network.members {
        member.lose(Way::Outbound, Frames::All, 0.05)?;
    }
    std::thread::sleep(BAD_TIME);
    let report = flow.report()?;
    assert!((0.03..0.07).contains(&report.loss()), "the fault itself is not what it should be: {report:?}");
    assert_eq!(site.verdicts(mark).len(), 0, "{:?}", site.verdicts(mark));
    Ok(())
}
