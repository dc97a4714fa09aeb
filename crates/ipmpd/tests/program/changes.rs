//! Changes by clients: what is written down and what is in force stay together, whatever happens in between.

use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::thread;

use super::support::{Daemon, GOOD, Place, wait_until};
use ipmp_control::{Change, Changed, Client, Edit, EditKind, Error, Refusal};
use nix::mount::{MsFlags, mount};
use nix::sys::signal::Signal;

/// A data address of the group of [`GOOD`].
fn add(last: u8) -> Edit {
    let address = Some(format!("192.0.2.{last}/24"));
    let (interface, kind) = ("ipmp0".to_owned(), EditKind::Add);
    Edit { kind, interface, group: None, address, down: None, key: None, value: None }
}

fn lasting(edit: Edit) -> Change {
    Change { edits: vec![edit], ..Change::default() }
}

fn temporary(edit: Edit) -> Change {
    Change { temporary: true, ..lasting(edit) }
}

fn to_be_confirmed(edit: Edit, millis: u64) -> Change {
    Change { confirm_ms: Some(millis), ..lasting(edit) }
}

fn client(place: &Place) -> Client {
    Client::connect(&place.runtime_dir()).unwrap()
}

fn change(place: &Place, change: &Change) -> Result<Changed, Error> {
    client(place).change(change)
}

/// Why it was refused.
fn refused(outcome: Result<Changed, Error>) -> String {
    match outcome {
        Err(Error::Refused(Refusal::ChangeRefused { reason })) => reason,
        other => panic!("not refused: {other:?}"),
    }
}

fn in_file(place: &Place, last: u8) -> bool {
    fs::read_to_string(place.config()).unwrap().contains(&format!("192.0.2.{last}/24"))
}

fn in_force(place: &Place, last: u8) -> bool {
    let wanted: std::net::IpAddr = [192, 0, 2, last].into();
    let groups = client(place).status().unwrap().groups;
    groups.iter().flat_map(|group| &group.addresses).any(|address| address.address == wanted)
}

fn killed_and_started_again<'a>(place: &'a Place, mut daemon: Daemon<'a>) -> Daemon<'a> {
    daemon.signal(Signal::SIGKILL);
    daemon.wait();
    fs::remove_file(place.log()).unwrap();
    place.start()
}

