//! Real hooks, run by the thread.

use std::fs;
use std::process::Command;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Instant;

use ipmp_control::Field;
use tempfile::TempDir;

use super::*;

/// Longer than anything takes on a busy machine; only a failing test waits for so long.
const PATIENCE: Duration = Duration::from_secs(20);

/// Longer than any test, for a hook that hangs.
const FOR_EVER: u32 = 1000;

/// A directory for hooks, one where they leave things, and what is told of them.
struct Theatre {
    directory: TempDir,
    hooks: Option<Hooks>,
    told: Receiver<Notice>,
}

impl Theatre {
    fn open(limit: Duration) -> Self {
        Self::open_with(limit, PATIENCE)
    }

    fn open_with(limit: Duration, grace: Duration) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let config = directory.path().join("ipmpd.toml");
        let place = Place::beside(&config, directory.path()).unwrap();
        fs::create_dir(&place.directory).unwrap();
        let (tell, told) = channel();
        let hooks = Hooks::start_with(limit, grace, place, move |notice| tell.send(notice).unwrap()).unwrap();
        Self { directory, hooks: Some(hooks), told }
    }

    /// Puts a hook there whose lines may name this directory as `$D`. Copied by another process: who has a file open
    /// for writing keeps it from being run, and so would a child of another test.
    fn hook(&self, name: &str, lines: &str) -> PathBuf {
        let (copied_from, hook) = (self.file("copied"), self.file("hooks.d").join(name));
        fs::write(&copied_from, format!("#!/bin/sh\nD={}\n{lines}\n", self.directory.path().display())).unwrap();
        let copied = Command::new("install").args(["-m", "755"]).arg(&copied_from).arg(&hook).status().unwrap();
        assert!(copied.success());
        hook
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn call(&self, event: Event) {
        self.hooks.as_ref().unwrap().caller().call(&Arc::new(event));
    }

    /// What a hook has left, once the file is there: to be moved there when it is whole.
    fn left(&self, name: &str) -> String {
        wait_until(&format!("{name} is there"), || self.file(name).exists());
        fs::read_to_string(self.file(name)).unwrap()
    }

    fn told(&self) -> Notice {
        self.told.recv_timeout(PATIENCE).expect("something is told of the hooks")
    }

    /// Ends the thread, and gives what it has told and not been asked for.
    fn finish(&mut self) -> Vec<Notice> {
        self.hooks.take().unwrap().finish();
        let mut told = Vec::new();
        loop {
            match self.told.recv_timeout(PATIENCE) {
                Ok(notice) => told.push(notice),
                Err(RecvTimeoutError::Disconnected) => return told,
                Err(RecvTimeoutError::Timeout) => panic!("the thread does not end"),
            }
        }
    }
}

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < deadline, "{what}");
        thread::sleep(Duration::from_millis(5));
    }
}

fn event(number: u64, name: &str) -> Event {
    let field = |name: &str, value: &str| Field { name: name.into(), value: value.into() };
    Event {
        number,
        time_us: 1_000_001,
        level: "error".into(),
        event: name.into(),
        message: "IP interface failure detected on eth0 of group my group".into(),
        fields: vec![field("interface", "eth0"), field("group", "my group"), field("reason", "no\0 carrier")],
    }
}

#[test]
fn a_hook_gets_the_facts_and_nothing_else() {
    let mut theatre = Theatre::open(PATIENCE);
    theatre.hook("facts", r"tr '\0' '\n' </proc/$$/environ | sort >$D/draft; cat >>$D/draft; mv $D/draft $D/facts");
    theatre.call(event(7, "interface_failed"));
    let expected = format!(
        "IPMPD_RUNTIME_DIR={}\nIPMP_EVENT=interface_failed\nIPMP_GROUP=my group\nIPMP_INTERFACE=eth0\n\
         IPMP_LEVEL=error\nIPMP_MESSAGE=IP interface failure detected on eth0 of group my group: no\u{fffd} carrier\n\
         IPMP_NUMBER=7\nIPMP_REASON=no\u{fffd} carrier\nIPMP_TIME=1970-01-01T00:00:01.000001Z\n\
         PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n",
        theatre.directory.path().display()
    );
    assert_eq!(theatre.left("facts"), expected);
    assert_eq!(theatre.finish(), []);
}

#[test]
fn each_is_run_on_each_event_one_after_the_other() {
    let theatre = Theatre::open(PATIENCE);
    theatre.hook("20-second", "echo $IPMP_NUMBER b >>$D/order");
    theatre.hook("10-first", "echo $IPMP_NUMBER a >>$D/order; exec >/dev/null");
    theatre.hook("30-third", "[ $IPMP_NUMBER = 3 ] || exit 0; mv $D/order $D/all");
    (1..=3).for_each(|number| theatre.call(event(number, "link_up")));
    assert_eq!(theatre.left("all"), "1 a\n1 b\n2 a\n2 b\n3 a\n3 b\n");
}

#[test]
fn how_a_hook_failed_is_told_and_the_others_are_run() {
    let theatre = Theatre::open(PATIENCE);
    let hooks = [
        (theatre.hook("1", "exit 3"), "exit status 3"),
        (theatre.hook("2", "kill -9 $$"), "killed by SIGKILL"),
        // Nobody reads for ever.
        (theatre.hook("3", "exec yes"), "killed by SIGPIPE"),
        (theatre.hook("4", "echo >$D/reached; exit 1"), "exit status 1"),
    ];
    theatre.call(event(1, "group_failed"));
    for (hook, reason) in hooks {
        let (hook, on) = (hook.display().to_string(), "group_failed".to_owned());
        assert_eq!(theatre.told(), Notice::HookFailed { hook, on, reason: reason.into() });
    }
    assert_eq!(theatre.left("reached"), "\n");
}

