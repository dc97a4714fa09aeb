//! `ipmpd demo` as people run it: as root, as an ordinary user, into a pipe, interrupted, and where it cannot run.
//! Whatever happens, nothing is left.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use ipmp_lab::{Namespace, wait_until};
use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::{Gid, Pid, Uid, setgid, setgroups, setuid};
use tempfile::TempDir;

/// An ordinary user.
const NOBODY: u32 = 65534;

/// Processes and links need not be gone the moment that the program is.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where every process of the demo can be told by.
const MARK: &str = "IPMPD_DEMO_TEST";

#[test]
fn root_sees_every_act() {
    let place = Place::new();
    assert_shows_all(&place.command(programs()).output().unwrap());
    place.assert_empty();
}

#[test]
fn an_ordinary_user_sees_every_act() {
    let place = Place::new();
    // Where the programs are built need not be readable for everyone.
    for program in ["ipmpd", "ipmpstat", "if_mpadm"] {
        fs::copy(programs().join(program), place.programs().join(program)).unwrap();
    }
    let mut command = place.command(&place.programs());
    let become_ordinary = || {
        setgroups(&[])?;
        setgid(Gid::from_raw(NOBODY))?;
        setuid(Uid::from_raw(NOBODY))?;
        // Forgotten when the user changes.
        Ok(set_pdeathsig(Signal::SIGKILL)?)
    };
    // SAFETY: system calls only.
    unsafe { command.pre_exec(become_ordinary) };
    assert_shows_all(&command.output().unwrap());
    place.assert_empty();
}

#[test]
fn an_interrupted_show_leaves_nothing() {
    let place = Place::new();
    let mut command = place.command(programs());
    command.env("CLICOLOR_FORCE", "1").process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut demo = command.spawn().unwrap();
    let act = first_act(&mut demo);
    assert!(act.contains('\u{1b}'), "colours where they are asked for: {act:?}");
    // As a terminal does: the daemon gets it too.
    killpg(Pid::from_raw(demo.id() as i32), Signal::SIGINT).unwrap();
    let end = demo.wait_with_output().unwrap();
    assert_eq!(end.status.code(), Some(130), "{end:?}");
    assert_eq!(String::from_utf8_lossy(&end.stderr), "ipmpd demo: interrupted; nothing is left behind\n");
    place.assert_empty();
}

