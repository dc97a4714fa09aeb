//! The figures of `docs/figures.md`: how long traffic is silent, how fast addresses move, what idling costs.
//!
//! `cargo build --release && cargo bench -p ipmp-e2e [-- NAME...] [--runs N]`, as root. Each figure is a median and a
//! maximum over at least 30 runs, for IPv4 and for IPv6: in the same runs of one group with both families where one
//! failure meets both, else one after the other. The machine's noise is in them: compare what one run measured side by
//! side.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::process::Stdio;
use std::time::{Duration, Instant, SystemTime};

use ipmp_e2e::{Family, PATIENCE, Site, Story, binary};
use ipmp_lab::{Address, Change, Daemon, Flow, Mark, Monitor, Plan, Result, wait_until};

/// How long the kernel may take to move the most addresses that are measured.
const MANY_WITHIN: Duration = Duration::from_secs(60);

/// Packets a second of the flows: a gap is known to a quarter of a millisecond.
const RATE: u32 = 4000;

fn main() -> Result<()> {
    let mut runs = 30;
    let mut names = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--bench" => {}
            "--runs" => runs = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(runs),
            _ => names.push(argument),
        }
    }
    let wanted = |name: &str| names.is_empty() || names.iter().any(|given| given == name);
    println!("| figure | IPv4 median | maximum | runs | IPv6 median | maximum | runs |\n|---|---|---|---|---|---|---|");
    if wanted("carrier") {
        carrier(runs)?;
    }
    for detection_ms in [100, 1000, 10_000] {
        if wanted("silent") || wanted(&format!("silent-{detection_ms}")) {
            silent(Duration::from_millis(detection_ms), runs)?;
        }
    }
    for count in [1, 10, 100, 1000] {
        if wanted("move") || wanted(&format!("move-{count}")) {
            move_addresses(count, runs)?;
        }
    }
    for members in [2, 32] {
        if wanted("idle") {
            idle(members)?;
        }
    }
    Ok(())
}

/// Samples of one figure, by family.
#[derive(Default)]
struct Samples([Vec<f64>; 2]);

impl Samples {
    fn push(&mut self, family: Family, sample: f64) {
        self.0[usize::from(family == Family::V6)].push(sample);
    }

    /// Prints a row of the table.
    fn row(self, figure: &str, unit: &str) {
        let columns = self.0.map(|mut samples| {
            samples.sort_by(f64::total_cmp);
            let (median, maximum) = (samples.get(samples.len() / 2), samples.last());
            let text = |sample: Option<&f64>| sample.map_or("-".into(), |sample| format!("{sample:.2} {unit}"));
            format!("{} | {} | {}", text(median), text(maximum), samples.len())
        });
        println!("| {figure} | {} |", columns.join(" | "));
    }
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// Silence at carrier loss, in and out. Repairs are quick, so that many runs fit into a minute.
fn carrier(runs: usize) -> Result<()> {
    let mut site = Story { detection: Duration::from_millis(100), ..Story::dual() }.begin()?;
    let (mut inbound, mut outbound) = (Samples::default(), Samples::default());
    for _ in 0..runs {
        let (at, flows) = (holder(&site, Family::V4)?, Flows::start(&site)?);
        let (mark, before) = (site.daemon.mark(), SystemTime::now());
        site.network.members[at].set_carrier(false)?;
        site.wait_event(mark, "interface_failed", &format!("eth{at}"))?;
        flows.report(at, before, &mut inbound, &mut outbound)?;
        bring_home(&mut site, at, mark)?;
    }
    inbound.row("carrier loss, gap inbound", "ms");
    outbound.row("carrier loss, gap outbound", "ms");
    Ok(())
}

/// Detection, and silence in both ways, at a silent failure.
fn silent(detection: Duration, runs: usize) -> Result<()> {
    let mut site = Story { detection, ..Story::dual() }.begin()?;
    let (mut inbound, mut outbound) = (Samples::default(), Samples::default());
    let mut detections = Samples::default();
    for _ in 0..runs {
        let (at, flows) = (holder(&site, Family::V4)?, Flows::start(&site)?);
        let (mark, before) = (site.daemon.mark(), SystemTime::now());
        site.network.members[at].silence()?;
        let failed = site.wait_event(mark, "interface_failed", &format!("eth{at}"))?;
        let took = ms(failed.at().duration_since(before).unwrap_or_default());
        // One verdict for both.
        Family::BOTH.iter().for_each(|family| detections.push(*family, took));
        flows.report(at, before, &mut inbound, &mut outbound)?;
        bring_home(&mut site, at, mark)?;
    }
    let name = format!("silent failure, FDT {detection:?}");
    detections.row(&format!("{name}, detection"), "ms");
    inbound.row(&format!("{name}, gap inbound"), "ms");
    outbound.row(&format!("{name}, gap outbound"), "ms");
    Ok(())
}

/// One flow in and one out in each family, with the member that each uses.
struct Flows(Vec<(Family, usize, Flow, usize, Flow)>);

impl Flows {
    fn start(site: &Site) -> Result<Self> {
        let network = &site.network;
        let flows = Family::BOTH.iter().map(|&family| {
            let host = (&network.host, family.data_address(0));
            let inbound = Flow::one_way((&network.client, family.client()), host, RATE)?;
            let outbound = Flow::one_way(host, (&network.remote, family.remote()), RATE)?;
            Ok((family, holder(site, family)?, inbound, sender(site, family, &outbound)?, outbound))
        });
        Ok(Self(flows.collect::<Result<_>>()?))
    }

