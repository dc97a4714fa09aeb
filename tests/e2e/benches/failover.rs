//! The figures of `docs/figures.md`: how long traffic is silent, how fast addresses move, what idling costs.
//!
//! `cargo build --release && cargo bench -p ipmp-e2e [-- NAME...] [--runs N]`, as root. Each figure is a median and a
//! maximum over at least 30 runs. The machine's noise is in them: compare what one run measured side by side.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant, SystemTime};

use ipmp_e2e::{Family, PATIENCE, Site, Story, binary};
use ipmp_lab::{Change, Daemon, Flow, Mark, Monitor, Plan, Result, wait_until};

/// Packets a second of the flows: a gap is known to a quarter of a millisecond.
const RATE: u32 = 4000;

/// Stations of the benchmark network (RFC 2544) take addresses by the thousand.
const MANY: &str = "198.18";

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
    println!("| figure | median | maximum | runs |\n|---|---|---|---|");
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

fn row(figure: &str, unit: &str, mut samples: Vec<f64>) {
    samples.sort_by(f64::total_cmp);
    let (median, maximum) = (samples[samples.len() / 2], samples[samples.len() - 1]);
    println!("| {figure} | {median:.2} {unit} | {maximum:.2} {unit} | {} |", samples.len());
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// Silence at carrier loss, in and out. Repairs are quick, so that many runs fit into a minute.
fn carrier(runs: usize) -> Result<()> {
    let mut site = Story { detection: Duration::from_millis(100), ..Story::ipv4() }.begin()?;
    for inbound in [true, false] {
        let mut gaps = Vec::new();
        for _ in 0..runs {
            let flow = if inbound { flow_in(&site)? } else { flow_out(&site)? };
            let at = if inbound { number_of(&site.holders(0)?[0]) } else { sender(&site)? };
            let (mark, before) = (site.daemon.mark(), SystemTime::now());
            site.network.members[at].set_carrier(false)?;
            site.wait_event(mark, "interface_failed", &format!("eth{at}"))?;
            wait_on(&flow, Duration::from_millis(200))?;
            gaps.push(ms(flow.report_since(before)?.longest_gap));
            bring_home(&mut site, at, mark)?;
        }
        row(&format!("carrier loss, gap {}", if inbound { "inbound" } else { "outbound" }), "ms", gaps);
    }
    Ok(())
}

/// Detection, and silence in both ways, at a silent failure.
fn silent(detection: Duration, runs: usize) -> Result<()> {
    let mut site = Story { detection, ..Story::ipv4() }.begin()?;
    let (mut detections, mut gaps_in, mut gaps_out) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..runs {
        let (inbound, outbound) = (flow_in(&site)?, flow_out(&site)?);
        let at = number_of(&site.holders(0)?[0]);
        let sends = sender(&site)? == at;
        let (mark, before) = (site.daemon.mark(), SystemTime::now());
        site.network.members[at].silence()?;
        let failed = site.wait_event(mark, "interface_failed", &format!("eth{at}"))?;
        detections.push(ms(failed.at().duration_since(before).unwrap_or_default()));
        wait_on(&inbound, Duration::from_millis(200))?;
        gaps_in.push(ms(inbound.report_since(before)?.longest_gap));
        if sends {
            gaps_out.push(ms(outbound.report_since(before)?.longest_gap));
        }
        drop((inbound, outbound));
        bring_home(&mut site, at, mark)?;
    }
    let name = format!("silent failure, FDT {detection:?}");
    row(&format!("{name}, detection"), "ms", detections);
    row(&format!("{name}, gap inbound"), "ms", gaps_in);
    if !gaps_out.is_empty() {
        row(&format!("{name}, gap outbound"), "ms", gaps_out);
    }
    Ok(())
}

fn flow_in(site: &Site) -> Result<Flow> {
    let network = &site.network;
    Flow::one_way((&network.client, Family::V4.client()), (&network.host, Family::V4.data_address(0)), RATE)
}

fn flow_out(site: &Site) -> Result<Flow> {
    let network = &site.network;
    Flow::one_way((&network.host, Family::V4.data_address(0)), (&network.remote, Family::V4.remote()), RATE)
}

/// Waits until the flow has gone on for so long after now.
fn wait_on(flow: &Flow, span: Duration) -> Result<()> {
    let since = SystemTime::now();
    wait_until(PATIENCE, "traffic to go on", || {
        let over = since.elapsed().is_ok_and(|elapsed| elapsed > span);
        Ok(over && flow.report_since(since)?.received > u64::from(RATE) * span.as_millis() as u64 / 4000)
    })
}

/// The member by which the outbound flow leaves.
fn sender(site: &Site) -> Result<usize> {
    let sent =
        || -> Result<Vec<u64>> { (0..2).map(|n| Ok(site.network.host.link(&format!("eth{n}"))?.sent)).collect() };
    let before = sent()?;
    wait_until(PATIENCE, "traffic to leave", || Ok(sent()?.iter().zip(&before).any(|(now, then)| now - then > 200)))?;
    let grown: Vec<u64> = sent()?.iter().zip(&before).map(|(now, then)| now - then).collect();
    Ok(usize::from(grown[1] > grown[0]))
}

fn number_of(link: &str) -> usize {
    link.trim_start_matches("eth").parse().unwrap_or(0)
}

fn bring_home(site: &mut Site, at: usize, mark: Mark) -> Result<()> {
    site.network.members[at].mend()?;
    site.wait_event(mark, "interface_repaired", &format!("eth{at}"))?;
    wait_until(PATIENCE, "an address on each member", || {
        Ok(site.holders(0)? != site.holders(1)? && site.ways_out()?.len() == 2)
    })
}

/// From the loss of carrier to the last address on the other member, against `ip -batch` adding the same.
fn move_addresses(count: usize, runs: usize) -> Result<()> {
    let addresses: Vec<String> = (0..2 * count).map(|n| format!("{MANY}.{}.{}", 1 + n / 250, 1 + n % 250)).collect();
    let quoted: Vec<String> = addresses.iter().map(|address| format!("\"{address}/15\"")).collect();
    let story = Story { detection: Duration::from_millis(100), addresses: 0, ..Story::ipv4() };
    let config = story.config().replace("addresses = []", &format!("addresses = [{}]", quoted.join(", ")));
    let network = Plan::default().build()?;
    let mut daemon = Daemon::new(&network.host, binary("ipmpd"), &config)?;
    daemon.start_ready(Duration::from_secs(60))?;
    let mut site = Site { network, daemon, families: &[Family::V4] };
    // A dump that is interrupted while addresses move says nothing.
    let on = |site: &Site, link: &str| {
        let addresses = site.network.host.addresses().unwrap_or_default();
        addresses.iter().filter(|a| a.link == link && a.scope == 0 && a.address.addr().is_ipv4()).count()
    };
    wait_until(PATIENCE, "addresses on both", || Ok(on(&site, "eth0") == count && on(&site, "eth1") == count))?;
    site.wait_proven()?;

    let (mut moves, mut clean, mut batches, mut ratios) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..runs {
        let mark = site.daemon.mark();
        let mut monitor = Monitor::start(&site.network.host)?;
        let started = Instant::now();
        site.network.members[0].set_carrier(false)?;
        let (mut added, mut deleted) = (0, 0);
        let (mut last_added, mut last_deleted) = (Duration::ZERO, Duration::ZERO);
        while deleted < count && started.elapsed() < PATIENCE {
            for change in monitor.changes()? {
                match change {
                    Change::Address { gone: false, address } if address.link == "eth1" => {
                        (added, last_added) = (added + 1, started.elapsed());
                    }
                    Change::Address { gone: true, address } if address.link == "eth0" => {
                        (deleted, last_deleted) = (deleted + 1, started.elapsed());
                    }
                    _ => {}
                }
            }
        }
        assert_eq!((added, deleted), (count, count));
        let batch = batch(&addresses[..count], count)?;
        moves.push(ms(last_added));
        clean.push(ms(last_deleted));
        batches.push(ms(batch));
        ratios.push(last_added.as_secs_f64() / batch.as_secs_f64());
        site.network.members[0].set_carrier(true)?;
        site.wait_event(mark, "interface_repaired", "eth0")?;
        wait_until(PATIENCE, "addresses home", || Ok(on(&site, "eth0") == count && on(&site, "eth1") == count))?;
    }
    row(&format!("{count} addresses: carrier loss to last addition"), "ms", moves);
    row(&format!("{count} addresses: carrier loss to last deletion from the dead member"), "ms", clean);
    row(&format!("{count} addresses: `ip -batch`, the same additions"), "ms", batches);
    row(&format!("{count} addresses: ratio of the additions"), "x", ratios);
    Ok(())
}

/// `ip -batch` adding the addresses to an interface that has as many already, as eth1 has.
fn batch(addresses: &[String], present: usize) -> Result<Duration> {
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
    let line = |address: &str| format!("address add {address}/32 dev eth1\n");
    run((0..present).map(|n| line(&format!("203.0.{}.{}", 1 + n / 250, 1 + n % 250))).collect());
    Ok(run(addresses.iter().map(|address| line(address)).collect()))
}

/// What the daemon costs while nothing happens, at the default detection time.
fn idle(members: usize) -> Result<()> {
    let plan = Plan { members, ..Plan::default() };
    let story = Story { plan, addresses: members as u8, detection: Duration::from_secs(10), ..Story::ipv4() };
    let mut site = story.begin()?;
    let pid = site.daemon.pid().expect("it runs");
    let span = Duration::from_secs(60);
    let (before, verdicts) = (cpu_ms(pid), site.daemon.mark());
    std::thread::sleep(span);
    let used = cpu_ms(pid) - before;
    assert_eq!(site.verdicts(verdicts).len(), 0);
    println!("| idle, {members} members: CPU | {:.3} % | | one minute |", used / ms(span) * 100.0);
    println!("| idle, {members} members: resident memory | {:.1} MiB | | |", resident_kib(pid) / 1024.0);
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