#[test]
fn a_daemon_that_does_not_do_its_job_is_told() {
    let place = Place::new();
    let mut demo = place.command(programs()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    first_act(&mut demo);
    let daemon = place.processes().into_iter().find(|process| *process != demo.id()).expect("the daemon runs");
    kill(Pid::from_raw(daemon as i32), Signal::SIGKILL).unwrap();
    let end = demo.wait_with_output().unwrap();
    assert_refuses(&end, &["the daemon ended"]);
    place.assert_empty();
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let place = Place::new();
    let mut command = place.command(programs());
    let mut demo = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(demo.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let end = demo.wait_with_output().unwrap();
    assert!(end.status.success() && end.stderr.is_empty(), "{end:?}");
    place.assert_empty();
}

#[test]
fn what_is_missing_is_told() {
    let place = Place::new();
    fs::copy(programs().join("ipmpd"), place.programs().join("ipmpd")).unwrap();
    assert_refuses(&place.command(&place.programs()).output().unwrap(), &["ipmpstat is not in", "cargo build"]);
    place.assert_empty();
}

#[test]
fn who_may_not_make_namespaces_is_told_what_it_takes() {
    let place = Place::new();
    let mut command = place.command(programs());
    let forbid = || {
        // Nobody's privileges are left after the exec, and no user namespace may be made below this one.
        unshare(CloneFlags::CLONE_NEWUSER)?;
        fs::write("/proc/sys/user/max_user_namespaces", "0")
    };
    // SAFETY: system calls only.
    unsafe { command.pre_exec(forbid) };
    assert_refuses(&command.output().unwrap(), &["make a user namespace", "sudo ipmpd demo", "user namespaces"]);
    place.assert_empty();
}

/// The line with which the first act begins; waits for it.
fn first_act(demo: &mut Child) -> String {
    let lines = BufReader::new(demo.stdout.as_mut().expect("it was piped")).lines().map(Result::unwrap);
    lines.into_iter().find(|line| line.contains("Pull the cable")).expect("the first act begins")
}

fn assert_refuses(end: &Output, words: &[&str]) {
    let said = String::from_utf8_lossy(&end.stderr);
    assert_eq!(end.status.code(), Some(1), "{said}");
    assert!(words.iter().all(|word| said.contains(word)), "{said}");
}

/// Every act with its effect and its numbers, in plain text that fits a terminal.
fn assert_shows_all(end: &Output) {
    let (shown, said) = (String::from_utf8(end.stdout.clone()).unwrap(), String::from_utf8_lossy(&end.stderr));
    println!("{shown}\n{said}");
    assert!(end.status.success() && said.is_empty());
    assert!(shown.chars().all(|c| c == '\n' || (!c.is_control() && c.is_ascii())), "it is plain text");
    assert!(shown.lines().all(|line| line.len() <= 80), "it fits a terminal");
    for sentence in [
        "interface = \"ipmp0\"",
        "ipmpd: The link has gone down on eth0: no carrier",
        "ipmpd: IP interface failure detected on",
        "ipmpd: IP interface repair detected on",
        "ipmpd: Data address 192.0.2.50 moved from eth0 to eth1",
        "taken offline",
        "brought back online",
        "$ ipmpstat -n -g",
        "$ ipmpstat -n -a",
        "Nothing is left behind",
    ] {
        assert!(shown.contains(sentence), "{sentence}");
    }
    assert_eq!(shown.matches("packets sent").count(), 6, "each deed has its line");
    let (_, table) = shown.split_once("All packets").expect("there is a table");
    let numbers = |deed: &str| {
        let row = table.lines().find(|line| line.contains(deed)).unwrap_or_else(|| panic!("no row: {deed}"));
        let numbers: Vec<f64> = row[25..].split_whitespace().filter_map(|word| word.parse().ok()).collect();
        <[f64; 6]>::try_from(numbers).unwrap_or_else(|_| panic!("six numbers: {row}"))
    };
    for deed in ["pulled", "plugged in", "silent", "mended", "taken offline", "brought online"] {
        let [sent_in, lost_in, gap_in, sent_out, lost_out, gap_out] = numbers(deed);
        assert!(lost_in < sent_in && lost_out < sent_out, "traffic survives: {deed}");
        assert!(gap_in > 0.0 && gap_out > 0.0, "gaps are measured: {deed}");
    }
    // Twenty-one probes, over half a second, have to be lost before anyone can know.
    let [_, lost, gap, ..] = numbers("silent");
    assert!(lost > 100.0 && gap > 100.0, "a silent path is seen: {lost} lost, {gap} ms");
}

/// Where the programs are built.
fn programs() -> &'static Path {
    let programs = Path::new(env!("CARGO_BIN_EXE_ipmpd")).parent().unwrap();
    for program in ["ipmpstat", "if_mpadm"] {
        assert!(programs.join(program).is_file(), "{program} is not built; run `cargo test --workspace`");
    }
    programs
}

/// A namespace and directories for one run, to see what it leaves there.
struct Place {
    namespace: Namespace,
    directory: TempDir,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::Builder::new().permissions(Permissions::from_mode(0o755)).tempdir().unwrap();
        let place = Self { namespace: Namespace::new().unwrap(), directory };
        fs::create_dir(place.programs()).unwrap();
        fs::create_dir(place.temporary()).unwrap();
        fs::set_permissions(place.temporary(), Permissions::from_mode(0o777)).unwrap();
        place
    }

    fn programs(&self) -> PathBuf {
        self.directory.path().join("bin")
    }

    fn temporary(&self) -> PathBuf {
        self.directory.path().join("tmp")
    }

    fn command(&self, programs: &Path) -> Command {
        let mut command = self.namespace.command(programs.join("ipmpd"));
        command.arg("demo").stdin(Stdio::null()).current_dir("/");
        command.env("TMPDIR", self.temporary()).env(MARK, self.directory.path());
        command
    }

    /// No file, no link, no process. Nor a namespace then, as only processes hold those of the lab.
    fn assert_empty(&self) {
        let files: Vec<_> = fs::read_dir(self.temporary()).unwrap().map(|file| file.unwrap().path()).collect();
        assert_eq!(files, [""; 0].map(PathBuf::from), "files are left");
        wait_until(PATIENCE, "its processes to end", || Ok(self.processes().is_empty())).unwrap();
        let links: Vec<_> = self.namespace.links().unwrap().into_iter().map(|link| link.name).collect();
        assert_eq!(links, ["lo"], "links are left");
    }

    /// Those that this run has started, itself included.
    fn processes(&self) -> Vec<u32> {
        let mark = format!("{MARK}={}", self.directory.path().display());
        let is_ours = |process: &u32| {
            let environment = fs::read(format!("/proc/{process}/environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
        };
        let names = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().file_name());
        names.filter_map(|name| name.to_str()?.parse().ok()).filter(is_ours).collect()
    }
}
