//! Probes as they are answered and lost, shown to everybody who asks, at the cost of nobody.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant, SystemTime};

use ipmp_e2e::{PATIENCE, Site, Story, binary};
use ipmp_lab::{Result, wait_until};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde_json::Value;

const WATCH: &[u8] = b"{\"method\":\"io.ipmpd.Control.Probes\",\"more\":true}\0";

/// Clients that watch and never read.
const STALLED: usize = 8;

/// What those may cost the daemon: each has a socket, and a reply on its way.
const GROWTH_MAX_KIB: u64 = 8 * 1024;

ipmp_e2e::in_two_cases!(
    each_is_shown_with_what_became_of_it,
    who_watches_and_never_reads_delays_no_verdict_and_takes_no_memory,
);

fn quick(story: Story) -> Story {
    Story { detection: Duration::from_millis(50), ..story }
}

/// `ipmpstat -p --json`, as it goes on.
struct Probes {
    child: Child,
    rows: Receiver<Value>,
}

impl Probes {
    fn begin(site: &Site) -> Self {
        let mut ipmpstat = site.daemon.client(binary("ipmpstat"));
        ipmpstat.args(["-p", "--json"]).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = ipmpstat.spawn().expect("ipmpstat runs");
        let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let (sender, rows) = channel();
        std::thread::spawn(move || {
            for line in lines.map_while(std::io::Result::ok) {
                let row = serde_json::from_str(&line).expect("a line is an object");
                if sender.send(row).is_err() {
                    return;
                }
            }
        });
        Self { child, rows }
    }

    /// The next `count` for which `fits` holds.
    fn next(&self, count: usize, fits: impl Fn(&Value) -> bool) -> Vec<Value> {
        let deadline = Instant::now() + PATIENCE;
        let mut found = Vec::new();
        while found.len() < count {
            let left = deadline.saturating_duration_since(Instant::now());
            let row = self.rows.recv_timeout(left).expect("probes are shown");
            found.extend(fits(&row).then_some(row));
        }
        found
    }
}

impl Drop for Probes {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn each_is_shown_with_what_became_of_it(story: Story) -> Result<()> {
    let story = quick(story);
    let mut site = story.begin()?;
    let mut probes = Probes::begin(&site);
    let all: BTreeSet<_> = story.targets.iter().map(ToString::to_string).collect();
    for member in ["eth0", "eth1"] {
        let rows = probes.next(50, |row| row["interface"] == member && row["outcome"] == "acked");
        let targets: BTreeSet<_> =
            rows.iter().map(|row| row["target"].as_str().expect("an address").to_owned()).collect();
        assert_eq!(targets, all);
        for row in &rows {
            let [network, total] = ["netrtt_us", "rtt_us"].map(|field| row[field].as_u64().expect("a round trip"));
            assert!(0 < network && network <= total && total < 1_000_000, "{row}");
        }
        let numbers: BTreeSet<_> = rows.iter().map(|row| row["probe"].as_u64()).collect();
        assert_eq!(numbers.len(), rows.len(), "no two have the same number");
    }

    let mark = site.daemon.mark();
    site.network.members[0].silence()?;
    let lost = probes.next(5, |row| row["interface"] == "eth0" && row["outcome"] == "lost");
    assert!(lost.iter().all(|row| row["rtt_us"].is_null() && row["netrtt_us"].is_null()), "{lost:?}");
    site.wait_event(mark, "interface_failed", "eth0")?;
    site.network.members[0].mend()?;
    site.wait_event(mark, "interface_repaired", "eth0")?;
    probes.next(10, |row| row["interface"] == "eth0" && row["outcome"] == "acked");

    site.daemon.stop(PATIENCE)?;
    let ended = probes.child.wait().expect("ipmpstat ends");
    let mut said = String::new();
    probes.child.stderr.take().expect("it is piped").read_to_string(&mut said).expect("text");
    assert_eq!((ended.code(), said.as_str()), (Some(1), "ipmpstat: ipmpd has hung up\n"));
    Ok(())
}

/// A client that watches and never reads.
fn stalled(site: &Site) -> UnixStream {
    let mut client = UnixStream::connect(site.daemon.runtime_dir().join("ipmpd.sock")).expect("the daemon listens");
    client.write_all(WATCH).expect("it listens");
    client.read_exact(&mut [0]).expect("it answers");
    client
}

fn is_hung_up(client: &UnixStream) -> bool {
    let mut polled = [PollFd::new(client.as_fd(), PollFlags::empty())];
    poll(&mut polled, PollTimeout::ZERO).expect("a socket can be polled");
    polled[0].revents().is_some_and(|events| events.contains(PollFlags::POLLHUP))
}

/// What the daemon has in memory.
fn resident_kib(site: &Site) -> u64 {
    let pid = site.daemon.pid().expect("it runs");
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("there is such a line");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

fn who_watches_and_never_reads_delays_no_verdict_and_takes_no_memory(story: Story) -> Result<()> {
    let story = quick(story);
    let mut site = story.begin()?;
    let _reader = Probes::begin(&site);
    let before = resident_kib(&site);
    let watchers: Vec<_> = (0..STALLED).map(|_| stalled(&site)).collect();
    wait_until(PATIENCE, "those who stall to be cut off", || Ok(watchers.iter().all(is_hung_up)))?;

    let mut watchers: Vec<_> = (0..STALLED).map(|_| stalled(&site)).collect();
    let mut found = Vec::new();
    // Twice each: a third failure within a minute would be held against it.
    for member in [0, 1, 0, 1] {
        watchers.iter_mut().filter(|watcher| is_hung_up(watcher)).for_each(|watcher| *watcher = stalled(&site));
        let name = format!("eth{member}");
        let (mark, cut) = (site.daemon.mark(), SystemTime::now());
        site.network.members[member].silence()?;
        let failed = site.wait_event(mark, "interface_failed", &name)?;
        found.push(failed.at().duration_since(cut).unwrap_or_default());
        site.network.members[member].mend()?;
        site.wait_event(mark, "interface_repaired", &name)?;
    }
    // One of them may have met a busy machine.
    found.sort();
    assert!(found[2] < story.detection * 2, "found after {found:?}");
    let growth = resident_kib(&site).saturating_sub(before);
    assert!(growth < GROWTH_MAX_KIB, "{growth} KiB more than before");
    Ok(())
}