    /// The gaps in what used this member.
    fn report(self, at: usize, since: SystemTime, inbound: &mut Samples, outbound: &mut Samples) -> Result<()> {
        self.0.iter().try_for_each(|(_, _, inward, _, _)| wait_on(inward, Duration::from_millis(200)))?;
        for (family, holder, inward, leaves_by, outward) in self.0 {
            if holder == at {
                inbound.push(family, ms(inward.report_since(since)?.longest_gap));
            }
            if leaves_by == at {
                outbound.push(family, ms(outward.report_since(since)?.longest_gap));
            }
        }
        Ok(())
    }
}

/// Waits until the flow has gone on for so long after now.
fn wait_on(flow: &Flow, span: Duration) -> Result<()> {
    let since = SystemTime::now();
    wait_until(PATIENCE, "traffic to go on", || {
        let over = since.elapsed().is_ok_and(|elapsed| elapsed > span);
        Ok(over && flow.report_since(since)?.received > u64::from(RATE) * span.as_millis() as u64 / 4000)
    })
}

/// The member that carries the first data address of a family.
fn holder(site: &Site, family: Family) -> Result<usize> {
    Ok(site.links_with(family.data_address(0))?.first().map_or(0, |link| number_of(link)))
}

/// The member by which a flow to the remote client leaves, by the counters of its family.
fn sender(site: &Site, family: Family, flow: &Flow) -> Result<usize> {
    let since = SystemTime::now();
    let before = [sent(site, family, 0)?, sent(site, family, 1)?];
    wait_on(flow, Duration::from_millis(100))?;
    let (own, grown) = (flow.report_since(since)?.sent, [sent(site, family, 0)?, sent(site, family, 1)?]);
    let grown = [grown[0] - before[0], grown[1] - before[1]];
    // What is sent besides is answers to nobody and a few probes.
    Ok(usize::from(grown[1] > own / 2 && grown[1] > grown[0]))
}

fn sent(site: &Site, family: Family, member: usize) -> Result<u64> {
    let name = format!("eth{member}");
    let file = format!("/proc/thread-self/net/dev_snmp6/{name}");
    let counters = site.network.host.run(|| fs::read_to_string(file).unwrap_or_default())?;
    let line = counters.lines().find_map(|line| line.strip_prefix("Ip6OutRequests"));
    let v6 = line.and_then(|count| count.trim().parse().ok()).unwrap_or(0);
    Ok(match family {
        Family::V6 => v6,
        Family::V4 => site.network.host.link(&name)?.sent.saturating_sub(v6),
    })
}

fn number_of(link: &str) -> usize {
    link.trim_start_matches("eth").parse().unwrap_or(0)
}

fn bring_home(site: &mut Site, at: usize, mark: Mark) -> Result<()> {
    site.network.members[at].mend()?;
    site.wait_event(mark, "interface_repaired", &format!("eth{at}"))?;
    wait_until(PATIENCE, "an address of each family on each member", || {
        let apart = |family: &Family| {
            let links = [0, 1].map(|number| site.links_with(family.data_address(number)));
            let [first, second] = links;
            Ok(first? != second? && site.ways_out_of(*family)?.len() == 2)
        };
        site.families.iter().map(apart).try_fold(true, |all, apart: Result<bool>| Ok(all && apart?))
    })
}

/// What is measured of many addresses that move.
const MOVES: [(&str, &str); 5] = [
    ("carrier loss to first addition", "ms"),
    ("carrier loss to last addition", "ms"),
    ("carrier loss to last deletion from the dead member", "ms"),
    ("`ip -batch`, the same additions", "ms"),
    ("ratio of the additions", "x"),
];

/// From the loss of carrier to the last address on the other member, against `ip -batch` adding the same.
fn move_addresses(count: usize, runs: usize) -> Result<()> {
    let mut figures = MOVES.map(|_| Samples::default());
    for story in [Story::ipv4(), Story::ipv6()] {
        let family = story.families[0];
        let (mut site, addresses) = begin_with_many(story, count)?;
        for _ in 0..runs {
            let [first, last, cleaned] = move_once(&mut site, family, count)?;
            let batch = batch(&addresses[..count], count)?;
            let ratio = last.as_secs_f64() / batch.as_secs_f64();
            for (samples, sample) in figures.iter_mut().zip([ms(first), ms(last), ms(cleaned), ms(batch), ratio]) {
                samples.push(family, sample);
            }
        }
    }
    for ((what, unit), samples) in MOVES.iter().zip(figures) {
        samples.row(&format!("{count} addresses: {what}"), unit);
    }
    Ok(())
}

/// A group with so many addresses on each of its members, from the networks for benchmarks (RFC 2544, RFC 5180).
fn begin_with_many(story: Story, count: usize) -> Result<(Site, Vec<IpAddr>)> {
    let family = story.families[0];
    let address = |n: usize| -> IpAddr {
        match family {
            Family::V4 => Ipv4Addr::new(198, 18, (1 + n / 250) as u8, (1 + n % 250) as u8).into(),
            Family::V6 => Ipv6Addr::new(0x2001, 2, 0, 0, 0, 0, 0, 1 + n as u16).into(),
        }
    };
    let addresses: Vec<IpAddr> = (0..2 * count).map(address).collect();
    let length = if family == Family::V4 { 15 } else { 48 };
    let quoted: Vec<String> = addresses.iter().map(|address| format!("\"{address}/{length}\"")).collect();
    let story = Story { detection: Duration::from_millis(100), addresses: 0, ..story };
    let config = story.config().replace("addresses = []", &format!("addresses = [{}]", quoted.join(", ")));
    let network = Plan::default().build()?;
    let mut daemon = Daemon::new(&network.host, binary("ipmpd"), &config)?;
    daemon.start_ready(Duration::from_secs(60))?;
    let mut site = Site { network, daemon, families: story.families };
    wait_spread(&site, family, count)?;
    site.wait_proven()?;
    Ok((site, addresses))
}

/// Waits until each member carries half of the addresses.
fn wait_spread(site: &Site, family: Family, count: usize) -> Result<()> {
    wait_until(MANY_WITHIN, "addresses on both", || {
        // A dump that is interrupted while addresses move says nothing.
        let addresses = site.network.host.addresses().unwrap_or_default();
        let on = |link: &str| {
            let data = |a: &&Address| a.link == link && is_one_of_many(family, a.address.addr());
            addresses.iter().filter(data).count()
        };
        Ok(on("eth0") == count && on("eth1") == count)
    })
}

fn is_one_of_many(family: Family, address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => family == Family::V4 && v4.octets()[..2] == [198, 18],
        IpAddr::V6(v6) => family == Family::V6 && v6.segments()[..2] == [0x2001, 2],
    }
}

