//! The daemon's own trouble is not the network's.

use std::time::Duration;

use ipmp_e2e::Story;
use ipmp_lab::{Burners, LogLine, Result, Signal};

ipmp_e2e::in_two_cases!(
    stopped_for_seconds_it_blames_nobody_and_says_that_it_was_late,
    starved_for_twenty_seconds_it_blames_nobody_and_finds_a_real_cut,
);

fn stopped_for_seconds_it_blames_nobody_and_says_that_it_was_late(story: Story) -> Result<()> {
    let mut site = Story { detection: Duration::from_millis(100), ..story }.begin()?;
    let begin = site.daemon.mark();
    for round in 1.. {
        let mark = site.daemon.mark();
        site.daemon.signal(Signal::SIGSTOP)?;
        std::thread::sleep(Duration::from_secs(2));
        site.daemon.signal(Signal::SIGCONT)?;
        // Time for a verdict, had there been a reason for one.
        site.wait_replies(10)?;
        assert_eq!(site.verdicts(mark).len(), 0, "{:?}", site.verdicts(mark));
        // It does not say so again within ten seconds, and a busy machine may have made it late before.
        let late = site.daemon.events(begin, "daemon_late");
        if round >= 3 && late.iter().any(|line| by(line) > Duration::from_millis(1500)) {
            break;
        }
        assert!(round < 10, "never said so: {late:?}");
    }
    let mark = site.daemon.mark();
    site.network.members[0].silence()?;
    site.wait_event(mark, "interface_failed", "eth0")?;
    site.wait_holder(0, "eth1")
}

/// How late the daemon says it was.
fn by(line: &LogLine) -> Duration {
    Duration::from_millis(line.field("late_ms").and_then(|late| late.parse().ok()).unwrap_or_default())
}

fn starved_for_twenty_seconds_it_blames_nobody_and_finds_a_real_cut(story: Story) -> Result<()> {
    let mut site = Story { detection: Duration::from_millis(100), ..story }.begin()?;
    let mark = site.daemon.mark();
    let burners = Burners::per_cpu(8)?;
    std::thread::sleep(Duration::from_secs(15));
    assert_eq!(site.verdicts(mark).len(), 0, "{:?}", site.verdicts(mark));
    site.network.members[0].silence()?;
    site.wait_event(mark, "interface_failed", "eth0")?;
    std::thread::sleep(Duration::from_secs(5));
    drop(burners);
    site.wait_holder(0, "eth1")?;
    assert!(site.daemon.events(mark, "interface_failed").iter().all(|line| line.has("interface", "eth0")));
    assert!(site.daemon.events(mark, "group_failed").is_empty());
    Ok(())
}
