//! Hooks are run on what happens, with the facts; and whatever they do, a failover does not wait for them.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::SystemTime;

use ipmp_e2e::{PATIENCE, Site, Story, binary};
use ipmp_lab::{Mark, Result, wait_until};

ipmp_e2e::in_two_cases!(
    a_failover_runs_them_with_the_facts,
    they_may_ask_the_daemon,
    one_that_sleeps_for_ever_costs_no_packet,
);

/// Packets that one failover may lose more than another of the same kind, on a busy machine.
const CHANCE: u64 = 50;

/// The directory of the daemon's files.
fn directory(site: &Site) -> PathBuf {
    site.daemon.config_file().parent().expect("it has one").to_owned()
}

/// Puts a hook there, whose lines may name the directory of the daemon's files as `$D`. Copied by another process: who
/// has a file open for writing keeps it from being run.
fn hook(site: &Site, name: &str, lines: &str) {
    let (copied, hooks) = (directory(site).join("copied"), directory(site).join("hooks.d"));
    fs::create_dir_all(&hooks).expect("it is ours");
    fs::write(&copied, format!("#!/bin/sh\nD={}\n{lines}\n", directory(site).display())).expect("it is ours");
    let status = Command::new("install").args(["-m", "755"]).arg(&copied).arg(hooks.join(name)).status();
    assert!(status.expect("install runs").success());
}

/// What a hook has left.
fn left(site: &Site, name: &str) -> String {
    fs::read_to_string(directory(site).join(name)).unwrap_or_default()
}

fn a_failover_runs_them_with_the_facts(story: Story) -> Result<()> {
    let mut site = story.begin()?;
    let facts = "echo \"$IPMP_NUMBER $IPMP_EVENT $IPMP_GROUP $IPMP_INTERFACE $IPMP_LEVEL: $IPMP_MESSAGE\" >>$D/facts";
    hook(&site, "facts", facts);
    let mark = site.daemon.mark();
    site.network.members[0].set_carrier(false)?;
    site.daemon.wait_for(mark, "address_moved", |line| line.has("from", "eth0"), PATIENCE)?;
    let failed = " interface_failed acctg eth0 error: IP interface failure detected on eth0 of group acctg: no carrier";
    wait_until(PATIENCE, "the hook to be run on the failure", || {
        Ok(left(&site, "facts").lines().any(|line| line.ends_with(failed)))
    })?;
    // The last event of this daemon is one on which they are run too.
    site.daemon.stop(PATIENCE)?;
    let facts = left(&site, "facts");
    assert!(facts.lines().any(|line| line.contains(" stopping   notice: ipmpd is stopping")), "{facts}");
    let number = |line: &str| line.split(' ').next().and_then(|number| number.parse::<u64>().ok()).expect("a number");
    let numbers: Vec<_> = facts.lines().map(number).collect();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "each once, in order: {numbers:?}");
    for event in ["hook_failed", "hook_refused", "hooks_late"] {
        assert_eq!(site.daemon.events(Mark::START, event).len(), 0);
    }
    Ok(())
}

fn they_may_ask_the_daemon(story: Story) -> Result<()> {
    let mut site = story.begin()?;
    let ipmpstat = binary("ipmpstat");
    let lines = format!(
        "[ $IPMP_EVENT = interface_failed ] || exit 0\n{} -g -P -o group,state >$D/draft && mv $D/draft $D/state",
        ipmpstat.display()
    );
    hook(&site, "ask", &lines);
    let mark = site.daemon.mark();
    site.network.members[0].set_carrier(false)?;
    site.wait_event(mark, "interface_failed", "eth0")?;
    wait_until(PATIENCE, "the answer", || Ok(left(&site, "state") == "ipmp0:degraded\n"))
}

/// Packets that are lost where the member is cut that carries them; it is mended after that.
fn cut(site: &mut Site) -> Result<u64> {
    let flow = site.flow(0)?;
    let holder = site.holders(0)?.remove(0);
    let member = usize::from(holder == "eth1");
    let other = ["eth1", "eth0"][member];
    let (mark, before) = (site.daemon.mark(), SystemTime::now());
    site.network.members[member].set_carrier(false)?;
    site.wait_holder(0, other)?;
    let report = flow.report_since(before)?;
    site.network.members[member].set_carrier(true)?;
    site.wait_event(mark, "interface_repaired", &holder)?;
    Ok(report.lost)
}

fn one_that_sleeps_for_ever_costs_no_packet(story: Story) -> Result<()> {
    let mut site = story.begin()?;
    let without = cut(&mut site)?.min(cut(&mut site)?);
    // It sleeps as long as there is such a test.
    hook(&site, "10-sleeps", "echo >$D/sleeping; while [ -d $D ]; do sleep 0.2; done");
    let mark = site.daemon.mark();
    site.reload(&story.config())?;
    wait_until(PATIENCE, "the hook to be run", || Ok(!left(&site, "sleeping").is_empty()))?;
    let with = cut(&mut site)?.min(cut(&mut site)?);
    assert!(with <= without + CHANCE, "{with} packets lost, without the hook {without}");
    let failed = site.daemon.wait_for(mark, "hook_failed", |_| true, PATIENCE)?;
    assert_eq!(failed.field("reason"), Some("not done within 10s, and killed"));
    // Nor does the end of the daemon wait for it.
    site.daemon.stop(PATIENCE).map(drop)
}