/// Pulls the first cable: when the first and the last address was on the other member, and when the last one had gone
/// from the dead one.
fn move_once(site: &mut Site, family: Family, count: usize) -> Result<[Duration; 3]> {
    let mark = site.daemon.mark();
    let mut monitor = Monitor::start(&site.network.host)?;
    let started = Instant::now();
    site.network.members[0].set_carrier(false)?;
    let (mut added, mut deleted) = (Vec::new(), Vec::new());
    // The kernel tells of an IPv6 address some time after it was added.
    while added.len().min(deleted.len()) < count && started.elapsed() < MANY_WITHIN {
        for change in monitor.changes()? {
            let Change::Address { gone, address } = change else { continue };
            if !is_one_of_many(family, address.address.addr()) {
                continue;
            }
            match (gone, address.link.as_str()) {
                (false, "eth1") => added.push(started.elapsed()),
                (true, "eth0") => deleted.push(started.elapsed()),
                _ => {}
            }
        }
    }
    assert_eq!((added.len(), deleted.len()), (count, count));
    site.network.members[0].set_carrier(true)?;
    site.wait_event(mark, "interface_repaired", "eth0")?;
    wait_spread(site, family, count)?;
    Ok([added[0], added[count - 1], deleted[count - 1]])
}

/// `ip -batch` adding the addresses to an interface that has as many already, as eth1 has.
fn batch(addresses: &[IpAddr], present: usize) -> Result<Duration> {
    let namespace = ipmp_lab::Namespace::new()?;
    namespace.add_bridge("eth1")?;
    namespace.set_up("eth1")?;
    let run = |lines: String| {
        let file = std::env::temp_dir().join(format!("ipmp-batch-{}", std::process::id()));
        fs::write(&file, lines).expect("a temporary file can be written");
        let started = Instant::now();
        let status = namespace.command("ip").arg("-batch").arg(&file).stdout(Stdio::null()).status();
        let took = started.elapsed();
        fs::remove_file(&file).expect("it is there");
        assert!(status.expect("`ip` is installed").success());
        took
    };
    let line = |address: &IpAddr| match address {
        IpAddr::V4(v4) => format!("address add {v4}/32 dev eth1\n"),
        IpAddr::V6(v6) => format!("address add {v6}/128 dev eth1 nodad noprefixroute\n"),
    };
    let other = |n: usize| -> IpAddr {
        match addresses[0] {
            IpAddr::V4(_) => Ipv4Addr::new(203, 0, (1 + n / 250) as u8, (1 + n % 250) as u8).into(),
            IpAddr::V6(_) => Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1 + n as u16).into(),
        }
    };
    run((0..present).map(|n| line(&other(n))).collect());
    Ok(run(addresses.iter().map(line).collect()))
}