#[test]
fn what_cannot_be_started_is_told() {
    let theatre = Theatre::open(PATIENCE);
    let hook = theatre.hook("hook", "");
    fs::write(&hook, "#!/no/such/interpreter\n").unwrap();
    theatre.call(event(1, "link_up"));
    let Notice::HookFailed { reason, .. } = theatre.told() else { panic!("it fails") };
    assert!(reason.starts_with("it cannot be started: No such file"), "{reason}");
}

#[test]
fn who_takes_too_long_is_killed_with_all_that_it_has_started() {
    let theatre = Theatre::open(Duration::from_millis(300));
    let lines = format!("sleep {FOR_EVER} & echo $! >$D/draft; mv $D/draft $D/child; wait");
    let slow = theatre.hook("10-slow", &lines);
    theatre.hook("20-next", "[ $IPMP_EVENT = link_up ] && echo >$D/next");
    theatre.call(event(1, "link_up"));
    let reason = "not done within 300ms, and killed".to_owned();
    let hook = slow.display().to_string();
    assert_eq!(theatre.told(), Notice::HookFailed { hook, on: "link_up".into(), reason });
    theatre.left("next");
    let stat = format!("/proc/{}/stat", theatre.left("child").trim());
    // Somebody else has to bury it.
    wait_until("its child is dead", || fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") Z ")));
}

#[test]
fn what_a_hook_leaves_behind_holds_up_nobody() {
    let mut theatre = Theatre::open(PATIENCE);
    // It has the other end of the pipe, and ends once the directory is gone.
    theatre.hook("hook", "(while [ -d $D ]; do sleep 0.1; done) & echo >>$D/$IPMP_EVENT");
    theatre.call(event(1, "link_down"));
    theatre.call(event(2, "link_up"));
    theatre.left("link_down");
    theatre.left("link_up");
    assert_eq!(theatre.finish(), []);
}

#[test]
fn what_is_refused_is_told_once() {
    let theatre = Theatre::open(PATIENCE);
    let bad = theatre.hook("bad", "echo >$D/bad");
    theatre.hook("good", "echo >$D/$IPMP_NUMBER");
    let mode = |mode| fs::set_permissions(&bad, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    let refused = || {
        let (hook, reason) = (bad.display().to_string(), "others may write it (mode 777)".to_owned());
        Notice::HookRefused { hook, reason }
    };
    mode(0o777);
    theatre.call(event(1, "link_up"));
    assert_eq!(theatre.told(), refused());
    theatre.call(event(2, "link_up"));
    theatre.left("2");
    assert!(!theatre.file("bad").exists());
    mode(0o755);
    theatre.call(event(3, "link_up"));
    theatre.left("bad");
    mode(0o777);
    theatre.call(event(4, "link_up"));
    assert_eq!(theatre.told(), refused(), "told again, and not before");
}

#[test]
fn nothing_that_is_told_of_hooks_runs_any() {
    let theatre = Theatre::open(PATIENCE);
    theatre.hook("hook", "echo $IPMP_EVENT >>$D/draft; [ $IPMP_EVENT = link_up ] && mv $D/draft $D/all");
    let of_hooks: Vec<_> = ipmp_core::notice::MESSAGES.iter().map(|message| message.event).collect();
    let of_hooks = of_hooks.into_iter().filter(|event| event.contains("hook"));
    assert!(of_hooks.clone().count() > 2);
    of_hooks.for_each(|name| theatre.call(event(1, name)));
    theatre.call(event(2, "link_up"));
    assert_eq!(theatre.left("all"), "link_up\n");
}

#[test]
fn more_events_than_wait_are_passed_over_and_told() {
    let theatre = Theatre::open(PATIENCE);
    let hook = theatre.hook("hook", "echo >$D/busy; until [ -e $D/go ]; do sleep 0.01; done");
    theatre.call(event(0, "address_moved"));
    theatre.left("busy");
    let more = 100;
    (0..QUEUE_MAX as u64 + more).for_each(|number| theatre.call(event(number, "address_moved")));
    fs::remove_file(hook).unwrap();
    fs::write(theatre.file("go"), "").unwrap();
    assert_eq!(theatre.told(), Notice::HooksLate { count: more });
}

#[test]
fn the_end_of_the_daemon_does_not_wait_for_a_hook_that_hangs() {
    let mut theatre = Theatre::open_with(PATIENCE, Duration::from_millis(100));
    let hook = theatre.hook("hook", &format!("echo >$D/busy; exec sleep {FOR_EVER}"));
    theatre.call(event(1, "stopping"));
    theatre.call(event(2, "stopping"));
    theatre.left("busy");
    let told = theatre.finish();
    let reason = "the daemon has ended, and it was killed".to_owned();
    assert_eq!(told, [Notice::HookFailed { hook: hook.display().to_string(), on: "stopping".into(), reason }]);
}

#[test]
fn the_last_event_is_not_lost() {
    let mut theatre = Theatre::open(PATIENCE);
    theatre.hook("hook", "echo >$D/last");
    theatre.call(event(1, "stopping"));
    assert_eq!(theatre.finish(), []);
    assert!(theatre.file("last").exists());
}
