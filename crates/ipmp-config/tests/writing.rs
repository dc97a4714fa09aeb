//! What goes wrong while files are written: nothing is lost, half written, or left lying about.

mod common;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use common::{Site, edits};
use ipmp_config::{Documents, load};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

const MAIN: &str = include_str!("edits/main.toml");
const MORE: &str = "[[group]]\ninterface = \"ipmp5\"\n";

fn site() -> Site {
    Site::new(MAIN, &[("more.toml", MORE)])
}

fn read(site: &Site) -> Documents {
    Documents::read(&site.main()).expect("readable")
}

/// Moves a member from the main file to the other, so that both change.
fn moved(before: &Documents) -> Documents {
    let mut after = before.clone();
    after.edit_all(&[edits::parse("join ipmp5 eth0")]).expect("possible");
    after
}

fn assert_as_before(site: &Site) {
    assert_eq!((site.text("ipmpd.toml"), site.text("conf.d/more.toml")), (MAIN.to_owned(), MORE.to_owned()));
    assert_eq!(site.names(), ["conf.d", "ipmpd.toml", "more.toml"]);
}

/// In a mount namespace of its own, which goes with the thread.
fn with_mounts(act: impl FnOnce() + Send) {
    thread::scope(|scope| {
        let inside = scope.spawn(|| {
            unshare(CloneFlags::CLONE_NEWNS).expect("a mount namespace");
            mount::<str, str, str, str>(None, "/", None, MsFlags::MS_PRIVATE | MsFlags::MS_REC, None).expect("private");
            act();
        });
        inside.join().expect("the thread tells why");
    });
}

fn bind(path: &Path, flags: MsFlags) {
    mount::<Path, Path, str, str>(Some(path), path, None, MsFlags::MS_BIND, None).expect("bound");
    let flags = MsFlags::MS_BIND | MsFlags::MS_REMOUNT | flags;
    mount::<str, Path, str, str>(None, path, None, flags, None).expect("mounted again");
}

#[test]
fn mode_owner_and_links_stay() {
    let site = site();
    let real = site.path("elsewhere.toml");
    fs::rename(site.main(), &real).expect("moved");
    symlink("elsewhere.toml", site.main()).expect("linked");
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).expect("mode");
    std::os::unix::fs::chown(&real, Some(1234), Some(4321)).expect("owner");
    let before = read(&site);
    let after = moved(&before);
    after.write_over(&before).expect("written");
    assert_eq!(read(&site), after);
    assert!(fs::symlink_metadata(site.main()).expect("there").is_symlink());
    let metadata = fs::metadata(&real).expect("there");
    assert_eq!((metadata.mode() & 0o7777, metadata.uid(), metadata.gid()), (0o640, 1234, 4321));
    assert_eq!(site.names(), ["conf.d", "elsewhere.toml", "ipmpd.toml", "more.toml"]);
}

#[test]
fn files_that_are_the_same_are_left_alone() {
    let site = site();
    let before = read(&site);
    let mut after = before.clone();
    after.edit_all(&[edits::parse("join ipmp5 eth9")]).expect("possible");
    let inode = |name: &str| fs::metadata(site.path(name)).expect("there").ino();
    let (main, more) = (inode("ipmpd.toml"), inode("conf.d/more.toml"));
    after.write_over(&before).expect("written");
    assert_eq!(inode("ipmpd.toml"), main);
    assert_ne!(inode("conf.d/more.toml"), more);
}

#[test]
fn a_read_only_directory_refuses_all_of_it() {
    let site = site();
    with_mounts(|| {
        bind(&site.path("conf.d"), MsFlags::MS_RDONLY);
        let before = read(&site);
        let refusal = moved(&before).write_over(&before).expect_err("refused");
        let file = site.path("conf.d/more.toml");
        let reason = "cannot be written: Read-only file system (os error 30); with -t the change can be made until the next reload";
        assert_eq!(refusal, format!("{} {reason}", file.display()));
        assert_as_before(&site);
    });
}

#[test]
fn a_full_disk_refuses_all_of_it() {
    with_mounts(|| {
        let site = Site::new("", &[]);
        let path = site.path(".");
        mount(Some("tmpfs"), path.as_path(), Some("tmpfs"), MsFlags::empty(), Some("size=32k")).expect("a small disk");
        fs::create_dir(site.path("conf.d")).expect("made");
        let large = format!("{MAIN}{}", "# Filled up.\n".repeat(700));
        site.write("ipmpd.toml", &large);
        site.write("conf.d/more.toml", MORE);
        let before = read(&site);
        site.write("filler", &"x".repeat(12 * 1024));
        let refusal = moved(&before).write_over(&before).expect_err("refused");
        assert!(refusal.contains("No space left on device"), "{refusal}");
        assert_eq!((site.text("ipmpd.toml"), site.text("conf.d/more.toml")), (large, MORE.to_owned()));
        assert_eq!(site.names(), ["conf.d", "filler", "ipmpd.toml", "more.toml"]);
        site.remove("filler");
        moved(&before).write_over(&before).expect("written");
        assert_eq!(read(&site), moved(&before));
    });
}

/// A file that is mounted on its own, as containers have it, cannot be replaced; that shows only when the other file
/// has been replaced already.
#[test]
fn a_file_that_fails_late_puts_the_others_back() {
    let site = site();
    with_mounts(|| {
        bind(&site.path("conf.d/more.toml"), MsFlags::empty());
        let before = read(&site);
        let refusal = moved(&before).write_over(&before).expect_err("refused");
        assert!(refusal.contains("more.toml cannot be written: Device or resource busy"), "{refusal}");
        assert_as_before(&site);
    });
}

#[test]
fn what_an_earlier_one_left_lying_is_no_hindrance() {
    let site = site();
    site.write(".ipmpd.toml.new", "half");
    let before = read(&site);
    moved(&before).write_over(&before).expect("written");
    assert_eq!(site.names(), ["conf.d", "ipmpd.toml", "more.toml"]);
}

/// What says to a run of this program that it is to write for ever, and where.
const WRITER: &str = "IPMP_TEST_WRITER";

/// Written and killed again and again: each time both files are whole, and mean something together.
#[test]
fn whoever_is_killed_leaves_whole_files() {
    if let Some(path) = std::env::var_os(WRITER) {
        write_for_ever(Path::new(&path));
    }
    let seed = rand::random();
    println!("seed {seed}");
    let mut random = SmallRng::seed_from_u64(seed);
    let site = site();
    let before = read(&site);
    let after = moved(&before);
    let mut between = 0;
    for _ in 0..60 {
        let mut writer = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "whoever_is_killed_leaves_whole_files"])
            .env(WRITER, site.main())
            .stdout(Stdio::null())
            .spawn()
            .expect("runs");
        thread::sleep(Duration::from_micros(random.random_range(2_000..20_000)));
        writer.kill().expect("runs still");
        writer.wait().expect("ends");
        load(&site.main()).unwrap_or_else(|findings| panic!("{findings}"));
        let now = read(&site);
        between += usize::from(now != before && now != after);
        before.write_over(&now).expect("written");
    }
    // What a killed one left waiting goes with the next that writes the same file.
    after.write_over(&before).expect("written");
    before.write_over(&after).expect("written");
    assert_as_before(&site);
    println!("{between} of 60 were killed between the two files");
}

fn write_for_ever(main: &Path) -> ! {
    let before = Documents::read(main).expect("readable");
    let after = moved(&before);
    loop {
        after.write_over(&before).expect("written");
        before.write_over(&after).expect("written");
    }
}