#[test]
fn a_change_is_in_force_and_in_the_file_and_what_else_is_written_stays() {
    let place = Place::new(&format!("# by hand\n{GOOD}# the end\n"));
    let daemon = place.start();
    change(&place, &lasting(add(51))).unwrap();
    assert!(in_force(&place, 51));
    let text = fs::read_to_string(place.config()).unwrap();
    let before = format!("# by hand\n{GOOD}# the end\n");
    assert_eq!(text, before.replace(r#"["192.0.2.50/24"]"#, r#"["192.0.2.50/24", "192.0.2.51/24"]"#));
    assert_eq!(daemon.wait_for("configuration_changed")["what"], "add address 192.0.2.51/24 to ipmp0");
    let _daemon = killed_and_started_again(&place, daemon);
    assert!(in_force(&place, 51));
}

#[test]
fn of_edits_that_belong_together_all_or_none_are_made() {
    let place = Place::new(GOOD);
    let _daemon = place.start();
    let reason = refused(change(&place, &Change { edits: vec![add(51), add(50)], ..Change::default() }));
    assert!(reason.contains("192.0.2.50"), "{reason}");
    assert!(!in_force(&place, 51) && !in_file(&place, 51));
}

#[test]
fn what_many_administrators_change_at_once_is_all_there() {
    let place = Place::new(GOOD);
    let _daemon = place.start();
    thread::scope(|scope| {
        for last in 100..120 {
            let place = &place;
            scope.spawn(move || change(place, &lasting(add(last))).unwrap());
        }
    });
    for last in 100..120 {
        assert!(in_file(&place, last) && in_force(&place, last), "{last}");
    }
}

#[test]
fn a_temporary_change_outlives_the_daemon_and_ends_with_a_reload() {
    let place = Place::new(GOOD);
    let daemon = place.start();
    change(&place, &temporary(add(51))).unwrap();
    change(&place, &lasting(add(52))).unwrap();
    assert!(in_force(&place, 51) && !in_file(&place, 51));
    assert!(in_force(&place, 52) && in_file(&place, 52));
    let _daemon = killed_and_started_again(&place, daemon);
    assert!(in_force(&place, 51), "a crash must not cost an address");
    client(&place).reload().unwrap();
    assert!(!in_force(&place, 51) && in_force(&place, 52));
}

#[test]
fn a_change_that_is_not_confirmed_is_reverted_whatever_happens_to_the_daemon() {
    let place = Place::new(GOOD);
    let daemon = place.start();
    change(&place, &to_be_confirmed(add(51), 3000)).unwrap();
    assert!(in_force(&place, 51) && in_file(&place, 51));
    let reason = refused(change(&place, &lasting(add(52))));
    assert!(reason.contains("waits to be confirmed"), "{reason}");
    let reload = client(&place).reload();
    assert!(matches!(&reload, Err(Error::Refused(Refusal::ReloadRefused { .. }))), "{reload:?}");
    let daemon = killed_and_started_again(&place, daemon);
    assert_eq!(daemon.wait_for("change_reverted")["reason"], "it was not confirmed in time");
    assert!(!in_force(&place, 51));
    assert_eq!(fs::read_to_string(place.config()).unwrap(), GOOD);
    change(&place, &lasting(add(52))).unwrap();
}

#[test]
fn a_change_that_is_confirmed_stays() {
    let place = Place::new(GOOD);
    let daemon = place.start();
    change(&place, &to_be_confirmed(add(51), 60_000)).unwrap();
    client(&place).confirm().unwrap();
    let again = client(&place).confirm();
    assert!(matches!(&again, Err(Error::Refused(Refusal::NothingPending))), "{again:?}");
    let _daemon = killed_and_started_again(&place, daemon);
    assert!(in_force(&place, 51) && in_file(&place, 51));
}

#[test]
fn a_change_can_be_taken_back_at_once() {
    let place = Place::new(GOOD);
    let _daemon = place.start();
    change(&place, &to_be_confirmed(add(51), 60_000)).unwrap();
    client(&place).revert().unwrap();
    assert!(!in_force(&place, 51));
    assert_eq!(fs::read_to_string(place.config()).unwrap(), GOOD);
}

#[test]
fn a_rehearsal_changes_nothing() {
    let place = Place::new(GOOD);
    let _daemon = place.start();
    let changed = change(&place, &Change { dry_run: true, ..lasting(add(51)) }).unwrap();
    assert_eq!(changed.changes, ["add address 192.0.2.51/32 on ipmp0"]);
    assert!(!in_force(&place, 51));
    assert_eq!(fs::read_to_string(place.config()).unwrap(), GOOD);
}

#[test]
fn a_file_that_somebody_edits_is_not_overwritten() {
    let place = Place::new(GOOD);
    let _daemon = place.start();
    let edited = GOOD.replace("none1", "none2");
    place.configure(&edited);
    let reason = refused(change(&place, &lasting(add(51))));
    assert!(reason.contains("ipmpd.toml was changed") && reason.contains("ipmpadm reload"), "{reason}");
    assert_eq!(fs::read_to_string(place.config()).unwrap(), edited);
    client(&place).reload().unwrap();
    change(&place, &lasting(add(51))).unwrap();
}

/// Everything but the runtime directory is read-only for the daemon.
fn read_only(directory: &PathBuf, runtime_dir: &PathBuf) -> io::Result<()> {
    let nothing = None::<&str>;
    mount(Some(runtime_dir), runtime_dir, nothing, MsFlags::MS_BIND, nothing)?;
    mount(Some(directory), directory, nothing, MsFlags::MS_BIND | MsFlags::MS_REC, nothing)?;
    let flags = MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY;
    Ok(mount(nothing, directory, nothing, flags, nothing)?)
}

#[test]
fn what_cannot_be_written_is_refused_and_only_that() {
    let place = Place::new(GOOD);
    fs::create_dir(place.runtime_dir()).unwrap();
    let mut command = place.command(&["--log-format", "json"]);
    let (directory, runtime_dir) = (place.config().parent().unwrap().to_owned(), place.runtime_dir());
    // SAFETY: only system calls between fork and exec.
    unsafe { command.pre_exec(move || read_only(&directory, &runtime_dir)) };
    let daemon = place.spawn(command);
    daemon.wait_for("ready");
    let reason = refused(change(&place, &lasting(add(51))));
    assert!(reason.contains("Read-only file system") && reason.contains("-t"), "{reason}");
    assert!(!in_force(&place, 51));
    change(&place, &temporary(add(51))).unwrap();
    assert!(in_force(&place, 51));
}

/// Kills the daemon at some moment of a change, again and again: it comes up with all of it or nothing.
#[test]
fn a_daemon_that_is_killed_in_a_change_comes_up_with_all_of_it_or_nothing() {
    let place = Place::new(GOOD);
    let mut daemon = place.start();
    let mut made = 0;
    for round in 0..12_u8 {
        let last = 100 + round;
        thread::scope(|scope| {
            let asked = scope.spawn(|| change(&place, &lasting(add(last))));
            // From before it is heard of to after it is done.
            let spun = std::time::Instant::now();
            while spun.elapsed().as_micros() < u128::from(round) * 1500 {
                std::hint::spin_loop();
            }
            daemon.signal(Signal::SIGKILL);
            let _ = asked.join().unwrap();
        });
        daemon.wait();
        fs::remove_file(place.log()).unwrap();
        daemon = place.start();
        assert!(wait_until(|| in_force(&place, last) == in_file(&place, last)), "half of {last} is there");
        made += u8::from(in_file(&place, last));
    }
    println!("{made} of 12 were made");
    change(&place, &lasting(add(200))).unwrap();
}
