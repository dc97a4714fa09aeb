//! Events as they happen: numbered, whole, whatever is logged; and nothing is missed by who comes back.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use ipmp_e2e::{PATIENCE, Site, Story, binary};
use ipmp_lab::{Daemon, Mark, Result, Signal, wait_until};
use nix::errno::Errno;
use nix::libc;
use serde_json::Value;

ipmp_e2e::in_two_cases!(
    a_failover_is_told_as_it_is_logged,
    all_is_told_whatever_is_logged,
    who_comes_back_misses_nothing,
    a_reload_makes_administrators,
);

/// `nobody`.
const STRANGER: u32 = 65534;

/// `ipmpadm monitor`, as it goes on.
struct Monitor {
    child: Child,
    lines: Receiver<String>,
}

impl Monitor {
    fn begin(daemon: &Daemon, arguments: &[&str]) -> Self {
        let mut ipmpadm = daemon.client(binary("ipmpadm"));
        ipmpadm.arg("monitor").args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = ipmpadm.spawn().expect("ipmpadm runs");
        let read = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in read.map_while(std::io::Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, lines }
    }

    /// The next lines, up to the first for which `is_last` holds.
    fn until(&self, is_last: impl Fn(&str) -> bool) -> Vec<String> {
        let deadline = Instant::now() + PATIENCE;
        let mut lines = Vec::new();
        while !lines.last().is_some_and(|line: &String| is_last(line)) {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => lines.push(line),
                Err(end) => panic!("{end} after {lines:#?}"),
            }
        }
        lines
    }

    /// The same as objects, up to the first event of that name for which the fields fit.
    fn until_event(&self, name: &str, field: &str, value: &str) -> Vec<Value> {
        let parsed = |line: &str| serde_json::from_str::<Value>(line).expect("a line is an object");
        let lines = self.until(|line| parsed(line)["event"] == name && parsed(line)[field] == value);
        lines.iter().map(|line| parsed(line)).collect()
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn numbers(events: &[Value]) -> Vec<u64> {
    events.iter().map(|event| event["number"].as_u64().expect("a number")).collect()
}

/// What an event, or a line of the log, says besides its number.
fn said(event: &Value) -> Value {
    let mut said = event.as_object().expect("it is one").clone();
    said.remove("number");
    said.into()
}

/// Everything that was logged, but for what libraries have to say.
fn logged(site: &mut Site) -> Vec<Value> {
    let lines = site.daemon.log().iter().map(ToString::to_string);
    let objects = lines.filter_map(|line| serde_json::from_str::<Value>(&line).ok());
    objects.filter(|line| line["event"].is_string() && line["event"] != "diagnostic").collect()
}

fn a_failover_is_told_as_it_is_logged(story: Story) -> Result<()> {
    let mut site = story.begin()?;
    let monitor = Monitor::begin(&site.daemon, &["--json", "--after", "0"]);
    let people = Monitor::begin(&site.daemon, &["--after", "0"]);
    let mut told = monitor.until_event("ready", "level", "notice");

    site.network.members[0].set_carrier(false)?;
    told.extend(monitor.until_event("address_moved", "from", "eth0"));
    let down = people.until(|line| line.contains("moved from eth0 to eth1"));
    assert!(down.iter().any(|line| line.contains(" warning  The link has gone down on eth0: no carrier")), "{down:#?}");
    let failed = " error    IP interface failure detected on eth0 of group acctg: no carrier";
    assert!(down.iter().any(|line| line.ends_with(failed)), "{down:#?}");
    site.network.members[0].set_carrier(true)?;
    told.extend(monitor.until_event("interface_repaired", "interface", "eth0"));
    let count = told.len();
    assert_eq!(numbers(&told), (1..=count as u64).collect::<Vec<_>>(), "none is missing, and none is told twice");
    assert_eq!(told[0]["event"], "started");
    wait_until(PATIENCE, "the log to say it too", || Ok(logged(&mut site).len() >= count))?;
    let logged: Vec<_> = logged(&mut site).iter().take(count).map(said).collect();
    assert_eq!(told.iter().map(said).collect::<Vec<_>>(), logged);

    // Nobody waits for it to be told of the end, which may come first.
    let mut monitor = monitor;
    site.daemon.stop(PATIENCE)?;
    let ended = monitor.child.wait().expect("ipmpadm ends");
    let mut complaint = String::new();
    monitor.child.stderr.take().expect("it is piped").read_to_string(&mut complaint).expect("text");
    assert_eq!((ended.code(), complaint.as_str()), (Some(1), "ipmpadm: ipmpd has hung up\n"));
    Ok(())
}

fn all_is_told_whatever_is_logged(story: Story) -> Result<()> {
    let network = story.plan.build()?;
    let daemon = Daemon::new(&network.host, binary("ipmpd"), &story.config())?;
    let mut daemon = daemon.argument("--log-level").argument("critical");
    daemon.start_ready(PATIENCE)?;
    let mut site = Site { network, daemon, families: story.families };
    let monitor = Monitor::begin(&site.daemon, &["--json", "--after", "0"]);
    let told = monitor.until_event("ready", "level", "notice");
    assert_eq!(told[0]["event"], "started");
    site.network.members[0].set_carrier(false)?;
    monitor.until_event("interface_failed", "interface", "eth0");
    assert_eq!(logged(&mut site), Vec::<Value>::new(), "nothing was critical");
    Ok(())
}

fn who_comes_back_misses_nothing(story: Story) -> Result<()> {
    let mut site = story.begin()?;
    let mut told = Monitor::begin(&site.daemon, &["--json", "--after", "0"]).until_event("ready", "level", "notice");
    // Nobody looks.
    let mark = site.daemon.mark();
    site.network.members[0].set_carrier(false)?;
    site.wait_event(mark, "interface_failed", "eth0")?;
    let last = numbers(&told).last().copied().expect("it has been told of something");
    let again = Monitor::begin(&site.daemon, &["--json", "--after", &last.to_string()]);
    told.extend(again.until_event("interface_failed", "interface", "eth0"));
    assert_eq!(numbers(&told), (1..=told.len() as u64).collect::<Vec<_>>());

    // Numbers begin anew with the daemon, and that one is told of whole.
    site.daemon.kill()?;
    site.daemon.start_ready(PATIENCE)?;
    let new = Monitor::begin(&site.daemon, &["--json", "--after", "100000"]).until_event("ready", "level", "notice");
    assert_eq!((&new[0]["event"], numbers(&new)[0]), (&Value::from("started"), 1));
    Ok(())
}

/// What somebody gets who wants to take a member out of service: the error's name, none where it was done.
fn attempt(connection: &mut UnixStream) -> Option<String> {
    let call = b"{\"method\":\"io.ipmpd.Control.Offline\",\"parameters\":{\"interface\":\"eth1\"}}\0";
    connection.write_all(call).expect("it listens");
    let mut reply = Vec::new();
    BufReader::new(connection).read_until(0, &mut reply).expect("it answers");
    let reply: Value = serde_json::from_slice(&reply[..reply.len() - 1]).expect("JSON");
    reply["error"].as_str().map(str::to_owned)
}

fn a_reload_makes_administrators(story: Story) -> Result<()> {
    let mut site = story.begin()?;
    let directory = site.daemon.runtime_dir();
    std::fs::set_permissions(directory.parent().expect("it has one"), PermissionsExt::from_mode(0o755)).expect("ours");
    let socket = directory.join("ipmpd.sock");
    let (asked, ask) = channel::<()>();
    let (answer, answers) = channel();
    let stranger = std::thread::spawn(move || {
        // SAFETY: takes three numbers. By way of libc it would change all threads of the process.
        let changed = unsafe { libc::syscall(libc::SYS_setresuid, STRANGER, STRANGER, STRANGER) };
        Errno::result(changed).expect("root may be anybody");
        let mut connection = UnixStream::connect(socket).expect("everyone may connect");
        for () in ask {
            answer.send(attempt(&mut connection)).expect("it is waited for");
        }
    });
    let outcome = || {
        asked.send(()).expect("the stranger waits");
        answers.recv_timeout(PATIENCE).expect("the daemon answers")
    };
    let denied = Some("io.ipmpd.Control.PermissionDenied".to_owned());
    assert_eq!(outcome(), denied);
    let user = nix::unistd::User::from_uid(STRANGER.into()).expect("users are known").expect("there is a nobody");
    let group = nix::unistd::Group::from_gid(user.gid).expect("groups are known").expect("his has a name");
    let of_group = |name: &str| Story { system: format!("admin-group = \"{name}\"\n"), ..story.clone() }.config();
    site.reload(&of_group("root"))?;
    assert_eq!(outcome(), denied);
    site.reload(&of_group(&group.name))?;
    let mark = site.daemon.mark();
    assert_eq!(outcome(), None);
    site.wait_event(mark, "offline", "eth1")?;
    site.reload(&story.config())?;
    assert_eq!(outcome(), denied);
    drop(asked);
    stranger.join().expect("it does not panic");
    // What only a daemon that reloads tells.
    assert_eq!(site.daemon.events(Mark::START, "reloaded").len(), 3);
    site.daemon.signal(Signal::SIGTERM)?;
    site.daemon.wait_exit(Duration::from_secs(10)).map(drop)
}