/// What the daemon costs while nothing happens, at a failure detection time of ten seconds.
fn idle(members: usize) -> Result<()> {
    let (mut cpu, mut memory) = (Samples::default(), Samples::default());
    for story in [Story::ipv4(), Story::ipv6()] {
        let (family, plan) = (story.families[0], Plan { members, ..Plan::default() });
        let story = Story { plan, addresses: members as u8, detection: Duration::from_secs(10), ..story };
        let mut site = story.begin()?;
        let pid = site.daemon.pid().expect("it runs");
        let span = Duration::from_secs(60);
        let (before, verdicts) = (cpu_ms(pid), site.daemon.mark());
        std::thread::sleep(span);
        let used = cpu_ms(pid) - before;
        assert_eq!(site.verdicts(verdicts).len(), 0);
        cpu.push(family, used / ms(span) * 100.0);
        memory.push(family, resident_kib(pid) / 1024.0);
    }
    cpu.row(&format!("idle for a minute, {members} members: CPU"), "%");
    memory.row(&format!("idle for a minute, {members} members: resident memory"), "MiB");
    Ok(())
}

fn cpu_ms(pid: u32) -> f64 {
    // In nanoseconds, summed over the threads: the ticks of /proc/PID/stat are too coarse for an idle daemon.
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("it runs");
    let of = |task: fs::DirEntry| fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
    let nanos = tasks.flatten().filter_map(|task| of(task).split(' ').next()?.parse::<f64>().ok());
    nanos.sum::<f64>() / 1e6
}

fn resident_kib(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).unwrap_or(0.0)
}
